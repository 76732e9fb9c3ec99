// Policy: fields, and the rules between fields.

extension DocumentReader {
  private static let headerMap = Shape.map(.headerName, .text(.headerValue))

  private static let headerChangesShape = ObjectShape(
    "header change", "changes to headers",
    [
      Field("set", headerMap, "headers that get this value, whatever they had"),
      Field("append", headerMap, "headers that get this value besides those they have"),
      Field("remove", .list(.text(.headerName)), "headers that are taken away"),
    ])

  private static let responseShape = ObjectShape(
    "response", "what the client gets when the rule denies",
    [
      Field("status", .integer(200...599), "HTTP status; 403 unless given"),
      Field("headers", headerMap, "headers of the answer"),
      Field("body", .text(.any), "body of the answer"),
    ])

  #if !hasFeature(Embedded)
    private static let cacheShape = ObjectShape(
      "cache", "how long the provider's answers are kept",
      [
        Field("ttl", .duration, required: true, "how long an answer is kept"),
        Field("denyTTL", .duration, "how long a denial is kept; `ttl` unless given"),
        Field("staleIfError", .duration, "how long an answer still serves when the provider fails"),
        Field(
          "headers", .list(.text(.headerName)), "header changes of an answer that are made, kept or not; no others are"),
        Field("varyBy", .list(.text(.attributeName)), "attributes that tell answers apart besides those that are read"),
        Field("purgeBy", .list(.text(.attributeName)), "attributes by which answers can be purged"),
      ])

    private static let quotaShape = ObjectShape(
      "quota", "a limit counted for each key",
      [
        Field("key", .list(.expression, countMin: 1), required: true, "expressions whose values are the key"),
        Field("limit", .integer(1...1_000_000_000), required: true, "how many in each period"),
        Field("per", .duration, required: true, "the period"),
        Field("burst", .integer(0...1_000_000_000), "how many more at once"),
      ])
  #endif

  // The small flavour asks nobody.
  #if hasFeature(Embedded)
    private static let actionShape = Shape.word(["ALLOW", "DENY", "AUDIT"], later: ["CUSTOM", "LIMIT"])
    private static let fieldsOfSomeActions = ["provider", "cache", "quota"].map { Field($0, .anything, "") }
  #else
    private static let actionShape = Shape.word(["ALLOW", "DENY", "AUDIT", "CUSTOM"], later: ["LIMIT"])
    private static let fieldsOfSomeActions = [
      Field("provider", .text(.reference), "on CUSTOM: whom to ask"),
      Field("cache", .object(cacheShape), "on CUSTOM: keep answers"),
      Field("quota", .object(quotaShape), support: .withRefusedAction, "on LIMIT: what is counted"),
    ]
  #endif

  private static let ruleShape = ObjectShape(
    "rule", "an action and the condition under which it is taken",
    [
      Field("name", .text(.ruleName), required: true, "unique in the policy"),
      Field("action", actionShape, required: true, "what the rule does when it holds"),
      Field("when", .expression, "the condition; a rule without one always holds"),
      Field(
        "onError", .word(ErrorTreatment.allCases.map { $0.rawValue }),
        "what an error of `when` means, not on ALLOW: `deny`, or `skip` as if the rule were absent"),
      Field("requestHeaders", .object(headerChangesShape), "changes to the request that an ALLOW rule lets through"),
      Field("responseHeaders", .object(headerChangesShape), "changes to the response to such a request"),
      Field("response", .object(responseShape), "on a rule that denies: what the client gets"),
    ] + fieldsOfSomeActions)

  static let policyShape = ObjectShape(
    "policy", "which requests are allowed, denied or marked",
    [
      Field(
        "mode", .word(EnforcementMode.allCases.map { $0.rawValue }),
        "`Shadow` evaluates, counts and logs, and never applies; `Enforce` unless given"),
      Field("phase", .word(["connection", "request"]), "when the policy is evaluated; `request` unless given"),
      Field("match", .expression, "which requests the policy is about; all unless given"),
      Field("replaces", .text(.reference), "with mode `Shadow`: the policy that this one is tried in place of"),
      Field("rules", .list(.object(ruleShape), countMin: 1), required: true, ruleShape.summary),
    ])

  mutating func readPolicy(_ spec: NodeID?, _ identity: DocumentIdentity) {
    var policy = PolicyDocument(identity: identity)
    policy.origin = origin
    policy.mode = tree.word("mode", of: spec, as: EnforcementMode.self) ?? .enforce
    policy.phase = tree.word("phase", of: spec, as: AttributePhase.self) ?? .request
    policy.match = expression("match", of: spec)
    if let replaces = tree.field("replaces", of: spec) {
      policy.replaces = reference(replaces, from: identity)
      if policy.mode != .shadow {
        problems.error(at: tree.position(of: replaces), "`replaces` needs `mode: Shadow`")
      }
    }
    var seen: [String: Position] = [:]
    for id in tree.items("rules", of: spec) where tree[id].kind == .mapping {
      guard let rule = readRule(id, identity) else { continue }
      refuseDuplicate(rule.name, "rule", at: rule.position, seen: &seen)
      policy.rules.append(rule)
    }
    documents.policies.append(policy)
  }

  private mutating func readRule(_ id: NodeID, _ identity: DocumentIdentity) -> RuleDocument? {
    guard let name = tree.text("name", of: id), let action = tree.word("action", of: id, as: RuleAction.self)
    else { return nil }
    var rule = RuleDocument(name: name, position: place(of: "name", in: id), action: action)
    rule.when = expression("when", of: id)
    rule.onError = tree.word("onError", of: id, as: ErrorTreatment.self) ?? .deny
    rule.requestHeaders = readHeaderChanges("requestHeaders", of: id)
    rule.responseHeaders = readHeaderChanges("responseHeaders", of: id)
    rule.response = readResponse(id)
    rule.provider = tree.field("provider", of: id).flatMap { reference($0, from: identity) }
    #if !hasFeature(Embedded)
      rule.cache = readCache(id)
      rule.quota = readQuota(id)
    #endif
    checkFields(of: rule, id)
    return rule
  }

  /// Which fields an action takes and which it needs.
  private mutating func checkFields(of rule: RuleDocument, _ id: NodeID) {
    let action = rule.action
    if action == .allow, let position = tree.fieldPosition("onError", of: id) {
      problems.error(at: position, "`onError` is not for ALLOW: one that errs does not hold")
    }
    let owners: [(field: String, actions: [RuleAction])] = [
      ("requestHeaders", [.allow, .custom]), ("responseHeaders", [.allow, .custom]),
      ("response", [.deny, .custom, .limit]), ("provider", [.custom]), ("cache", [.custom]), ("quota", [.limit]),
    ]
    for (field, actions) in owners where !actions.contains(action) {
      guard let position = tree.fieldPosition(field, of: id) else { continue }
      let names = actions.map { $0.rawValue }.joined(separator: " or ")
      problems.error(at: position, "`\(field)` is only for \(names), and this rule's action is \(action.rawValue)")
    }
    let needed = action == .custom ? "provider" : action == .limit ? "quota" : nil
    if let needed, tree.field(needed, of: id) == nil {
      problems.error(at: tree.position(of: id), "a \(action.rawValue) rule needs `\(needed)`")
    }
  }

  private mutating func readHeaderChanges(_ name: String, of id: NodeID) -> HeaderChanges {
    guard let block = tree.field(name, of: id) else { return HeaderChanges() }
    var changes = HeaderChanges()
    changes.set = readHeaders("set", of: block)
    changes.append = readHeaders("append", of: block)
    changes.remove = writtenItems("remove", of: block)
    var seen: [String: String] = [:]
    for header in changes.set { seen[header.name] = "set" }
    for header in changes.append { refuseTwice(header.name, "append", at: header.position, &seen) }
    for header in changes.remove {
      refuseTwice(header.text, "remove", at: header.position, &seen)
      refuseFraming(header.text, at: header.position)
      if header.text == "host" { problems.error(at: header.position, "header `host` cannot be removed") }
    }
    return changes
  }

  private mutating func refuseTwice(
    _ name: String, _ list: String, at position: Position, _ seen: inout [String: String]
  ) {
    if let other = seen[name] {
      let place = other == list ? "twice in `\(list)`" : "in `\(other)` and in `\(list)`"
      problems.error(at: position, "header \(quoted(name)) is \(place)")
    } else {
      seen[name] = list
    }
  }

  private mutating func readHeaders(_ name: String, of id: NodeID) -> [HeaderField] {
    var headers: [HeaderField] = []
    for (key, value) in tree.entries(name, of: id) {
      guard let text = tree.text(value) else { continue }
      let header = HeaderField(name: tree.string(of: key), value: text, position: tree.position(of: key))
      refuseFraming(header.name, at: header.position)
      headers.append(header)
    }
    return headers
  }

  /// Where a message ends, and what is of one connection only, must stay the host's to say: a wrong length lets one
  /// request hide in another, and HTTP/2 clients refuse the rest.
  private static let hostsOwn: Set<String> = [
    "connection", "content-length", "transfer-encoding", "keep-alive", "proxy-connection", "te", "trailer",
    "grpc-status", "grpc-message",
  ]

  private mutating func refuseFraming(_ name: String, at position: Position) {
    if DocumentReader.hostsOwn.contains(name) {
      problems.error(at: position, "header \(quoted(name)) cannot be changed: the host sets it")
    }
  }

  private mutating func readResponse(_ id: NodeID) -> DenyResponse? {
    guard let block = tree.field("response", of: id) else { return nil }
    var response = DenyResponse()
    response.status = tree.integer("status", of: block).flatMap { UInt16(exactly: $0) }
    response.headers = readHeaders("headers", of: block)
    response.body = tree.text("body", of: block)
    if let status = response.status, let body = tree.field("body", of: block), [204, 205, 304].contains(status) {
      problems.error(at: tree.position(of: body), "a response of status \(status) has no body")
    }
    return response
  }

  #if !hasFeature(Embedded)
    private func readCache(_ id: NodeID) -> CacheBlock? {
      guard let block = tree.field("cache", of: id) else { return nil }
      return CacheBlock(
        position: tree.position(of: block), ttl: tree.duration("ttl", of: block) ?? 0,
        denyTTL: tree.duration("denyTTL", of: block), staleIfError: tree.duration("staleIfError", of: block),
        headers: writtenItems("headers", of: block), varyBy: writtenItems("varyBy", of: block),
        purgeBy: writtenItems("purgeBy", of: block))
    }

    private func readQuota(_ id: NodeID) -> QuotaBlock? {
      guard let block = tree.field("quota", of: id) else { return nil }
      return QuotaBlock(
        position: tree.position(of: block), key: tree.items("key", of: block).compactMap(expression),
        limit: tree.integer("limit", of: block) ?? 0, per: tree.duration("per", of: block) ?? 0,
        burst: tree.integer("burst", of: block))
    }
  #endif
}
