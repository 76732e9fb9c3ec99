import CELHost
import Testing

@testable import CEL

/// Corners of cel-spec's grammar and of the rules for names.
@Suite struct GrammarTests {
  @Test(arguments: [
    // The last comma stands apart from the elements, so that it may stand alone.
    ("[,]", "[]"), ("{,}", "{}"), ("T{,}", "T{}"), ("[a,,]", "3-4 expected an expression, found `,`"),
    ("f(,)", "2-3 expected an expression, found `,`; 3-4 expected an expression, found `)`"),
    // A message's name is names and dots only.
    ("(a.b){c: d}", "5-6 only a message type's name can stand before `{`"),
    ("a.`b`{}", "5-6 only a message type's name can stand before `{`"), ("a.b().c{}", "7-8 only a message type's name can stand before `{`"),
    (".a.b.C{d: e}.d", ".a.b.C{d:e}.d"), ("a.if{}", "a.if{}"),
    ("a.`b`(c)", "5-6 expected the end of the expression, found `(`"), ("`a`.b", "0-3 only a field's name can stand in backquotes, after `.`"),
    ("a.`b c/d-e.f_g`", "a.b c/d-e.f_g"), ("has(a.`b-c`)", "has:a.b-c"), ("a.`in`", "a.in"), ("T{`in`: 1}", "T{in:1}"),
    ("a.true", "2-6 expected a field's name after `.`, found `true`"), ("a.null", "2-6 expected a field's name after `.`, found `null`"),
    ("a.package.namespace", "a.package.namespace"), ("package.a", "0-7 `package` is a reserved word"),
    (".in", "1-3 expected a name after `.`, found `in`"), (".if", "1-3 expected a name after `.`, found `if`"),
    ("a ? b ? c : d : e", "6-7 a conditional inside a conditional's middle needs parentheses"),
    ("a ? b : c ? d : e", "(? a b (? c d e))"), ("1 < 2 == true", "(_==_ (_<_ 1 2) true)"),
    ("---a", "(-_ (-_ (-_ a)))"), ("!!!a", "(!_ (!_ (!_ a)))"), ("-a.b()", "(-_ (a.b))"), ("-1.a()", "(-1.a)"),
    ("-.5", "-0.5"), ("a -.5", "(_-_ a 0.5)"), ("[1.]", "3-4 expected a field's name after `.`, found `]`"),
    ("a/**/b", "2-3 expected an expression, found `*`"), ("a // b\n+ c", "(_+_ a c)"), ("a\u{a0}", "1-3 unexpected `\u{a0}`"),
    ("a.b.c(d).e[f](g)", "13-14 expected the end of the expression, found `(`"), ("'a' 'b'", "4-7 expected the end of the expression, found `'b'`"),
  ])
  func theGrammarHasItsCorners(_ text: String, _ expected: String) { #expect(parsed(text) == expected) }

  private static func host(container: String = "") -> TestHost {
    let host = TestHost()
    for item in Extension.allCases { host.environment.enable(item) }
    host.environment.container = container
    host.declare("a.b", .dyn, host.map([("c", .int(1)), ("content-type", .int(2)), ("as", .int(3)), ("d.e", .int(4))]))
    host.declare("a.b.c", .int, .int(5))
    host.declare("x", .int, .int(6))
    host.declare("p.x", .int, .int(7))
    host.declare("p.q.x", .int, .int(8))
    host.declare("p.q.r.y", .int, .int(9))
    return host
  }

  @Test(arguments: [
    ("", "a.b.c", "5"), ("", "a.b['c']", "1"), ("", "a.b.`content-type`", "2"), ("", "a.b.as", "3"), ("", "a.b.`d.e`", "4"),
    ("", "has(a.b.`d.e`) && !has(a.b.`d.f`)", "true"), ("", "a.b.?`d.e`.orValue(0)", "4"), ("", "{'in': 1}.`in`", "1"),
    ("p.q", "x", "8"), ("p", "x", "7"), ("p.z", "x", "7"), ("z", "x", "6"), ("p.q", ".x", "6"), ("p.q", ".p.x", "7"),
    ("p", "q.x", "8"), ("p.q", "r.y", "9"), ("p", "q.r.y", "9"), ("p.q.r", "y + x", "17"),
    // What an expression introduces hides the container's names, and all that begins with them.
    ("p.q", "[1].map(x, x + .x)", "[7]"), ("", "[{'b': {'c': 0}}].map(a, a.b.c)", "[0]"), ("p", "cel.bind(q, {'x': 1}, q.x)", "1"),
    ("p.q", "cel.bind(x, x + 1, x)", "9"), ("p.q", "cel.bind(x, 1, cel.bind(y, x, .p.q.x + y))", "9"),
    ("p", "[[1]].transformList(x, q, q.map(x, x + .p.q.x))", "[[9]]"), ("p", "optional.of(1).optMap(x, x + .x)", "optional.of(7)"),
    ("", "[{'b': {}}].map(a, .a.b.c)", "[5]"), ("", "cel.bind(a, {'b': {'c': 0}}, a.?b.?c.orValue(3))", "0"),
    // A selection through `?` starts from the operand's own value, where it has one.
    ("", "a.?b.?c.orValue(0)", "1"), ("", "a.b.?c.orValue(0)", "1"), ("p", "q.?x.orValue(0)", "8"), ("", "[1].exists(int, int == 1) && type(1) == int", "true"),
  ])
  func namesAreFoundFromTheInside(_ container: String, _ text: String, _ expected: String) {
    #expect(Self.host(container: container).evaluate(text) == expected)
    #expect(Self.host(container: container).evaluate(text, isChecked: false) == expected)
  }

  @Test func hostileNestingOfExtensionsIsRefused() {
    for (open, close) in [
      ("cel.bind(x, ", ", x)"), ("cel.bind(x, 1, ", ")"), ("cel.block([", "], 1)"), ("cel.block([], ", ")"), ("[?", "]"),
      ("{?1: ", "}"), ("a[?", "]"), ("a.optMap(x, ", ")"), ("[1].transformMap(i, v, ", ")"),
    ] {
      let text = String(repeating: open, count: 1_500) + "1" + String(repeating: close, count: 1_500)
      #expect(parsed(text, extensions: Set(Extension.allCases)).contains("nested deeper"), "\(open)")
      #expect(!parsed(String(text.prefix(30_000)), extensions: Set(Extension.allCases)).isEmpty)
    }
    let chain = "a" + String(repeating: ".?b", count: 10_000)
    #expect(parsed(chain, extensions: [.optionals]).contains("nested deeper"))
  }

  @Test func damagedTextOfExtensionsIsRefusedOrParsed() {
    let text = Array(
      "cel.bind(x, [?a.?b, 1], cel.block([x[?0], cel.index(0)], {?'k': cel.index(1)}.transformMap(i, v, v.optMap(y, T{?f: y}))))".utf8)
    for end in 0...text.count {
      var diagnostics = Diagnostics()
      _ = Parser.parse(Array(text[..<end]), extensions: Set(Extension.allCases), diagnostics: &diagnostics)
      for byte in [UInt8(ascii: ","), UInt8(ascii: "?"), UInt8(ascii: ")"), UInt8(ascii: "("), UInt8(ascii: "x"), UInt8(ascii: "`")]
      where end < text.count {
        var damaged = text
        damaged[end] = byte
        var found = Diagnostics()
        let host = Self.host()
        guard let tree = Parser.parse(damaged, extensions: Set(Extension.allCases), diagnostics: &found) else {
          #expect(found.hasErrors)
          continue
        }
        _ = Checker.check(tree, in: host.environment, diagnostics: &found)
        var builder = CodeBuilder(regex: nil)
        _ = builder.add(Checker.resolve(tree, in: host.environment), diagnostics: &found)
      }
    }
  }
}
