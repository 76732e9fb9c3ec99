// + - * / % and unary minus. Integers are checked; doubles follow IEEE 754; there are no implicit conversions.

func add(_ a: Value, _ b: Value, _ evaluation: Evaluation.Pointer) -> Value {
  switch (a.kind, b.kind) {
  case (.int, .int): return checked(a.asInt.addingReportingOverflow(b.asInt))
  case (.uint, .uint): return checked(a.asUInt.addingReportingOverflow(b.asUInt))
  case (.double, .double): return .double(a.asDouble + b.asDouble)
  case (.string, .string), (.bytes, .bytes): return concatenateBytes(a, b, evaluation)
  case (.list, .list): return concatenateLists(a, b, evaluation)
  case (.timestamp, .duration): return Instant.add(a, b)
  case (.duration, .timestamp): return Instant.add(b, a)
  case (.duration, .duration): return TimeSpan.add(a, b)
  default: return .failure(.noSuchOverload)
  }
}

func subtract(_ a: Value, _ b: Value) -> Value {
  switch (a.kind, b.kind) {
  case (.int, .int): return checked(a.asInt.subtractingReportingOverflow(b.asInt))
  case (.uint, .uint): return checked(a.asUInt.subtractingReportingOverflow(b.asUInt))
  case (.double, .double): return .double(a.asDouble - b.asDouble)
  case (.timestamp, .duration): return Instant.add(a, TimeSpan.negated(b))
  case (.timestamp, .timestamp): return Instant.difference(a, b)
  case (.duration, .duration): return TimeSpan.add(a, TimeSpan.negated(b))
  default: return .failure(.noSuchOverload)
  }
}

func multiply(_ a: Value, _ b: Value) -> Value {
  switch (a.kind, b.kind) {
  case (.int, .int): return checked(a.asInt.multipliedReportingOverflow(by: b.asInt))
  case (.uint, .uint): return checked(a.asUInt.multipliedReportingOverflow(by: b.asUInt))
  case (.double, .double): return .double(a.asDouble * b.asDouble)
  default: return .failure(.noSuchOverload)
  }
}

func divide(_ a: Value, _ b: Value) -> Value {
  switch (a.kind, b.kind) {
  case (.int, .int):
    return b.asInt == 0 ? .failure(.divisionByZero) : checked(a.asInt.dividedReportingOverflow(by: b.asInt))
  case (.uint, .uint):
    return b.asUInt == 0 ? .failure(.divisionByZero) : checked(a.asUInt.dividedReportingOverflow(by: b.asUInt))
  case (.double, .double): return .double(a.asDouble / b.asDouble)
  default: return .failure(.noSuchOverload)
  }
}

func modulo(_ a: Value, _ b: Value) -> Value {
  switch (a.kind, b.kind) {
  case (.int, .int):
    return b.asInt == 0 ? .failure(.modulusByZero) : checked(a.asInt.remainderReportingOverflow(dividingBy: b.asInt))
  case (.uint, .uint):
    return b.asUInt == 0
      ? .failure(.modulusByZero) : checked(a.asUInt.remainderReportingOverflow(dividingBy: b.asUInt))
  default: return .failure(.noSuchOverload)
  }
}

func negate(_ a: Value) -> Value {
  switch a.kind {
  case .int: return checked(Int64(0).subtractingReportingOverflow(a.asInt))
  case .double: return .double(-a.asDouble)
  default: return .failure(.noSuchOverload)
  }
}

@inline(__always)
private func checked(_ result: (partialValue: Int64, overflow: Bool)) -> Value {
  result.overflow ? .failure(.integerOverflow) : .int(result.partialValue)
}

@inline(__always)
private func checked(_ result: (partialValue: UInt64, overflow: Bool)) -> Value {
  result.overflow ? .failure(.integerOverflow) : .uint(result.partialValue)
}

private func concatenateBytes(_ a: Value, _ b: Value, _ evaluation: Evaluation.Pointer) -> Value {
  if a.count == 0 { return b }
  if b.count == 0 { return a }
  let (count, overflow) = a.count.addingReportingOverflow(b.count)
  guard !overflow, let memory = evaluation.pointee.arena.allocate(Int(count)), let left = a.asBytes.base,
    let right = b.asBytes.base
  else { return .failure(.memorySpent) }
  memory.copyMemory(from: left, byteCount: Int(a.count))
  (memory + Int(a.count)).copyMemory(from: right, byteCount: Int(b.count))
  spend(Int(count) &>> 3, evaluation)
  return Value(kind: a.kind, payload: UInt64(UInt(bitPattern: memory)), count: count)
}

private func concatenateLists(_ a: Value, _ b: Value, _ evaluation: Evaluation.Pointer) -> Value {
  guard a.count > 0, let left = a.elements else { return b }
  guard b.count > 0, let right = b.elements else { return a }
  let (count, overflow) = a.count.addingReportingOverflow(b.count)
  guard !overflow, let memory = evaluation.pointee.arena.allocateValues(Int(count)) else {
    return .failure(.memorySpent)
  }
  memory.update(from: left, count: Int(a.count))
  (memory + Int(a.count)).update(from: right, count: Int(b.count))
  spend(Int(count), evaluation)
  return .list(memory, count: count)
}
