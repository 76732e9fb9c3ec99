// The library `sets`: lists as sets, after cel-go's `ext.Sets`. Elements are compared as `==` does, each with each; the
// budget bounds that.

extension Environment {
  mutating func declareSets() {
    let list = types.list(types.intern(.parameter("T")))
    declare(
      "sets.contains", "list_sets_contains_list", [list, list], .bool,
      NativeFunction { answer($0, $1, $2, $4, SetFunction.contains) })
    declare(
      "sets.equivalent", "list_sets_equivalent_list", [list, list], .bool,
      NativeFunction { answer($0, $1, $2, $4, SetFunction.equivalent) })
    declare(
      "sets.intersects", "list_sets_intersects_list", [list, list], .bool,
      NativeFunction { answer($0, $1, $2, $4, SetFunction.intersects) })
  }
}

enum SetFunction {
  enum Answer {
    case yes, no
    case error(EvaluationError.Code)
  }

  /// Whether the first list has all that the second has.
  static func contains(_ call: FunctionCall) -> Value {
    guard call.takes(.list, .list) else { return .failure(.noSuchOverload) }
    return value(containsAll(call[0].items, of: call[1].items, call.evaluation))
  }

  static func equivalent(_ call: FunctionCall) -> Value {
    guard call.takes(.list, .list) else { return .failure(.noSuchOverload) }
    let first = containsAll(call[0].items, of: call[1].items, call.evaluation)
    guard case .yes = first else { return value(first) }
    return value(containsAll(call[1].items, of: call[0].items, call.evaluation))
  }

  static func intersects(_ call: FunctionCall) -> Value {
    guard call.takes(.list, .list) else { return .failure(.noSuchOverload) }
    for item in call[0].items {
      let answer = contains(call[1].items, item, call.evaluation)
      guard case .no = answer else { return value(answer) }
    }
    return .bool(false)
  }

  private static func value(_ answer: Answer) -> Value {
    switch answer {
    case .yes: .bool(true)
    case .no: .bool(false)
    case .error(let code): .failure(code)
    }
  }

  private static func containsAll(
    _ items: UnsafeBufferPointer<Value>, of others: UnsafeBufferPointer<Value>, _ evaluation: Evaluation.Pointer
  ) -> Answer {
    for item in others {
      let answer = contains(items, item, evaluation)
      guard case .yes = answer else { return answer }
    }
    return .yes
  }

  static func contains(
    _ items: UnsafeBufferPointer<Value>, _ sought: Value, _ evaluation: Evaluation.Pointer
  ) -> Answer {
    spend(items.count &* 2, evaluation)
    for item in items {
      if evaluation.pointee.stepsLeft < 0 { return .error(.stepBudgetSpent) }
      guard let same = equal(item, sought, evaluation) else { return .error(comparisonFailure(evaluation)) }
      if same { return .yes }
    }
    return .no
  }
}
