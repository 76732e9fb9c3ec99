import CPurser

/// What was decided about a request, and why.
///
/// ```swift
/// let decision = try await policies.check(request)
/// guard decision.isAllowed else {
///   return deny(status: decision.status, body: decision.body, headers: decision.responseHeaders)
/// }
/// // … serve …
/// try decision.report(Response(code: 200))
/// ```
///
/// A decision may be held across suspensions, copied, and used by any task. It keeps its request open: a few kilobytes,
/// and the plan that it was made with. So let go of it when the request is done, and copy out what is to last. The
/// verdict is at hand; the rest is composed when it is asked for.
public struct Decision: Sendable {
  /// May the request pass?
  public enum Verdict: Sendable, Hashable {
    /// It may not.
    case deny
    /// It may.
    case allow
  }

  /// What kind of reason there is.
  public enum Reason: Sendable, Hashable {
    /// A rule holds: ``Decision/rule``.
    case rule
    /// A rule erred, and so denies.
    case ruleError
    /// There are ALLOW rules for this request and none holds.
    case noAllowRule
    /// No ALLOW rule is about this request; the set's default decides.
    case byDefault
    /// The policy set has no plan yet.
    case noPlan
    /// A provider could not say, and its `failureMode` denies: ``Decision/rule`` is the rule that asked.
    case providerFailure
    /// A kind that this version does not know.
    case other(Int)
  }

  /// A rule, and where it is written.
  public struct Rule: Sendable, Hashable, CustomStringConvertible {
    /// The name of its policy.
    public var policy: String
    /// The namespace of its policy.
    public var namespace: String
    /// Its own name.
    public var name: String
    /// The file, or the name of the ``Document``, that it is written in.
    public var file: String
    /// From 1.
    public var line: Int

    /// `namespace/policy/rule`.
    public var description: String { "\(namespace)/\(policy)/\(name)" }

    init(_ reference: purser_rule_reference) {
      policy = String(reference.policy)
      namespace = String(reference.policy_namespace)
      name = String(reference.rule)
      file = String(reference.file)
      line = Int(reference.line)
    }
  }

  /// A rule that erred while deciding.
  public struct RuleError: Sendable, Hashable {
    /// The rule.
    public var rule: Rule
    /// What went wrong, in words.
    public var message: String
  }

  /// One change to headers, in the order in which they are to be made.
  public enum HeaderChange: Sendable, Hashable {
    /// Replaces all values of the name.
    case set(name: String, value: String)
    /// Adds a value.
    case append(name: String, value: String)
    /// Removes all values of the name.
    case remove(name: String)
    /// Sets the value where there is none of the name: a provider asks for it.
    case setIfAbsent(name: String, value: String)
    /// Replaces all values where there is one of the name: a provider asks for it.
    case setIfPresent(name: String, value: String)
  }

  /// May the request pass?
  public let verdict: Verdict
  let open: OpenRequest

  init(of open: OpenRequest, _ verdict: Verdict) {
    self.open = open
    self.verdict = verdict
  }

  /// Whether the request may pass.
  public var isAllowed: Bool { verdict == .allow }

  /// The request that was decided.
  public var request: Request { open.request }

  /// The HTTP status to answer a denial with; 200 when allowed.
  public var status: Int { numbers.status }

  /// The google.rpc code to answer a denial with; 0 when allowed.
  public var code: Int { numbers.code }

  private var numbers: (status: Int, code: Int) {
    read((403, 7)) { request in
      var status: UInt32 = 0
      var code: UInt32 = 0
      return purser_decision_status(request, &status, &code) == PURSER_OK ? (Int(status), Int(code)) : nil
    }
  }

  /// A short text for the client, such as `permission denied`; it names no rule.
  public var message: String { text(purser_decision_message) }

  /// The body to send with a denial; empty unless the rule's `response` has one.
  public var body: String { text(purser_decision_body) }

  /// The reason in words, for logs: which rule, or which default and the policies that are about the request.
  public var reason: String { text(purser_decision_reason) }

  /// What kind of reason there is.
  public var reasonKind: Reason {
    read(.other(0)) { request in
      var kind = purser_reason_kind(0)
      guard purser_decision_reason_kind(request, &kind) == PURSER_OK else { return nil }
      return switch kind {
      case PURSER_REASON_RULE: .rule
      case PURSER_REASON_RULE_ERROR: .ruleError
      case PURSER_REASON_NO_ALLOW_RULE: .noAllowRule
      case PURSER_REASON_DEFAULT: .byDefault
      case PURSER_REASON_NO_PLAN: .noPlan
      case PURSER_REASON_PROVIDER_FAILURE: .providerFailure
      default: .other(Int(kind.rawValue))
      }
    }
  }

  /// The rule of the reason; nil when no single rule decided.
  public var rule: Rule? {
    read(nil) { request in
      var reference = purser_rule_reference()
      return purser_decision_rule(request, &reference) == PURSER_OK ? Rule(reference) : nil
    }
  }

  /// Changes to the request's headers before it is served; when it is allowed.
  public var requestHeaders: [HeaderChange] {
    list(purser_decision_request_headers_count) { request, index in
      var header = purser_header()
      return purser_decision_request_header(request, index, &header) == PURSER_OK ? HeaderChange(header) : nil
    }
  }

  /// Changes to the response's headers; when denied, the headers of the answer that denies.
  public var responseHeaders: [HeaderChange] {
    list(purser_decision_response_headers_count) { request, index in
      var header = purser_header()
      return purser_decision_response_header(request, index, &header) == PURSER_OK ? HeaderChange(header) : nil
    }
  }

  /// The AUDIT rules that hold, at most 16.
  public var audits: [Rule] {
    list(purser_decision_audits_count) { request, index in
      var reference = purser_rule_reference()
      return purser_decision_audit(request, index, &reference) == PURSER_OK ? Rule(reference) : nil
    }
  }

  /// The rules that erred while deciding, at most 16, each with what went wrong.
  public var errors: [RuleError] {
    list(purser_decision_errors_count) { request, index in
      var reference = purser_rule_reference()
      var text = purser_text()
      guard purser_decision_error(request, index, &reference, &text) == PURSER_OK else { return nil }
      return RuleError(rule: Rule(reference), message: String(text))
    }
  }

  /// Whether the answer came from the check cache.
  public var isCached: Bool {
    read(false) { request in
      var cached: UInt32 = 0
      return purser_decision_is_cached(request, &cached) == PURSER_OK ? cached != 0 : nil
    }
  }

  /// What the verdict would be were all Shadow policies enforced; nil when the plan has none.
  public var shadowVerdict: Verdict? {
    read(nil) { request in
      var verdict = PURSER_VERDICT_DENY
      guard purser_decision_shadow_verdict(request, &verdict) == PURSER_OK else { return nil }
      return verdict == PURSER_VERDICT_ALLOW ? .allow : .deny
    }
  }

  /// The rules of Shadow policies that make the difference, at most 16; none when the verdicts agree.
  public var shadowRules: [Rule] {
    list(purser_decision_shadow_rules_count) { request, index in
      var reference = purser_rule_reference()
      return purser_decision_shadow_rule(request, index, &reference) == PURSER_OK ? Rule(reference) : nil
    }
  }

  /// The digest of the plan that decided; nil when there was none.
  public var plan: String? {
    read(nil) { request in
      var text = purser_text()
      return purser_decision_plan(request, &text) == PURSER_OK ? String(text) : nil
    }
  }

  /// Records metrics and log records of the finished request, with the plan that decided. Once for each request, also
  /// for a denied one.
  ///
  /// - Parameter response: What is known now that the request is done.
  /// - Throws: ``EngineError/alreadyReported`` or ``EngineError/forked``.
  public func report(_ response: Response = Response()) throws(EngineError) { try open.report(response) }

  /// Decides again, evaluates every rule, and tells it all as one JSON object, as docs/explain.md describes. Values that
  /// are secrets are masked. Slow: for a person with a question, not for every request.
  ///
  /// - Throws: ``EngineError/noPlan`` or ``EngineError/forked``.
  public func explain() throws(EngineError) -> String { try open.explain() }
}

// Reading. The request is checked, so a getter fails only in a forked child; what a denial would say stands in then.
extension Decision {
  private func read<Result: Sendable>(_ otherwise: Result, _ body: (OpaquePointer) -> Result?) -> Result {
    open.read(body) ?? otherwise
  }

  private func text(_ get: (OpaquePointer?, UnsafeMutablePointer<purser_text>?) -> purser_status) -> String {
    read("") { request in
      var text = purser_text()
      return get(request, &text) == PURSER_OK ? String(text) : nil
    }
  }

  private func list<Item: Sendable>(
    _ count: (OpaquePointer?, UnsafeMutablePointer<Int>?) -> purser_status, _ item: (OpaquePointer, Int) -> Item?
  ) -> [Item] {
    read([]) { request in
      var number = 0
      guard count(request, &number) == PURSER_OK, number > 0 else { return nil }
      return (0..<number).compactMap { item(request, $0) }
    }
  }
}

extension Decision.HeaderChange {
  init?(_ header: purser_header) {
    let name = String(header.name)
    switch header.operation {
    case PURSER_HEADER_SET.rawValue: self = .set(name: name, value: String(header.value))
    case PURSER_HEADER_APPEND.rawValue: self = .append(name: name, value: String(header.value))
    case PURSER_HEADER_REMOVE.rawValue: self = .remove(name: name)
    case PURSER_HEADER_SET_IF_ABSENT.rawValue: self = .setIfAbsent(name: name, value: String(header.value))
    case PURSER_HEADER_SET_IF_PRESENT.rawValue: self = .setIfPresent(name: name, value: String(header.value))
    default: return nil
    }
  }
}

extension Headers {
  /// Makes the changes of a decision.
  public mutating func apply(_ changes: [Decision.HeaderChange]) {
    for change in changes {
      switch change {
      case .set(let name, let value): self[name] = value
      case .append(let name, let value): append(name, value)
      case .remove(let name): self[name] = nil
      case .setIfAbsent(let name, let value): if self[name] == nil { self[name] = value }
      case .setIfPresent(let name, let value): if self[name] != nil { self[name] = value }
      }
    }
  }
}
