// The library `strings`. Positions are code points, results are bounded, and what is wrong is an error.

import CELHost
import Testing

@testable import CEL

@Suite struct StringsExtensionTests {
  private static func host() -> TestHost {
    let host = TestHost()
    host.environment.enable(.strings)
    host.declare("s", .string, host.string("naïve café ☕ time"))
    host.declare("empty", .string, host.string(""))
    host.declare("list", .dyn, host.strings(["a", "b", "c"]))
    host.declare("big", .string, host.string(String(repeating: "ab", count: 50_000)))
    return host
  }

  @Test(arguments: [
    ("s.charAt(2)", "\"ï\""), ("s.charAt(11)", "\"☕\""), ("s.charAt(17)", "\"\""),
    ("s.charAt(18)", "error: indexOutOfRange"),
    ("s.charAt(-1)", "error: indexOutOfRange"), ("empty.charAt(0)", "\"\""),
    ("s.indexOf('é')", "9"), ("s.indexOf('time')", "13"), ("s.indexOf('e', 4)", "4"), ("s.indexOf('e', 5)", "16"),
    ("s.indexOf('zebra')", "-1"), ("s.indexOf('')", "0"), ("s.indexOf('', 17)", "17"),
    ("s.indexOf('a', 17)", "-1"), ("s.indexOf('a', 18)", "error: indexOutOfRange"),
    ("s.indexOf('a', -1)", "error: indexOutOfRange"),
    ("empty.indexOf('')", "0"), ("empty.indexOf('x')", "-1"),
    ("s.lastIndexOf('e')", "16"), ("s.lastIndexOf('e', 15)", "4"), ("s.lastIndexOf('')", "17"),
    ("s.lastIndexOf('☕')", "11"), ("s.lastIndexOf('☕', 10)", "-1"), ("empty.lastIndexOf('x')", "-1"),
    ("s.lastIndexOf('e', 17)", "16"), ("'aaaa'.lastIndexOf('aa')", "2"),
    ("s.substring(6, 10)", "\"café\""), ("s.substring(13)", "\"time\""), ("s.substring(17)", "\"\""),
    ("s.substring(18)", "error: indexOutOfRange"), ("s.substring(3, 2)", "error: invalidArgument"),
    ("s.substring(0, 0)", "\"\""), ("empty.substring(0)", "\"\""),
  ])
  func positionsCountCodePoints(_ text: String, _ expected: String) {
    #expect(Self.host().evaluate(text) == expected)
    #expect(Self.host().evaluate(text, isChecked: false) == expected)
  }

  @Test(arguments: [
    ("'a,b,,c'.split(',')", "[\"a\", \"b\", \"\", \"c\"]"), ("'a,b,c'.split(',', 2)", "[\"a\", \"b,c\"]"),
    ("'a,b'.split(',', 9)", "[\"a\", \"b\"]"), ("'a,b'.split(',', -3)", "[\"a\", \"b\"]"),
    ("'a,b'.split(',', 0)", "[]"),
    ("'a,'.split(',')", "[\"a\", \"\"]"), ("empty.split(',')", "[\"\"]"), ("'é☕x'.split('')", "[\"é\", \"☕\", \"x\"]"),
    ("'é☕x'.split('', 2)", "[\"é\", \"☕x\"]"), ("empty.split('')", "[\"\"]"),
    ("list.join('+')", "\"a+b+c\""), ("list.join()", "\"abc\""), ("[empty, empty].join('-')", "\"-\""),
    ("dyn([1]).join()", "error: noSuchOverload"), ("dyn(['a', 1]).join()", "error: noSuchOverload"),
    ("'banana'.replace('an', 'AN')", "\"bANANa\""), ("'banana'.replace('an', '', 1)", "\"bana\""),
    ("'banana'.replace('a', 'b', 0)", "\"banana\""), ("'banana'.replace('a', 'o', -1)", "\"bonono\""),
    ("'é☕'.replace('', '.')", "\".é.☕.\""), ("'é☕'.replace('', '.', 2)", "\".é.☕\""),
    ("empty.replace('', 'x')", "\"x\""),
    ("'banana'.replace('x', 'y')", "\"banana\""),
    ("'ÀbC'.lowerAscii()", "\"Àbc\""), ("'ÀbC'.upperAscii()", "\"ÀBC\""), ("'[@`{'.upperAscii()", "\"[@`{\""),
    ("'é☕x'.reverse()", "\"x☕é\""), ("empty.reverse()", "\"\""),
    ("'\\u3000 a b\\t\\n'.trim()", "\"a b\""), ("'  '.trim()", "\"\""), ("'\\u200bx'.trim() == '\\u200bx'", "true"),
    ("strings.quote('a\"\\\\\\n\\u0007☕')", "\"\\\"a\\\\\\\"\\\\\\\\\\\\n\\\\a☕\\\"\""),
  ])
  func textsAreTakenApartAndPutTogether(_ text: String, _ expected: String) {
    #expect(Self.host().evaluate(text) == expected)
    #expect(Self.host().evaluate(text, isChecked: false) == expected)
  }

  @Test(arguments: [
    ("'%s|%d|%%'.format(['x', 7])", "\"x|7|%\""), ("'%s'.format([list])", "\"[a, b, c]\""),
    ("'%s %s'.format([true, null])", "\"true null\""),
    ("'%s'.format([{'b': 1, 'a': [2.5, {}]}])", "\"{a: [2.5, {}], b: 1}\""),
    ("'%s'.format([duration('1.5s')])", "\"1.5s\""), ("'%s'.format([duration('90m')])", "\"5400s\""),
    ("'%s'.format([timestamp('2024-05-06T07:08:09.100Z')])", "\"2024-05-06T07:08:09.1Z\""),
    ("'%s'.format([type(1)])", "\"int\""), ("'%s'.format([b'abc'])", "\"abc\""),
    ("'%s'.format([b'\\xff'])", "error: invalidUTF8"),
    ("'%d %d'.format([1e21, -0.5])", "\"1000000000000000000000 -0.5\""), ("'%s'.format([1e-7])", "\"0.0000001\""),
    ("'%s'.format([0.0])", "\"0\""), ("'%d'.format([18446744073709551615u])", "\"18446744073709551615\""),
    ("'%.2f %f'.format([2.675, 1])", "\"2.67 1.000000\""), ("'%.0f'.format([2.5])", "\"2\""),
    ("'%.1e'.format([12345u])", "\"1.2e+04\""),
    ("'%f'.format([-1.0 / 0.0])", "\"-Infinity\""), ("'%e'.format([0.0 / 0.0])", "\"NaN\""),
    ("'%x %X %x'.format([255, 255u, -16])", "\"ff FF -10\""), ("'%x'.format(['é'])", "\"c3a9\""),
    ("'%X'.format([b'\\x0a'])", "\"0A\""),
    ("'%o %b %b %b'.format([8, -5, true, 0])", "\"10 -101 1 0\""),
    ("'%x'.format([-9223372036854775807 - 1])", "\"-8000000000000000\""),
    ("'%o'.format([18446744073709551615u])", "\"1777777777777777777777\""),
    ("'no clause'.format([1, 2])", "\"no clause\""), ("empty.format([])", "\"\""),
    ("'%'.format([1])", "error: invalidArgument"), ("'%.'.format([1.0])", "error: invalidArgument"),
    ("'%.f'.format([1.0])", "error: invalidArgument"), ("'%.2'.format([1.0])", "error: invalidArgument"),
    ("'%q'.format([1])", "error: invalidArgument"), ("'%é'.format([1])", "error: invalidArgument"),
    ("'%s %s'.format([1])", "error: indexOutOfRange"), ("'%.1001f'.format([1.0])", "error: invalidArgument"),
    ("'%.99999999999999999999f'.format([1.0])", "error: invalidArgument"),
    ("'%d'.format(['1'])", "error: invalidArgument"),
    ("'%b'.format([1.0])", "error: invalidArgument"), ("'%x'.format([true])", "error: invalidArgument"),
    ("'%f'.format(['1'])", "error: invalidArgument"), ("size('%.1000f'.format([1e308]))", "1310"),
  ])
  func formatHasAClauseForEveryKind(_ text: String, _ expected: String) {
    #expect(Self.host().evaluate(text) == expected)
    #expect(Self.host().evaluate(text, isChecked: false) == expected)
  }

  @Test(arguments: [
    "big.replace('a', big)", "big.split('').map(x, big.replace('b', 'cc')).join()", "'%s'.format([big.split('')])",
    "big.lastIndexOf('ab'.replace('ab', big) + 'c')", "big.replace('', big)",
  ])
  func whatGrowsWithoutBoundEndsInAnError(_ text: String) {
    let result = Self.host().evaluate(text)
    #expect(
      ["error: stepBudgetSpent", "error: memorySpent", "-1"].contains(result) || result.hasPrefix("\"["),
      "\(result.prefix(80))")
  }

  @Test func nothingIsThereUntilItIsEnabled() {
    for library in Extension.allCases {
      let host = TestHost()
      #expect(host.environment.extensions.isEmpty)
      host.environment.enable(library)
      host.environment.enable(library)
      #expect(host.environment.extensions == [library])
    }
    let host = TestHost()
    #expect(host.evaluate("'a'.charAt(0)").hasPrefix("refused: check: undeclared function `charAt`"))
    #expect(host.evaluate("'a'.charAt(0)").contains("needs the extension `strings`, which is not enabled"))
    #expect(host.evaluate("math.abs(-1)").hasPrefix("refused: check"))
    #expect(host.evaluate("'a'.charAt(0)", isChecked: false) == "error: noSuchOverload")
  }
}
