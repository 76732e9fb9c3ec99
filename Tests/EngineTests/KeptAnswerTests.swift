import CPurser
import Foundation
import Testing

@testable import PurserProviders

/// Kept answers: when they serve, when they do not, and that nothing else decides than without them.
@Suite struct KeptAnswerTests {
  private static let second = ExternalTests.second
  private static let start = ExternalTests.start

  private final class Shop {
    let oracle: Oracle
    let engine: TestEngine
    let set: TestSet
    let worker: TestWorker
    var now = KeptAnswerTests.start

    init(_ oracle: Oracle, _ documents: [Inline], store: String? = nil) throws {
      self.oracle = oracle
      engine = try TestEngine()
      try oracle.serve(engine, store: store)
      set = try TestSet(engine)
      try set.load(documents)
      worker = try TestWorker(engine)
    }

    func decide(_ user: String? = "ann", path: String = "/") throws -> Found {
      let headers: [String: JSON] = user.map { ["x-user": .string($0)] } ?? [:]
      return try TestRequest(
        worker, set, ["request.headers": .object(headers), "request.path": .string(path)]
      ).decide(now: now)
    }
  }

  private static let cached =
    "{name: ask, action: CUSTOM, provider: a, cache: {ttl: 10s, denyTTL: 2s, staleIfError: 5s}}"

  @Test func aKeptAnswerServesUntilItsTimeIsUp() throws {
    let oracle = Oracle { _ in .allow() }
    let shop = try Shop(oracle, ExternalTests.documents(Self.cached))
    #expect(try !shop.decide().isCached)
    let again = try shop.decide()
    #expect(again.allows && again.isCached && oracle.asked.count == 1)
    // Another user is another key; no user is another key than an empty one.
    for user in ["bob", "", nil] { #expect(try !shop.decide(user).isCached) }
    // Jitter only shortens, by a tenth at the most.
    shop.now += 9 * Self.second - 1
    #expect(try shop.decide().isCached)
    shop.now = Self.start + 10 * Self.second
    #expect(try !shop.decide().isCached)
    #expect(oracle.asked.count == 5)
  }

  @Test func aDenialHasATimeOfItsOwn() throws {
    let shop = try Shop(Oracle { _ in .deny(status: 401, body: "who?") }, ExternalTests.documents(Self.cached))
    let first = try shop.decide()
    let again = try shop.decide()
    #expect(!again.allows && again.isCached && again.status == 401 && again.body == "who?")
    #expect(first.reason == again.reason)
    shop.now += 2 * Self.second
    #expect(try !shop.decide().isCached)
  }

  @Test func anOldAnswerServesOnlyWhereTheProviderFails() throws {
    let oracle = Oracle { _ in .allow() }
    let shop = try Shop(oracle, ExternalTests.documents(Self.cached))
    _ = try shop.decide()
    shop.now += 12 * Self.second
    oracle.answer { _ in .timedOut }
    let stale = try shop.decide()
    #expect(stale.allows && stale.isCached)
    #expect(oracle.asked.count == 2)
    oracle.answer { _ in .deny() }
    #expect(try !shop.decide().allows)
    oracle.answer { _ in .timedOut }
    // The denial is the latest answer.
    shop.now += 3 * Self.second
    #expect(try !shop.decide().allows)
    shop.now += 60 * Self.second
    #expect(try shop.decide().kindName == "provider-failure")
  }

  /// Whatever comes of a newer answer, the older one has had its time: it must not come back when the provider fails.
  @Test(arguments: [false, true])
  func anOldAnswerDoesNotOutliveANewerOneThatIsNotKept(_ hasStore: Bool) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("purser-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    var notToBeKept = ProviderReply.deny()
    notToBeKept.maxAgeNanoseconds = 0
    for newer in [notToBeKept, .deny(body: String(repeating: "x", count: 20_000))] {
      let oracle = Oracle { _ in .allow() }
      let shop = try Shop(oracle, ExternalTests.documents(Self.cached), store: hasStore ? folder.path : nil)
      #expect(try shop.decide().allows)
      shop.now += 11 * Self.second
      oracle.answer { _ in newer }
      #expect(try !shop.decide().allows)
      shop.now += 3 * Self.second
      oracle.answer { _ in .timedOut }
      #expect(try !shop.decide().allows)
    }
  }

  /// Two workers, each with an old ALLOW in its table; one asks, the other joins, and both hear the denial.
  @Test func whoJoinedAQuestionHasHadTheNewerAnswerToo() throws {
    let oracle = Oracle { _ in .allow() }
    let shop = try Shop(oracle, ExternalTests.documents(Self.cached))
    let workers = [shop.worker, try TestWorker(shop.engine)]
    let request = { (worker: TestWorker) in
      try TestRequest(
        worker, shop.set, ["request.headers": .object(["x-user": .string("ann")]), "request.path": .string("/")])
    }
    for worker in workers { #expect(try request(worker).decide(now: shop.now).allows) }
    shop.now += 11 * Self.second
    oracle.hold()
    let told = Told()
    let open = try workers.map { try request($0) }
    for request in open { #expect(request.check(telling: told, now: shop.now) == PURSER_PENDING) }
    #expect(oracle.asked.count == 3, "the second joins")
    oracle.answerAll(.deny())
    for request in open {
      #expect(purser_resume(request.handle, shop.now) == PURSER_OK)
      #expect(try !Found(of: request.handle).allows)
    }
    // The denial's own time is over, and nobody answers: the ALLOW from before does not come back.
    shop.now += 3 * Self.second
    oracle.answer { _ in .timedOut }
    for worker in workers.reversed() { #expect(try !request(worker).decide(now: shop.now).allows) }
  }

  @Test func failuresAreNotKept() throws {
    let oracle = Oracle { _ in .timedOut }
    let shop = try Shop(oracle, ExternalTests.documents(Self.cached))
    _ = try shop.decide()
    oracle.answer { _ in .allow() }
    #expect(try shop.decide().allows)
    #expect(oracle.asked.count == 2)
  }

  @Test func aClockThatIsSetBackFindsNothing() throws {
    let oracle = Oracle { _ in .allow() }
    let shop = try Shop(oracle, ExternalTests.documents(Self.cached))
    _ = try shop.decide()
    shop.now -= 1
    #expect(try !shop.decide().isCached)
  }

  @Test func headersAreThoseThatTheCacheNamesKeptOrNot() throws {
    let oracle = Oracle { _ in .allow([("x-kept", "1"), ("x-other", "2")]) }
    let shop = try Shop(
      oracle, ExternalTests.documents("{name: ask, action: CUSTOM, provider: a, cache: {ttl: 10s, headers: [x-kept]}}"))
    #expect(try shop.decide().requestHeaders == ["set x-kept: 1"])
    let again = try shop.decide()
    #expect(again.isCached && again.requestHeaders == ["set x-kept: 1"])
  }

  @Test func anAnswerLongerThanTheRequestsOwnRoomIsWhole() throws {
    let long = String(repeating: "x", count: 3000)
    let shop = try Shop(Oracle { _ in .deny(body: long) }, ExternalTests.documents(Self.cached))
    for _ in 0..<3 { #expect(try shop.decide().body == long) }
    #expect(shop.oracle.asked.count == 1)
  }

  @Test(arguments: [
    "{name: ask, action: CUSTOM, provider: b, cache: {ttl: 10s}}",
    "{name: asks, action: CUSTOM, provider: a, cache: {ttl: 10s}}",
    "{name: ask, action: CUSTOM, provider: a, when: request.url_path == \"/\", cache: {ttl: 10s}}",
    "{name: ask, action: CUSTOM, provider: a, cache: {ttl: 10s, varyBy: [request.method]}}",
    "{name: ask, action: CUSTOM, provider: a, cache: {ttl: 10s, headers: [x-a]}}",
  ])
  func aRuleThatChangedMeetsNoAnswerFromBefore(_ rule: String) throws {
    let oracle = Oracle { _ in .allow() }
    let shop = try Shop(oracle, ExternalTests.documents("{name: ask, action: CUSTOM, provider: a, cache: {ttl: 10s}}"))
    _ = try shop.decide()
    try shop.set.load(ExternalTests.documents(rule))
    #expect(try !shop.decide().isCached)
    #expect(oracle.asked.count == 2)
    // Another rule beside it changes nothing.
    try shop.set.load(ExternalTests.documents(rule, "{name: besides, action: AUDIT}"))
    #expect(try shop.decide().isCached)
  }

  @Test func aListThatChangedMeetsNoAnswerFromBefore() throws {
    func documents(_ values: String) -> [Inline] {
      let documents = ExternalTests.documents("{name: ask, action: CUSTOM, provider: c, cache: {ttl: 10s}}").adding(
        ExternalTests.document(
          "Provider", "c",
          "extAuthzGrpc:\n  address: \"127.0.0.1:1\"\n  contextExtensions: {vip: 'request.headers[?\"x-user\"].orValue(\"\") in lists.vips ? \"yes\" : \"no\"'}"
        ),
        ExternalTests.document("ValueList", "vips", "type: STRING\nvalues: [\(values)]"))
      return documents
    }
    let oracle = Oracle { $0 == [.text("yes")] ? .allow() : .deny() }
    let shop = try Shop(oracle, documents("ann, bob"))
    #expect(try shop.decide().allows)
    try shop.set.load(documents("bob"))
    #expect(try !shop.decide().allows)
  }

  @Test(arguments: ["{ttl: 1s}", "{ttl: 10s, denyTTL: 1s}", "{ttl: 10s, staleIfError: 1s}"])
  func anAnswerThatWasToBeKeptForLongerIsAnotherOne(_ cache: String) throws {
    let oracle = Oracle { _ in .allow() }
    let shop = try Shop(oracle, ExternalTests.documents("{name: ask, action: CUSTOM, provider: a, cache: {ttl: 10s}}"))
    _ = try shop.decide()
    try shop.set.load(ExternalTests.documents("{name: ask, action: CUSTOM, provider: a, cache: \(cache)}"))
    #expect(try !shop.decide().isCached)
  }

  @Test func whatIsAskedAfterAPurgeJoinsNoQuestionFromBefore() throws {
    let oracle = Oracle()
    let shop = try Shop(oracle, ExternalTests.documents(Self.cached))
    let headers: [String: JSON] = ["request.headers": ["x-user": "ann"]]
    let told = Told()
    let before = try TestRequest(shop.worker, shop.set, headers)
    #expect(before.check(telling: told, now: shop.now) == PURSER_PENDING)
    #expect(purser_cache_purge(shop.engine.handle) == PURSER_OK)
    let after = try TestRequest(shop.worker, shop.set, headers)
    #expect(after.check(telling: told, now: shop.now) == PURSER_PENDING)
    #expect(oracle.asked.count == 2)
    oracle.answerAll(.allow())
    #expect(purser_resume(before.handle, shop.now) == PURSER_OK && purser_resume(after.handle, shop.now) == PURSER_OK)
  }

  @Test func aPurgeForgetsWhatItNames() throws {
    let oracle = Oracle { _ in .allow() }
    let shop = try Shop(
      oracle,
      ExternalTests.documents(
        "{name: ask, action: CUSTOM, provider: a, when: destination.port > 0, cache: {ttl: 10s, purgeBy: [destination.port]}}"
      ))
    let memory = LentMemory()
    func decide(_ port: Int64) throws -> Found {
      try TestRequest(
        shop.worker, shop.set, ["destination.port": .int(port), "request.headers": [:]]
      ).decide(now: shop.now)
    }
    for port in [443, 80] as [Int64] { _ = try decide(port) }
    for port in [443, 80] as [Int64] { #expect(try decide(port).isCached) }
    // As an operator writes it.
    var value = purser_value()
    value.type = PURSER_TYPE_STRING.rawValue
    value.as.text = memory.text("443")
    #expect(purser_cache_purge_attribute(shop.engine.handle, memory.text("destination.port"), &value) == PURSER_OK)
    #expect(try !decide(443).isCached)
    #expect(try decide(80).isCached)
    #expect(purser_cache_purge_policy(shop.engine.handle, memory.text("other")) == PURSER_OK)
    #expect(try decide(80).isCached)
    #expect(purser_cache_purge_policy(shop.engine.handle, memory.text("shop")) == PURSER_OK)
    #expect(try !decide(80).isCached)
  }

  @Test func whatAProviderTakesAwayIsTakenAwayThoughTheCacheDoesNotNameIt() throws {
    let oracle = Oracle { _ in
      var reply = ProviderReply(.allow)
      reply.headerChanges = [
        HeaderChange(target: .upstreamRequest, operation: .remove, name: Array("authorization".utf8))
      ]
      return reply
    }
    let shop = try Shop(oracle, ExternalTests.documents(Self.cached))
    for _ in 0..<2 { #expect(try shop.decide().requestHeaders == ["remove authorization"]) }
  }

  @Test func aShadowVerdictTakesWhatIsAtHandAndAsksNobody() throws {
    let oracle = Oracle { _ in .deny() }
    var documents = ExternalTests.documents(
      "{name: ask, action: CUSTOM, provider: a, cache: {ttl: 10s}}", mode: "Shadow"
    ).adding(
      ExternalTests.document("Policy", "all", "rules: [{name: pass, action: ALLOW}]"))
    let shop = try Shop(oracle, documents)
    let unknown = try shop.decide()
    #expect(unknown.allows && unknown.shadowAllows == true && unknown.shadowRules.isEmpty)
    #expect(oracle.asked.isEmpty)
    #expect(try shop.engine.metrics().contains("purser_shadow_unanswered_total 1"))
    // The same rule, enforced, gets the answer into the cache.
    documents[0].text = documents[0].text.replacing("mode: Shadow", with: "mode: Enforce")
    try shop.set.load(documents)
    #expect(try !shop.decide().allows)
    documents[0].text = documents[0].text.replacing("mode: Enforce", with: "mode: Shadow")
    try shop.set.load(documents)
    let known = try shop.decide()
    #expect(known.allows && known.shadowAllows == false && known.shadowRules == ["default/shop/ask"])
    #expect(oracle.asked.count == 1)
  }

  @Test func aShadowPolicyFindsWhatThePolicyThatItReplacesWasTold() throws {
    let oracle = Oracle { _ in .deny() }
    let documents = ExternalTests.documents("{name: ask, action: CUSTOM, provider: a, cache: {ttl: 10s}}").adding(
      ExternalTests.document(
        "Policy", "next",
        "mode: Shadow\nreplaces: shop\nrules:\n- {name: ask, action: CUSTOM, provider: a, cache: {ttl: 10s}}\n- {name: more, action: AUDIT}"
      ))
    let shop = try Shop(oracle, documents)
    _ = try shop.decide()
    let found = try shop.decide()
    #expect(!found.allows && found.isCached && found.shadowAllows == false)
    #expect(try shop.engine.metrics().contains("purser_shadow_unanswered_total 1\n"), "the first time nobody knew")
  }

  @Test func aDecisionIsFromTheCacheOnlyWhereAllAnswersAre() throws {
    let oracle = Oracle { _ in .deny() }
    let shop = try Shop(
      oracle,
      ExternalTests.documents(
        "{name: fresh, action: CUSTOM, provider: b}", "{name: kept, action: CUSTOM, provider: a, cache: {ttl: 10s}}"))
    // The first denial is the reason; the other is kept.
    #expect(try shop.decide().rule == "default/shop/fresh")
    oracle.answer { _ in .allow() }
    let found = try shop.decide()
    #expect(!found.allows && found.rule == "default/shop/kept" && !found.isCached)
  }

  @Test func answersOutliveTheEngineInAStore() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("purser-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let oracle = Oracle { _ in .deny(status: 402) }
    for round in 0..<3 {
      let shop = try Shop(
        oracle, ExternalTests.documents(Self.cached.replacing("denyTTL: 2s", with: "denyTTL: 10s")), store: folder.path)
      if round == 0 {
        _ = try shop.decide()
        continue
      }
      // The store is opened by a thread of its own. Nobody can be asked meanwhile, so an answer is one from there.
      let request = { try TestRequest(shop.worker, shop.set, ["request.headers": .object(["x-user": .string("ann")])]) }
      var found: Found?
      for _ in 0..<10_000 where found?.isCached != true {
        let open = try request()
        #expect(purser_check(open.handle, Self.start, nil) == PURSER_OK)
        found = try Found(of: open.handle)
        if found?.isCached != true { usleep(1000) }
      }
      #expect(found?.isCached == true && found?.status == 402)
    }
    #expect(oracle.asked.count == 1)
  }
}
