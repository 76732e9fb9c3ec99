// A check for hosts that may wait: the calling thread sleeps until the providers have answered.

import CPlatform
import CPurser
import PurserEngine

@c @implementation
public func purser_check_wait(_ request: OpaquePointer?, _ now_ns: Int64, _ timeout_ms: UInt32) -> purser_status {
  #if hasFeature(Embedded)
    return purser_check(request, now_ns, nil)
  #else
    // Answers come on that thread: nobody would wake it.
    if case .good(let state) = requestState(request),
      state.pointee.worker.pointee.engine.pointee.owner.takeUnretainedValue().isOnProvidersThread
    {
      return PURSER_BUSY
    }
    guard let bell = Bell() else { return PURSER_UNAVAILABLE }
    var pending = purser_pending()
    pending.size = MemoryLayout<purser_pending>.size
    pending.user = Unmanaged.passRetained(bell).toOpaque()
    pending.done = { user, _ in
      guard let user else { return }
      let bell = Unmanaged<Bell>.fromOpaque(user)
      bell.takeUnretainedValue().ring()
      bell.release()
    }
    let status = purser_check(request, now_ns, &pending)
    guard status == PURSER_PENDING else {
      // Nobody will ring.
      Unmanaged.passUnretained(bell).release()
      return status
    }
    if bell.wait(milliseconds: timeout_ms) { return purser_resume(request, now_ns) }
    return purser_cancel(request)
  #endif
}

#if !hasFeature(Embedded)
  private final class Bell: @unchecked Sendable {
    private let signal: OpaquePointer
    private var hasRung = false

    init?() {
      guard let signal = platform_signal_make() else { return nil }
      self.signal = signal
    }

    deinit { platform_signal_free(signal) }

    func ring() {
      platform_signal_lock(signal)
      hasRung = true
      platform_signal_wake(signal)
      platform_signal_unlock(signal)
    }

    /// False when the time was up before; 0 waits as long as it takes.
    func wait(milliseconds: UInt32) -> Bool {
      let deadline =
        milliseconds == 0 ? Int64.max : platform_monotonic_nanoseconds() &+ Int64(milliseconds) &* 1_000_000
      platform_signal_lock(signal)
      defer { platform_signal_unlock(signal) }
      while !hasRung {
        if platform_signal_wait(signal, deadline) { return hasRung }
      }
      return true
    }
  }
#endif
