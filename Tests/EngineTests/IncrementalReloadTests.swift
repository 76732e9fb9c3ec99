import CPurser
import Foundation
import Testing

extension TestSet {
  /// How many policies the current plan's load compiled, and how many it took from the plan before.
  var compiled: [Int] {
    var counts = (0, 0)
    guard purser_policy_set_compiled(handle, &counts.0, &counts.1) == PURSER_OK else { return [] }
    return [counts.0, counts.1]
  }
}

/// Files of documents that are edited at random. Each document begins with `---`, so that its bytes are its own.
private struct EditedFiles {
  var files: [[String]]
  var random: SeededGenerator
  private var number = 0

  init(_ documents: [String], seed: UInt64) {
    random = SeededGenerator(seed: seed)
    files = [[], [], []]
    for document in documents { files[Int.random(in: 0..<3, using: &random)].append("---\n" + document + "\n") }
  }

  var inline: [Inline] {
    files.enumerated().map { Inline($1.isEmpty ? "# nothing\n" : $1.joined(), name: "\($0).yaml") }
  }

  /// As they stand in the files: what follows one is of it.
  var documents: [String] {
    inline.flatMap { $0.text.components(separatedBy: "---\n").dropFirst() }
  }
  var policies: [String] { documents.filter { $0.contains("kind: Policy\n") } }
  /// What all policies are compiled against.
  var environment: [String] {
    documents.flatMap { document -> [Substring] in
      let lines = document.split(separator: "\n")
      if document.contains("kind: AttributeManifest") { return lines.filter { $0.contains("zz.") } }
      return document.contains("kind: ValueList") ? lines.filter { $0.contains("name:") } : []
    }.map { String($0) }.sorted()
  }

  private mutating func place(where isWanted: (String) -> Bool) -> (Int, Int)? {
    var places: [(Int, Int)] = []
    for (file, documents) in files.enumerated() {
      for (index, document) in documents.enumerated() where isWanted(document) { places.append((file, index)) }
    }
    return places.randomElement(using: &random)
  }

  private static func isPolicy(_ text: String) -> Bool { text.contains("kind: Policy\n") }

  private static let conditions = [
    "request.headers[\"x\"] == \"1\"", "\"x\" in request.headers && request.headers[\"x\"] == \"0\"",
    "request.method in [\"PUT\", \"GET\"]",
    "request.url_path.matches(\"^/a/\")", "source.principal == \"ann\" || connection.mtls",
    "client.address in lists[\"low\"]",
    "request.path.startsWith(\"/\") && request.headers[\"y\"] != \"1\"",
    "[1, 2].exists(i, i == request.headers.size())",
  ]

  /// One edit; gives what it was.
  mutating func edit() -> String {
    number += 1
    let condition = Self.conditions.randomElement(using: &random) ?? "true"
    let action = ["DENY", "ALLOW", "AUDIT"].randomElement(using: &random) ?? "DENY"
    let rule = "  - {name: n\(number), action: \(action), when: '\(condition)'}\n"
    switch Int.random(in: 0..<11, using: &random) {
    case 0, 1:
      // Those of the connection phase may not read what the conditions do.
      guard let (file, index) = place(where: { Self.isPolicy($0) && !$0.contains("phase: connection") }) else {
        return "nothing"
      }
      files[file][index] += rule
      return "a rule more"
    case 2:
      let file = Int.random(in: 0..<3, using: &random)
      files[file].append(
        "---\napiVersion: purser.dev/v1alpha1\nkind: Policy\nmetadata: {name: new-\(number)}\nspec:\n  rules:\n" + rule)
      return "a policy more"
    case 3:
      guard policies.count > 2, let (file, index) = place(where: { Self.isPolicy($0) && !$0.contains("replaces") })
      else {
        return "nothing"
      }
      // What is replaced must be there.
      if policies.contains(where: { $0.contains("replaces:") }) { return "nothing" }
      files[file].remove(at: index)
      return "a policy less"
    case 4:
      var random = random
      for file in files.indices { files[file].shuffle(using: &random) }
      self.random = random
      return "another order"
    case 5:
      guard let (file, index) = place(where: { _ in true }) else { return "nothing" }
      let document = files[file].remove(at: index)
      files[(file + 1) % 3].insert(document, at: 0)
      return "moved to another file"
    case 6:
      let file = Int.random(in: 0..<3, using: &random)
      files[file].insert("# \(number)\n\n", at: 0)
      // A file's first lines are of no document.
      return "lines more"
    case 7:
      guard let (file, index) = place(where: { $0.contains("kind: ValueList") && $0.contains("/") }) else {
        return "nothing"
      }
      files[file][index] = files[file][index].replacing("values: [", with: "values: [10.0.0.\(number % 256)/32, ")
      return "a value more"
    case 8:
      if let (file, index) = place(where: { $0.contains("kind: AttributeManifest") }) {
        files[file][index] = files[file][index].replacing(
          "zz.first:", with: "zz.n\(number): {type: int}\n    zz.first:")
      } else {
        files[0].append(
          "---\napiVersion: purser.dev/v1alpha1\nkind: AttributeManifest\nmetadata: {name: m}\nspec:\n  attributes:\n"
            + "    zz.first: {type: string}\n")
      }
      return "a manifest"
    case 9:
      guard let (file, index) = place(where: { $0.contains("kind: PolicySet") }) else { return "nothing" }
      files[file][index] =
        files[file][index].contains("pathNormalization")
        ? files[file][index].replacing("  pathNormalization: NONE\n", with: "")
        : files[file][index].replacing("spec:\n", with: "spec:\n  pathNormalization: NONE\n")
      return "the set"
    default:
      files[2].append(
        "---\napiVersion: purser.dev/v1alpha1\nkind: ValueList\nmetadata: {name: list-\(number)}\nspec: {type: STRING, values: [a]}\n"
      )
      return "a list more"
    }
  }
}

/// A reload gives what a load of the same documents gives, and compiles only what is new.
@Suite struct IncrementalReloadTests {
  /// Everything that a plan tells without a request.
  private func told(_ options: LoadOptions) throws -> (plan: LoadedPlan, words: String) {
    let plan = try LoadedPlan(options)
    return (plan, try words(of: plan.handle) + plan.warnings)
  }

  private func words(of plan: OpaquePointer) throws -> String {
    var summary = purser_plan_summary()
    summary.size = MemoryLayout<purser_plan_summary>.size
    try demand(purser_plan_summarize(plan, &summary))
    var count = 0
    try demand(purser_plan_unindexed_count(plan, &count))
    var words = "\(summary)\n"
    for index in 0..<count {
      var rule = purser_rule_reference()
      try demand(purser_plan_unindexed_rule(plan, index, &rule))
      words +=
        "\(String(rule.policy_namespace))/\(String(rule.policy))/\(String(rule.rule)) \(String(rule.file)):\(rule.line)\n"
    }
    return words
  }

  private func explained(_ worker: TestWorker, _ set: TestSet, _ attributes: [String: JSON]) throws -> String {
    let request = try TestRequest(worker, set, attributes)
    try request.check()
    var json = purser_text()
    try demand(purser_explain(request.handle, 0, &json))
    defer { purser_text_free(&json) }
    return String(json)
  }

  @Test(arguments: [UInt64(1), 2, 3, 4, 5, 6])
  func aReloadIsTheSameAsALoad(_ seed: UInt64) throws {
    var generator = ModelGenerator(seed: seed)
    var edits: [String: Int] = [:]
    var reusedInAll = 0
    for round in 0..<12 {
      let set = try TestSet(TestEngine())
      let worker = try TestWorker(set.engine)
      var files = EditedFiles(generator.documents(of: generator.plan()), seed: seed &* 1_000 &+ UInt64(round))
      var constants: [String: String] = [:]
      var before: (policies: Set<String>, environment: [String])?
      for step in 0..<12 {
        var edit = "first"
        if step > 0 {
          edit = files.edit()
          if step == 7 { constants = ["request.method": "GET"] }
        }
        edits[edit, default: 0] += 1
        let options = LoadOptions(files.inline, constants: constants)
        let warnings = try set.load(options)
        let situation =
          "seed \(seed), round \(round), step \(step): \(edit)\n"
          + files.inline.map { $0.text }.joined(separator: "=====\n")

        // What is compiled: a document that the plan before did not have, or all when what they read is another.
        let environment = files.environment + constants.keys
        let known = before.flatMap { $0.environment == environment ? $0.policies : [] } ?? []
        let new = files.policies.filter { !known.contains($0) }.count
        #expect(set.compiled == [new, files.policies.count - new], "\(situation)")
        reusedInAll += files.policies.count - new
        before = (Set(files.policies), environment)

        // What is told: by another engine that has loaded nothing before.
        let fresh = try TestSet(TestEngine())
        let freshWorker = try TestWorker(fresh.engine)
        #expect(try fresh.load(options) == warnings, "\(situation)")
        #expect(fresh.digest == set.digest, "\(situation)")
        #expect(fresh.compiled == [files.policies.count, 0])
        for _ in 0..<4 {
          let request = generator.request().attributes
          let (found, expected) = (try worker.decide(set, request), try freshWorker.decide(fresh, request))
          #expect(found == expected, "\(request)\n\(situation)")
          #expect(
            try explained(worker, set, request) == explained(freshWorker, fresh, request), "\(request)\n\(situation)")
          if found != expected { return }
        }
      }
    }
    #expect(reusedInAll > 200)
    for edit in [
      "a rule more", "a policy more", "another order", "moved to another file", "lines more", "a value more",
      "a manifest", "the set", "a list more",
    ] {
      #expect((edits[edit] ?? 0) > 2, "\(edit) was made \(edits[edit] ?? 0) times")
    }
  }

  private static func policy(_ name: String, _ when: String, file: String = "") -> String {
    """
    ---
    apiVersion: purser.dev/v1alpha1
    kind: Policy
    metadata: {name: \(name)}
    spec:
      rules:
      - {name: r, action: DENY, when: '\(when)'}

    """
  }

  private func many(_ count: Int, changed: Int? = nil, _ more: String = "") -> [Inline] {
    let texts = (0..<count).map { Self.policy("p-\($0)", "request.path == \"/\($0)\($0 == changed ? "x" : "")\"") }
    return [Inline(texts.joined() + more)]
  }

  @Test func onlyThePolicyThatChangedIsCompiled() throws {
    let set = try TestSet(TestEngine())
    try set.load(many(1_000))
    #expect(set.compiled == [1_000, 0])
    try set.load(many(1_000, changed: 500))
    #expect(set.compiled == [1, 999])
    // The same documents in files of their own, which are the same words.
    let parts = (0..<1_000).map { Inline(Self.policy("p-\($0)", "request.path == \"/\($0)\""), name: "\($0).yaml") }
    try set.load(parts)
    #expect(set.compiled == [1, 999])
    try set.load(Array(parts.dropFirst(10)))
    #expect(set.compiled == [0, 990])
    let worker = try TestWorker(set.engine)
    let found = try worker.decide(set, ["request.path": "/777"])
    #expect(found.rule == "default/p-777/r" && found.line == 7)
  }

  @Test func aPlanLoadedForItselfReusesNothing() throws {
    for _ in 0..<2 {
      let plan = try LoadedPlan(LoadOptions(many(3)))
      var counts = (0, 0)
      try demand(purser_plan_compiled(plan.handle, &counts.0, &counts.1))
      #expect(counts == (3, 0))
    }
  }

  @Test func aSetReusesThePlanThatItWasGiven() throws {
    let set = try TestSet(TestEngine())
    try set.use(LoadedPlan(LoadOptions(many(3))))
    #expect(set.compiled == [3, 0])
    try set.load(many(4))
    #expect(set.compiled == [1, 3])
  }

  @Test func aLoadThatFailsLeavesWhatCanBeReused() throws {
    let set = try TestSet(TestEngine())
    try set.load(many(5))
    #expect(throws: Refused.self) { try set.load(many(5, changed: 2, "---\nkind: [\n")) }
    #expect(throws: Refused.self) { try set.load(many(5, changed: 2, Self.policy("p-9", "request.metod == \"a\""))) }
    #expect(set.compiled == [5, 0])
    try set.load(many(5, changed: 2))
    #expect(set.compiled == [1, 4])
  }

  /// The problems of a load that fails are those of one that has nothing to reuse.
  @Test func problemsAreTheSame() throws {
    let bad = [
      "---\nkind: [\n", Self.policy("p-2", "true"), Self.policy("q", "request.metod == \"a\""), "%YAML 9\n---\n",
      Self.policy("s", "true").replacing("spec:\n", with: "spec:\n  mode: Shadow\n  replaces: p-77\n"),
      "--- a\n", "---\n'\n---\n", Self.policy("t", "request.path.matches(\"(\")"),
    ]
    for more in bad {
      let set = try TestSet(TestEngine())
      try set.load(many(5))
      let documents = many(5, changed: 3, Self.policy("w", "request.headers[\"a\"] == \"b\"") + more)
      func problems(_ set: TestSet) -> String {
        do throws(Refused) {
          return "loaded: " + (try set.load(documents))
        } catch {
          return error.problems
        }
      }
      let (again, first) = (problems(set), problems(try TestSet(TestEngine())))
      #expect(again == first)
      #expect(!again.hasPrefix("loaded"), "\(more)")
    }
  }

  @Test func constantsAndAttributesAreHeldAgainstEachPolicy() throws {
    let documents = [Inline(Self.policy("p", "request.path == \"/a\""))]
    let set = try TestSet(TestEngine())
    let worker = try TestWorker(set.engine)
    try set.load(documents)
    #expect(try worker.decide(set, ["request.path": "/a"]).allows == false)
    try set.load(LoadOptions(documents, constants: ["request.path": "/b"]))
    #expect(set.compiled == [1, 0])
    #expect(try worker.decide(set, ["request.path": "/a"]).allows)
    try set.load(LoadOptions(documents, constants: ["request.path": "/a"]))
    #expect(set.compiled == [1, 0])
    #expect(try worker.decide(set, ["request.path": "/b"]).allows == false)
    // A host that serves other attributes compiles nothing, and is refused by what was compiled before.
    try set.load(LoadOptions(documents, served: ["request.path"], constants: ["request.path": "/a"]))
    #expect(set.compiled == [0, 1])
    try set.load(documents)
    #expect(throws: Refused.self) { try set.load(LoadOptions(documents, served: ["request.method"])) }
    #expect(set.compiled == [1, 0])
  }

  @Test func aPolicyThatNamesATimeZoneIsCompiledEachTime() throws {
    let zoned = "has(request.time) && request.time.getHours(\"Europe/Berlin\") > 20"
    let documents = [Inline(Self.policy("a", zoned) + Self.policy("b", "request.path == \"/\""))]
    let set = try TestSet(TestEngine())
    try set.load(documents)
    try set.load(documents)
    #expect(set.compiled == [1, 1])
  }

  @Test func patternsAreCompiledOnceForAllPolicies() throws {
    func documents(_ more: String) -> [Inline] {
      [
        Inline(
          Self.policy("a", "request.path.matches(\"^/a\")") + Self.policy("b", "request.path.matches(\"^/a\") \(more)"))
      ]
    }
    let set = try TestSet(TestEngine())
    let worker = try TestWorker(set.engine)
    try set.load(documents(""))
    for more in ["&& true", "&& request.method == \"GET\"", ""] {
      try set.load(documents(more))
      #expect(set.compiled == [1, 1])
      #expect(try worker.decide(set, ["request.path": "/ab", "request.method": "GET"]).rule == "default/a/r")
      #expect(try worker.decide(set, ["request.path": "/b", "request.method": "GET"]).allows)
    }
  }
}
