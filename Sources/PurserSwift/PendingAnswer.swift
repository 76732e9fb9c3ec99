// Waiting for the answers of providers, as a task waits.
//
//   check ─► pending ─► suspended ◄── done(answered, cancelled), once, on any thread
//                          └─► resume on the request's worker

import CPurser
import Synchronization

/// Shared by the task and the library until `done` has run.
final class PendingAnswer: Sendable {
  private enum State: Sendable {
    case open
    case awaited(CheckedContinuation<Void, Never>)
    case done
  }

  private let state = Mutex(State.open)

  /// Calls `body` with what the library is to tell; it gives what the check gave.
  func lend(_ body: (UnsafePointer<purser_pending>) -> purser_status) -> purser_status {
    var pending = purser_pending()
    pending.size = MemoryLayout<purser_pending>.size
    let user = Unmanaged.passRetained(self)
    pending.user = user.toOpaque()
    pending.done = { user, _ in
      guard let user else { return }
      Unmanaged<PendingAnswer>.fromOpaque(user).takeRetainedValue().finish()
    }
    let status = body(&pending)
    // Then nobody is told.
    if status != PURSER_PENDING { user.release() }
    return status
  }

  private func finish() {
    let waiting = state.withLock { state -> CheckedContinuation<Void, Never>? in
      defer { state = .done }
      if case .awaited(let continuation) = state { return continuation }
      return nil
    }
    waiting?.resume()
  }

  func wait() async {
    await withCheckedContinuation { continuation in
      let isDone = state.withLock { state -> Bool in
        if case .done = state { return true }
        state = .awaited(continuation)
        return false
      }
      if isDone { continuation.resume() }
    }
  }
}
