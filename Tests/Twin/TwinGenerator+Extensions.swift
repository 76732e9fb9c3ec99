// Expressions with bindings, optionals and two variables.

import CEL

extension TwinGenerator {
  private mutating func identifier(_ name: String) -> NodeID { append(.identifier(name: name, isRooted: false)) }

  /// `body` with names that it may read, as the innermost.
  private mutating func with<T>(
    _ names: [(name: String, type: TwinType)], _ body: (inout TwinGenerator) -> T
  ) -> T {
    let before = locals
    locals.removeAll { local in names.contains { $0.name == local.name } }
    locals += names
    let result = body(&self)
    locals = before
    return result
  }

  /// `cel.bind` or `cel.block`.
  mutating func bound(_ type: TwinType, _ depth: Int) -> NodeID {
    let valueType = choices.happens(onceIn: 2) ? TwinType.bool : TwinType.any(&choices)
    let value = make(valueType, depth)
    if choices.happens(onceIn: 3) {
      let otherType = TwinType.any(&choices, depth: 1)
      let other = with([("@index0", valueType)]) { $0.make(otherType, depth - 1) }
      let result = with([("@index0", valueType), ("@index1", otherType)]) { $0.make(type, depth) }
      return append(
        .bindings(
          Node.Bindings(variables: ["@index0", "@index1"], values: [value, other], result: result, isBlock: true)))
    }
    let name = choices.pick(["x", "z", "i", "a", "q"])
    let result = with([(name, valueType)]) { $0.make(type, depth) }
    return append(.bindings(Node.Bindings(variables: [name], values: [value], result: result, isBlock: false)))
  }

  /// Something of `type` out of an optional.
  mutating func alternative(_ type: TwinType, _ depth: Int) -> NodeID {
    let known = optional(of: type, depth)
    return choices.happens(onceIn: 4) ? method("value", known) : method("orValue", known, make(type, depth))
  }

  mutating func optional(of type: TwinType, _ depth: Int) -> NodeID {
    let library = choices.pick(["of", "ofNonZeroValue"])
    if depth <= 0 {
      if choices.happens(onceIn: 3) { return method("none", identifier("optional")) }
      return method(library, identifier("optional"), make(type, 0))
    }
    switch choices.number(below: 10) {
    case 0: return method(library, identifier("optional"), make(type, depth))
    case 1: return call("_[?_]", make(.list(type), depth), make(choices.pick([.int, .uint]), depth - 1))
    case 2: return call("_?._", make(.map(.string, type), depth), text(choices.pick(["a", "k", "x-user", "in"])))
    case 3:
      let key = choices.pick(TwinType.keys)
      return call("_[?_]", make(.map(key, type), depth), make(key, depth - 1))
    case 4: return method("or", optional(of: type, depth - 1), optional(of: type, depth - 1))
    case 5, 6:
      let from = TwinType.any(&choices, depth: 1)
      let range = optional(of: from, depth - 1)
      let isFlat = choices.happens(onceIn: 2)
      let name = choices.pick(["x", "z", "q"])
      let result = with([(name, from)]) { isFlat ? $0.optional(of: type, depth - 1) : $0.make(type, depth - 1) }
      return append(
        .comprehension(
          Node.Comprehension(
            macro: isFlat ? .optFlatMap : .optMap, range: range, variables: [name], predicate: nil,
            transform: result)))
    case 7: return method(choices.pick(["first", "last"]), make(.list(type), depth))
    case 8:
      let outer = optional(of: .map(.string, type), depth - 1)
      return append(.select(operand: outer, field: choices.pick(["a", "k"]), isTest: false))
    default:
      let fields: [(String, TwinType)] = [("s", .string), ("i", .int), ("b", .bool)]
      guard let field = fields.first(where: { $0.1 == type }) else {
        return method("none", identifier("optional"))
      }
      return call("_?._", identifier("a"), text(field.0))
    }
  }

  /// A macro with two variables over a list or a map.
  mutating func pairComprehension(_ macro: Node.Macro, _ depth: Int, transform: TwinType? = nil) -> NodeID {
    let element = choices.pick([TwinType.int, .string, .bool])
    let isMap = choices.happens(onceIn: 2)
    return pair(macro, isMap ? .string : .int, element, isMap: isMap, depth, transform: transform)
  }

  private mutating func pair(
    _ macro: Node.Macro, _ key: TwinType, _ element: TwinType, isMap: Bool, _ depth: Int, transform: TwinType?
  ) -> NodeID {
    let range = make(isMap ? .map(key, element) : .list(element), depth - 1)
    let hasPredicate = transform == nil || choices.happens(onceIn: 3)
    let names: [(name: String, type: TwinType)] = [(choices.pick(["x", "i", "a"]), key), (choices.pick(["v", "z"]), element)]
    let (predicate, result) = with(names) { generator in
      (
        hasPredicate ? generator.make(.bool, depth - 1) : nil, transform.map { generator.make($0, depth - 1) }
      )
    }
    return append(
      .comprehension(
        Node.Comprehension(
          macro: macro, range: range, variables: names.map(\.name), predicate: predicate, transform: result)))
  }

  /// A map that a macro makes.
  mutating func transformedMap(_ key: TwinType, _ value: TwinType, _ depth: Int) -> NodeID {
    let element = choices.pick([TwinType.int, .string, .bool])
    if choices.happens(onceIn: 2) {
      return pair(.transformMapEntry, .int, element, isMap: false, depth, transform: .map(key, value))
    }
    return pair(.transformMap, key, element, isMap: key != .int || choices.happens(onceIn: 2), depth, transform: value)
  }
}
