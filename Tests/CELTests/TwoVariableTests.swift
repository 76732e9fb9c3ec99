import CELHost
import Testing

@testable import CEL

@Suite struct TwoVariableTests {
  private static func host() -> TestHost {
    let host = TestHost()
    host.environment.enable(.twoVariableComprehensions)
    let text = host.environment.types.map(.string, .string)
    let entries = host.map([("x", host.string("1")), ("y", host.string("2"))])
    host.declare("e", text, entries, isEntrywise: true)
    host.declare("n", .int, .int(7))
    return host
  }

  @Test(arguments: [
    ("a.all(i, v, i < v)", "(all a i v if:(_<_ i v))"), ("a.exists(i, v, v)", "(exists a i v if:v)"),
    ("a.existsOne(i, v, v) || a.exists_one(i, v, v)", "(|| (exists_one a i v if:v) (exists_one a i v if:v))"),
    ("a.transformList(i, v, v)", "(transformList a i v to:v)"),
    ("a.transformList(i, v, p, v)", "(transformList a i v if:p to:v)"),
    ("a.transformMap(k, v, v)", "(transformMap a k v to:v)"), ("a.transformMap(k, v, p, v)", "(transformMap a k v if:p to:v)"),
    ("a.transformMapEntry(k, v, {v: k})", "(transformMapEntry a k v to:{v:k})"),
    // The second argument of these is a condition, whatever it looks like.
    ("a.map(x, y, z)", "(map a x if:y to:z)"), ("a.all(x, y)", "(all a x if:y)"), ("a.filter(x, y, z)", "(a.filter x y z)"),
    ("a.all(i, v, p, q)", "(a.all i v p q)"), ("a.transformList(i, v)", "(a.transformList i v)"),
    ("a.all(i, 1, p)", "9-10 the second argument of `all` must be a plain name: the variable it introduces"),
    ("a.all(1, i, p)", "6-7 the first argument of `all` must be a plain name: the variable it introduces"),
    ("a.transformMap(i, v.x, p)", "18-21 the second argument of `transformMap` must be a plain name: the variable it introduces"),
    ("a.exists(i, i, p)", "12-13 the two variables of `exists` must have different names"),
  ])
  func macrosAreExpanded(_ text: String, _ expected: String) {
    #expect(parsed(text, extensions: [.twoVariableComprehensions]) == expected)
  }

  @Test func withoutTheExtensionTheyAreCalls() {
    #expect(parsed("a.all(i, v, p)") == "(a.all i v p)")
    #expect(parsed("a.transformList(i, v, v)") == "(a.transformList i v v)")
    #expect(
      TestHost().evaluate("[1].transformList(i, v, v)")
        == "refused: check: `transformList` needs the extension `two-var-comprehensions`, which is not enabled")
  }

  @Test(arguments: [
    ("[5, 6, n].all(i, v, v == i + 5)", "true"), ("[5, 6, n].exists(i, v, i == 2 && v == 7)", "true"),
    ("{'a': 1, 'b': n}.exists(k, v, k == 'b' && v == 7)", "true"), ("{'a': 1}.all(k, v, k == 'a' && v == n)", "false"),
    ("e.all(k, v, e[k] == v)", "true"), ("[1, n].existsOne(i, v, v == 7)", "true"), ("[n, n].exists_one(i, v, v == 7)", "false"),
    // `all` and `exists` absorb errors, the others do not.
    ("[1, 0, 2].exists(i, v, n / v == 3)", "true"), ("[1, 0].exists(i, v, n / v == 3)", "error: divisionByZero"),
    ("[1, 0, 2].all(i, v, n / v == 7)", "false"), ("[7, 0].all(i, v, n / v == 1)", "error: divisionByZero"),
    ("[1, 0].existsOne(i, v, n / v == 7)", "error: divisionByZero"), ("[].all(i, v, 1 / 0 > 0)", "true"),
    ("dyn(1).all(i, v, true)", "error: noSuchOverload"),
    ("['a', 'b'].transformList(i, v, v + string(i))", "[\"a0\", \"b1\"]"), ("[n, 8].transformList(i, v, v > 7, i)", "[1]"),
    ("{'a': n}.transformList(k, v, [k, string(v)])", "[[\"a\", \"7\"]]"), ("[1, 0].transformList(i, v, n / v)", "error: divisionByZero"),
    ("e.transformMap(k, v, v + k)", "{\"x\": \"1x\", \"y\": \"2y\"}"), ("[n, 8].transformMap(i, v, v > 7, -v)", "{1: -8}"),
    ("{}.transformMap(k, v, v)", "{}"), ("[1, 0].transformMap(i, v, n / v)", "error: divisionByZero"),
    ("{'a': 1, 'b': n}.transformMapEntry(k, v, {v: k})", "{1: \"a\", 7: \"b\"}"), ("[1, 2].transformMapEntry(i, v, {})", "{}"),
    ("[n].transformMapEntry(i, v, {'a': v, 'b': v, 'c': v})", "{\"a\": 7, \"b\": 7, \"c\": 7}"),
    ("['a', 'a'].transformMapEntry(i, v, {v: i})", "error: duplicateKey"), ("[1, 1u].transformMapEntry(i, v, {v: i})", "error: duplicateKey"),
    ("['a', 'b'].transformMapEntry(i, v, i > 0, {v: i})", "{\"b\": 1}"), ("[1].transformMapEntry(i, v, dyn(v))", "error: noSuchOverload"),
    ("[[1, 2], [n]].transformList(i, r, r.transformList(j, v, [i, j, v]))", "[[[0, 0, 1], [0, 1, 2]], [[1, 0, 7]]]"),
    ("[1].all(i, v, [2].all(i, w, i == 0 && v == 1 && w == 2))", "true"), ("[n].transformList(n, v, n + v)", "[7]"),
  ])
  func loopsSeeBothVariables(_ text: String, _ expected: String) {
    #expect(Self.host().evaluate(text) == expected)
    #expect(Self.host().evaluate(text, isChecked: false) == expected)
  }

  @Test(arguments: [
    ("[1u].transformList(i, v, i)", "list(int)"), ("[1u].transformList(i, v, v)", "list(uint)"),
    ("{'a': 1u}.transformList(k, v, k)", "list(string)"), ("[1u].transformMap(i, v, string(v))", "map(int, string)"),
    ("{'a': 1u}.transformMap(k, v, [v])", "map(string, list(uint))"), ("dyn([]).transformMap(k, v, 1)", "map(dyn, int)"),
    ("[1u].transformMapEntry(i, v, {v: 'x'})", "map(uint, string)"), ("[1].transformMapEntry(i, v, dyn(i))", "map(dyn, dyn)"),
    ("{1: 2}.exists(k, v, k == v)", "bool"), ("[].transformList(i, v, v + 1)", "list(int)"),
    ("[1].transformMapEntry(i, v, [v])", "check: `transformMapEntry` needs a map such as `{key: value}`, found a list(int)"),
    ("[1].all(i, v, v)", "check: `all` needs a condition, a bool, found an int"),
    ("n.transformMap(i, v, v)", "check: `transformMap` runs over a list or a map, found an int"),
    ("['a'].all(i, v, i == v)", "check: no matching overload for `==`: found (int, string), but both sides must have one type"),
  ])
  func typesAreDeduced(_ text: String, _ expected: String) {
    do {
      let checked = try Self.host().check(text)
      #expect(checked.table.name(checked.resultType) == expected)
    } catch {
      #expect("\(error)" == expected)
    }
  }

  @Test func mapsThatGrowKeepWhatTheyHave() {
    let host = Self.host()
    let range = (0..<100).map { "\($0)" }.joined(separator: ", ")
    let grown = host.evaluate("size([\(range)].transformMapEntry(i, v, {v: i, string(v): i, v + 1000: v}))")
    #expect(grown == "300")
    #expect(
      host.evaluate("[\(range)].transformMapEntry(i, v, {v: i, string(v): i}).all(k, v, int(string(k)) == v)") == "true")
  }

  @Test func stepsAndMemoryOfTheLoopsAreBounded() {
    let host = Self.host()
    host.declare("big", host.environment.types.list(.int), host.arena.list((0..<20_000).map { Value.int($0) }))
    for text in [
      "big.all(i, v, big.all(j, w, i >= 0))", "size(big.transformMapEntry(i, v, {v: i})) > 0",
      "big.transformList(i, v, big.transformMap(j, w, w)) == []",
    ] {
      let found = host.evaluate(text)
      #expect(found == "error: stepBudgetSpent" || found == "error: memorySpent", "\(text): \(found)")
    }
    host.arenaMax = 1 << 19
    #expect(host.evaluate("size(big.transformMap(i, v, [v])) > 0") == "error: memorySpent")
  }
}
