import CPurser
import Synchronization
import Testing

@testable import PurserProviders

/// Generated policies, requests, providers and clocks, decided twice: with rules that keep answers, and with the same rules that
/// do not. A provider says the same to the same question, so every decision must be the same, to the last header.
@Suite struct CachedEqualsUncachedTests {
  @Test(arguments: 1...24 as ClosedRange<UInt64>)
  func everyDecisionIsTheSame(_ seed: UInt64) throws { _ = try CachedEqualsUncachedTests.compare(seed) }

  /// The comparison would say nothing if nothing were found.
  @Test func manyQuestionsAreSpared() throws {
    let spared = try (101...106).reduce(0) { try $0 + CachedEqualsUncachedTests.compare($1) }
    #expect(spared > 200, "\(spared)")
  }

  /// How many questions the cache spared.
  private static func compare(_ seed: UInt64) throws -> Int {
    var generator = ExternalGenerator(seed: seed)
    let documents = generator.documents()
    let cached = try Side(documents: documents.cached)
    let plain = try Side(documents: documents.plain)
    var now = ExternalTests.start
    for step in 0..<250 {
      now += generator.pause()
      // A reload of the same documents, and of changed ones, meets no wrong answer either.
      if step % 100 == 60 {
        let changed = generator.documents()
        try cached.set.load(changed.cached)
        try plain.set.load(changed.plain)
      }
      let request = generator.request()
      let withCache = try cached.decide(request, now)
      let without = try plain.decide(request, now)
      #expect(withCache.comparable == without.comparable, "seed \(seed), step \(step): \(request)")
      #expect(!without.isCached)
    }
    #expect(cached.asked <= plain.asked)
    return plain.asked - cached.asked
  }

  private final class Side {
    let set: TestSet
    private let oracle: Oracle
    private let workers: [TestWorker]
    private var turn = 0

    init(documents: [Inline]) throws {
      oracle = Oracle { ExternalGenerator.reply(to: $0) }
      let engine = try TestEngine()
      try oracle.serve(engine)
      set = try TestSet(engine)
      try set.load(documents)
      workers = [try TestWorker(engine), try TestWorker(engine)]
    }

    var asked: Int { oracle.asked.count }

    func decide(_ request: [String: JSON], _ now: Int64) throws -> Found {
      turn += 1
      return try TestRequest(workers[turn % 2], set, request).decide(now: now)
    }
  }
}

extension Found {
  /// Without what may differ: where the answer came from, which documents said it, and in which line.
  fileprivate var comparable: Found {
    var found = essence
    found.isCached = false
    return found
  }
}

/// Few users, paths and methods, so that questions come again.
private struct ExternalGenerator {
  private var random: SeededGenerator

  init(seed: UInt64) { random = SeededGenerator(seed: seed) }

  /// What any provider says of a question: the same each time. Some questions it never answers.
  static func reply(to question: [FieldValue]) -> ProviderReply {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in "\(question)".utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    switch hash >> 32 % 8 {
    case 0: return .timedOut
    case 1, 2:
      return .deny(status: hash % 2 == 0 ? 401 : 403, body: "b\(hash % 5)", headers: [("x-why", "\(hash % 7)")])
    default: return .allow([("x-score", "\(hash % 9)")])
    }
  }

  private mutating func pick(_ choices: [String]) -> String {
    choices[Int.random(in: 0..<choices.count, using: &random)]
  }

  private mutating func once(in times: Int) -> Bool { Int.random(in: 0..<times, using: &random) == 0 }

  /// Mostly none; sometimes past every time to live; sometimes back.
  mutating func pause() -> Int64 {
    switch Int.random(in: 0..<20, using: &random) {
    case 0: return once(in: 3) ? 40 * ExternalTests.second : 0
    case 1: return once(in: 3) ? -ExternalTests.second : 0
    case 2...3: return Int64.random(in: 0..<3 * ExternalTests.second, using: &random)
    default: return 1_000_000
    }
  }

  mutating func request() -> [String: JSON] {
    var headers: [String: JSON] = [:]
    if !once(in: 5) { headers["x-user"] = .string(pick(["ann", "bob", ""])) }
    if once(in: 3) { headers["x-tenant"] = .string(pick(["1", "2"])) }
    return [
      "request.method": .string(pick(["GET", "POST"])), "request.path": .string(pick(["/a", "/a?q=1", "/b", "/b/c"])),
      "request.headers": .object(headers), "source.principal": .string(pick(["p", "q"])),
    ]
  }

  mutating func documents() -> (cached: [Inline], plain: [Inline]) {
    var cached = ""
    var plain = ""
    for policy in 0..<Int.random(in: 1...3, using: &random) {
      let head = """
        ---
        apiVersion: purser.dev/v1alpha1
        kind: Policy
        metadata: {name: p\(policy)}
        spec:
          \(once(in: 3) ? "match: " + condition() : "mode: Enforce")
          rules:

        """
      cached += head
      plain += head
      for rule in 0..<Int.random(in: 1...4, using: &random) {
        let when = "when: " + condition()
        switch Int.random(in: 0..<6, using: &random) {
        case 0:
          let line = "  - {name: r\(rule), action: DENY, \(when)}\n"
          cached += line
          plain += line
        case 1:
          let line = "  - {name: r\(rule), action: ALLOW, requestHeaders: {set: {x-a: a}}}\n"
          cached += line
          plain += line
        default:
          let onError = once(in: 3) ? ", onError: skip" : ""
          let line = "  - {name: r\(rule), action: CUSTOM, provider: \(pick(["a", "b", "c"])), \(when)\(onError)"
          // Headers count where the cache names them, so both sides name all or none.
          cached +=
            line + ", cache: {ttl: \(pick(["5s", "30s"])), denyTTL: 2s, headers: [x-score, x-why]\(varied())}}\n"
          plain += line + "}\n"
        }
      }
    }
    let providers = """
      ---
      apiVersion: purser.dev/v1alpha1
      kind: Provider
      metadata: {name: a}
      spec:
        extAuthzGrpc: {address: "127.0.0.1:1", attributes: [request.method, source.principal], headers: [x-user]}
        failureMode: \(pick(["allow", "deny"]))
      ---
      apiVersion: purser.dev/v1alpha1
      kind: Provider
      metadata: {name: b}
      spec:
        extAuthzHttp: {url: "http://127.0.0.1:1/", headers: [x-user, x-tenant]}
      ---
      apiVersion: purser.dev/v1alpha1
      kind: Provider
      metadata: {name: c}
      spec:
        extAuthzGrpc: {address: "127.0.0.1:2", contextExtensions: {user: 'request.headers["x-user"]', path: request.path}}
      """
    return ([Inline(cached + providers)], [Inline(plain + providers)])
  }

  private mutating func varied() -> String { once(in: 4) ? ", varyBy: [request.scheme]" : "" }

  private mutating func condition() -> String {
    // Some err where the header is absent, but not so often that nobody is ever asked.
    if once(in: 16) { return "'" + #"request.headers["x-tenant"] == "1""# + "'" }
    return "'"
      + pick([
        "true", "true", #"request.url_path.startsWith("/a")"#, #"request.method == "GET""#,
        #"!("x-user" in request.headers) || request.headers["x-user"] != """#, #""x-tenant" in request.headers"#,
        #"source.principal == "p" || request.path == "/b""#,
        #""x-tenant" in request.headers && request.headers["x-tenant"] == "1""#,
      ]) + "'"
  }
}
