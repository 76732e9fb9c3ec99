// Workers.

import CPurser
import PurserEngine

@c @implementation
public func purser_worker_new(
  _ engine: OpaquePointer?, _ worker_out: UnsafeMutablePointer<OpaquePointer?>?
) -> purser_status {
  guard let worker_out else { return PURSER_INVALID_ARGUMENT }
  switch engineState(engine) {
  case .bad(let status): return status
  case .good(let state):
    guard let worker = state.pointee.owner.takeUnretainedValue().makeWorker() else { return PURSER_UNAVAILABLE }
    worker_out.pointee = OpaquePointer(worker)
    return PURSER_OK
  }
}

@c @implementation
public func purser_worker_free(_ worker: OpaquePointer?) -> purser_status {
  guard worker != nil else { return PURSER_OK }
  switch workerState(worker) {
  case .bad(let status): return status
  case .good(let state):
    guard WorkerState.enter(state) else { return PURSER_BUSY }
    guard state.pointee.openRequests == 0 else {
      WorkerState.leave(state)
      return PURSER_BUSY
    }
    state.pointee.engine.pointee.owner.takeUnretainedValue().free(state)
    return PURSER_OK
  }
}
