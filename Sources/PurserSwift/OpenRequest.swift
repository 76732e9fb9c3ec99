// One request from begin to end, as the engine knows it. It belongs to one worker from its check to its end, and every
// use of it takes that worker's lock; so it can be held across suspensions and passed between tasks, while the worker
// serves others.

import CPurser

final class OpenRequest: @unchecked Sendable {
  let request: Request
  let worker: Worker
  let set: PolicySetHandle
  // INVARIANT: what follows is read and written only with the worker's lock held.
  private let memory: OpaquePointer
  private(set) var response: Response?
  private let isBegun: Bool

  /// Begins. With the lock of `worker` held.
  init(
    _ request: Request, on worker: Worker, in set: PolicySetHandle, connection: OpenRequest?, isConnection: Bool,
    status: inout purser_status
  ) {
    self.request = request
    self.worker = worker
    self.set = set
    memory = worker.takeMemory()
    var isBegun = false
    defer { self.isBegun = isBegun }
    // The callbacks ask this object; `self` is complete enough for that when the check comes.
    status = PURSER_OK
    isBegun = false
  }
}
