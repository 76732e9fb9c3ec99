// One request from begin to end, as the engine knows it. It belongs to one worker from its check to its end, and every
// use of it takes that worker's lock; so it can be held across suspensions and passed between tasks while the worker
// serves others. Nothing suspends while the lock is held.

import CPurser

final class OpenRequest: @unchecked Sendable {
  let request: Request
  let worker: Worker
  let set: PolicySetHandle
  let isConnection: Bool
  /// The checked connection that the request came on; it stays open as long as the request.
  private let connection: OpenRequest?
  // INVARIANT: what follows is read and written with the worker's lock held, or before anybody else has this object.
  private let memory: OpaquePointer
  private(set) var response: Response?
  private var isBegun = false

  /// Memory for the request, nothing more: see `check`.
  init(_ request: Request, on worker: Worker, in set: PolicySetHandle, connection: OpenRequest?, isConnection: Bool) {
    self.request = request
    self.worker = worker
    self.set = set
    self.connection = connection
    self.isConnection = isConnection
    memory = worker.takeMemory()
  }

  deinit {
    worker.lock.withLock { _ in
      // A worker that is locked is not busy, so this cannot fail but after a fork; then the memory is the parent's.
      if !isBegun || purser_request_end(memory) == PURSER_OK { worker.giveBack(memory) }
    }
  }

  /// A check that was made, or failed. Whoever runs it lets go of `open` after the lock only.
  struct Attempt: Sendable {
    var open: OpenRequest
    /// Nil: it waits for providers.
    var verdict: Result<Decision.Verdict?, EngineError>
  }

  /// Begins and decides, or, with `answer`, finds that providers have to be asked. With the lock held.
  func attempt(_ answer: PendingAnswer? = nil) -> Attempt {
    Attempt(open: self, verdict: Result { () throws(EngineError) in try check(answer) })
  }

  private func check(_ answer: PendingAnswer?) throws(EngineError) -> Decision.Verdict? {
    var options = purser_request_options()
    options.size = MemoryLayout<purser_request_options>.size
    options.phase = isConnection ? PURSER_PHASE_CONNECTION : PURSER_PHASE_REQUEST
    options.connection = connection?.memory
    var host = OpenRequest.host
    let context = Unmanaged.passUnretained(self).toOpaque()
    try EngineError.check(purser_request_begin(memory, worker.handle, set.handle, &host, context, &options))
    isBegun = true
    let status = answer.map { $0.lend { purser_check(memory, 0, $0) } } ?? purser_check(memory, 0, nil)
    if status == PURSER_PENDING { return nil }
    try EngineError.check(status)
    return try verdict()
  }

  /// After the answers have come, or the check was given up.
  func resume() throws(EngineError) -> Decision.Verdict {
    try worker.lock.withLock { _ throws(EngineError) in
      let status = purser_resume(memory, 0)
      // Given up: that decided.
      if status != PURSER_WRONG_STATE { try EngineError.check(status) }
      return try verdict()
    }
  }

  /// Gives up waiting, if the check still waits.
  func cancel() {
    worker.lock.withLock { _ in _ = purser_cancel(memory) }
  }

  private func verdict() throws(EngineError) -> Decision.Verdict {
    var verdict = PURSER_VERDICT_DENY
    try EngineError.check(purser_decision_verdict(memory, &verdict))
    return verdict == PURSER_VERDICT_ALLOW ? .allow : .deny
  }

  /// Reads the decision, with the lock held.
  func read<Result: Sendable>(_ body: (OpaquePointer) -> Result) -> Result {
    worker.lock.withLock { _ in body(memory) }
  }

  func report(_ response: Response) throws(EngineError) {
    try worker.lock.withLock { _ throws(EngineError) in
      let before = self.response
      self.response = response
      let status = purser_report(memory, 0)
      if status == PURSER_WRONG_STATE {
        self.response = before
        throw EngineError.alreadyReported
      }
      try EngineError.check(status)
    }
  }

  func explain() throws(EngineError) -> String {
    try worker.lock.withLock { _ throws(EngineError) in
      var text = purser_text()
      let status = purser_explain(memory, 0, &text)
      if status == PURSER_WRONG_STATE { throw EngineError.noPlan }
      try EngineError.check(status)
      return String(taking: &text)
    }
  }
}
