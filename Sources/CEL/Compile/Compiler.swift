// Turns one checked tree into one program.
//
//   analyse    a pass from the leaves up: what each node costs, and its value where that is constant
//   compute    code that leaves a node's value in an operand            (Compiler+Values)
//   test       code that jumps by a node's truth, without a value       (Compiler+Conditions)
//   link       labels and error registers become numbers
//
// Registers are a stack: `compute` leaves a result in the lowest register that was free when it began, or gives a
// slot or constant without any code. Error registers are numbered apart and placed after the others.

struct Label: Equatable {
  var number: UInt16
}

/// What a testing instruction does with an error.
struct Sink {
  var register: UInt16
  var keepsFirst: Bool
  var label: Label
}

struct Compiler {
  static let instructionsMax = 60_000
  static let labelsMax = 65_000
  static let freshErrorsMax: UInt16 = 16
  /// What an operand's three bytes can number.
  static let constantsMax = 0xff_ffff
  static let depthMax = 1_000
  /// Register numbers from here on are error registers until they are linked.
  static let errorBase: UInt16 = 0x8000

  let checked: CheckedTree
  let pool: CodePool
  var analysis = Analysis()

  var instructions: [Instruction] = []
  var offsets: [UInt32] = []
  /// Where each label stands; `notPlaced` until then.
  var labels: [UInt16] = []
  var free: UInt16 = 0
  var registerHigh: UInt16 = 0
  var errorCount: UInt16 = 0
  var releasedErrors: [UInt16] = []
  var depth = 0
  /// The comprehensions and bindings around, innermost last.
  var scopes: [LocalScope] = []
  /// The first thing that makes the program impossible.
  var refusal: (span: Span, message: String)?

  static let notPlaced = UInt16.max

  init(checked: CheckedTree, pool: CodePool) {
    self.checked = checked
    self.pool = pool
  }

  mutating func compile(diagnostics: inout Diagnostics) -> Program? {
    let root = checked.tree.root
    let rootSpan = checked.tree[root].span
    guard checked.tree.nodes.indices.contains(Int(root.index)) else {
      diagnostics.error(at: rootSpan, "expression is empty")
      return nil
    }
    analysis = Analysis(checked, pool)
    let cost = analysis.cost(root)
    if cost > CodeBuilder.costMax {
      diagnostics.error(
        at: rootSpan,
        "expression may take too long: estimated at \(cost) steps, at most \(CodeBuilder.costMax) are allowed")
      return nil
    }
    if isCondition(root) {
      let otherwise = makeLabel()
      let failed = makeLabel()
      let sink = Sink(register: makeErrorRegister(), keepsFirst: false, label: failed)
      test(root, jumpsWhen: false, to: otherwise, errors: sink)
      emit(Instruction(.giveTrue), at: 0)
      place(otherwise)
      emit(Instruction(.giveFalse), at: 0)
      place(failed)
      emit(Instruction(.giveValue, a: UInt32(truncatingIfNeeded: sink.register)), at: 0)
    } else {
      let operand = compute(root)
      emit(Instruction(.giveValue), a: operand, at: checked.tree[root].anchor)
    }
    if instructions.count > Compiler.instructionsMax || labels.count > Compiler.labelsMax
      || pool.constants.count > Compiler.constantsMax
    {
      refuse(rootSpan, "expression is too large")
    }
    if Int(registerHigh) + Int(errorCount) > CodeBuilder.registersMax {
      refuse(rootSpan, "expression needs too many values at once")
    }
    if let refusal {
      diagnostics.error(at: refusal.span, refusal.message)
      return nil
    }
    link()
    let start = UInt32(truncatingIfNeeded: pool.instructions.count)
    pool.instructions.append(contentsOf: instructions)
    pool.offsets.append(contentsOf: offsets)
    let (scaled, overflow) = cost.multipliedReportingOverflow(by: 100)
    let steps = overflow ? CodeBuilder.stepsMost : scaled
    return Program(
      start: start, registerCount: UInt32(truncatingIfNeeded: registerHigh) + UInt32(truncatingIfNeeded: errorCount),
      stepsMax: min(max(steps, CodeBuilder.stepsLeast), CodeBuilder.stepsMost),
      errorCount: UInt32(truncatingIfNeeded: errorCount),
      instructionCount: UInt32(truncatingIfNeeded: instructions.count))
  }

  mutating func refuse(_ span: Span, _ message: String) {
    if refusal == nil { refusal = (span, message) }
  }

  // MARK: Registers, labels, emission

  mutating func makeRegister() -> UInt16 {
    let register = free
    if free < Compiler.errorBase &- 8 { free &+= 1 }
    registerHigh = max(registerHigh, free)
    return register
  }

  /// A register that remembers an error; empty when the code that follows begins.
  mutating func makeErrorRegister() -> UInt16 {
    // The first few are cleared as the program starts; more would be a price for every evaluation, so from then on
    // released ones are cleared by an instruction and used again.
    if errorCount >= Compiler.freshErrorsMax, let register = releasedErrors.popLast() {
      emit(Instruction(.clear, destination: register), at: 0)
      return register
    }
    let register = Compiler.errorBase | errorCount
    if errorCount < 0x7ff0 { errorCount &+= 1 }
    // Outside loops every instruction runs once; inside, an earlier round may have left something.
    if !scopes.isEmpty { emit(Instruction(.clear, destination: register), at: 0) }
    return register
  }

  mutating func releaseErrorRegister(_ register: UInt16) { releasedErrors.append(register) }

  mutating func makeLabel() -> Label {
    let label = Label(number: UInt16(truncatingIfNeeded: labels.count))
    if labels.count <= Compiler.labelsMax { labels.append(Compiler.notPlaced) }
    return label
  }

  mutating func place(_ label: Label) {
    guard labels.indices.contains(Int(label.number)) else { return }
    labels[Int(label.number)] = UInt16(clamping: instructions.count)
  }

  mutating func emit(_ instruction: Instruction, at offset: UInt32) {
    guard instructions.count <= Compiler.instructionsMax else { return }
    instructions.append(instruction)
    offsets.append(offset)
  }

  mutating func emit(_ instruction: Instruction, a: Operand, at offset: UInt32) {
    var instruction = instruction
    instruction.a = a.index
    switch a.space {
    case .register: break
    case .slot: instruction.flags |= Flag.aSlot
    case .constant: instruction.flags |= Flag.aConstant
    }
    emit(instruction, at: offset)
  }

  mutating func emit(_ instruction: Instruction, a: Operand, b: Operand, at offset: UInt32) {
    var instruction = instruction
    instruction.b |= b.index & 0xff_ffff
    switch b.space {
    case .register: break
    case .slot: instruction.flags |= Flag.bSlot
    case .constant: instruction.flags |= Flag.bConstant
    }
    emit(instruction, a: a, at: offset)
  }

  mutating func emitJump(_ label: Label) {
    emit(Instruction(.jump, jump: label.number), at: 0)
  }

  /// A testing instruction's flags, destination and targets; its operation and operands are the caller's.
  func testing(_ op: Opcode, jumpsWhen sense: Bool, to target: Label, errors: Sink) -> Instruction {
    Instruction(
      op, flags: (sense ? Flag.sense : 0) | (errors.keepsFirst ? Flag.keepsFirst : 0), destination: errors.register,
      jump: target.number, error: errors.label.number)
  }

  // MARK: Linking

  private mutating func link() {
    for at in instructions.indices {
      var instruction = instructions[at]
      instruction.destination = linked(instruction.destination)
      switch instruction.op {
      case .rethrow:
        instruction.a = UInt32(truncatingIfNeeded: linked(UInt16(truncatingIfNeeded: instruction.a)))
        instruction.jump = address(instruction.jump)
        instruction.error = address(instruction.error)
      case .equalString, .startsWithString, .endsWithString, .containsString, .inSet, .equalInt, .lessInt,
        .lessOrEqualInt, .greaterInt, .greaterOrEqualInt, .matchesRegex, .present, .isTrue, .test:
        instruction.jump = address(instruction.jump)
        instruction.error = address(instruction.error)
      case .iterate:
        instruction.b = UInt32(truncatingIfNeeded: linked(UInt16(truncatingIfNeeded: instruction.b)))
        instruction.error = address(instruction.error)
      case .next, .nextPair:
        instruction.b = UInt32(truncatingIfNeeded: linked(UInt16(truncatingIfNeeded: instruction.b)))
        instruction.jump = address(instruction.jump)
        instruction.error = address(instruction.error)
      case .append, .collect, .merge:
        instruction.error = address(instruction.error)
      case .jump, .force, .orElse, .unwrap:
        instruction.jump = address(instruction.jump)
      case .giveValue:
        if instruction.flags & (Flag.aSlot | Flag.aConstant) == 0 {
          instruction.a = UInt32(truncatingIfNeeded: linked(UInt16(truncatingIfNeeded: instruction.a)))
        }
      default: break
      }
      instructions[at] = instruction
    }
  }

  private func linked(_ register: UInt16) -> UInt16 {
    register >= Compiler.errorBase ? registerHigh &+ (register & 0x7fff) : register
  }

  // INVARIANT: every label that an instruction names is placed, so `address` never gives the end.
  private func address(_ label: UInt16) -> UInt16 {
    labels.indices.contains(Int(label)) ? labels[Int(label)] : Compiler.notPlaced
  }
}
