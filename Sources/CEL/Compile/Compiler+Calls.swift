// Code for calls: builtins of one or two operands wherever those lie, and functions whose arguments lie in consecutive
// registers.

extension Compiler {
  mutating func computeCall(_ id: NodeID, _ node: Node, _ callee: Callee, _ arguments: [NodeID]) -> Operand {
    let mark = free
    switch callee {
    case .unknown: return fail(.noSuchOverload, node)
    case .functions(let functions, let builtin):
      // Consecutive registers.
      let first = free
      for (number, argument) in arguments.enumerated() {
        let register = makeRegister()
        if let pattern = compiledPattern(of: functions, number, argument) {
          emit(Instruction(.move, destination: register), a: pattern, at: checked.tree[argument].anchor)
        } else {
          compute(argument, into: register)
        }
      }
      guard arguments.count < 256 else {
        refuse(node.span, "too many arguments")
        return .register(0)
      }
      // Where there is no other candidate to read them again the result may replace the first argument.
      let result = functions.count == 1 && builtin == nil ? mark : free
      _ = makeRegister()
      for (number, function) in functions.enumerated() {
        var instruction = Instruction(
          .external, flags: number > 0 ? Flag.special : 0, destination: result, a: UInt32(truncatingIfNeeded: first),
          jump: UInt16(truncatingIfNeeded: arguments.count))
        switch function {
        case .external(let number): instruction.b = number
        case .native(let native):
          instruction.op = .native
          instruction.b = pool.native(native)
        case .builtin: continue
        }
        emit(instruction, at: node.anchor)
      }
      if let builtin, arguments.count == 1 || arguments.count == 2 {
        emit(
          Instruction(
            arguments.count == 1 ? .call1 : .call2, flags: Flag.special, destination: result,
            jump: UInt16(truncatingIfNeeded: builtin.rawValue)), a: .register(first),
          b: .register(arguments.count == 1 ? first : first &+ 1), at: node.anchor)
      }
      if result != mark { emit(Instruction(.move, destination: mark), a: .register(result), at: node.anchor) }
      free = mark
      return .register(makeRegister())
    case .builtin(let builtin):
      if let operand = computeOptionalCall(builtin, node, arguments) { return operand }
      guard arguments.count == 1 || arguments.count == 2, let first = arguments.first, let last = arguments.last
      else { return fail(.noSuchOverload, node) }
      let a = compute(first)
      let b = arguments.count == 2 ? compute(last) : a
      free = mark
      let destination = makeRegister()
      let number = UInt16(truncatingIfNeeded: builtin.rawValue)
      if arguments.count == 1 {
        emit(Instruction(.call1, destination: destination, jump: number), a: a, at: node.anchor)
      } else if builtin == .add || builtin == .subtract {
        emit(
          Instruction(builtin == .add ? .add : .subtract, destination: destination, jump: number), a: a, b: b,
          at: node.anchor)
      } else if builtin.isGetter, let name = analysis.value(last), name.kind == .string,
        let zone = pool.zone(name.asBytes)
      {
        emit(Instruction(.zoned, destination: destination, b: zone, jump: number), a: a, at: node.anchor)
      } else {
        emit(Instruction(.call2, destination: destination, jump: number), a: a, b: b, at: node.anchor)
      }
      return .register(destination)
    }
  }

  /// The constant that stands for argument `number` where that is a pattern: its text, and in `extra` the number of the
  /// compiled pattern plus one, so that it does not have to be compiled for each call.
  private mutating func compiledPattern(
    of functions: [Overload.Implementation], _ number: Int, _ argument: NodeID
  ) -> Operand? {
    guard let pattern = analysis.value(argument), pattern.kind == .string else { return nil }
    for function in functions {
      guard case .native(let native) = function, native.patternArgument == number else { continue }
      switch pool.regex(pattern.asBytes, keepsGroups: true) {
      case .number(let regex):
        guard regex < 0xffff else { return nil }
        var constant = pattern
        constant.extra = UInt16(truncatingIfNeeded: regex &+ 1)
        pool.constants.append(constant)
        return Operand(space: .constant, index: UInt32(truncatingIfNeeded: pool.constants.count &- 1))
      case .noLibrary:
        refuse(
          checked.tree[argument].span, "regular expressions need their library, which is not installed")
      case .refused(let reason):
        refuse(checked.tree[argument].span, "invalid regular expression: \(reason)")
      }
    }
    return nil
  }
}
