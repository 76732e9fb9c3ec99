import CPurser
import Testing

/// The engine against `ModelPlan.decide`, on generated plans and requests.
@Suite struct DecisionTwinTests {
  @Test(arguments: [UInt64(1), 2, 3, 4])
  func theEngineDecidesAsTheTwinDoes(_ seed: UInt64) throws {
    var generator = ModelGenerator(seed: seed)
    let set = try TestSet(TestEngine())
    let worker = try TestWorker(set.engine)
    var seen: [String: Int] = [:]
    for number in 0..<500 {
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
        if ModelDecision(found) != expected { return }
        seen["\(expected.kind) \(expected.allows)", default: 0] += 1
        if expected.shadowAllows != nil { seen["shadow"] = (seen["shadow"] ?? 0) + 1 }
        if expected.shadowAllows == !expected.allows { seen["shadow differs"] = (seen["shadow differs"] ?? 0) + 1 }
        if expected.errors.count == 16 { seen["overflow"] = (seen["overflow"] ?? 0) + 1 }
        if !foundEarly.allows { seen["closed"] = (seen["closed"] ?? 0) + 1 }
      }
    }
    // The generator must not go stale: every kind of decision is met often.
    for kind in [
      "rule true", "rule false", "rule-error false", "no-allow-rule false", "default true", "default false", "shadow",
      "shadow differs", "closed",
    ] {
      #expect((seen[kind] ?? 0) > 20, "\(kind) was met \(seen[kind] ?? 0) times")
    }
  }
}
