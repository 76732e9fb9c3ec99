// Lists and maps: making, looking up, measuring. A map is an array of entries searched from the front: the maps
// that policies meet have a handful of entries, and the search is charged to the budget.

/// An empty list or map with room for `capacity` elements or entries; an error when there is no memory.
func makeContainer(_ kind: Value.Kind, capacity: Int, _ evaluation: Evaluation.Pointer) -> Value {
  if capacity == 0 { return Value(kind: kind) }
  guard let memory = evaluation.pointee.arena.allocateValues(kind == .map ? capacity &* 2 : capacity) else {
    return .failure(.memorySpent)
  }
  return Value(kind: kind, payload: UInt64(UInt(bitPattern: memory)))
}

/// Adds to a map that was made with room for it. `isKnown`: the compiler has seen that the key is new and good.
func insertEntry(
  _ map: inout Value, _ key: Value, _ value: Value, isKnown: Bool, _ evaluation: Evaluation.Pointer
) {
  guard map.kind == .map else { return }
  if key.kind == .error {
    map = key
  } else if value.kind == .error {
    map = value
  } else if !isKnown && !key.isMapKey {
    map = .failure(.unsupportedKeyType)
  } else if !isKnown && findEntry(map, key, evaluation) != nil {
    map = .failure(.duplicateKey)
  } else if let entries = map.elements {
    // INVARIANT: the map was made with room for every entry.
    let place = UnsafeMutablePointer(mutating: entries) + Int(map.count) &* 2
    place[0] = key
    place[1] = value
    map.count = map.count &+ 1
  }
}

extension Value {
  /// What a map literal takes as a key.
  var isMapKey: Bool {
    switch kind {
    case .bool, .int, .uint, .string: true
    default: false
    }
  }
}

/// The value at `key`, numbers by their place on the number line; nil when there is none.
func findEntry(_ map: Value, _ key: Value, _ evaluation: Evaluation.Pointer) -> Value? {
  guard let entries = map.elements else { return nil }
  spend(Int(map.count), evaluation)
  var next = 0
  while next < Int(map.count) {
    let at = next
    next &+= 1
    let candidate = entries[at &* 2]
    if candidate.kind == key.kind {
      switch key.kind {
      case .string:
        if candidate.count == key.count, key.count > 1_024 { spend(Int(key.count) &>> 3, evaluation) }
        if !candidate.asBytes.equals(key.asBytes) { continue }
      case .bool, .int, .uint: if candidate.payload != key.payload { continue }
      default: continue
      }
    } else if !(candidate.isNumber && key.isNumber && sameNumber(candidate, key)) {
      continue
    }
    return entries[at &* 2 &+ 1]
  }
  return nil
}

/// Equality without rounding: a double is a key only where it is that integer exactly.
private func sameNumber(_ key: Value, _ asked: Value) -> Bool {
  guard asked.kind == .double else { return compareNumbers(key, asked) == 0 }
  let number = asked.asDouble
  if key.kind == .int {
    guard let whole = truncatedToInt(number) else { return false }
    return whole == key.asInt && Double(whole) == number
  }
  guard let whole = truncatedToUInt(number) else { return false }
  return whole == key.asUInt && Double(whole) == number
}

/// `container[key]`.
func index(_ container: Value, _ key: Value, _ evaluation: Evaluation.Pointer) -> Value {
  switch container.kind {
  case .list:
    var position: UInt64
    switch key.kind {
    case .int: position = key.asInt < 0 ? .max : key.asUInt
    case .uint: position = key.asUInt
    case .double:
      guard let exact = truncatedToUInt(key.asDouble), Double(exact) == key.asDouble else {
        return .failure(.invalidArgument)
      }
      position = exact
    default: return .failure(.noSuchOverload)
    }
    guard position < UInt64(container.count), let elements = container.elements else {
      return .failure(.indexOutOfRange)
    }
    return elements[Int(truncatingIfNeeded: position)]
  case .map:
    guard key.isMapKey || key.kind == .double else { return .failure(.unsupportedKeyType) }
    return findEntry(container, key, evaluation) ?? .failure(.noSuchKey)
  case .hostMap:
    guard key.isMapKey || key.kind == .double else { return .failure(.unsupportedKeyType) }
    let value = hostEntry(container, key, evaluation)
    return value.kind == .absent ? .failure(.noSuchKey) : value
  case .optional: return optionalIndex(container, key, isSelection: false, evaluation)
  default: return .failure(.noSuchOverload)
  }
}

/// `element in container`.
func contains(_ container: Value, _ element: Value, _ evaluation: Evaluation.Pointer) -> Value {
  switch container.kind {
  case .list:
    guard let elements = container.elements else { return .bool(false) }
    let asked = whole(element, evaluation)
    if asked.kind == .error { return asked }
    spend(Int(container.count), evaluation)
    for at in 0..<Int(container.count) {
      guard let same = equal(elements[at], asked, evaluation) else { return .failure(comparisonFailure(evaluation)) }
      if same { return .bool(true) }
      if evaluation.pointee.stepsLeft < 0 { return .failure(.stepBudgetSpent) }
    }
    return .bool(false)
  case .map:
    guard element.isMapKey || element.kind == .double else { return .failure(.noSuchOverload) }
    return .bool(findEntry(container, element, evaluation) != nil)
  case .hostMap:
    guard element.isMapKey || element.kind == .double else { return .failure(.noSuchOverload) }
    let value = hostEntry(container, element, evaluation)
    if value.kind == .error { return value }
    return .bool(value.kind != .absent)
  default: return .failure(.noSuchOverload)
  }
}

/// An entry of a map that the host has not listed: a value, `absent` or an error.
private func hostEntry(_ map: Value, _ key: Value, _ evaluation: Evaluation.Pointer) -> Value {
  var key = key
  var result = Value.absent
  evaluation.pointee.entry(evaluation, UInt32(truncatingIfNeeded: map.payload), &key, &result)
  return result.kind == .unfetched ? .failure(.internalFailure) : result
}

/// `operand.field`.
func selectField(_ operand: Value, _ field: Value, _ evaluation: Evaluation.Pointer) -> Value {
  switch operand.kind {
  case .error: return operand
  case .map, .hostMap: return index(operand, field, evaluation)
  case .message: return selectMessageField(operand, field)
  case .optional: return optionalIndex(operand, field, isSelection: true, evaluation)
  default: return .failure(.noSuchOverload)
  }
}

/// `has(operand.field)`.
func hasField(_ operand: Value, _ field: Value, _ evaluation: Evaluation.Pointer) -> Value {
  switch operand.kind {
  case .error: return operand
  case .map, .hostMap: return contains(operand, field, evaluation)
  case .message: return hasMessageField(operand, field)
  case .optional: return operand.elements.map { hasField($0.pointee, field, evaluation) } ?? .bool(false)
  default: return .failure(.noSuchOverload)
  }
}

/// Code points, bytes, elements or entries.
func sizeOf(_ value: Value, _ evaluation: Evaluation.Pointer) -> Value {
  switch value.kind {
  case .string:
    spend(Int(value.count) &>> 3, evaluation)
    return .int(Int64(value.asBytes.codePointCount))
  case .bytes, .list, .map: return .int(Int64(value.count))
  default: return .failure(.noSuchOverload)
  }
}
