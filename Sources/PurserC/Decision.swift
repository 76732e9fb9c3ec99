// The decision's getters.

import CEL
import CPurser
import PurserEngine
import PurserPolicy

/// A request that has a decision.
@inline(__always)
private func decided(_ request: OpaquePointer?) -> Handle<RequestState> {
  guard let request else { return .bad(PURSER_INVALID_ARGUMENT) }
  let handle = requestState(request)
  if case .good(let state) = handle, state.pointee.stage == .begun || state.pointee.stage == .pending {
    return .bad(PURSER_WRONG_STATE)
  }
  return handle
}

@c @implementation
public func purser_decision_verdict(
  _ request: OpaquePointer?, _ verdict_out: UnsafeMutablePointer<purser_verdict>?
) -> purser_status {
  guard let verdict_out else { return PURSER_INVALID_ARGUMENT }
  guard case .good(let state) = decided(request) else { return decided(request).status }
  verdict_out.pointee = state.pointee.decision.allows ? PURSER_VERDICT_ALLOW : PURSER_VERDICT_DENY
  return PURSER_OK
}

@c @implementation
public func purser_decision_status(
  _ request: OpaquePointer?, _ http_status_out: UnsafeMutablePointer<UInt32>?,
  _ code_out: UnsafeMutablePointer<UInt32>?
) -> purser_status {
  guard let http_status_out, let code_out else { return PURSER_INVALID_ARGUMENT }
  guard case .good(let state) = decided(request) else { return decided(request).status }
  let status = DenialStatus(of: state)
  http_status_out.pointee = status.http
  code_out.pointee = status.code
  return PURSER_OK
}

@c @implementation
public func purser_decision_message(
  _ request: OpaquePointer?, _ message_out: UnsafeMutablePointer<purser_text>?
) -> purser_status {
  guard let message_out else { return PURSER_INVALID_ARGUMENT }
  guard case .good(let state) = decided(request) else { return decided(request).status }
  message_out.pointee = purser_text(Bytes(staticText: DenialStatus(of: state).message))
  return PURSER_OK
}

@c @implementation
public func purser_decision_body(
  _ request: OpaquePointer?, _ body_out: UnsafeMutablePointer<purser_text>?
) -> purser_status {
  guard let body_out else { return PURSER_INVALID_ARGUMENT }
  guard case .good(let state) = decided(request) else { return decided(request).status }
  body_out.pointee = purser_text(RequestState.body(state))
  return PURSER_OK
}

@c @implementation
public func purser_decision_reason_kind(
  _ request: OpaquePointer?, _ kind_out: UnsafeMutablePointer<purser_reason_kind>?
) -> purser_status {
  guard let kind_out else { return PURSER_INVALID_ARGUMENT }
  guard case .good(let state) = decided(request) else { return decided(request).status }
  kind_out.pointee = purser_reason_kind(rawValue: state.pointee.decision.kind.rawValue)
  return PURSER_OK
}

@c @implementation
public func purser_decision_reason(
  _ request: OpaquePointer?, _ reason_out: UnsafeMutablePointer<purser_text>?
) -> purser_status {
  guard let reason_out else { return PURSER_INVALID_ARGUMENT }
  guard case .good(let state) = decided(request) else { return decided(request).status }
  reason_out.pointee = purser_text(RequestState.reason(of: state))
  return PURSER_OK
}

@c @implementation
public func purser_decision_rule(
  _ request: OpaquePointer?, _ rule_out: UnsafeMutablePointer<purser_rule_reference>?
) -> purser_status {
  guard let rule_out else { return PURSER_INVALID_ARGUMENT }
  guard case .good(let state) = decided(request) else { return decided(request).status }
  return write(state.pointee.decision.rule, of: state, to: rule_out)
}

/// The reference of a rule number, or `PURSER_NOT_FOUND`.
private func write(
  _ rule: UInt32?, of state: UnsafeMutablePointer<RequestState>, to out: UnsafeMutablePointer<purser_rule_reference>
) -> purser_status {
  guard let rule, let plan = state.pointee.plan, rule < plan.pointee.policy.ruleCount else { return PURSER_NOT_FOUND }
  out.pointee = purser_rule_reference(rule, in: plan.pointee.policy)
  return PURSER_OK
}

extension purser_rule_reference {
  /// `rule` is a number of the image's.
  init(_ rule: UInt32, in image: PolicyImage) {
    let record = image.rules[Int(rule)]
    let policy = image.policies[Int(record.policy)]
    self.init(
      policy: purser_text(policy.name), policy_namespace: purser_text(policy.namespace),
      rule: purser_text(record.name), file: purser_text(record.file), line: record.line)
  }
}

// Header changes.

private func write(
  _ change: HeaderChange?, to out: UnsafeMutablePointer<purser_header>
) -> purser_status {
  guard let change else { return PURSER_INVALID_ARGUMENT }
  out.pointee = purser_header(
    name: purser_text(change.name), value: purser_text(change.value), operation: change.operation.rawValue)
  return PURSER_OK
}

@c @implementation
public func purser_decision_request_headers_count(
  _ request: OpaquePointer?, _ count_out: UnsafeMutablePointer<Int>?
) -> purser_status {
  guard let count_out else { return PURSER_INVALID_ARGUMENT }
  guard case .good(let state) = decided(request) else { return decided(request).status }
  count_out.pointee = RequestState.headerCount(state, .request)
  return PURSER_OK
}

@c @implementation
public func purser_decision_request_header(
  _ request: OpaquePointer?, _ index: Int, _ header_out: UnsafeMutablePointer<purser_header>?
) -> purser_status {
  guard let header_out else { return PURSER_INVALID_ARGUMENT }
  guard case .good(let state) = decided(request) else { return decided(request).status }
  return write(RequestState.header(state, .request, index), to: header_out)
}

@c @implementation
public func purser_decision_response_headers_count(
  _ request: OpaquePointer?, _ count_out: UnsafeMutablePointer<Int>?
) -> purser_status {
  guard let count_out else { return PURSER_INVALID_ARGUMENT }
  guard case .good(let state) = decided(request) else { return decided(request).status }
  count_out.pointee = RequestState.headerCount(state, .response)
  return PURSER_OK
}

@c @implementation
public func purser_decision_response_header(
  _ request: OpaquePointer?, _ index: Int, _ header_out: UnsafeMutablePointer<purser_header>?
) -> purser_status {
  guard let header_out else { return PURSER_INVALID_ARGUMENT }
  guard case .good(let state) = decided(request) else { return decided(request).status }
  return write(RequestState.header(state, .response, index), to: header_out)
}

// Lists of rules. An index past the end is `PURSER_INVALID_ARGUMENT`.

@c @implementation
public func purser_decision_audits_count(
  _ request: OpaquePointer?, _ count_out: UnsafeMutablePointer<Int>?
) -> purser_status {
  guard let count_out else { return PURSER_INVALID_ARGUMENT }
  guard case .good(let state) = decided(request) else { return decided(request).status }
  count_out.pointee = Int(state.pointee.decision.audits.count)
  return PURSER_OK
}

@c @implementation
public func purser_decision_audit(
  _ request: OpaquePointer?, _ index: Int, _ rule_out: UnsafeMutablePointer<purser_rule_reference>?
) -> purser_status {
  guard let rule_out else { return PURSER_INVALID_ARGUMENT }
  guard case .good(let state) = decided(request) else { return decided(request).status }
  guard let rule = state.pointee.decision.audits.item(UInt32(clamping: index)) else { return PURSER_INVALID_ARGUMENT }
  return write(rule, of: state, to: rule_out)
}

@c @implementation
public func purser_decision_errors_count(
  _ request: OpaquePointer?, _ count_out: UnsafeMutablePointer<Int>?
) -> purser_status {
  guard let count_out else { return PURSER_INVALID_ARGUMENT }
  guard case .good(let state) = decided(request) else { return decided(request).status }
  count_out.pointee = Int(state.pointee.decision.errors.count)
  return PURSER_OK
}

@c @implementation
public func purser_decision_error(
  _ request: OpaquePointer?, _ index: Int, _ rule_out: UnsafeMutablePointer<purser_rule_reference>?,
  _ error_out: UnsafeMutablePointer<purser_text>?
) -> purser_status {
  guard let rule_out, let error_out else { return PURSER_INVALID_ARGUMENT }
  guard case .good(let state) = decided(request) else { return decided(request).status }
  guard let error = state.pointee.decision.errors.item(UInt32(clamping: index)), let plan = state.pointee.plan else {
    return PURSER_INVALID_ARGUMENT
  }
  error_out.pointee = purser_text(ErrorText.text(of: error.error, plan))
  return write(error.rule, of: state, to: rule_out)
}

@c @implementation
public func purser_decision_is_cached(
  _ request: OpaquePointer?, _ cached_out: UnsafeMutablePointer<UInt32>?
) -> purser_status {
  guard let cached_out else { return PURSER_INVALID_ARGUMENT }
  guard case .good(let state) = decided(request) else { return decided(request).status }
  #if hasFeature(Embedded)
    _ = state
    cached_out.pointee = 0
  #else
    cached_out.pointee = RequestState.isCached(state) ? 1 : 0
  #endif
  return PURSER_OK
}

@c @implementation
public func purser_decision_shadow_verdict(
  _ request: OpaquePointer?, _ verdict_out: UnsafeMutablePointer<purser_verdict>?
) -> purser_status {
  guard let verdict_out else { return PURSER_INVALID_ARGUMENT }
  guard case .good(let state) = decided(request) else { return decided(request).status }
  guard state.pointee.decision.hasShadow else { return PURSER_NOT_FOUND }
  verdict_out.pointee = state.pointee.decision.shadowAllows ? PURSER_VERDICT_ALLOW : PURSER_VERDICT_DENY
  return PURSER_OK
}

@c @implementation
public func purser_decision_shadow_rules_count(
  _ request: OpaquePointer?, _ count_out: UnsafeMutablePointer<Int>?
) -> purser_status {
  guard let count_out else { return PURSER_INVALID_ARGUMENT }
  guard case .good(let state) = decided(request) else { return decided(request).status }
  count_out.pointee = Int(state.pointee.decision.shadowRules.count)
  return PURSER_OK
}

@c @implementation
public func purser_decision_shadow_rule(
  _ request: OpaquePointer?, _ index: Int, _ rule_out: UnsafeMutablePointer<purser_rule_reference>?
) -> purser_status {
  guard let rule_out else { return PURSER_INVALID_ARGUMENT }
  guard case .good(let state) = decided(request) else { return decided(request).status }
  guard let rule = state.pointee.decision.shadowRules.item(UInt32(clamping: index)) else {
    return PURSER_INVALID_ARGUMENT
  }
  return write(rule, of: state, to: rule_out)
}

@c @implementation
public func purser_decision_plan(
  _ request: OpaquePointer?, _ digest_out: UnsafeMutablePointer<purser_text>?
) -> purser_status {
  guard let digest_out else { return PURSER_INVALID_ARGUMENT }
  guard case .good(let state) = decided(request) else { return decided(request).status }
  guard let plan = state.pointee.plan else { return PURSER_NOT_FOUND }
  digest_out.pointee = purser_text(plan.pointee.digest)
  return PURSER_OK
}
