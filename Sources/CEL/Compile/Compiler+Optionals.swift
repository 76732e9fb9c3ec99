// Code for optionals: what jumps, and what reads a slot that may be absent.

extension Compiler {
  /// The calls that are more than a function of their operands' values; nil for the others.
  mutating func computeOptionalCall(_ builtin: Builtin, _ node: Node, _ operands: [NodeID]) -> Operand? {
    guard operands.count == 2, let first = operands.first, let last = operands.last else { return nil }
    switch builtin {
    case .optionalOr, .optionalOrValue: return computeOr(builtin, node, first, last)
    case .optionalIndex, .optionalSelect:
      guard case .variable(let map) = checked.reference(first), isEntrywise(map), let key = analysis.value(last),
        key.kind == .string
      else { return computeEntry(builtin, node, first, last) }
      return computeOptional(of: slot(SlotDefinition(variable: map.id, key: Array(key.asBytes.buffer)), node), node)
    default: return nil
    }
  }

  private mutating func computeEntry(
    _ builtin: Builtin, _ node: Node, _ container: NodeID, _ key: NodeID
  ) -> Operand {
    let mark = free
    let a = compute(container)
    let b = compute(key)
    free = mark
    let destination = makeRegister()
    emit(
      Instruction(
        .optionalEntry, flags: builtin == .optionalSelect ? Flag.optional : 0, destination: destination), a: a, b: b,
      at: node.anchor)
    return .register(destination)
  }

  mutating func computeOptional(of slot: Operand, _ node: Node) -> Operand {
    let destination = makeRegister()
    emit(Instruction(.optionalSlot, destination: destination, a: slot.index), at: node.anchor)
    return .register(destination)
  }

  /// `a.or(b)` and `a.orValue(b)`: b is evaluated when a is none.
  private mutating func computeOr(
    _ builtin: Builtin, _ node: Node, _ first: NodeID, _ last: NodeID
  ) -> Operand {
    let destination = makeRegister()
    let end = makeLabel()
    compute(first, into: destination)
    emit(
      Instruction(
        .orElse, flags: builtin == .optionalOrValue ? Flag.optional : 0, destination: destination, jump: end.number),
      at: node.anchor)
    compute(last, into: destination)
    if builtin == .optionalOr { emitCall(.optionalOr, destination, .register(destination), node) }
    place(end)
    return .register(destination)
  }

  /// `optMap` and `optFlatMap`.
  mutating func computeOptionalMap(_ node: Node, _ comprehension: Node.Comprehension) -> Operand {
    let destination = makeRegister()
    let end = makeLabel()
    let mark = free
    let range = compute(comprehension.range)
    free = mark
    let variable = makeRegister()
    emit(
      Instruction(
        .unwrap, destination: variable, b: UInt32(truncatingIfNeeded: destination), jump: end.number), a: range,
      at: node.anchor)
    scopes.append(LocalScope([.register(variable)]))
    if let transform = comprehension.transform {
      let result = compute(transform)
      emitCall(comprehension.macro == .optMap ? .optionalOf : .optionalOr, destination, result, node)
    } else {
      refuse(node.span, "macro without a result")
    }
    _ = scopes.popLast()
    place(end)
    free = destination
    return .register(makeRegister())
  }

  private mutating func emitCall(_ builtin: Builtin, _ destination: UInt16, _ operand: Operand, _ node: Node) {
    emit(
      Instruction(.call1, destination: destination, jump: UInt16(truncatingIfNeeded: builtin.rawValue)), a: operand,
      at: node.anchor)
  }
}
