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

  /// What the clause comes to; nil where only the program can say.
  @inline(__always)
  func outcome(_ evaluation: Evaluation.Pointer) -> Outcome? {
    if test == .none { return nil }
    let place = evaluation.pointee.slots + Int(slot)
    if place.pointee.kind == .unfetched { evaluation.pointee.fetch(evaluation, slot) }
    if test == .isText, place.pointee.kind == .string {
      return holds(for: place.pointee.asBytes) != isNegated ? .holds : .fails
    }
    return slowOutcome(place.pointee, evaluation)
  }

  @inline(never)
  private func slowOutcome(_ value: Value, _ evaluation: Evaluation.Pointer) -> Outcome? {
    if value.kind == .absent, failsIfAbsent { return .fails }
    guard let holds = test == .isInList ? isInList(value, evaluation) : holds(for: value) else { return nil }
    return holds != isNegated ? .holds : .fails
  }

  private func holds(for value: Value) -> Bool? {
    switch test {
    case .isTrue: return value.kind == .bool ? value.payload != 0 : nil
    case .isPresent:
      if value.kind == .absent { return false }
      return value.kind.rawValue > Value.Kind.error.rawValue ? true : nil
    case .none, .isText, .isInList: return nil
    }
  }

  private func isInList(_ value: Value, _ evaluation: Evaluation.Pointer) -> Bool? {
    guard value.kind == .string, let list else { return nil }
    var arguments = (value, list.pointee)
    var result = Value.absent
    evaluation.pointee.external(evaluation, function, &arguments, 2, &result)
    return result.kind == .bool ? result.payload != 0 : nil
  }

  @inline(__always)
  private func holds(for text: Bytes) -> Bool {
    if self.text.holds(for: text) { return true }
    var index = 0
    while index < Int(otherCount), let candidate = others?[index] {
      if candidate.holds(for: text) { return true }
      index &+= 1
    }
    return false
  }
}

/// A comparison of an attribute's text with one that is known at load.
public struct TextTest: BitwiseCopyable {
  public enum Relation: UInt8, BitwiseCopyable, Sendable { case equals, startsWith, endsWith }

  public var relation: Relation
  public var text: Bytes

  static var nothing: TextTest { TextTest(relation: .equals, text: .empty) }

  @inline(__always)
  func holds(for other: Bytes) -> Bool {
    switch relation {
    case .equals: other.equals(text)
    case .startsWith: other.starts(with: text)
    case .endsWith: other.ends(with: text)
    }
  }
}

/// A clause before its texts have a place; what guards and the index are made of.
public struct ClauseDraft: Sendable {
  public enum Test: UInt8, BitwiseCopyable, Sendable { case none, isText, isTrue, isPresent, isInList }

  public var test: Test
  public var slot: UInt32
  /// Of `isText`.
  public var texts: [(relation: TextTest.Relation, text: [UInt8])] = []
  /// Of `isInList`.
  public var list: (function: UInt32, value: Value)?
  /// Of `isInList`, where the list holds addresses and few of them.
  public var ranges: [AddressRange]?
  public var isNegated = false
  /// The condition is nothing but this clause.
  public var isWhole = false
  /// Another clause of the condition asks whether the attribute is there.
  public var failsIfAbsent = false

  public init(test: Test, slot: UInt32) {
    self.test = test
    self.slot = slot
  }
}
