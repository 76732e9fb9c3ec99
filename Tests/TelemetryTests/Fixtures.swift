import CEL
import CPlatform
import Testing

@testable import PurserTelemetry

/// An engine's registry with its workers' shards, and text that lives as long.
final class Fixture {
  let registry: InstrumentRegistry
  let text = TextStore()

  init(instrumentsMax: Int = 64) throws {
    registry = try #require(InstrumentRegistry(instrumentsMax: instrumentsMax))
  }

  func shard() throws -> UnsafeMutablePointer<Shard> { try #require(registry.makeShard()) }

  func counter(
    _ name: String = "requests_total", labels: [String] = [], seriesMax: Int = 100
  ) throws -> UnsafeMutablePointer<InstrumentState> {
    try registry.acquire(
      scope: "", InstrumentDefinition(name: name, kind: .counter, labelNames: labels, seriesMax: seriesMax))
  }

  @discardableResult
  func add(
    _ value: Value = .int(1), to instrument: UnsafeMutablePointer<InstrumentState>,
    in shard: UnsafeMutablePointer<Shard>, _ labels: [Value] = [], now: Int64 = 1
  ) -> RecordOutcome {
    labels.withUnsafeBufferPointer { record(value, to: instrument, in: shard, labels: $0.baseAddress, now: now) }
  }

  func series(_ name: String) -> [SeriesSnapshot] {
    registry.snapshot { $1.name == name }.first?.series ?? []
  }
}

/// Strings as CEL values, kept until the test ends.
final class TextStore {
  private var memory: [UnsafeMutablePointer<UInt8>] = []

  deinit { for block in memory { block.deallocate() } }

  func bytes(_ text: String) -> Bytes {
    let utf8 = Array(text.utf8)
    let block = UnsafeMutablePointer<UInt8>.allocate(capacity: max(utf8.count, 1))
    memory.append(block)
    block.update(from: utf8, count: utf8.count)
    return Bytes(UnsafeRawPointer(block), count: UInt32(utf8.count))
  }

  func string(_ text: String) -> Value { .string(bytes(text)) }
}

/// What `body` writes into a span.
func written(capacity: Int = 4096, _ body: (inout TextSpan) -> Void) -> String {
  withUnsafeTemporaryAllocation(of: UInt8.self, capacity: max(capacity, 1)) { memory in
    guard let base = memory.baseAddress else { return "" }
    var span = TextSpan(base, capacity: capacity)
    body(&span)
    return String(decoding: UnsafeBufferPointer(start: base, count: span.count), as: UTF8.self)
  }
}

/// Runs `body` on `count` threads at once and waits for them.
func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
  final class Job: Sendable {
    let index: Int
    let body: @Sendable (Int) -> Void

    init(_ index: Int, _ body: @escaping @Sendable (Int) -> Void) {
      self.index = index
      self.body = body
    }
  }
  let threads = (0..<count).map { index in
    var error: Int32 = 0
    return platform_thread_start(
      { context in
        guard let context else { return }
        let job = Unmanaged<Job>.fromOpaque(context).takeRetainedValue()
        job.body(job.index)
      }, Unmanaged.passRetained(Job(index, body)).toOpaque(), "test", &error)
  }
  for thread in threads { platform_thread_join(thread) }
}
