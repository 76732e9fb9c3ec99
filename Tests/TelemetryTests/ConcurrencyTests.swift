import CEL
import CPlatform
import Testing

@testable import PurserTelemetry

@Suite struct ConcurrencyTests {
  /// Writers, coming and going workers, snapshots and expiry at once: at the end every recording is there, once.
  @Test func nothingIsLostOrCountedTwice() throws {
    let registry = try #require(InstrumentRegistry(instrumentsMax: 8))
    let definition = InstrumentDefinition(name: "requests_total", kind: .counter, labelNames: ["user"], seriesMax: 64)
    nonisolated(unsafe) let instrument = try registry.acquire(scope: "", definition)
    let (writers, rounds, each) = (4, 20, 2000)
    onThreads(writers + 2) { thread in
      if thread == writers {
        // A snapshot may be early, but never goes back.
        var last: Int64 = 0
        for _ in 0..<200 {
          let now = ConcurrencyTests.sum(registry)
          #expect(now >= last)
          last = now
        }
        return
      }
      if thread > writers {
        // No clock here is older than any recording's: nothing may expire, however often tables are looked at.
        for _ in 0..<200 { registry.expire(now: 1, idle: 10) }
        return
      }
      for _ in 0..<rounds {
        guard let shard = registry.makeShard() else { return }
        for index in 0..<each {
          var label = Value.int(Int64((index &* 7 &+ thread) % 100))
          record(.int(1), to: instrument, in: shard, labels: &label, now: 5)
        }
        registry.freeShard(shard)
      }
    }
    #expect(ConcurrencyTests.sum(registry) == Int64(writers * rounds * each))
    let series = registry.snapshot().first?.series ?? []
    #expect(series.count == 65)
    #expect(registry.counters()[.seriesOverflow] > 0)
  }

  /// Expiry against writers that keep coming back to the same few label sets and leave others: a live series keeps its
  /// numbers, and no label set is ever there twice.
  @Test func expiryRacesWithRecording() throws {
    let registry = try #require(InstrumentRegistry(instrumentsMax: 8))
    let definition = InstrumentDefinition(name: "m", kind: .counter, labelNames: ["user"], seriesMax: 500)
    nonisolated(unsafe) let instrument = try registry.acquire(scope: "", definition)
    let clock = UnsafeMutablePointer<UInt64>.allocate(capacity: 1)
    clock.initialize(to: 1000)
    defer { clock.deallocate() }
    nonisolated(unsafe) let time = clock
    onThreads(4) { thread in
      if thread == 3 {
        for round in 0..<300 {
          platform_store_release(time, UInt64(1000 + round * 10))
          registry.expire(now: Int64(1000 + round * 10), idle: 15)
          let labels = registry.snapshot().first?.series.map(\.labelValues) ?? []
          #expect(Set(labels).count == labels.count)
        }
        return
      }
      guard let shard = registry.makeShard() else { return }
      for index in 0..<60_000 {
        var label = Value.int(Int64(index % 4 == 0 ? index / 64 : thread))
        let now = Int64(platform_load_acquire(time))
        record(.int(1), to: instrument, in: shard, labels: &label, now: now)
      }
      registry.freeShard(shard)
    }
    let own = registry.snapshot().first?.series.filter { ["0", "1", "2"].contains($0.labelValues.first) } ?? []
    for series in own {
      if case .counter(let whole, _) = series.value { #expect(whole <= 3 * 60_000) }
    }
    // When all is quiet, everything goes.
    registry.expire(now: 1_000_000, idle: 1)
    registry.expire(now: 1_000_000, idle: 1)
    #expect(registry.snapshot().first?.series.filter { !$0.isOverflow }.isEmpty == true)
  }

  private static func sum(_ registry: InstrumentRegistry) -> Int64 {
    var sum: Int64 = 0
    for series in registry.snapshot().first?.series ?? [] {
      if case .counter(let whole, _) = series.value { sum += whole }
    }
    return sum
  }
}
