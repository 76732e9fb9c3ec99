// Compiled programs against the twin, on generated expressions: constant folding, short-circuits, absorbed errors,
// checked and unchecked overloads, absent and wrongly typed variables never change a result.

import CELHost
import CELTwin
import Testing

@Suite struct TwinTests {
  private static func compare(seed: UInt64, trees: Int, isStrict: Bool) -> TwinComparison {
    var generator = TwinGenerator(TwinChoices(seed: seed), isStrict: isStrict)
    var comparison = TwinComparison()
    var failures = 0
    for round in 0..<trees {
      let tree = generator.expression(depth: 1 + round % 4)
      var choices = generator.choices
      if let difference = comparison.difference(tree, bindings: 3, &choices) {
        Issue.record("seed \(seed), round \(round): \(difference)")
        failures += 1
        if failures == 5 { break }
      }
      generator.choices = choices
    }
    return comparison
  }

  @Test func programsAgreeOnExpressionsThatFit() {
    let comparison = Self.compare(seed: 1, trees: 2_000, isStrict: true)
    #expect(comparison.checked > 1_000)
    #expect(comparison.valued > comparison.compared / 4)
    #expect(comparison.spent < comparison.compared / 100)
  }

  @Test func programsAgreeOnExpressionsThatDoNotFit() {
    let comparison = Self.compare(seed: 2, trees: 1_500, isStrict: false)
    #expect(comparison.checked > 200)
    #expect(comparison.valued > comparison.compared / 10)
    #expect(comparison.spent < comparison.compared / 100)
  }

  @Test func anOperandThatIsNoBoolFailsAndIsAbsorbedInEveryPlace() {
    let host = TestHost()
    host.declare("no", .bool, .bool(false))
    host.declare("yes", .bool, .bool(true))
    for text in [
      "null && yes && no", "yes && null && no", "yes && no && null", "null && no", "[1].exists(x, x && yes && no)",
      "null && (null || null) && no",
    ] {
      #expect(host.evaluate(text, isChecked: false) == "false", "\(text)")
    }
    for text in ["null || no || yes", "no || null || yes", "[null].all(x, x || no || yes)"] {
      #expect(host.evaluate(text, isChecked: false) == "true", "\(text)")
    }
    #expect(host.evaluate("null && yes && yes", isChecked: false) == "error: noSuchOverload")
  }

  @Test func whatCannotBeIteratedCostsNoIterations() {
    let text = "timestamp('1969-12-31T23:59:59.999999999Z').filter(x, true)"
    #expect(TestHost().evaluate(text, isChecked: false) == "error: noSuchOverload")
  }

  @Test func anOptionalEntryThatIsLeftOutStillNeedsItsKey() {
    let host = TestHost()
    host.environment.enable(.optionals)
    host.declare("gone", .string)
    #expect(host.evaluate("{?gone: optional.none()}") == "error: absentAttribute")
    #expect(host.evaluate("{?'a': optional.none()}") == "{}")
  }
}
