// The builtins by number. An operand that is an error is the result; the first of two wins.

/// A function of one value.
func apply(_ builtin: Builtin, _ operand: Value, _ evaluation: Evaluation.Pointer) -> Value {
  if operand.kind == .error { return operand }
  let value = builtin == .toDyn ? operand : whole(operand, evaluation)
  if value.kind == .error { return value }
  switch builtin {
  case .negate: return negate(value)
  case .not: return value.kind == .bool ? .bool(value.payload == 0) : .failure(.noSuchOverload)
  case .size: return sizeOf(value, evaluation)
  case .toInt: return convertToInt(value)
  case .toUInt: return convertToUInt(value)
  case .toDouble: return convertToDouble(value)
  case .toString: return convertToString(value, evaluation)
  case .toBytes: return convertToBytes(value)
  case .toBool: return convertToBool(value)
  case .toTimestamp: return convertToTimestamp(value)
  case .toDuration: return convertToDuration(value)
  case .toType: return typeOf(value)
  case .toDyn: return value
  case .optionalOf, .optionalOfNonZero, .optionalHasValue, .optionalValue, .optionalOr, .optionalUnwrap,
    .optionalFirst, .optionalLast:
    return applyOptional(builtin, value, evaluation)
  case .getFullYear, .getMonth, .getDayOfYear, .getDayOfMonth, .getDate, .getDayOfWeek, .getHours, .getMinutes,
    .getSeconds, .getMilliseconds:
    return getField(builtin, of: value, nil)
  default: return .failure(.noSuchOverload)
  }
}

/// A function or operator of two values.
func apply(_ builtin: Builtin, _ left: Value, _ right: Value, _ evaluation: Evaluation.Pointer) -> Value {
  if left.kind == .error { return left }
  if right.kind == .error { return right }
  // These look into a host's map without listing it.
  if builtin == .index { return index(left, right, evaluation) }
  if builtin == .isIn { return contains(right, left, evaluation) }
  let a = whole(left, evaluation)
  let b = whole(right, evaluation)
  if a.kind == .error { return a }
  if b.kind == .error { return b }
  switch builtin {
  case .equal, .notEqual:
    guard let same = equal(a, b, evaluation) else { return .failure(comparisonFailure(evaluation)) }
    return .bool(same == (builtin == .equal))
  case .less, .lessOrEqual, .greater, .greaterOrEqual:
    if a.kind == .string || a.kind == .bytes { spend(Int(min(a.count, b.count)) &>> 3, evaluation) }
    return compare(builtin, a, b)
  case .add: return add(a, b, evaluation)
  case .toEnum: return convertToEnum(a, b)
  // Of constants; a program has an instruction for it.
  case .optionalIndex, .optionalSelect:
    return optionalIndex(a, b, isSelection: builtin == .optionalSelect, evaluation)
  case .subtract: return subtract(a, b)
  case .multiply: return multiply(a, b)
  case .divide: return divide(a, b)
  case .modulo: return modulo(a, b)
  case .contains, .startsWith, .endsWith, .matches: return search(builtin, a, b, evaluation)
  case .getFullYear, .getMonth, .getDayOfYear, .getDayOfMonth, .getDate, .getDayOfWeek, .getHours, .getMinutes,
    .getSeconds, .getMilliseconds:
    return getField(builtin, of: a, zoneName: b, evaluation)
  default: return .failure(.noSuchOverload)
  }
}

private func search(_ builtin: Builtin, _ a: Value, _ b: Value, _ evaluation: Evaluation.Pointer) -> Value {
  guard a.kind == .string, b.kind == .string else { return .failure(.noSuchOverload) }
  switch builtin {
  case .contains:
    spend(Int(a.count) &>> 3, evaluation)
    return .bool(a.asBytes.contains(b.asBytes))
  case .startsWith: return .bool(a.asBytes.starts(with: b.asBytes))
  case .endsWith: return .bool(a.asBytes.ends(with: b.asBytes))
  default: return matches(a.asBytes, pattern: b.asBytes, evaluation)
  }
}

/// Unanchored search with a compiled pattern.
func matches(_ text: Bytes, _ regex: OpaquePointer?, _ evaluation: Evaluation.Pointer) -> Value {
  guard let library = evaluation.pointee.code.pointee.regexLibrary, let regex else {
    return .failure(.internalFailure)
  }
  spend(Int(text.count), evaluation)
  switch library.match(regex, text.base, Int(text.count)) {
  case 0: return .bool(false)
  case 1: return .bool(true)
  default: return .failure(.internalFailure)
  }
}

/// A pattern that is known only now is compiled for this one match.
private func matches(_ text: Bytes, pattern: Bytes, _ evaluation: Evaluation.Pointer) -> Value {
  // Long patterns come from configuration, where they are compiled once; a request has no business with one.
  let patternMax: UInt32 = 1_000
  guard let library = evaluation.pointee.code.pointee.regexLibrary else { return .failure(.invalidPattern) }
  guard pattern.count <= patternMax else { return .failure(.invalidPattern) }
  // Compiling costs as much as many steps.
  spend(8_000 &+ Int(pattern.count) &* 64, evaluation)
  guard evaluation.pointee.stepsLeft >= 0 else { return .failure(.stepBudgetSpent) }
  guard let regex = library.compile(pattern.base, Int(pattern.count), nil, 0) else {
    return .failure(.invalidPattern)
  }
  let result = matches(text, regex, evaluation)
  library.free(regex)
  return result
}
