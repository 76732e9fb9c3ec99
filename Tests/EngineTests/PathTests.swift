import CPurser
import Testing

@Suite struct PathTests {
  enum Mode: String, CaseIterable, Sendable {
    case none = "NONE"
    case base = "BASE"
    case merge = "MERGE_SLASHES"
    case decode = "DECODE_AND_MERGE_SLASHES"

    func expected(_ row: PathCase) -> String? {
      switch self {
      case .none: row.none
      case .base: row.base
      case .merge: row.merge
      case .decode: row.decode
      }
    }
  }

  /// One ALLOW rule for each path that is expected; the rule that decides tells which one it was.
  private func policy(_ paths: [String], _ mode: Mode?) -> String {
    var yaml = ""
    if let mode {
      yaml += """
        apiVersion: purser.dev/v1alpha1
        kind: PolicySet
        metadata: {name: edge}
        spec: {pathNormalization: \(mode.rawValue)}
        ---

        """
    }
    yaml += """
      apiVersion: purser.dev/v1alpha1
      kind: Policy
      metadata: {name: paths}
      spec:
        rules:

      """
    for (index, path) in paths.enumerated() {
      let literal = path.replacing("\\", with: "\\\\")
      yaml += "  - {name: path-\(index), action: ALLOW, when: 'request.url_path == \"\(literal)\"'}\n"
    }
    return yaml
  }

  @Test(arguments: Mode.allCases)
  func aPathIsNormalised(_ mode: Mode) throws {
    let paths = Array(Set(PathCase.all.compactMap(mode.expected))).sorted()
    let set = try TestSet(loading: policy(paths, mode))
    let worker = try TestWorker(set.engine)
    for row in PathCase.all {
      // From path and query, and from a path alone, where that means the same.
      for name in ["request.path", "request.url_path"] {
        let found = try worker.decide(set, [name: .string(row.path)])
        if let expected = mode.expected(row) {
          let index = found.rule.flatMap { Int($0.split(separator: "-").last ?? "") }
          let path = index.map { paths[$0] }
          #expect(path == expected, "\(mode.rawValue) of `\(row.path)` as \(name)")
        } else {
          #expect(!found.allows)
          #expect(
            found.errorTexts
              == paths.map { _ in "attribute `request.url_path` cannot be normalised" }.prefix(16).map(\.self),
            "\(mode.rawValue) of `\(row.path)` as \(name)")
        }
      }
    }
  }

  @Test func slashesAreMergedUnlessThePolicySetSaysOtherwise() throws {
    let set = try TestSet(loading: policy(["/a/b"], nil))
    #expect(try TestWorker(set.engine).decide(set, ["request.path": "//a/./b"]).allows)
  }

  @Test func aPathThatIsNoTextErrsAsThatAttribute() throws {
    let set = try TestSet(loading: policy(["/a"], nil))
    let table = try HostTable([:])
    var value = purser_value()
    value.type = PURSER_TYPE_STRING.rawValue
    value.as.text = table.memory.text([0x2F, 0xFF])
    try table.set("request.path", .value(value))
    let found = try TestRequest(TestWorker(set.engine), set, table).check()
    #expect(!found.allows)
    #expect(found.errorTexts == ["attribute `request.url_path` is not valid UTF-8"])
  }
}
