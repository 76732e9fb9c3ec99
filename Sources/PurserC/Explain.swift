// Explanations.

import CPurser
import PurserEngine

@c @implementation
public func purser_explain(
  _ request: OpaquePointer?, _ now_ns: Int64, _ json_out: UnsafeMutablePointer<purser_text>?
) -> purser_status {
  guard let json_out else { return PURSER_INVALID_ARGUMENT }
  guard case .good(let state) = requestState(request) else { return requestState(request).status }
  guard state.pointee.stage != .begun, state.pointee.stage != .pending else { return PURSER_WRONG_STATE }
  guard WorkerState.enter(state.pointee.worker) else { return PURSER_BUSY }
  let worker = state.pointee.worker
  let text = RequestState.explain(state)
  WorkerState.leave(worker)
  guard let text else { return PURSER_WRONG_STATE }
  return give(text, to: json_out)
}
