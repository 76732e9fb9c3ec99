// Messages: literals, fields, enum constants, and the names of types as values.

extension Checker {
  /// A message's name as a type value, or an enum's constant, which is an int.
  func lookUpSchema(_ name: String) -> Meaning? {
    if let number = environment.schema.enumValues[name] {
      let isNull = name == "google.protobuf.NullValue.NULL_VALUE"
      if environment.schema.hasStrongEnums, !isNull, let enumeration = environment.schema.enumName(ofValue: name) {
        return .constant(enumeration: enumeration, number: number)
      }
      return .variable(
        Variable(
          name: name, type: isNull ? .null : .int, id: .max, constant: isNull ? .null : .int(Int64(number))))
    }
    if environment.schema.hasStrongEnums, environment.schema.enumeration(named: name) != nil {
      return .type(name, .dyn)
    }
    return environment.schema.message(named: name) == nil ? nil : .type(name, .dyn)
  }

  /// The type of a type's name: `type(pkg.Message)`.
  mutating func typeOfName(_ name: String, _ known: TypeID) -> TypeID {
    if known != .dyn { return known }
    let isEnum = environment.schema.enumeration(named: name) != nil
    let named = isEnum ? unification.table.enumeration(name) : unification.table.intern(.message(name))
    return unification.table.intern(.type(named))
  }

  mutating func visitMessage(
    _ id: NodeID, _ type: String, _ fields: [Node.MessageField], _ span: Span
  ) -> TypeID {
    guard let (name, message) = messageType(type) else {
      for field in fields { _ = visitEntry(field.value) }
      var text = "unknown message type `\(Parser.shortened(type))`"
      if isTyped, !diagnostics.isFull, let nearest = nearestMessage(type) { text += ": did you mean `\(nearest)`?" }
      return fail(at: span, text)
    }
    tree.replace(id, kind: .message(type: name, fields: fields))
    for field in fields {
      let found = visitEntry(field.value)
      guard isTyped else { continue }
      let width = UInt32(truncatingIfNeeded: field.name.utf8.count)
      guard let known = environment.schema.field(field.name, of: message) else {
        _ = failUnknownField(field.name, of: name, at: Span(field.anchor, field.anchor &+ width))
        continue
      }
      let expected = valueType(of: known)
      // A NullValue is written as null, or as the number that its enum has.
      let isNumberOfNull = known.pointee.isNull && found == .int
      if !isNumberOfNull, !unification.isAssignable(found, to: expected) {
        _ = fail(
          at: tree[field.value].span,
          "`\(Parser.shortened(field.name))` is \(nameWithArticle(expected)), found \(nameWithArticle(found))")
      }
    }
    return unification.table.intern(.message(name))
  }

  /// `proto.getExt(m, pkg.name)` is m.`pkg.name`, and `proto.hasExt` its `has`; nil if this is no such call. Done
  /// here and not by the parser, so that the tree prints as it was written.
  mutating func visitExtensionField(
    _ id: NodeID, _ node: Node, _ function: String, _ target: NodeID, _ arguments: [NodeID]
  ) -> TypeID? {
    guard environment.extensions.contains(.protos), function == "getExt" || function == "hasExt",
      case .identifier("proto", isRooted: false) = tree[target].kind, arguments.count == 2,
      let message = arguments.first, let name = arguments.last
    else { return nil }
    guard let field = chain(name)?.prefixes.last else {
      return fail(at: tree[name].span, "`proto.\(function)` takes a message and the full name of an extension")
    }
    tree.replace(id, kind: .select(operand: message, field: field, isTest: function == "hasExt"))
    return select(id, of: visit(message))
  }

  private func messageType(_ type: String) -> (name: String, message: UnsafePointer<MessageDescriptor>)? {
    if type.utf8.first == UInt8(ascii: ".") {
      let name = String(type.unicodeScalars.dropFirst())
      return environment.schema.message(named: name).map { (name, $0) }
    }
    for prefix in containerPrefixes {
      if let message = environment.schema.message(named: prefix + type) { return (prefix + type, message) }
    }
    return environment.schema.message(named: type).map { (type, $0) }
  }

  /// The type of `message.field`; an error when there is no such field.
  mutating func fieldType(_ field: String, of message: String, _ node: Node) -> TypeID {
    // A host may declare a variable of a message that no schema describes: it is looked into when it is there.
    guard let descriptor = environment.schema.message(named: message) else { return .dyn }
    guard let known = environment.schema.field(field, of: descriptor) else {
      return failUnknownField(field, of: message, at: Span(node.anchor, node.span.end))
    }
    return valueType(of: known)
  }

  private mutating func valueType(of field: UnsafePointer<FieldDescriptor>) -> TypeID {
    let element: TypeID
    if let message = field.pointee.message {
      element = unification.table.intern(.message(message.pointee.name.text))
    } else if field.pointee.isNull {
      element = .null
    } else if field.pointee.isStrong, let enumeration = field.pointee.enumeration {
      element = unification.table.enumeration(enumeration.pointee.name.text)
    } else {
      element = Checker.type(of: field.pointee.type)
    }
    switch field.pointee.cardinality {
    case .singular: return element
    case .repeated: return unification.table.list(element)
    case .map: return unification.table.map(Checker.type(of: field.pointee.keyType), element)
    }
  }

  private static func type(of scalar: FieldType) -> TypeID {
    switch scalar.zero.kind {
    case .double: .double
    case .int: .int
    case .uint: .uint
    case .bool: .bool
    case .string: .string
    case .bytes: .bytes
    default: .dyn
    }
  }

  // MARK: What to say

  private mutating func failUnknownField(_ field: String, of message: String, at span: Span) -> TypeID {
    var text = "`\(message)` has no field `\(Parser.shortened(field))`"
    if isTyped, !diagnostics.isFull, let descriptor = environment.schema.message(named: message),
      let nearest = NearestName.find(field, among: environment.schema.fieldNames(of: descriptor))
    {
      text += ": did you mean `\(nearest)`?"
    }
    return fail(at: span, text)
  }

  private func nearestMessage(_ type: String) -> String? {
    let names = environment.schema.messageNames
    if let nearest = NearestName.find(type, among: names) { return nearest }
    for prefix in containerPrefixes {
      if let nearest = NearestName.find(prefix + type, among: names) { return nearest }
    }
    return nil
  }
}

extension TypeTable {
  /// The CEL type that a well-known message stands for.
  mutating func wellKnown(_ message: String) -> TypeID? {
    switch WellKnown(name: message) {
    case .none, .fieldMask, .empty: nil
    case .any, .value: .dyn
    case .timestamp: .timestamp
    case .duration: .duration
    case .structure: map(.string, .dyn)
    case .listValue: list(.dyn)
    case .double, .float: intern(.wrapper(.double))
    case .int64, .int32: intern(.wrapper(.int))
    case .uint64, .uint32: intern(.wrapper(.uint))
    case .bool: intern(.wrapper(.bool))
    case .string: intern(.wrapper(.string))
    case .bytes: intern(.wrapper(.bytes))
    }
  }
}
