// Plans and requests at random, from a seed: the same seed, the same plans.

struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// SplitMix64.
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

struct ModelGenerator {
  private var random: SeededGenerator

  init(seed: UInt64) { random = SeededGenerator(seed: seed) }

  private mutating func pick<Element>(_ elements: [Element]) -> Element {
    elements[Int.random(in: 0..<elements.count, using: &random)]
  }

  /// True once in `times`.
  private mutating func once(in times: Int) -> Bool { Int.random(in: 0..<times, using: &random) == 0 }

  mutating func plan() -> ModelPlan {
    var plan = ModelPlan(allowsByDefault: !once(in: 3), isSetShadow: once(in: 8))
    var taken: Set<String> = []
    var replaced: Set<String> = []
    // Now and then so many rules that the lists of a decision overflow.
    let isLarge = once(in: 20)
    for _ in 0..<Int.random(in: 1...(isLarge ? 8 : 5), using: &random) {
      var policy = ModelPolicy(
        namespace: pick(["default", "a", "b-c", "bc"]), name: pick(["p", "q", "p-1", "p.1", "pa"]))
      guard taken.insert(policy.path).inserted else { continue }
      policy.isConnectionPhase = once(in: 3)
      policy.match = once(in: 2) ? nil : condition(policy.isConnectionPhase, depth: 1)
      for index in 0..<Int.random(in: 1...(isLarge ? 40 : 4), using: &random) {
        var rule = ModelRule(name: "r-\(index)", action: pick([.allow, .deny, .deny, .audit]))
        rule.when = once(in: 8) ? nil : condition(policy.isConnectionPhase, depth: 2)
        rule.skipsOnError = rule.action != .allow && once(in: 4)
        if rule.action == .deny, once(in: 3) { rule.status = pick([401, 404, 429]) }
        policy.rules.append(rule)
      }
      if once(in: 3) {
        policy.isShadow = true
        let targets = plan.policies.filter { !$0.isShadow && !replaced.contains($0.path) }
        if once(in: 2), let target = targets.first {
          policy.replaces = target.path
          replaced.insert(target.path)
        }
      }
      plan.policies.append(policy)
    }
    return plan
  }

  private mutating func condition(_ isConnectionPhase: Bool, depth: Int) -> Condition {
    if depth > 0, once(in: 3) {
      let inner = condition(isConnectionPhase, depth: depth - 1)
      switch Int.random(in: 0..<3, using: &random) {
      case 0: return .not(inner)
      case 1: return .and(inner, condition(isConnectionPhase, depth: depth - 1))
      default: return .or(inner, condition(isConnectionPhase, depth: depth - 1))
      }
    }
    let ofConnection: [Condition] = [.principal("ann"), .principal("bob"), .mtls, .constant(once(in: 2))]
    if isConnectionPhase { return pick(ofConnection) }
    return pick(
      ofConnection + [
        .method("GET"), .method("PUT"), .header("x", "1"), .header("y", "1"), .hasHeader("x"), .hasHeader("y"),
        .path(.begins(pick(paths))), .path(.ends(pick(["", "b", "/b", "/a/b"]))), .path(.isNot(pick(paths))),
        .path(.matches(pick(["/a", "/a/b"]))), .pathIsOneOf([pick(paths), pick(paths)]),
        .client(pick(["low", "high", "odd", "nested", "none"])),
      ])
  }

  private var paths: [String] { ["", "/", "/a", "/a/", "/a/b", "/a/b/c", "/b", "/ab"] }

  mutating func request() -> ModelRequest {
    var headers: [String: String]?
    if !once(in: 8) {
      headers = [:]
      for name in ["x", "y"] where !once(in: 3) { headers?[name] = pick(["0", "1"]) }
    }
    return ModelRequest(
      path: pick(["/", "/a", "/a/b", "/a/b/c", "/ab", "/b", "", nil]),
      client: pick(["10.0.0.\(Int.random(in: 0...255, using: &random))", "10.0.0.7", "10.0.0.200", "here", nil]),
      method: pick(["GET", "PUT", "POST"]), headers: headers, principal: pick(["ann", "bob", "eve", nil]),
      mtls: pick([true, true, false, nil]))
  }

  /// The documents, in any order.
  mutating func documents(of plan: ModelPlan) -> [String] {
    var documents = plan.policies.map(yaml) + ModelPlan.listDocuments
    documents.append(
      """
      apiVersion: purser.dev/v1alpha1
      kind: PolicySet
      metadata: {name: set}
      spec:
        default: \(plan.allowsByDefault ? "ALLOW" : "DENY")
        mode: \(plan.isSetShadow ? "Shadow" : "Enforce")
        allowEmpty: true
      """)
    documents.shuffle(using: &random)
    return documents
  }

  private func yaml(_ policy: ModelPolicy) -> String {
    var text = """
      apiVersion: purser.dev/v1alpha1
      kind: Policy
      metadata: {name: \(policy.name), namespace: \(policy.namespace)}
      spec:
        mode: \(policy.isShadow ? "Shadow" : "Enforce")
        phase: \(policy.isConnectionPhase ? "connection" : "request")

      """
    if let match = policy.match { text += "  match: '\(match.expression)'\n" }
    if let replaces = policy.replaces { text += "  replaces: \(replaces)\n" }
    text += "  rules:\n"
    for rule in policy.rules {
      text += "  - name: \(rule.name)\n    action: \(rule.action.rawValue)\n"
      if let when = rule.when { text += "    when: '\(when.expression)'\n" }
      if rule.skipsOnError { text += "    onError: skip\n" }
      if let status = rule.status { text += "    response: {status: \(status)}\n" }
    }
    return text
  }
}

extension ModelRequest {
  var attributes: [String: JSON] {
    [
      "request.method": .string(method),
      "request.path": path.map { .string($0) } ?? .null,
      "client.address": client.map { .string($0) } ?? .null,
      "request.headers": headers.map { .object($0.mapValues { .string($0) }) } ?? .null,
      "source.principal": principal.map { .string($0) } ?? .null,
      "connection.mtls": mtls.map { .bool($0) } ?? .null,
    ]
  }
}
