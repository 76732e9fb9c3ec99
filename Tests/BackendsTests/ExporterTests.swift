import CPlatform
import Foundation
import PurserTelemetry
import Testing

@testable import PurserBackends

@Suite struct ExporterTests {
  let registry: InstrumentRegistry
  let exporter: Exporter
  let sink: MemorySink
  let sinkID: UInt32

  init() throws {
    registry = try #require(InstrumentRegistry())
    // An interval nobody waits for: what happens is asked for.
    exporter = try #require(Exporter(registry: registry, intervalNanoseconds: 3_600_000_000_000))
    sink = try #require(MemorySink())
    sinkID = exporter.add(sink: sink)
  }

  func lines(_ numbers: Range<Int>) -> [String] { numbers.map { "{\"n\":\($0)}" } }

  @Test func flushWithoutAThreadDrainsInPlace() throws {
    let worker = try Worker(registry)
    exporter.add(ring: worker.ring)
    for number in 0..<10 { worker.log(number, sink: sinkID) }
    #expect(!exporter.isRunning)
    #expect(exporter.flush(timeoutNanoseconds: 0))
    #expect(sink.lines == lines(0..<10))
    exporter.remove(ring: worker.ring)
  }

  @Test func flushWaitsForTheThread() throws {
    let worker = try Worker(registry)
    exporter.add(ring: worker.ring)
    try exporter.start()
    try exporter.start()
    #expect(exporter.isRunning)
    for round in 0..<5 {
      for number in 0..<10 { worker.log(round * 10 + number, sink: sinkID) }
      #expect(exporter.flush(timeoutNanoseconds: 30_000_000_000))
      #expect(sink.lines == lines(0..<(round + 1) * 10))
    }
    exporter.remove(ring: worker.ring)
    exporter.stop()
  }

  @Test func aRingThatLeavesIsDrainedFirst() throws {
    try exporter.start()
    for round in 0..<20 {
      let worker = try Worker(registry)
      exporter.add(ring: worker.ring)
      worker.log(round, sink: sinkID)
      exporter.remove(ring: worker.ring)
      registry.freeShard(worker.shard)
    }
    exporter.stop()
    #expect(sink.lines == lines(0..<20))
  }

  @Test func stopDrainsAndEndsTheThread() throws {
    let worker = try Worker(registry)
    exporter.add(ring: worker.ring)
    try exporter.start()
    worker.log(0, sink: sinkID)
    exporter.stop()
    #expect(!exporter.isRunning)
    #expect(sink.lines == lines(0..<1))
    exporter.stop()
    // It does not come back.
    try exporter.start()
    #expect(!exporter.isRunning)
    exporter.remove(ring: worker.ring)
  }

  @Test func aSinkThatLeavesGetsWhatWasMeantForIt() throws {
    let worker = try Worker(registry)
    exporter.add(ring: worker.ring)
    let other = try #require(MemorySink())
    let otherID = exporter.add(sink: other)
    #expect(otherID != sinkID)
    try exporter.start()
    worker.log(1, sink: otherID)
    worker.log(2, sink: sinkID)
    exporter.remove(sink: otherID)
    #expect(exporter.flush(timeoutNanoseconds: 30_000_000_000))
    #expect(other.lines == lines(1..<2))
    #expect(sink.lines == lines(2..<3))
    // Nobody is there any more: lost, and counted.
    worker.log(3, sink: otherID)
    #expect(exporter.flush(timeoutNanoseconds: 30_000_000_000))
    #expect(registry.counters()[.logWriteFailures] == 1)
    exporter.stop()
    exporter.remove(ring: worker.ring)
  }

  @Test func lostLinesAreCounted() throws {
    let worker = try Worker(registry)
    exporter.add(ring: worker.ring)
    let full = exporter.add(sink: try LinesWriter(path: "/dev/full"))
    for number in 0..<7 { worker.log(number, sink: full) }
    exporter.flush(timeoutNanoseconds: 0)
    #expect(registry.counters()[.logWriteFailures] == 7)
    #expect(registry.counters()[.logRecords] == 7)
    exporter.remove(ring: worker.ring)
  }

  @Test func manyWorkersAtOnceLoseNothing() throws {
    try exporter.start()
    let (workers, each) = (4, 5000)
    let (exporter, registry, sinkID) = (exporter, registry, sinkID)
    nonisolated(unsafe) let kept = UnsafeMutablePointer<UInt64>.allocate(capacity: workers)
    kept.initialize(repeating: 0, count: workers)
    defer { kept.deallocate() }
    DispatchQueue.concurrentPerform(iterations: workers) { index in
      guard let worker = try? Worker(registry) else { return }
      exporter.add(ring: worker.ring)
      for number in 0..<each {
        if worker.log(index * each + number, sink: sinkID) { kept[index] += 1 }
        if number % 500 == 0 { exporter.wake() }
      }
      exporter.remove(ring: worker.ring)
      registry.freeShard(worker.shard)
    }
    exporter.stop()
    let total = (0..<workers).reduce(0) { $0 + kept[$1] }
    #expect(UInt64(sink.lines.count) == total)
    #expect(Set(sink.lines).count == sink.lines.count)
    #expect(registry.counters()[.logRecordsDropped] == UInt64(workers * each) - total)
  }

  @Test func itsThreadBlocksEverySignal() throws {
    let status = UnsafeMutablePointer<UInt64>.allocate(capacity: 1)
    status.initialize(to: 0)
    defer { status.deallocate() }
    nonisolated(unsafe) let mask = status
    let exporter = try #require(
      Exporter(registry: registry) { now in
        let text = (try? String(contentsOfFile: "/proc/thread-self/status", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("SigBlk:") } ?? ""
        let value = UInt64(line.split(separator: "\t").last ?? "", radix: 16) ?? 0
        platform_store_release(mask, now > 0 ? value : 0)
      })
    try exporter.start()
    #expect(exporter.flush(timeoutNanoseconds: 30_000_000_000))
    exporter.stop()
    // SIGINT, SIGPIPE, SIGTERM, SIGPROF.
    for signal in [2, 13, 15, 27] { #expect(platform_load_acquire(mask) & (1 << UInt64(signal - 1)) != 0) }
  }
}
