// Requests from begin to end.

import CPlatform
import CPurser
import PurserEngine

@c @implementation
public func purser_request_size() -> Int { (MemoryLayout<RequestState>.size &+ 15) & ~15 }

@c @implementation
public func purser_request_begin(
  _ memory: OpaquePointer?, _ worker: OpaquePointer?, _ set: OpaquePointer?, _ host: UnsafePointer<purser_host>?,
  _ context: UnsafeMutableRawPointer?, _ options: UnsafePointer<purser_request_options>?
) -> purser_status {
  guard let memory, let host, UInt(bitPattern: memory) & 15 == 0,
    host.pointee.size >= MemoryLayout<purser_host>.size, host.pointee.get != nil
  else { return PURSER_INVALID_ARGUMENT }
  var isConnection = false
  var connection: UnsafePointer<RequestState>?
  if let options {
    guard options.pointee.size >= MemoryLayout<purser_request_options>.size else { return PURSER_INVALID_ARGUMENT }
    switch options.pointee.phase {
    case PURSER_PHASE_REQUEST: break
    case PURSER_PHASE_CONNECTION: isConnection = true
    default: return PURSER_INVALID_ARGUMENT
    }
    if let handle = options.pointee.connection { connection = UnsafePointer<RequestState>(handle) }
  }
  guard case .good(let worker) = workerState(worker) else { return workerState(worker).status }
  guard case .good(let set) = setState(set) else { return setState(set).status }
  guard worker.pointee.engine == set.pointee.engine else { return PURSER_WRONG_STATE }
  if let connection {
    guard connection.pointee.magic == RequestState.liveMagic, connection.pointee.isConnection,
      connection.pointee.stage != .begun, connection.pointee.worker == worker, connection.pointee.set == set, !isConnection
    else { return PURSER_WRONG_STATE }
  }
  guard WorkerState.enter(worker) else { return PURSER_BUSY }
  RequestState.begin(
    UnsafeMutablePointer<RequestState>(memory), worker: worker, set: set, host: host, context: context,
    isConnection: isConnection, connection: connection)
  WorkerState.leave(worker)
  return PURSER_OK
}

@c @implementation
public func purser_check(
  _ request: OpaquePointer?, _ now_ns: Int64, _ pending: UnsafePointer<purser_pending>?
) -> purser_status {
  if let pending, pending.pointee.size < MemoryLayout<purser_pending>.size || pending.pointee.done == nil {
    return PURSER_INVALID_ARGUMENT
  }
  guard case .good(let state) = requestState(request) else { return requestState(request).status }
  let worker = state.pointee.worker
  guard WorkerState.enter(worker) else { return PURSER_BUSY }
  let isBegun = state.pointee.stage == .begun
  let isPending = isBegun ? RequestState.check(state, now: now_ns, pending: pending) : false
  WorkerState.leave(worker)
  return isPending ? PURSER_PENDING : isBegun ? PURSER_OK : PURSER_WRONG_STATE
}

@c @implementation
public func purser_resume(_ request: OpaquePointer?, _ now_ns: Int64) -> purser_status {
  guard case .good(let state) = requestState(request) else { return requestState(request).status }
  #if hasFeature(Embedded)
    return PURSER_WRONG_STATE
  #else
    let worker = state.pointee.worker
    guard WorkerState.enter(worker) else { return PURSER_BUSY }
    let isPending = state.pointee.stage == .pending
    let isDecided = isPending && RequestState.resume(state)
    if isDecided { state.pointee.stage = .checked }
    WorkerState.leave(worker)
    return isDecided ? PURSER_OK : isPending ? PURSER_PENDING : PURSER_WRONG_STATE
  #endif
}

@c @implementation
public func purser_cancel(_ request: OpaquePointer?) -> purser_status {
  guard case .good(let state) = requestState(request) else { return requestState(request).status }
  #if hasFeature(Embedded)
    return PURSER_WRONG_STATE
  #else
    let worker = state.pointee.worker
    guard WorkerState.enter(worker) else { return PURSER_BUSY }
    let isPending = state.pointee.stage == .pending
    if isPending {
      RequestState.cancel(state)
      state.pointee.stage = .checked
    }
    WorkerState.leave(worker)
    return isPending ? PURSER_OK : PURSER_WRONG_STATE
  #endif
}

@c @implementation
public func purser_report(_ request: OpaquePointer?, _ now_ns: Int64) -> purser_status {
  guard case .good(let state) = requestState(request) else { return requestState(request).status }
  let worker = state.pointee.worker
  guard WorkerState.enter(worker) else { return PURSER_BUSY }
  let isChecked = state.pointee.stage == .checked
  if isChecked { RequestState.report(state, now: now_ns) }
  WorkerState.leave(worker)
  return isChecked ? PURSER_OK : PURSER_WRONG_STATE
}

@c @implementation
public func purser_request_end(_ request: OpaquePointer?) -> purser_status {
  guard case .good(let state) = requestState(request) else { return requestState(request).status }
  guard WorkerState.enter(state.pointee.worker) else { return PURSER_BUSY }
  let worker = state.pointee.worker
  let mayReclaim = RequestState.end(state)
  WorkerState.leave(worker)
  if mayReclaim { worker.pointee.engine.pointee.owner._withUnsafeGuaranteedRef { $0.reclaimAll() } }
  return PURSER_OK
}
