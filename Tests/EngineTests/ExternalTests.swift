import CPurser
import Testing

@testable import PurserProviders

/// CUSTOM rules: who is asked and when, what becomes of the answers, and that a host is told exactly once.
@Suite struct ExternalTests {
  static let second: Int64 = 1_000_000_000
  static let start: Int64 = 1_767_323_045 * second

  /// One policy with these rules, and the providers `a` and `b`, asked about `x-user`.
  static func documents(_ rules: String..., failureMode: String = "deny", mode: String = "Enforce") -> [Inline] {
    let rules = rules.map { "- \($0)" }.joined(separator: "\n")
    let asked = "extAuthzGrpc: {address: \"127.0.0.1:1\", headers: [x-user]}\nfailureMode: \(failureMode)"
    return [
      Inline(
        [
          document("Policy", "shop", "mode: \(mode)\nrules:\n\(rules)"), document("Provider", "a", asked),
          document("Provider", "b", asked),
        ].joined())
    ]
  }

  static func document(_ kind: String, _ name: String, _ spec: String) -> String {
    let spec = spec.split(separator: "\n").map { "  \($0)\n" }.joined()
    return "---\napiVersion: purser.dev/v1alpha1\nkind: \(kind)\nmetadata: {name: \(name)}\nspec:\n\(spec)"
  }

  private static func opa(_ input: String, decision: String) -> String {
    "opa: {url: \"http://127.0.0.1:1/v1/data/a\", input: {\(input)}, decision: \(decision)}"
  }

  private struct Shop {
    let oracle: Oracle
    let engine: TestEngine
    let set: TestSet
    let worker: TestWorker

    init(_ oracle: Oracle, _ documents: [Inline], store: String? = nil) throws {
      self.oracle = oracle
      engine = try TestEngine()
      try oracle.serve(engine, store: store)
      set = try TestSet(engine)
      try set.load(documents)
      worker = try TestWorker(engine)
    }

    func request(_ user: String? = "ann", path: String = "/") throws -> TestRequest {
      let headers: [String: JSON] = user.map { ["x-user": .string($0)] } ?? [:]
      return try TestRequest(worker, set, ["request.headers": .object(headers), "request.path": .string(path)])
    }
  }

  @Test func aProviderIsAskedOnlyWhileLocalRulesAllow() throws {
    let oracle = Oracle { _ in .allow() }
    let shop = try Shop(
      oracle,
      Self.documents(
        "{name: no, action: DENY, when: request.url_path == \"/no\"}", "{name: ask, action: CUSTOM, provider: a}"))
    #expect(try !shop.request(path: "/no").decide().allows)
    #expect(oracle.asked.isEmpty)
    #expect(try shop.request().decide().allows)
    #expect(oracle.asked == [[.text("ann")]])
    // What is absent is left out.
    _ = try shop.request(nil).decide()
    #expect(oracle.asked.last == [.absent])
  }

  @Test func theFirstRuleInWorkOrderWhoseProviderDeniesIsTheReason() throws {
    let oracle = Oracle()
    let shop = try Shop(
      oracle,
      Self.documents(
        "{name: first, action: CUSTOM, provider: a, response: {status: 451, headers: {x-own: a}}}",
        "{name: second, action: CUSTOM, provider: b}"))
    let told = Told()
    let request = try shop.request()
    #expect(request.check(telling: told) == PURSER_PENDING)
    // Both at once.
    #expect(oracle.asked.count == 2)
    #expect(purser_resume(request.handle, 0) == PURSER_PENDING)
    var verdict = PURSER_VERDICT_ALLOW
    #expect(purser_decision_verdict(request.handle, &verdict) == PURSER_WRONG_STATE)
    oracle.answerAll(.deny(status: 418, body: "no", headers: [("x-why", "because")]))
    #expect(told.all == [PURSER_OUTCOME_ANSWERED])
    #expect(purser_resume(request.handle, 0) == PURSER_OK)
    #expect(purser_resume(request.handle, 0) == PURSER_WRONG_STATE)
    let found = try Found(of: request.handle)
    #expect(!found.allows && found.rule == "default/shop/first" && found.kindName == "rule")
    #expect(found.reason == "CUSTOM rule `first` of policy `shop`: its provider denies")
    // The rule's own response goes before the provider's.
    #expect(found.status == 451 && found.body == "no")
    #expect(found.responseHeaders == ["set x-own: a", "set x-why: because"])
    try request.report()
  }

  @Test func whatAllowsAddsItsHeaders() throws {
    let oracle = Oracle { _ in .allow([("x-from", "provider")]) }
    let shop = try Shop(
      oracle,
      Self.documents(
        "{name: all, action: ALLOW, requestHeaders: {set: {x-a: '1'}}}",
        "{name: ask, action: CUSTOM, provider: a, requestHeaders: {set: {x-b: '2'}}, responseHeaders: {set: {x-c: '3'}}}"
      ))
    let found = try shop.request().decide()
    #expect(found.allows && found.rule == "default/shop/all" && !found.isCached)
    #expect(found.requestHeaders == ["set x-a: 1", "set x-b: 2", "set x-from: provider"])
    #expect(found.responseHeaders == ["set x-c: 3"])
  }

  @Test(arguments: [("deny", false), ("allow", true)])
  func aProviderThatCannotSayIsDecidedByItsFailureMode(_ mode: String, _ allows: Bool) throws {
    let shop = try Shop(
      Oracle { _ in .timedOut }, Self.documents("{name: ask, action: CUSTOM, provider: a}", failureMode: mode))
    let told = Told()
    let request = try shop.request()
    #expect(request.check(telling: told) == PURSER_PENDING)
    #expect(told.all == [PURSER_OUTCOME_TIMED_OUT])
    #expect(purser_resume(request.handle, 0) == PURSER_OK)
    let found = try Found(of: request.handle)
    #expect(found.allows == allows)
    if !allows {
      #expect(found.kindName == "provider-failure" && found.status == 503 && found.code == 14)
      #expect(found.reason == "CUSTOM rule `ask` of policy `shop`: its provider failed: it did not answer in time")
    }
    #expect(try shop.engine.metrics().contains("purser_provider_failures_total 1"))
  }

  @Test func aHostThatCannotWaitIsAnsweredByFailureModeAndNobodyIsAsked() throws {
    let oracle = Oracle { _ in .allow() }
    let shop = try Shop(oracle, Self.documents("{name: ask, action: CUSTOM, provider: a}"))
    let found = try shop.request().check()
    #expect(found.kindName == "provider-failure" && found.status == 503)
    #expect(oracle.asked.isEmpty)
  }

  @Test func aConditionThatErrsDeniesBeforeAnybodyIsAsked() throws {
    let oracle = Oracle { _ in .allow() }
    let shop = try Shop(
      oracle,
      Self.documents(
        "{name: ask, action: CUSTOM, provider: a}",
        "{name: errs, action: CUSTOM, provider: a, when: 'request.headers[\"x-gone\"] == \"1\"'}",
        "{name: skips, action: CUSTOM, provider: a, when: 'request.headers[\"x-gone\"] == \"1\"', onError: skip}"))
    let found = try shop.request().decide()
    #expect(found.kindName == "rule-error" && found.rule == "default/shop/errs")
    #expect(oracle.asked.isEmpty)
  }

  @Test func moreThanSixteenChecksAtOnceAreDenied() throws {
    let oracle = Oracle { _ in .allow() }
    let rules = (1...17).map { "{name: ask\($0), action: CUSTOM, provider: a}" }
    var documents = Self.documents("{name: ask0, action: CUSTOM, provider: a, when: \"false\"}")
    documents[0].text = documents[0].text.replacing(
      "  - {name: ask0", with: rules.map { "  - \($0)\n" }.joined() + "  - {name: ask0")
    let shop = try Shop(oracle, documents)
    let found = try shop.request().decide()
    #expect(found.kindName == "rule-error" && found.rule == "default/shop/ask17")
    #expect(found.errorTexts == ["too many external checks at once"])
    #expect(oracle.asked.isEmpty)
  }

  @Test func aQuestionThatCannotBeMadeIsThatRulesError() throws {
    let oracle = Oracle { _ in .allow() }
    let documents = Self.documents("{name: ask, action: CUSTOM, provider: c}").adding(
      Self.document("Provider", "c", Self.opa(#"user: 'request.headers["x-user"]'"#, decision: "result")))
    let shop = try Shop(oracle, documents)
    let found = try shop.request(nil).decide()
    #expect(found.kindName == "rule-error" && found.rule == "default/shop/ask")
    #expect(found.reason.hasSuffix("attribute `request.headers[\"x-user\"]` is absent"))
    #expect(oracle.asked.isEmpty)
  }

  @Test func whatComesAfterACertainDenialIsNotAsked() throws {
    let oracle = Oracle { _ in .allow() }
    let documents = Self.documents(
      "{name: before, action: CUSTOM, provider: a}", "{name: errs, action: CUSTOM, provider: c}",
      "{name: after, action: CUSTOM, provider: b}"
    ).adding(
      Self.document("Provider", "c", Self.opa(#"user: 'request.headers["x-gone"]'"#, decision: "result")))
    let shop = try Shop(oracle, documents)
    let found = try shop.request().decide()
    #expect(found.kindName == "rule-error" && found.rule == "default/shop/errs")
    #expect(oracle.asked == [[.text("ann")]])
  }

  @Test(arguments: [("deny", false), ("allow", true)])
  func aShadowVerdictHearsAnswersThatWereNotTheReason(_ failureMode: String, _ allows: Bool) throws {
    // `first` denies and is the reason; in shadow only `second` is left, whose provider denies or cannot say.
    for (answer, shadowAllows) in [(ProviderReply.deny(), false), (.allow(), true), (.timedOut, allows)] {
      let oracle = Oracle()
      let documents = Self.documents(
        "{name: first, action: CUSTOM, provider: a, when: request.url_path == \"/\"}", failureMode: failureMode
      ).adding(
        Self.document("Policy", "next", "mode: Shadow\nreplaces: shop\nrules: [{name: pass, action: AUDIT}]"),
        Self.document("Policy", "third", "rules: [{name: second, action: CUSTOM, provider: b}]"))
      let shop = try Shop(oracle, documents)
      let request = try shop.request()
      let told = Told()
      #expect(request.check(telling: told) == PURSER_PENDING)
      oracle.answerInTurn([.deny(), answer])
      #expect(purser_resume(request.handle, 0) == PURSER_OK)
      let found = try Found(of: request.handle)
      #expect(!found.allows && found.rule == "default/shop/first")
      #expect(found.shadowAllows == shadowAllows, "\(answer)")
    }
  }

  @Test func aQuestionThatCannotBeSentDeniesWhateverFailureModeSays() throws {
    let shop = try Shop(
      Oracle { _ in .failure(.question, "a NUL") },
      Self.documents("{name: ask, action: CUSTOM, provider: a}", failureMode: "allow"))
    #expect(try !shop.request().decide().allows)
  }

  @Test(arguments: [
    (FieldValue.map([]), false), (.map([FieldEntry(key: Array("result".utf8), value: .map([]))]), false),
    (
      .map([
        FieldEntry(key: Array("result".utf8), value: .map([FieldEntry(key: Array("allow".utf8), value: .bool(true))]))
      ]), true
    ),
  ])
  func whatAProviderLeavesUndefinedDenies(_ document: FieldValue, _ allows: Bool) throws {
    let documents = Self.documents("{name: ask, action: CUSTOM, provider: c}").adding(
      Self.document("Provider", "c", Self.opa("", decision: "result.allow") + "\nfailureMode: allow"))
    let shop = try Shop(Oracle { _ in ProviderReply(.document(document)) }, documents)
    #expect(try shop.request().decide().allows == allows)
  }

  /// `failureMode: allow` lets those pass that cannot be evaluated: they are failures, and no denials that could be kept.
  @Test func aDecisionThatCannotBeEvaluatedIsAFailure() throws {
    let result = { (value: FieldValue) in FieldValue.map([FieldEntry(key: Array("result".utf8), value: value)]) }
    for document in [result(.int(3)), result(.string(Array("x".utf8))), result(.list([]))] {
      let documents = Self.documents("{name: ask, action: CUSTOM, provider: c, cache: {ttl: 10s}}").adding(
        Self.document("Provider", "c", Self.opa("", decision: "result.allow") + "\nfailureMode: allow"))
      let oracle = Oracle { _ in ProviderReply(.document(document)) }
      let shop = try Shop(oracle, documents)
      for _ in 0..<2 { #expect(try shop.request().decide().allows, "\(document)") }
      #expect(oracle.asked.count == 2)
    }
  }

  @Test(arguments: [
    (#"extAuthzHttp: {url: "http://a/", headers: [content-length]}"#, "`content-length`"),
    (#"extAuthzHttp: {url: "http://a:99999/"}"#, "http://a:99999/"),
    (#"extAuthzHttp: {url: "http://a/", unixSocket: run/a}"#, "run/a"),
    (#"extAuthzGrpc: {address: "a:1", timeout: 1us}"#, "timeout"),
    (#"extAuthzGrpc: {address: "a:1", headers: [x-a, x-a]}"#, "twice"),
  ])
  func whatIsWrongWithAProviderHasItsPlace(_ spec: String, _ words: String) throws {
    let document = "apiVersion: purser.dev/v1alpha1\nkind: Provider\nmetadata: {name: a}\nspec:\n  \(spec)\n"
    do {
      try TestSet(TestEngine()).load(document)
      Issue.record("it loads")
    } catch {
      #expect(error.problems.contains(words) && error.problems.contains(":5:"), "\(error)")
    }
  }

  @Test func aRuleThatKeepsAnswersIsWarnedOfHeadersThatAreNotMade() throws {
    let documents = Self.documents("{name: ask, action: CUSTOM, provider: c, cache: {ttl: 10s, headers: [x-b]}}")
      .adding(
        Self.document("Provider", "c", "extAuthzHttp: {url: \"http://a/\", upstreamHeaders: [x-a, x-b]}"))
    let said = try TestSet(TestEngine()).load(documents)
    #expect(said.contains("so not `x-a` of provider `default/c`"), "\(said)")
  }

  @Test func providersOfOneNameAreCountedTogether() throws {
    let shop = try Shop(Oracle { _ in .allow() }, Self.documents("{name: ask, action: CUSTOM, provider: a}"))
    let other = try TestSet(shop.engine)
    try other.load(
      Self.documents("{name: ask, action: CUSTOM, provider: a}").map {
        Inline($0.text.replacing("127.0.0.1:1", with: "127.0.0.1:2"))
      })
    let lines = try shop.engine.metrics().split(separator: "\n").filter { $0.contains("provider=\"default/a\"") }
    let names = lines.map { $0.prefix { $0 != " " } }
    #expect(!names.isEmpty && Set(names).count == names.count)
  }

  @Test func aCancelledCheckIsToldOnceAndDenied() throws {
    let oracle = Oracle()
    let shop = try Shop(oracle, Self.documents("{name: ask, action: CUSTOM, provider: a}", failureMode: "allow"))
    let told = Told()
    let request = try shop.request()
    #expect(request.check(telling: told) == PURSER_PENDING)
    #expect(purser_cancel(request.handle) == PURSER_OK)
    #expect(told.all == [PURSER_OUTCOME_CANCELLED])
    #expect(purser_cancel(request.handle) == PURSER_WRONG_STATE)
    #expect(purser_resume(request.handle, 0) == PURSER_WRONG_STATE)
    #expect(try Found(of: request.handle).kindName == "provider-failure")
    oracle.answerAll(.allow())
    #expect(told.all.count == 1)
    try request.report()
  }

  @Test func aRequestThatEndsWhilePendingIsCancelled() throws {
    let oracle = Oracle()
    let shop = try Shop(oracle, Self.documents("{name: ask, action: CUSTOM, provider: a}"))
    let told = Told()
    let request = try shop.request()
    #expect(request.check(telling: told) == PURSER_PENDING)
    try request.end()
    #expect(told.all == [PURSER_OUTCOME_CANCELLED])
    oracle.answerAll(.allow())
    #expect(told.all.count == 1)
  }

  @Test func aPlanThatWasReplacedAnswersWhatItWasAsked() throws {
    let oracle = Oracle()
    let shop = try Shop(oracle, Self.documents("{name: ask, action: CUSTOM, provider: a}"))
    let told = Told()
    let request = try shop.request()
    #expect(request.check(telling: told) == PURSER_PENDING)
    try shop.set.load(Self.documents("{name: no, action: DENY}"))
    oracle.answerAll(.allow())
    #expect(purser_resume(request.handle, 0) == PURSER_OK)
    #expect(try Found(of: request.handle).allows)
    #expect(try !shop.request().decide().allows)
  }

  @Test func theSameQuestionUnderWayIsAskedOnce() throws {
    let oracle = Oracle()
    let shop = try Shop(oracle, Self.documents("{name: ask, action: CUSTOM, provider: a}"))
    let requests = try (0..<3).map { _ in try shop.request() }
    let told = Told()
    for request in requests { #expect(request.check(telling: told) == PURSER_PENDING) }
    let other = try shop.request("bob")
    #expect(other.check(telling: told) == PURSER_PENDING)
    #expect(oracle.asked == [[.text("ann")], [.text("bob")]])
    oracle.answerAll(.deny())
    #expect(told.all.count == 4)
    for request in requests { #expect(purser_resume(request.handle, 0) == PURSER_OK) }
  }
}

extension [Inline] {
  /// With further documents in the first one's text.
  func adding(_ documents: String...) -> [Inline] {
    var all = self
    all[0].text += documents.joined()
    return all
  }
}
