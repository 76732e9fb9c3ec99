// Functions that a user of the library writes in Swift.

import CELHost
import Testing

@testable import CEL

@Suite struct CustomFunctionTests {
  private static func host() -> TestHost {
    let host = TestHost()
    host.declare("name", .string, host.string("Grace Hopper"))
    host.declare("n", .int, .int(7))
    host.declare("any", .dyn, .int(3))
    host.declare("gone", .string)
    host.environment.declare(function: "initials", isMember: true, parameters: [.string], result: .string) { call in
      let words = call[0].asBytes.text.split(separator: " ")
      return call.string(words.map { String($0.prefix(1)) }.joined())
    }
    let strings = host.environment.types.list(.string)
    host.environment.declare(function: "text.words", parameters: [.string], result: strings) { call in
      let words = call[0].asBytes.text.split(separator: " ")
      return call.list(count: words.count) { call.string(String(words[$0])) }
    }
    host.environment.declare(function: "clamp", parameters: [.int, .int, .int], result: .int, isPure: true) { call in
      guard call[1].asInt <= call[2].asInt else { return call.failure(.invalidArgument) }
      return .int(min(max(call[0].asInt, call[1].asInt), call[2].asInt))
    }
    host.environment.declare(function: "answer", parameters: [], result: .int) { _ in .int(42) }
    let map = host.environment.types.map(.string, .int)
    host.environment.declare(function: "lengths", parameters: [strings], result: map) { call in
      let items = call[0].items
      return call.map(count: items.count) { (items[$0], .int(Int64(items[$0].asBytes.codePointCount))) }
    }
    // Two overloads, each a closure of its own.
    host.environment.declare(function: "twice", parameters: [.int], result: .int) { call in
      let (result, overflow) = call[0].asInt.multipliedReportingOverflow(by: 2)
      return overflow ? call.failure(.integerOverflow) : .int(result)
    }
    host.environment.declare(function: "twice", parameters: [.string], result: .string) { call in
      call.string(call[0].asBytes.text + call[0].asBytes.text)
    }
    return host
  }

  @Test(arguments: [
    ("name.initials()", "\"GH\""), ("name.initials() == 'GH'", "true"),
    ("text.words(name)", "[\"Grace\", \"Hopper\"]"), ("text.words(name).exists(w, w == 'Hopper')", "true"),
    ("clamp(n, 1, 5)", "5"), ("clamp(n + 1, 1, 50) * 2", "16"), ("clamp(n, 5, 1)", "error: invalidArgument"),
    ("clamp(9, 5, 1) == 1 || n == 7", "true"), ("answer() + 1", "43"),
    ("lengths(text.words(name))['Grace']", "5"), ("lengths(['a', 'a'])", "error: duplicateKey"),
    ("twice(n)", "14"), ("twice('ab')", "\"abab\""), ("twice(any)", "6"),
    ("twice(dyn(name))", "\"Grace HopperGrace Hopper\""),
    ("twice(dyn(true))", "error: noSuchOverload"), ("twice(9223372036854775807)", "error: integerOverflow"),
    ("[1, 2].map(x, twice(x))", "[2, 4]"),
  ])
  func functionsInSwiftAreCalledLikeTheLanguagesOwn(_ text: String, _ expected: String) {
    #expect(Self.host().evaluate(text) == expected)
    #expect(Self.host().evaluate(text, isChecked: false) == expected)
  }

  @Test(arguments: [
    "name.initials(1)", "initials(name)", "clamp(1, 2)", "clamp(1, 2, 'x')", "answer(1)", "text.word(name)",
  ])
  func theCheckerKnowsTheirSignatures(_ text: String) {
    #expect(Self.host().evaluate(text).hasPrefix("refused: check"))
    #expect(Self.host().evaluate(text, isChecked: false).hasPrefix("error: "))
  }

  @Test func anErrorAmongTheArgumentsIsTheValueAndTheFirstWins() {
    #expect(Self.host().evaluate("gone.initials()") == "error: absentAttribute")
    #expect(Self.host().evaluate("clamp(n / 0, n % 0, 1)") == "error: divisionByZero")
    #expect(Self.host().evaluate("clamp(1, n % 0, n / 0)") == "error: modulusByZero")
  }

  @Test func onlyPureFunctionsAreCalledWhileCompiling() throws {
    let host = TestHost()
    let calls = Counter()
    host.environment.declare(function: "pure", parameters: [.int], result: .int, isPure: true) { call in
      calls.count += 1
      return call[0]
    }
    host.environment.declare(function: "fresh", parameters: [.int], result: .int) { call in
      calls.count += 1
      return call[0]
    }
    let code = try host.compile("pure(1) == 1")
    #expect(calls.count == 1)
    host.evaluate(code) { #expect($0.isTrue) }
    #expect(calls.count == 1)
    let other = try host.compile("fresh(1) == 1")
    #expect(calls.count == 1)
    host.evaluate(other) { #expect($0.isTrue) }
    host.evaluate(other) { #expect($0.isTrue) }
    #expect(calls.count == 3)
  }

  @Test func theCodeKeepsTheClosureAlive() throws {
    var code: Code?
    do {
      let host = TestHost()
      let kept = Counter()
      kept.count = 5
      host.environment.declare(function: "kept", parameters: [], result: .int) { _ in .int(Int64(kept.count)) }
      code = try host.compile("kept()")
    }
    if let code { TestHost().evaluate(code) { #expect($0.asInt == 5) } }
  }

  @Test func aCFunctionLooksAtItsArgumentsItself() {
    let host = TestHost()
    host.environment.declare(function: "count", parameters: [.dyn], result: .int) { arguments, count, _, _, result in
      let value = arguments.assumingMemoryBound(to: Value.self)
      let size = count == 1 && value.pointee.kind == .list ? Int64(value.pointee.count) : -1
      result.storeBytes(of: .int(size), as: Value.self)
    }
    #expect(host.evaluate("count([1, 2])") == "2")
    #expect(host.evaluate("count(1)") == "-1")
  }

  @Test func whatAFunctionBuildsIsBounded() {
    let host = TestHost()
    host.arenaMax = 1 << 20
    host.environment.declare(function: "many", parameters: [.int], result: .dyn) { call in
      call.list(count: Int(truncatingIfNeeded: call[0].asInt)) { .int(Int64($0)) }
    }
    host.environment.declare(function: "slow", parameters: [], result: .bool) { call in
      call.spendSteps(1 << 40)
      return .bool(true)
    }
    #expect(host.evaluate("size(many(1000))") == "1000")
    #expect(host.evaluate("many(30000)") == "error: stepBudgetSpent" || host.evaluate("many(30000)").hasPrefix("["))
    #expect(host.evaluate("many(9223372036854775807)") == "error: memorySpent")
    #expect(host.evaluate("many(-1)") == "[]")
    #expect(host.evaluate("[1, 2].all(x, slow())") == "error: stepBudgetSpent")
  }
}

private final class Counter: @unchecked Sendable {
  var count = 0
}
