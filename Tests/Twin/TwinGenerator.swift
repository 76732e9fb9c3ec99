// Expressions of a given type, as trees. With `isStrict` everything fits, up to `dyn`; otherwise now and then something
// of another type stands where it should not.

import CEL

package struct TwinGenerator {
  package var choices: TwinChoices
  private let isStrict: Bool
  var tree = Tree()
  var locals: [(name: String, type: TwinType)] = []

  package init(_ choices: TwinChoices, isStrict: Bool) {
    self.choices = choices
    self.isStrict = isStrict
  }

  package mutating func expression(depth: Int) -> Tree {
    tree = Tree()
    locals = []
    let type = choices.happens(onceIn: 2) ? TwinType.bool : TwinType.any(&choices)
    tree.root = make(type, depth)
    return tree
  }

  mutating func append(_ kind: Node.Kind) -> NodeID {
    tree.append(Node(span: Span(0, 0), anchor: 0, kind: kind))
  }

  mutating func call(_ function: String, _ arguments: NodeID...) -> NodeID {
    append(.call(function: function, target: nil, arguments: arguments))
  }

  mutating func method(_ function: String, _ target: NodeID, _ arguments: NodeID...) -> NodeID {
    append(.call(function: function, target: target, arguments: arguments))
  }

  mutating func text(_ text: String) -> NodeID { append(.literal(.string(Array(text.utf8)))) }

  mutating func make(_ wanted: TwinType, _ depth: Int) -> NodeID {
    var type = wanted
    if !isStrict, choices.happens(onceIn: 14) { type = TwinType.any(&choices) }
    if depth <= 0 { return leaf(type) }
    switch choices.number(below: 14) {
    case 12: return bound(type, depth - 1)
    case 13: return alternative(type, depth - 1)
    case 0: return leaf(type)
    case 1:
      let condition = make(.bool, depth - 1)
      let then = make(type, depth - 1)
      return append(.conditional(condition: condition, then: then, otherwise: make(type, depth - 1)))
    case 2: return element(of: type, depth - 1)
    case 3: return call("dyn", make(type, depth - 1))
    default: return operation(type, depth - 1)
    }
  }

  /// A variable or a literal.
  private mutating func leaf(_ type: TwinType) -> NodeID {
    let known = locals.filter { $0.type == type }
    if !known.isEmpty, choices.happens(onceIn: 2) {
      return append(.identifier(name: choices.pick(known).name, isRooted: false))
    }
    let variables = TwinVariables.all.filter { $0.type == type }
    if !variables.isEmpty, choices.number(below: 5) != 0 { return read(choices.pick(variables).name) }
    return literal(type)
  }

  private mutating func read(_ variable: String) -> NodeID {
    let parts = variable.split(separator: ".").map(String.init)
    var id = append(.identifier(name: parts[0], isRooted: choices.happens(onceIn: 10)))
    for part in parts.dropFirst() { id = append(.select(operand: id, field: part, isTest: false)) }
    return id
  }

  private mutating func literal(_ type: TwinType) -> NodeID {
    switch type {
    case .null: return append(.literal(.null))
    case .bool: return append(.literal(.bool(choices.happens(onceIn: 2))))
    case .int: return append(.literal(.int(choices.pick(TwinPool.ints))))
    case .uint: return append(.literal(.uint(choices.pick(TwinPool.uints))))
    case .double: return append(.literal(.double(choices.pick(TwinPool.doubles))))
    case .string: return text(choices.pick(TwinPool.strings))
    case .bytes: return append(.literal(.bytes(choices.pick(TwinPool.bytes))))
    case .timestamp: return call("timestamp", text(choices.pick(TwinPool.timestamps)))
    case .duration: return call("duration", text(choices.pick(TwinPool.durations)))
    case .type: return append(.identifier(name: choices.pick(["int", "string", "list", "type"]), isRooted: false))
    case .list(let element):
      let elements = (0..<choices.number(below: 4)).map { _ in leaf(element) }
      return append(.list(elements))
    case .map(let key, let value):
      let entries = (0..<choices.number(below: 4)).map { _ in
        let key = literal(key)
        return Node.MapEntry(key: key, value: leaf(value))
      }
      return append(.map(entries))
    }
  }

  /// Something of `type` out of a list or a map.
  private mutating func element(of type: TwinType, _ depth: Int) -> NodeID {
    if choices.happens(onceIn: 2) {
      let list = make(.list(type), depth)
      return call("_[_]", list, append(.literal(.int(Int64(choices.number(below: 4)) - 1))))
    }
    let keyType = choices.pick(TwinType.keys)
    let map = make(.map(keyType, type), depth)
    if keyType == .string, choices.happens(onceIn: 2) {
      return append(.select(operand: map, field: choices.pick(["a", "k", "x-user", "in"]), isTest: false))
    }
    return call("_[_]", map, make(keyType, depth))
  }

  private mutating func operation(_ type: TwinType, _ depth: Int) -> NodeID {
    switch type {
    case .bool: return condition(depth)
    case .int: return integer(depth)
    case .uint:
      if choices.happens(onceIn: 4) { return call("uint", make(choices.pick([.int, .double, .string, .uint]), depth)) }
      return call(choices.pick(["_+_", "_-_", "_*_", "_/_", "_%_"]), make(.uint, depth), make(.uint, depth))
    case .double:
      if choices.happens(onceIn: 4) { return call("double", make(choices.pick([.int, .uint, .string]), depth)) }
      if choices.happens(onceIn: 5) { return call("-_", make(.double, depth)) }
      return call(choices.pick(["_+_", "_-_", "_*_", "_/_"]), make(.double, depth), make(.double, depth))
    case .string:
      if choices.happens(onceIn: 2) { return call("_+_", make(.string, depth), make(.string, depth)) }
      let types: [TwinType] = [.int, .uint, .double, .bool, .bytes, .timestamp, .duration, .string]
      return call("string", make(choices.pick(types), depth))
    case .bytes:
      if choices.happens(onceIn: 2) { return call("_+_", make(.bytes, depth), make(.bytes, depth)) }
      return call("bytes", make(.string, depth))
    case .timestamp:
      switch choices.number(below: 4) {
      case 0: return call("timestamp", make(choices.pick([.int, .string]), depth))
      case 1: return call("_-_", make(.timestamp, depth), make(.duration, depth))
      case 2: return call("_+_", make(.duration, depth), make(.timestamp, depth))
      default: return call("_+_", make(.timestamp, depth), make(.duration, depth))
      }
    case .duration:
      switch choices.number(below: 4) {
      case 0: return call("duration", make(.string, depth))
      case 1: return call("_-_", make(.timestamp, depth), make(.timestamp, depth))
      case 2: return call("_-_", make(.duration, depth), make(.duration, depth))
      default: return call("_+_", make(.duration, depth), make(.duration, depth))
      }
    case .type: return call("type", make(TwinType.any(&choices, depth: 1), depth))
    case .list(let element): return list(of: element, depth)
    case .map(let key, let value):
      if choices.happens(onceIn: 3) { return transformedMap(key, value, depth) }
      let entries = (0..<choices.number(below: 3)).map { _ in
        let key = make(key, depth - 1)
        let isOptional = choices.happens(onceIn: 4)
        return Node.MapEntry(
          key: key, value: isOptional ? call("?_", optional(of: value, depth - 1)) : make(value, depth - 1))
      }
      return append(.map(entries))
    case .null: return leaf(type)
    }
  }

  private mutating func integer(_ depth: Int) -> NodeID {
    switch choices.number(below: 6) {
    case 0:
      let operand = make(choices.pick([.string, .bytes, .list(.int), .map(.string, .int), .list(.bool)]), depth)
      return choices.happens(onceIn: 2) ? method("size", operand) : call("size", operand)
    case 1: return call("int", make(choices.pick([.int, .uint, .double, .string, .timestamp]), depth))
    case 2: return call("-_", make(.int, depth))
    case 3:
      let ofDate = ["getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfYear", "getDayOfWeek"]
      let ofBoth = ["getHours", "getMinutes", "getSeconds", "getMilliseconds"]
      if choices.happens(onceIn: 3) { return method(choices.pick(ofBoth), make(.duration, depth)) }
      let time = make(.timestamp, depth)
      if choices.happens(onceIn: 2) { return method(choices.pick(ofDate + ofBoth), time) }
      return method(choices.pick(ofDate + ofBoth), time, text(choices.pick(TwinPool.zones)))
    default:
      return call(choices.pick(["_+_", "_-_", "_*_", "_/_", "_%_"]), make(.int, depth), make(.int, depth))
    }
  }

  private mutating func list(of element: TwinType, _ depth: Int) -> NodeID {
    switch choices.number(below: 7) {
    case 6: return comprehension(.sortBy, depth, elements: element, transform: choices.pick(TwinType.ordered))
    case 4: return pairComprehension(.transformList, depth, transform: element)
    case 5:
      let elements = (0..<choices.number(below: 4)).map { _ in
        choices.happens(onceIn: 2) ? call("?_", optional(of: element, depth - 1)) : make(element, depth - 1)
      }
      return append(.list(elements))
    case 0: return call("_+_", make(.list(element), depth), make(.list(element), depth))
    case 1: return comprehension(.filter, depth, elements: element)
    case 2: return comprehension(.map, depth, transform: element)
    default:
      let elements = (0..<choices.number(below: 4)).map { _ in make(element, depth - 1) }
      return append(.list(elements))
    }
  }

  private mutating func comprehension(
    _ macro: Node.Macro, _ depth: Int, elements: TwinType? = nil, transform: TwinType? = nil
  ) -> NodeID {
    let element = elements ?? choices.pick([.int, .string, .bool, .double, .uint])
    let isMap = elements == nil && TwinType.keys.contains(element) && choices.happens(onceIn: 4)
    let range = make(isMap ? .map(element, .int) : .list(element), depth - 1)
    // Now and then a name that hides a variable.
    let name = choices.pick(["x", "z", "i", "a"])
    locals.append((name, element))
    let hidden = locals
    locals.removeAll { $0.name == name }
    locals.append((name, element))
    let hasPredicate = macro == .map ? choices.happens(onceIn: 3) : macro != .sortBy
    let predicate = hasPredicate ? make(.bool, depth - 1) : nil
    let result = transform.map { make($0, depth - 1) }
    locals = hidden.dropLast()
    return append(
      .comprehension(
        Node.Comprehension(
          macro: macro, range: range, variables: [name], predicate: predicate, transform: result)))
  }

  private mutating func condition(_ depth: Int) -> NodeID {
    switch choices.number(below: 19) {
    case 16: return pairComprehension(choices.pick([.all, .exists, .existsOne]), depth)
    case 17: return method("hasValue", optional(of: TwinType.any(&choices), depth))
    case 18:
      let type = TwinType.any(&choices, depth: 1)
      return call(choices.pick(["_==_", "_!=_"]), optional(of: type, depth), optional(of: type, depth))
    case 0, 1, 2: return append(.and((0..<(2 + choices.number(below: 2))).map { _ in make(.bool, depth) }))
    case 3, 4, 5: return append(.or((0..<(2 + choices.number(below: 2))).map { _ in make(.bool, depth) }))
    case 6: return call("!_", make(.bool, depth))
    case 7, 8:
      let type = TwinType.any(&choices)
      return call(choices.pick(["_==_", "_!=_"]), make(type, depth), make(type, depth))
    case 9, 10:
      let type = choices.pick(TwinType.ordered)
      let numbers: [TwinType] = [.int, .uint, .double]
      let other = numbers.contains(type) ? choices.pick(numbers) : type
      return call(choices.pick(["_<_", "_<=_", "_>_", "_>=_"]), make(type, depth), make(other, depth))
    case 11:
      let type = choices.pick(TwinType.keys)
      let container = choices.happens(onceIn: 2) ? TwinType.list(type) : .map(type, .int)
      let element = make(type, depth)
      return call("@in", element, make(container, depth))
    case 12:
      if choices.happens(onceIn: 2) {
        let a = append(.identifier(name: "a", isRooted: false))
        let isHidden = locals.contains { $0.name == "a" }
        return isHidden
          ? append(.literal(.bool(true)))
          : append(.select(operand: a, field: choices.pick(["s", "i", "b"]), isTest: true))
      }
      let map = make(.map(.string, choices.pick([.int, .string])), depth)
      return append(.select(operand: map, field: choices.pick(["a", "k", "x-user"]), isTest: true))
    case 13:
      let function = choices.pick(["contains", "startsWith", "endsWith", "matches"])
      let subject = make(.string, depth)
      return method(
        function, subject, function == "matches" ? text(choices.pick(TwinPool.patterns)) : make(.string, depth))
    case 14: return comprehension(choices.pick([.all, .exists, .existsOne]), depth)
    default: return call("bool", make(choices.pick([.string, .bool]), depth))
    }
  }
}
