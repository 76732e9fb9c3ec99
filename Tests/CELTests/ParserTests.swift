import CEL
import Testing

@Suite struct ParserTests {
  @Test(arguments: [
    ("a + b * c - d", "(_-_ (_+_ a (_*_ b c)) d)"),
    ("a / b % c * d", "(_*_ (_%_ (_/_ a b) c) d)"),
    ("(a + b) * c", "(_*_ (_+_ a b) c)"),
    ("a - b - c", "(_-_ (_-_ a b) c)"),
    ("a - (b - c)", "(_-_ a (_-_ b c))"),
    ("a < b == c in d", "(@in (_==_ (_<_ a b) c) d)"),
    ("a + b >= c - d", "(_>=_ (_+_ a b) (_-_ c d))"),
    ("a == b && c != d || e <= f", "(|| (&& (_==_ a b) (_!=_ c d)) (_<=_ e f))"),
    ("a && b && c && d", "(&& a b c d)"),
    ("a || b && c || d", "(|| a (&& b c) d)"),
    ("(a || b) || c", "(|| (|| a b) c)"),
    ("a ? b : c ? d : e", "(? a b (? c d e))"),
    ("a ? b || c : d && e", "(? a (|| b c) (&& d e))"),
    ("(a ? b : c) ? d : e", "(? (? a b c) d e)"),
    ("a ? (b ? c : d) : e", "(? a (? b c d) e)"),
    ("!a.b && -c[0] < d", "(&& (!_ a.b) (_<_ (-_ (_[_] c 0)) d))"),
    ("!!a", "(!_ (!_ a))"),
    ("--a", "(-_ (-_ a))"),
    ("--1", "(-_ -1)"),
    ("a - -1", "(_-_ a -1)"),
    ("a -1", "(_-_ a 1)"),
    ("-1.5 * -2", "(_*_ -1.5 -2)"),
    ("-2u", "(-_ 2u)"),
    ("-3.abs()", "(-3.abs)"),
    ("a in [1, 2] in b", "(@in (@in a [1 2]) b)"),
  ])
  func operatorsBindAsInTheGrammar(_ text: String, _ expected: String) {
    #expect(parsed(text) == expected)
  }

  @Test(arguments: [
    ("a.b.c", "a.b.c"),
    (".a.b", ".a.b"),
    (".f(a)", "(.f a)"),
    ("a.f().g(b, c)[d].e", "(_[_] ((a.f).g b c) d).e"),
    ("f(a)(", "4-5 expected the end of the expression, found `(`"),
    ("a.as.if.`x-y/z.w`", "a.as.if.x-y/z.w"),
    ("a.while(b)", "(a.while b)"),
    ("[]", "[]"),
    ("[a, [b,],]", "[a [b]]"),
    ("{}", "{}"),
    ("{'a': b, c: {1: 2,},}", "{'a':b c:{1:2}}"),
    ("a.B{}", "a.B{}"),
    (".a.B{c: d, `e-f`: 1, as: 2,}", ".a.B{c:d e-f:1 as:2}"),
    ("B{c: D{e: 1}}.c", "B{c:D{e:1}}.c"),
    ("'a' 'b'", "4-7 expected the end of the expression, found `'b'`"),
  ])
  func membersAndAggregates(_ text: String, _ expected: String) {
    #expect(parsed(text) == expected)
  }

  @Test(arguments: [
    ("has(a.b.c)", "has:a.b.c"),
    ("has(f(a).b) && !has(c.d)", "(&& has:(f a).b (!_ has:c.d))"),
    ("a.all(x, x > 0)", "(all a x if:(_>_ x 0))"),
    ("a.exists(x, b.exists(y, x == y))", "(exists a x if:(exists b y if:(_==_ x y)))"),
    ("a.exists_one(x, x) || a.existsOne(x, x)", "(|| (exists_one a x if:x) (exists_one a x if:x))"),
    ("a.filter(x, x)", "(filter a x if:x)"),
    ("a.map(x, x + 1)", "(map a x to:(_+_ x 1))"),
    ("a.map(x, x > 1, x + 1)", "(map a x if:(_>_ x 1) to:(_+_ x 1))"),
    // With another number of arguments, or another form of call, they are calls.
    ("a.all(x)", "(a.all x)"),
    ("a.all(x, y, z)", "(a.all x y z)"),
    ("all(x, y)", "(all x y)"),
    ("a.has(b.c)", "(a.has b.c)"),
    ("has(a.b, c)", "(has a.b c)"),
    (".has(a.b)", "(.has a.b)"),
  ])
  func macrosAreExpanded(_ text: String, _ expected: String) {
    #expect(parsed(text) == expected)
  }

  @Test func macrosCanBeLeftAsCalls() {
    #expect(parsed("has(a.b) && c.map(x, x)", macros: false) == "(&& (has a.b) (c.map x x))")
  }

  @Test(arguments: [
    ("has(a)", "4-5 `has` takes a field such as `a.b`"),
    ("has(a['b'])", "4-10 `has` takes a field such as `a.b`: for a map's key write `\"key\" in map`"),
    ("has(has(a.b))", "4-12 `has` takes a field such as `a.b`"),
    ("b.map(1, 2)", "6-7 the first argument of `map` must be a plain name: the variable it introduces"),
    ("b.all(x.y, x)", "6-9 the first argument of `all` must be a plain name: the variable it introduces"),
    ("b.exists(.x, x)", "9-11 the first argument of `exists` must be a plain name: the variable it introduces"),
    ("b.filter(if, 1)", "9-11 `if` is a reserved word"),
  ])
  func macrosRefuseArgumentsOfTheWrongShape(_ text: String, _ expected: String) {
    #expect(parsed(text) == expected)
  }

  @Test(arguments: [
    ("", "0-0 expression is empty"),
    ("  // nothing", "12-12 expression is empty"),
    ("a +", "3-3 expected an expression, but the expression ends here"),
    ("a b", "2-3 expected the end of the expression, found `b`"),
    ("a and b", "2-5 expected the end of the expression, found `and`: write `&&`"),
    ("a or b", "2-4 expected the end of the expression, found `or`: write `||`"),
    ("a ? b", "5-5 expected `:` of the conditional, but the expression ends here"),
    ("a ? b ? c : d : e", "6-7 a conditional inside a conditional's middle needs parentheses"),
    ("!-a", "1-2 `!` and `-` do not follow one another: use parentheses"),
    ("(a", "2-2 expected `)`, but the expression ends here"),
    ("[a", "2-2 expected `,` or `]`, but the expression ends here"),
    ("f(a,)", "4-5 expected an expression, found `)`"),
    ("[,a]", "1-2 expected an expression, found `,`"),
    ("{a}", "2-3 expected `:` after the key, found `}`"),
    ("a.1", "1-3 expected the end of the expression, found `.1`"),
    ("a.in", "2-4 expected a field's name after `.`, found `in`"),
    ("a.", "2-2 expected a field's name after `.`, but the expression ends here"),
    ("1.", "2-2 expected a field's name after `.`, but the expression ends here"),
    ("for", "0-3 `for` is a reserved word"),
    ("`a`", "0-3 only a field's name can stand in backquotes, after `.`"),
    ("f(){}", "3-4 only a message type's name can stand before `{`"),
    ("A{1: 2}", "2-3 expected a field's name, found `1`"),
    ("a]", "1-2 expected the end of the expression, found `]`"),
  ])
  func faultsAreReportedWhereTheyAre(_ text: String, _ expected: String) {
    #expect(parsed(text) == expected)
  }

  @Test func oneFaultDoesNotHideTheNext() {
    let found = parsed("f(1 2, +, [3 4, 5], (6 *), 'a\\q') && $")
    #expect(
      found.split(separator: "; ").map { $0.prefix { $0 != " " } } == [
        "4-5", "7-8", "13-14", "24-25", "29-31", "37-38",
      ], "\(found)")
  }

  @Test func reportsAreCapped() {
    var diagnostics = Diagnostics()
    let text = "[" + String(repeating: "+, ", count: 500) + "1]"
    #expect(Parser.parse(Array(text.utf8), diagnostics: &diagnostics) == nil)
    #expect(diagnostics.items.count == Diagnostics.countMax)
  }

  @Test func earlierErrorsOfTheCallerDoNotFailAParse() {
    var diagnostics = Diagnostics()
    diagnostics.error(at: Span(0, 0), "of another expression")
    #expect(Parser.parse(Array("a".utf8), diagnostics: &diagnostics) != nil)
  }

  @Test func spansCoverWhatWasWrittenAndAnchorsPointIntoIt() {
    var diagnostics = Diagnostics()
    let text = "(a + b).c == f( d )"
    guard let tree = Parser.parse(Array(text.utf8), diagnostics: &diagnostics),
      case .call(_, nil, let sides) = tree[tree.root].kind, sides.count == 2,
      case .select(let sum, _, _) = tree[sides[0]].kind
    else { return #expect(Bool(false)) }
    #expect(tree[tree.root].span == Span(0, 19) && tree[tree.root].anchor == 10)
    #expect(tree[sides[0]].span == Span(0, 9) && tree[sides[0]].anchor == 8)
    #expect(tree[sum].span == Span(1, 6) && tree[sum].anchor == 3)
    #expect(tree[sides[1]].span == Span(13, 19) && tree[sides[1]].anchor == 13)
  }

  @Test func childrenStandBeforeTheirParentAndEveryNodeIsReached() {
    var diagnostics = Diagnostics()
    let text = "a.map(x, has(x.b), {x: [-x, c.d ? 1 : 2]}).exists(y, y in f(g, y) && a.T{z: y}.all(q) || true)"
    guard let tree = Parser.parse(Array(text.utf8), diagnostics: &diagnostics) else { return #expect(Bool(false)) }
    var reached: Set<NodeID> = []
    func visit(_ id: NodeID) {
      reached.insert(id)
      for child in children(tree[id]) {
        #expect(child.index < id.index)
        visit(child)
      }
    }
    visit(tree.root)
    #expect(reached.count == tree.nodes.count)
  }

  private func children(_ node: Node) -> [NodeID] {
    switch node.kind {
    case .invalid, .literal, .identifier: []
    case .select(let operand, _, _): [operand]
    case .call(_, let target, let arguments): (target.map { [$0] } ?? []) + arguments
    case .and(let operands), .or(let operands), .list(let operands): operands
    case .conditional(let condition, let then, let otherwise): [condition, then, otherwise]
    case .map(let entries): entries.flatMap { [$0.key, $0.value] }
    case .message(_, let fields): fields.map { $0.value }
    case .bindings(let it): it.values + [it.result]
    case .comprehension(let it): [it.range] + [it.predicate, it.transform].compactMap { $0 }
    }
  }
}

@Suite struct ParserLimitTests {
  private static let tooDeep = "expression is nested deeper than 128 levels"

  private func repeated(_ text: String, _ count: Int) -> String { String(repeating: text, count: count) }

  /// What grows with `count`, level by level or link by link.
  private func growths(_ count: Int) -> [String] {
    [
      repeated("(", count) + "a" + repeated(")", count),
      repeated("[", count) + repeated("]", count),
      repeated("{1: ", count) + "2" + repeated("}", count),
      repeated("f(", count) + "a" + repeated(")", count),
      repeated("a[", count) + "0" + repeated("]", count),
      repeated("A{b: ", count) + "1" + repeated("}", count),
      repeated("!", count) + "a",
      repeated("-", count) + "a",
      "a" + repeated(".b", count),
      "a" + repeated("[0]", count),
      "a" + repeated(".f()", count),
      "a" + repeated(" + b", count),
      "a" + repeated(" * b", count),
      "a" + repeated(" < b", count),
      repeated("a ? b : ", count) + "c",
      repeated("(a && ", count) + "b" + repeated(")", count),
      "a" + repeated(".map(x, x)", count),
      repeated("a.map(x, ", count) + "x" + repeated(")", count),
      repeated("has(", count) + "a.b" + repeated(")", count),
    ]
  }

  @Test func oneHundredLevelsAreAccepted() {
    for text in growths(100) where !text.hasPrefix("has") {
      var diagnostics = Diagnostics()
      #expect(Parser.parse(Array(text.utf8), diagnostics: &diagnostics) != nil, "\(text.prefix(20))")
    }
  }

  @Test func deepNestingIsAnErrorAndNotACrash() {
    for text in growths(10_000) {
      let limits = Parser.Limits(bytesMax: 1_000_000)
      var diagnostics = Diagnostics()
      #expect(Parser.parse(Array(text.utf8), limits: limits, diagnostics: &diagnostics) == nil)
      #expect(
        diagnostics.items.map { $0.message } == [ParserLimitTests.tooDeep], "\(text.prefix(20))")
    }
  }

  @Test func unclosedNestingIsAnErrorAndNotACrash() {
    for bracket in ["(", "[", "{", "f(", "a[", "{1:", "a ? "] {
      var diagnostics = Diagnostics()
      #expect(Parser.parse(Array(repeated(bracket, 10_000).utf8), diagnostics: &diagnostics) == nil)
      #expect(diagnostics.hasErrors)
    }
  }

  @Test func noNodeIsHigherThanTheLimit() {
    for text in growths(40) {
      let limits = Parser.Limits(depthMax: 40)
      var diagnostics = Diagnostics()
      guard let tree = Parser.parse(Array(text.utf8), limits: limits, diagnostics: &diagnostics) else { continue }
      #expect(TreeText(tree).text.utf8.count > 0)
    }
    #expect(parsed("a + b + c", limits: Parser.Limits(depthMax: 3)) == "(_+_ (_+_ a b) c)")
    #expect(
      parsed("a + b + c + d", limits: Parser.Limits(depthMax: 3))
        == "10-11 expression is nested deeper than 3 levels")
  }

  @Test func longChainsOfLogicAndLongListsAreFlat() {
    var diagnostics = Diagnostics()
    for text in ["a" + repeated(" && a", 5000), "a" + repeated(" || a", 5000), "[1" + repeated(", 1", 5000) + "]"] {
      #expect(Parser.parse(Array(text.utf8), diagnostics: &diagnostics) != nil)
    }
  }

  @Test func sizeIsBounded() {
    #expect(parsed("a + bc", limits: Parser.Limits(bytesMax: 5)) == "0-0 expression is longer than 5 bytes")
    #expect(parsed("a + b", limits: Parser.Limits(bytesMax: 5)) == "(_+_ a b)")
    #expect(parsed("[1, 2, 3]", limits: Parser.Limits(nodesMax: 3)).hasSuffix("expression has more than 3 parts"))
  }

  /// Every prefix, and every text with one byte changed, parses or is refused; none brings the process down.
  @Test func damagedTextIsRefusedOrParsed() {
    let text = Array(
      "has(a.b) && -1.5e3 in [r'x\\d', b\"\\x41\", {'k': .c[2u]}] || d.map(x, x > 0, T{e: '''q''', `f-g`: !y}) ? 0x1F : null // z"
        .utf8)
    for end in 0...text.count {
      var diagnostics = Diagnostics()
      _ = Parser.parse(Array(text[..<end]), diagnostics: &diagnostics)
    }
    for index in text.indices {
      for byte in [0x00, 0x20, 0x22, 0x27, 0x28, 0x29, 0x2C, 0x2E, 0x3A, 0x5B, 0x5C, 0x60, 0x7B, 0x7D, 0xC3, 0xFF] as [UInt8] {
        var damaged = text
        damaged[index] = byte
        var diagnostics = Diagnostics()
        let tree = Parser.parse(damaged, diagnostics: &diagnostics)
        #expect((tree == nil) == diagnostics.hasErrors)
      }
    }
  }
}
