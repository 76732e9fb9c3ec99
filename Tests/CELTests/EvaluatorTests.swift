import CELHost
import Testing

@testable import CEL

@Suite struct EvaluatorTests {
  /// Variables of every state: true, false, an error, absent, of another type than declared.
  private static func host() -> TestHost {
    let host = TestHost()
    host.declare("t", .bool, .bool(true))
    host.declare("f", .bool, .bool(false))
    host.declare("bad", .bool, .error(EvaluationError(.attributeNotUTF8)))
    host.declare("gone", .bool)
    host.declare("odd", .bool, .int(1))
    host.declare("n", .int, .int(7))
    host.declare("s", .string, host.string("hello"))
    for (name, value) in [("a.t", Value.bool(true)), ("a.bad", .error(EvaluationError(.attributeNotUTF8)))] {
      host.declare(name, .bool, value)
    }
    host.declare("a.gone", .bool)
    host.declare("a.flag", .bool, constant: .bool(true))
    host.declare("letters", host.environment.types.list(.string), host.strings(["a", "b", "c"]))
    let text = host.environment.types.map(.string, .string)
    let entries = host.map([("x", host.string("1")), ("y", host.string("2"))])
    host.declare("m", text, entries)
    host.declare("e", text, entries, isEntrywise: true)
    host.declare("flag", .bool, constant: .bool(true))
    host.declare("off", .bool, constant: .bool(false))
    return host
  }

  @Test(arguments: [
    ("bad && false", "false"), ("false && bad", "false"), ("bad && f", "false"), ("f && bad", "false"),
    ("bad || t", "true"), ("t || bad", "true"), ("gone || t", "true"), ("odd || t", "true"),
    ("bad && t", "error: attributeNotUTF8"), ("t && gone", "error: absentAttribute"),
    ("odd && t", "error: noSuchOverload"), ("bad || f || gone", "error: attributeNotUTF8"),
    ("(bad && f) || gone || t", "true"), ("(bad && t) || f", "error: attributeNotUTF8"),
    ("!(bad || t)", "false"), ("!bad", "error: attributeNotUTF8"), ("!!t", "true"),
    ("1 / 0 > 0 || true", "true"), ("1 / 0 > 0 && false", "false"),
    ("bad ? 1 : 2", "error: attributeNotUTF8"), ("t ? n : 1 / 0", "7"), ("f ? 1 / 0 : n", "7"),
    ("odd ? 1 : 2", "error: noSuchOverload"), ("(t ? bad : f) || t", "true"),
    ("(bad ? t : t) || f", "error: attributeNotUTF8"),
    ("(t && bad) == (f || t)", "error: attributeNotUTF8"), ("[t && f, t || f, !t]", "[false, true, false]"),
    ("flag && t", "true"), ("off || bad", "error: attributeNotUTF8"), ("off && bad", "false"), ("has(a.flag)", "true"),
  ])
  func logicAbsorbsErrors(_ text: String, _ expected: String) { #expect(Self.host().evaluate(text) == expected) }

  @Test(arguments: [
    ("gone", "error: absentAttribute"), ("has(a.gone)", "false"), ("has(a.t)", "true"), ("!has(a.gone)", "true"),
    ("has(a.bad)", "error: attributeNotUTF8"), ("n + 1", "8"), ("n - 8", "-1"), ("-n", "-7"),
    ("e.x", "\"1\""), ("e['x'] + e.y", "\"12\""), ("e['z']", "error: absentAttribute"), ("has(e.x)", "true"),
    ("has(e.z)", "false"), ("'x' in e", "true"), ("'z' in e", "false"), ("!('z' in e)", "true"),
    ("e[s]", "error: noSuchKey"), ("s in e", "false"), ("size(e)", "2"), ("e == m", "true"), ("[e] == [m]", "true"),
    ("e.all(k, k in m)", "true"), ("e.map(k, e[k])", "[\"1\", \"2\"]"), ("{'k': e}.k.x", "\"1\""),
    ("e", "{\"x\": \"1\", \"y\": \"2\"}"), ("type(e) == map", "true"), ("(t ? e : m).x", "\"1\""),
  ])
  func variablesAreReadThroughSlots(_ text: String, _ expected: String) {
    #expect(Self.host().evaluate(text) == expected)
  }

  @Test func eachSlotIsAskedForOnceAndOnlyWhenNeeded() throws {
    let host = Self.host()
    let code = try host.compile("f && s == 'x' || n > 3 && n < 9 && n != 8 && e.x == '1' && e['x'] != '2'")
    #expect(code.slots.count == 4)
    host.evaluate(code) { #expect($0.isTrue) }
    #expect(host.fetched.map(\.variable) == [1, 5, 13])
    #expect(host.fetched.last?.key == Array("x".utf8))
    #expect(host.entriesAsked == 0)
    #expect(host.wholesAsked == 0)
  }

  @Test func programsShareSlots() throws {
    let host = Self.host()
    var builder = CodeBuilder(regex: nil)
    let first = try host.add("n == 7 && e.x == '1'", to: &builder)
    let second = try host.add("e['x'] == '2' || n == 7", to: &builder)
    let code = builder.finish()
    #expect(code.programCount == 2)
    #expect(code.slots.count == 2)
    host.evaluate(code, program: first) { #expect($0.isTrue) }
    host.evaluate(code, program: second) { #expect($0.isTrue) }
    host.evaluate(code, program: 2) { #expect($0.kind == .error) }
  }

  @Test(arguments: [
    ("s == 'hello'", "true"), ("s != 'hello'", "false"), ("'hello' == s", "true"), ("s == 'hellO'", "false"),
    ("s == ''", "false"), ("s.startsWith('he')", "true"), ("s.startsWith('hello!')", "false"),
    ("s.startsWith('')", "true"), ("s.endsWith('llo')", "true"), ("s.endsWith('hhello')", "false"),
    ("s.contains('ell')", "true"), ("s.contains('')", "true"), ("s.contains('elo')", "false"),
    ("s in ['a', 'hello']", "true"), ("s in ['a', 'hellp']", "false"), ("s in []", "false"),
    ("s in ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'hello', 'i']", "true"),
    ("s in ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'hellp', 'i']", "false"), ("n in [1, 7]", "true"),
    ("n > 6 && n >= 7 && n < 8 && n <= 7 && n == 7", "true"), ("6 < n && 7 <= n && 8 > n && 7 >= n", "true"),
    ("gone == t", "error: absentAttribute"), ("s > 'hellN' && s < 'hellz'", "true"),
    ("size('e\\u0301')", "2"), ("size('\\U0001F600')", "1"), ("size('\\r\\n')", "2"), ("size(b'\\xff\\xfe')", "2"),
    ("'\\uFFFF' < '\\U00010000'", "true"), ("'\\u00e9' == 'e\\u0301'", "false"), ("'a' + 'b' + ''", "\"ab\""),
    ("b'a' + b'\\xff'", "b\"a\\xff\""), ("b'a' < b'\\xff'", "true"), ("false < true", "true"),
    ("[1] + [2, 3]", "[1, 2, 3]"), ("[1, [2, {'k': [3]}]] == [1, [2, {'k': [3]}]]", "true"),
    ("{'a': 1, 'b': 2} == {'b': 2, 'a': 1}", "true"), ("{'a': 1} == {'a': 2}", "false"),
    ("{'a': 1, 'a': 2}", "error: duplicateKey"), ("{s: 1, 'hello': 2}", "error: duplicateKey"),
    ("{'a': 1, s: 2}.hello", "2"), ("{n: 'x', 8: 'y'}", "{7: \"x\", 8: \"y\"}"),
    ("{'a': [s]}.a[0]", "\"hello\""), ("{'a': 1}.b", "error: noSuchKey"), ("has({'a': null}.a)", "true"),
    ("has({'a': 1}.b)", "false"), ("type(1) == int && type([]) == list && type(type(1)) == type", "true"),
    ("null == null", "true"), ("dyn([1]).a", "error: noSuchOverload"), ("dyn(1)[0]", "error: noSuchOverload"),
    ("[1, n / 0, 3]", "error: divisionByZero"), ("{'a': n / 0}", "error: divisionByZero"),
    ("type(timestamp(0)) == google.protobuf.Timestamp", "true"),
  ])
  func operatorsMeanWhatTheLanguageSays(_ text: String, _ expected: String) {
    #expect(Self.host().evaluate(text) == expected)
  }

  @Test(arguments: [
    ("[1, 2, 0].exists(x, 10 / x == 5)", "true"), ("[0, 1].all(x, 10 / x == 20)", "false"),
    ("[0, 1].exists(x, 10 / x == 20)", "error: divisionByZero"),
    ("[0, 1].all(x, 10 / x == 10)", "error: divisionByZero"),
    ("[].all(x, x > n)", "true"), ("[].exists(x, x > n)", "false"), ("!letters.exists(x, x == 'z')", "true"),
    ("letters.exists(x, x == 'c') ? 1 : 2", "1"), ("letters.all(x, x < 'd') && t", "true"),
    ("letters.exists(x, x == s) || t", "true"),
    ("[1, 2, 0].exists_one(x, x == n)", "false"), ("[7, 1].exists_one(x, x == n)", "true"),
    ("[0, 1].exists_one(x, 1 / x == 1)", "error: divisionByZero"), ("[7, 7].exists_one(x, x == n)", "false"),
    ("letters.map(x, x + '!')", "[\"a!\", \"b!\", \"c!\"]"), ("[1, 2, 3, 4].map(x, x % 2 == 0, x * n)", "[14, 28]"),
    ("[1, 2, 3].filter(x, x != 2)", "[1, 3]"), ("[1, 0].map(x, 1 / x)", "error: divisionByZero"),
    ("m.filter(k, m[k] == '2')", "[\"y\"]"), ("[[1, 2], [3]].map(x, x.map(y, y + n))", "[[8, 9], [10]]"),
    ("[[1, 2], [3]].exists(x, x.all(y, y > 2))", "true"), ("[1, 2].map(x, [3].map(y, x + y)[0])", "[4, 5]"),
    ("[1, 2].map(x, [x].map(x, x + 1)[0])", "[2, 3]"), ("dyn(1).exists(x, true)", "error: noSuchOverload"),
    ("gone.exists(x, true) || true", "true"), ("[true, 1 / 0 > 0].exists(x, x)", "error: divisionByZero"),
    ("[1, 2, 3].exists(x, x == 9 || (x == 2 && (n / (x - 2) == 0 || x == 2)))", "true"),
    ("[0, 1].map(x, 1 / x > 0 || x == 0)", "[true, true]"),
    ("[0, 1].map(x, (1 / x > 5 && x == 1) || x == 1)", "[false, true]"),
    ("[1, 0, 1].map(x, x == 0 || (n / x == 7 && x == 1))", "[true, true, true]"),
    ("[0, 1].filter(x, [1 / 1].exists(y, y / x == 1) || x == 0) == [0, 1]", "true"),
  ])
  func comprehensionsLoopAndAbsorb(_ text: String, _ expected: String) {
    let result = Self.host().evaluate(text)
    if result.hasPrefix("refused") {
      #expect(Self.host().evaluate(text, isChecked: false) == expected)
    } else {
      #expect(result == expected)
    }
  }

  @Test(arguments: [
    ("nobody", "error: unknownIdentifier"), ("nobody || true", "true"), ("f_none(1) || true", "true"),
    ("f_none(1)", "error: noSuchOverload"), ("nobody.field == 1", "error: unknownIdentifier"),
    ("'a' && false", "false"), ("1 + 1u", "error: noSuchOverload"), ("-'a'", "error: noSuchOverload"),
    ("!0", "error: noSuchOverload"), ("47.5 % 5.5", "error: noSuchOverload"), ("size(1)", "error: noSuchOverload"),
    ("{1.5: 2}", "error: unsupportedKeyType"), ("{null: 2}", "error: unsupportedKeyType"),
    ("[1].startsWith('a')", "error: noSuchOverload"), ("s.startsWith(1)", "error: noSuchOverload"),
    ("n.startsWith('7')", "error: noSuchOverload"), ("s == 7", "false"), ("s >= 7", "error: noSuchOverload"),
    ("n in ['7', '8']", "false"), ("'7' in 7", "error: noSuchOverload"), ("null < null", "error: noSuchOverload"),
  ])
  func uncheckedExpressionsFailWhenEvaluated(_ text: String, _ expected: String) {
    #expect(Self.host().evaluate(text, isChecked: false) == expected)
  }

  /// A host that gives another type than it declared makes errors, never a wrong read.
  @Test func everyKindOfValueInEverySlotIsSafe() throws {
    let expressions = [
      "v == 'x'", "v.startsWith('x')", "v.endsWith('x')", "v.contains('x')", "v in ['x', 'y']", "v == 1", "v < 1",
      "v <= 1", "v > 1", "v >= 1", "v", "!v", "v && true", "v ? 1 : 2", "v + 1", "v - 1", "v + v", "v * v", "v[0]",
      "v['k']", "v.k", "has(v.k)", "size(v)", "v.map(x, x)", "v.all(x, x == 1)", "1 in v",
      "'k' in v", "[v]", "{'k': v}",
      "{v: 1}", "string(v)", "int(v)", "timestamp(v)", "duration(v)", "v.getHours()", "v.getHours('UTC')",
      "timestamp(0).getHours(v)", "type(v)", "v == v", "v < v", "-v", "bytes(v)", "v.matches('x')", "'x'.matches(v)",
      "[v] == [v]", "v.exists_one(x, x)", "v in v", "bool(v)", "double(v)", "uint(v)", "v / v", "v % v",
      "v.?k", "v[?0]", "[?v]", "{?'k': v}", "v.optMap(x, x)", "v.optFlatMap(x, v)", "v.or(v)", "v.orValue(v)", "v.value()",
      "v.hasValue()", "optional.ofNonZeroValue(v)", "optional.unwrap([v])", "v.first()", "optional.of(v) == optional.of(v)",
      "v.all(i, x, i == x)", "v.transformMap(i, x, x)", "v.transformMapEntry(i, x, {x: i})", "[1].transformMapEntry(i, x, v)",
      "cel.bind(x, v, x)", "cel.bind(x, [v], x == x && x[0])",
    ]
    for kind in UInt8(1)...21 {
      guard let kind = Value.Kind(rawValue: kind) else { continue }
      for expression in expressions where regexLibrary != nil || !expression.contains("matches") {
        let host = TestHost()
        for library in [Extension.optionals, .twoVariableComprehensions, .bindings] { host.environment.enable(library) }
        let value: Value
        switch kind {
        case .string, .bytes, .type:
          let text = host.string("x")
          value = Value(kind: kind, payload: text.payload, count: text.count)
        case .list: value = host.strings(["x", "y"])
        case .map, .hostMap: value = host.map([("k", host.string("x"))])
        case .optional: value = .optional(host.strings(["x"]).elements)
        case .error: value = .error(EvaluationError(.attributeUnavailable))
        case .message: value = Shop.schema.make("shop.Order", [("id", .int(1))], into: &host.arena)
        case .enumeration: value = Shop.strongSchema.enumeration("shop.Color", 1) ?? .null
        default: value = Value(kind: kind, payload: 1, count: 0)
        }
        host.declare("v", .dyn, kind == .absent ? nil : value, isEntrywise: kind == .hostMap)
        let code = try host.compile(expression, isChecked: false)
        host.evaluate(code) { result in
          #expect(result.kind != .unfetched && result.kind != .absent, "\(expression) of \(kind)")
          #expect(!render(result).isEmpty)
          if kind == .error || kind == .absent, !expression.contains("has(") {
            #expect(result.kind == .error, "\(expression) of \(kind)")
          }
        }
      }
    }
  }

  @Test func errorsSayWhere() throws {
    let host = Self.host()
    func offset(_ text: String) throws -> UInt32 {
      try host.evaluate(host.compile(text)) { value in
        #expect(value.kind == .error)
        return value.asError.offset
      }
    }
    #expect(try offset("t && 1 / (n - 7) == 1") == 7)
    #expect(try offset("t && e['zz'] == 'x'") > 4)
    let code = try host.compile("t && gone")
    host.evaluate(code) { #expect(code.slots[Int($0.asError.detail)].variable == 3) }
  }

  @Test func hostFunctionsGetTheirArgumentsInOrder() {
    let host = Self.host()
    let types: [TypeID] = [.int, .int]
    host.environment.declare(
      function: "minus",
      Overload(id: "minus", isMember: false, parameters: types, result: .int, implementation: .external(4)))
    host.environment.declare(
      function: "less",
      Overload(id: "less", isMember: true, parameters: types, result: .bool, implementation: .external(5)))
    host.functions[4] = { .int($0[0].asInt - $0[1].asInt) }
    host.functions[5] = { .bool($0[0].asInt < $0[1].asInt) }
    #expect(host.evaluate("minus(n, 2)") == "5")
    #expect(host.evaluate("minus(minus(n, 2), minus(n, minus(n, 1)))") == "4")
    #expect(host.evaluate("n.less(8) && !n.less(7)") == "true")
    #expect(host.evaluate("[1, 2].map(x, minus(x, n))") == "[-6, -5]")
    #expect(host.evaluate("minus(n, 1 / 0)") == "error: divisionByZero")
  }

  @Test func hostFunctionsShareANameWithABuiltin() {
    let host = Self.host()
    let office = host.environment.types.intern(.opaque("list", []))
    host.declare("office", office, Value(kind: .opaque, payload: 5))
    host.declare("something", .dyn, Value(kind: .opaque, payload: 5))
    host.environment.declare(
      function: "@in",
      Overload(
        id: "in_office", isMember: false, parameters: [.string, office], result: .bool, implementation: .external(1)))
    host.functions[1] = {
      $0[1].kind == .opaque ? .bool($0[0].count == 5) : .error(EvaluationError(.noSuchOverload))
    }
    #expect(host.evaluate("s in office") == "true")
    #expect(host.evaluate("!(s + s in office)") == "true")
    #expect(host.evaluate("s in something") == "true")
    #expect(host.evaluate("s in dyn(letters)") == "false")
    #expect(host.evaluate("s in dyn(['hello'])") == "true")
    #expect(host.evaluate("s in dyn(1)") == "error: noSuchOverload")
    #expect(host.evaluate("s in letters || s in office") == "true")
  }

  @Test func wideLogicNeedsFewRegisters() throws {
    let host = Self.host()
    let pairs = (0..<800).map { "(s == 'x\($0)' && n == \($0))" }.joined(separator: " || ")
    let code = try host.compile(pairs + " || (gone && t) || (bad && f) || (s == 'hello' && n == 7)")
    #expect(code.registersMax < 40)
    host.evaluate(code) { #expect($0.isTrue) }
    #expect(host.evaluate(pairs + " || (gone && t) || (bad && f)") == "error: absentAttribute")
    #expect(host.evaluate(pairs + " || (bad && f)") == "false")
  }

  @Test func budgetEndsLongLoops() throws {
    let host = TestHost()
    let many = host.arena.list((0..<2_000).map { .int($0) }) ?? .null
    host.declare("many", host.environment.types.list(.int), many)
    #expect(host.evaluate("many.exists(x, x == 1999)") == "true")
    #expect(host.evaluate("many.all(x, many.all(y, x + y >= 0))") == "error: stepBudgetSpent")
    #expect(host.evaluate("many.map(x, many.map(y, x))") == "error: stepBudgetSpent")
    #expect(host.evaluate("many.all(x, many.all(y, x + y >= 0)) || true") == "true")
  }

  @Test func memoryIsBounded() {
    let host = TestHost()
    host.arenaMax = 64 << 10
    let many = host.arena.list((0..<900).map { .int($0) }) ?? .null
    host.declare("many", host.environment.types.list(.int), many)
    #expect(host.evaluate("size(many.map(x, many + many))") == "error: memorySpent")
  }

  @Test func tooDearExpressionsAreRefused() {
    let host = Self.host()
    let nested = "letters.all(a, letters.all(b, letters.all(c, a + b + c != s)))"
    #expect(host.evaluate(nested).contains("may take too long"))
    #expect(host.evaluate("letters.all(a, letters.all(b, a + b != s))") == "true")
    #expect(host.evaluate("[1, 2].all(a, [1, 2].all(b, [1, 2].all(c, a + b + c < n)))") == "true")
  }

  @Test func longChainsAndListsCompile() {
    let host = Self.host()
    let chain = (0..<1_000).map { "s == 'x\($0)'" }.joined(separator: " || ")
    #expect(host.evaluate(chain) == "false")
    #expect(host.evaluate(chain + " || n == 7") == "true")
    let list = (0..<3_000).map { "'x\($0)'" }.joined(separator: ", ")
    #expect(host.evaluate("s in [\(list)]") == "false")
    #expect(host.evaluate("s in [\(list), 'hello']") == "true")
    let sum = (0..<60).map { _ in "(n" }.joined(separator: " + ") + String(repeating: ")", count: 60)
    #expect(host.evaluate(sum) == "420")
    let computed = (0..<500).map { "n + \($0)" }.joined(separator: ", ")
    #expect(host.evaluate("[\(computed)][499]") == "506")
  }

  @Test func badPatternsAreRefusedWithTheirReason() {
    let host = Self.host()
    guard regexLibrary != nil else {
      #expect(host.evaluate("s.matches('h.*o')").contains("regular expression library"))
      return
    }
    #expect(host.evaluate("s.matches('h.*o')") == "true")
    #expect(host.evaluate("s.matches('^ell')") == "false")
    #expect(host.evaluate("'hello'.matches('l+')") == "true")
    #expect(host.evaluate("s.matches(s)") == "true")
    #expect(host.evaluate("s.matches(e.x)") == "false")
    #expect(host.evaluate("s.matches('(')").hasPrefix("refused: invalid regular expression"))
    #expect(host.evaluate("'a'.matches('(')").hasPrefix("refused: invalid regular expression"))
    #expect(host.evaluate("s.matches('h(?=e)')").hasPrefix("refused: invalid regular expression"))
    #expect(host.evaluate("s.matches('(' + e.x)") == "error: invalidPattern")
  }

  @Test func deepValuesDoNotOverflowTheStack() {
    let host = TestHost()
    var deep = Value.int(1)
    for _ in 0..<10_000 { deep = host.arena.list([deep]) ?? .null }
    host.declare("deep", .dyn, deep)
    #expect(host.evaluate("deep == deep") == "error: nestedTooDeeply")
    #expect(host.evaluate("deep in [deep]") == "error: nestedTooDeeply")
    #expect(host.evaluate("deep").utf8.count < 200)
  }
}
