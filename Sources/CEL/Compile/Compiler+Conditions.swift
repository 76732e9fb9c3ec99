// Code that jumps by a node's truth.
//
// `test(x, jumpsWhen: s, to: L, errors: e)` jumps to L when x is s, goes on when x is not s, and goes to e's
// label with e's register set when x has no truth.

extension Compiler {
  /// Whether a node is better tested than computed.
  func isCondition(_ id: NodeID) -> Bool {
    if analysis.value(id) != nil { return false }
    switch checked.reference(id) {
    case .presence: return true
    case .variable, .local, .optional, .type, .enumeration: return false
    case .none, .overload, .dynamic: break
    }
    let node = checked.tree[id]
    switch node.kind {
    case .and, .or: return true
    case .select(let operand, _, let isTest):
      guard isTest, case .variable(let map) = checked.reference(operand) else { return false }
      return map.isEntrywise
    case .call(let function, let target, let arguments):
      guard case .builtin(let builtin) = Callee(checked.reference(id), function) else { return false }
      let count = arguments.count + (target == nil ? 0 : 1)
      return builtin == .not ? count == 1 : builtin.isRelation && count == 2
    case .comprehension(let comprehension):
      return comprehension.macro == .all || comprehension.macro == .exists
    case .bindings(let bindings): return isCondition(bindings.result)
    default: return false
    }
  }

  mutating func test(_ id: NodeID, jumpsWhen sense: Bool, to target: Label, errors: Sink) {
    if let value = analysis.value(id), value.kind == .bool {
      if value.isTrue == sense { emitJump(target) }
      return
    }
    let node = checked.tree[id]
    depth += 1
    defer { depth -= 1 }
    guard depth < Compiler.depthMax else { return refuse(node.span, "expression is nested too deeply") }
    let mark = free
    defer { free = mark }

    switch checked.reference(id) {
    case .presence(let variable):
      let slot = slot(SlotDefinition(variable: variable.id), node)
      return emit(testing(.present, jumpsWhen: sense, to: target, errors: errors), a: slot, at: node.anchor)
    case .variable, .local, .optional, .type, .enumeration:
      return testValue(id, node, jumpsWhen: sense, to: target, errors: errors)
    case .none, .overload, .dynamic: break
    }
    if let slot = entrySlot(id, isTest: true) {
      return emit(testing(.present, jumpsWhen: sense, to: target, errors: errors), a: slot, at: node.anchor)
    }
    switch node.kind {
    case .and(let operands):
      testLogic(operands, decisive: false, jumpsWhen: sense, to: target, errors: errors)
    case .or(let operands):
      testLogic(operands, decisive: true, jumpsWhen: sense, to: target, errors: errors)
    case .conditional(let condition, let then, let otherwise):
      let no = makeLabel()
      let end = makeLabel()
      test(condition, jumpsWhen: false, to: no, errors: errors)
      test(then, jumpsWhen: sense, to: target, errors: errors)
      emitJump(end)
      place(no)
      test(otherwise, jumpsWhen: sense, to: target, errors: errors)
      place(end)
    case .call(let function, let receiver, let arguments):
      guard case .builtin(let builtin) = Callee(checked.reference(id), function), isCondition(id) else {
        return testValue(id, node, jumpsWhen: sense, to: target, errors: errors)
      }
      let operands = (receiver.map { [$0] } ?? []) + arguments
      guard let first = operands.first, let last = operands.last else { return }
      if builtin == .not {
        test(first, jumpsWhen: !sense, to: target, errors: errors)
      } else {
        testRelation(builtin, node, first, last, jumpsWhen: sense, to: target, errors: errors)
      }
    case .comprehension(let comprehension) where comprehension.macro == .all || comprehension.macro == .exists:
      testQuantifier(node, comprehension, jumpsWhen: sense, to: target, errors: errors)
    case .bindings(let bindings):
      let released = openBindings(bindings)
      test(bindings.result, jumpsWhen: sense, to: target, errors: errors)
      closeBindings(released)
    default: testValue(id, node, jumpsWhen: sense, to: target, errors: errors)
    }
  }

  /// Anything: its value, which must be a bool.
  private mutating func testValue(
    _ id: NodeID, _ node: Node, jumpsWhen sense: Bool, to target: Label, errors: Sink
  ) {
    let operand = compute(id)
    emit(testing(.isTrue, jumpsWhen: sense, to: target, errors: errors), a: operand, at: node.anchor)
  }

  /// `&&` (false decides) or `||` (true decides). An operand's error is kept while the others are tried.
  private mutating func testLogic(
    _ all: [NodeID], decisive: Bool, jumpsWhen sense: Bool, to target: Label, errors: Sink
  ) {
    // A constant operand that does not decide says nothing; one that does was folded with the whole.
    let operands = all.filter { id in
      guard let value = analysis.value(id) else { return true }
      return value.kind != .bool
    }
    guard let last = operands.last else {
      if sense != decisive { emitJump(target) }
      return
    }
    let end = makeLabel()
    let decided = sense == decisive ? target : end
    var own: UInt16?
    for operand in operands.dropLast() {
      if canFail(operand) {
        let register: UInt16
        if let own {
          register = own
        } else {
          register = makeErrorRegister()
          own = register
        }
        let next = makeLabel()
        test(
          operand, jumpsWhen: decisive, to: decided, errors: Sink(register: register, keepsFirst: true, label: next))
        place(next)
      } else {
        // Should it fail all the same, the whole does: never a decision from half the operands.
        test(operand, jumpsWhen: decisive, to: decided, errors: errors)
      }
    }
    if let own {
      let check = makeLabel()
      test(last, jumpsWhen: decisive, to: decided, errors: Sink(register: own, keepsFirst: true, label: check))
      place(check)
      let undecided = sense == decisive ? end : target
      var rethrow = testing(.rethrow, jumpsWhen: sense, to: undecided, errors: errors)
      rethrow.a = UInt32(truncatingIfNeeded: own)
      emit(rethrow, at: 0)
      releaseErrorRegister(own)
    } else if sense == decisive {
      test(last, jumpsWhen: decisive, to: target, errors: errors)
    } else {
      test(last, jumpsWhen: !decisive, to: target, errors: errors)
    }
    place(end)
  }

  /// False only for what cannot fail whatever the values are.
  private func canFail(_ id: NodeID) -> Bool {
    // What is no bool fails as an operand.
    if let value = analysis.value(id) { return value.kind != .bool }
    guard case .call(let function, nil, let arguments) = checked.tree[id].kind,
      case .builtin(let builtin) = Callee(checked.reference(id), function),
      builtin == .equal || builtin == .notEqual
    else { return true }
    for argument in arguments {
      if analysis.value(argument) != nil { continue }
      guard case .local(let depth, let variable) = checked.reference(argument), !canFail(depth, variable) else {
        return true
      }
    }
    return false
  }

  private func canFail(_ depth: Int, _ variable: Int) -> Bool {
    switch local(depth, variable) {
    case .register: false
    case .lazy, .operand, nil: true
    }
  }

  private mutating func testRelation(
    _ builtin: Builtin, _ node: Node, _ first: NodeID, _ last: NodeID, jumpsWhen sense: Bool, to target: Label,
    errors: Sink
  ) {
    // `!=` is the other outcome of `==`.
    if builtin == .notEqual {
      return testRelation(.equal, node, first, last, jumpsWhen: !sense, to: target, errors: errors)
    }
    let a = compute(first)
    let b = compute(last)
    if fuse(builtin, node, a, b, last, jumpsWhen: sense, to: target, errors: errors) { return }
    if let mirrored = builtin.mirrored, a.space == .constant,
      fuse(mirrored, node, b, a, first, jumpsWhen: sense, to: target, errors: errors)
    {
      return
    }
    if builtin == .matches, pool.storage.regexLibrary == nil {
      return refuse(node.span, "`matches` needs the regular expression library, which is not installed")
    }
    var instruction = testing(.test, jumpsWhen: sense, to: target, errors: errors)
    instruction.b = UInt32(truncatingIfNeeded: builtin.rawValue) << 24
    emit(instruction, a: a, b: b, at: node.anchor)
  }

  /// One instruction for the common clauses: a slot or register against a constant.
  private mutating func fuse(
    _ builtin: Builtin, _ node: Node, _ a: Operand, _ b: Operand, _ constantNode: NodeID, jumpsWhen sense: Bool,
    to target: Label, errors: Sink
  ) -> Bool {
    guard b.space == .constant, let value = analysis.value(constantNode) else { return false }
    // Two constants were folded, unless that failed; a bad pattern is then to be refused all the same.
    if a.space == .constant, builtin != .matches { return false }
    var number = b.index
    let op: Opcode
    switch (builtin, value.kind) {
    case (.equal, .string): op = .equalString
    case (.startsWith, .string): op = .startsWithString
    case (.endsWith, .string): op = .endsWithString
    case (.contains, .string): op = .containsString
    case (.equal, .int): op = .equalInt
    case (.less, .int): op = .lessInt
    case (.lessOrEqual, .int): op = .lessOrEqualInt
    case (.greater, .int): op = .greaterInt
    case (.greaterOrEqual, .int): op = .greaterOrEqualInt
    case (.isIn, .list):
      guard let set = pool.set(of: value) else { return false }
      op = .inSet
      number = set
    case (.matches, .string):
      switch pool.regex(value.asBytes) {
      case .number(let regex): number = regex
      case .noLibrary: return false
      case .refused(let reason):
        refuse(checked.tree[constantNode].span, "invalid regular expression: \(reason)")
        return true
      }
      op = .matchesRegex
    default: return false
    }
    var instruction = testing(op, jumpsWhen: sense, to: target, errors: errors)
    instruction.b = number
    emit(instruction, a: a, at: node.anchor)
    return true
  }
}

extension Builtin {
  /// Two operands, gives a bool.
  var isRelation: Bool {
    switch self {
    case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual, .isIn, .contains, .startsWith, .endsWith,
      .matches:
      true
    default: false
    }
  }

  /// The relation that holds of the operands the other way round.
  var mirrored: Builtin? {
    switch self {
    case .equal: .equal
    case .less: .greater
    case .lessOrEqual: .greaterOrEqual
    case .greater: .less
    case .greaterOrEqual: .lessOrEqual
    default: nil
    }
  }
}
