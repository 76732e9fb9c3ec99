import CEL
import Testing

@testable import PurserTelemetry

@Suite struct InstrumentRegistryTests {
  @Test func equalDefinitionsCarryOver() throws {
    let it = try Fixture()
    let shard = try it.shard()
    let old = try it.counter(labels: ["a"])
    it.add(to: old, in: shard, [.int(1)])
    let new = try it.counter(labels: ["a"])
    #expect(old == new)
    it.registry.release(old)
    #expect(it.series("requests_total").count == 1)
    it.registry.release(new)
    #expect(it.registry.snapshot().isEmpty)
  }

  @Test func anythingDifferentIsAnotherInstrument() throws {
    let it = try Fixture()
    let first = try it.counter(labels: ["a"])
    #expect(try it.counter(labels: ["b"]) != first)
    #expect(try it.counter(labels: ["a"], seriesMax: 99) != first)
    let other = try it.registry.acquire(
      scope: "edge", InstrumentDefinition(name: "requests_total", kind: .counter, labelNames: ["a"], seriesMax: 100))
    #expect(other != first)
    #expect(it.registry.snapshot { scope, _ in scope == "edge" }.count == 1)
  }

  @Test func aFreedPlaceIsUsedAgainAndStartsEmpty() throws {
    let it = try Fixture(instrumentsMax: 1)
    let shard = try it.shard()
    for round in 0..<3 {
      let instrument = try it.counter("m\(round)")
      #expect(throws: InstrumentProblem.tooManyInstruments) { try it.counter("other") }
      it.add(.int(Int64(round)), to: instrument, in: shard)
      #expect(it.series("m\(round)").map(\.value) == [.counter(whole: Int64(round), rest: 0)])
      it.registry.release(instrument)
    }
  }

  @Test func anUnsoundDefinitionIsRefused() throws {
    let it = try Fixture()
    #expect(throws: InstrumentProblem.illegalName) { try it.counter("no good") }
  }

  @Test func whatAWorkerRecordedOutlivesIt() throws {
    let it = try Fixture()
    let instrument = try it.counter(labels: ["user"], seriesMax: 200)
    let distribution = try it.registry.acquire(
      scope: "", InstrumentDefinition(name: "d", kind: .distribution, buckets: [1]))
    let staying = try it.shard()
    for round in 0..<3 {
      let shard = try it.shard()
      for user in 0..<150 {
        it.add(to: instrument, in: shard, [.int(Int64(user))])
        it.add(to: instrument, in: staying, [.int(Int64(user))])
        it.add(.int(Int64(round)), to: distribution, in: shard)
      }
      Shard.count(shard, .reports, 10)
      it.registry.freeShard(shard)
    }
    #expect(it.series("requests_total").count == 150)
    #expect(it.series("requests_total").allSatisfy { $0.value == .counter(whole: 6, rest: 0) })
    #expect(it.series("d").map(\.value) == [.distribution(bucketCounts: [300, 150], sum: 450)])
    #expect(it.registry.counters()[.reports] == 30)
  }

  @Test func snapshotsAreOrderedByNameAndLabels() throws {
    let it = try Fixture()
    let shard = try it.shard()
    for name in ["b", "a", "c"] {
      let instrument = try it.counter(name, labels: ["x", "y"], seriesMax: 4)
      for (x, y) in [("b", "a"), ("a", "b"), ("", "z"), ("a", "a"), ("over", "flow")] {
        it.add(to: instrument, in: shard, [it.text.string(x), it.text.string(y)])
      }
    }
    let snapshot = it.registry.snapshot()
    #expect(snapshot.map(\.definition.name) == ["a", "b", "c"])
    for instrument in snapshot {
      #expect(instrument.series.map(\.labelValues) == [["", "z"], ["a", "a"], ["a", "b"], ["b", "a"], []])
    }
    #expect(it.registry.snapshot() == snapshot)
  }

  @Test func theEnginesOwnCountersHaveNamesOfTheirOwn() {
    #expect(SelfCounter.allCases.count == SelfCounter.count)
    var seen: Set<String> = []
    for counter in SelfCounter.allCases {
      let label = counter.label.map { "\($0.name)=\($0.value)" } ?? ""
      #expect(seen.insert("\(counter.name){\(label)}").inserted)
      #expect("\(counter.name)".hasPrefix("purser_") && "\(counter.name)".hasSuffix("_total"))
    }
  }
}
