// What conditions of the connection phase came to at a connection's check, so that its requests need not evaluate
// them again. Two bits each for the first 128 policies and rules of a plan; what is past that, or erred, is
// evaluated again, with the same result, because the attributes of a connection do not change.

public struct ConnectionFindings: BitwiseCopyable {
  public static var countMax: UInt32 { 128 }

  private var matches: InlineArray<4, UInt64> = InlineArray(repeating: 0)
  private var rules: InlineArray<4, UInt64> = InlineArray(repeating: 0)

  public init() {}

  func matchOutcome(_ policy: UInt32) -> Outcome? {
    policy < ConnectionFindings.countMax ? outcome(matches[Int(policy >> 5)], policy) : nil
  }

  func ruleOutcome(_ rule: UInt32) -> Outcome? {
    rule < ConnectionFindings.countMax ? outcome(rules[Int(rule >> 5)], rule) : nil
  }

  mutating func setMatch(_ policy: UInt32, _ outcome: Outcome) {
    guard policy < ConnectionFindings.countMax, outcome != .errs else { return }
    matches[Int(policy >> 5)] |= UInt64(outcome.rawValue) << (UInt64(policy & 31) &* 2)
  }

  mutating func setRule(_ rule: UInt32, _ outcome: Outcome) {
    guard rule < ConnectionFindings.countMax, outcome != .errs else { return }
    rules[Int(rule >> 5)] |= UInt64(outcome.rawValue) << (UInt64(rule & 31) &* 2)
  }

  private func outcome(_ word: UInt64, _ place: UInt32) -> Outcome? {
    Outcome(rawValue: UInt32(truncatingIfNeeded: word >> (UInt64(place & 31) &* 2)) & 3)
  }
}
