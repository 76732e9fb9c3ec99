import CPurser
import Glibc
import Testing

/// The engine against `ModelPlan.decide`, on generated plans and requests.
@Suite struct DecisionTwinTests {
  @Test(arguments: [UInt64(1), 2, 3, 4])
  func theEngineDecidesAsTheTwinDoes(_ seed: UInt64) throws {
    var comparison = try TwinComparison(seed: seed)
    for number in 0..<500 {
      guard try comparison.comparePlan(number) else { return }
    }
    // The generator must not go stale: every kind of decision is met often.
    for kind in [
      "rule true", "rule false", "rule-error false", "no-allow-rule false", "default true", "default false", "shadow",
      "shadow differs", "closed",
    ] {
      #expect((comparison.seen[kind] ?? 0) > 20, "\(kind) was met \(comparison.seen[kind] ?? 0) times")
    }
  }

  /// Seconds that `make fuzz TARGET=decide` gives: plans that no run had before, as many as there is time for.
  private static let seconds = getenv("PURSER_DECIDE_SECONDS").flatMap { Int(String(cString: $0)) } ?? 0

  @Test(.enabled(if: DecisionTwinTests.seconds > 0))
  func theEngineDecidesAsTheTwinDoesForAsLongAsAsked() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    let end = time(nil) + DecisionTwinTests.seconds
    var comparison = try TwinComparison(seed: seed)
    var number = 0
    while time(nil) < end {
      guard try comparison.comparePlan(number) else { return }
      number += 1
    }
    print("decide: \(comparison.compared) decisions of \(number) plans agree, seed \(seed)")
    #expect(comparison.compared > 0)
  }
}

/// Plans from one seed, each decided by both.
private struct TwinComparison {
  private let seed: UInt64
  private var generator: ModelGenerator
  private let set: TestSet
  private let worker: TestWorker
  /// How often each kind of decision was met.
  private(set) var seen: [String: Int] = [:]
  private(set) var compared = 0

  init(seed: UInt64) throws {
    self.seed = seed
    generator = ModelGenerator(seed: seed)
    set = try TestSet(TestEngine())
    worker = try TestWorker(set.engine)
  }

  /// Eight requests, each by itself, as a connection and on that connection. False after a difference.
  mutating func comparePlan(_ number: Int) throws -> Bool {
    let plan = generator.plan()
    let documents = generator.documents(of: plan)
    try set.load(documents.enumerated().map { Inline($1, name: "\($0).yaml") })
    for _ in 0..<8 {
      let request = generator.request()
      let expected = plan.decide(request).capped
      let found = try worker.decide(set, request.attributes)
      let early = try TestRequest(worker, set, HostTable(request.attributes), phase: PURSER_PHASE_CONNECTION)
      let foundEarly = try early.check()
      let expectedEarly = plan.decide(request, connectionOnly: true).capped
      let onConnection = try TestRequest(worker, set, HostTable(request.attributes), connection: early).check()

      let situation = "seed \(seed), plan \(number), \(request)\n" + documents.joined(separator: "---\n")
      #expect(ModelDecision(found) == expected, "\(situation)")
      #expect(ModelDecision(foundEarly) == expectedEarly, "as a connection: \(situation)")
      #expect(onConnection == found, "on its connection: \(situation)")
      #expect(foundEarly.allows || !found.allows, "a connection was denied too early: \(situation)")
      if ModelDecision(found) != expected { return false }
      compared += 3
      seen["\(expected.kind) \(expected.allows)", default: 0] += 1
      if expected.shadowAllows != nil { seen["shadow"] = (seen["shadow"] ?? 0) + 1 }
      if expected.shadowAllows == !expected.allows { seen["shadow differs"] = (seen["shadow differs"] ?? 0) + 1 }
      if expected.errors.count == 16 { seen["overflow"] = (seen["overflow"] ?? 0) + 1 }
      if !foundEarly.allows { seen["closed"] = (seen["closed"] ?? 0) + 1 }
    }
    return true
  }
}
