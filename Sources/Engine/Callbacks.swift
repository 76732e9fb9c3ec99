// What the evaluator asks the engine, not the host: `purser.*` attributes, named lists, and whether a value is in one.

import CEL
import PurserAttributes
import PurserPolicy

/// `RequestView.own`: the raw pointer is the view, its `ownContext` the worker.
func readOwn(_ raw: UnsafeMutableRawPointer, _ number: UInt32, _ result: UnsafeMutableRawPointer) {
  let out = result.assumingMemoryBound(to: Value.self)
  out.pointee = .absent
  let view = raw.assumingMemoryBound(to: RequestView.self)
  if number >= ListVariable.first {
    out.pointee = ListVariable.value(number)
    return
  }
  guard let context = view.pointee.ownContext else { return }
  let worker = context.assumingMemoryBound(to: WorkerState.self)
  guard let request = worker.pointee.reporting, let attribute = OwnAttribute(rawValue: number) else { return }
  out.pointee = value(of: attribute, for: request)
}

private func value(of attribute: OwnAttribute, for request: UnsafeMutablePointer<RequestState>) -> Value {
  switch attribute {
  case .verdict: return .string(verdict(request.pointee.decision.allows))
  case .policy: return .string(policy(of: request))
  case .rule:
    guard let rule = RequestState.decidingRule(request) else { return .string(.empty) }
    return .string(rule.name)
  case .reason: return .string(RequestState.reason(of: request))
  case .audit: return .string(RequestState.audits(of: request))
  case .cached:
    #if hasFeature(Embedded)
      return .bool(false)
    #else
      return .bool(RequestState.isCached(request))
    #endif
  case .shadowVerdict:
    guard request.pointee.decision.hasShadow else { return .absent }
    return .string(verdict(request.pointee.decision.shadowAllows))
  case .plan:
    guard let plan = request.pointee.plan else { return .absent }
    return .string(plan.pointee.digest)
  }
}

private func verdict(_ allows: Bool) -> Bytes { Bytes(staticText: allows ? "allow" : "deny") }

private func policy(of request: UnsafeMutablePointer<RequestState>) -> Bytes {
  guard let rule = RequestState.decidingRule(request), let plan = request.pointee.plan else { return .empty }
  return plan.pointee.policy.policies[Int(rule.policy)].label
}

/// `Evaluation.external`: `value in list`.
func callExternal(
  _ raw: UnsafeMutableRawPointer, _ function: UInt32, _ arguments: UnsafeRawPointer, _ count: UInt32,
  _ result: UnsafeMutableRawPointer
) {
  let out = result.assumingMemoryBound(to: Value.self)
  out.pointee = .error(EvaluationError(.noSuchOverload))
  let evaluation = raw.assumingMemoryBound(to: Evaluation.self)
  let values = arguments.assumingMemoryBound(to: Value.self)
  guard function == ListVariable.function, count == 2, values[1].kind == .opaque,
    let owner = evaluation.pointee.owner
  else { return }
  let view = owner.assumingMemoryBound(to: RequestView.self)
  guard let context = view.pointee.ownContext else { return }
  let worker = context.assumingMemoryBound(to: WorkerState.self)
  guard let plan = worker.pointee.plan, values[1].payload < UInt64(truncatingIfNeeded: plan.pointee.valueSetCount)
  else { return }
  let set = plan.pointee.valueSets[Int(truncatingIfNeeded: values[1].payload)]
  out.pointee = set._withUnsafeGuaranteedRef { $0.contains(values[0]) }
}
