// From the pointers of the C header to the engine's states, with what every function checks first: is it a pointer,
// is it alive, was it made in this process?

import CPlatform
import CPurser
import PurserEngine

enum Handle<State> {
  case good(UnsafeMutablePointer<State>)
  case bad(purser_status)

  var status: purser_status {
    switch self {
    case .good: PURSER_OK
    case .bad(let status): status
    }
  }
}

@inline(__always)
func engineState(_ handle: OpaquePointer?) -> Handle<EngineState> {
  guard let handle else { return .bad(PURSER_INVALID_ARGUMENT) }
  let state = UnsafeMutablePointer<EngineState>(handle)
  guard state.pointee.magic == EngineState.liveMagic else { return .bad(PURSER_INVALID_ARGUMENT) }
  guard !EngineState.isForked(state) else { return .bad(PURSER_FORKED) }
  return .good(state)
}

@inline(__always)
func setState(_ handle: OpaquePointer?) -> Handle<SetState> {
  guard let handle else { return .bad(PURSER_INVALID_ARGUMENT) }
  let state = UnsafeMutablePointer<SetState>(handle)
  guard state.pointee.magic == SetState.liveMagic else { return .bad(PURSER_INVALID_ARGUMENT) }
  guard !EngineState.isForked(state.pointee.engine) else { return .bad(PURSER_FORKED) }
  return .good(state)
}

@inline(__always)
func workerState(_ handle: OpaquePointer?) -> Handle<WorkerState> {
  guard let handle else { return .bad(PURSER_INVALID_ARGUMENT) }
  let state = UnsafeMutablePointer<WorkerState>(handle)
  guard state.pointee.magic == WorkerState.liveMagic else { return .bad(PURSER_INVALID_ARGUMENT) }
  guard !EngineState.isForked(state.pointee.engine) else { return .bad(PURSER_FORKED) }
  return .good(state)
}

/// The same of a set that has to be of the engine of `worker`, which was looked at before.
@inline(__always)
func setState(_ handle: OpaquePointer?, beside worker: UnsafeMutablePointer<WorkerState>) -> Handle<SetState> {
  guard let handle else { return .bad(PURSER_INVALID_ARGUMENT) }
  let state = UnsafeMutablePointer<SetState>(handle)
  guard state.pointee.magic == SetState.liveMagic else { return .bad(PURSER_INVALID_ARGUMENT) }
  guard state.pointee.engine == worker.pointee.engine else {
    return .bad(EngineState.isForked(state.pointee.engine) ? PURSER_FORKED : PURSER_WRONG_STATE)
  }
  return .good(state)
}

/// A begun request. Memory that was never begun, or was ended, is `PURSER_WRONG_STATE`.
@inline(__always)
func requestState(_ handle: OpaquePointer?) -> Handle<RequestState> {
  guard let handle else { return .bad(PURSER_INVALID_ARGUMENT) }
  let state = UnsafeMutablePointer<RequestState>(handle)
  guard state.pointee.magic == RequestState.liveMagic else { return .bad(PURSER_WRONG_STATE) }
  guard !EngineState.isForked(state.pointee.worker.pointee.engine) else { return .bad(PURSER_FORKED) }
  return .good(state)
}
