// Conditions compile to jumps, where a slip is hard to see; here they are compared with a plain walk of the same
// condition in three truths, for many random conditions.

import CELHost
import Testing

@testable import CEL

@Suite struct LogicTests {
  private indirect enum Condition {
    case leaf(String, Bool?)
    case not(Condition)
    case and([Condition])
    case or([Condition])
    case choice(Condition, Condition, Condition)
    /// Over a list of three, of which `x` is the element; the leaves may be `x`.
    case all([Bool?], Condition)
    case exists([Bool?], Condition)
    case element

    var text: String {
      switch self {
      case .leaf(let name, _): name
      case .not(let operand): "!(\(operand.text))"
      case .and(let operands): operands.map { "(\($0.text))" }.joined(separator: " && ")
      case .or(let operands): operands.map { "(\($0.text))" }.joined(separator: " || ")
      case .choice(let a, let b, let c): "((\(a.text)) ? (\(b.text)) : (\(c.text)))"
      case .all(let items, let body): "[\(items.map(Self.item).joined(separator: ", "))].all(x, \(body.text))"
      case .exists(let items, let body): "[\(items.map(Self.item).joined(separator: ", "))].exists(x, \(body.text))"
      // An element that is 0 has no truth: the division fails.
      case .element: "6 / x > 0"
      }
    }

    static func item(_ truth: Bool?) -> String { truth == nil ? "0" : truth == true ? "1" : "-1" }

    func truth(_ element: Bool?) -> Bool? {
      switch self {
      case .leaf(_, let truth): return truth
      case .not(let operand): return operand.truth(element).map { !$0 }
      case .and(let operands): return Self.combine(operands.map { $0.truth(element) }, decisive: false)
      case .or(let operands): return Self.combine(operands.map { $0.truth(element) }, decisive: true)
      case .choice(let a, let b, let c): return a.truth(element).flatMap { $0 ? b.truth(element) : c.truth(element) }
      case .all(let items, let body): return Self.combine(items.map { body.truth($0) }, decisive: false)
      case .exists(let items, let body): return Self.combine(items.map { body.truth($0) }, decisive: true)
      case .element: return element
      }
    }

    private static func combine(_ truths: [Bool?], decisive: Bool) -> Bool? {
      if truths.contains(decisive) { return decisive }
      return truths.contains(nil) ? nil : !decisive
    }
  }

  private struct Generator {
    var state: UInt64

    mutating func number(below limit: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(truncatingIfNeeded: (state >> 33) % UInt64(limit))
    }

    mutating func condition(depth: Int, inLoop: Bool) -> Condition {
      if depth == 0 || number(below: 6) == 0 {
        if inLoop, number(below: 2) == 0 { return .element }
        let leaves: [(String, Bool?)] = [
          ("yes", true), ("no", false), ("bad", nil), ("gone", nil), ("odd", nil), ("s == 'a'", true),
          ("s == 'b'", false), ("n > 3", true), ("n in [1, 2]", false), ("true", true), ("false", false),
          ("1 / 0 > 0", nil),
          ("has(a.gone)", false), ("has(a.bad)", nil), ("s in ['a', 'c']", true), ("!yes", false), ("gone != 'x'", nil),
        ]
        let (name, truth) = leaves[number(below: leaves.count)]
        return .leaf(name, truth)
      }
      switch number(below: 9) {
      case 0: return .not(condition(depth: depth - 1, inLoop: inLoop))
      case 1, 2, 3: return .and(conditions(depth: depth, inLoop: inLoop))
      case 4, 5, 6: return .or(conditions(depth: depth, inLoop: inLoop))
      case 7:
        return .choice(
          condition(depth: depth - 1, inLoop: inLoop), condition(depth: depth - 1, inLoop: inLoop),
          condition(depth: depth - 1, inLoop: inLoop))
      default:
        let truths: [Bool?] = [true, false, nil]
        let items = (0..<3).map { _ in truths[number(below: 3)] }
        let body = condition(depth: depth - 1, inLoop: true)
        return number(below: 2) == 0 ? .all(items, body) : .exists(items, body)
      }
    }

    private mutating func conditions(depth: Int, inLoop: Bool) -> [Condition] {
      (0..<(2 + number(below: 3))).map { _ in condition(depth: depth - 1, inLoop: inLoop) }
    }
  }

  @Test func jumpsAgreeWithAPlainWalk() throws {
    let host = TestHost()
    host.declare("yes", .bool, .bool(true))
    host.declare("no", .bool, .bool(false))
    host.declare("bad", .bool, .error(EvaluationError(.attributeNotUTF8)))
    host.declare("gone", .string)
    host.declare("a.gone", .string)
    host.declare("a.bad", .string, .error(EvaluationError(.attributeNotUTF8)))
    host.declare("odd", .bool, .int(1))
    host.declare("s", .string, host.string("a"))
    host.declare("n", .int, .int(7))
    var generator = Generator(state: 42)
    for round in 0..<1_500 {
      let condition = generator.condition(depth: 2 + round % 4, inLoop: false)
      let expected = condition.truth(nil)
      // As a condition, and as a value inside other values.
      for (text, wrap) in [(condition.text, false), ("[\(condition.text)][0]", true)] {
        let code = try host.compile(text, isChecked: false)
        let result = host.evaluate(code) { value -> Bool? in
          value.kind == .bool ? value.isTrue : nil
        }
        guard result == expected else {
          Issue.record("\(text) gave \(result.map { "\($0)" } ?? "an error"), wrapped: \(wrap)")
          return
        }
      }
    }
  }
}
