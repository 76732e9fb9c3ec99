import Foundation
import Purser
import Testing

@Suite struct LoadTests {
  @Test func problemsHaveTheirPlaces() throws {
    let set = try policies(readers)
    let before = set.digest
    let bad = policy("- {name: a, action: ALLOW, when: 'request.methud == \"GET\"'}")
    let error = try #require(throws: LoadError.self) {
      try set.load(documents: [Document(name: "bad.yaml", text: bad)])
    }
    #expect(error.cause == .documents)
    let problem = try #require(error.problems.first)
    #expect(problem.severity == .error)
    #expect(problem.file == "bad.yaml")
    #expect(problem.line == 7)
    #expect(problem.column > 1)
    #expect(problem.message.contains("methud"))
    #expect(problem.description.hasPrefix("bad.yaml:7:\(problem.column): error: "))
    #expect(error.description.contains("^"))
    #expect(set.digest == before)
    #expect(try set.engine.sum(of: "purser_reloads_total", where: "failed") == 1)
  }

  @Test func warningsAreReturned() throws {
    let set = try PolicySet(in: Engine())
    let text = policy("- {name: a, action: ALLOW, when: 'request.headers[\"x-user\"] == \"mia\"'}")
    let warnings = try set.load(documents: [Document(name: "a.yaml", text: text)])
    #expect(warnings.map(\.severity) == [.warning])
    #expect(warnings.first?.file == "a.yaml")
    #expect(try set.load(documents: [Document(name: "a.yaml", text: readers)]) == [])
  }

  @Test func filesAndDirectoriesAreRead() async throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try readers.write(to: folder.appendingPathComponent("a.yaml"), atomically: true, encoding: .utf8)
    let set = try PolicySet(in: Engine())
    try set.load(paths: [folder.path])
    #expect(try await set.check(Request(method: "GET", path: "/")).isAllowed)
    let error = try #require(throws: LoadError.self) { try set.load(paths: [folder.path + "/none.yaml"]) }
    #expect(error.problems.count == 1)
  }

  @Test func aPlanThatNeedsWhatTheHostDoesNotServeIsRefused() throws {
    var options = Engine.Options()
    options.attributesServed = ["request.path", "request.headers"]
    let set = try PolicySet(in: Engine(options))
    let error = try #require(throws: LoadError.self) {
      try set.load(documents: [Document(name: "a.yaml", text: readers)])
    }
    #expect(error.cause == .documents)
    #expect(error.problems.contains { $0.message.contains("request.method") })
    // Derived from what is served.
    let text = policy("- {name: a, action: ALLOW, when: 'request.url_path == \"/\"'}")
    try set.load(documents: [Document(name: "a.yaml", text: text)])

    options.attributesServed = []
    let none = try PolicySet(in: Engine(options))
    #expect(throws: LoadError.self) { try none.load(documents: [Document(name: "a.yaml", text: text)]) }
  }

  @Test func constantsAreCompiledIn() async throws {
    var options = Engine.Options()
    options.constants[.destinationWorkloadName] = "orders-v2"
    options.constants[Attribute<Int>("company.tier")] = 3
    let text =
      policy("- {name: a, action: ALLOW, when: 'destination.workload.name == \"orders-v2\" && company.tier == 3'}")
      + declaring("company.tier", "int")
    let set = try policies(text, options)
    #expect(try await set.check(Request()).isAllowed)
  }

  @Test func optionsThatCannotBeAreRefused() {
    var options = Engine.Options()
    options.attributesServed = ["nonsense"]
    #expect(throws: EngineError.unknownAttribute) { try Engine(options) }
    options = Engine.Options()
    options.constants[Attribute<String>("undotted")] = "x"
    #expect(throws: EngineError.unknownAttribute) { try Engine(options) }
  }

  @Test func aBackendIsFoundByItsName() throws {
    let set = try policies(readers + counting)
    #expect(throws: EngineError.unknownBackend) { try set.engine.metrics(backend: "none") }
    #expect(throws: EngineError.unknownBackend) { try set.engine.address(ofBackend: "prom") }
    #expect(try set.engine.metrics(backend: "prom").contains("requests_total") || true)
    try set.engine.flush(timeout: .seconds(5))
  }
}
