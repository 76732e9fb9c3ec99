// The loop that runs a program.
//
// Nothing in it is counted, allocated or checked for overlap: raw pointers, trivial values, wrapping arithmetic.
// Each instruction looks at the kinds of its operands before it uses them; one compare covers "not fetched yet",
// "absent", "an error" and "another type", and all of these leave the loop for `testSlowly` or `computeSlowly`.
// So a host that supplies the wrong type makes an error, never a wrong read.

/// What a testing instruction came to. The numbers of `no` and `yes` are those of the sense flag.
enum Outcome {
  @inline(__always) static var no: UInt8 { 0 }
  @inline(__always) static var yes: UInt8 { 1 }
  /// The error is in the destination register.
  @inline(__always) static var error: UInt8 { 2 }
  /// A slot was fetched: run the same instruction again.
  @inline(__always) static var again: UInt8 { 3 }
}

/// Runs one program of `evaluation`'s code. The value, which may be an error, points into memory that lives until
/// the evaluation's arena is reset, the host's call ends, or the code is freed, whichever is first.
public func evaluate(_ program: UInt32, _ evaluation: Evaluation.Pointer) -> Value {
  let image = evaluation.pointee.code
  if program >= image.pointee.programCount { return .error(EvaluationError(.internalFailure)) }
  let place = image.pointee.programs + Int(program)
  evaluation.pointee.stepsLeft = place.pointee.stepsMax
  var errors = Int(place.pointee.errorCount)
  var register = evaluation.pointee.registers + Int(place.pointee.registerCount) - errors
  while errors != 0 {
    register.pointee = Value(kind: .unfetched)
    register += 1
    errors &-= 1
  }
  return run(image.pointee.instructions + Int(place.pointee.start), evaluation)
}

typealias Step = UnsafePointer<Instruction>

@inline(__always)
private func truth(_ condition: Bool) -> UInt8 { condition ? Outcome.yes : Outcome.no }

@inline(never)
private func run(_ base: Step, _ evaluation: Evaluation.Pointer) -> Value {
  let image = evaluation.pointee.code
  let constants = UnsafeMutablePointer(mutating: image.pointee.constants)
  let registers = evaluation.pointee.registers
  let slots = evaluation.pointee.slots
  var at = base
  while true {
    let outcome: UInt8
    // A testing instruction's subject is a slot or a register, seldom a constant.
    let flags = at.pointee.flags
    let subject =
      (flags & Flag.aSlot != 0 ? slots : flags & Flag.aConstant != 0 ? constants : registers)
      + Int(at.pointee.a)
    switch at.pointee.op {
    case .equalString:
      let text = constants + Int(at.pointee.b)
      if subject.pointee.kind == .string {
        outcome = truth(subject.pointee.asBytes.equals(text.pointee.asBytes))
      } else {
        outcome = testSlowly(at, evaluation)
      }
    case .startsWithString:
      let text = constants + Int(at.pointee.b)
      if subject.pointee.kind == .string {
        outcome = truth(subject.pointee.asBytes.starts(with: text.pointee.asBytes))
      } else {
        outcome = testSlowly(at, evaluation)
      }
    case .endsWithString:
      let text = constants + Int(at.pointee.b)
      if subject.pointee.kind == .string {
        outcome = truth(subject.pointee.asBytes.ends(with: text.pointee.asBytes))
      } else {
        outcome = testSlowly(at, evaluation)
      }
    case .inSet:
      if subject.pointee.kind == .string {
        let set = image.pointee.sets + Int(at.pointee.b)
        outcome = truth(set.pointee.contains(subject.pointee.asBytes))
      } else {
        outcome = testSlowly(at, evaluation)
      }
    case .equalInt:
      let number = (constants + Int(at.pointee.b)).pointee.asInt
      outcome = subject.pointee.kind == .int ? truth(subject.pointee.asInt == number) : testSlowly(at, evaluation)
    case .lessInt:
      let number = (constants + Int(at.pointee.b)).pointee.asInt
      outcome = subject.pointee.kind == .int ? truth(subject.pointee.asInt < number) : testSlowly(at, evaluation)
    case .lessOrEqualInt:
      let number = (constants + Int(at.pointee.b)).pointee.asInt
      outcome = subject.pointee.kind == .int ? truth(subject.pointee.asInt <= number) : testSlowly(at, evaluation)
    case .greaterInt:
      let number = (constants + Int(at.pointee.b)).pointee.asInt
      outcome = subject.pointee.kind == .int ? truth(subject.pointee.asInt > number) : testSlowly(at, evaluation)
    case .greaterOrEqualInt:
      let number = (constants + Int(at.pointee.b)).pointee.asInt
      outcome = subject.pointee.kind == .int ? truth(subject.pointee.asInt >= number) : testSlowly(at, evaluation)
    case .present:
      switch subject.pointee.kind {
      case .unfetched, .error: outcome = testSlowly(at, evaluation)
      case .absent: outcome = Outcome.no
      default: outcome = Outcome.yes
      }
    case .isTrue:
      outcome = subject.pointee.kind == .bool ? truth(subject.pointee.payload != 0) : testSlowly(at, evaluation)
    case .test:
      let other =
        (flags & Flag.bSlot != 0 ? slots : flags & Flag.bConstant != 0 ? constants : registers)
        + Int(at.pointee.b & 0xff_ffff)
      let quick = testQuickly(UInt8(truncatingIfNeeded: at.pointee.b &>> 24), subject, other)
      outcome = quick <= Outcome.yes ? quick : testSlowly(at, evaluation)
    case .containsString, .matchesRegex:
      outcome = testSlowly(at, evaluation)
    case .rethrow:
      if registers[Int(at.pointee.a)].kind == .error {
        putError(registers[Int(at.pointee.a)], at, evaluation)
        outcome = Outcome.error
      } else {
        at = base + Int(at.pointee.jump)
        continue
      }

    case .iterate:
      at = beginIteration(at, evaluation) ? at + 1 : base + Int(at.pointee.error)
      continue
    case .next:
      let iterator = registers + Int(at.pointee.destination)
      if iterator.pointee.count == 0 {
        at = base + Int(at.pointee.jump)
        continue
      }
      let left = evaluation.pointee.stepsLeft &- Int64(at.pointee.a)
      evaluation.pointee.stepsLeft = left
      if left < 0 {
        spendBudget(at, evaluation)
        at = base + Int(at.pointee.error)
        continue
      }
      if let element = iterator.pointee.elements { iterator[1] = element.pointee }
      iterator.pointee.payload = iterator.pointee.payload &+ UInt64(iterator.pointee.extra) &* 16
      iterator.pointee.count = iterator.pointee.count &- 1
      at += 1
      continue
    case .jump:
      at = base + Int(at.pointee.jump)
      continue
    case .giveTrue: return .bool(true)
    case .giveFalse: return .bool(false)
    case .giveValue:
      let kind = subject.pointee.kind
      if kind.rawValue >= Value.Kind.null.rawValue && kind != .hostMap { return subject.pointee }
      return whole(operandA(at, evaluation), evaluation)

    case .add:
      let other =
        (flags & Flag.bSlot != 0 ? slots : flags & Flag.bConstant != 0 ? constants : registers)
        + Int(at.pointee.b)
      let (sum, overflow) = subject.pointee.asInt.addingReportingOverflow(other.pointee.asInt)
      if subject.pointee.kind == .int, other.pointee.kind == .int, !overflow {
        registers[Int(at.pointee.destination)] = .int(sum)
      } else {
        computeSlowly(at, evaluation)
      }
      at += 1
      continue
    case .subtract:
      let other =
        (flags & Flag.bSlot != 0 ? slots : flags & Flag.bConstant != 0 ? constants : registers)
        + Int(at.pointee.b)
      let (difference, overflow) = subject.pointee.asInt.subtractingReportingOverflow(other.pointee.asInt)
      if subject.pointee.kind == .int, other.pointee.kind == .int, !overflow {
        registers[Int(at.pointee.destination)] = .int(difference)
      } else {
        computeSlowly(at, evaluation)
      }
      at += 1
      continue
    case .loadBool:
      registers[Int(at.pointee.destination)] = .bool(flags & Flag.sense != 0)
      at += 1
      continue
    case .clear:
      registers[Int(at.pointee.destination)] = Value(kind: .unfetched)
      at += 1
      continue
    case .increment:
      registers[Int(at.pointee.destination)].payload = registers[Int(at.pointee.destination)].payload &+ 1
      at += 1
      continue
    case .append:
      at = appendElement(at, evaluation) ? at + 1 : base + Int(at.pointee.error)
      continue
    case .nextPair, .collect, .merge, .orElse, .unwrap, .force, .goBack:
      at = branchSlowly(at, base, evaluation)
      continue
    case .makeList, .makeMap, .makeListFor, .makeMapFor, .insert, .optionalSlot, .optionalEntry, .makeMessage, .setField,
      .sealMessage:
      build(at, evaluation)
      at += 1
      continue
    case .move, .fail, .call1, .call2, .zoned, .external, .native, .select, .hasField:
      computeSlowly(at, evaluation)
      at += 1
      continue
    }

    if outcome == flags & Flag.sense {
      at = base + Int(at.pointee.jump)
    } else if outcome <= Outcome.yes {
      at += 1
    } else if outcome == Outcome.error {
      at = base + Int(at.pointee.error)
    }
  }
}

/// Relations of two operands of one scalar kind; anything else is `again`, meaning "not here".
@inline(__always)
private func testQuickly(
  _ builtin: UInt8, _ left: UnsafeMutablePointer<Value>, _ right: UnsafeMutablePointer<Value>
) -> UInt8 {
  let kind = left.pointee.kind
  if kind != right.pointee.kind { return Outcome.again }
  let order: Int
  switch kind {
  case .int, .bool:
    let a = left.pointee.asInt
    let b = right.pointee.asInt
    order = a < b ? -1 : a == b ? 0 : 1
  case .timestamp:
    let a = left.pointee.seconds
    let b = right.pointee.seconds
    let c = left.pointee.nanoseconds
    let d = right.pointee.nanoseconds
    order = a < b ? -1 : a > b ? 1 : c < d ? -1 : c == d ? 0 : 1
  case .string:
    // Long texts are compared where the budget pays for it.
    if builtin != Builtin.equal.rawValue || left.pointee.count > 1_024 { return Outcome.again }
    return truth(left.pointee.asBytes.equals(right.pointee.asBytes))
  default: return Outcome.again
  }
  switch builtin {
  case Builtin.equal.rawValue: return truth(order == 0)
  case Builtin.less.rawValue: return truth(order < 0)
  case Builtin.lessOrEqual.rawValue: return truth(order <= 0)
  case Builtin.greater.rawValue: return truth(order > 0)
  case Builtin.greaterOrEqual.rawValue: return truth(order >= 0)
  default: return Outcome.again
  }
}
