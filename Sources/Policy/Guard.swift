// One clause of a condition that can be tried without its program.
//
//   request.method == "GET" && request.headers["x-user"] in lists.users && …
//   └───────┬─────────────┘
//         guard: slot 3, equal, "GET"
//
// A condition is a conjunction of clauses, and one that is false decides it, whatever the others come to, errors
// included. So a guard that fails spares the program; one that does not decides nothing, unless it is the whole
// condition. A value of an unexpected kind (absent, an error, another type) is left to the program.

import CEL

public struct Guard: BitwiseCopyable {
  public enum Test: UInt8, BitwiseCopyable, Sendable {
    case none, isOneOf, startsWith, endsWith, isTrue, isFalse, isPresent, isInList
  }

  public var test: Test
  /// The clause is the whole condition.
  public var isWhole: Bool
  public var slot: UInt32
  public var texts: UnsafePointer<Bytes>?
  public var textCount: UInt32
  /// Of `isInList`: the host's function that tells, and the list as it takes it.
  public var function: UInt32
  public var list: UnsafePointer<Value>?

  /// Decides nothing.
  public static var none: Guard {
    Guard(test: .none, isWhole: false, slot: 0, texts: nil, textCount: 0, function: 0, list: nil)
  }

  /// What the condition comes to, if the clause says that.
  @inline(__always)
  func outcome(_ evaluation: Evaluation.Pointer) -> Outcome? {
    if test == .none { return nil }
    let place = evaluation.pointee.slots + Int(slot)
    if place.pointee.kind == .unfetched { evaluation.pointee.fetch(evaluation, slot) }
    guard let holds = test == .isInList ? isInList(place.pointee, evaluation) : holds(for: place.pointee) else {
      return nil
    }
    if !holds { return .fails }
    return isWhole ? .holds : nil
  }

  @inline(__always)
  private func holds(for value: Value) -> Bool? {
    switch test {
    case .isOneOf, .startsWith, .endsWith: return value.kind == .string ? holds(for: value.asBytes) : nil
    case .isTrue: return value.kind == .bool ? value.payload != 0 : nil
    case .isFalse: return value.kind == .bool ? value.payload == 0 : nil
    case .isPresent:
      if value.kind == .absent { return false }
      return value.kind.rawValue > Value.Kind.error.rawValue ? true : nil
    case .none, .isInList: return nil
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
    var index = 0
    while index < Int(textCount), let candidate = texts?[index] {
      switch test {
      case .startsWith: if text.starts(with: candidate) { return true }
      case .endsWith: if text.ends(with: candidate) { return true }
      default: if text.equals(candidate) { return true }
      }
      index &+= 1
    }
    return false
  }
}

/// A guard before its texts have a place.
public struct GuardDraft: Sendable {
  public var test: Guard.Test
  public var isWhole: Bool
  public var slot: UInt32
  public var texts: [[UInt8]]
  public var list: (function: UInt32, value: Value)?

  public init(
    test: Guard.Test, isWhole: Bool, slot: UInt32, texts: [[UInt8]], list: (function: UInt32, value: Value)?
  ) {
    self.test = test
    self.isWhole = isWhole
    self.slot = slot
    self.texts = texts
    self.list = list
  }
}
