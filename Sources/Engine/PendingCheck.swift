// A check that waits for its providers: shared by the request's worker and whoever brings answers.
//
//   ask ─► PendingCheck ◄── answers, on any thread ── the last one ─► done(ANSWERED | TIMED_OUT)
//                │
//                ├── resume takes the answers        └── or, if the host gives up first: done(CANCELLED)
//                └── cancel
//
// `done` runs exactly once. What was asked stays asked after a cancellation, and its answer may still be cached.

#if !hasFeature(Embedded)
  import CEL
  import CPlatform
  import CPurser

  final class PendingCheck: @unchecked Sendable {
    private let lock: OpaquePointer
    private let told: purser_pending
    // Under the lock.
    private var left: Int
    private var isTold = false
    private var hasTimedOut = false
    private var answers: [ExternalAnswer?]

    /// For `count` questions; nil without memory for a lock. `answered` once more than that, by whoever asks, when all is asked.
    init?(count: Int, telling told: purser_pending) {
      guard let lock = platform_lock_make() else { return nil }
      self.lock = lock
      self.told = told
      left = count &+ 1
      answers = Array(repeating: nil, count: count)
    }

    deinit { platform_lock_free(lock) }

    /// The answer to one question, or nil: everything has been asked.
    func answered(_ index: Int?, _ answer: ExternalAnswer?) {
      platform_lock_acquire(lock)
      if let index, answers.indices.contains(index) { answers[index] = answer }
      if answer?.failure == .timedOut { hasTimedOut = true }
      left &-= 1
      let tells = left == 0 && !isTold
      if tells { isTold = true }
      let outcome = hasTimedOut ? PURSER_OUTCOME_TIMED_OUT : PURSER_OUTCOME_ANSWERED
      platform_lock_release(lock)
      if tells { told.done?(told.user, outcome) }
    }

    /// The answers, in the order of the questions; nil while some are missing.
    func take() -> [ExternalAnswer]? {
      platform_lock_acquire(lock)
      defer { platform_lock_release(lock) }
      guard left == 0 else { return nil }
      let taken = answers.map { $0 ?? ExternalAnswer(failure: .closed) }
      answers = []
      return taken
    }

    func cancel() {
      platform_lock_acquire(lock)
      let tells = !isTold
      isTold = true
      platform_lock_release(lock)
      if tells { told.done?(told.user, PURSER_OUTCOME_CANCELLED) }
    }
  }
#endif
