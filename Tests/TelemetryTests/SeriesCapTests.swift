import CEL
import CPlatform
import Testing

@testable import PurserTelemetry

@Suite struct SeriesCapTests {
  @Test func pastTheCapRecordingsOverflow() throws {
    let it = try Fixture()
    let shard = try it.shard()
    let instrument = try it.counter(labels: ["user"], seriesMax: 3)
    for user in 0..<10 {
      let outcome = it.add(to: instrument, in: shard, [.int(Int64(user))])
      #expect(outcome == (user < 3 ? .recorded : .overflowed))
    }
    #expect(it.add(to: instrument, in: shard, [.int(1)]) == .recorded)
    let series = it.series("requests_total")
    #expect(series.map(\.labelValues) == [["0"], ["1"], ["2"], []])
    #expect(series.last?.isOverflow == true)
    #expect(series.last?.value == .counter(whole: 7, rest: 0))
    #expect(it.registry.counters()[.seriesOverflow] == 7)
  }

  @Test func idleSeriesMakeRoom() throws {
    let it = try Fixture()
    let shard = try it.shard()
    let instrument = try it.counter(labels: ["user"], seriesMax: 2)
    it.add(to: instrument, in: shard, [.int(1)], now: 100)
    it.add(to: instrument, in: shard, [.int(2)], now: 1000)
    #expect(it.registry.expire(now: 1100, idle: 500) == 0)
    // Retired, but not yet harvested: it no longer is in the table, and its label set still has its numbers.
    #expect(it.registry.expire(now: 1100, idle: 500) == 1)
    #expect(it.series("requests_total").map(\.labelValues) == [["2"]])
    #expect(it.add(.int(5), to: instrument, in: shard, [.int(3)], now: 1200) == .recorded)
    #expect(it.add(.int(5), to: instrument, in: shard, [.int(4)], now: 1200) == .overflowed)
    // The id is the old one's, its numbers are not.
    #expect(
      it.series("requests_total").map(\.value).prefix(2) == [.counter(whole: 1, rest: 0), .counter(whole: 5, rest: 0)])
    #expect(it.registry.counters()[.seriesExpired] == 1)
  }

  @Test func aRetiredSeriesThatComesBackGoesOn() throws {
    let it = try Fixture()
    let shard = try it.shard()
    let instrument = try it.counter(labels: ["user"], seriesMax: 2)
    it.add(.int(3), to: instrument, in: shard, [.int(1)], now: 100)
    it.add(.int(4), to: instrument, in: shard, [.int(2)], now: 100)
    it.registry.expire(now: 1100, idle: 500)
    it.add(.int(1), to: instrument, in: shard, [.int(1)], now: 1200)
    #expect(it.registry.expire(now: 1200, idle: 500) == 1)
    #expect(it.series("requests_total").map(\.value) == [.counter(whole: 4, rest: 0)])
    #expect(it.registry.expire(now: 1300, idle: 500) == 0)
    #expect(it.add(to: instrument, in: shard, [.int(1)], now: 1300) == .recorded)
    #expect(it.series("requests_total").map(\.value) == [.counter(whole: 5, rest: 0)])
  }

  @Test func aRecordingUnderWayHoldsTheHarvestUp() throws {
    let it = try Fixture()
    let shard = try it.shard()
    let instrument = try it.counter(labels: ["user"])
    it.add(.int(3), to: instrument, in: shard, [.int(1)], now: 100)
    platform_enter(shard.pointee.words)
    it.registry.expire(now: 1100, idle: 500)
    #expect(it.registry.expire(now: 1100, idle: 500) == 0)
    // It had found the series before it was retired, and records into it.
    let cell = try #require(Shard.cell(shard, instrument, id: 1))
    Cell.add(whole: 1, cell)
    platform_store_release(cell, Cell.stamp(1100))
    platform_leave(shard.pointee.words)
    #expect(it.registry.expire(now: 1100, idle: 500) == 0)
    #expect(it.series("requests_total").map(\.value) == [.counter(whole: 4, rest: 0)])
    #expect(it.add(to: instrument, in: shard, [.int(1)], now: 1100) == .recorded)
    #expect(it.series("requests_total").map(\.value) == [.counter(whole: 5, rest: 0)])
  }

  @Test func aWorkerThatIsGoneHoldsNothingUp() throws {
    let it = try Fixture()
    let (a, b) = (try it.shard(), try it.shard())
    let instrument = try it.counter(labels: ["user"])
    it.add(to: instrument, in: a, [.int(1)], now: 100)
    platform_enter(b.pointee.words)
    it.registry.expire(now: 1100, idle: 500)
    it.registry.freeShard(b)
    #expect(it.registry.expire(now: 1100, idle: 500) == 1)
  }
}
