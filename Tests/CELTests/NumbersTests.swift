import CELHost
import Testing

@testable import CEL

@Suite struct NumbersTests {
  @Test(arguments: [
    ("9223372036854775807 + 1", "error: integerOverflow"),
    ("-9223372036854775808 - 1", "error: integerOverflow"),
    ("4611686018427387904 * 2", "error: integerOverflow"),
    ("-(-9223372036854775808)", "error: integerOverflow"),
    ("-9223372036854775808 / -1", "error: integerOverflow"),
    ("-9223372036854775808 % -1", "error: integerOverflow"),
    ("3u - 4u", "error: integerOverflow"),
    ("18446744073709551615u + 1u", "error: integerOverflow"),
    ("9223372036854775808u * 2u", "error: integerOverflow"),
    ("7 / 0", "error: divisionByZero"),
    ("7u / 0u", "error: divisionByZero"),
    ("7 % 0", "error: modulusByZero"),
    ("7u % 0u", "error: modulusByZero"),
    ("-7 / 2", "-3"),
    ("-7 % 2", "-1"),
    ("7 % -2", "1"),
    ("9223372036854775806 + 1", "9223372036854775807"),
    ("2.5 / 0.0", "double(\"inf\")"),
    ("-2.5 / 0.0", "double(\"-inf\")"),
    ("0.0 / 0.0 == 0.0 / 0.0", "false"),
    ("0.0 == -0.0", "true"),
    ("-0.0", "-0.0"),
    ("1.5 + 2.25", "3.75"),
  ])
  func arithmeticIsChecked(_ text: String, _ expected: String) {
    #expect(TestHost().evaluate(text) == expected)
    // The same through operands that are not known before the evaluation.
    #expect(TestHost().evaluate("[dyn(0)].map(zero, \(text))[0]") == expected)
  }

  @Test(arguments: [
    ("dyn(2) == 2.0", "true"),
    ("dyn(2) == 2u", "true"),
    ("dyn(2u) == 2.0", "true"),
    ("dyn(-1) == 18446744073709551615u", "false"),
    ("dyn(-1) < 0u", "true"),
    ("dyn(18446744073709551615u) > 9223372036854775807", "true"),
    ("dyn(9007199254740993) == 9007199254740992.0", "true"),
    ("9223372036854775807 < dyn(9223372036854775808.0)", "false"),
    ("dyn(1) < 1.5", "true"),
    ("dyn(2u) >= 1.5", "true"),
    ("dyn(1) == '1'", "false"),
    ("dyn(null) == 1", "false"),
    ("dyn(1) != '1'", "true"),
    ("dyn(1) < '1'", "error: noSuchOverload"),
    ("dyn(0.0 / 0.0) < 1", "false"),
    ("dyn(0.0 / 0.0) >= 1", "false"),
    ("dyn(0.0 / 0.0) in [0.0 / 0.0]", "false"),
    ("[0.0 / 0.0] == [0.0 / 0.0]", "false"),
    ("dyn(1u) in [3, 2, 1]", "true"),
    ("dyn(1.0) in {1: 'a'}", "true"),
    ("1.5 in {1: 'a'}", "refused: check: no overload"),
    ("{1: 'a'}[dyn(1.0)]", "\"a\""),
    ("{1: 'a'}[dyn(1.5)]", "error: noSuchKey"),
    ("{9007199254740993: 'a'}[dyn(9007199254740992.0)]", "error: noSuchKey"),
    ("{1u: 'a'}[dyn(1)]", "\"a\""),
    ("['a', 'b'][dyn(1.0)]", "\"b\""),
    ("['a', 'b'][dyn(1u)]", "\"b\""),
    ("['a', 'b'][dyn(0.5)]", "error: invalidArgument"),
    ("['a', 'b'][-1]", "error: indexOutOfRange"),
    ("['a', 'b'][2]", "error: indexOutOfRange"),
    ("['a'][dyn('0')]", "error: noSuchOverload"),
    ("{1: 1, 2u: 2} == {1u: 1.0, 2: 2u}", "true"),
    ("dyn({1: 1, 2u: 2}) == dyn({1u: 1.0, 2: 2u})", "true"),
  ])
  func numbersAreOneLine(_ text: String, _ expected: String) {
    let result = TestHost().evaluate(text)
    if expected.hasPrefix("refused") {
      #expect(result.hasPrefix("refused") || result == "false")
    } else if result.hasPrefix("refused") {
      #expect(TestHost().evaluate(text, isChecked: false) == expected)
    } else {
      #expect(result == expected)
    }
  }

  @Test(arguments: [
    ("int(7.9)", "7"), ("int(-7.9)", "-7"), ("int(9223372036854775808.0)", "error: rangeError"),
    ("int(-9223372036854775808.0)", "error: rangeError"), ("int(9223372036854774784.0)", "9223372036854774784"),
    ("int(0.0 / 0.0)", "error: rangeError"), ("int(18446744073709551615u)", "error: rangeError"),
    ("int(' +12 ')", "12"), ("int('-9223372036854775808')", "-9223372036854775808"),
    ("int('9223372036854775808')", "error: invalidArgument"), ("int('0x10')", "error: invalidArgument"),
    ("int('')", "error: invalidArgument"), ("int('-')", "error: invalidArgument"),
    ("int('1 2')", "error: invalidArgument"),
    ("uint(-1)", "error: rangeError"), ("uint(-0.5)", "error: rangeError"), ("uint(1.9)", "1u"),
    ("uint(18446744073709551616.0)", "error: rangeError"), ("uint('-1')", "error: invalidArgument"),
    ("uint('18446744073709551615')", "18446744073709551615u"),
    ("uint('18446744073709551616')", "error: invalidArgument"),
    ("double('1e400')", "double(\"inf\")"), ("double('-inf')", "double(\"-inf\")"), ("double('1.5')", "1.5"),
    ("double('.5')", "0.5"), ("double('0x10')", "error: invalidArgument"), ("double('')", "error: invalidArgument"),
    ("double('nan') == double('nan')", "false"), ("double('nan(1)')", "error: invalidArgument"),
    ("double(9223372036854775807)", "9.223372036854776e+18"),
    ("string(1.0)", "\"1\""), ("string(123456789.0)", "\"1.23456789e+08\""), ("string(0.1)", "\"0.1\""),
    ("string(-0.0045)", "\"-0.0045\""), ("string(0.00001)", "\"1e-05\""), ("string(0.0001)", "\"0.0001\""),
    ("string(123456.0)", "\"123456\""), ("string(1000000.0)", "\"1e+06\""), ("string(1e100)", "\"1e+100\""),
    ("string(5e-324)", "\"5e-324\""), ("string(1.7976931348623157e308)", "\"1.7976931348623157e+308\""),
    ("string(1.0 / 3.0)", "\"0.3333333333333333\""), ("string(-0.0)", "\"-0\""), ("string(100.25)", "\"100.25\""),
    ("string(1.0 / 0.0)", "\"inf\""), ("string(-1.0 / 0.0)", "\"-inf\""), ("string(0.0 / 0.0)", "\"nan\""),
    ("string(-9223372036854775808)", "\"-9223372036854775808\""),
    ("string(18446744073709551615u)", "\"18446744073709551615\""), ("string(0)", "\"0\""),
    ("string(true)", "\"true\""), ("string(b'\\xff')", "error: invalidUTF8"),
    ("string(b'\\xed\\xa0\\x80')", "error: invalidUTF8"), ("string(b'\\xf0\\x9f\\x98\\x80') == '\\U0001F600'", "true"),
    ("string(b'\\xc0\\x80')", "error: invalidUTF8"), ("string(b'\\xf4\\x90\\x80\\x80')", "error: invalidUTF8"),
    ("bytes('\\u00e9')", "b\"\\xc3\\xa9\""),
    ("bool('TrUe')", "error: invalidArgument"), ("bool('t')", "true"), ("bool('0')", "false"),
    ("bool('')", "error: invalidArgument"), ("bool(true)", "true"),
  ])
  func conversionsFollowTheReference(_ text: String, _ expected: String) {
    #expect(TestHost().evaluate(text) == expected)
  }

  @Test func everyDoubleReadsBackFromItsText() {
    var state: UInt64 = 1
    for _ in 0..<3_000 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let number = Double(bitPattern: state)
      guard number.isFinite else { continue }
      var text = ShortText()
      text.append(number)
      #expect(Double(text.text) == number)
      #expect(Self.digits(text.text).count == Self.digits("\(number)").count)
    }
  }

  /// The significant digits of a number's text.
  private static func digits(_ text: String) -> Substring {
    let mantissa = text.split(separator: "e").first.map { $0.filter { $0.isNumber } } ?? ""
    let start = mantissa.drop { $0 == "0" }
    return start.dropLast(start.reversed().prefix { $0 == "0" }.count)
  }
}
