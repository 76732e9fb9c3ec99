// Optionals: a value in the arena, or none. Selecting and indexing go on through them: what is not there is none,
// what cannot be asked for is an error as ever.

/// An optional of `value`, which may be an error.
func makeOptional(_ value: Value, _ evaluation: Evaluation.Pointer) -> Value {
  let content = whole(value, evaluation)
  if content.kind == .error { return content }
  guard let place = evaluation.pointee.arena.allocateValues(1) else { return .failure(.memorySpent) }
  place.initialize(to: content)
  return .optional(place)
}

/// The value of an optional that has one; an error for everything else.
func contents(_ optional: Value) -> Value {
  guard optional.kind == .optional else { return .failure(.noSuchOverload) }
  return optional.elements.map { $0.pointee } ?? .failure(.noValue)
}

/// An optional of a slot: none when the host has no such attribute or entry.
func optionalSlot(_ slot: UInt32, _ evaluation: Evaluation.Pointer) -> Value {
  fetch(slot, evaluation)
  let value = evaluation.pointee.slots[Int(slot)]
  return value.kind == .absent ? .optional(nil) : makeOptional(value, evaluation)
}

/// The functions of one operand.
func applyOptional(_ builtin: Builtin, _ value: Value, _ evaluation: Evaluation.Pointer) -> Value {
  switch builtin {
  case .optionalOf: return makeOptional(value, evaluation)
  case .optionalOfNonZero: return value.isZeroValue ? .optional(nil) : makeOptional(value, evaluation)
  case .optionalUnwrap: return unwrapped(value, evaluation)
  case .optionalFirst, .optionalLast:
    guard value.kind == .list else { return .failure(.noSuchOverload) }
    guard value.count > 0, let elements = value.elements else { return .optional(nil) }
    return .optional(elements + (builtin == .optionalFirst ? 0 : Int(value.count) &- 1))
  default: break
  }
  guard value.kind == .optional else { return .failure(.noSuchOverload) }
  switch builtin {
  case .optionalHasValue: return .bool(value.elements != nil)
  case .optionalValue: return contents(value)
  default: return value
  }
}

/// `container[?key]` and `optional[key]`; with `isSelection`, `container.?field` and `optional.field`.
func optionalIndex(
  _ container: Value, _ key: Value, isSelection: Bool, _ evaluation: Evaluation.Pointer
) -> Value {
  if container.kind == .error { return container }
  if key.kind == .error { return key }
  var subject = container
  if subject.kind == .optional {
    guard let content = subject.elements else { return .optional(nil) }
    subject = content.pointee
  }
  // An optional in an optional is not looked through: `o[?k]` has one level, as in cel-go.
  guard subject.kind != .optional else { return .failure(.noSuchOverload) }
  if isSelection, subject.kind == .message {
    // A message has every field of its type; here it has those that are set.
    let isSet = hasMessageField(subject, key)
    if !isSet.isTrue { return isSet.kind == .error ? isSet : .optional(nil) }
  }
  let value = isSelection ? selectField(subject, key, evaluation) : index(subject, key, evaluation)
  guard value.kind == .error else { return makeOptional(value, evaluation) }
  switch value.asError.code {
  case .noSuchKey, .indexOutOfRange: return .optional(nil)
  default: return value
  }
}

/// The values of a list of optionals.
private func unwrapped(_ list: Value, _ evaluation: Evaluation.Pointer) -> Value {
  guard list.kind == .list else { return .failure(.noSuchOverload) }
  var result = makeContainer(.list, capacity: Int(list.count), evaluation)
  guard result.kind == .list, let elements = list.elements, let places = result.elements else { return result }
  spend(Int(list.count), evaluation)
  let target = UnsafeMutablePointer(mutating: places)
  var at = 0
  while at < Int(list.count) {
    let element = elements[at]
    at &+= 1
    guard element.kind == .optional else { return .failure(.noSuchOverload) }
    guard let content = element.elements else { continue }
    target[Int(result.count)] = content.pointee
    result.count = result.count &+ 1
  }
  return result
}

extension Value {
  /// What `optional.ofNonZeroValue` takes for none. The epoch is, as in cel-cpp.
  var isZeroValue: Bool {
    switch kind {
    case .null: true
    case .bool, .int, .uint: payload == 0
    case .double: asDouble == 0
    case .string, .bytes, .list, .map: count == 0
    case .timestamp, .duration: payload == 0 && count == 0
    case .optional: payload == 0
    case .enumeration: count == 0
    case .message: Record(self)?.isEmpty ?? false
    case .unfetched, .absent, .error, .hostMap, .type, .opaque, .ip, .cidr: false
    }
  }
}
