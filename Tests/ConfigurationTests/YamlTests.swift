// Text to tree: structure, positions, and every way in which a file can be no YAML or a hostile one.

import Testing

@testable import PurserConfiguration

@Suite struct YamlTests {
  private func parse(_ text: String) -> (tree: YamlTree, problems: Problems) { parse(Array(text.utf8)) }

  private func parse(_ bytes: [UInt8]) -> (tree: YamlTree, problems: Problems) {
    var problems = Problems()
    let tree = bytes.withUnsafeBufferPointer { YamlParser.parse($0, source: 0, problems: &problems) }
    return (tree, problems)
  }

  /// A tree as text: scalars as `text@line:column`, in flow form.
  private func shown(_ tree: YamlTree, _ id: NodeID) -> String {
    let node = tree[id]
    let place = "@\(node.line):\(node.column)"
    switch node.kind {
    case .scalar: return tree.string(of: id) + place
    case .sequence: return "[" + tree.children(of: id).map { shown(tree, $0) }.joined(separator: ", ") + "]" + place
    case .mapping:
      return "{"
        + tree.entries(of: id).map { "\(shown(tree, $0.key)): \(shown(tree, $0.value))" }
        .joined(separator: ", ") + "}" + place
    }
  }

  private func shown(_ text: String) -> [String] {
    let (tree, problems) = parse(text)
    #expect(problems.items.map { $0.message } == [])
    return tree.documents.map { shown(tree, $0) }
  }

  private func failure(_ text: String) -> [String] {
    parse(text).problems.sorted().map { "\($0.position.line):\($0.position.column): \($0.message)" }
  }

  @Test func positionsAreThoseOfAnEditor() {
    #expect(shown("a: 1\nb:\n  - x\n  - {c: 'd'}\n") == ["{a@1:1: 1@1:4, b@2:1: [x@3:5, {c@4:6: d@4:9}@4:5]@3:3}@1:1"])
    #expect(shown("ä: ö\nb: 日本\n") == ["{ä@1:1: ö@1:4, b@2:1: 日本@2:4}@1:1"])
    #expect(shown("a: 1\r\nb: 2\r\n") == ["{a@1:1: 1@1:4, b@2:1: 2@2:4}@1:1"])
    #expect(shown("\u{FEFF}a: 1\nb: 2\n") == ["{a@1:1: 1@1:4, b@2:1: 2@2:4}@1:1"])
    // Not a line's end for an editor, though libyaml takes it for one.
    #expect(shown("a: 'x\u{2028}y'\nb: 2\n").first?.hasSuffix("b@2:1: 2@2:4}@1:1") == true)
  }

  @Test func aFileHoldsSeveralDocuments() {
    #expect(shown("---\na\n---\nb\n...\n") == ["a@2:1", "b@4:1"])
    #expect(shown("").isEmpty)
    #expect(shown("# only a comment\n").isEmpty)
    #expect(shown("\u{FEFF}").isEmpty)
  }

  @Test func anAliasIsTheNodeItself() {
    let (tree, problems) = parse("a: &x {k: v}\nb: *x\nc: &y !!str 5\nd: *y\n")
    #expect(!problems.hasErrors)
    let values = tree.documents.first.map { tree.entries(of: $0).map { $0.value } } ?? []
    #expect(values.count == 4 && values[0] == values[1] && values[2] == values[3])
    // Where the node is, not its anchor or tag.
    #expect(values.map { "\(tree[$0].line):\(tree[$0].column)" } == ["1:7", "1:7", "3:13", "3:13"])
  }

  @Test func anAliasNeedsAnAnchorBeforeIt() {
    #expect(
      failure("a: *x\nb: &x 1\n") == [
        "1:4: alias `*x` has no anchor before it; to begin an expression with `*`, quote it"
      ])
    #expect(failure("&x [*x]") == ["1:5: alias `*x` stands inside the value that its anchor names"])
    #expect(failure("a: &x {b: {c: *x}}") == ["1:15: alias `*x` stands inside the value that its anchor names"])
    #expect(failure("&x a\n---\n*x\n").count == 1)
  }

  @Test func aliasesCannotMultiply() {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...40 {
      let items = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
      text += "a\(level): &a\(level) [\(items)]\n"
    }
    #expect(failure(text).count == 1)
    #expect(failure(text).first?.contains("aliases make this more than 8000000 values") == true)
    // Nor document by document.
    let small =
      "- &a [x, x, x, x, x, x, x, x, x, x]\n- &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
      + "- &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n- [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n---\n"
    let many = failure(String(repeating: small, count: 1000))
    #expect(many.count == 1 && many.first?.contains("aliases make this more than") == true)
  }

  @Test func nestingIsLimited() {
    #expect(failure(String(repeating: "[", count: 10_000)) == ["1:129: nested more than 128 levels deep"])
    #expect(failure(String(repeating: "{a: ", count: 10_000)).first?.contains("128 levels") == true)
    #expect(failure(String(repeating: "- ", count: 10_000)).first?.contains("128 levels") == true)
    #expect(failure(String(repeating: "? ", count: 10_000)).first?.contains("128 levels") == true)
    let deepest = String(repeating: "[", count: 128) + String(repeating: "]", count: 128)
    #expect(failure(deepest).isEmpty)
  }

  @Test func duplicateKeysAreRefused() {
    #expect(failure("a: 1\nb: 2\n'a': 3\n") == ["3:1: duplicate key `a`: it is also in line 1"])
    #expect(failure("x: {a: 1, a: 2}") == ["1:11: duplicate key `a`: it is also in line 1"])
    #expect(failure("[a]: 1") == ["1:1: a key must be text"])
    #expect(
      failure("a: &a {x: 1}\nb: {<<: *a}\n") == ["2:5: merge keys (`<<`) are not supported: write the fields out"])
  }

  @Test func bytesThatAreNoTextAreRefused() {
    func first(_ bytes: [UInt8]) -> String {
      parse(bytes).problems.sorted().map { "\($0.position.line):\($0.position.column): \($0.message)" }.first ?? ""
    }
    #expect(first(Array("a: 1\nb: x".utf8) + [0xFF, 0x0A]) == "2:5: not UTF-8: save the file as UTF-8 text")
    #expect(first(Array("a: ".utf8) + [0xC0, 0x80]) == "1:4: not UTF-8: save the file as UTF-8 text")
    #expect(first(Array("a: ".utf8) + [0xED, 0xA0, 0x80]) == "1:4: not UTF-8: save the file as UTF-8 text")
    #expect(first(Array("a: ".utf8) + [0xE2, 0x82]) == "1:4: not UTF-8: save the file as UTF-8 text")
    #expect(first([0xFF, 0xFE, 0x61, 0x00]) == "1:1: not UTF-8: save the file as UTF-8 text")
    #expect(first(Array("a: 1\nb: x\0y".utf8)) == "2:5: a NUL byte: this is no text")
    #expect(first(Array("a: \u{1B}[2J".utf8)) == "1:4: a control character: YAML does not allow it")
  }

  @Test(arguments: [
    ("when: !has(a.b)", "1:7: an unquoted `!` begins a YAML tag, and tags are not supported"),
    ("when: !(a == b)", "1:7: an unquoted `!` begins a YAML tag"),
    ("when: !a[\"x\"] && b", "1:7: an unquoted `!` begins a YAML tag"),
    ("when: [1, 2].exists(x, x == 1)", "1:13: text after a closing `]`"),
    ("when: {\"a\": 1}.size() == 1", "1:15: text after a closing `}`"),
    ("when: \"a\" in request.headers", "1:11: text after a closing quote"),
    ("when: 'a' in request.headers", "1:11: text after a closing quote"),
    ("when: a ? b : c", "1:13: `: ` cannot stand in an unquoted value"),
    ("when: &a", ""),
    ("when: && a", "1:7: an unquoted `&` or `*` begins a YAML anchor or alias"),
    ("when: *a == b", "1:7: alias `*a` has no anchor before it"),
    ("when: @a", "1:7: a value cannot begin with `@`"),
    ("when: `a`", "1:7: a value cannot begin with ```"),
    ("when: %a", "1:7: a value cannot begin with `%`"),
    ("x: {when: \"a\" in b}", "1:15: text after a closing quote"),
  ])
  func whereYamlTripsOnAnExpressionTheMessageSaysToQuoteIt(text: String, start: String) {
    let problems = failure(text)
    if start.isEmpty {
      #expect(problems.isEmpty)
    } else {
      #expect(problems.count == 1)
      #expect(problems.first?.hasPrefix(start) == true, "\(problems)")
      #expect(problems.first?.contains("quote") == true, "\(problems)")
    }
  }

  @Test(arguments: [
    ("a: 1\n   b: 2\n", "2:5: a key is not expected here: check the indentation"),
    ("a:\n  - 1\n - 2\n", "3:2: expected a key: check the indentation"),
    ("a:\n\tb: 1\n", "2:1: a tab cannot indent: use spaces"),
    ("a: 1\nb\nc: 2\n", "2:1: expected `key: value`, found a line without `: `"),
    ("a: \"x\nb: 1\n", "1:4: the text in quotes that begins here is not closed"),
    ("a: [1, 2\n", "2:1: the list in `[ ]` is not closed"),
    ("a: {b: 1\n", "2:1: the map in `{ }` is not closed"),
    ("a: \"\\q\"\n", "1:5: unknown escape in a double-quoted text: write `\\\\` for a backslash, or use single quotes"),
    ("a: | x\n  y\n", "1:6: after `|` or `>` the text begins in the next line"),
    ("  a: 1\nb: 2\n", "2:1: expected `---` or the end of the file: check the indentation"),
    ("%YAML 3.0\n---\na: 1\n", "1:1: not YAML: found incompatible YAML document"),
  ])
  func brokenYamlIsNamedInPlainWords(text: String, expected: String) {
    #expect(failure(text).first?.hasPrefix(expected) == true, "\(failure(text))")
  }

  @Test func oneBadDocumentHidesNoOther() {
    let (tree, problems) = parse("a: 1\n---\nb: [1\n---\nc: 3\n---\nd: \"x\" y\n---\ne: 5\n")
    #expect(problems.sorted().map { $0.position.line } == [4, 7])
    #expect(tree.documents.count == 3)
    #expect(failure("--- \"\n--- \"\n--- \"\n").isEmpty == false)
  }

  @Test func plainScalarsMeanWhatYaml12Says() {
    func meaning(_ text: String) -> String {
      let (tree, _) = parse("a: " + text)
      guard let root = tree.documents.first, let value = tree.field("a", of: root) else { return "" }
      switch tree.meaning(of: value) {
      case .null: return "null"
      case .boolean(let value): return "\(value)"
      case .integer: return "integer"
      case .number: return "number"
      case .text: return "text"
      }
    }
    #expect(["", "~", "null"].map(meaning) == ["null", "null", "null"])
    #expect(["true", "False", "yes", "'true'"].map(meaning) == ["true", "false", "text", "text"])
    #expect(["1", "-1", "+1", "00"].map(meaning) == ["integer", "integer", "integer", "integer"])
    #expect(["1.5", "1.", ".5", "1e3", "-1.5E-3"].map(meaning) == Array(repeating: "number", count: 5))
    #expect(
      ["1.2.3", "1e", ".", "0x1F", "1_000", "10.0.0.0/8", "e5"].map(meaning) == Array(repeating: "text", count: 7))
  }

  @Test func aDocumentOfTenMegabytesIsReadOrRefused() {
    var text = "a:\n"
    let line = "- some.attribute == \"value\" && other.attribute.startsWith(\"/a/longer/path/than/usual\")\n"
    while text.utf8.count < 10 << 20 { text += line }
    #expect(!parse(text).problems.hasErrors)
    let flow = "[" + String(repeating: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,", count: 220_000) + "a]"
    #expect(!parse(flow).problems.hasErrors)
    let scalar = "a: \"" + String(repeating: "x", count: 10 << 20) + "\"\n"
    #expect(!parse(scalar).problems.hasErrors)
    // One line without an end.
    #expect(parse(String(repeating: "x", count: 10 << 20) + ": y").problems.errorCount == 1)
  }

  /// Every prefix and every single damaged byte of a document gives a tree or problems.
  @Test func damagedTextNeverTraps() {
    let text = Array(
      "a: &x !!str \"q\\n\\u00e4\"\nb: |2-\n    lit\n   eral\nc: >\n  fold\n\n  ed\nd: [*x, {e: 'f''g'}]\n---\n? k\n: v\n...\n"
        .utf8)
    for length in 0..<text.count { _ = Loaded(bytes: Array(text.prefix(length))).rendered }
    for index in text.indices {
      for byte: UInt8 in [0, 9, 10, 13, 34, 39, 42, 38, 45, 58, 91, 123, 124, 128, 194, 240, 255] {
        var damaged = text
        damaged[index] = byte
        _ = Loaded(bytes: damaged).rendered
      }
    }
  }
}
