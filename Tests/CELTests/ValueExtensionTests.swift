// The libraries on numbers, bytes, lists and addresses.

import CELHost
import Testing

@testable import CEL

@Suite struct ValueExtensionTests {
  private static func host() -> TestHost {
    let host = TestHost()
    for library in Extension.allCases { host.environment.enable(library) }
    host.declare("n", .int, .int(-7))
    host.declare("d", .double, .double(2.5))
    host.declare("any", .dyn, .uint(9))
    host.declare("ints", .dyn, host.arena.list((0..<2_000).map { .int($0) }) ?? .null)
    host.declare("client", .string, host.string("10.1.2.3"))
    return host
  }

  private func expect(_ text: String, _ expected: String) {
    #expect(Self.host().evaluate(text) == expected, "\(text)")
    #expect(Self.host().evaluate(text, isChecked: false) == expected, "\(text), unchecked")
  }

  @Test(arguments: [
    ("math.greatest(n, 3)", "3"), ("math.greatest(n, 3u, 2.5)", "3u"), ("math.least(n, any)", "-7"),
    ("math.greatest(1.0, 1)", "1.0"), ("math.greatest(1, 1.0)", "1"), ("math.least([3, 1, 2])", "1"),
    ("math.greatest([d])", "2.5"), ("math.greatest(dyn([1, 'a']))", "error: noSuchOverload"),
    ("math.least(dyn([]))", "error: invalidArgument"), ("math.greatest(1, 2, 3, 4, 5, 6, 7, 8, n)", "8"),
    ("math.least(0.0 / 0.0, 1.0) == 1.0", "false"),
    ("math.ceil(d)", "3.0"), ("math.ceil(-d)", "-2.0"), ("math.floor(d)", "2.0"), ("math.floor(-d)", "-3.0"),
    ("math.round(d)", "3.0"), ("math.round(-d)", "-3.0"), ("math.round(0.49999999999999994)", "0.0"),
    ("math.trunc(-d)", "-2.0"), ("math.trunc(1e300)", "1e+300"), ("math.ceil(-0.5)", "-0.0"),
    ("math.floor(4503599627370497.0) == 4503599627370497.0", "true"), ("math.isInf(math.floor(1.0 / 0.0))", "true"),
    ("math.abs(n)", "7"), ("math.abs(any)", "9u"), ("math.abs(-d)", "2.5"),
    ("math.abs(-9223372036854775807 - 1)", "error: integerOverflow"),
    ("math.sign(n)", "-1"), ("math.sign(-0.0) == 0.0", "true"), ("math.isNaN(math.sign(0.0 / 0.0))", "true"),
    ("math.sqrt(81)", "9.0"), ("math.sqrt(2.25)", "1.5"), ("math.isNaN(math.sqrt(-1))", "true"),
    ("math.bitAnd(12, 10)", "8"), ("math.bitOr(12u, 3u)", "15u"), ("math.bitXor(5, -1)", "-6"),
    ("math.bitNot(any)", "18446744073709551606u"),
    ("math.bitShiftLeft(1, 63)", "-9223372036854775808"), ("math.bitShiftRight(-1, 60)", "15"),
    ("math.bitShiftRight(n, 64)", "0"), ("math.bitShiftLeft(1, -1)", "error: invalidArgument"),
    ("math.abs(dyn('x'))", "error: noSuchOverload"),
  ])
  func numbersAreComparedRoundedAndShifted(_ text: String, _ expected: String) { expect(text, expected) }

  @Test func threeAndMoreNumbersAreCheckedAsAList() throws {
    let host = Self.host()
    func type(_ text: String) throws -> String {
      let checked = try host.check(text)
      return checked.table.name(checked.resultType)
    }
    #expect(try type("math.greatest(1, 2, 3)") == "int")
    #expect(try type("math.greatest(1, 2u, 3)") == "dyn")
    #expect(try type("math.greatest(1, 2u)") == "dyn")
    #expect(try type("math.least([1.0])") == "double")
    #expect(host.evaluate("math.greatest('a', 'b', 'c')").hasPrefix("refused: check"))
    #expect(host.evaluate("math.greatest()").hasPrefix("refused: check"))
    #expect(host.evaluate("math.greatest()", isChecked: false) == "error: noSuchOverload")
  }

  @Test(arguments: [
    ("base64.encode(b'')", "\"\""), ("base64.encode(b'f')", "\"Zg==\""), ("base64.encode(b'fo')", "\"Zm8=\""),
    ("base64.encode(b'foo')", "\"Zm9v\""), ("base64.encode(b'\\xfb\\xff')", "\"+/8=\""),
    ("base64.decode('Zg')", "b\"f\""), ("base64.decode('Zm8=')", "b\"fo\""), ("base64.decode('Z m\\n9v')", "b\"foo\""),
    ("base64.decode('+/8') == b'\\xfb\\xff'", "true"), ("base64.decode('Z')", "error: invalidArgument"),
    ("base64.decode('Zg=')", "error: invalidArgument"), ("base64.decode('Zm9v=')", "error: invalidArgument"),
    ("base64.decode('Zg==Zg==')", "error: invalidArgument"), ("base64.decode('-_')", "error: invalidArgument"),
  ])
  func base64GoesThereAndBack(_ text: String, _ expected: String) { expect(text, expected) }

  @Test(arguments: [
    ("[1, 2, 3, 4].slice(1, 3)", "[2, 3]"), ("[1, 2].slice(2, 2)", "[]"),
    ("[1, 2].slice(0, 3)", "error: indexOutOfRange"),
    ("[1, 2].slice(-1, 1)", "error: indexOutOfRange"), ("[1, 2].slice(2, 1)", "error: invalidArgument"),
    ("[[1], [2, 3], []].flatten()", "[1, 2, 3]"), ("[1, [2, [3, [4]]]].flatten(2)", "[1, 2, 3, [4]]"),
    ("[1, [2]].flatten(0)", "[1, [2]]"), ("[[1]].flatten(-1)", "error: invalidArgument"),
    ("dyn([1, 2]).flatten()", "[1, 2]"),
    ("[1, [2, [3]]].flatten(9223372036854775807)", "[1, 2, 3]"),
    ("[3, n, 2].sort()", "[-7, 2, 3]"), ("['b', 'a', 'é'].sort()", "[\"a\", \"b\", \"é\"]"),
    ("[duration('2s'), duration('1s')].sort()", "[duration(\"1s\"), duration(\"2s\")]"), ("[].sort()", "[]"),
    ("dyn([1, 'a']).sort()", "error: invalidArgument"), ("[2.0, 0.0 / 0.0, 1.0].sort().slice(1, 3)", "[1.0, 2.0]"),
    ("dyn([[1]]).sort()", "error: noSuchOverload"),
    ("[true, false].sort()", "[false, true]"), ("ints.reverse().sort() == ints", "true"),
    ("[1, 1.0, dyn('a'), 2, 'a'].distinct()", "[1, \"a\", 2]"), ("[[1], [1]].distinct()", "[[1]]"),
    ("[].distinct()", "[]"),
    ("[1, 2, 3].reverse()", "[3, 2, 1]"), ("'abc'.reverse()", "\"cba\""), ("dyn([1, 2]).reverse()", "[2, 1]"),
    ("dyn('ab').reverse()", "\"ba\""), ("dyn(1).reverse()", "error: noSuchOverload"),
    ("lists.range(4)", "[0, 1, 2, 3]"), ("lists.range(0)", "[]"), ("lists.range(-1)", "error: invalidArgument"),
    ("lists.range(4).map(x, x * x)", "[0, 1, 4, 9]"), ("lists.range(9223372036854775807)", "error: memorySpent"),
    ("ints.map(x, ints).flatten().map(y, ints).flatten()", "error: stepBudgetSpent"),
    ("size(ints.distinct())", "error: stepBudgetSpent"),
  ])
  func listsAreCutSortedAndFlattened(_ text: String, _ expected: String) { expect(text, expected) }

  @Test(arguments: [
    ("['bb', 'a', 'ccc'].sortBy(s, -size(s))", "[\"ccc\", \"bb\", \"a\"]"), ("[3, 1, 2].sortBy(x, x)", "[1, 2, 3]"),
    ("[{'n': 2}, {'n': 1}].sortBy(m, m.n).map(m, m.n)", "[1, 2]"), ("[].sortBy(x, x)", "[]"),
    ("['b1', 'a2', 'b0', 'a1'].sortBy(s, s.charAt(0))", "[\"a2\", \"a1\", \"b1\", \"b0\"]"),
    ("[2, 1].sortBy(x, [3, 4].sortBy(y, -y)[x - 1])", "[2, 1]"),
    ("[2, 1].sortBy(x, 1 / (x - 1))", "error: divisionByZero"),
    ("[1, 2].sortBy(x, x == 1 ? dyn('a') : dyn(1))", "error: invalidArgument"),
    ("dyn(7).sortBy(x, x)", "error: noSuchOverload"),
    ("[1, 2].sortBy(x, dyn([x]))", "error: noSuchOverload"), ("[n, 4].sortBy(x, math.abs(x)).slice(0, 1)", "[4]"),
    ("size(ints.sortBy(x, -x))", "2000"),
  ])
  func listsAreSortedByKeys(_ text: String, _ expected: String) { expect(text, expected) }

  @Test func whatHasNoOrderIsNoKey() {
    let refused = { (text: String) in Self.host().evaluate(text) }
    #expect(refused("[1].sortBy(x, [x])").contains("needs a key that has an order"))
    #expect(refused("{'a': 1}.sortBy(x, x)").contains("sorts a list"))
    #expect(refused("[1].sortBy(x)").contains("`sortBy` takes a name and a key"))
    #expect(TestHost().evaluate("[1].sortBy(x, x)").contains("needs the extension `lists`"))
  }

  @Test(arguments: [
    ("sets.contains([1, 2, 3], [3, 1])", "true"), ("sets.contains([1], [1, 2])", "false"),
    ("sets.contains([], [])", "true"),
    ("sets.contains([dyn(1.0)], [1, 1u])", "true"), ("sets.equivalent([1, 2, 2], [2, 1])", "true"),
    ("sets.equivalent([1], [1, 2])", "false"), ("sets.intersects([1, 2], [2, 3])", "true"),
    ("sets.intersects([], [1])", "false"),
    ("sets.intersects([[1]], [[2], [1]])", "true"), ("sets.contains(dyn(1), [1])", "error: noSuchOverload"),
    ("sets.contains(ints, ints)", "error: stepBudgetSpent"),
  ])
  func listsAreComparedAsSets(_ text: String, _ expected: String) { expect(text, expected) }

  @Test(arguments: [
    ("ip(client)", "ip(\"10.1.2.3\")"), ("string(ip('2001:DB8:0:0:1:0:0:1'))", "\"2001:db8::1:0:0:1\""),
    ("string(ip('0:0:0:0:0:0:0:0'))", "\"::\""), ("string(ip('1:0:2:3:4:5:6:7'))", "\"1:0:2:3:4:5:6:7\""),
    ("string(ip('fe80:0:0:1::'))", "\"fe80:0:0:1::\""), ("string(ip('::ffff:a01:203'))", "\"10.1.2.3\""),
    ("ip('1.2.3')", "error: notAnAddress"), ("ip('01.2.3.4')", "error: notAnAddress"),
    ("ip(' 1.2.3.4')", "error: notAnAddress"),
    ("ip('')", "error: notAnAddress"), ("ip('::1%lo')", "error: notAnAddress"), ("isIP('256.1.1.1')", "false"),
    ("isIP('::1.2.3.4')", "true"),
    ("ip.isCanonical('::1')", "true"), ("ip.isCanonical('0::1')", "false"),
    ("ip.isCanonical('x')", "error: notAnAddress"),
    ("ip(client).family()", "4"), ("ip('10.0.0.1') in [ip('10.0.0.1')]", "true"),
    ("ip('10.0.0.1') == ip('::a00:1')", "false"),
    ("cidr('10.0.0.0/8').containsIP(client)", "true"), ("cidr('10.0.0.0/8').containsIP(ip('11.0.0.1'))", "false"),
    ("cidr('0.0.0.0/0').containsIP('255.255.255.255')", "true"), ("cidr('::/0').containsIP('1.2.3.4')", "false"),
    ("cidr('2001:db8::/47').containsIP('2001:db8:1::')", "true"),
    ("cidr('2001:db8::/48').containsIP('2001:db8:1::')", "false"),
    ("cidr('::8000:0:0:0/65').containsIP('::8fff:0:0:1')", "true"),
    ("cidr('::8000:0:0:0/65').containsIP('::1')", "false"),
    ("cidr('10.0.0.0/8').containsCIDR('10.9.0.0/16')", "true"),
    ("cidr('10.9.0.0/16').containsCIDR('10.0.0.0/8')", "false"),
    ("cidr('10.0.0.0/8').containsIP('x')", "error: notAnAddress"),
    ("cidr('10.0.0.0/8').containsCIDR('10.0.0.0')", "error: notAnAddress"),
    ("cidr('10.1.2.3/8').masked()", "cidr(\"10.0.0.0/8\")"), ("cidr('10.1.2.3/8').ip() == ip(client)", "true"),
    ("cidr('10.1.2.3/8') == cidr('10.0.0.0/8')", "false"),
    ("string(cidr('2001:db8::1/64').masked())", "\"2001:db8::/64\""),
    ("cidr('2001:db8::1/128').prefixLength()", "128"), ("isCIDR('10.0.0.0/33')", "false"),
    ("isCIDR('10.0.0.0/08')", "false"),
    ("isCIDR('10.0.0.0/+8')", "false"), ("isCIDR('/8')", "false"), ("isCIDR('::ffff:a01:203/120')", "false"),
    ("isCIDR('::/129')", "false"),
    ("type(ip(client)) == net.IP", "true"), ("type(ip(client)) == net.CIDR", "false"),
    ("string(dyn(ip(client)))", "\"10.1.2.3\""),
    ("string(dyn(7))", "\"7\""), ("ip(client).isGlobalUnicast()", "true"),
    ("ip('224.0.0.9').isGlobalUnicast()", "false"),
    ("ip('fe80::1').isGlobalUnicast()", "false"), ("ip('ff12::1').isLinkLocalMulticast()", "true"),
    ("ip('febf::1').isLinkLocalUnicast()", "true"),
    ("ip('127.255.0.1').isLoopback()", "true"), ("ip('::2').isLoopback()", "false"),
    ("[ip('::2')].map(x, string(x))", "[\"::2\"]"),
    ("dyn('x').family()", "error: noSuchOverload"), ("ip(client) < ip(client) || true", "true"),
  ])
  func addressesAndRangesAreValues(_ text: String, _ expected: String) {
    if text.contains("<") || text.hasPrefix("dyn('x')") {
      #expect(Self.host().evaluate(text, isChecked: false) == expected, "\(text)")
    } else {
      expect(text, expected)
    }
  }
}
