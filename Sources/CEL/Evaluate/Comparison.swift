// Equality and order. int, uint and double are one number line; values of unlike types are unequal.

/// How deep two values are compared; deeper ones have no answer.
let comparisonDepthMax = 128

/// Why `equal` had no answer.
func comparisonFailure(_ evaluation: Evaluation.Pointer) -> EvaluationError.Code {
  evaluation.pointee.stepsLeft < 0 ? .stepBudgetSpent : .nestedTooDeeply
}

/// Whether two values are the same; nil when they are nested too deeply to say, or the budget is spent. Every list,
/// map and message costs something, however small: values that share their parts look far larger than they are.
func equal(_ a: Value, _ b: Value, _ evaluation: Evaluation.Pointer, depth: Int = 0) -> Bool? {
  if a.kind == b.kind {
    switch a.kind {
    case .null: return true
    case .bool, .int, .uint: return a.payload == b.payload
    case .double: return a.asDouble == b.asDouble
    case .string, .bytes, .type:
      if a.count != b.count { return false }
      spend(Int(a.count) &>> 3, evaluation)
      return a.asBytes.equals(b.asBytes)
    case .timestamp, .duration: return a.payload == b.payload && a.count == b.count
    case .list: return equalLists(a, b, evaluation, depth)
    case .map: return equalMaps(a, b, evaluation, depth)
    case .opaque: return a.payload == b.payload && a.count == b.count && a.extra == b.extra && a.flags == b.flags
    case .ip, .cidr: return NetworkAddress.areEqual(a, b)
    case .enumeration: return a.payload == b.payload && a.count == b.count
    case .message: return equalMessages(a, b, evaluation, depth)
    case .optional:
      guard let left = a.elements, let right = b.elements else { return a.payload == b.payload }
      return depth >= comparisonDepthMax ? nil : equal(left.pointee, right.pointee, evaluation, depth: depth &+ 1)
    case .unfetched, .absent, .error, .hostMap: return false
    }
  }
  if a.isNumber && b.isNumber { return compareNumbers(a, b) == 0 }
  return false
}

private func equalLists(_ a: Value, _ b: Value, _ evaluation: Evaluation.Pointer, _ depth: Int) -> Bool? {
  if depth >= comparisonDepthMax { return nil }
  if a.count != b.count { return false }
  guard let left = a.elements, let right = b.elements else { return a.count == 0 }
  spend(Int(a.count) &+ 8, evaluation)
  for at in 0..<Int(a.count) {
    guard let same = equal(left[at], right[at], evaluation, depth: depth &+ 1) else { return nil }
    if !same { return false }
    if evaluation.pointee.stepsLeft < 0 { return nil }
  }
  return true
}

private func equalMaps(_ a: Value, _ b: Value, _ evaluation: Evaluation.Pointer, _ depth: Int) -> Bool? {
  if depth >= comparisonDepthMax { return nil }
  if a.count != b.count { return false }
  guard let entries = a.elements else { return a.count == 0 }
  spend(8, evaluation)
  for at in 0..<Int(a.count) {
    // Maps of the same size with distinct keys: every entry of one in the other is enough.
    guard let other = findEntry(b, entries[at &* 2], evaluation) else { return false }
    guard let same = equal(entries[at &* 2 &+ 1], other, evaluation, depth: depth &+ 1) else { return nil }
    if !same { return false }
    if evaluation.pointee.stepsLeft < 0 { return nil }
  }
  return true
}

extension Value {
  @inline(__always)
  var isNumber: Bool { kind.rawValue >= Kind.int.rawValue && kind.rawValue <= Kind.double.rawValue }

  /// Of a number. Integers beyond 2^53 round.
  var numberAsDouble: Double {
    switch kind {
    case .int: Double(asInt)
    case .uint: Double(asUInt)
    default: asDouble
    }
  }
}

/// Below, at or above zero; nil with a NaN. An integer against a double is compared as a double, as cel-cpp and
/// cel-go do.
func compareNumbers(_ a: Value, _ b: Value) -> Int? {
  switch (a.kind, b.kind) {
  case (.int, .int): return order(a.asInt, b.asInt)
  case (.uint, .uint): return order(a.asUInt, b.asUInt)
  case (.int, .uint):
    return a.asInt < 0 ? -1 : order(UInt64(bitPattern: a.asInt), b.asUInt)
  case (.uint, .int):
    return b.asInt < 0 ? 1 : order(a.asUInt, UInt64(bitPattern: b.asInt))
  default:
    let left = a.numberAsDouble
    let right = b.numberAsDouble
    return left < right ? -1 : left > right ? 1 : left == right ? 0 : nil
  }
}

@inline(__always)
private func order<T: Comparable>(_ a: T, _ b: T) -> Int { a < b ? -1 : a == b ? 0 : 1 }

/// `<`, `<=`, `>`, `>=`.
func compare(_ builtin: Builtin, _ a: Value, _ b: Value) -> Value {
  let result: Int
  if a.isNumber && b.isNumber {
    guard let numbers = compareNumbers(a, b) else { return .bool(false) }
    result = numbers
  } else if a.kind == b.kind {
    switch a.kind {
    case .bool: result = order(a.payload, b.payload)
    case .string, .bytes: result = a.asBytes.compare(b.asBytes)
    case .timestamp, .duration:
      let seconds = order(a.seconds, b.seconds)
      result = seconds != 0 ? seconds : order(a.nanoseconds, b.nanoseconds)
    default: return .failure(.noSuchOverload)
    }
  } else {
    return .failure(.noSuchOverload)
  }
  switch builtin {
  case .less: return .bool(result < 0)
  case .lessOrEqual: return .bool(result <= 0)
  case .greater: return .bool(result > 0)
  default: return .bool(result >= 0)
  }
}
