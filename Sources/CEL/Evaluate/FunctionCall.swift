// One call of a native function: its arguments, and the means to build its value.
//
// Arguments are read with `call[0]`. A value that is more than two words (text, bytes, a list) is built in the
// evaluation's arena, where it lives as long as the evaluation's other values; nothing is ever freed by hand. What
// cannot be built, for want of memory or steps, is an error value, which a function returns like any other.

public struct FunctionCall {
  let arguments: UnsafePointer<Value>
  public let count: Int
  let evaluation: Evaluation.Pointer

  init(_ arguments: UnsafeRawPointer, _ count: UInt32, _ evaluation: UnsafeMutableRawPointer) {
    self.arguments = arguments.assumingMemoryBound(to: Value.self)
    self.count = Int(count)
    self.evaluation = evaluation.assumingMemoryBound(to: Evaluation.self)
  }

  /// The argument, a member's receiver being the first; null past the last.
  public subscript(_ index: Int) -> Value { index >= 0 && index < count ? arguments[index] : .null }

  /// Whether the arguments are of these kinds and no more.
  func takes(_ first: Value.Kind) -> Bool { count == 1 && arguments[0].kind == first }

  func takes(_ first: Value.Kind, _ second: Value.Kind) -> Bool {
    count == 2 && arguments[0].kind == first && arguments[1].kind == second
  }

  func takes(_ first: Value.Kind, _ second: Value.Kind, _ third: Value.Kind) -> Bool {
    count == 3 && arguments[0].kind == first && arguments[1].kind == second && arguments[2].kind == third
  }

  func takes(_ first: Value.Kind, _ second: Value.Kind, _ third: Value.Kind, _ fourth: Value.Kind) -> Bool {
    count == 4 && arguments[0].kind == first && arguments[1].kind == second && arguments[2].kind == third
      && arguments[3].kind == fourth
  }

  // MARK: Values

  /// The error that a function returns.
  public func failure(_ code: EvaluationError.Code) -> Value { .error(EvaluationError(code)) }

  /// A string with this text.
  public func string(_ text: String) -> Value {
    var copy = text
    return copy.withUTF8 { string(utf8: $0) }
  }

  /// A string with this text; an error if it is not UTF-8.
  public func string(utf8 text: UnsafeBufferPointer<UInt8>) -> Value {
    guard let copy = copy(text) else { return failure(.memorySpent) }
    return copy.isUTF8 ? .string(copy) : failure(.invalidUTF8)
  }

  public func bytes(_ bytes: UnsafeBufferPointer<UInt8>) -> Value {
    guard let copy = copy(bytes) else { return failure(.memorySpent) }
    return .bytes(copy)
  }

  /// A list of `count` elements; the first that is an error is the result.
  public func list(count: Int, _ element: (Int) -> Value) -> Value {
    guard count > 0 else { return .list(nil, count: 0) }
    guard let length = UInt32(exactly: count), let memory = evaluation.pointee.arena.allocateValues(count) else {
      return failure(.memorySpent)
    }
    spend(count &* 2, evaluation)
    guard hasSteps else { return failure(.stepBudgetSpent) }
    for number in 0..<count {
      let value = element(number)
      if value.kind == .error { return value }
      memory[number] = value
    }
    return .list(memory, count: length)
  }

  /// A map of `count` entries. A key that is none (a double, a list) or comes twice is an error, and so is an entry of
  /// which a part is one.
  public func map(count: Int, _ entry: (Int) -> (key: Value, value: Value)) -> Value {
    var map = makeContainer(.map, capacity: max(count, 0), evaluation)
    for number in 0..<max(count, 0) where map.kind == .map {
      let (key, value) = entry(number)
      insertEntry(&map, key, value, isKnown: false, evaluation)
      if !hasSteps { return failure(.stepBudgetSpent) }
    }
    return map
  }

  /// An optional of the value; of nil the one that is none; of an error that error.
  public func optional(_ value: Value?) -> Value { value.map { makeOptional($0, evaluation) } ?? .optional(nil) }

  /// Takes work that grows with the arguments from the evaluation's budget. A function whose work does not grow with
  /// its arguments has no need to.
  public func spendSteps(_ steps: Int) {
    evaluation.pointee.stepsLeft = evaluation.pointee.stepsLeft &- Int64(max(steps, 0))
  }

  /// False when the budget is spent: return `failure(.stepBudgetSpent)`.
  public var hasSteps: Bool { evaluation.pointee.stepsLeft >= 0 }

  private func copy(_ bytes: UnsafeBufferPointer<UInt8>) -> Bytes? {
    guard let count = UInt32(exactly: bytes.count) else { return nil }
    spendSteps(bytes.count &>> 6)
    return evaluation.pointee.arena.copy(Bytes(UnsafeRawPointer(bytes.baseAddress), count: count))
  }
}

extension Value {
  /// The elements of a list.
  public var items: UnsafeBufferPointer<Value> {
    guard kind == .list, let elements else { return UnsafeBufferPointer(start: nil, count: 0) }
    return UnsafeBufferPointer(start: elements, count: Int(count))
  }

  /// The entry at this place of a map with `count` entries.
  public func entry(_ index: Int) -> (key: Value, value: Value)? {
    guard kind == .map, index >= 0, index < Int(count), let elements else { return nil }
    return (elements[index &* 2], elements[index &* 2 &+ 1])
  }
}
