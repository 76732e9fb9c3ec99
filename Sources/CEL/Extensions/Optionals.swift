// Optionals (cel-go, cel.OptionalTypes version 2; cel-cpp, optional_types): a value that may be none.

extension TypeTable {
  /// What cel-spec calls the type, and `type(optional.none())` gives.
  static let optionalName = "optional_type"

  mutating func optional(_ value: TypeID) -> TypeID { intern(.opaque(TypeTable.optionalName, [value])) }
}

extension Environment {
  mutating func declareOptionals() {
    let key = types.intern(.parameter("K"))
    let value = types.intern(.parameter("V"))
    let optional = types.optional(value)
    let list = types.list(value)
    let map = types.map(key, value)
    let optionals = types.list(optional)
    declareType(TypeTable.optionalName, types.optional(.dyn))
    func add(
      _ function: String, _ builtin: Builtin, _ id: String, _ parameters: [TypeID], _ result: TypeID,
      isMember: Bool = false, to environment: inout Environment
    ) {
      environment.declare(
        function: function,
        Overload(
          id: id, isMember: isMember, parameters: parameters, result: result, implementation: .builtin(builtin)))
    }
    add("optional.of", .optionalOf, "optional_of", [value], optional, to: &self)
    add("optional.ofNonZeroValue", .optionalOfNonZero, "optional_ofNonZeroValue", [value], optional, to: &self)
    add("optional.none", .optionalNone, "optional_none", [], optional, to: &self)
    add("optional.unwrap", .optionalUnwrap, "optional_unwrap", [optionals], list, to: &self)
    add("unwrapOpt", .optionalUnwrap, "optional_unwrapOpt", [optionals], list, isMember: true, to: &self)
    add("value", .optionalValue, "optional_value", [optional], value, isMember: true, to: &self)
    add("hasValue", .optionalHasValue, "optional_hasValue", [optional], .bool, isMember: true, to: &self)
    add("or", .optionalOr, "optional_or_optional", [optional, optional], optional, isMember: true, to: &self)
    add("orValue", .optionalOrValue, "optional_orValue_value", [optional, value], value, isMember: true, to: &self)
    add("first", .optionalFirst, "list_first", [list], optional, isMember: true, to: &self)
    add("last", .optionalLast, "list_last", [list], optional, isMember: true, to: &self)
    add("_?._", .optionalSelect, "select_optional_field", [.dyn, .string], types.optional(.dyn), to: &self)
    add("_[?_]", .optionalIndex, "list_optindex_optional_int", [list, .int], optional, to: &self)
    add("_[?_]", .optionalIndex, "map_optindex_optional_value", [map, key], optional, to: &self)
    let ofList = types.optional(list)
    let ofMap = types.optional(map)
    for (function, builtin, infix) in [("_[?_]", Builtin.optionalIndex, "opt"), ("_[_]", .index, "")] {
      add(function, builtin, "optional_list_\(infix)index_int", [ofList, .int], optional, to: &self)
      add(function, builtin, "optional_map_\(infix)index_value", [ofMap, key], optional, to: &self)
    }
  }
}

extension Checker {
  /// What an optional type is optional of, or the type itself.
  func unwrapped(_ type: TypeID) -> (type: TypeID, isOptional: Bool) {
    let type = unification.resolve(type)
    if case .opaque(TypeTable.optionalName, let parameters) = unification.table[type], let value = parameters.first {
      return (unification.resolve(value), true)
    }
    return (type, false)
  }

  mutating func optional(_ value: TypeID) -> TypeID { unification.table.optional(value) }

  /// `operand.?field`. Where the whole is the name of a variable, that is read if it is present. Nil where optionals
  /// are not enabled, and without types.
  mutating func visitOptionalSelection(_ id: NodeID, _ node: Node, _ arguments: [NodeID]) -> TypeID? {
    guard environment.extensions.contains(.optionals), arguments.count == 2, let first = arguments.first,
      let last = arguments.last, case .literal(.string(let bytes)) = tree[last].kind
    else { return nil }
    let name = String(decoding: bytes, as: UTF8.self)
    if let variable = optionalVariable(first, name) {
      set(id, .optional(variable))
      return optional(variable.type)
    }
    guard isTyped else { return nil }
    set(last, .string)
    let type = visit(first)
    let (operand, _) = unwrapped(type)
    set(id, .overload(.builtin(.optionalSelect)))
    let result = field(name, of: operand, node)
    return result == .error ? .error : optional(result)
  }

  /// An element of a list, or the value of an entry or field: what `?` leaves out or gives.
  mutating func visitEntry(_ id: NodeID) -> TypeID {
    guard let operand = tree.optionalEntry(id) else { return visit(id) }
    let type = visit(operand)
    guard isTyped else { return .dyn }
    set(id, type)
    let (value, isOptional) = unwrapped(type)
    if isOptional || value == .dyn || value == .error { return value }
    if value.index < 0 {
      _ = unification.isAssignable(.dyn, to: value)
      return .dyn
    }
    return fail(at: tree[operand].span, "`?` needs an optional, found \(nameWithArticle(value))")
  }
}
