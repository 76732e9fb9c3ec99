// One clause of a condition that can be tried without its program.
//
//   request.method == "GET" && request.headers["x-user"] in lists.users && …
//   └───────┬─────────────┘
//         guard: slot 3, equal to "GET"
//
// A condition is a conjunction of clauses, and one that is false decides it, whatever the others come to, errors
// included. So a guard that fails spares the program; one that does not decides nothing, unless it is the whole
// condition. A value of an unexpected kind (an error, another type) is left to the program.

import CEL

public struct Guard: BitwiseCopyable {
  public var test: ClauseDraft.Test
  public var isNegated: Bool
  /// The clause is the whole condition, of a rule together with its step's other guards.
  public var isWhole: Bool
  public var failsIfAbsent: Bool
  public var slot: UInt32
  /// Of `isText`: this or one of the others holds.
  public var text: TextTest
  public var others: UnsafePointer<TextTest>?
  public var otherCount: UInt32
  /// Of `isInList`: the host's function that tells, and the list as it takes it.
  public var function: UInt32
  public var list: UnsafePointer<Value>?

  /// Decides nothing.
  public static var none: Guard {
    Guard(
      test: .none, isNegated: false, isWhole: false, failsIfAbsent: false, slot: 0, text: .nothing, others: nil,
      otherCount: 0, function: 0, list: nil)
  }

  /// What the clause comes to; nil where only the program can say. Where it lies: a copy would cost more than the test.
  @inline(__always)
  static func outcome(_ clause: UnsafePointer<Guard>, _ evaluation: Evaluation.Pointer) -> Outcome? {
    guard clause.pointee.test == .isText else { return slowOutcome(clause, evaluation) }
    let place = evaluation.pointee.slots + Int(clause.pointee.slot)
    if place.pointee.kind == .unfetched { evaluation.pointee.fetch(evaluation, clause.pointee.slot) }
    guard place.pointee.kind == .string else { return slowOutcome(clause, evaluation) }
    let text = place.pointee.asBytes
    var holds = TextTest.holds(clause.pointee.text.relation, clause.pointee.text.text, for: text)
    if !holds, clause.pointee.otherCount != 0 { holds = holdsOther(clause, for: text) }
    return holds != clause.pointee.isNegated ? .holds : .fails
  }

  @inline(never)
  private static func holdsOther(_ clause: UnsafePointer<Guard>, for text: Bytes) -> Bool {
    var index = 0
    while index < Int(clause.pointee.otherCount), let others = clause.pointee.others {
      if TextTest.holds(others[index].relation, others[index].text, for: text) { return true }
      index &+= 1
    }
    return false
  }

  @inline(never)
  private static func slowOutcome(
    _ clause: UnsafePointer<Guard>, _ evaluation: Evaluation.Pointer
  ) -> Outcome? {
    if clause.pointee.test == .none { return nil }
    let place = evaluation.pointee.slots + Int(clause.pointee.slot)
    if place.pointee.kind == .unfetched { evaluation.pointee.fetch(evaluation, clause.pointee.slot) }
    if place.pointee.kind == .absent, clause.pointee.failsIfAbsent { return .fails }
    let holds: Bool
    switch clause.pointee.test {
    case .isTrue:
      if place.pointee.kind != .bool { return nil }
      holds = place.pointee.payload != 0
    case .isPresent:
      holds = place.pointee.kind != .absent
      if holds, place.pointee.kind.rawValue <= Value.Kind.error.rawValue { return nil }
    case .isInList:
      guard place.pointee.kind == .string, let list = clause.pointee.list else { return nil }
      var arguments = (place.pointee, list.pointee)
      var result = Value.absent
      evaluation.pointee.external(evaluation, clause.pointee.function, &arguments, 2, &result)
      if result.kind != .bool { return nil }
      holds = result.payload != 0
    case .none, .isText: return nil
    }
    return holds != clause.pointee.isNegated ? .holds : .fails
  }
}

/// A comparison of an attribute's text with one that is known at load.
public struct TextTest: BitwiseCopyable {
  public enum Relation: UInt8, BitwiseCopyable, Sendable { case equals, startsWith, endsWith }

  public var relation: Relation
  public var text: Bytes

  public init(relation: Relation, text: Bytes) {
    self.relation = relation
    self.text = text
  }

  static var nothing: TextTest { TextTest(relation: .equals, text: .empty) }

  @inline(__always)
  static func holds(_ relation: Relation, _ text: Bytes, for other: Bytes) -> Bool {
    let surplus = Int64(other.count) &- Int64(text.count)
    if surplus != 0, surplus < 0 || relation == .equals { return false }
    let skipped = relation == .endsWith ? UInt64(truncatingIfNeeded: surplus) : 0
    return sameBytes(
      UnsafePointer(bitPattern: UInt(truncatingIfNeeded: other.address &+ skipped)), text.base, Int(text.count))
  }
}

/// What guards and the index are made of. Owns nothing: what it points to is there as long as the store that is made of it.
public struct ClauseDraft: BitwiseCopyable, @unchecked Sendable {
  public enum Test: UInt8, BitwiseCopyable, Sendable { case none, isText, isTrue, isPresent, isInList }

  public var test: Test
  public var isNegated = false
  /// The condition is nothing but this clause.
  public var isWhole = false
  /// Another clause of the condition asks whether the attribute is there.
  public var failsIfAbsent = false
  public var slot: UInt32
  /// Of `isText`: any of them.
  public var textCount: UInt32 = 0
  public var texts: UnsafePointer<TextTest>?
  /// Of `isInList`: the host's function that tells, and the list as it takes it.
  public var function: UInt32 = 0
  public var list: UnsafePointer<Value>?
  /// Of `isInList`, where the list holds addresses and few of them.
  public var ranges: UnsafePointer<AddressRange>?
  public var rangeCount: UInt32 = 0

  public init(test: Test, slot: UInt32) {
    self.test = test
    self.slot = slot
  }

  var allTexts: UnsafeBufferPointer<TextTest> {
    UnsafeBufferPointer(start: texts, count: texts == nil ? 0 : Int(textCount))
  }

  var allRanges: UnsafeBufferPointer<AddressRange> {
    UnsafeBufferPointer(start: ranges, count: ranges == nil ? 0 : Int(rangeCount))
  }

  /// The clause as a check tries it.
  var asGuard: Guard {
    Guard(
      test: test, isNegated: isNegated, isWhole: isWhole, failsIfAbsent: failsIfAbsent, slot: slot,
      text: allTexts.first ?? .nothing, others: textCount > 1 ? texts.map { $0 + 1 } : nil,
      otherCount: max(textCount, 1) &- 1, function: function, list: list)
  }
}
