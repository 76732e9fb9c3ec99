// Plans.

import CEL
import CPurser
import PurserAttributes
import PurserConfiguration
import PurserEngine
import PurserPolicy

#if !hasFeature(Embedded)
  import PurserExternal
#endif

private func plan(_ handle: OpaquePointer?) -> Plan? {
  guard let handle else { return nil }
  return Unmanaged<Plan>.fromOpaque(UnsafeRawPointer(handle)).takeUnretainedValue()
}

extension LoadRequest {
  enum Result {
    case good(LoadRequest)
    case bad(purser_status)
  }

  /// `engine` declares what `options` does not.
  static func read(_ options: UnsafePointer<purser_load_options>?, engine: EngineOptions? = nil) -> Result {
    guard let options, options.pointee.size >= MemoryLayout<purser_load_options>.size,
      options.pointee.paths_count >= 0, options.pointee.documents_count >= 0,
      options.pointee.paths != nil || options.pointee.paths_count == 0,
      options.pointee.documents != nil || options.pointee.documents_count == 0
    else { return .bad(PURSER_INVALID_ARGUMENT) }
    var request = LoadRequest()
    var index = 0
    while let paths = options.pointee.paths, index < options.pointee.paths_count {
      guard let path = paths[index].string else { return .bad(PURSER_INVALID_ARGUMENT) }
      request.paths.append(path)
      index &+= 1
    }
    index = 0
    while let documents = options.pointee.documents, index < options.pointee.documents_count {
      guard let name = documents[index].name.string, let text = documents[index].text.bytes else {
        return .bad(PURSER_INVALID_ARGUMENT)
      }
      request.documents.append((name, text))
      index &+= 1
    }
    switch HostDeclaration.read(
      served: options.pointee.attributes_served, options.pointee.attributes_served_count,
      constants: options.pointee.constants, options.pointee.constants_count)
    {
    case .bad(let status): return .bad(status)
    case .good(let declaration):
      request.options.attributesServed = declaration.served ?? engine?.attributesServed
      request.options.constants = declaration.constants.isEmpty ? engine?.constants ?? [] : declaration.constants
    }
    #if !hasFeature(Embedded)
      request.options.providerProblem = { ExternalServices.problem(of: $0) }
    #endif
    return .good(request)
  }
}

@c @implementation
public func purser_plan_load(
  _ options: UnsafePointer<purser_load_options>?, _ plan_out: UnsafeMutablePointer<OpaquePointer?>?,
  _ problems_out: UnsafeMutablePointer<OpaquePointer?>?
) -> purser_status {
  guard let plan_out else { return PURSER_INVALID_ARGUMENT }
  switch LoadRequest.read(options) {
  case .bad(let status): return status
  case .good(let request):
    guard let result = PlanLoader.load(request) else { return PURSER_UNAVAILABLE }
    ProblemList.hand(ProblemList(result), to: problems_out)
    guard let plan = result.plan else { return PURSER_PROBLEMS }
    plan_out.pointee = OpaquePointer(Unmanaged.passRetained(plan).toOpaque())
    return PURSER_OK
  }
}

@c @implementation
public func purser_plan_digest(
  _ handle: OpaquePointer?, _ digest_out: UnsafeMutablePointer<purser_text>?
) -> purser_status {
  guard let plan = plan(handle), let digest_out else { return PURSER_INVALID_ARGUMENT }
  digest_out.pointee = purser_text(plan.digest)
  return PURSER_OK
}

@c @implementation
public func purser_plan_summarize(
  _ handle: OpaquePointer?, _ summary_out: UnsafeMutablePointer<purser_plan_summary>?
) -> purser_status {
  guard let plan = plan(handle), let summary_out,
    summary_out.pointee.size >= MemoryLayout<purser_plan_summary>.size
  else { return PURSER_INVALID_ARGUMENT }
  summary_out.pointee.policies = Int(plan.policies.image.policyCount)
  summary_out.pointee.rules = Int(plan.policies.image.ruleCount)
  summary_out.pointee.metrics = plan.metrics.count
  summary_out.pointee.access_logs = plan.accessLogs.count
  summary_out.pointee.backends = plan.backends.count
  summary_out.pointee.value_lists = plan.valueSets.count
  summary_out.pointee.enforced_policies = plan.enforcedPolicyCount
  summary_out.pointee.allows_empty = plan.allowsEmpty ? 1 : 0
  return PURSER_OK
}

@c @implementation
public func purser_plan_compiled(
  _ handle: OpaquePointer?, _ compiled_out: UnsafeMutablePointer<Int>?, _ reused_out: UnsafeMutablePointer<Int>?
) -> purser_status {
  guard let plan = plan(handle), let compiled_out, let reused_out else { return PURSER_INVALID_ARGUMENT }
  compiled_out.pointee = plan.compiledPolicyCount
  reused_out.pointee = plan.reusedPolicyCount
  return PURSER_OK
}

@c @implementation
public func purser_plan_unindexed_count(
  _ handle: OpaquePointer?, _ count_out: UnsafeMutablePointer<Int>?
) -> purser_status {
  guard let plan = plan(handle), let count_out else { return PURSER_INVALID_ARGUMENT }
  count_out.pointee = plan.policies.unindexedRules.count
  return PURSER_OK
}

@c @implementation
public func purser_plan_unindexed_rule(
  _ handle: OpaquePointer?, _ index: Int, _ rule_out: UnsafeMutablePointer<purser_rule_reference>?
) -> purser_status {
  guard let plan = plan(handle), let rule_out, plan.policies.unindexedRules.indices.contains(index) else {
    return PURSER_INVALID_ARGUMENT
  }
  rule_out.pointee = purser_rule_reference(plan.policies.unindexedRules[index], in: plan.policies.image)
  return PURSER_OK
}

@c @implementation
public func purser_plan_attributes_count(
  _ handle: OpaquePointer?, _ count_out: UnsafeMutablePointer<Int>?
) -> purser_status {
  guard let plan = plan(handle), let count_out else { return PURSER_INVALID_ARGUMENT }
  count_out.pointee = plan.customAttributes.count
  return PURSER_OK
}

@c @implementation
public func purser_plan_attribute(
  _ handle: OpaquePointer?, _ index: Int, _ info_out: UnsafeMutablePointer<purser_attribute_info>?
) -> purser_status {
  guard let plan = plan(handle), let info_out,
    info_out.pointee.size >= MemoryLayout<purser_attribute_info>.size,
    plan.customAttributes.indices.contains(index)
  else { return PURSER_INVALID_ARGUMENT }
  let attribute = plan.customAttributes[index]
  let texts = plan.customAttributeTexts[index]
  info_out.pointee.name = purser_text(texts.name)
  info_out.pointee.type = purser_text(texts.type)
  info_out.pointee.phase = purser_phase(attribute.phase)
  return PURSER_OK
}

@c @implementation
public func purser_plan_free(_ handle: OpaquePointer?) {
  guard let handle else { return }
  Unmanaged<Plan>.fromOpaque(UnsafeRawPointer(handle)).release()
}
