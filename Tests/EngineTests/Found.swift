// A decision, copied out of the library, every field of it.

import CPurser

struct Found: Equatable {
  var allows = false
  var status: UInt32 = 0
  var code: UInt32 = 0
  var message = ""
  var kind: UInt32 = 0
  var reason = ""
  /// `namespace/policy/rule`.
  var rule: String?
  var line: UInt32?
  var body = ""
  /// `set name: value`, `append name: value`, `remove name`.
  var requestHeaders: [String] = []
  var responseHeaders: [String] = []
  var audits: [String] = []
  var errors: [String] = []
  var errorTexts: [String] = []
  var shadowAllows: Bool?
  var shadowRules: [String] = []
  var isCached = false
  var plan: String?

  init() {}

  init(of request: OpaquePointer) throws {
    var verdict = PURSER_VERDICT_DENY
    try demand(purser_decision_verdict(request, &verdict))
    allows = verdict == PURSER_VERDICT_ALLOW
    try demand(purser_decision_status(request, &status, &code))
    message = try Found.text(request, purser_decision_message)
    body = try Found.text(request, purser_decision_body)
    reason = try Found.text(request, purser_decision_reason)
    var kind = PURSER_REASON_DEFAULT
    try demand(purser_decision_reason_kind(request, &kind))
    self.kind = kind.rawValue
    var reference = purser_rule_reference()
    if try Found.has(purser_decision_rule(request, &reference)) {
      rule = Found.path(reference)
      line = reference.line
    }
    requestHeaders = try Found.headers(
      request, purser_decision_request_headers_count, purser_decision_request_header)
    responseHeaders = try Found.headers(
      request, purser_decision_response_headers_count, purser_decision_response_header)
    audits = try Found.rules(request, purser_decision_audits_count, purser_decision_audit)
    shadowRules = try Found.rules(request, purser_decision_shadow_rules_count, purser_decision_shadow_rule)
    var count = 0
    try demand(purser_decision_errors_count(request, &count))
    for index in 0..<count {
      var text = purser_text()
      try demand(purser_decision_error(request, index, &reference, &text))
      errors.append(Found.path(reference))
      errorTexts.append(String(text))
    }
    if try Found.has(purser_decision_shadow_verdict(request, &verdict)) {
      shadowAllows = verdict == PURSER_VERDICT_ALLOW
    }
    var cached: UInt32 = 0
    try demand(purser_decision_is_cached(request, &cached))
    isCached = cached != 0
    var digest = purser_text()
    if try Found.has(purser_decision_plan(request, &digest)) { plan = String(digest) }
  }

  /// The kinds as the cases write them.
  var kindName: String {
    switch kind {
    case PURSER_REASON_RULE.rawValue: "rule"
    case PURSER_REASON_RULE_ERROR.rawValue: "rule-error"
    case PURSER_REASON_NO_ALLOW_RULE.rawValue: "no-allow-rule"
    case PURSER_REASON_DEFAULT.rawValue: "default"
    case PURSER_REASON_NO_PLAN.rawValue: "no-plan"
    case PURSER_REASON_PROVIDER_FAILURE.rawValue: "provider-failure"
    default: "\(kind)"
    }
  }

  /// Without what depends on how documents are written down: lines, and the digest.
  var essence: Found {
    var found = self
    found.line = nil
    found.plan = nil
    return found
  }

  private static func path(_ rule: purser_rule_reference) -> String {
    "\(String(rule.policy_namespace))/\(String(rule.policy))/\(String(rule.rule))"
  }

  private static func has(_ status: purser_status) throws(Refused) -> Bool {
    if status == PURSER_NOT_FOUND { return false }
    try demand(status)
    return true
  }

  private static func text(
    _ request: OpaquePointer, _ get: (OpaquePointer?, UnsafeMutablePointer<purser_text>?) -> purser_status
  ) throws -> String {
    var text = purser_text()
    try demand(get(request, &text))
    return String(text)
  }

  private static func rules(
    _ request: OpaquePointer, _ count: (OpaquePointer?, UnsafeMutablePointer<Int>?) -> purser_status,
    _ get: (OpaquePointer?, Int, UnsafeMutablePointer<purser_rule_reference>?) -> purser_status
  ) throws -> [String] {
    var number = 0
    try demand(count(request, &number))
    return try (0..<number).map { index in
      var rule = purser_rule_reference()
      try demand(get(request, index, &rule))
      return path(rule)
    }
  }

  private static func headers(
    _ request: OpaquePointer, _ count: (OpaquePointer?, UnsafeMutablePointer<Int>?) -> purser_status,
    _ get: (OpaquePointer?, Int, UnsafeMutablePointer<purser_header>?) -> purser_status
  ) throws -> [String] {
    var number = 0
    try demand(count(request, &number))
    return try (0..<number).map { index in
      var header = purser_header()
      try demand(get(request, index, &header))
      switch header.operation {
      case PURSER_HEADER_SET.rawValue: return "set \(String(header.name)): \(String(header.value))"
      case PURSER_HEADER_APPEND.rawValue: return "append \(String(header.name)): \(String(header.value))"
      default: return "remove \(String(header.name))"
      }
    }
  }
}
