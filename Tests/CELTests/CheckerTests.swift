import CEL
import CELHost
import Testing

/// An environment such as a proxy's: dotted attributes, a map of headers, named lists, a function with a namespace.
private func proxyEnvironment(container: String = "") -> Environment {
  var environment = Environment()
  let text = environment.types.map(.string, .string)
  let open = environment.types.map(.string, .dyn)
  let numbers = environment.types.list(.int)
  let addresses = environment.types.intern(.opaque("addresses", []))
  let variables: [(String, TypeID)] = [
    ("request.method", .string), ("request.headers", text), ("request.size", .int), ("request.time", .timestamp),
    ("request.duration", .duration), ("request.auth.principal", .string), ("request.auth.claims", open),
    ("response.code", .int), ("source.address", .string), ("destination.service", text),
    ("destination.service.host", .string), ("numbers", numbers), ("anything", .dyn), ("flag", .bool),
    ("count", .uint), ("ratio", .double), ("lists.office", addresses), ("lists.blocked-ips", addresses),
    ("inner.deep.name", .int), ("inner.name", .string), ("inner.list", .int), ("name", .bool),
  ]
  for (index, (name, type)) in variables.enumerated() {
    environment.declare(
      Variable(name: name, type: type, id: UInt32(index), isEntrywise: type == text || type == open))
  }
  environment.indexedNamespaces = ["lists"]
  environment.container = container
  environment.declare(
    function: "@in",
    Overload(
      id: "in_addresses", isMember: false, parameters: [.string, addresses], result: .bool,
      implementation: .external(1)))
  environment.declare(
    function: "net.mask",
    Overload(id: "mask", isMember: false, parameters: [.string, .int], result: .string, implementation: .external(2)))
  let a = environment.types.intern(.parameter("A"))
  let b = environment.types.intern(.parameter("B"))
  let pair = environment.types.intern(.opaque("pair", [a, b]))
  let twins = environment.types.intern(.opaque("pair", [a, a]))
  environment.declare(
    function: "pair",
    Overload(id: "pair", isMember: false, parameters: [a, b], result: pair, implementation: .external(3)))
  environment.declare(
    function: "twin",
    Overload(id: "twin", isMember: true, parameters: [twins], result: a, implementation: .external(4)))
  return environment
}

private func checkedTree(
  _ text: String, container: String = "", expecting: TypeID? = nil, problems found: inout [String]
) -> CheckedTree? {
  var diagnostics = Diagnostics()
  let tree = Parser.parse(Array(text.utf8), diagnostics: &diagnostics)
  let checked = tree.flatMap {
    Checker.check(
      $0, in: proxyEnvironment(container: container), expecting: expecting, diagnostics: &diagnostics)
  }
  found = problems(diagnostics)
  return checked
}

/// The type of an expression, or its problems joined by `; `.
private func checked(_ text: String, container: String = "", expecting: TypeID? = nil) -> String {
  var found: [String] = []
  guard let tree = checkedTree(text, container: container, expecting: expecting, problems: &found) else {
    return found.joined(separator: "; ")
  }
  return tree.table.name(tree.resultType)
}

@Suite struct CheckerTypeTests {
  @Test(arguments: [
    ("1", "int"), ("1u", "uint"), ("1.0", "double"), ("'a'", "string"), ("b'a'", "bytes"), ("null", "null"),
    ("true", "bool"), ("[]", "list(dyn)"), ("{}", "map(dyn, dyn)"), ("[1, 2]", "list(int)"),
    ("[1, 'a']", "list(dyn)"), ("[[], [1]]", "list(list(int))"), ("[[1], []]", "list(list(int))"),
    ("[1, dyn(1)]", "list(dyn)"), ("[dyn('a'), 'b']", "list(dyn)"), ("[null, request.time]", "list(timestamp)"),
    ("{'a': 1, 'b': 2}", "map(string, int)"), ("{'a': 1, 2: 'b'}", "map(dyn, dyn)"),
    ("request.size + 1", "int"), ("request.time - request.time", "duration"),
    ("request.time + request.duration", "timestamp"), ("[1] + []", "list(int)"), ("[] + [1u]", "list(uint)"),
    ("anything + 1", "int"), ("anything - anything", "dyn"), ("anything == 1", "bool"), ("-anything", "dyn"),
    ("1 < 1.5 && 1u >= 2 && count != 2u", "bool"), ("flag ? 1 : 2", "int"), ("flag ? dyn(1) : 2", "dyn"),
    ("flag ? [] : [1]", "list(int)"), ("flag ? null : request.time", "timestamp"),
    ("numbers[0]", "int"), ("[[1]][0]", "list(int)"), ("request.headers['a']", "string"), ("anything[0]", "dyn"),
    ("anything.a.b", "dyn"), ("request.headers.a", "string"), ("request.auth.claims.groups", "dyn"),
    ("has(request.headers.a)", "bool"), ("has(anything.a.b)", "bool"),
    ("'a' in request.headers && 1 in numbers && 'x' in []", "bool"),
    ("size(numbers) + 'a'.size() + {}.size() + size(b'')", "int"), ("type(1)", "type(int)"), ("int", "type(int)"),
    ("list", "type(list(dyn))"), ("type(1) == string", "bool"), ("google.protobuf.Duration", "type(duration)"),
    ("numbers.all(x, x > 0)", "bool"), ("numbers.filter(x, x > 0)", "list(int)"),
    ("numbers.map(x, [x])", "list(list(int))"), ("numbers.map(x, x > 0, string(x))", "list(string)"),
    ("{'a': 1u}.map(k, k)", "list(string)"), ("anything.map(x, x)", "list(dyn)"),
    ("[].map(x, x)", "list(dyn)"), ("[].map(x, x + 1)", "list(int)"), ("[].map(x, x)[0].a", "dyn"),
    ("numbers.exists(x, numbers.exists(y, x == y))", "bool"), ("request.time.getHours('UTC')", "int"),
    ("request.duration.getSeconds()", "int"), ("matches('a', 'b') || 'a'.matches('b')", "bool"),
    ("timestamp('x') < request.time || duration('1s') < request.duration", "bool"),
    ("net.mask('a', 8)", "string"), ("pair(1, 'a')", "pair(int, string)"), ("pair(1, 2).twin()", "int"),
    ("pair(1, dyn(2)).twin()", "dyn"), ("[pair(1, 2u), pair(dyn(1), dyn(2))]", "list(pair(dyn, dyn))"),
    ("pair(1, anything) == pair(2, 'a')", "bool"),
  ])
  func typesAreDeduced(_ text: String, _ expected: String) {
    #expect(checked(text) == expected)
  }

  @Test(arguments: [
    (
      "1 + 1u",
      "2-3 no matching overload for `+`: found (int, uint), candidates are (int, int), (uint, uint), (double, double), (string, string), (bytes, bytes), (list(A), list(A)) and 3 more"
    ),
    (
      "request.method == 1",
      "15-17 no matching overload for `==`: found (string, int), but both sides must have one type"
    ),
    (
      "[1] != ['a']",
      "4-6 no matching overload for `!=`: found (list(int), list(string)), but both sides must have one type"
    ),
    ("!request.size", "0-1 no matching overload for `!`: found (int), candidates are (bool)"),
    (
      "numbers['a']",
      "7-8 no matching overload for `[]`: found (list(int), string), candidates are (list(A), int), (map(A, B), A)"
    ),
    (
      "numbers.map(x, 'a' in x)",
      "19-21 no matching overload for `in`: found (string, int), candidates are (A, list(A)), (A, map(A, B)), (string, addresses)"
    ),
    ("'a'.contains(1)", "4-12 no matching overload for `contains`: found string.(int), candidates are string.(string)"),
    (
      "size(1, 2)",
      "0-4 no matching overload for `size`: found (int, int), candidates are (string), (bytes), (list(A)), (map(A, B))"
    ),
    (
      "pair(1, 'a').twin()",
      "13-17 no matching overload for `twin`: found pair(int, string).(), candidates are pair(A, A).()"
    ),
    ("startsWith('a', 'b')", "0-10 `startsWith` is called on a value: `a.startsWith()`"),
    ("'1'.int()", "4-7 `int` is called as a function: `int(a)`"),
    ("flag && 1 || 'a'", "8-9 `&&` needs bools, found an int; 13-16 `||` needs bools, found a string"),
    ("1 ? 2 : 3", "0-1 a condition must be a bool, found an int"),
    (
      "flag ? 1 : 'a'",
      "0-14 the two results of a conditional must have one type, found int and string: wrap one in `dyn()` if that is meant"
    ),
    ("numbers.all(x, x)", "15-16 `all` needs a condition, a bool, found an int"),
    ("request.size.exists(x, x)", "0-12 `exists` runs over a list or a map, found an int"),
    ("request.method.length", "15-21 a string has no fields: cannot select `length`"),
    ("has(request.size.a)", "17-19 an int has no fields: cannot select `a`"),
    ("a.b.Message{c: 1}", "0-17 unknown message type `a.b.Message`"),
    ("numbers.exists(x)", "8-14 `exists` takes a name and a condition"),
    ("numbers.map(x)", "8-11 `map` takes a name and a result, or a name, a condition and a result"),
  ])
  func wrongTypesAreRefused(_ text: String, _ expected: String) {
    #expect(checked(text) == expected)
  }

  @Test func theResultMustHaveTheExpectedType() {
    #expect(checked("flag", expecting: .bool) == "bool")
    #expect(checked("anything", expecting: .bool) == "dyn")
    #expect(checked("1 + 2", expecting: .bool) == "0-5 expected a bool, found an int")
    #expect(checked("[]", expecting: .int) == "0-2 expected an int, found a list(dyn)")
  }

  @Test func oneMistakeIsReportedOnce() {
    #expect(
      checked("[nope].map(x, x + 1).size() == nope.a.b + 1 && !nope")
        == "1-5 undeclared reference to `nope`; 31-35 undeclared reference to `nope`; 48-52 undeclared reference to `nope`"
    )
    #expect(checked("f(1 + 'a') + 2").hasPrefix("0-1 undeclared function `f`; 4-5 no matching overload for `+`"))
  }

  @Test func aMapKeyThatNoMapCanHaveIsAWarning() {
    var found: [String] = []
    #expect(checkedTree("{1.5: 1, [1]: 2, null: 3, 'a': 4, anything: 5}.size()", problems: &found) != nil)
    #expect(
      found == [
        "1-4 a map's key cannot be a double", "9-12 a map's key cannot be a list(int)",
        "17-21 a map's key cannot be null",
      ])
  }

  /// Written out, the type of the result has more than 2^100 parts.
  @Test func typesThatGrowExponentiallyAreRefused() {
    let growth = String(repeating: ".map(x, {'k': [x, x]}.map(k, {k: x}))", count: 30)
    for start in ["[1]", "[[]]", "[dyn(1)]"] {
      var found: [String] = []
      _ = checkedTree(start + growth + ".f()", problems: &found)
      #expect(!found.isEmpty)
    }
    let doubling = String(repeating: ".map(x, {x: x})", count: 100)
    #expect(checked("[1]" + doubling, expecting: .bool).utf8.count < 10_000)
    #expect(checked("[[]]" + doubling, expecting: .bool).contains("the types of this expression are too complicated"))
  }
}

@Suite struct CheckerNameTests {
  /// The references of a tree, as far as they say something, in the order of its nodes.
  private func references(_ text: String, container: String = "", isTyped: Bool = true) -> [String] {
    var found: [String] = []
    var result: CheckedTree?
    if isTyped {
      result = checkedTree(text, container: container, problems: &found)
    } else {
      var diagnostics = Diagnostics()
      result = Parser.parse(Array(text.utf8), diagnostics: &diagnostics).map {
        Checker.resolve($0, in: proxyEnvironment(container: container))
      }
    }
    guard let checked = result else { return found }
    return checked.tree.nodes.indices.compactMap { index in
      let node = TreeText(checked.tree).text(NodeID(Int32(index)))
      switch checked.references[index] {
      case .none: return nil
      case .variable(let variable): return "\(node)=\(variable.name)"
      case .presence(let variable): return "\(node)=has \(variable.name)"
      case .optional(let variable): return "\(node)=optional \(variable.name)"
      case .type(let name): return "\(node)=type \(name)"
      case .local(let depth, let variable): return "\(node)=local \(depth).\(variable)"
      case .enumeration(let name, let number): return "\(node)=enum \(name) \(number ?? -1)"
      case .overload(let implementation): return "\(node)=\(name(implementation))"
      case .dynamic(let all): return "\(node)=any " + all.map { name($0) }.joined(separator: ",")
      }
    }
  }

  private func name(_ implementation: Overload.Implementation) -> String {
    switch implementation {
    case .builtin(let builtin): "\(builtin)"
    case .external(let number): "external\(number)"
    case .native: "native"
    }
  }

  @Test func theLongestDottedNameIsTheVariable() {
    #expect(references("request.method") == ["request.method=request.method"])
    #expect(references("destination.service.host") == ["destination.service.host=destination.service.host"])
    #expect(references("destination.service.port") == ["destination.service=destination.service"])
    #expect(references("request.headers.authorization") == ["request.headers=request.headers"])
  }

  @Test func presenceOfAVariableIsAskedOfTheHost() {
    #expect(references("has(request.method)") == ["has:request.method=has request.method"])
    #expect(
      references("has(destination.service.host)") == ["has:destination.service.host=has destination.service.host"])
    #expect(references("has(request.headers.a)") == ["request.headers=request.headers"])
  }

  @Test func theContainerIsSearchedFromTheInside() {
    #expect(references("name", container: "inner.deep") == ["name=inner.deep.name"])
    #expect(references("name", container: "inner.other") == ["name=inner.name"])
    #expect(references("name", container: "other") == ["name=name"])
    #expect(references(".name", container: "inner.deep") == [".name=name"])
    #expect(references("deep.name", container: "inner") == ["deep.name=inner.deep.name"])
    // A variable of the container goes before a type's name of the root.
    #expect(references("list", container: "inner") == ["list=inner.list"])
    #expect(references("Timestamp", container: "google.protobuf") == ["Timestamp=type google.protobuf.Timestamp"])
    #expect(references("mask('a', 1)", container: "net") == ["(mask 'a' 1)=external2"])
  }

  @Test func aComprehensionsVariableHidesOthers() {
    #expect(references("[1].all(name, name == 1)", container: "inner") == ["name=local 0.0", "(_==_ name 1)=equal"])
    #expect(references("[{'method': 1}].all(request, request.method == 1)").contains("request=local 0.0"))
    #expect(references("[true].all(name, .name)") == [".name=name"])
    #expect(
      references("[1].all(x, [2].all(y, [3].all(x, x == y)))") == [
        "x=local 0.0", "y=local 1.0", "(_==_ x y)=equal",
      ])
    // The range stands outside of its own variable.
    #expect(references("[name].all(name, name)") == ["name=name", "name=local 0.0"])
  }

  @Test func namedListsAreReachedByFieldAndByIndex() {
    #expect(
      references("source.address in lists['blocked-ips']") == [
        "source.address=source.address", "(_[_] lists 'blocked-ips')=lists.blocked-ips",
        "(@in source.address (_[_] lists 'blocked-ips'))=external1",
      ])
    #expect(references("lists.office") == ["lists.office=lists.office"])
    #expect(checked("lists['ofice']") == "6-13 `lists` has no `ofice`: did you mean `office`?")
    #expect(checked("lists['x']") == "6-9 `lists` has no `x`")
    #expect(
      checked("lists[request.method]")
        == "6-20 `lists` is indexed by a name in quotes, such as `lists[\"name\"]`")
  }

  @Test func aCallIsDecidedUnlessImplementationsDiffer() {
    #expect(references("anything + 1").last == "(_+_ anything 1)=add")
    #expect(references("'a' in anything").last == "(@in 'a' anything)=any isIn,external1")
    #expect(references("'a' in ['b']").last == "(@in 'a' ['b'])=isIn")
  }

  @Test func aDottedFunctionIsAGlobalCall() {
    #expect(references("net.mask('a', 1)") == ["(net.mask 'a' 1)=external2"])
    #expect(checked("net.msk('a', 1)") == "0-7 undeclared function `net.msk`: did you mean `net.mask`?")
  }

  @Test(arguments: [
    ("request", "0-7 `request` is a namespace, not a value: name one of its fields, such as `request.size`"),
    ("request == 1", "0-7 `request` is a namespace, not a value: name one of its fields, such as `request.size`"),
    (
      "has(request.auth)",
      "4-16 `request.auth` is a namespace, not a value: name one of its fields, such as `request.auth.claims`"
    ),
    ("lists", "0-5 `lists` is a namespace, not a value: name one of its fields, such as `lists.office`"),
    ("request.metod", "0-13 undeclared reference to `request.metod`: did you mean `request.method`?"),
    ("request.header.a", "0-14 undeclared reference to `request.header`: did you mean `request.headers`?"),
    ("has(request.header)", "4-18 undeclared reference to `request.header`: did you mean `request.headers`?"),
    ("requset.method", "0-7 undeclared reference to `requset`: did you mean `request.method`?"),
    ("method", "0-6 undeclared reference to `method`: did you mean `request.method`?"),
    ("request.xyzzy", "0-13 undeclared reference to `request.xyzzy`"),
    ("xyzzy.a.b", "0-5 undeclared reference to `xyzzy`"),
    ("flga", "0-4 undeclared reference to `flga`: did you mean `flag`?"),
    ("numbers.all(item, itme > 0)", "18-22 undeclared reference to `itme`: did you mean `item`?"),
    ("'a'.startWith('b')", "4-13 undeclared function `startWith`: did you mean `startsWith`?"),
    ("numbers.exsts(x, x > 0)", "8-13 undeclared function `exsts`: did you mean `exists`?"),
    ("siez('a')", "0-4 undeclared function `siez`: did you mean `size`?"),
    ("nothing('a')", "0-7 undeclared function `nothing`"),
    ("anything.`a.b`.c + a.`b.c`", "19-20 undeclared reference to `a`"),
  ])
  func unknownNamesAreRefusedWithTheNearestOne(_ text: String, _ expected: String) {
    #expect(checked(text) == expected)
  }

  @Test func uncheckedTreesHaveTheirNamesResolvedAndNoTypes() {
    #expect(
      references(
        "name && x == request.method && f(request.headers.a) && 1 + 'a' == numbers", container: "inner", isTyped: false)
        == [
          "name=inner.name", "request.method=request.method", "(_==_ x request.method)=equal",
          "request.headers=request.headers", "(_+_ 1 'a')=add", "numbers=numbers", "(_==_ (_+_ 1 'a') numbers)=equal",
        ])
    #expect(
      references("'a' in x || has(request.size)", isTyped: false) == [
        "(@in 'a' x)=any isIn,external1", "has:request.size=has request.size",
      ])
    #expect(references("request.nope.x(lists['nope'], T{a: 1})", isTyped: false) == [])
  }

  @Test func hostileExpressionsDoNotMakeSuggestionsExpensive() {
    let names = (0..<7000).map { "reqest\($0)" }.joined(separator: ", ")
    var found: [String] = []
    #expect(checkedTree("[" + names + "]", problems: &found) == nil)
    #expect(found.count == Diagnostics.countMax)
    let long = String(repeating: "a", count: 90_000)
    #expect(checked(long).utf8.count < 200)
    #expect(checked("request." + long).utf8.count < 200)
  }
}

@Suite struct NearestNameTests {
  private let names = ["principal", "method", "path", "url_path", "host", "hosts", "id"]

  @Test(arguments: [
    ("principle", "principal"), ("metohd", "method"), ("Method", "method"), ("methods", "method"),
    ("pth", "path"), ("urlpath", "url_path"), ("hots", "host"), ("hosst", "host"),
  ])
  func aSlipFindsItsName(_ name: String, _ expected: String) {
    #expect(NearestName.find(name, among: names) == expected)
    #expect(NearestName.find(name, among: names.reversed()) == expected)
  }

  @Test(arguments: ["", "ab", "x", "idxy", "authorization", "abcd", "method"])
  func whatIsNotCloseFindsNothing(_ name: String) {
    #expect(NearestName.find(name, among: names) == nil)
  }
}

@Suite struct UnguardedReadTests {
  private func unguarded(_ text: String) -> [String] {
    var found: [String] = []
    guard let checked = checkedTree(text, problems: &found) else { return found }
    return unguardedReads(in: checked).map { "\($0.span.start)-\($0.span.end) \($0.test)" }
  }

  @Test(arguments: [
    ("request.headers['x'] == 'a'", ["0-20 \"x\" in request.headers"]),
    ("request.headers.x == 'a'", ["0-17 \"x\" in request.headers"]),
    ("request.headers['a\\\"\\\\\\n'] == ''", ["0-26 \"a\\\"\\\\\\n\" in request.headers"]),
    ("'y' in request.headers && request.headers['x'] == 'a'", ["26-46 \"x\" in request.headers"]),
    ("'x' in request.headers || request.headers['x'] == 'a'", ["26-46 \"x\" in request.headers"]),
    ("!('x' in request.headers) && request.headers['x'] == 'a'", ["29-49 \"x\" in request.headers"]),
    ("has(request.headers.x) ? 'a' : request.headers.x", ["31-48 \"x\" in request.headers"]),
    ("('x' in request.headers && flag) == flag && request.headers['x'] == 'a'", ["44-64 \"x\" in request.headers"]),
    ("request.auth.claims.groups.exists(g, g == 'a')", ["0-26 \"groups\" in request.auth.claims"]),
    ("numbers.exists(n, request.headers['x'] == string(n))", ["18-38 \"x\" in request.headers"]),
    (
      "request.headers.x == request.headers['x'] || request.headers.y == ''",
      ["0-17 \"x\" in request.headers", "45-62 \"y\" in request.headers"]
    ),
    ("size(request.headers['x'] + 'a')", ["5-25 \"x\" in request.headers"]),
  ])
  func readsWithoutATestAreFound(_ text: String, _ expected: [String]) {
    #expect(unguarded(text) == expected)
  }

  @Test(arguments: [
    "'x' in request.headers && request.headers['x'] == 'a'",
    "request.headers['x'] == 'a' && 'x' in request.headers",
    "has(request.headers.x) && (flag || request.headers['x'] == 'a')",
    "flag && ('x' in request.headers && flag) && request.headers.x == 'a'",
    "!('x' in request.headers) || request.headers['x'] == 'a'",
    "!has(request.headers.x) || flag || request.headers.x.startsWith('a')",
    "!('x' in request.headers && flag) || request.headers['x'] == 'a'",
    "!(!('x' in request.headers) || request.headers['x'] == 'a')",
    "has(request.headers.x) ? request.headers.x : 'none'",
    "!has(request.headers.x) ? 'none' : request.headers.x",
    "has(request.headers.x) && numbers.exists(n, string(n) == request.headers.x)",
    "numbers.map(n, 'x' in request.headers, request.headers.x) == []",
    "has(request.headers.x)",
    "request.headers[request.method] == 'a'",
    "size(request.headers) < 5 && request.headers.all(k, k != '')",
    "{'x': 1}['x'] == 1 && anything.x == 1",
  ])
  func guardedReadsAreNot(_ text: String) {
    #expect(unguarded(text) == [])
  }
}
