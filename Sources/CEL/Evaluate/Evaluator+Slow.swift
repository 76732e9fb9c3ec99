// What the loop leaves: operands that are not there yet or of another kind, calls, containers, errors.

extension Value {
  /// The error with a place in the text, if it has none and `at` has one.
  func placed(_ at: Step, _ evaluation: Evaluation.Pointer) -> Value {
    guard kind == .error, payload & 0xffff_ffff == 0 else { return self }
    let image = evaluation.pointee.code
    var copy = self
    copy.payload |= UInt64(image.pointee.offsets[at - image.pointee.instructions])
    return copy
  }

  @inline(__always)
  static func failure(_ code: EvaluationError.Code) -> Value { .error(EvaluationError(code)) }
}

/// Puts an error into the destination of a testing instruction.
func putError(_ error: Value, _ at: Step, _ evaluation: Evaluation.Pointer) {
  put(error, into: UInt32(truncatingIfNeeded: at.pointee.destination), at, evaluation)
}

func put(_ error: Value, into register: UInt32, _ at: Step, _ evaluation: Evaluation.Pointer) {
  let place = evaluation.pointee.registers + Int(register)
  if at.pointee.flags & Flag.keepsFirst != 0, place.pointee.kind == .error { return }
  place.pointee = error.placed(at, evaluation)
}

// MARK: Operands

@inline(__always)
func operandA(_ at: Step, _ evaluation: Evaluation.Pointer) -> Value {
  let flags = at.pointee.flags
  return operand(at.pointee.a, flags & Flag.aSlot != 0, flags & Flag.aConstant != 0, at, evaluation)
}

/// `b` holds the operand in its lower three bytes.
@inline(__always)
func operandB(_ at: Step, _ evaluation: Evaluation.Pointer) -> Value {
  let flags = at.pointee.flags
  return operand(at.pointee.b & 0xff_ffff, flags & Flag.bSlot != 0, flags & Flag.bConstant != 0, at, evaluation)
}

/// The operand's value: never `unfetched` or `absent`.
@inline(never)
private func operand(
  _ index: UInt32, _ isSlot: Bool, _ isConstant: Bool, _ at: Step, _ evaluation: Evaluation.Pointer
) -> Value {
  if isConstant { return evaluation.pointee.code.pointee.constants[Int(index)] }
  if !isSlot { return evaluation.pointee.registers[Int(index)] }
  fetch(index, evaluation)
  let value = evaluation.pointee.slots[Int(index)]
  switch value.kind {
  case .absent: return Value.error(EvaluationError(.absentAttribute, detail: index)).placed(at, evaluation)
  case .error: return value.placed(at, evaluation)
  default: return value
  }
}

/// Makes sure that a slot is not `unfetched`; true when it had to ask.
@discardableResult @inline(__always)
func fetch(_ slot: UInt32, _ evaluation: Evaluation.Pointer) -> Bool {
  let place = evaluation.pointee.slots + Int(slot)
  if place.pointee.kind != .unfetched { return false }
  evaluation.pointee.fetch(evaluation, slot)
  if place.pointee.kind == .unfetched {
    place.pointee = .error(EvaluationError(.attributeUnavailable, detail: slot))
  }
  return true
}

/// A map that the host keeps, listed; any other value as it is.
func whole(_ value: Value, _ evaluation: Evaluation.Pointer) -> Value {
  guard value.kind == .hostMap else { return value }
  var result = Value.failure(.internalFailure)
  evaluation.pointee.whole(evaluation, UInt32(truncatingIfNeeded: value.payload), &result)
  guard result.kind == .map || result.kind == .error else { return .failure(.internalFailure) }
  spend(Int(result.count), evaluation)
  return result
}

/// Takes work that grows with the data from the budget; the next loop step notices.
@inline(__always)
func spend(_ work: Int, _ evaluation: Evaluation.Pointer) {
  evaluation.pointee.stepsLeft = evaluation.pointee.stepsLeft &- Int64(work &>> 3)
}

// MARK: Tests

@inline(never)
func testSlowly(_ at: Step, _ evaluation: Evaluation.Pointer) -> UInt8 {
  let flags = at.pointee.flags
  var asked = false
  if flags & Flag.aSlot != 0, fetch(at.pointee.a, evaluation) { asked = true }
  if flags & Flag.bSlot != 0, fetch(at.pointee.b & 0xff_ffff, evaluation) { asked = true }
  if asked { return Outcome.again }

  let constants = evaluation.pointee.code.pointee.constants
  let result: Value
  switch at.pointee.op {
  case .present:
    let value = evaluation.pointee.slots[Int(at.pointee.a)]
    result = value.kind == .error ? value : .bool(value.kind != .absent)
  case .isTrue: result = operandA(at, evaluation)
  case .matchesRegex:
    let subject = operandA(at, evaluation)
    if subject.kind == .string {
      result = matches(subject.asBytes, evaluation.pointee.code.pointee.regexes[Int(at.pointee.b)], evaluation)
    } else {
      result = subject.kind == .error ? subject : .failure(.noSuchOverload)
    }
  case .inSet:
    let set = evaluation.pointee.code.pointee.sets[Int(at.pointee.b)]
    result = apply(.isIn, operandA(at, evaluation), constants[Int(set.list)], evaluation)
  case .test:
    let builtin = Builtin(rawValue: UInt8(truncatingIfNeeded: at.pointee.b >> 24)) ?? .equal
    result = apply(builtin, operandA(at, evaluation), operandB(at, evaluation), evaluation)
  default:
    result = apply(
      relation(at.pointee.op), operandA(at, evaluation), constants[Int(at.pointee.b)], evaluation)
  }
  if result.kind == .bool { return result.payload != 0 ? Outcome.yes : Outcome.no }
  putError(result.kind == .error ? result : .failure(.noSuchOverload), at, evaluation)
  return Outcome.error
}

private func relation(_ op: Opcode) -> Builtin {
  switch op {
  case .startsWithString: .startsWith
  case .endsWithString: .endsWith
  case .containsString: .contains
  case .lessInt: .less
  case .lessOrEqualInt: .lessOrEqual
  case .greaterInt: .greater
  case .greaterOrEqualInt: .greaterOrEqual
  default: .equal
  }
}

// MARK: Loops

func spendBudget(_ at: Step, _ evaluation: Evaluation.Pointer) {
  put(.failure(.stepBudgetSpent), into: at.pointee.b, at, evaluation)
}

/// False when there is nothing to iterate over; the error is in register `b`.
@inline(never)
func beginIteration(_ at: Step, _ evaluation: Evaluation.Pointer) -> Bool {
  let range = whole(operandA(at, evaluation), evaluation)
  switch range.kind {
  case .list, .map:
    var iterator = range
    iterator.extra = range.kind == .map ? 2 : 1
    if iterator.elements == nil { iterator.count = 0 }
    evaluation.pointee.registers[Int(at.pointee.destination)] = iterator
    return true
  default:
    put(range.kind == .error ? range : .failure(.noSuchOverload), into: at.pointee.b, at, evaluation)
    return false
  }
}

/// False when the list or the element is an error, which is then in the destination.
@inline(never)
func appendElement(_ at: Step, _ evaluation: Evaluation.Pointer) -> Bool {
  let list = evaluation.pointee.registers + Int(at.pointee.destination)
  if list.pointee.kind != .list { return false }
  var element = whole(operandA(at, evaluation), evaluation)
  if at.pointee.flags & Flag.optional != 0, element.kind != .error {
    guard element.kind != .optional || element.elements != nil else { return true }
    element = contents(element)
  }
  if element.kind == .error {
    list.pointee = element.placed(at, evaluation)
    return false
  }
  // INVARIANT: the list was made with room for every `append` that the compiler put after it.
  if let elements = list.pointee.elements {
    UnsafeMutablePointer(mutating: elements)[Int(list.pointee.count)] = element
    list.pointee.count = list.pointee.count &+ 1
  }
  return true
}

// MARK: Values

@inline(never)
func computeSlowly(_ at: Step, _ evaluation: Evaluation.Pointer) {
  let registers = evaluation.pointee.registers
  let destination = registers + Int(at.pointee.destination)
  let builtin = Builtin(rawValue: UInt8(truncatingIfNeeded: at.pointee.jump)) ?? .toDyn
  let result: Value
  switch at.pointee.op {
  case .call1 where isSettled(at, destination), .call2 where isSettled(at, destination): return
  case .move: result = operandA(at, evaluation)
  case .fail:
    let code = EvaluationError.Code(rawValue: UInt16(truncatingIfNeeded: at.pointee.a))
    result = .failure(code ?? .internalFailure)
  case .call1: result = apply(builtin, operandA(at, evaluation), evaluation)
  case .call2, .add, .subtract:
    result = apply(builtin, operandA(at, evaluation), operandB(at, evaluation), evaluation)
  case .zoned:
    let subject = operandA(at, evaluation)
    let zone = evaluation.pointee.code.pointee.zones + Int(at.pointee.b)
    result = getField(builtin, of: subject, zone)
  case .external: result = callExternal(at, evaluation)
  case .native: result = callNative(at, evaluation)
  case .select:
    let operand = operandA(at, evaluation)
    let field = operandB(at, evaluation)
    result =
      operand.kind == .message
      ? selectMessageField(operand, field, likely: at.pointee.jump) : selectField(operand, field, evaluation)
  case .hasField:
    let operand = operandA(at, evaluation)
    let field = operandB(at, evaluation)
    result =
      operand.kind == .message
      ? hasMessageField(operand, field, likely: at.pointee.jump) : hasField(operand, field, evaluation)
  default: result = .failure(.internalFailure)
  }
  destination.pointee = result.placed(at, evaluation)
}

/// Of the second and later of several candidates: whether one before took the arguments.
private func isSettled(_ at: Step, _ destination: UnsafeMutablePointer<Value>) -> Bool {
  if at.pointee.flags & Flag.special == 0 { return false }
  return destination.pointee.kind != .error || destination.pointee.asError.code != .noSuchOverload
}

private func callExternal(_ at: Step, _ evaluation: Evaluation.Pointer) -> Value {
  let registers = evaluation.pointee.registers
  let before = registers + Int(at.pointee.destination)
  if isSettled(at, before) { return before.pointee }
  let arguments = registers + Int(at.pointee.a)
  for number in 0..<Int(at.pointee.jump) where arguments[number].kind == .error { return arguments[number] }
  var result = Value.failure(.internalFailure)
  evaluation.pointee.external(evaluation, at.pointee.b, arguments, UInt32(truncatingIfNeeded: at.pointee.jump), &result)
  switch result.kind {
  case .unfetched, .absent: return .failure(.internalFailure)
  default: return result
  }
}

private func callNative(_ at: Step, _ evaluation: Evaluation.Pointer) -> Value {
  let registers = evaluation.pointee.registers
  let before = registers + Int(at.pointee.destination)
  if isSettled(at, before) { return before.pointee }
  let function = evaluation.pointee.code.pointee.natives + Int(at.pointee.b)
  return function.pointee.call(registers + Int(at.pointee.a), count: Int(at.pointee.jump), evaluation)
}
