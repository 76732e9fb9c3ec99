// Loops. An iterator is two registers: where it stands, and the element it came to; with two variables, three: index
// and element, or key and value.
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
    let iterator = begin(comprehension, errors: errors)
    let own = makeErrorRegister()
    let step = makeLabel()
    let done = makeLabel()
    let end = makeLabel()
    place(step)
    emitNext(node, comprehension, iterator, done: done, errors: errors)
    scopes.append(variables(of: comprehension, iterator))
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

  /// The macros that make a list or map, and `exists_one`; any error is the result.
  mutating func computeComprehension(_ node: Node, _ comprehension: Node.Comprehension) -> Operand {
    if comprehension.macro == .optMap || comprehension.macro == .optFlatMap {
      return computeOptionalMap(node, comprehension)
    }
    if comprehension.macro == .sortBy { return computeSorted(node, comprehension) }
    let destination = makeRegister()
    let makesMap = comprehension.macro == .transformMap || comprehension.macro == .transformMapEntry
    // A map that may grow has its capacity beside it.
    if makesMap { _ = makeRegister() }
    let step = makeLabel()
    let done = makeLabel()
    let end = makeLabel()
    let errors = Sink(register: destination, keepsFirst: false, label: end)
    let iterator = begin(comprehension, errors: errors)
    if comprehension.macro == .existsOne {
      emit(Instruction(.move, destination: destination), a: constant(.int(0)), at: node.anchor)
    } else {
      emit(
        Instruction(
          makesMap ? .makeMapFor : .makeListFor, destination: destination, a: UInt32(truncatingIfNeeded: iterator)),
        at: node.anchor)
    }
    place(step)
    emitNext(node, comprehension, iterator, done: done, errors: errors)
    scopes.append(variables(of: comprehension, iterator))
    if let predicate = comprehension.predicate {
      test(predicate, jumpsWhen: false, to: step, errors: errors)
    }
    let mark = free
    if let transform = comprehension.transform {
      let operand = compute(transform)
      free = mark
      emitYield(comprehension.macro, operand, iterator, into: destination, end, at: checked.tree[transform].anchor)
    } else if comprehension.macro == .existsOne {
      emit(Instruction(.increment, destination: destination), at: node.anchor)
    } else {
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

  private mutating func emitYield(
    _ macro: Node.Macro, _ operand: Operand, _ iterator: UInt16, into destination: UInt16, _ end: Label,
    at anchor: UInt32
  ) {
    switch macro {
    case .transformMap:
      // The range's keys and indexes are all different.
      emit(
        Instruction(.collect, flags: Flag.special, destination: destination, error: end.number),
        a: .register(iterator &+ 1), b: operand, at: anchor)
    case .transformMapEntry:
      emit(Instruction(.merge, destination: destination, error: end.number), a: operand, at: anchor)
    default:
      emit(Instruction(.append, destination: destination, error: end.number), a: operand, at: anchor)
    }
  }

  func variables(of comprehension: Node.Comprehension, _ iterator: UInt16) -> LocalScope {
    comprehension.variables.count == 2
      ? LocalScope([.register(iterator &+ 1), .register(iterator &+ 2)]) : LocalScope([.register(iterator &+ 1)])
  }

  private mutating func begin(_ comprehension: Node.Comprehension, errors: Sink) -> UInt16 {
    let anchor = checked.tree[comprehension.range].anchor
    let mark = free
    let operand = compute(comprehension.range)
    free = mark
    let iterator = makeRegister()
    _ = makeRegister()
    emit(
      Instruction(
        .iterate, destination: iterator, b: UInt32(truncatingIfNeeded: errors.register), error: errors.label.number),
      a: operand,
      keepsFirst: errors.keepsFirst, at: anchor)
    if comprehension.variables.count == 2 {
      _ = makeRegister()
      // The index before the first.
      emit(Instruction(.move, destination: iterator &+ 1), a: constant(.int(-1)), at: anchor)
    }
    return iterator
  }

  mutating func emitNext(
    _ node: Node, _ comprehension: Node.Comprehension, _ iterator: UInt16, done: Label, errors: Sink
  ) {
    var price: Int64 = 1
    if let predicate = comprehension.predicate { price &+= analysis.price(predicate) }
    if let transform = comprehension.transform { price &+= analysis.price(transform) }
    emit(
      Instruction(
        comprehension.variables.count == 2 ? .nextPair : .next, flags: errors.keepsFirst ? Flag.keepsFirst : 0,
        destination: iterator, a: UInt32(clamping: price), b: UInt32(truncatingIfNeeded: errors.register),
        jump: done.number, error: errors.label.number),
      at: node.anchor)
  }

  private mutating func emit(_ instruction: Instruction, a: Operand, keepsFirst: Bool, at offset: UInt32) {
    var instruction = instruction
    if keepsFirst { instruction.flags |= Flag.keepsFirst }
    emit(instruction, a: a, at: offset)
  }
}
