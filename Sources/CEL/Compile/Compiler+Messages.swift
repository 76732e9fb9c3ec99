// Code for messages and enums. A literal is an empty record, a store for each field, and for a well-known type the
// value that the record stands for.

extension Compiler {
  /// `type` is a full name; the checker has resolved it.
  mutating func computeMessage(_ node: Node, _ type: String, _ fields: [Node.MessageField]) -> Operand {
    guard let descriptor = checked.schema.message(named: type) else {
      refuse(node.span, "unknown message type `\(Parser.shortened(type))`")
      return .register(0)
    }
    pool.keep(checked.schema)
    let destination = makeRegister()
    let address = Value(kind: .opaque, payload: UInt64(UInt(bitPattern: descriptor)))
    emit(Instruction(.makeMessage, destination: destination, a: pool.constant(address)), at: node.anchor)
    for field in fields {
      guard let known = checked.schema.field(field.name, of: descriptor) else {
        let code = UInt32(truncatingIfNeeded: EvaluationError.Code.noSuchField.rawValue)
        emit(Instruction(.fail, destination: destination, a: code), at: field.anchor)
        return .register(destination)
      }
      let mark = free
      let optional = checked.tree.optionalEntry(field.value)
      let value = compute(optional ?? field.value)
      free = mark
      let place = Operand(space: .register, index: known.pointee.index)
      let flags = optional == nil ? 0 : Flag.optional
      emit(Instruction(.setField, flags: flags, destination: destination), a: place, b: value, at: field.anchor)
    }
    if descriptor.pointee.wellKnown.isSealed {
      emit(Instruction(.sealMessage, destination: destination), at: node.anchor)
    }
    return .register(destination)
  }
}

extension Compiler {
  /// Where a record of the operand's type has the field: a guess that evaluation verifies.
  func likelyPlace(of field: String, in operand: NodeID) -> UInt16 {
    guard case .message(let name) = checked.table[checked.type(operand)],
      let message = checked.schema.message(named: name), let known = checked.schema.field(field, of: message)
    else { return 0 }
    return UInt16(clamping: known.pointee.index)
  }

  /// `pkg.Enum(x)` of a strong enum.
  mutating func computeEnum(_ node: Node, _ name: String) -> Operand {
    guard case .call(_, _, let arguments) = node.kind, arguments.count == 1, let argument = arguments.first,
      let zero = analysis.enumeration(name, 0, checked, pool)
    else { return fail(.internalFailure, node) }
    let mark = free
    let operand = compute(argument)
    free = mark
    let destination = makeRegister()
    let builtin = UInt16(truncatingIfNeeded: Builtin.toEnum.rawValue)
    emit(
      Instruction(.call2, destination: destination, jump: builtin), a: operand, b: constant(zero), at: node.anchor)
    return .register(destination)
  }
}

extension Analysis {
  /// A literal of constants, made once.
  func foldMessage(_ type: String, _ fields: [Node.MessageField], _ checked: CheckedTree, _ pool: CodePool) -> Value {
    guard let descriptor = checked.schema.message(named: type) else { return .absent }
    var values: [(UInt32, Value)] = []
    for field in fields {
      guard let value = value(field.value), let known = checked.schema.field(field.name, of: descriptor) else {
        return .absent
      }
      values.append((known.pointee.index, value))
    }
    pool.keep(checked.schema)
    return pool.fold { evaluation in
      var message = makeMessage(descriptor, evaluation)
      for (index, value) in values { setMessageField(&message, index, value, evaluation) }
      return sealMessage(message, evaluation)
    }
  }

  /// A strong enum's constant.
  func enumeration(_ name: String, _ number: Int32, _ checked: CheckedTree, _ pool: CodePool) -> Value? {
    guard let type = checked.schema.enumeration(named: name) else { return nil }
    pool.keep(checked.schema)
    return .enumeration(type, number)
  }

  func foldEnum(_ node: Node, _ name: String, _ checked: CheckedTree, _ pool: CodePool) -> Value {
    guard case .call(_, _, let arguments) = node.kind, arguments.count == 1, let argument = arguments.first,
      let value = value(argument), let zero = enumeration(name, 0, checked, pool)
    else { return .absent }
    let result = convertToEnum(value, zero)
    return result.kind == .error ? .absent : result
  }
}
