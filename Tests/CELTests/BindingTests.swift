import CELHost
import Testing

@testable import CEL

@Suite struct BindingTests {
  private static func host() -> TestHost {
    let host = TestHost()
    host.environment.enable(.bindings)
    host.environment.enable(.block)
    host.declare("n", .int, .int(7))
    host.declare("s", .string, host.string("x"))
    host.declare("bad", .bool, .error(EvaluationError(.attributeNotUTF8)))
    let text = host.environment.types.map(.string, .string)
    host.declare("e", text, host.map([("x", host.string("1"))]), isEntrywise: true)
    return host
  }

  @Test(arguments: [
    ("cel.bind(x, a + 1, x * x)", "(bind x=(_+_ a 1) in (_*_ x x))"),
    ("cel.bind(x, a, cel.bind(y, x, y))", "(bind x=a in (bind y=x in y))"),
    ("cel.block([a, cel.index(0) + 1], cel.index(1))", "(block @index0=a @index1=(_+_ @index0 1) in @index1)"),
    ("cel.block([], a)", "(block in a)"), ("cel.block([a,], b)", "(block @index0=a in b)"),
    ("a.map(cel.iterVar(0, 1), cel.iterVar(0, 1) + 1)", "(map a @it:0:1 to:(_+_ @it:0:1 1))"),
    ("a.exists(cel.accuVar(2, 0), true)", "(exists a @ac:2:0 if:true)"),
    ("cel.bind(x)", "4-8 `cel.bind` takes a plain name, its value and a result"),
    ("cel.bind(x, 1)", "4-8 `cel.bind` takes a plain name, its value and a result"),
    ("cel.bind(x.y, 1, 2)", "4-8 `cel.bind` takes a plain name, its value and a result"),
    ("cel.bind(x, 1, 2, 3)", "4-8 `cel.bind` takes a plain name, its value and a result"),
    ("cel.block(a, b)", "4-9 `cel.block` takes a list of values and a result"),
    ("cel.block([a])", "4-9 `cel.block` takes a list of values and a result"),
    ("cel.block([a], b, c)", "16-17 expected `)`, found `,`"),
    ("cel.index(a)", "4-9 `cel.index` takes the number of a value of the block"),
    ("cel.index(-1)", "4-9 `cel.index` takes the number of a value of the block"),
    ("cel.iterVar(1)", "4-11 `cel.iterVar` takes two numbers"),
    // The root's `cel` and other receivers are no macro's.
    (".cel.bind(x, 1, x)", "(.cel.bind x 1 x)"), ("a.bind(x, 1, x)", "(a.bind x 1 x)"),
    ("a.cel.index(0)", "(a.cel.index 0)"), ("cel.other(1)", "(cel.other 1)"), ("cel.bind", "cel.bind"),
  ])
  func macrosAreExpanded(_ text: String, _ expected: String) {
    #expect(parsed(text, extensions: [.bindings, .block]) == expected)
  }

  @Test func withoutTheExtensionTheyAreCalls() {
    #expect(parsed("cel.bind(x, 1, x)") == "(cel.bind x 1 x)")
    #expect(parsed("cel.block([1], 2)", extensions: [.bindings]) == "(cel.block [1] 2)")
    #expect(parsed("cel.bind(x, 1, x)", macros: false, extensions: [.bindings]) == "(cel.bind x 1 x)")
  }

  @Test(arguments: [
    ("cel.bind(x, n + 1, x * x)", "64"), ("cel.bind(x, 3, x + n)", "10"), ("cel.bind(x, e, x['x'] + x.x)", "\"11\""),
    ("cel.bind(x, n + 1, cel.bind(y, x + x, [y, x, y]))", "[16, 8, 16]"),
    ("cel.bind(x, cel.bind(y, n + 1, y + y), x + x)", "32"), ("cel.bind(n, n + 1, n)", "8"),
    ("cel.bind(x, 1, cel.bind(x, x + n, x + n))", "15"), ("cel.bind(x, 1, .n + x)", "8"),
    ("[1, 2, 3].map(i, cel.bind(d, i + n, d * d))", "[64, 81, 100]"),
    ("cel.bind(l, [1, 2].map(i, i + n), l.exists(v, v == 9) && l.all(v, v in l))", "true"),
    ("[1, 2].all(i, cel.bind(x, i + n, x > 7 && x < 10 && cel.bind(y, x + x, y > 15)))", "true"),
    ("cel.bind(x, n > 3, x) ? 'a' : 'b'", "\"a\""), ("!cel.bind(x, n > 3, x && s == 'x')", "false"),
    // Never read, never computed; read where an error is absorbed; read in one branch only.
    ("cel.bind(x, 1 / 0, n)", "7"), ("cel.bind(x, bad, x || n == 7)", "true"), ("cel.bind(x, 1 / (n - 7), n == 7 || x > 0)", "true"),
    ("cel.bind(x, 1 / (n - 7), x > 0 || n == 7)", "true"), ("cel.bind(x, 1 / (n - 7), n == 7 ? n : x)", "7"),
    ("cel.bind(x, 1 / (n - 7), x)", "error: divisionByZero"), ("cel.bind(x, bad, [x])", "error: attributeNotUTF8"),
    ("[0, 1].exists(i, cel.bind(x, 6 / i, x == 6))", "true"), ("[1, 0].all(i, cel.bind(x, 6 / i, x == 5))", "false"),
    ("cel.block([n + 1, cel.index(0) * 2, 1 / (n - 7)], [cel.index(1), cel.index(0), cel.index(1)])", "[16, 8, 16]"),
    ("cel.block([1 / (n - 7), cel.index(0) + 1], n == 7 || cel.index(1) > 0)", "true"),
    ("cel.block([1 / (n - 7), cel.index(0) + 1], cel.index(1))", "error: divisionByZero"),
    ("cel.block([n], cel.block([cel.index(0) + 1], cel.index(0)))", "8"), ("cel.block([], n)", "7"),
    ("cel.block([n], [1, 2].map(cel.iterVar(0, 0), cel.iterVar(0, 0) + cel.index(0)))", "[8, 9]"),
    ("cel.block([[1, 2].exists(i, i / (n - 7) == 1 || i == 2), n], cel.index(0) && cel.index(1) == 7)", "true"),
  ])
  func valuesAreNamed(_ text: String, _ expected: String) {
    #expect(Self.host().evaluate(text) == expected)
    #expect(Self.host().evaluate(text, isChecked: false) == expected)
  }

  @Test(arguments: [
    ("cel.bind(x, [], x + [1])", "list(int)"), ("cel.bind(x, {'a': 1u}, x.a)", "uint"), ("cel.bind(x, null, x)", "null"),
    ("cel.block([1, cel.index(0) + 1, 'a'], [cel.index(2)])", "list(string)"),
    ("cel.bind(x, 1, x + 'a')", "check: no matching overload for `+`: found (int, string), candidates are (int, int), (uint, uint), (double, double), (string, string), (bytes, bytes), (list(A), list(A)) and 3 more"),
    ("cel.bind(x, x, 1)", "check: undeclared reference to `x`"), ("cel.bind(x, 1, 2) + x", "check: undeclared reference to `x`"),
    ("cel.index(0)", "check: there is no such value of a `cel.block`, nor such a variable of a macro, around this"),
    ("cel.block([cel.index(0)], 1)", "check: there is no such value of a `cel.block`, nor such a variable of a macro, around this"),
    ("cel.block([1], cel.index(1))", "check: there is no such value of a `cel.block`, nor such a variable of a macro, around this"),
  ])
  func typesAreDeduced(_ text: String, _ expected: String) {
    do {
      let checked = try Self.host().check(text)
      #expect(checked.table.name(checked.resultType) == expected)
    } catch {
      #expect("\(error)" == expected)
    }
  }

  @Test func aValueIsComputedOnceAndOnlyWhenItIsRead() throws {
    let host = Self.host()
    var calls = 0
    host.functions[0] = { arguments in
      calls += 1
      return arguments.first ?? .null
    }
    host.environment.declare(
      function: "counted",
      Overload(id: "counted", isMember: false, parameters: [.int], result: .int, implementation: .external(0)))
    for (text, expected) in [
      ("cel.bind(x, counted(n), x + x + x)", 1), ("cel.bind(x, counted(n), n)", 0),
      ("cel.bind(x, counted(n), [1, 2, 3].map(i, i + x))", 1), ("[1, 2, 3].map(i, cel.bind(x, counted(i), x + x))", 3),
      ("cel.bind(x, counted(n), cel.bind(y, x + x, x + y + y))", 1), ("cel.bind(x, counted(n), n == 7 || x == 1)", 0),
      ("cel.block([counted(n), cel.index(0) + counted(1)], [cel.index(1), cel.index(1), cel.index(0)])", 2),
      ("cel.block([counted(n), cel.index(0) + counted(1)], [cel.index(0)])", 1),
    ] {
      calls = 0
      let code = try host.compile(text)
      host.evaluate(code) { #expect($0.kind != .error) }
      #expect(calls == expected, "\(text)")
    }
  }

  @Test func bindingsMeanTheirTextPutIn() {
    let host = Self.host()
    var generator = SplitMix(state: 11)
    for _ in 0..<250 {
      var named = ExpressionPair(generator: generator)
      let (bound, plain) = named.make(depth: 4)
      generator = named.generator
      #expect(host.evaluate(bound) == host.evaluate(plain), "\(bound)")
      #expect(host.evaluate(bound, isChecked: false) == host.evaluate(plain), "\(bound)")
    }
  }

  @Test func manyAndDeepBindingsAreRefusedOrRun() {
    let host = Self.host()
    var deep = "v59"
    for level in (0..<60).reversed() {
      deep = "cel.bind(v\(level), \(level == 0 ? "n" : "v\(level - 1)") + 1, \(deep))"
    }
    #expect(host.evaluate(deep) == "67")
    let values = ["n"] + (1..<500).map { "cel.index(\($0 - 1)) + 1" }
    #expect(host.evaluate("cel.block([\(values.joined(separator: ", "))], cel.index(499))") == "506")
    let many = ["n + 1"] + (1..<5_000).map { "cel.index(\($0 - 1)) + 1" }
    #expect(
      host.evaluate("cel.block([\(many.joined(separator: ", "))], cel.index(4999))").hasPrefix("refused"))
  }
}

struct SplitMix {
  var state: UInt64

  mutating func next(_ count: Int) -> Int {
    state &+= 0x9e37_79b9_7f4a_7c15
    var value = state
    value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
    value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
    return Int((value ^ (value >> 31)) % UInt64(count))
  }
}

/// A condition with `cel.bind`s, and the same with each name replaced by its value's text.
private struct ExpressionPair {
  var generator: SplitMix
  private var names: [(name: String, text: String)] = []
  private var count = 0

  init(generator: SplitMix) { self.generator = generator }

  mutating func make(depth: Int) -> (String, String) {
    if depth > 0, generator.next(3) == 0 {
      let name = "v\(count)"
      count += 1
      let value = make(depth: depth - 1)
      let known = names.count
      names.append((name, value.1))
      let result = make(depth: depth - 1)
      names.removeSubrange(known...)
      return ("cel.bind(\(name), \(value.0), \(result.0))", result.1)
    }
    guard depth > 0 else { return leaf() }
    let a = make(depth: depth - 1)
    let b = make(depth: depth - 1)
    switch generator.next(6) {
    case 0: return ("(\(a.0) && \(b.0))", "(\(a.1) && \(b.1))")
    case 1: return ("(\(a.0) || \(b.0))", "(\(a.1) || \(b.1))")
    case 2: return ("(!(\(a.0)))", "(!(\(a.1)))")
    case 3: return ("(\(a.0) == \(b.0))", "(\(a.1) == \(b.1))")
    case 4: return ("[1, 0].exists(i, \(a.0) && 6 / i == 6 || \(b.0))", "[1, 0].exists(i, \(a.1) && 6 / i == 6 || \(b.1))")
    default:
      let c = leaf()
      return ("(\(c.0) ? \(a.0) : \(b.0))", "(\(c.1) ? \(a.1) : \(b.1))")
    }
  }

  private mutating func leaf() -> (String, String) {
    if !names.isEmpty, generator.next(3) > 0 {
      let item = names[generator.next(names.count)]
      return (item.name, "(\(item.text))")
    }
    let text = ["true", "false", "(n == 7)", "(1 / (n - 7) > 0)", "(s == 'y')", "bad"][generator.next(6)]
    return (text, text)
  }
}
