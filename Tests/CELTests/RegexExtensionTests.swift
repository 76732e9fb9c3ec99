// The library `regex`: where RE2 finds something, what a replacement says, and what a bad pattern does.

import CELHost
import Testing

@testable import CEL

@Suite(.enabled(if: regexLibrary != nil)) struct RegexExtensionTests {
  private static func host() -> TestHost {
    let host = TestHost()
    host.environment.enable(.regex)
    host.environment.enable(.optionals)
    host.declare("path", .string, host.string("/users/7/posts/42"))
    host.declare("pattern", .string, host.string("[0-9]+"))
    host.declare("broken", .string, host.string("(["))
    host.declare("long", .string, host.string(String(repeating: "a", count: 200_000)))
    return host
  }

  @Test(arguments: [
    ("regex.replace(path, '[0-9]+', 'N')", "\"/users/N/posts/N\""),
    ("regex.replace(path, pattern, 'N')", "\"/users/N/posts/N\""),
    ("regex.replace(path, '[0-9]+', 'N', 1)", "\"/users/N/posts/42\""),
    ("regex.replace(path, '[0-9]+', 'N', 0) == path", "true"),
    ("regex.replace(path, '[0-9]+', 'N', -1)", "\"/users/N/posts/N\""),
    ("regex.replace(path, '/([a-z]+)/([0-9]+)', '<\\\\2:\\\\1>')", "\"<7:users><42:posts>\""),
    ("regex.replace('ab', '(x)?b', '[\\\\1\\\\0\\\\\\\\]')", "\"a[b\\\\]\""),
    ("regex.replace('héé', 'é*', '-')", "\"-h-\""),
    ("regex.replace('abc', '', '-')", "\"-a-b-c-\""), ("regex.replace('abc', '', '-', 2)", "\"-a-bc\""),
    ("regex.replace('', '^', 'x')", "\"x\""),
    ("regex.replace('aaa', '^a', 'b')", "\"baa\""), ("regex.replace(path, 'z', 'y') == path", "true"),
    ("regex.replace(path, 's', '\\\\1')", "error: invalidArgument"),
    ("regex.replace(path, 's', '\\\\')", "error: invalidArgument"),
    ("regex.replace(path, 's', '\\\\x')", "error: invalidArgument"),
    ("regex.replace(path, broken, '')", "error: invalidPattern"),
    ("regex.extract(path, '[0-9]+').value()", "\"7\""), ("regex.extract(path, 'posts/(.*)').orValue('?')", "\"42\""),
    ("regex.extract(path, 'x').hasValue()", "false"), ("regex.extract('b', '(a)?b') == optional.of('')", "true"),
    ("regex.extract(path, '(a)(b)')", "error: invalidArgument"),
    ("regex.extract(path, broken)", "error: invalidPattern"),
    ("regex.extractAll(path, '[0-9]+')", "[\"7\", \"42\"]"),
    ("regex.extractAll(path, '/([a-z]+)/')", "[\"users\", \"posts\"]"),
    ("regex.extractAll(path, 'x*')", "[]"), ("regex.extractAll('aaa', '^a')", "[\"a\"]"),
    ("regex.extractAll('a-b', '(a)?.')", "[\"a\"]"),
    ("regex.extractAll(path, '(a)(b)')", "error: invalidArgument"),
    ("regex.extractAll(path, broken)", "error: invalidPattern"),
    ("['1', 'x2'].map(s, regex.extractAll(s, '[a-z]'))", "[[], [\"x\"]]"),
    ("regex.extractAll(path, 'users') == regex.extractAll('users', 'users') && path.matches('(users)')", "true"),
  ])
  func patternsReplaceAndExtract(_ text: String, _ expected: String) {
    #expect(Self.host().evaluate(text) == expected)
    #expect(Self.host().evaluate(text, isChecked: false) == expected)
  }

  @Test func aBadConstantPatternIsRefusedBeforeAnythingRuns() {
    #expect(Self.host().evaluate("regex.replace(path, '(', '')").contains("invalid regular expression"))
    #expect(Self.host().evaluate("regex.extractAll('x', '(')").contains("invalid regular expression"))
  }

  @Test func aConstantPatternIsCompiledWithTheExpression() throws {
    let host = Self.host()
    let code = try host.compile("[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12].map(i, regex.replace(path, '[0-9]+', 'N'))")
    // Twelve compilations for a call each would spend the budget.
    host.evaluate(code) { #expect($0.kind == .list) }
    let other = try host.compile("[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12].map(i, regex.replace(path, pattern, 'N'))")
    host.evaluate(other) { #expect($0.kind == .error && $0.asError.code == .stepBudgetSpent) }
  }

  @Test(arguments: [
    "regex.replace(long, 'a', long)", "regex.extractAll(long, 'a')", "regex.replace(long, 'a|(a.*b)', '')",
  ])
  func aLongTextWithManyMatchesEndsInAnError(_ text: String) {
    #expect(["error: stepBudgetSpent", "error: memorySpent"].contains(Self.host().evaluate(text)))
  }
}
