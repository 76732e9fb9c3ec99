import CELHost
import Testing

@testable import CEL

@Suite struct OptionalSyntaxTests {
  private static func parsed(_ text: String) -> String { CELTests.parsed(text, extensions: [.optionals]) }

  @Test(arguments: [
    ("a.?b", "(_?._ a 'b')"), ("a.?b.c", "(_?._ a 'b').c"), ("a.b.?c.?d", "(_?._ (_?._ a.b 'c') 'd')"),
    ("a.?as", "(_?._ a 'as')"), ("a.?`b-c.d`", "(_?._ a 'b-c.d')"), ("a[?b]", "(_[?_] a b)"),
    ("a[?b + 1].c[d]", "(_[_] (_[?_] a (_+_ b 1)).c d)"), ("a . ? b", "(_?._ a 'b')"),
    ("[?a, b, ?c]", "[(?_ a) b (?_ c)]"), ("[?a,]", "[(?_ a)]"), ("[?a ? b : c]", "[(?_ (? a b c))]"),
    ("{?a: b, c: d}", "{a:(?_ b) c:d}"), ("T{?a: b, c: d, ?`e-f`: g}", "T{a:(?_ b) c:d e-f:(?_ g)}"),
    ("a ? .b : .5", "(? a .b 0.5)"), ("a ? [?b] : {?c: d}", "(? a [(?_ b)] {c:(?_ d)})"),
    ("a.optMap(x, x + 1)", "(optMap a x to:(_+_ x 1))"), ("a.?b.optFlatMap(x, x.?c)", "(optFlatMap (_?._ a 'b') x to:(_?._ x 'c'))"),
    ("has(a.?b.c)", "has:(_?._ a 'b').c"), ("a.optMap(x)", "(a.optMap x)"),
    ("a.?b(c)", "4-5 `.?` selects a field: a method is called with `.`"),
    ("a.?1", "3-4 expected a field's name after `.?`, found `1`"), ("a.?in", "3-5 expected a field's name after `.?`, found `in`"),
    ("has(a.?b)", "4-8 `has` takes a field such as `a.b`"), ("f(?a)", "2-3 expected an expression, found `?`"),
    ("[? ?a]", "3-4 expected an expression, found `?`"), ("{a: ?b}", "4-5 expected an expression, found `?`"),
    ("a.optMap(1, 2)", "9-10 the first argument of `optMap` must be a plain name: the variable it introduces"),
  ])
  func questionMarksAreOptionals(_ text: String, _ expected: String) { #expect(Self.parsed(text) == expected) }

  @Test(arguments: ["a.?b", "a[?b]", "[?a]", "{?a: b}", "T{?a: b}", "[1, ?a, 2]"])
  func withoutTheExtensionTheyAreRefused(_ text: String) {
    let found = CELTests.parsed(text)
    #expect(found.contains("`?` here needs the extension `optionals`, which is not enabled"), "\(found)")
    #expect(!found.contains(";"), "\(found)")
  }
}

@Suite struct OptionalTests {
  private static func host() -> TestHost {
    let host = TestHost()
    host.environment.enable(.optionals)
    host.environment.enable(.optionals)
    let text = host.environment.types.map(.string, .string)
    let entries = host.map([("x", host.string("1")), ("y", host.string("x"))])
    host.declare("m", text, entries)
    host.declare("e", text, entries, isEntrywise: true)
    host.declare("any", .dyn, entries)
    host.declare("n", .int, .int(7))
    host.declare("a.here", .bool, .bool(true))
    host.declare("a.gone", .bool)
    host.declare("a.fixed", .bool, constant: .bool(true))
    host.declare("a.bad", .bool, .error(EvaluationError(.attributeNotUTF8)))
    host.declare("one", .string, host.string("x"))
    return host
  }

  /// Checked and unchecked trees must agree.
  @Test(arguments: [
    ("m.?x", "optional.of(\"1\")"), ("m.?z", "optional.none()"), ("m[?'x']", "optional.of(\"1\")"),
    ("m[?one]", "optional.of(\"1\")"), ("any.?x.orValue('-')", "\"1\""), ("[1, 2][?1]", "optional.of(2)"),
    ("[1, 2][?2]", "optional.none()"), ("[1, 2][?-1]", "optional.none()"), ("[1][?dyn(0.0)]", "optional.of(1)"),
    ("[1][?dyn(0.5)]", "error: invalidArgument"), ("[1][?dyn('a')]", "error: noSuchOverload"),
    ("{1: 2}[?dyn(1.5)]", "optional.none()"), ("{1: 2}[?dyn(null)]", "error: unsupportedKeyType"),
    ("[1 / (n - 7)][?0]", "error: divisionByZero"), ("[1][?1 / (n - 7)]", "error: divisionByZero"),
    ("optional.none()[?1 / (n - 7)]", "error: divisionByZero"), ("optional.none()[1 / (n - 7)]", "error: divisionByZero"),
    ("{'a': 1 / (n - 7)}.?a", "error: divisionByZero"),
    ("dyn(1).?a", "error: noSuchOverload"), ("dyn([1]).?a", "error: noSuchOverload"), ("dyn(null)[?0]", "error: noSuchOverload"),
    ("optional.of({'a': {'b': 1}}).a.b", "optional.of(1)"), ("optional.of({'a': {'b': 1}}).a.c", "optional.none()"),
    ("optional.of({'a': [1]}).?a[0]", "optional.of(1)"), ("optional.of([1])[5]", "optional.none()"),
    ("optional.none().?a.b['c'][0]", "optional.none()"), ("optional.of(dyn(1)).a", "error: noSuchOverload"),
    ("{'a': optional.of(1)}.?a", "optional.of(optional.of(1))"), ("{'a': null}.?a", "optional.of(null)"),
    ("has(optional.of({'a': 1}).a)", "true"),
    ("has(optional.of({'a': 1}).b)", "false"), ("has(optional.none().a)", "false"),
    ("has({}.?a.b)", "false"), ("e.?x.orValue('-') + e[?'z'].orValue('-') + e[?one].orValue('?')", "\"1-1\""),
    ("a.?here", "optional.of(true)"), ("a.?gone", "optional.none()"), ("a.?bad", "error: attributeNotUTF8"),
    ("a.?gone.or(a.?here)", "optional.of(true)"), ("a.?fixed", "optional.of(true)"),
  ])
  func whatIsNotThereIsNone(_ text: String, _ expected: String) {
    #expect(Self.host().evaluate(text) == expected)
    #expect(Self.host().evaluate(text, isChecked: false) == expected)
  }

  @Test(arguments: [
    ("optional.of(1).hasValue()", "true"), ("optional.none().hasValue()", "false"), ("optional.of(n).value()", "7"),
    ("optional.none().value()", "error: noValue"), ("optional.of(1 / 0)", "error: divisionByZero"),
    ("optional.of(1).or(optional.of(2))", "optional.of(1)"), ("optional.none().or(optional.of(2))", "optional.of(2)"),
    ("optional.of(n).or(optional.of(1 / (n - 7)))", "optional.of(7)"), ("optional.of(n).orValue(1 / (n - 7))", "7"),
    ("optional.none().orValue(1 / (n - 7))", "error: divisionByZero"),
    ("optional.of(1 / (n - 7)).orValue(3)", "error: divisionByZero"), ("optional.none().or(dyn(1))", "error: noSuchOverload"),
    ("dyn(1).orValue(2)", "error: noSuchOverload"), ("dyn(1).hasValue()", "error: noSuchOverload"),
    ("optional.of(n).optMap(x, x + x)", "optional.of(14)"), ("optional.none().optMap(x, 1 / 0)", "optional.none()"),
    ("optional.of(0).optMap(x, 1 / x)", "error: divisionByZero"),
    ("optional.of(n).optFlatMap(x, x > 3 ? optional.of(x) : optional.none())", "optional.of(7)"),
    ("m.?y.optFlatMap(k, m[?k])", "optional.of(\"1\")"), ("optional.of(1).optFlatMap(x, dyn(x))", "error: noSuchOverload"),
    ("dyn(1).optMap(x, x)", "error: noSuchOverload"),
    ("optional.of(1).optMap(x, optional.of(2).optMap(y, [x, y, n]))", "optional.of(optional.of([1, 2, 7]))"),
    ("[1, 2].map(i, m.?x.optMap(v, v + string(i)).orValue(''))", "[\"11\", \"12\"]"),
    ("[optional.of(1), optional.none(), optional.of(n)].unwrapOpt()", "[1, 7]"), ("optional.unwrap([])", "[]"),
    ("optional.unwrap([optional.of(1), dyn(2)])", "error: noSuchOverload"),
    ("[n, 2].first()", "optional.of(7)"), ("[1, n].last()", "optional.of(7)"), ("[].first()", "optional.none()"),
    ("[].last()", "optional.none()"),
  ])
  func functionsAreThoseOfTheReferences(_ text: String, _ expected: String) {
    #expect(Self.host().evaluate(text) == expected)
    #expect(Self.host().evaluate(text, isChecked: false) == expected)
  }

  @Test(arguments: [
    "null", "false", "0", "0u", "0.0", "-0.0", "''", "b''", "[]", "{}", "duration('0s')",
    "timestamp('1970-01-01T00:00:00Z')", "optional.none()",
  ])
  func zeroValuesAreNone(_ text: String) {
    #expect(Self.host().evaluate("optional.ofNonZeroValue(\(text)).hasValue()") == "false")
    #expect(Self.host().evaluate("optional.of(\(text)).hasValue()") == "true")
  }

  @Test(arguments: ["true", "n", "' '", "[0]", "{'': 0}", "int", "optional.of(0)", "0.0 / 0.0", "timestamp('0001-01-01T00:00:00Z')"])
  func otherValuesAreNot(_ text: String) {
    #expect(Self.host().evaluate("optional.ofNonZeroValue(\(text)).hasValue()") == "true")
  }

  @Test(arguments: [
    ("[?m.?x, 'b', ?m.?z]", "[\"1\", \"b\"]"), ("[?optional.none()]", "[]"), ("[?a.?gone, n > 1, ?a.?here]", "[true, true]"),
    ("{?'a': m.?x, ?'b': m.?z, 'c': 'd'}", "{\"a\": \"1\", \"c\": \"d\"}"), ("{?'a': optional.none(), 'a': n}", "{\"a\": 7}"),
    ("{?'a': optional.of(n), 'a': n}", "error: duplicateKey"), ("[?dyn(1)]", "error: noSuchOverload"),
    ("{?'a': dyn(1)}", "error: noSuchOverload"), ("[?optional.of(1 / (n - 7))]", "error: divisionByZero"),
    ("[?a.?bad, true]", "error: attributeNotUTF8"), ("size([?m.?x, ?m.?y])", "2"),
  ])
  func entriesMayBeLeftOut(_ text: String, _ expected: String) {
    #expect(Self.host().evaluate(text) == expected)
    #expect(Self.host().evaluate(text, isChecked: false) == expected)
  }

  @Test(arguments: [
    ("optional.of(1) == optional.of(1.0)", true), ("optional.of([n]) == optional.of([7])", true),
    ("optional.none() == optional.of(null)", false), ("[optional.none()] == [optional.none()]", true),
    ("optional.of(1) in [optional.of(2), optional.of(1)]", true), ("optional.of(1) != optional.of(2)", true),
    ("optional.of(optional.none()) == optional.none()", false), ("optional.of(1) == 1", false),
    ("type(optional.of(1)) == optional_type", true), ("type(optional.none()) == type(m.?x)", true),
  ])
  func optionalsAreComparedByTheirValues(_ text: String, _ expected: Bool) {
    #expect(Self.host().evaluate(text, isChecked: false) == "\(expected)")
  }

  @Test(arguments: [
    ("m.?x", "optional_type(string)"), ("any.?x", "optional_type(dyn)"), ("m.?x.optMap(v, size(v))", "optional_type(int)"),
    ("optional.of(m).x", "optional_type(string)"), ("optional.of([1])[0]", "optional_type(int)"),
    ("{1: 2u}[?1].orValue(3u)", "uint"), ("[?m.?x, ?optional.none()]", "list(string)"),
    ("{?'a': m.?x, 'b': 1}", "map(string, dyn)"), ("optional.none().or(optional.of(1))", "optional_type(int)"),
    ("has(optional.none().a)", "bool"), ("true ? optional.none() : optional.of(1)", "optional_type(int)"),
    ("[[optional.none()], [optional.of(1)]]", "list(list(optional_type(int)))"), ("a.?gone", "optional_type(bool)"),
    ("m.?x.optFlatMap(v, optional.none())", "optional_type(dyn)"), ("[optional.of(1)].unwrapOpt()", "list(int)"),
    ("[1u].first().value()", "uint"), ("optional.none().?a.b", "optional_type(dyn)"), ("optional_type", "type(optional_type(dyn))"),
    ("m.?x.?y", "check: a string has no fields: cannot select `y`"), ("[?1]", "check: `?` needs an optional, found an int"),
    ("{?'a': 'b'}", "check: `?` needs an optional, found a string"),
    ("n.optMap(x, x)", "check: `optMap` is called on an optional, found an int"),
    ("m.?x.optFlatMap(x, x)", "check: `optFlatMap` needs an optional as its result, found a string"),
    ("a.?nothing", "check: `a` is a namespace, not a value: name one of its fields, such as `a.bad`"),
    ("m.?x.orValue(1)", "check: no matching overload for `orValue`: found optional_type(string).(int), candidates are optional_type(V).(V)"),
  ])
  func typesAreDeduced(_ text: String, _ expected: String) {
    do {
      let checked = try Self.host().check(text)
      #expect(checked.table.name(checked.resultType) == expected)
    } catch {
      #expect("\(error)" == expected)
    }
  }

  @Test func namesAreUnknownWithoutTheExtension() {
    let host = TestHost()
    #expect(host.evaluate("optional.none()") == "refused: check: undeclared reference to `optional`; undeclared function `none`")
    #expect(
      host.evaluate("[1].optMap(x, x)")
        == "refused: check: `optMap` needs the extension `optionals`, which is not enabled")
  }

  @Test func alternativesAreReadOnlyWhenNeeded() throws {
    let host = Self.host()
    let code = try host.compile("a.?here.orValue(n == 7) && e.?x.hasValue()")
    host.evaluate(code) { #expect($0.isTrue) }
    // `a.here` and the entry; neither `n` nor the whole map.
    #expect(host.fetched.map(\.variable) == [4, 1])
    #expect(host.entriesAsked == 0)
    #expect(host.wholesAsked == 0)
  }
}
