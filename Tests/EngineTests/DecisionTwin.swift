// A decision function written straight from the design's words, slow and obvious, over a plain model of policies and
// requests. The engine is compared with it in `DecisionTwinTests`.

enum Truth: Equatable {
  case holds, fails, errs
}

/// A condition that can be written as an expression and be judged without one.
indirect enum Condition {
  case constant(Bool)
  case method(String)
  /// Errs when the request has no such header.
  case header(String, String)
  /// Errs when the peer has no principal.
  case principal(String)
  /// Errs when the host does not say.
  case mtls
  /// Of the path; errs when there is none.
  case path(PathTest)
  case pathIsOneOf([String])
  case hasHeader(String)
  /// Whether the client is in the list; errs when it is not known, or is no address.
  case client(String)
  case not(Condition)
  case and(Condition, Condition)
  case or(Condition, Condition)

  var expression: String {
    switch self {
    case .constant(let value): "\(value)"
    case .method(let value): "request.method == \"\(value)\""
    case .header(let name, let value): "request.headers[\"\(name)\"] == \"\(value)\""
    case .principal(let value): "source.principal == \"\(value)\""
    case .mtls: "connection.mtls"
    case .path(.begins(let text)): "request.path.startsWith(\"\(text)\")"
    case .path(.ends(let text)): "request.path.endsWith(\"\(text)\")"
    case .path(.isNot(let text)): "request.path != \"\(text)\""
    case .path(.matches(let text)): "request.path.matches(\"^\(text)[a-z]*\")"
    case .pathIsOneOf(let texts): "request.path in [\(texts.map { "\"\($0)\"" }.joined(separator: ", "))]"
    case .hasHeader(let name): "\"\(name)\" in request.headers"
    case .client(let list): "client.address in lists.\(list)"
    case .not(let inner): "!(\(inner.expression))"
    case .and(let left, let right): "(\(left.expression)) && (\(right.expression))"
    case .or(let left, let right): "(\(left.expression)) || (\(right.expression))"
    }
  }

  func truth(of request: ModelRequest) -> Truth {
    switch self {
    case .constant(let value): return value ? .holds : .fails
    case .method(let value): return request.method == value ? .holds : .fails
    case .header(let name, let value):
      guard let found = request.headers?[name] else { return .errs }
      return found == value ? .holds : .fails
    case .principal(let value):
      guard let found = request.principal else { return .errs }
      return found == value ? .holds : .fails
    case .mtls:
      guard let found = request.mtls else { return .errs }
      return found ? .holds : .fails
    case .path(let test):
      guard let path = request.path else { return .errs }
      let holds =
        switch test {
        case .begins(let text), .matches(let text): path.hasPrefix(text)
        case .ends(let text): path.hasSuffix(text)
        case .isNot(let text): path != text
        }
      return holds ? .holds : .fails
    case .pathIsOneOf(let texts):
      guard let path = request.path else { return .errs }
      return texts.contains(path) ? .holds : .fails
    case .hasHeader(let name):
      guard let headers = request.headers else { return .errs }
      return headers[name] != nil ? .holds : .fails
    case .client(let list):
      guard let client = request.client, let last = client.split(separator: ".").last.flatMap({ Int($0) }),
        client.split(separator: ".").count == 4
      else { return .errs }
      return (ModelPlan.lists[list] ?? []).contains { $0.contains(last) } ? .holds : .fails
    case .not(let inner):
      switch inner.truth(of: request) {
      case .holds: return .fails
      case .fails: return .holds
      case .errs: return .errs
      }
    case .and(let left, let right):
      let truths = [left.truth(of: request), right.truth(of: request)]
      return truths.contains(.fails) ? .fails : truths.contains(.errs) ? .errs : .holds
    case .or(let left, let right):
      let truths = [left.truth(of: request), right.truth(of: request)]
      return truths.contains(.holds) ? .holds : truths.contains(.errs) ? .errs : .fails
    }
  }
}

enum PathTest: Equatable {
  case begins(String)
  case ends(String)
  case isNot(String)
  case matches(String)
}

struct ModelRequest {
  var path: String?
  /// 10.0.0.X, or no address at all.
  var client: String?
  var method: String
  var headers: [String: String]?
  var principal: String?
  var mtls: Bool?
}

struct ModelRule {
  enum Action: String {
    case allow = "ALLOW"
    case deny = "DENY"
    case audit = "AUDIT"
  }

  var name: String
  var action: Action
  var when: Condition?
  var skipsOnError = false
  var status: UInt32?
}

struct ModelPolicy {
  var namespace: String
  var name: String
  var isShadow = false
  /// `namespace/name`.
  var replaces: String?
  var isConnectionPhase = false
  var match: Condition?
  var rules: [ModelRule] = []

  var path: String { "\(namespace)/\(name)" }
}

struct ModelPlan {
  var allowsByDefault = true
  var isSetShadow = false
  var policies: [ModelPolicy] = []
}

extension ModelPlan {
  /// What the last number of an address may be.
  static let lists: [String: [ClosedRange<Int>]] = [
    "low": [0...63], "high": [192...255], "odd": [7...7, 64...127], "nested": [0...15, 0...3],
    "none": [],
  ]

  static var listDocuments: [String] {
    lists.map { name, ranges in
      let blocks = ranges.map {
        "10.0.0.\($0.lowerBound)/\(32 - ($0.count.bitWidth - 1 - $0.count.leadingZeroBitCount))"
      }
      return """
        apiVersion: purser.dev/v1alpha1
        kind: ValueList
        metadata: {name: \(name)}
        spec: {type: CIDR, values: [\(blocks.joined(separator: ", "))]}
        """
    }
  }
}

extension ModelPlan {
  /// One rule as a request meets it; rules that are not about the request, or as if absent, are not met.
  struct Met {
    var policy: ModelPolicy
    var rule: ModelRule
    var truth: Truth

    var path: String { "\(policy.path)/\(rule.name)" }
  }

  /// In work order: namespace, name, position.
  private func met(
    _ action: ModelRule.Action, of policies: [ModelPolicy], by request: ModelRequest, _ connectionOnly: Bool
  ) -> [Met] {
    let ordered = policies.sorted {
      ($0.namespace, $0.name).0.utf8.elementsEqual($1.namespace.utf8)
        ? $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
        : $0.namespace.utf8.lexicographicallyPrecedes($1.namespace.utf8)
    }
    var met: [Met] = []
    for policy in ordered where !connectionOnly || policy.isConnectionPhase {
      let match = policy.match?.truth(of: request) ?? .holds
      if match == .fails { continue }
      for rule in policy.rules where rule.action == action {
        if match == .errs {
          met.append(Met(policy: policy, rule: rule, truth: .errs))
          continue
        }
        let truth = rule.when?.truth(of: request) ?? .holds
        if truth == .errs, rule.skipsOnError { continue }
        met.append(Met(policy: policy, rule: rule, truth: truth))
      }
    }
    return met
  }

  private struct Verdict {
    var allows: Bool
    var kind: String
    var deciding: Met?
    var errors: [String] = []
  }

  private func verdict(
    of policies: [ModelPolicy], allowsByDefault: Bool, by request: ModelRequest, _ connectionOnly: Bool
  ) -> Verdict {
    let denies = met(.deny, of: policies, by: request, connectionOnly)
    if let index = denies.firstIndex(where: { $0.truth == .holds }) {
      let before = denies[..<index].filter { $0.truth == .errs }
      return Verdict(allows: false, kind: "rule", deciding: denies[index], errors: before.map(\.path))
    }
    let erring = denies.filter { $0.truth == .errs }
    if let first = erring.first {
      return Verdict(allows: false, kind: "rule-error", deciding: first, errors: erring.map(\.path))
    }
    // A connection is denied for want of an ALLOW rule only if no request on it could have one.
    if connectionOnly,
      policies.contains(where: { !$0.isConnectionPhase && $0.rules.contains { $0.action == .allow } })
    {
      return Verdict(allows: true, kind: "default")
    }
    let allows = met(.allow, of: policies, by: request, connectionOnly)
    if allows.isEmpty { return Verdict(allows: allowsByDefault, kind: "default") }
    if let index = allows.firstIndex(where: { $0.truth == .holds }) {
      let before = allows[..<index].filter { $0.truth == .errs }
      return Verdict(allows: true, kind: "rule", deciding: allows[index], errors: before.map(\.path))
    }
    return Verdict(
      allows: false, kind: "no-allow-rule", errors: allows.filter { $0.truth == .errs }.map(\.path))
  }

  /// What the engine must find. The texts, and what comes from documents alone, are left out.
  func decide(_ request: ModelRequest, connectionOnly: Bool = false) -> ModelDecision {
    let enforced = isSetShadow ? [] : policies.filter { !$0.isShadow }
    let verdict = verdict(
      of: enforced, allowsByDefault: allowsByDefault || isSetShadow, by: request, connectionOnly)
    let audits = met(.audit, of: enforced, by: request, connectionOnly)
    var decision = ModelDecision(allows: verdict.allows, kind: verdict.kind, rule: verdict.deciding?.path)
    decision.status = verdict.allows ? 200 : verdict.deciding?.rule.status ?? 403
    decision.audits = audits.filter { $0.truth == .holds }.map(\.path)
    decision.errors = verdict.errors + audits.filter { $0.truth == .errs }.map(\.path)
    guard isSetShadow || policies.contains(where: \.isShadow) else { return decision }

    let replaced = policies.filter(\.isShadow).compactMap(\.replaces)
    let tried = policies.filter { $0.isShadow || !replaced.contains($0.path) }
    let shadow = self.verdict(of: tried, allowsByDefault: allowsByDefault, by: request, connectionOnly)
    decision.shadowAllows = shadow.allows
    guard shadow.allows != verdict.allows else { return decision }
    let trial = tried.filter { $0.isShadow || isSetShadow }
    let rules: [Met]
    if shadow.allows {
      rules = met(.allow, of: trial, by: request, connectionOnly).filter { $0.truth == .holds }
    } else if shadow.kind == "no-allow-rule" {
      rules = met(.allow, of: trial, by: request, connectionOnly)
    } else {
      rules = met(.deny, of: trial, by: request, connectionOnly).filter { $0.truth != .fails }
    }
    decision.shadowRules = rules.map(\.path)
    return decision
  }
}

struct ModelDecision: Equatable {
  var allows: Bool
  var kind: String
  var rule: String?
  var status: UInt32 = 200
  var audits: [String] = []
  var errors: [String] = []
  var shadowAllows: Bool?
  var shadowRules: [String] = []

  init(allows: Bool, kind: String, rule: String?) {
    self.allows = allows
    self.kind = kind
    self.rule = rule
  }

  init(_ found: Found) {
    self.init(allows: found.allows, kind: found.kindName, rule: found.rule)
    status = found.status
    audits = found.audits
    errors = found.errors
    shadowAllows = found.shadowAllows
    shadowRules = found.shadowRules
  }

  /// Lists of a decision hold sixteen entries.
  var capped: ModelDecision {
    var decision = self
    decision.audits = Array(audits.prefix(16))
    decision.errors = Array(errors.prefix(16))
    decision.shadowRules = Array(shadowRules.prefix(16))
    return decision
  }
}
