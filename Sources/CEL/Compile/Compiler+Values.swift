// Code for a node's value.

extension Compiler {
  /// Code that leaves the node's value in an operand: a slot, a constant, or the lowest free register, which is
  /// then taken.
  mutating func compute(_ id: NodeID) -> Operand {
    let node = checked.tree[id]
    if let value = analysis.value(id) { return constant(value) }
    depth += 1
    defer { depth -= 1 }
    guard depth < Compiler.depthMax else {
      refuse(node.span, "expression is nested too deeply")
      return .register(0)
    }
    switch checked.reference(id) {
    case .variable(let variable):
      return slot(SlotDefinition(variable: variable.id), node)
    case .enumeration(let name, nil): return computeEnum(node, name)
    case .local(let depth, let variable):
      guard let place = local(depth, variable) else { return fail(.internalFailure, node) }
      return read(place, node)
    case .optional(let variable):
      return computeOptional(of: slot(SlotDefinition(variable: variable.id), node), node)
    default: break
    }
    if let slot = entrySlot(id, isTest: false) { return slot }
    if isCondition(id) { return materialize(id) }

    switch node.kind {
    case .invalid:
      refuse(node.span, "expression does not parse")
      return .register(0)
    case .literal:
      refuse(node.span, "literal is too large")
      return .register(0)
    case .identifier: return fail(.unknownIdentifier, node)
    case .select(let operand, let field, let isTest):
      let mark = free
      let subject = compute(operand)
      guard let text = pool.text(Array(field.utf8)) else { return fail(.memorySpent, node) }
      free = mark
      let destination = makeRegister()
      emit(
        Instruction(
          isTest ? .hasField : .select, destination: destination, jump: likelyPlace(of: field, in: operand)),
        a: subject, b: constant(.string(text)), at: node.anchor)
      return .register(destination)
    case .call(let function, let target, let arguments):
      return computeCall(id, node, Callee(checked.reference(id), function), (target.map { [$0] } ?? []) + arguments)
    case .conditional(let condition, let then, let otherwise):
      return computeConditional(node, condition, then, otherwise)
    case .list(let items): return computeList(node, items)
    case .map(let entries): return computeMap(node, entries)
    case .message(let type, let fields): return computeMessage(node, type, fields)
    case .comprehension(let comprehension): return computeComprehension(node, comprehension)
    case .bindings(let bindings): return computeBindings(node, bindings)
    case .and, .or: return materialize(id)
    }
  }

  /// The same, into `register`, which must be the lowest free one or just below it.
  mutating func compute(_ id: NodeID, into register: UInt16) {
    free = register
    let operand = compute(id)
    free = register
    _ = makeRegister()
    if operand != .register(register) {
      emit(Instruction(.move, destination: register), a: operand, at: checked.tree[id].anchor)
    }
  }

  mutating func constant(_ value: Value) -> Operand {
    Operand(space: .constant, index: pool.constant(value))
  }

  mutating func slot(_ definition: SlotDefinition, _ node: Node) -> Operand {
    guard let number = pool.slot(definition) else {
      refuse(node.span, "too many variables are read")
      return .register(0)
    }
    return Operand(space: .slot, index: number)
  }

  mutating func fail(_ code: EvaluationError.Code, _ node: Node) -> Operand {
    let destination = makeRegister()
    emit(Instruction(.fail, destination: destination, a: UInt32(truncatingIfNeeded: code.rawValue)), at: node.anchor)
    return .register(destination)
  }

  /// The slot of `m["k"]` or `m.k` (with `isTest`: of `"k" in m` or `has(m.k)`) when `m` is an entrywise variable.
  mutating func entrySlot(_ id: NodeID, isTest: Bool) -> Operand? {
    let node = checked.tree[id]
    switch node.kind {
    case .select(let operand, let field, let test):
      guard test == isTest, case .variable(let map) = checked.reference(operand), isEntrywise(map) else { return nil }
      return slot(SlotDefinition(variable: map.id, key: Array(field.utf8)), node)
    case .call(let function, nil, let arguments):
      guard case .builtin(let builtin) = Callee(checked.reference(id), function), arguments.count == 2,
        builtin == (isTest ? .isIn : .index), let first = arguments.first, let last = arguments.last
      else { return nil }
      let (map, key) = isTest ? (last, first) : (first, last)
      guard case .variable(let variable) = checked.reference(map), isEntrywise(variable),
        let text = analysis.value(key), text.kind == .string
      else { return nil }
      return slot(SlotDefinition(variable: variable.id, key: Array(text.asBytes.buffer)), node)
    default: return nil
    }
  }

  func isEntrywise(_ variable: Variable) -> Bool { variable.isEntrywise && variable.constant == nil }

  /// A condition as a value.
  private mutating func materialize(_ id: NodeID) -> Operand {
    let destination = makeRegister()
    let otherwise = makeLabel()
    let end = makeLabel()
    let node = checked.tree[id]
    test(
      id, jumpsWhen: false, to: otherwise, errors: Sink(register: destination, keepsFirst: false, label: end))
    emit(Instruction(.loadBool, flags: Flag.sense, destination: destination), at: node.anchor)
    emitJump(end)
    place(otherwise)
    emit(Instruction(.loadBool, destination: destination), at: node.anchor)
    place(end)
    free = destination
    return .register(makeRegister())
  }

  private mutating func computeConditional(
    _ node: Node, _ condition: NodeID, _ then: NodeID, _ otherwise: NodeID
  ) -> Operand {
    let destination = makeRegister()
    let no = makeLabel()
    let end = makeLabel()
    test(condition, jumpsWhen: false, to: no, errors: Sink(register: destination, keepsFirst: false, label: end))
    compute(then, into: destination)
    emitJump(end)
    place(no)
    compute(otherwise, into: destination)
    place(end)
    return .register(destination)
  }

  private mutating func computeList(_ node: Node, _ items: [NodeID]) -> Operand {
    let destination = makeRegister()
    let end = makeLabel()
    emit(
      Instruction(.makeList, destination: destination, a: UInt32(truncatingIfNeeded: items.count)), at: node.anchor)
    for item in items {
      let mark = free
      let optional = checked.tree.optionalEntry(item)
      let operand = compute(optional ?? item)
      free = mark
      emit(
        Instruction(
          .append, flags: optional == nil ? 0 : Flag.optional, destination: destination, error: end.number),
        a: operand, at: checked.tree[item].anchor)
    }
    place(end)
    return .register(destination)
  }

  private mutating func computeMap(_ node: Node, _ entries: [Node.MapEntry]) -> Operand {
    let destination = makeRegister()
    // Constant keys are compared once, here.
    var known: Set<[UInt8]> = []
    emit(
      Instruction(.makeMap, destination: destination, a: UInt32(truncatingIfNeeded: entries.count)), at: node.anchor)
    let allText = entries.allSatisfy { analysis.value($0.key)?.kind == .string }
    for entry in entries {
      let mark = free
      var isKnown = false
      if allText, let key = analysis.value(entry.key) {
        isKnown = known.insert(Array(key.asBytes.buffer)).inserted
      }
      let key = compute(entry.key)
      let optional = checked.tree.optionalEntry(entry.value)
      let value = compute(optional ?? entry.value)
      free = mark
      let flags = (isKnown ? Flag.special : 0) | (optional == nil ? 0 : Flag.optional)
      emit(
        Instruction(.insert, flags: flags, destination: destination), a: key, b: value,
        at: checked.tree[entry.key].anchor)
    }
    return .register(destination)
  }
}

extension Builtin {
  var isGetter: Bool { rawValue >= Builtin.getFullYear.rawValue && rawValue <= Builtin.getMilliseconds.rawValue }
}
