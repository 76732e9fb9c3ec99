// The instructions of extensions that go elsewhere than to the next one: loops over two variables, maps being built,
// optionals, and the values of bindings. They are kept out of the loop of the evaluator.

/// Runs one of them; where to go on.
@inline(never)
func branchSlowly(_ at: Step, _ base: Step, _ evaluation: Evaluation.Pointer) -> Step {
  let registers = evaluation.pointee.registers
  let destination = registers + Int(at.pointee.destination)
  switch at.pointee.op {
  case .nextPair: return nextPair(at, base, evaluation)
  case .collect:
    let key = operandA(at, evaluation)
    let value = whole(operandB(at, evaluation), evaluation)
    var map = destination.pointee
    insertEntry(&map, key, value, isKnown: at.pointee.flags & Flag.special != 0, evaluation)
    destination.pointee = map.placed(at, evaluation)
    return map.kind == .map ? at + 1 : base + Int(at.pointee.error)
  case .merge:
    destination.pointee = merged(destination, operandA(at, evaluation), evaluation).placed(at, evaluation)
    return destination.pointee.kind == .map ? at + 1 : base + Int(at.pointee.error)
  case .orElse:
    let optional = destination.pointee
    if optional.kind == .optional {
      guard let content = optional.elements else { return at + 1 }
      if at.pointee.flags & Flag.optional != 0 { destination.pointee = content.pointee }
    } else if optional.kind != .error {
      destination.pointee = Value.failure(.noSuchOverload).placed(at, evaluation)
    }
    return base + Int(at.pointee.jump)
  case .unwrap:
    let optional = operandA(at, evaluation)
    if optional.kind == .optional, let content = optional.elements {
      destination.pointee = content.pointee
      return at + 1
    }
    let isResult = optional.kind == .optional || optional.kind == .error
    registers[Int(at.pointee.b)] = (isResult ? optional : .failure(.noSuchOverload)).placed(at, evaluation)
    return base + Int(at.pointee.jump)
  case .force:
    if destination.pointee.kind != .unfetched { return at + 1 }
    destination[1] = .int(Int64(at - base) &+ 1)
    return base + Int(at.pointee.jump)
  case .goBack:
    return base + Int(truncatingIfNeeded: registers[Int(at.pointee.a)].payload)
  default: return at + 1
  }
}

private func nextPair(_ at: Step, _ base: Step, _ evaluation: Evaluation.Pointer) -> Step {
  let iterator = evaluation.pointee.registers + Int(at.pointee.destination)
  guard iterator.pointee.count > 0, let element = iterator.pointee.elements else {
    return base + Int(at.pointee.jump)
  }
  let left = evaluation.pointee.stepsLeft &- Int64(at.pointee.a)
  evaluation.pointee.stepsLeft = left
  if left < 0 {
    spendBudget(at, evaluation)
    return base + Int(at.pointee.error)
  }
  if iterator.pointee.extra == 2 {
    iterator[1] = element.pointee
    iterator[2] = element[1]
  } else {
    iterator[1] = .int(iterator[1].asInt &+ 1)
    iterator[2] = element.pointee
  }
  iterator.pointee.payload = iterator.pointee.payload &+ UInt64(iterator.pointee.extra) &* 16
  iterator.pointee.count = iterator.pointee.count &- 1
  return at + 1
}

/// The map at `place`, whose capacity is beside it, with the entries of another; a key of both is an error.
private func merged(
  _ place: UnsafeMutablePointer<Value>, _ added: Value, _ evaluation: Evaluation.Pointer
) -> Value {
  var map = place.pointee
  let added = whole(added, evaluation)
  if added.kind == .error { return added }
  guard map.kind == .map, added.kind == .map else { return .failure(.noSuchOverload) }
  guard added.count > 0, let entries = added.elements else { return map }
  let needed = Int(map.count) &+ Int(added.count)
  if needed > Int(place[1].asInt) {
    let capacity = max(needed, Int(map.count) &* 2)
    var larger = makeContainer(.map, capacity: capacity, evaluation)
    guard larger.kind == .map, let memory = larger.elements else { return larger }
    spend(Int(map.count), evaluation)
    if let old = map.elements {
      UnsafeMutablePointer(mutating: memory).update(from: old, count: Int(map.count) &* 2)
    }
    larger.count = map.count
    map = larger
    place[1] = .int(Int64(capacity))
  }
  var number = 0
  while number < Int(added.count) {
    insertEntry(&map, entries[number &* 2], entries[number &* 2 &+ 1], isKnown: false, evaluation)
    number &+= 1
    if map.kind != .map { return map }
    if evaluation.pointee.stepsLeft < 0 { return .failure(.stepBudgetSpent) }
  }
  return map
}
