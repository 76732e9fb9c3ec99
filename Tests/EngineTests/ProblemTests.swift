import CPurser
import Foundation
import Testing

/// The cases of Tests/Cases/problems: what is said about documents that do not load, or load with warnings.
@Suite struct ProblemTests {
  static let folder = DecisionCase.folder.deletingLastPathComponent().appendingPathComponent("problems")

  static let cases: [String] = {
    let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return files.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }.sorted()
  }()

  @Test(arguments: cases)
  func everyProblemIsToldAtItsPlace(_ name: String) throws {
    let yaml = try String(contentsOf: Self.folder.appendingPathComponent(name + ".yaml"), encoding: .utf8)
    let expected = try String(contentsOf: Self.folder.appendingPathComponent(name + ".txt"), encoding: .utf8)
    let options = LoadOptions([Inline(yaml, name: name + ".yaml")])
    do throws(Refused) {
      let plan = try LoadedPlan(options)
      #expect(plan.warnings == expected)
      #expect(!expected.contains(": error: "))
    } catch {
      #expect(error.status == PURSER_PROBLEMS)
      #expect(error.problems == expected)
      #expect(expected.contains(": error: "))
    }
  }

  private static let reads = """
    apiVersion: purser.dev/v1alpha1
    kind: Policy
    metadata: {name: shop}
    spec:
      rules:
      - {name: a, action: DENY, when: request.url_path == "/a" && source.principal == "ann"}
    """

  @Test func anAttributeThatTheHostDoesNotServeIsRefusedByItsName() throws {
    do throws(Refused) {
      _ = try LoadedPlan(LoadOptions([Inline(Self.reads)], served: ["request.path"]))
      Issue.record("loaded")
    } catch {
      #expect(
        error.problems.hasPrefix(
          "policy.yaml:6:63: error: the host does not supply attribute `source.principal`\n"), "\(error.problems)")
      #expect(!error.problems.contains("`request.url_path`"))
    }
  }

  @Test func anAttributeCountsAsServedWhenItIsDerivedFromOneThatIs() throws {
    for path in ["request.path", "request.url_path", "url.path"] {
      _ = try LoadedPlan(LoadOptions([Inline(Self.reads)], served: [path, "source.user"]))
    }
    func load(_ condition: String, _ served: String) throws(Refused) {
      let yaml = Self.reads.replacing("request.url_path == \"/a\" && source.principal == \"ann\"", with: condition)
      _ = try LoadedPlan(LoadOptions([Inline(yaml)], served: [served]))
    }
    try load("destination.service.host == \"a\"", "request.host")
    try load("request.useragent == \"a\"", "request.headers")
    try load("request.referer == \"a\"", "request.headers")
    try load("request.query == \"a\"", "request.path")
    #expect(throws: Refused.self) { try load("request.host == \"a\"", "destination.service.host") }
    #expect(throws: Refused.self) { try load("request.path == \"a\"", "request.url_path") }
  }

  @Test func aConstantNeedNotBeServed() throws {
    _ = try LoadedPlan(
      LoadOptions([Inline(Self.reads)], served: ["request.path"], constants: ["source.user": "ann"]))
  }

  @Test func aPlanThatAnEngineCannotServeIsRefusedWhenItIsUsed() throws {
    let plan = try LoadedPlan(Self.reads)
    let set = try TestSet(TestEngine(served: ["request.path"]))
    do throws(Refused) {
      try set.use(plan)
      Issue.record("used")
    } catch {
      #expect(error.status == PURSER_PROBLEMS)
      #expect(error.problems.contains("`source.principal`"))
      #expect(error.problems.contains("policy.yaml:6:63: "))
    }
    #expect(set.digest == nil)
  }

  @Test func aConstantOfTheWrongTypeIsRefused() {
    let yaml = Self.reads.replacing("source.principal == \"ann\"", with: "source.port == 80")
    #expect(throws: Refused.self) {
      _ = try LoadedPlan(LoadOptions([Inline(yaml)], constants: ["source.port": "eighty"]))
    }
  }

  @Test func constantsAreNeverAskedFor() throws {
    let set = try TestSet(TestEngine(constants: ["source.user": "ann"]))
    try set.load(Self.reads)
    let table = try HostTable(["request.path": "/a", "source.principal": "bob"])
    let found = try TestRequest(TestWorker(set.engine), set, table).check()
    #expect(found.rule == "default/shop/a")
    #expect(table.asked == ["get 2"])
  }
}
