// The slow, obvious evaluator: it walks the parsed tree as cel-spec's language definition tells it, knows nothing
// of checking, compiling, slots, budgets or arenas, and shares no code with what it is compared with.

import CEL

package struct Twin {
  package enum Binding {
    case value(TwinValue)
    case absent
    case error
  }

  let tree: Tree
  /// By whole name, which may be dotted.
  let variables: [String: Binding]
  var locals: [(name: String, value: Local)] = []

  /// What a local name stands for: a value, or an expression and how many locals it sees.
  enum Local {
    case value(TwinValue)
    case expression(NodeID, locals: Int)
  }

  /// The tree's value; nil if it has none but an error.
  package static func evaluate(_ tree: Tree, _ variables: [String: Binding]) -> TwinValue? {
    var twin = Twin(tree: tree, variables: variables)
    return try? twin.evaluate(tree.root)
  }

  private init(tree: Tree, variables: [String: Binding]) {
    self.tree = tree
    self.variables = variables
  }

  mutating func evaluate(_ id: NodeID) throws -> TwinValue {
    switch tree[id].kind {
    case .invalid: throw TwinError("incomplete")
    case .literal(let literal): return Twin.value(literal)
    case .identifier: return try read(id)
    case .select(let operand, let field, let isTest):
      if isTest, let present = try presence(id) { return .bool(present) }
      if !isTest, let name = variableName(id), let value = try read(variable: name) { return value }
      let map = try evaluate(operand)
      if case .optional(let content) = map {
        if isTest { return .bool(try !content.isEmpty && Twin.entry(content[0], .text(field)) != nil) }
        return try Twin.select(map, .text(field))
      }
      guard case .map = map else { throw TwinError.noSuchOverload }
      let value = map.entry(.text(field))
      if isTest { return .bool(value != nil) }
      guard let value else { throw TwinError("no such key") }
      return value
    case .call(let function, let target, let arguments):
      if let value = try evaluateOptional(function, target, arguments) { return value }
      var operands: [TwinValue] = []
      for argument in (target.map { [$0] } ?? []) + arguments { operands.append(try evaluate(argument)) }
      return try Twin.call(function, operands)
    case .and(let operands): return try combine(operands.count, decisive: false) { try $0.evaluate(operands[$1]) }
    case .or(let operands): return try combine(operands.count, decisive: true) { try $0.evaluate(operands[$1]) }
    case .conditional(let condition, let then, let otherwise):
      return try evaluate(truth(evaluate(condition)) ? then : otherwise)
    case .list(let elements):
      var values: [TwinValue] = []
      for element in elements {
        if let value = try entry(element) { values.append(value) }
      }
      return .list(values)
    case .map(let entries):
      var values: [(key: TwinValue, value: TwinValue)] = []
      for entry in entries {
        let key = try evaluate(entry.key)
        guard let value = try self.entry(entry.value) else { continue }
        guard key.isMapKey else { throw TwinError("unsupported key type") }
        guard TwinValue.map(values).entry(key) == nil else { throw TwinError("duplicate key") }
        values.append((key, value))
      }
      return .map(values)
    case .message: throw TwinError("messages are not the twin's")
    case .comprehension(let comprehension): return try evaluate(comprehension)
    case .bindings(let bindings):
      let before = locals
      defer { locals = before }
      for (name, value) in zip(bindings.variables, bindings.values) {
        locals.append((name, .expression(value, locals: locals.count)))
      }
      return try evaluate(bindings.result)
    }
  }

  private static func value(_ literal: Literal) -> TwinValue {
    switch literal {
    case .null: .null
    case .bool(let value): .bool(value)
    case .int(let value): .int(value)
    case .uint(let value): .uint(value)
    case .double(let value): .double(value)
    case .string(let bytes): .string(bytes)
    case .bytes(let bytes): .bytes(bytes)
    }
  }

  private func truth(_ value: TwinValue) throws -> Bool {
    guard case .bool(let truth) = value else { throw TwinError.noSuchOverload }
    return truth
  }

  /// `&&`, `||`, `all`, `exists`: one decisive truth decides, whatever else fails.
  private mutating func combine(
    _ count: Int, decisive: Bool, _ operand: (inout Twin, Int) throws -> TwinValue
  ) throws -> TwinValue {
    var failure: (any Error)?
    for number in 0..<count {
      do {
        if try truth(operand(&self, number)) == decisive { return .bool(decisive) }
      } catch {
        failure = failure ?? error
      }
    }
    if let failure { throw failure }
    return .bool(!decisive)
  }

  private mutating func evaluate(_ comprehension: Node.Comprehension) throws -> TwinValue {
    let range = try evaluate(comprehension.range)
    if comprehension.macro == .optMap || comprehension.macro == .optFlatMap {
      return try evaluateOptionalMap(comprehension, range)
    }
    // What each round's variables stand for.
    let elements: [[TwinValue]]
    let isPair = comprehension.variables.count == 2
    switch range {
    case .list(let items): elements = items.enumerated().map { isPair ? [.int(Int64($0)), $1] : [$1] }
    case .map(let entries): elements = entries.map { isPair ? [$0.key, $0.value] : [$0.key] }
    default: throw TwinError.noSuchOverload
    }
    func body(_ twin: inout Twin, _ id: NodeID, _ element: [TwinValue]) throws -> TwinValue {
      let before = twin.locals
      defer { twin.locals = before }
      for (name, value) in zip(comprehension.variables, element) { twin.locals.append((name, .value(value))) }
      return try twin.evaluate(id)
    }
    func holds(_ twin: inout Twin, _ element: [TwinValue]) throws -> Bool {
      guard let predicate = comprehension.predicate else { return true }
      return try twin.truth(body(&twin, predicate, element))
    }
    switch comprehension.macro {
    case .all, .exists:
      return try combine(elements.count, decisive: comprehension.macro == .exists) { twin, number in
        .bool(try holds(&twin, elements[number]))
      }
    case .existsOne:
      var count = 0
      for element in elements where try holds(&self, element) { count += 1 }
      return .bool(count == 1)
    case .filter:
      var result: [TwinValue] = []
      for element in elements where try holds(&self, element) { result.append(element[0]) }
      return .list(result)
    case .map, .transformList:
      var result: [TwinValue] = []
      guard let transform = comprehension.transform else { throw TwinError("incomplete") }
      for element in elements where try holds(&self, element) {
        result.append(try body(&self, transform, element))
      }
      return .list(result)
    case .transformMap, .transformMapEntry:
      var result: [(key: TwinValue, value: TwinValue)] = []
      guard let transform = comprehension.transform else { throw TwinError("incomplete") }
      for element in elements where try holds(&self, element) {
        let value = try body(&self, transform, element)
        var added = [(key: element[0], value: value)]
        if comprehension.macro == .transformMapEntry {
          guard case .map(let entries) = value else { throw TwinError.noSuchOverload }
          added = entries
        }
        for entry in added {
          guard TwinValue.map(result).entry(entry.key) == nil else { throw TwinError("duplicate key") }
          result.append(entry)
        }
      }
      return .map(result)
    case .sortBy:
      guard case .list(let items) = range, let transform = comprehension.transform else {
        throw TwinError.noSuchOverload
      }
      var keys: [TwinValue] = []
      for element in elements { keys.append(try body(&self, transform, element)) }
      return .list(try Twin.sorted(items, by: keys))
    case .optMap, .optFlatMap: throw TwinError("handled above")
    }
  }
}

// Sorting.
extension Twin {
  /// Each element goes after the last one whose key is not greater. NaN is less than every number.
  private static func sorted(_ items: [TwinValue], by keys: [TwinValue]) throws -> [TwinValue] {
    func isLess(_ a: TwinValue, _ b: TwinValue) throws -> Bool {
      guard a.typeName == b.typeName else { throw TwinError.noSuchOverload }
      if case .double(let x) = a, case .double(let y) = b, x.isNaN || y.isNaN { return x.isNaN && !y.isNaN }
      guard case .bool(let isLess) = try call("_<_", [a, b]) else { throw TwinError.noSuchOverload }
      return isLess
    }
    var order: [Int] = []
    for (number, key) in keys.enumerated() {
      if let first = keys.first { _ = try isLess(first, key) }
      var place = order.count
      while place > 0, try isLess(key, keys[order[place - 1]]) { place -= 1 }
      order.insert(number, at: place)
    }
    return order.map { items[$0] }
  }
}

// Names.
extension Twin {
  private static let typeNames: Set = [
    "bool", "int", "uint", "double", "string", "bytes", "list", "map", "null_type", "type",
  ]

  private mutating func read(_ id: NodeID) throws -> TwinValue {
    guard case .identifier(let name, let isRooted) = tree[id].kind else { throw TwinError("incomplete") }
    if !isRooted, let local = locals.last(where: { $0.name == name }) {
      switch local.value {
      case .value(let value): return value
      case .expression(let id, let count):
        let before = locals
        defer { locals = before }
        locals.removeSubrange(count...)
        return try evaluate(id)
      }
    }
    if let value = try read(variable: name) { return value }
    if Twin.typeNames.contains(name) { return .type(name) }
    throw TwinError("undeclared")
  }

  func read(variable name: String) throws -> TwinValue? {
    switch variables[name] {
    case .value(let value): return value
    case .absent: throw TwinError("absent")
    case .error: throw TwinError("the host's error")
    case nil: return nil
    }
  }

  /// `has(a.b)` where `a.b` is a variable.
  private func presence(_ id: NodeID) throws -> Bool? {
    switch variableName(id).flatMap({ variables[$0] }) {
    case .value: return true
    case .absent: return false
    case .error: throw TwinError("the host's error")
    case nil: return nil
    }
  }

  /// The dotted variable that the selection `a.b.c` names as a whole.
  func variableName(_ id: NodeID) -> String? {
    var fields: [String] = []
    var next = id
    while case .select(let operand, let field, let isTest) = tree[next].kind, !isTest || next == id {
      fields.insert(field, at: 0)
      next = operand
    }
    guard case .identifier(let name, let isRooted) = tree[next].kind,
      isRooted || !locals.contains(where: { $0.name == name })
    else { return nil }
    let whole = ([name] + fields).joined(separator: ".")
    return variables[whole] == nil ? nil : whole
  }
}
