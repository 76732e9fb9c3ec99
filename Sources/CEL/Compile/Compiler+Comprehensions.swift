// Loops. An iterator is two registers: where it stands, and the element it came to.
//
//   iterate it ← range
//   step: next it → done          (takes a step from the budget)
//   …body…; jump step
//   done:

extension Compiler {
  /// `all` and `exists`. They absorb errors as `&&` and `||` do.
  mutating func testQuantifier(
    _ node: Node, _ comprehension: Node.Comprehension, jumpsWhen sense: Bool, to target: Label, errors: Sink
  ) {
    guard let predicate = comprehension.predicate else { return refuse(node.span, "macro without a predicate") }
    let decisive = comprehension.macro == .exists
    let mark = free
    let iterator = begin(node, comprehension.range, errors: errors)
    let own = makeErrorRegister()
    let step = makeLabel()
    let done = makeLabel()
    let end = makeLabel()
    place(step)
    emitNext(node, comprehension, iterator, done: done, errors: errors)
    scopes.append(iterator &+ 1)
    test(predicate, jumpsWhen: !decisive, to: step, errors: Sink(register: own, keepsFirst: true, label: step))
    _ = scopes.popLast()
    emitJump(sense == decisive ? target : end)
    place(done)
    var rethrow = testing(.rethrow, jumpsWhen: sense, to: sense == decisive ? end : target, errors: errors)
    rethrow.a = UInt32(truncatingIfNeeded: own)
    emit(rethrow, at: node.anchor)
    place(end)
    releaseErrorRegister(own)
    free = mark
  }

  /// `exists_one`, `filter` and `map`; any error is the result.
  mutating func computeComprehension(_ node: Node, _ comprehension: Node.Comprehension) -> Operand {
    let destination = makeRegister()
    let step = makeLabel()
    let done = makeLabel()
    let end = makeLabel()
    let errors = Sink(register: destination, keepsFirst: false, label: end)
    let iterator = begin(node, comprehension.range, errors: errors)
    if comprehension.macro == .existsOne {
      emit(Instruction(.move, destination: destination), a: constant(.int(0)), at: node.anchor)
    } else {
      emit(
        Instruction(.makeListFor, destination: destination, a: UInt32(truncatingIfNeeded: iterator)), at: node.anchor)
    }
    place(step)
    emitNext(node, comprehension, iterator, done: done, errors: errors)
    scopes.append(iterator &+ 1)
    if let predicate = comprehension.predicate {
      test(predicate, jumpsWhen: false, to: step, errors: errors)
    }
    switch comprehension.macro {
    case .existsOne: emit(Instruction(.increment, destination: destination), at: node.anchor)
    case .map:
      guard let transform = comprehension.transform else {
        refuse(node.span, "macro without a result")
        break
      }
      let mark = free
      let operand = compute(transform)
      free = mark
      emit(
        Instruction(.append, destination: destination, error: end.number), a: operand,
        at: checked.tree[transform].anchor)
    default:
      emit(
        Instruction(.append, destination: destination, error: end.number), a: .register(iterator &+ 1),
        at: node.anchor)
    }
    _ = scopes.popLast()
    emitJump(step)
    place(done)
    if comprehension.macro == .existsOne {
      emit(
        Instruction(.call2, destination: destination, jump: UInt16(truncatingIfNeeded: Builtin.equal.rawValue)),
        a: .register(destination),
        b: constant(.int(1)), at: node.anchor)
    }
    place(end)
    free = destination
    return .register(makeRegister())
  }

  private mutating func begin(_ node: Node, _ range: NodeID, errors: Sink) -> UInt16 {
    let mark = free
    let operand = compute(range)
    free = mark
    let iterator = makeRegister()
    _ = makeRegister()
    emit(
      Instruction(
        .iterate, destination: iterator, b: UInt32(truncatingIfNeeded: errors.register), error: errors.label.number),
      a: operand,
      keepsFirst: errors.keepsFirst, at: checked.tree[range].anchor)
    return iterator
  }

  private mutating func emitNext(
    _ node: Node, _ comprehension: Node.Comprehension, _ iterator: UInt16, done: Label, errors: Sink
  ) {
    var price: Int64 = 1
    if let predicate = comprehension.predicate { price &+= analysis.price(predicate) }
    if let transform = comprehension.transform { price &+= analysis.price(transform) }
    emit(
      Instruction(
        .next, flags: errors.keepsFirst ? Flag.keepsFirst : 0, destination: iterator,
        a: UInt32(clamping: price), b: UInt32(truncatingIfNeeded: errors.register), jump: done.number,
        error: errors.label.number),
      at: node.anchor)
  }

  private mutating func emit(_ instruction: Instruction, a: Operand, keepsFirst: Bool, at offset: UInt32) {
    var instruction = instruction
    if keepsFirst { instruction.flags |= Flag.keepsFirst }
    emit(instruction, a: a, at: offset)
  }
}
