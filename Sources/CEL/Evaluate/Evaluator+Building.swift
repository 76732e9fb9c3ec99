// The computing instructions that make lists, maps, messages and optionals. They are kept apart from the calls and
// selections of `computeSlowly`, which conditions are made of: in one function with these, those would be slower.

@inline(never)
func build(_ at: Step, _ evaluation: Evaluation.Pointer) {
  let registers = evaluation.pointee.registers
  let destination = registers + Int(at.pointee.destination)
  var result: Value
  switch at.pointee.op {
  case .makeList: result = makeContainer(.list, capacity: Int(at.pointee.a), evaluation)
  case .makeMap: result = makeContainer(.map, capacity: Int(at.pointee.a), evaluation)
  case .makeListFor:
    result = makeContainer(.list, capacity: Int(registers[Int(at.pointee.a)].count), evaluation)
  case .makeMapFor:
    let capacity = registers[Int(at.pointee.a)].count
    result = makeContainer(.map, capacity: Int(capacity), evaluation)
    destination[1] = .int(Int64(capacity))
  case .optionalEntry:
    result = optionalIndex(
      operandA(at, evaluation), operandB(at, evaluation), isSelection: at.pointee.flags & Flag.optional != 0,
      evaluation)
  case .optionalSlot: result = optionalSlot(at.pointee.a, evaluation)
  case .insert:
    let key = operandA(at, evaluation)
    var value = whole(operandB(at, evaluation), evaluation)
    if at.pointee.flags & Flag.optional != 0, key.kind != .error, value.kind != .error {
      guard value.kind != .optional || value.elements != nil else { return }
      value = contents(value)
    }
    result = destination.pointee
    insertEntry(&result, key, value, isKnown: at.pointee.flags & Flag.special != 0, evaluation)
  case .makeMessage:
    let address = evaluation.pointee.code.pointee.constants[Int(at.pointee.a)].payload
    let descriptor = UnsafePointer<MessageDescriptor>(bitPattern: UInt(truncatingIfNeeded: address))
    result = descriptor.map { makeMessage($0, evaluation) } ?? .failure(.internalFailure)
  case .setField:
    var value = whole(operandB(at, evaluation), evaluation)
    if at.pointee.flags & Flag.optional != 0, value.kind != .error {
      guard value.kind != .optional || value.elements != nil else { return }
      value = contents(value)
    }
    result = destination.pointee
    setMessageField(&result, at.pointee.a, value, evaluation)
  case .sealMessage: result = sealMessage(destination.pointee, evaluation)
  default: result = .failure(.internalFailure)
  }
  destination.pointee = result.placed(at, evaluation)
}
