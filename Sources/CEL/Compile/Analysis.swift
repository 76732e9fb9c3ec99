// What is known of each node before any code is made: its static cost, what one pass over it costs without the
// loops inside, and its value when that is the same in every evaluation.
//
// Constant subtrees are evaluated with the functions that evaluate at run time. One that fails is left for run
// time: `false && 1/0 > 0` has a value.

struct Analysis {
  private var costs: [Int64] = []
  private var prices: [Int64] = []
  private var values: [Value] = []

  /// A range whose length is not known counts as this long.
  static let rangeGuess: Int64 = 100
  private static let huge: Int64 = 1 << 60

  init() {}

  init(_ checked: CheckedTree, _ pool: CodePool) {
    let count = checked.tree.nodes.count
    costs.reserveCapacity(count)
    prices.reserveCapacity(count)
    values.reserveCapacity(count)
    for node in checked.tree.nodes {
      let number = Int32(truncatingIfNeeded: costs.count)
      let value = fold(node, checked.reference(NodeID(number)), checked, pool)
      measure(node)
      values.append(value)
    }
  }

  func cost(_ id: NodeID) -> Int64 { costs.indices.contains(Int(id.index)) ? costs[Int(id.index)] : 0 }

  /// What one evaluation takes, comprehensions' bodies not counted: those pay for themselves, step by step.
  func price(_ id: NodeID) -> Int64 { prices.indices.contains(Int(id.index)) ? prices[Int(id.index)] : 0 }

  /// The node's constant value, or nil.
  func value(_ id: NodeID) -> Value? {
    guard values.indices.contains(Int(id.index)) else { return nil }
    let value = values[Int(id.index)]
    return value.kind.rawValue > Value.Kind.error.rawValue ? value : nil
  }

  // MARK: Cost

  private mutating func measure(_ node: Node) {
    var cost: Int64 = 1
    var price: Int64 = 1
    func add(_ id: NodeID, _ analysis: Analysis) {
      cost = min(cost &+ analysis.cost(id), Analysis.huge)
      price = min(price &+ analysis.price(id), Analysis.huge)
    }
    switch node.kind {
    case .invalid, .literal, .identifier: break
    case .select(let operand, _, _): add(operand, self)
    case .call(_, let target, let arguments):
      if let target { add(target, self) }
      for argument in arguments { add(argument, self) }
    case .and(let operands), .or(let operands), .list(let operands):
      for operand in operands { add(operand, self) }
    case .conditional(let condition, let then, let otherwise):
      add(condition, self)
      add(then, self)
      add(otherwise, self)
    case .map(let entries):
      for (number, entry) in entries.enumerated() {
        add(entry.key, self)
        add(entry.value, self)
        // A key that is computed is compared with those before it.
        if value(entry.key) == nil { cost = min(cost &+ Int64(number), Analysis.huge) }
      }
    case .message(_, let fields):
      for field in fields { add(field.value, self) }
    case .bindings(let bindings):
      for value in bindings.values { add(value, self) }
      add(bindings.result, self)
    case .comprehension(let comprehension):
      add(comprehension.range, self)
      if comprehension.macro == .optMap || comprehension.macro == .optFlatMap {
        if let transform = comprehension.transform { add(transform, self) }
        break
      }
      var body: Int64 = 1
      if let predicate = comprehension.predicate { body &+= self.cost(predicate) }
      if let transform = comprehension.transform { body &+= self.cost(transform) }
      var length = Analysis.rangeGuess
      // Nothing runs over what is no list and no map.
      if let range = value(comprehension.range) {
        length = range.kind == .list || range.kind == .map ? Int64(range.count) : 0
      }
      let (total, overflow) = body.multipliedReportingOverflow(by: length)
      cost = overflow ? Analysis.huge : min(cost &+ min(total, Analysis.huge), Analysis.huge)
    }
    costs.append(cost)
    prices.append(price)
  }

  // MARK: Folding

  /// The node's value; `absent` when it is not constant or fails.
  private func fold(_ node: Node, _ reference: Reference, _ checked: CheckedTree, _ pool: CodePool) -> Value {
    switch reference {
    case .variable(let variable):
      if let payload = variable.opaque { return Value(kind: .opaque, payload: payload) }
      guard let constant = variable.constant else { return .absent }
      return pool.value(constant) ?? .absent
    case .presence(let variable):
      return variable.constant == nil ? .absent : .bool(true)
    case .type(let name):
      guard let text = pool.text(Array(name.utf8)) else { return .absent }
      return Value(kind: .type, payload: text.address, count: text.count)
    case .enumeration(let name, let number):
      guard let number else { return foldEnum(node, name, checked, pool) }
      return enumeration(name, number, checked, pool) ?? .absent
    case .optional(let variable):
      guard let constant = variable.constant, let value = pool.value(constant) else { return .absent }
      return usable(pool.fold { makeOptional(value, $0) })
    case .local: return .absent
    case .none, .overload, .dynamic: break
    }
    switch node.kind {
    case .invalid, .identifier, .comprehension: return .absent
    case .message(let type, let fields): return usable(foldMessage(type, fields, checked, pool))
    // What the result does not read is never computed.
    case .bindings(let bindings): return value(bindings.result) ?? .absent
    case .literal(let literal): return pool.value(literal) ?? .absent
    case .select(let operand, let field, let isTest):
      guard let subject = value(operand), let text = pool.text(Array(field.utf8)) else { return .absent }
      let key = Value.string(text)
      return usable(pool.fold { isTest ? hasField(subject, key, $0) : selectField(subject, key, $0) })
    case .call(let function, let target, let arguments):
      let operands = (target.map { [$0] } ?? []) + arguments
      guard case .builtin(let builtin) = Callee(reference, function) else {
        return foldCall(Callee(reference, function), operands, pool)
      }
      if builtin == .optionalNone, operands.isEmpty { return .optional(nil) }
      guard operands.count == 1 || operands.count == 2, let first = operands.first, let a = value(first) else {
        return .absent
      }
      if operands.count == 1 { return usable(pool.fold { apply(builtin, a, $0) }) }
      guard let last = operands.last, let b = value(last) else { return .absent }
      return usable(pool.fold { apply(builtin, a, b, $0) })
    case .and(let operands): return foldLogic(operands, decisive: false)
    case .or(let operands): return foldLogic(operands, decisive: true)
    case .conditional(let condition, let then, let otherwise):
      guard let condition = value(condition), condition.kind == .bool else { return .absent }
      return value(condition.isTrue ? then : otherwise) ?? .absent
    case .list(let items):
      var values: [Value] = []
      for item in items {
        guard let value = value(item) else { return .absent }
        values.append(value)
      }
      return usable(pool.fold { copyList(values, $0) })
    case .map(let entries):
      var values: [(Value, Value)] = []
      for entry in entries {
        guard let key = value(entry.key), let value = value(entry.value) else { return .absent }
        values.append((key, value))
      }
      // Quadratic in the entries; so large a literal is built when it is evaluated, or refused for its cost.
      if values.count > 2_000 { return .absent }
      return usable(
        pool.fold { evaluation in
          var map = makeContainer(.map, capacity: values.count, evaluation)
          for (key, value) in values { insertEntry(&map, key, value, isKnown: false, evaluation) }
          return map
        })
    }
  }

  /// A call of native functions, if all that are tried are pure.
  private func foldCall(_ callee: Callee, _ operands: [NodeID], _ pool: CodePool) -> Value {
    guard case .functions(let functions, let builtin) = callee else { return .absent }
    var arguments: [Value] = []
    for operand in operands {
      guard let value = value(operand) else { return .absent }
      arguments.append(value)
    }
    for function in functions {
      guard case .native(let native) = function, native.isPure else { return .absent }
      // One more, so that there is an address.
      var room = arguments + [.null]
      let result = pool.fold { evaluation in
        room.withUnsafeMutableBufferPointer { values in
          values.baseAddress.map { native.entry.call($0, count: arguments.count, evaluation) } ?? .absent
        }
      }
      if result.kind != .error || result.asError.code != .noSuchOverload { return usable(result) }
    }
    guard let builtin, let first = arguments.first, let last = arguments.last, arguments.count <= 2 else {
      return .absent
    }
    return usable(
      pool.fold { arguments.count == 1 ? apply(builtin, first, $0) : apply(builtin, first, last, $0) })
  }

  private func foldLogic(_ operands: [NodeID], decisive: Bool) -> Value {
    var allKnown = true
    for operand in operands {
      guard let value = value(operand), value.kind == .bool else {
        allKnown = false
        continue
      }
      if value.isTrue == decisive { return .bool(decisive) }
    }
    return allKnown ? .bool(!decisive) : .absent
  }

  private func copyList(_ values: [Value], _ evaluation: Evaluation.Pointer) -> Value {
    let list = makeContainer(.list, capacity: values.count, evaluation)
    guard list.kind == .list else { return list }
    if let memory = list.elements {
      let elements = UnsafeMutablePointer(mutating: memory)
      for (number, value) in values.enumerated() { elements[number] = value }
    }
    var full = list
    full.count = UInt32(truncatingIfNeeded: values.count)
    return full
  }

  private func usable(_ value: Value) -> Value {
    switch value.kind {
    case .unfetched, .absent, .error, .hostMap, .opaque: .absent
    default: value
    }
  }
}

/// What a call node calls.
enum Callee {
  case builtin(Builtin)
  /// The host's and native functions in the order to try them, and the builtin for what none of them takes.
  case functions([Overload.Implementation], Builtin?)
  case unknown

  init(_ reference: Reference, _ function: String) {
    switch reference {
    case .overload(.builtin(let builtin)): self = .builtin(builtin)
    case .overload(let implementation): self = .functions([implementation], nil)
    case .dynamic(let implementations):
      var builtins: [Builtin] = []
      var functions: [Overload.Implementation] = []
      for implementation in implementations {
        if case .builtin(let builtin) = implementation {
          builtins.append(builtin)
        } else {
          functions.append(implementation)
        }
      }
      if !functions.isEmpty {
        self = .functions(functions, builtins.first)
      } else if let builtin = builtins.first {
        self = .builtin(builtin)
      } else {
        self = .unknown
      }
    case .none, .variable, .presence, .optional, .type, .enumeration, .local: self = .unknown
    }
  }
}
