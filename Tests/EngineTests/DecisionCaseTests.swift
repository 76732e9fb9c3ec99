import Testing

@Suite struct DecisionCaseTests {
  @Test func thereAreCases() { #expect(DecisionCase.all.count >= 20) }

  /// Every request gets the decision that its case expects, and the same one whatever the order of the documents.
  @Test(arguments: DecisionCase.all)
  func decides(_ decisionCase: DecisionCase) throws {
    let (requests, constants) = try decisionCase.read()
    let asWritten = try decisions(decisionCase.documents, requests, constants)
    for (request, found) in zip(requests, asWritten) {
      for difference in found.differences(from: request.expect) {
        Issue.record("\(decisionCase.name), \(request.name): \(difference)")
      }
    }
    for order in permutations(of: decisionCase.documents) {
      let permuted = try decisions(order, requests, constants)
      for (index, request) in requests.enumerated() {
        #expect(
          permuted[index].essence == asWritten[index].essence,
          "\(decisionCase.name), \(request.name): another order of documents, another decision")
      }
    }
  }

  private func decisions(
    _ documents: [String], _ requests: [DecisionCase.Request], _ constants: [String: String]
  ) throws -> [Found] {
    let set = try TestSet(TestEngine(constants: constants))
    try set.load(documents.enumerated().map { Inline($1, name: "document-\($0).yaml") })
    let worker = try TestWorker(set.engine)
    return try requests.map { request in
      let number = try customNumbers(set)
      return try TestRequest(worker, set, HostTable(request.request, customs: number)).check()
    }
  }

  /// The custom attributes that cases declare.
  private func customNumbers(_ set: TestSet) throws -> [String: (number: UInt32, type: String)] {
    var numbers: [String: (number: UInt32, type: String)] = [:]
    for (name, type) in [
      ("company.user", "string"), ("company.score", "int"), ("company.tags", "map(string,dyn)"),
      ("company.groups", "list(string)"),
    ] {
      numbers[name] = (try set.engine.number(of: name, type), type)
    }
    return numbers
  }

  /// Backwards, and every rotation.
  private func permutations(of documents: [String]) -> [[String]] {
    guard documents.count > 1 else { return [] }
    var orders = [Array(documents.reversed())]
    for start in 1..<documents.count { orders.append(Array(documents[start...] + documents[..<start])) }
    return orders
  }
}
