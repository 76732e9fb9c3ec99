// The reason of a decision in words, for logs and labels: which rule, or which default and what it was about.
// Composed into the request's own memory when somebody asks; it names attributes, never their values.

import CEL
import CPlatform
import PurserPolicy
import PurserTelemetry

enum Reason {
  /// What stands for a decision without a plan.
  static var noPlan: StaticString { "no-plan" }

  static func compose(_ request: UnsafeMutablePointer<RequestState>, into text: inout TextSpan) {
    let decision = request.pointee.decision
    guard let plan = request.pointee.plan, decision.kind != .noPlan else {
      text.append(noPlan)
      return
    }
    switch decision.kind {
    case .rule:
      appendRule(decision.rule, plan, &text)
      appendOutcome(of: request, plan, &text)
    case .providerFailure:
      appendRule(decision.rule, plan, &text)
      #if !hasFeature(Embedded)
        text.append(": its provider failed: ")
        text.append((RequestState.denial(request)?.failure ?? .none).text)
      #endif
    case .ruleError:
      appendError(decision.error, plan, &text)
    case .noAllowRule:
      text.append("no ALLOW rule holds; policies for this request: ")
      appendPolicies(decision.selected, plan, &text)
      if decision.error.rule != Decision.noRule {
        text.append("; ")
        appendError(decision.error, plan, &text)
      }
    case .defaultVerdict:
      text.append(decision.allows ? "default ALLOW" : "default DENY")
    case .noPlan: break
    }
  }

  private static func appendOutcome(
    of request: UnsafeMutablePointer<RequestState>, _ plan: UnsafePointer<PlanImage>, _ text: inout TextSpan
  ) {
    let isCustom = RequestState.decidingRule(request)?.action == .custom
    text.append(isCustom ? ": its provider denies" : " holds")
  }

  /// "DENY rule `a` of policy `b`"
  static func appendRule(_ number: UInt32, _ plan: UnsafePointer<PlanImage>, _ text: inout TextSpan) {
    guard number < plan.pointee.policy.ruleCount else { return }
    let rule = plan.pointee.policy.rules[Int(number)]
    text.append(rule.action.name)
    text.append(" rule `")
    text.append(rule.name)
    text.append("` of policy `")
    text.append(plan.pointee.policy.policies[Int(rule.policy)].label)
    text.append("`")
  }

  /// "DENY rule `a` of policy `b` errs: attribute `c` is absent"
  static func appendError(_ error: RuleError, _ plan: UnsafePointer<PlanImage>, _ text: inout TextSpan) {
    appendRule(error.rule, plan, &text)
    text.append(error.isOfMatch ? " errs in `match`: " : " errs: ")
    append(error.error, plan.pointee.policyCode, &text)
  }

  static func append(_ error: EvaluationError, _ part: CodeView, _ text: inout TextSpan) {
    if error.code.isAboutAttribute, error.detail < part.slotNameCount {
      text.append("attribute `")
      text.append(part.slotNames[Int(error.detail)])
      text.append("` ")
    }
    text.append(error.code.text)
  }

  private static func appendPolicies(
    _ policies: PolicyNumbers, _ plan: UnsafePointer<PlanImage>, _ text: inout TextSpan
  ) {
    var index: UInt32 = 0
    while let policy = policies.item(index) {
      if index > 0 { text.append(", ") }
      text.append("`")
      text.append(plan.pointee.policy.policies[Int(policy)].label)
      text.append("`")
      index &+= 1
    }
    if policies.count > index {
      text.append(" and ")
      text.append(decimal: UInt64(policies.count &- index))
      text.append(" more")
    }
  }

  /// "`policy/rule`, `policy/rule`": the AUDIT rules that hold.
  static func composeAudits(_ request: UnsafeMutablePointer<RequestState>, into text: inout TextSpan) {
    guard let plan = request.pointee.plan else { return }
    var index: UInt32 = 0
    while let number = request.pointee.decision.audits.item(index), number < plan.pointee.policy.ruleCount {
      let rule = plan.pointee.policy.rules[Int(number)]
      if index > 0 { text.append(",") }
      text.append(plan.pointee.policy.policies[Int(rule.policy)].label)
      text.append("/")
      text.append(rule.name)
      index &+= 1
    }
  }
}

extension RequestState {
  /// The reason in words; lives until the request ends.
  public static func reason(of request: UnsafeMutablePointer<RequestState>) -> Bytes {
    let base = withUnsafeMutableBytes(of: &request.pointee.text) { $0.baseAddress }
    guard let base = base?.assumingMemoryBound(to: UInt8.self) else { return .empty }
    if request.pointee.reasonLength == notComposed {
      var text = TextSpan(base, capacity: 1024)
      Reason.compose(request, into: &text)
      request.pointee.reasonLength = text.bytes.count
    }
    return Bytes(base, count: request.pointee.reasonLength)
  }

  /// The AUDIT rules that hold, as "policy/rule,policy/rule".
  static func audits(of request: UnsafeMutablePointer<RequestState>) -> Bytes {
    let base = withUnsafeMutableBytes(of: &request.pointee.auditText) { $0.baseAddress }
    guard let base = base?.assumingMemoryBound(to: UInt8.self) else { return .empty }
    if request.pointee.auditLength == notComposed {
      var text = TextSpan(base, capacity: 512)
      Reason.composeAudits(request, into: &text)
      request.pointee.auditLength = text.bytes.count
    }
    return Bytes(base, count: request.pointee.auditLength)
  }
}
