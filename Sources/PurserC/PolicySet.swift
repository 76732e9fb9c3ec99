// Policy sets and reload.

import CEL
import CPurser
import PurserConfiguration
import PurserEngine

@c @implementation
public func purser_policy_set_new(
  _ engine: OpaquePointer?, _ name: purser_text, _ set_out: UnsafeMutablePointer<OpaquePointer?>?
) -> purser_status {
  guard let set_out, let name = name.string else { return PURSER_INVALID_ARGUMENT }
  guard case .good(let state) = engineState(engine) else { return engineState(engine).status }
  set_out.pointee = OpaquePointer(state.pointee.owner.takeUnretainedValue().makeSet(named: name).state)
  return PURSER_OK
}

@c @implementation
public func purser_policy_set_free(_ set: OpaquePointer?) -> purser_status {
  guard set != nil else { return PURSER_OK }
  guard case .good(let state) = setState(set) else { return setState(set).status }
  let engine = state.pointee.engine.pointee.owner.takeUnretainedValue()
  return engine.free(state.pointee.owner.takeUnretainedValue()) ? PURSER_OK : PURSER_BUSY
}

private func use(
  _ plan: Plan, in state: UnsafeMutablePointer<SetState>, _ problems_out: UnsafeMutablePointer<OpaquePointer?>?
) -> purser_status {
  do throws(RefusalList) {
    try state.pointee.owner.takeUnretainedValue().use(plan)
    return PURSER_OK
  } catch {
    ProblemList.hand(ProblemList(error), to: problems_out)
    return error.refusals.contains { $0.kind == .documents } ? PURSER_PROBLEMS : PURSER_UNAVAILABLE
  }
}

@c @implementation
public func purser_policy_set_use(
  _ set: OpaquePointer?, _ plan: OpaquePointer?, _ problems_out: UnsafeMutablePointer<OpaquePointer?>?
) -> purser_status {
  guard let plan else { return PURSER_INVALID_ARGUMENT }
  guard case .good(let state) = setState(set) else { return setState(set).status }
  problems_out?.pointee = nil
  return use(Unmanaged<Plan>.fromOpaque(UnsafeRawPointer(plan)).takeUnretainedValue(), in: state, problems_out)
}

@c @implementation
public func purser_policy_set_load(
  _ set: OpaquePointer?, _ options: UnsafePointer<purser_load_options>?,
  _ problems_out: UnsafeMutablePointer<OpaquePointer?>?
) -> purser_status {
  guard case .good(let state) = setState(set) else { return setState(set).status }
  let engine = state.pointee.engine.pointee.owner.takeUnretainedValue()
  switch LoadRequest.read(options, engine: engine.options) {
  case .bad(let status): return status
  case .good(var request):
    request.parts = state.pointee.owner.takeUnretainedValue().plan?.parts
    guard let result = PlanLoader.load(request) else { return PURSER_UNAVAILABLE }
    guard let plan = result.plan else {
      engine.countFailedReload()
      ProblemList.hand(ProblemList(result), to: problems_out)
      return PURSER_PROBLEMS
    }
    let status = use(plan, in: state, problems_out)
    if status == PURSER_OK { ProblemList.hand(ProblemList(result), to: problems_out) }
    return status
  }
}

@c @implementation
public func purser_policy_set_digest(
  _ set: OpaquePointer?, _ digest_out: UnsafeMutablePointer<purser_text>?
) -> purser_status {
  guard let digest_out else { return PURSER_INVALID_ARGUMENT }
  guard case .good(let state) = setState(set) else { return setState(set).status }
  guard let plan = state.pointee.owner.takeUnretainedValue().plan else { return PURSER_NOT_FOUND }
  return give(Array(plan.digest.buffer), to: digest_out)
}

@c @implementation
public func purser_policy_set_compiled(
  _ set: OpaquePointer?, _ compiled_out: UnsafeMutablePointer<Int>?, _ reused_out: UnsafeMutablePointer<Int>?
) -> purser_status {
  guard let compiled_out, let reused_out else { return PURSER_INVALID_ARGUMENT }
  guard case .good(let state) = setState(set) else { return setState(set).status }
  guard let plan = state.pointee.owner.takeUnretainedValue().plan else { return PURSER_NOT_FOUND }
  compiled_out.pointee = plan.compiledPolicyCount
  reused_out.pointee = plan.reusedPolicyCount
  return PURSER_OK
}
