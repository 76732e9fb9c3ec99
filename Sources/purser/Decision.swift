import CPurser

/// A decision, copied out of the library.
struct Decision {
  struct Rule {
    var policy: String
    var namespace: String
    var name: String
    var file: String
    var line: UInt32

    init(_ reference: purser_rule_reference) {
      policy = String(reference.policy)
      namespace = String(reference.policy_namespace)
      name = String(reference.rule)
      file = String(reference.file)
      line = reference.line
    }

    /// `namespace/policy/rule`, without the namespace if there is none.
    var path: String {
      (namespace.isEmpty ? "" : "\(namespace)/") + "\(policy)/\(name)"
    }

    /// `file:line`, or nothing when the rule has no place.
    var place: String { file.isEmpty ? "" : "\(file):\(line)" }
  }

  struct HeaderChange {
    var name: String
    var value: String
    var operation: purser_header_operation
  }

  struct RuleError {
    var rule: Rule
    var message: String
  }

  var isAllowed = false
  var httpStatus: UInt32 = 0
  var code: UInt32 = 0
  var message = ""
  var body = ""
  var kind = PURSER_REASON_DEFAULT
  var reason = ""
  var rule: Rule?
  var requestHeaders: [HeaderChange] = []
  var responseHeaders: [HeaderChange] = []
  var audits: [Rule] = []
  var errors: [RuleError] = []
  var isCached = false
  var shadowIsAllowed: Bool?
  var shadowRules: [Rule] = []
  var plan: String?

  /// Reads the decision of a checked request.
  init(of request: OpaquePointer) throws(Failure) {
    var verdict = PURSER_VERDICT_DENY
    try demand(purser_decision_verdict(request, &verdict), "no verdict")
    isAllowed = verdict == PURSER_VERDICT_ALLOW
    try demand(purser_decision_status(request, &httpStatus, &code), "no status")
    message = try Self.text(of: request, purser_decision_message)
    body = try Self.text(of: request, purser_decision_body)
    reason = try Self.text(of: request, purser_decision_reason)
    try demand(purser_decision_reason_kind(request, &kind), "no reason")
    rule = try Self.optional { (out: inout purser_rule_reference) in purser_decision_rule(request, &out) }.map(
      Rule.init)
    requestHeaders = try Self.headers(
      of: request, purser_decision_request_headers_count, purser_decision_request_header)
    responseHeaders = try Self.headers(
      of: request, purser_decision_response_headers_count, purser_decision_response_header)
    audits = try Self.rules(of: request, purser_decision_audits_count, purser_decision_audit)
    var count = 0
    try demand(purser_decision_errors_count(request, &count), "no errors")
    for index in 0..<count {
      var reference = purser_rule_reference()
      var text = purser_text()
      try demand(purser_decision_error(request, index, &reference, &text), "no error")
      errors.append(RuleError(rule: Rule(reference), message: String(text)))
    }
    var cached: UInt32 = 0
    try demand(purser_decision_is_cached(request, &cached), "not known whether it is cached")
    isCached = cached != 0
    var shadow = PURSER_VERDICT_DENY
    let hasShadow = try Self.isFound(purser_decision_shadow_verdict(request, &shadow))
    shadowIsAllowed = hasShadow ? shadow == PURSER_VERDICT_ALLOW : nil
    shadowRules = try Self.rules(of: request, purser_decision_shadow_rules_count, purser_decision_shadow_rule)
    plan = try Self.optional { (out: inout purser_text) in purser_decision_plan(request, &out) }.map { String($0) }
  }

  private static func text(
    of request: OpaquePointer, _ get: (OpaquePointer?, UnsafeMutablePointer<purser_text>?) -> purser_status
  ) throws(Failure) -> String {
    var text = purser_text()
    try demand(get(request, &text), "no text")
    return String(text)
  }

  /// False for PURSER_NOT_FOUND.
  private static func isFound(_ status: purser_status) throws(Failure) -> Bool {
    if status == PURSER_NOT_FOUND { return false }
    try demand(status, "the decision cannot be read")
    return true
  }

  private static func optional<Value>(_ get: (inout Value) -> purser_status) throws(Failure) -> Value?
  where Value: EmptyCStruct {
    var value = Value()
    return try isFound(get(&value)) ? value : nil
  }

  private static func rules(
    of request: OpaquePointer, _ getCount: (OpaquePointer?, UnsafeMutablePointer<Int>?) -> purser_status,
    _ get: (OpaquePointer?, Int, UnsafeMutablePointer<purser_rule_reference>?) -> purser_status
  ) throws(Failure) -> [Rule] {
    var count = 0
    try demand(getCount(request, &count), "no rules")
    var rules: [Rule] = []
    for index in 0..<count {
      var reference = purser_rule_reference()
      try demand(get(request, index, &reference), "no rule")
      rules.append(Rule(reference))
    }
    return rules
  }

  private static func headers(
    of request: OpaquePointer, _ getCount: (OpaquePointer?, UnsafeMutablePointer<Int>?) -> purser_status,
    _ get: (OpaquePointer?, Int, UnsafeMutablePointer<purser_header>?) -> purser_status
  ) throws(Failure) -> [HeaderChange] {
    var count = 0
    try demand(getCount(request, &count), "no headers")
    var headers: [HeaderChange] = []
    for index in 0..<count {
      var header = purser_header()
      try demand(get(request, index, &header), "no header")
      headers.append(
        HeaderChange(
          name: String(header.name), value: String(header.value),
          operation: purser_header_operation(rawValue: header.operation)))
    }
    return headers
  }
}

/// C structs that can be made empty.
protocol EmptyCStruct {
  init()
}
extension purser_rule_reference: EmptyCStruct {}
extension purser_text: EmptyCStruct {}
