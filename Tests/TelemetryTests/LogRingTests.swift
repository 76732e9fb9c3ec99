import CEL
import CPlatform
import Testing

@testable import PurserTelemetry

@Suite struct LogRingTests {
  /// A ring on a shard of its own.
  final class Log {
    let fixture: Fixture
    let shard: UnsafeMutablePointer<Shard>
    let ring: UnsafeMutablePointer<LogRing>
    let scratch = UnsafeMutablePointer<UInt8>.allocate(capacity: LogRing.recordBytesMax)

    init() throws {
      fixture = try Fixture()
      shard = try fixture.shard()
      ring = try #require(LogRing.make(bytes: 0, shard: shard))
    }

    deinit {
      LogRing.free(ring)
      scratch.deallocate()
    }

    func drain() -> [(sink: UInt32, line: String)] {
      var lines: [(UInt32, String)] = []
      LogRing.drain(ring, scratch: scratch) { lines.append(($0, String(decoding: $1, as: UTF8.self))) }
      return lines
    }

    var counters: SelfCounterSnapshot { fixture.registry.counters() }
  }

  @Test func aRecordIsOneLineOfJSON() throws {
    let log = try Log()
    let definition = try #require(LogDefinition(fieldNames: ["method", "od\"d\n", "code", "gone"]))
    LogRing.begin(log.ring)
    LogRing.field(log.ring, key: definition.keys[0], log.fixture.text.string("GET"))
    LogRing.field(log.ring, key: definition.keys[1], .bool(true))
    LogRing.field(log.ring, key: definition.keys[2], .int(200))
    LogRing.field(log.ring, key: definition.keys[3], .error(EvaluationError(.noSuchKey)))
    #expect(LogRing.commit(log.ring, sink: 7))
    let lines = log.drain()
    #expect(lines.map(\.line) == [#"{"method":"GET","od\"d\n":true,"code":200,"gone":null}"# + "\n"])
    #expect(lines.map(\.sink) == [7])
    #expect(log.drain().isEmpty)
    #expect(log.counters[.logRecords] == 1)
    #expect(log.counters[.logFieldErrors] == 1)
  }

  @Test func oneRecordMayGoToSeveralSinks() throws {
    let log = try Log()
    LogRing.begin(log.ring)
    LogRing.commit(log.ring, sink: 1)
    LogRing.commit(log.ring, sink: 2)
    #expect(log.drain().map { "\($0.sink)\($0.line)" } == ["1{}\n", "2{}\n"])
  }

  @Test func aCancelledRecordIsForgotten() throws {
    let log = try Log()
    let definition = try #require(LogDefinition(fieldNames: ["a"]))
    LogRing.begin(log.ring)
    LogRing.field(log.ring, key: definition.keys[0], .int(1))
    LogRing.cancel(log.ring)
    #expect(log.drain().isEmpty)
    LogRing.begin(log.ring)
    LogRing.field(log.ring, key: definition.keys[0], .int(2))
    LogRing.begin(log.ring)
    LogRing.commit(log.ring, sink: 1)
    #expect(log.drain().map(\.line) == ["{}\n"])
  }

  @Test func aFullRingDropsAndCounts() throws {
    let log = try Log()
    let definition = try #require(LogDefinition(fieldNames: ["n"]))
    var kept = 0
    for index in 0..<10_000 {
      LogRing.begin(log.ring)
      LogRing.field(log.ring, key: definition.keys[0], .int(Int64(index)))
      if LogRing.commit(log.ring, sink: 1) { kept += 1 }
    }
    #expect(log.counters[.logRecordsDropped] == UInt64(10_000 - kept))
    #expect(kept > 1000 && kept < 10_000)
    let lines = log.drain().map(\.line)
    #expect(lines == (0..<kept).map { "{\"n\":\($0)}\n" })
    LogRing.begin(log.ring)
    #expect(LogRing.commit(log.ring, sink: 1))
  }

  @Test func recordsGoRoundTheEnd() throws {
    let log = try Log()
    let definition = try #require(LogDefinition(fieldNames: ["n", "s"]))
    var expected: [String] = []
    var got: [String] = []
    for index in 0..<2000 {
      let filler = String(repeating: "x", count: (index * 37) % 4000)
      LogRing.begin(log.ring)
      LogRing.field(log.ring, key: definition.keys[0], .int(Int64(index)))
      LogRing.field(log.ring, key: definition.keys[1], log.fixture.text.string(filler))
      #expect(LogRing.commit(log.ring, sink: 1))
      expected.append("{\"n\":\(index),\"s\":\"\(filler)\"}\n")
      if index % 13 == 0 { got += log.drain().map(\.line) }
    }
    got += log.drain().map(\.line)
    #expect(got == expected)
  }

  @Test func longTextIsCutAndMarked() throws {
    let log = try Log()
    let definition = try #require(LogDefinition(fieldNames: ["s"]))
    LogRing.begin(log.ring)
    LogRing.field(log.ring, key: definition.keys[0], log.fixture.text.string(String(repeating: "€", count: 5000)))
    LogRing.commit(log.ring, sink: 1)
    let cut = String(repeating: "€", count: LogRing.textBytesMax / 3)
    #expect(log.drain().map(\.line) == ["{\"s\":\"\(cut)\",\"purser.clipped\":true}\n"])
    #expect(log.counters[.logRecordsClipped] == 1)
  }

  @Test func fieldsPastTheRecordsSizeAreLeftOut() throws {
    let log = try Log()
    let names = (0..<200).map { "field\($0)" }
    let definition = try #require(LogDefinition(fieldNames: names))
    let value = log.fixture.text.string(String(repeating: "\u{1}", count: 1000))
    LogRing.begin(log.ring)
    for index in 0..<200 { LogRing.field(log.ring, key: definition.keys[index], value) }
    LogRing.field(log.ring, key: definition.keys[199], .int(1))
    #expect(LogRing.commit(log.ring, sink: 1))
    let line = try #require(log.drain().first?.line)
    #expect(line.utf8.count <= LogRing.recordBytesMax)
    #expect(line.hasPrefix("{\"field0\":\"\\u0001"))
    #expect(line.hasSuffix(",\"field199\":1,\"purser.clipped\":true}\n"))
  }

  @Test func oneWriterAndOneReaderAtOnce() throws {
    let log = try Log()
    let definition = try #require(LogDefinition(fieldNames: ["n"]))
    let count = 50_000
    nonisolated(unsafe) let ring = log.ring
    nonisolated(unsafe) let scratch = log.scratch
    let done = UnsafeMutablePointer<UInt64>.allocate(capacity: 1)
    done.initialize(to: 0)
    defer { done.deallocate() }
    nonisolated(unsafe) let finished = done
    nonisolated(unsafe) var numbers: [Int] = []
    nonisolated(unsafe) var committed: [Int] = []
    onThreads(2) { thread in
      if thread == 0 {
        for index in 0..<count {
          LogRing.begin(ring)
          LogRing.field(ring, key: definition.keys[0], .int(Int64(index)))
          if LogRing.commit(ring, sink: 1) { committed.append(index) }
        }
        platform_store_release(finished, 1)
      } else {
        var isLast = false
        repeat {
          isLast = platform_load_acquire(finished) == 1
          LogRing.drain(ring, scratch: scratch) { _, line in
            numbers.append(Int(String(decoding: line.dropFirst(5).dropLast(2), as: UTF8.self)) ?? -1)
          }
        } while !isLast
      }
    }
    #expect(numbers == committed)
    #expect(log.counters[.logRecordsDropped] == UInt64(count - committed.count))
  }
}
