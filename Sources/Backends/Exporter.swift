// The thread that carries log records from the workers' rings to the sinks.
//
//   worker ── commit ──► ring ─┐
//   worker ── commit ──► ring ─┴─ drain, every 100 ms or when woken ──► sinks
//
// It exists only once a backend needs it. Rings and sinks come and go under a lock that the request path never takes.
// One that leaves is drained once more, and only then let go, so nothing written before is lost.

import CPlatform
import PurserTelemetry

public final class Exporter: @unchecked Sendable {
  private struct RingEntry {
    let ring: UnsafeMutablePointer<LogRing>
    var isLeaving = false
  }

  private struct SinkEntry {
    let id: UInt32
    let sink: LogSink
    var isLeaving = false
  }

  private let registry: InstrumentRegistry
  private let intervalNanoseconds: Int64
  private let tick: (@Sendable (_ monotonicNow: Int64) -> Void)?
  /// Held through a round: one drains at a time.
  private let draining: OpaquePointer
  private let scratch: UnsafeMutablePointer<UInt8>
  /// Guards what follows, and wakes who waits for a change of it.
  private let signal: OpaquePointer
  private var rings: [RingEntry] = []
  private var sinks: [SinkEntry] = []
  private var sinkNext: UInt32 = 1
  private var thread: OpaquePointer?
  private var isStopping = false
  private var roundsAsked: UInt64 = 0
  private var roundsDone: UInt64 = 0

  /// Losses are counted in `registry`. `tick` runs after each round, on the exporter's thread, for what else is to be done
  /// now and then. Nil without memory.
  public init?(
    registry: InstrumentRegistry, intervalNanoseconds: Int64 = 100_000_000,
    tick: (@Sendable (_ monotonicNow: Int64) -> Void)? = nil
  ) {
    guard let draining = platform_lock_make() else { return nil }
    guard let signal = platform_signal_make() else {
      platform_lock_free(draining)
      return nil
    }
    guard let scratch = malloc(LogRing.recordBytesMax) else {
      platform_lock_free(draining)
      platform_signal_free(signal)
      return nil
    }
    self.registry = registry
    self.intervalNanoseconds = max(intervalNanoseconds, 1_000_000)
    self.tick = tick
    self.draining = draining
    self.signal = signal
    self.scratch = scratch.bindMemory(to: UInt8.self, capacity: LogRing.recordBytesMax)
  }

  /// A running exporter holds itself, so its thread has ended.
  deinit {
    for entry in rings { LogRing.free(entry.ring) }
    platform_lock_free(draining)
    platform_signal_free(signal)
    free(scratch)
  }

  // MARK: Rings and sinks

  /// A worker's ring, from now on drained and in the end freed by the exporter.
  public func add(ring: UnsafeMutablePointer<LogRing>) {
    platform_signal_lock(signal)
    rings.append(RingEntry(ring: ring))
    platform_signal_unlock(signal)
  }

  /// The ring's worker is gone. The ring is drained once more and freed, now or by the exporter's thread.
  public func remove(ring: UnsafeMutablePointer<LogRing>) {
    platform_signal_lock(signal)
    for index in rings.indices where rings[index].ring == ring { rings[index].isLeaving = true }
    let isRunning = thread != nil
    platform_signal_unlock(signal)
    if !isRunning { drain() }
  }

  /// The number under which workers commit records for this sink. Never given twice.
  public func add(sink: LogSink) -> UInt32 {
    platform_signal_lock(signal)
    defer { platform_signal_unlock(signal) }
    let id = sinkNext
    sinkNext &+= 1
    sinks.append(SinkEntry(id: id, sink: sink))
    return id
  }

  /// No worker commits for this sink any more. What was committed before still reaches it.
  public func remove(sink id: UInt32) {
    platform_signal_lock(signal)
    for index in sinks.indices where sinks[index].id == id { sinks[index].isLeaving = true }
    let isRunning = thread != nil
    platform_signal_unlock(signal)
    if !isRunning { drain() }
  }

  // MARK: The thread

  /// Starts the thread; again is fine. A started exporter lives until `stop`.
  public func start() throws(BackendError) {
    platform_signal_lock(signal)
    defer { platform_signal_unlock(signal) }
    guard thread == nil, !isStopping else { return }
    var error: Int32 = 0
    let me = Unmanaged.passRetained(self)
    thread = platform_thread_start(
      { context in
        guard let context else { return }
        let exporter = Unmanaged<Exporter>.fromOpaque(context).takeUnretainedValue()
        exporter.run()
      }, me.toOpaque(), "purser-exporter", &error)
    guard thread == nil else { return }
    me.release()
    var reason = [CChar](repeating: 0, count: 128)
    reason.withUnsafeMutableBufferPointer { platform_error_text(error, $0.baseAddress, $0.count) }
    throw BackendError("cannot start the exporter's thread: \(textOf(reason))")
  }

  public var isRunning: Bool {
    platform_signal_lock(signal)
    defer { platform_signal_unlock(signal) }
    return thread != nil
  }

  /// Begins a round without waiting for the interval's end.
  public func wake() {
    platform_signal_lock(signal)
    roundsAsked &+= 1
    platform_signal_wake(signal)
    platform_signal_unlock(signal)
  }

  /// Waits until everything committed before the call has reached the sinks; false when `timeoutNanoseconds` passed
  /// first. Without a thread the caller's does the work.
  @discardableResult
  public func flush(timeoutNanoseconds: Int64) -> Bool {
    let deadline = platform_monotonic_nanoseconds().addingReportingOverflow(max(timeoutNanoseconds, 0))
    platform_signal_lock(signal)
    guard thread != nil else {
      platform_signal_unlock(signal)
      drain()
      return true
    }
    roundsAsked &+= 1
    let mine = roundsAsked
    platform_signal_wake(signal)
    var isLate = false
    while roundsDone < mine, !isLate {
      isLate = platform_signal_wait(signal, deadline.overflow ? Int64.max : deadline.partialValue)
    }
    let isDone = roundsDone >= mine
    platform_signal_unlock(signal)
    return isDone
  }

  /// Drains everything once more, ends the thread and closes the sinks. Not from a sink or `tick`. Again is fine.
  public func stop() {
    platform_signal_lock(signal)
    isStopping = true
    let running = thread
    thread = nil
    platform_signal_wake(signal)
    platform_signal_unlock(signal)
    if let running {
      platform_thread_join(running)
      Unmanaged.passUnretained(self).release()
    }
    drain()
    platform_signal_lock(signal)
    for index in sinks.indices { sinks[index].isLeaving = true }
    platform_signal_unlock(signal)
    drain()
  }

  private func run() {
    platform_signal_lock(signal)
    while !isStopping {
      let asked = roundsAsked
      platform_signal_unlock(signal)
      drain()
      tick?(platform_monotonic_nanoseconds())
      platform_signal_lock(signal)
      roundsDone = asked
      platform_signal_wake(signal)
      let deadline = platform_monotonic_nanoseconds() &+ intervalNanoseconds
      while !isStopping, roundsAsked == roundsDone, !platform_signal_wait(signal, deadline) {}
    }
    platform_signal_unlock(signal)
    drain()
    platform_signal_lock(signal)
    // Whoever still waits in `flush` began before the end.
    roundsDone = roundsAsked
    platform_signal_wake(signal)
    platform_signal_unlock(signal)
  }

  /// One round: all rings into the sinks, then let go of what leaves.
  private func drain() {
    platform_lock_acquire(draining)
    defer { platform_lock_release(draining) }
    platform_signal_lock(signal)
    let rings = self.rings
    let sinks = self.sinks
    platform_signal_unlock(signal)

    var lost = 0
    for entry in rings {
      LogRing.drain(entry.ring, scratch: scratch) { id, line in
        if let sink = sinks.first(where: { $0.id == id })?.sink { sink.write(line) } else { lost &+= 1 }
      }
    }
    for entry in sinks {
      lost &+= entry.sink.finishRound()
      if entry.isLeaving { entry.sink.close() }
    }
    if lost > 0 { registry.count(.logWriteFailures, UInt64(truncatingIfNeeded: lost)) }

    let leavingRings = rings.filter { $0.isLeaving }
    guard !leavingRings.isEmpty || sinks.contains(where: { $0.isLeaving }) else { return }
    platform_signal_lock(signal)
    self.rings.removeAll { ring in leavingRings.contains { $0.ring == ring.ring } }
    self.sinks.removeAll { sink in sinks.contains { $0.id == sink.id && $0.isLeaving } }
    platform_signal_unlock(signal)
    for entry in leavingRings { LogRing.free(entry.ring) }
  }
}
