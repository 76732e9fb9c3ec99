import CPurser
import Testing

/// Checks of connections, and of requests that came on a checked one.
@Suite struct ConnectionTests {
  static let peers = """
    apiVersion: purser.dev/v1alpha1
    kind: Policy
    metadata: {name: peers}
    spec:
      phase: connection
      match: connection.mtls
      rules:
      - {name: banned, action: DENY, when: source.principal == "mallory"}
      - {name: seen, action: AUDIT, when: source.port > 1024}
      - {name: friends, action: ALLOW, when: source.principal == "ann"}
    """
  static let readers = """
    apiVersion: purser.dev/v1alpha1
    kind: Policy
    metadata: {name: readers}
    spec:
      rules:
      - {name: get, action: ALLOW, when: request.method == "GET"}
      - {name: put, action: DENY, when: request.method == "PUT"}
    """

  private func connection(_ worker: TestWorker, _ set: TestSet, _ attributes: [String: JSON]) throws -> TestRequest {
    try TestRequest(worker, set, HostTable(attributes), phase: PURSER_PHASE_CONNECTION)
  }

  @Test func aRequestHasTheSameDecisionWithAndWithoutItsConnection() throws {
    let set = try TestSet(loading: Self.peers, Self.readers)
    let worker = try TestWorker(set.engine)
    for principal in ["ann", "bob", "mallory", nil] as [String?] {
      for mtls in [JSON.bool(true), .bool(false), .null] {
        for method in ["GET", "PUT", "POST"] {
          let attributes: [String: JSON] = [
            "source.principal": principal.map { .string($0) } ?? .null, "connection.mtls": mtls, "source.port": 5000,
            "request.method": .string(method),
          ]
          let open = try connection(worker, set, attributes)
          let early = try open.check()
          let alone = try worker.decide(set, attributes)
          let onConnection = try TestRequest(worker, set, HostTable(attributes), connection: open).check()
          #expect(onConnection == alone)
          if !early.allows { #expect(!alone.allows, "a connection is denied only if every request would be") }
        }
      }
    }
  }

  @Test func whatTheConnectionsPoliciesReadIsNotAskedForAgain() throws {
    let set = try TestSet(loading: Self.peers, Self.readers)
    let worker = try TestWorker(set.engine)
    let attributes: [String: JSON] = ["source.principal": "ann", "connection.mtls": true, "source.port": 5000]
    let open = try connection(worker, set, attributes)
    #expect(try open.check().allows)
    #expect(!open.table.asked.isEmpty)
    #expect(!open.table.asked.contains("get 1"), "a connection has no request.method")
    let table = try HostTable(attributes.merging(["request.method": "GET"]) { $1 })
    let request = try TestRequest(worker, set, table, connection: open)
    #expect(try request.check().allows)
    #expect(table.asked == ["get 1"])
  }

  @Test func aDenyRuleOfTheConnectionPhaseClosesTheConnection() throws {
    let set = try TestSet(loading: Self.peers, Self.readers)
    let worker = try TestWorker(set.engine)
    let banned = try connection(
      worker, set, ["source.principal": "mallory", "connection.mtls": true, "source.port": 80]
    ).check()
    #expect(!banned.allows)
    #expect(banned.rule == "default/peers/banned")
    let failed = try connection(worker, set, ["source.principal": "ann"]).check()
    #expect(failed.kindName == "rule-error")
    #expect(failed.reason.contains("connection.mtls"))
  }

  @Test func wantOfAnAllowRuleClosesItOnlyWhenNoRequestCouldBeAllowed() throws {
    let stranger: [String: JSON] = ["source.principal": "bob", "connection.mtls": true, "source.port": 80]
    let both = try TestSet(loading: Self.peers, Self.readers)
    #expect(try connection(TestWorker(both.engine), both, stranger).check().allows)
    let alone = try TestSet(loading: Self.peers)
    let found = try connection(TestWorker(alone.engine), alone, stranger).check()
    #expect(!found.allows)
    #expect(found.kindName == "no-allow-rule")
  }

  @Test func aDefaultOfDenyClosesItOnlyWithoutAnyAllowRule() throws {
    let deny = "apiVersion: purser.dev/v1alpha1\nkind: PolicySet\nmetadata: {name: edge}\nspec: {default: DENY}\n"
    let audit = """
      apiVersion: purser.dev/v1alpha1
      kind: Policy
      metadata: {name: marks}
      spec: {rules: [{name: all, action: AUDIT}]}
      """
    let nothing = try TestSet(loading: deny, audit)
    #expect(try !connection(TestWorker(nothing.engine), nothing, [:]).check().allows)
    let readers = try TestSet(loading: deny, Self.readers)
    #expect(try connection(TestWorker(readers.engine), readers, [:]).check().allows)
  }

  @Test func auditRulesOfTheConnectionPhaseMarkTheConnection() throws {
    let set = try TestSet(loading: Self.peers, Self.readers)
    let found = try connection(
      TestWorker(set.engine), set, ["source.principal": "bob", "connection.mtls": true, "source.port": 5000]
    ).check()
    #expect(found.audits == ["default/peers/seen"])
  }

  @Test func aConnectionCheckedWithAnotherPlanIsEvaluatedAgain() throws {
    let set = try TestSet(loading: Self.peers, Self.readers)
    let worker = try TestWorker(set.engine)
    let attributes: [String: JSON] = ["source.principal": "ann", "connection.mtls": true, "source.port": 80]
    let open = try connection(worker, set, attributes)
    #expect(try open.check().allows)
    try set.load(Self.peers.replacing("\"mallory\"", with: "\"ann\""), Self.readers)
    let request = try TestRequest(worker, set, HostTable(attributes), connection: open)
    #expect(try request.check().rule == "default/peers/banned")
  }

  @Test func aConnectionOfAnotherWorkerOrNoneAtAllIsRefused() throws {
    let set = try TestSet(loading: Self.peers)
    let worker = try TestWorker(set.engine)
    let other = try TestWorker(set.engine)
    let unchecked = try connection(worker, set, [:])
    #expect(throws: Refused.self) { try TestRequest(worker, set, HostTable([:]), connection: unchecked) }
    try unchecked.check()
    #expect(throws: Refused.self) { try TestRequest(other, set, HostTable([:]), connection: unchecked) }
    let request = try TestRequest(worker, set, HostTable([:]))
    try request.check()
    #expect(throws: Refused.self) { try TestRequest(worker, set, HostTable([:]), connection: request) }
  }
}
