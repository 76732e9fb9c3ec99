// What a plan asks of providers, and under which keys answers are kept.

import CPurser
import PurserEngine

#if !hasFeature(Embedded)
  private func external(_ handle: OpaquePointer?, _ index: Int) -> (plan: Plan, rule: ExternalRulePlan)? {
    guard let handle else { return nil }
    let plan = Unmanaged<Plan>.fromOpaque(UnsafeRawPointer(handle)).takeUnretainedValue()
    return plan.externalRules.indices.contains(index) ? (plan, plan.externalRules[index]) : nil
  }
#endif

@c @implementation
public func purser_plan_externals_count(
  _ handle: OpaquePointer?, _ count_out: UnsafeMutablePointer<Int>?
) -> purser_status {
  guard let handle, let count_out else { return PURSER_INVALID_ARGUMENT }
  count_out.pointee = Unmanaged<Plan>.fromOpaque(UnsafeRawPointer(handle)).takeUnretainedValue().externalRules.count
  return PURSER_OK
}

@c @implementation
public func purser_plan_external(
  _ handle: OpaquePointer?, _ index: Int, _ rule_out: UnsafeMutablePointer<purser_external_rule>?
) -> purser_status {
  #if hasFeature(Embedded)
    return PURSER_INVALID_ARGUMENT
  #else
    guard let rule_out, rule_out.pointee.size >= MemoryLayout<purser_external_rule>.size,
      let (plan, rule) = external(handle, index), plan.externalTexts.indices.contains(index)
    else { return PURSER_INVALID_ARGUMENT }
    let texts = plan.externalTexts[index]
    rule_out.pointee.rule = purser_rule_reference(texts.rule, in: plan.policies.image)
    rule_out.pointee.provider = purser_text(texts.provider)
    rule_out.pointee.is_cached = rule.cache == nil ? 0 : 1
    rule_out.pointee.key_count = rule.cache?.names.count ?? 0
    rule_out.pointee.ttl_ns = rule.cache?.ttl ?? 0
    rule_out.pointee.deny_ttl_ns = rule.cache?.denyTTL ?? 0
    rule_out.pointee.stale_if_error_ns = rule.cache?.staleFor ?? 0
    return PURSER_OK
  #endif
}

@c @implementation
public func purser_plan_external_key(
  _ handle: OpaquePointer?, _ index: Int, _ part: Int, _ name_out: UnsafeMutablePointer<purser_text>?
) -> purser_status {
  #if hasFeature(Embedded)
    return PURSER_INVALID_ARGUMENT
  #else
    guard let name_out, let (plan, _) = external(handle, index), plan.externalTexts.indices.contains(index),
      plan.externalTexts[index].key.indices.contains(part)
    else { return PURSER_INVALID_ARGUMENT }
    name_out.pointee = purser_text(plan.externalTexts[index].key[part])
    return PURSER_OK
  #endif
}
