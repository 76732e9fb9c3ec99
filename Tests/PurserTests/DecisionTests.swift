import Purser
import Testing

@Suite struct DecisionTests {
  @Test func anAllowedRequestSaysSo() async throws {
    let decision = try await policies(readers).check(Request(method: "GET", path: "/"))
    #expect(decision.isAllowed)
    #expect(decision.verdict == .allow)
    #expect(decision.status == 200)
    #expect(decision.code == 0)
    #expect(decision.message == "ok")
    #expect(decision.body == "")
    #expect(decision.reasonKind == .rule)
    #expect(decision.rule?.description == "default/shop/readers")
    #expect(decision.rule?.file == "test.yaml")
    #expect(decision.rule?.line == 7)
    #expect(decision.errors == [])
    #expect(decision.shadowVerdict == nil)
    #expect(!decision.isCached)
  }

  @Test func aDenialSaysWhatTheClientIsToSee() async throws {
    let set = try policies(
      policy(
        """
        - {name: hidden, action: DENY, when: 'request.url_path.startsWith("/internal/")', \
        response: {status: 404, body: "no such page"}}
        """))
    let decision = try await set.check(Request(method: "GET", path: "/a/../internal/x?y"))
    #expect(decision.verdict == .deny)
    #expect(decision.status == 404)
    #expect(decision.code == 7)
    #expect(decision.message == "permission denied")
    #expect(decision.body == "no such page")
    #expect(decision.reason.contains("hidden"))
    #expect(decision.plan == set.digest)
    #expect(decision.plan?.count == 64)
  }

  @Test func headerChangesComeInOrderAndCanBeApplied() async throws {
    let set = try policies(
      policy(
        """
        - {name: all, action: ALLOW, when: "true", requestHeaders: {set: {x-caller: mia}, remove: [x-internal]}, \
        responseHeaders: {append: {x-policy: shop}}}
        """))
    var request = Request(method: "GET", path: "/", headers: ["X-Internal": "1", "x-other": "2"])
    let decision = try await set.check(request)
    #expect(Set(decision.requestHeaders) == [.set(name: "x-caller", value: "mia"), .remove(name: "x-internal")])
    #expect(decision.responseHeaders == [.append(name: "x-policy", value: "shop")])
    request.headers.apply(decision.requestHeaders)
    #expect(request.headers["x-caller"] == "mia")
    #expect(request.headers["x-internal"] == nil)
    #expect(request.headers["x-other"] == "2")
  }

  @Test func erringRulesDenyAndSayWhatWentWrong() async throws {
    let set = try policies(policy("- {name: users, action: DENY, when: 'request.headers[\"x-user\"] == \"mia\"'}"))
    let decision = try await set.check(Request(method: "GET", path: "/"))
    #expect(decision.verdict == .deny)
    #expect(decision.reasonKind == .ruleError)
    #expect(decision.errors.map(\.rule.name) == ["users"])
    #expect(decision.errors.first?.message.contains("x-user") == true)
  }

  @Test func auditsAndShadowsAreTold() async throws {
    let shadow = """
      ---
      apiVersion: purser.dev/v1alpha1
      kind: Policy
      metadata: {name: next}
      spec: {mode: Shadow, rules: [{name: nobody, action: DENY, when: "true"}]}

      """
    let set = try policies(policy("- {name: all, action: AUDIT, when: 'true'}") + shadow)
    let decision = try await set.check(Request())
    #expect(decision.isAllowed)
    #expect(decision.audits.map(\.name) == ["all"])
    #expect(decision.shadowVerdict == .deny)
    #expect(decision.shadowRules.map(\.description) == ["default/next/nobody"])
  }

  @Test func withoutAPlanEverythingIsDenied() async throws {
    let set = try PolicySet(in: Engine())
    let decision = try await set.check(Request())
    #expect(decision.verdict == .deny)
    #expect(decision.status == 503)
    #expect(decision.reasonKind == .noPlan)
    #expect(decision.plan == nil)
    #expect(set.digest == nil)
    #expect(throws: EngineError.noPlan) { try decision.explain() }
  }

  @Test func anExplanationIsAnObjectWithEveryClause() async throws {
    let decision = try await policies(readers).check(Request(method: "PUT", path: "/"))
    let text = try decision.explain()
    #expect(text.hasPrefix("{"))
    #expect(text.contains(#"request.method == \"GET\""#))
    #expect(decision.verdict == .deny)
  }

  @Test func aConnectionIsDecidedFirstAndItsRequestsUseThat() async throws {
    let text = """
      apiVersion: purser.dev/v1alpha1
      kind: Policy
      metadata: {name: peers}
      spec:
        phase: connection
        rules: [{name: local, action: DENY, when: '!source.address.startsWith("127.")'}]
      """
    let set = try policies(text)
    var local = Request()
    local[.sourceAddress] = "127.0.0.1"
    var remote = Request()
    remote[.sourceAddress] = "10.0.0.1"
    let connection = try set.checkConnection(local)
    #expect(connection.isAllowed)
    #expect(try set.checkConnection(remote).verdict == .deny)
    // The request names another address; the connection's finding counts.
    #expect(try await set.check(remote, on: connection).isAllowed)
    #expect(try await set.check(remote).verdict == .deny)

    let request = try await set.check(local)
    await #expect(throws: EngineError.foreignConnection) { try await set.check(local, on: request) }
    let other = try policies(text)
    await #expect(throws: EngineError.foreignConnection) { try await other.check(local, on: connection) }
  }
}
