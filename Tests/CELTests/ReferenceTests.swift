// Where thousands of generated expressions, evaluated here and by cel-cpp, had shown a difference: what was mended, and
// what is meant to differ.

import CEL
import CELHost
import Testing

@Suite struct ReferenceTests {
  private func evaluate(_ text: String, isChecked: Bool = true) -> String {
    let host = TestHost()
    for library in [Extension.strings, .lists, .sets, .regex, .bindings, .optionals, .twoVariableComprehensions] {
      host.environment.enable(library)
    }
    host.environment.schema = .wellKnown
    return host.evaluate(text, isChecked: isChecked)
  }

  @Test(arguments: ["\r\n", "\r", "\n"])
  func aLiteralHasTheSameLineEndsHoweverItsFileHas(newline: String) {
    #expect(evaluate("'''a\(newline)b''' == 'a\\nb'") == "true")
    #expect(evaluate("r\"\"\"\\\(newline)\"\"\" == '\\\\\\n'") == "true")
    #expect(evaluate("b'''\(newline)\(newline)''' == b'\\n\\n'") == "true")
  }

  @Test func anEscapedCarriageReturnStays() {
    #expect(evaluate("'''a\\r\\nb'''.size()") == "4")
  }

  @Test(arguments: [
    "[1].map(x,)", "[1].all(x,)", "[1].all(k, x,)", "[1].transformList(k,)", "[1].sortBy(x,)", "o.optMap(x,)",
  ])
  func nothingAfterAMacrosCommaDoesNotParse(text: String) {
    #expect(evaluate(text, isChecked: false).hasPrefix("refused: parse: "))
  }

  @Test(arguments: [
    ("[1] in dyn({1: 'a'})", "error: noSuchOverload"), ("dyn(b'a') in {'a': 1}", "error: noSuchOverload"),
    ("dyn(null) in {}", "error: noSuchOverload"), ("dyn({}) in {} || true", "true"),
    ("dyn(1.5) in {1: 'a'}", "false"), ("dyn(true) in {1: 'a'}", "false"), ("dyn(b'a') in ['a']", "false"),
  ])
  func whatIsNoKeyIsNotLookedFor(text: String, result: String) {
    #expect(evaluate(text) == result)
  }

  @Test(arguments: [
    ("'abc'.indexOf('c', 3)", "-1"), ("''.indexOf('a', 0)", "-1"), ("'abc'.indexOf('', 3)", "3"),
    ("'abc'.indexOf('c', 4)", "error: indexOutOfRange"), ("'abc'.lastIndexOf('c', 3)", "2"),
    ("'abc'.lastIndexOf('d', 3)", "-1"), ("'abc'.lastIndexOf('c', 4)", "error: indexOutOfRange"),
    ("'é'.lastIndexOf('é', 1)", "0"),
  ])
  func aSearchMayBeginAtTheEnd(text: String, result: String) {
    #expect(evaluate(text) == result)
  }

  @Test(arguments: ["Z", "", "1:00", "+1:00", "+24:00", "+01:60", "+01:00:00"])
  func aTimeZoneIsUTCOrAnOffsetOfTwoDigitsEachOrAName(name: String) {
    #expect(evaluate("timestamp(0).getHours('\(name)')") == "error: unknownTimeZone")
  }

  @Test(arguments: [
    ("regex.extractAll('é', '\\\\C')", "error: invalidUTF8"),
    ("regex.replace('é', '(\\\\C)', '\\\\1x')", "error: invalidUTF8"),
    ("regex.extract('é', '\\\\C\\\\C')", "optional.of(\"é\")"), ("regex.replace('aé', '\\\\B', '-')", "\"aé-\""),
    ("regex.extractAll('a\u{1F600}b', '.')", "[\"a\", \"\u{1F600}\", \"b\"]"),
  ])
  func aPatternCutsTextBetweenCodePointsOnly(text: String, result: String) {
    #expect(evaluate(text) == result)
  }

  @Test(arguments: ["0", "null", "google.protobuf.NullValue.NULL_VALUE"])
  func aNullValueIsWrittenAsNullOrAsItsNumber(text: String) {
    #expect(evaluate("google.protobuf.Value{null_value: \(text)} == null") == "true")
  }

  @Test func aNullValueIsNoOtherKind() {
    #expect(evaluate("google.protobuf.Value{null_value: 'a'}").hasPrefix("refused: check: "))
  }

  @Test(arguments: [
    "-(- (-9223372036854775808))", "!!dyn(1) || false", "'a'.substring(0, 1) == 'b' || 1 / 0 > 0",
  ])
  func repeatedSignsAreNotTakenAway(text: String) {
    #expect(evaluate(text).hasPrefix("error: "))
  }

  @Test(arguments: [
    ("r'\\'", "\"\\\\\""), ("'abc'.substring(0, 3)", "\"abc\""), ("string(0.0 / 0.0)", "\"nan\""),
    ("duration('0s') + duration('315576000000s') == duration('315576000000s')", "true"),
  ])
  func whereCelCppIsWrongWeAreRight(text: String, result: String) {
    #expect(evaluate(text) == result)
  }
}

@Suite struct SharedPartsTests {
  /// A value of `levels` levels of which each holds the one below twice, in `body` as `x`.
  private func evaluate(_ first: String, _ step: (String) -> String, _ body: String, levels: Int = 50) -> String {
    let host = TestHost()
    for library in [Extension.bindings, .lists, .sets, .optionals] { host.environment.enable(library) }
    var text = ""
    for level in 0..<levels {
      text += "cel.bind(x\(level), " + (level == 0 ? first : step("x\(level - 1)")) + ", "
    }
    text += "cel.bind(x, x\(levels - 1), \(body))" + String(repeating: ")", count: levels)
    return host.evaluate(text)
  }

  @Test(arguments: [
    "x == x", "x != x", "x in [x]", "[x, x].distinct() == []", "dyn(x).flatten(1000) == []", "sets.contains([x], [x])",
    "{'a': x} == {'a': x}", "optional.of(x) == optional.of(x)",
  ])
  func whatIsFarLargerThanItsPartsEndsWithTheBudget(body: String) {
    #expect(evaluate("1", { "[\($0), \($0)]" }, body) == "error: stepBudgetSpent")
  }

  @Test func mapsThatShareTheirPartsEndWithTheBudget() {
    #expect(evaluate("{'a': 1}", { "{'a': \($0), 'b': \($0)}" }, "x == x") == "error: stepBudgetSpent")
  }

  @Test(arguments: ["a != b", "a < b", "dyn(a) != b", "[a] != [b]", "!(a in {b: 1})"])
  func longTextsAreComparedForAPrice(comparison: String) {
    let host = TestHost()
    host.environment.enable(.lists)
    let text = String(repeating: "abcdefgh", count: 1 << 17)
    host.declare("a", .string, host.string(text + "a"))
    host.declare("b", .string, host.string(text + "b"))
    #expect(host.evaluate("lists.range(100000).all(i, \(comparison))") == "error: stepBudgetSpent")
    #expect(host.evaluate(comparison) == "true")
  }
}
