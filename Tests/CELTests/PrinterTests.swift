// What is printed parses to the same tree, with no parentheses that it does not need.

import CELConformance
import Foundation
import Testing

@testable import CEL

private func parse(_ text: String, macros: Bool = true) -> Tree? {
  var diagnostics = Diagnostics()
  return Parser.parse(Array(text.utf8), macros: macros, diagnostics: &diagnostics)
}

/// The bytes of the golden form: no two trees have one form, and Swift's `==` on text is not asked.
private func form(_ tree: Tree) -> [UInt8] { Array(TreeText(tree).text.utf8) }

/// The tree's text, after holding that it parses to the tree again.
private func printed(_ tree: Tree, macros: Bool = true) -> String? {
  guard let text = Printer.text(of: tree) else { return nil }
  guard let again = parse(text, macros: macros) else {
    Issue.record("printed as `\(text)`, which does not parse: \(TreeText(tree).text)")
    return text
  }
  if form(again) != form(tree) {
    Issue.record("printed as `\(text)`, which is \(TreeText(again).text) and not \(TreeText(tree).text)")
  }
  return text
}

private func printed(_ text: String, macros: Bool = true) -> String? {
  guard let tree = parse(text, macros: macros) else { return "does not parse: \(text)" }
  return printed(tree, macros: macros)
}

@Suite struct PrinterTests {
  @Test func whatHasNoNeedlessParenthesesIsPrintedAsItIs() {
    let texts = [
      "a + b * c", "(a + b) * c", "a - (b - c)", "a - b - c", "a / (b * c) % d", "a < b == c", "a < (b == c)",
      "a && b && c", "(a && b) && c", "a && (b && c)", "a || b && c", "(a || b) && c", "a || (b || c)",
      "!a", "!!a", "!(-a)", "-(!a)", "--a", "!(a && b)", "!a.b", "(!a).b", "-a + -b", "-(a + b)", "a - -b",
      "a ? b : c", "a ? b : c ? d : e", "(a ? b : c) ? d : e", "a ? (b ? c : d) : e", "(a ? b : c) + d",
      "a in b in c", "a in (b in c)", "(a + b).f()", "(a + b)[c + d]", "a[b][c]", "a.b[c].d(e, f)", ".a.b", ".f(a)",
      "f()", "size(a).b", "[a, [b], []]", "{a: b, c: {}}", "T{}", "a.b.T{c: d, e: f ? g : h}", ".a.T{b: 1}.b",
      "a.as", "a.`content-type`", "a.`in`.b", "T{`a b`: 1}", "a.package()",
      "has(a.b)", "has(a.b.c)", "has((a + b).c)", "!has(a.b) && c",
      "a.all(x, x > 0)", "a.exists(x, x.exists(y, y))", "a.exists_one(x, x)", "a.filter(x, x)", "a.map(x, x + 1)",
      "a.map(x, x > 0, x ? y : z)", "[1].map(x, x)[0]", "(a + b).all(x, x)",
      "null", "true", "false", "0", "5.f()", "1u.f()", "1.5.f()",
    ]
    for text in texts { #expect(printed(text) == text) }
  }

  @Test func extensionsArePrintedAsTheyAreWritten() {
    let texts = [
      "a.?b", "a.?b.c[?d + 1]", "(a + b).?c", "a.?`b-c`", "a.?as", "-(5.?a)", "-(5[?a])", "[?a, b, ?c ? d : e]",
      "{?a: b, c: d}", "T{?a: b, ?`c-d`: e}", "a.optMap(x, x + 1)", "a.?b.optFlatMap(x, x.?c)", "has(a.?b.c)",
      "a.all(i, v, i < v)", "a.exists_one(i, v, v)", "a.transformList(i, v, v > 0, i ? v : 1)",
      "a.transformMap(k, v, v)", "a.transformMapEntry(k, v, {v: k})", "cel.bind(x, a ? b : c, x + x)",
      "!cel.bind(x, a, x)", "cel.bind(x, 1, x).b", "cel.block([a, cel.index(0) + 1], cel.index(1))", "cel.block([], a)",
      "a.map(cel.iterVar(0, 1), cel.iterVar(0, 1) + 1)", "a.exists(cel.accuVar(2, 0), b, cel.accuVar(2, 0))",
    ]
    let all = Set(Extension.allCases)
    for text in texts {
      var diagnostics = Diagnostics()
      guard let tree = Parser.parse(Array(text.utf8), extensions: all, diagnostics: &diagnostics) else {
        Issue.record("does not parse: \(text)")
        continue
      }
      #expect(Printer.text(of: tree) == text)
    }
  }

  @Test func needlessParenthesesAndBlanksGo() {
    #expect(printed("((a))+( b.c )") == "a + b.c")
    #expect(printed("(a&&b)||c") == "a && b || c")
    #expect(printed("((a ? b : c))") == "a ? b : c")
    #expect(printed("f( (a), [ (b) , ], { } )") == "f(a, [b], {})")
    #expect(printed("(a.b)[(0)]") == "a.b[0]")
    #expect(printed("a // comment\n . b") == "a.b")
    #expect(printed("[1].existsOne(x, x > 0)") == "[1].exists_one(x, x > 0)")
  }

  @Test func aMinusStaysAnOperatorOrASign() {
    #expect(printed("-5") == "-5")
    #expect(printed("-(5)") == "-(5)")
    #expect(printed("--5") == "--5")
    #expect(printed("-(5.f())") == "-(5.f())")
    #expect(printed("-(1.5[0])") == "-(1.5[0])")
    #expect(printed("-5.f()") == "-5.f()")
    #expect(printed("-(-5.f())") == "--5.f()")
    #expect(printed("-5u") == "-5u")
    #expect(printed("a - -5") == "a - -5")
    #expect(printed("-(0.0)") == "-(0.0)")
    #expect(printed("-0.0") == "-0.0")
    #expect(printed("-9223372036854775808") == "-9223372036854775808")
  }

  @Test func numbersKeepTypeAndBits() {
    #expect(printed("0x1F") == "31")
    #expect(printed("18446744073709551615u") == "18446744073709551615u")
    #expect(printed("1.0") == "1.0")
    #expect(printed("1e3") == "1000.0")
    #expect(printed("1e21") == "1e+21")
    #expect(printed(".1") == "0.1")
    #expect(printed("5e-324") == "5e-324")
    #expect(printed("1e400") == "1e999")
    #expect(printed("-1e400") == "-1e999")
    var random: UInt64 = 7
    for _ in 0..<2_000 {
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let value = Double(bitPattern: random)
      guard value.isFinite, let tree = parse("\(value)") else { continue }
      guard let text = printed(tree), case .literal(.double(let back))? = parse(text).map({ $0[$0.root].kind }) else {
        Issue.record("\(value) has no text")
        continue
      }
      #expect(back.bitPattern == value.bitPattern)
    }
  }

  @Test func stringsAndBytesKeepEveryByte() {
    #expect(printed(#"'a"b\\c\n\t\r\0007\x7f'"#) == #""a\"b\\c\n\t\r\x007\x7f""#)
    #expect(printed("'''é\u{301}\u{1F600}'''") == "\"é\u{301}\u{1F600}\"")
    #expect(printed(#"r'\d'"#) == #""\\d""#)
    #expect(printed(#"'\377'"#) == "\"ÿ\"")
    #expect(printed(#"b'\377\x00aé'"#) == #"b"\xff\x00a\xc3\xa9""#)
    for byte in UInt8.min...UInt8.max {
      var tree = Tree()
      tree.root = tree.append(Node(span: Span(0, 0), anchor: 0, kind: .literal(.bytes([byte, 0x31, byte]))))
      #expect(printed(tree) != nil)
      if byte < 0x80 {
        tree.root = tree.append(Node(span: Span(0, 0), anchor: 0, kind: .literal(.string([byte, 0x31, byte]))))
        #expect(printed(tree) != nil)
      }
    }
  }

  @Test func macrosLeftAsCallsStayCalls() {
    #expect(printed("[1].all(x, x > 0) && has(a.b)", macros: false) == "[1].all(x, x > 0) && has(a.b)")
  }

  @Test func aTreeThatNoTextHasIsRefused() {
    func text(_ kinds: Node.Kind...) -> String? {
      var tree = Tree()
      for kind in kinds { tree.root = tree.append(Node(span: Span(0, 0), anchor: 0, kind: kind)) }
      return Printer.text(of: tree)
    }
    let first = NodeID(0)
    let a = Node.Kind.identifier(name: "a", isRooted: false)
    #expect(Printer.text(of: Tree()) == nil)
    #expect(text(.invalid) == nil)
    #expect(text(.literal(.double(.nan))) == nil)
    #expect(text(.literal(.string([0xFF]))) == nil)
    for name in ["", "in", "if", "true", "a b", "1a", "é", "a.b"] {
      #expect(text(.identifier(name: name, isRooted: false)) == nil, "\(name)")
    }
    #expect(text(a, .select(operand: first, field: "a`b", isTest: false)) == nil)
    #expect(text(a, .select(operand: first, field: "", isTest: false)) == nil)
    #expect(text(a, .and([first])) == nil)
    #expect(text(a, .call(function: "_+_", target: nil, arguments: [first])) == nil)
    #expect(text(a, .call(function: "f g", target: first, arguments: [])) == nil)
    #expect(text(a, .message(type: "a..b", fields: [])) == nil)
    #expect(text(a, .call(function: "_==_", target: nil, arguments: [first, NodeID(9)])) == nil)
  }

  @Test func depthAndLengthAreBounded() {
    var tree = Tree()
    tree.root = tree.append(Node(span: Span(0, 0), anchor: 0, kind: .identifier(name: "a", isRooted: false)))
    for _ in 0..<100_000 {
      tree.root = tree.append(Node(span: Span(0, 0), anchor: 0, kind: .list([tree.root])))
    }
    #expect(Printer.text(of: tree) == nil)
    // Every level names the one below it twice: the text would be exponential.
    tree = Tree()
    tree.root = tree.append(Node(span: Span(0, 0), anchor: 0, kind: .identifier(name: "a", isRooted: false)))
    for _ in 0..<60 { tree.root = tree.append(Node(span: Span(0, 0), anchor: 0, kind: .list([tree.root, tree.root]))) }
    #expect(Printer.text(of: tree) == nil)
  }

  @Test func aPartOfATreeIsPrintedAlone() throws {
    let tree = try #require(parse("(a || b) && c"))
    guard case .and(let operands) = tree[tree.root].kind else { return }
    #expect(Printer.text(of: operands[0], in: tree) == "a || b")
  }

  @Test func everyConformanceExpressionComesBack() {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../../shared/cel").standardizedFileURL
    for item in ConformanceCase.load(folder: folder) ?? [] {
      for macros in [true, false] {
        guard let tree = parse(item.expression, macros: macros) else { continue }
        if printed(tree, macros: macros) == nil { Issue.record("\(item.id) has no text: \(item.expression)") }
      }
    }
  }

  @Test func generatedTreesComeBack() {
    var generator = TreeGenerator(state: 1)
    for round in 0..<4_000 {
      var tree = Tree()
      tree.root = generator.node(in: &tree, depth: 1 + round % 7)
      guard printed(tree) != nil else {
        Issue.record("has no text: \(TreeText(tree).text)")
        return
      }
    }
  }
}

/// Trees of every shape that the parser makes, sensible or not.
private struct TreeGenerator {
  var state: UInt64

  mutating func number(below limit: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int(truncatingIfNeeded: (state >> 33) % UInt64(limit))
  }

  mutating func pick<T>(_ items: [T]) -> T { items[number(below: items.count)] }

  mutating func node(in tree: inout Tree, depth: Int) -> NodeID {
    let kind = depth == 0 ? leaf() : inner(in: &tree, depth: depth - 1)
    return tree.append(Node(span: Span(0, 0), anchor: 0, kind: kind))
  }

  private mutating func leaf() -> Node.Kind {
    switch number(below: 3) {
    case 0: .identifier(name: pick(["a", "b", "x", "r", "b_1", "inner", "trueish"]), isRooted: number(below: 5) == 0)
    default:
      .literal(
        pick([
          .null, .bool(true), .bool(false), .int(0), .int(7), .int(-1), .int(.min), .int(.max), .uint(0), .uint(.max),
          .double(0), .double(-0.0), .double(1.5), .double(-2e300), .double(1e-7), .double(.infinity),
          .double(-.infinity), .string([]), .string(Array("it's \"quoted\"\\\n\u{0}\u{7F}\u{1F600}".utf8)),
          .bytes([0, 34, 92, 127, 128, 255]), .bytes([]),
        ]))
    }
  }

  private mutating func nodes(in tree: inout Tree, depth: Int, least: Int = 0) -> [NodeID] {
    (0..<(least + number(below: 3))).map { _ in node(in: &tree, depth: depth) }
  }

  private mutating func inner(in tree: inout Tree, depth: Int) -> Node.Kind {
    switch number(below: 14) {
    case 0: return leaf()
    case 1: return .and(nodes(in: &tree, depth: depth, least: 2))
    case 2: return .or(nodes(in: &tree, depth: depth, least: 2))
    case 3:
      let parts = (0..<3).map { _ in node(in: &tree, depth: depth) }
      return .conditional(condition: parts[0], then: parts[1], otherwise: parts[2])
    case 4:
      let field = pick(["a", "as", "in", "content-type", "a.b/c d", "x1"])
      return .select(operand: node(in: &tree, depth: depth), field: field, isTest: number(below: 4) == 0)
    case 5, 6:
      return .call(function: pick(["!_", "-_"]), target: nil, arguments: [node(in: &tree, depth: depth)])
    case 7, 8, 9:
      let operators = [
        "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "@in", "_+_", "_-_", "_*_", "_/_", "_%_", "_[_]",
      ]
      let left = node(in: &tree, depth: depth)
      return .call(function: pick(operators), target: nil, arguments: [left, node(in: &tree, depth: depth)])
    case 10:
      if number(below: 2) == 0 {
        return .call(function: pick(["f", ".g", "size"]), target: nil, arguments: nodes(in: &tree, depth: depth))
      }
      let target = node(in: &tree, depth: depth)
      return .call(function: pick(["f", "as"]), target: target, arguments: nodes(in: &tree, depth: depth))
    case 11: return .list(nodes(in: &tree, depth: depth))
    case 12:
      if number(below: 2) == 0 {
        let fields = nodes(in: &tree, depth: depth).map { value in
          Node.MessageField(name: pick(["a", "if", "content-type"]), anchor: 0, value: value)
        }
        return .message(type: pick(["T", "a.b.T", ".a.T"]), fields: fields)
      }
      return .map(
        nodes(in: &tree, depth: depth).map { key in Node.MapEntry(key: key, value: node(in: &tree, depth: depth)) })
    default:
      let macro = pick([Node.Macro.all, .exists, .existsOne, .filter, .map])
      let range = node(in: &tree, depth: depth)
      let first = node(in: &tree, depth: depth)
      let isThree = macro == .map && number(below: 2) == 0
      return .comprehension(
        Node.Comprehension(
          macro: macro, range: range, variables: [pick(["x", "y"])],
          predicate: macro == .map ? (isThree ? node(in: &tree, depth: depth) : nil) : first,
          transform: macro == .map ? first : nil))
    }
  }
}
