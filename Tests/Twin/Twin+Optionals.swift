// Optionals: what is there or not, as the walk sees it.

import CEL

extension Twin {
  /// The calls that concern optionals; nil for all others.
  mutating func evaluateOptional(
    _ function: String, _ target: NodeID?, _ arguments: [NodeID]
  ) throws -> TwinValue? {
    if let target {
      if case .identifier("optional", isRooted: false) = tree[target].kind {
        return try make(function, arguments)
      }
      guard ["or", "orValue", "value", "hasValue", "first", "last", "unwrapOpt"].contains(function) else { return nil }
      let value = try evaluate(target)
      if arguments.isEmpty { return try read(function, value) }
      guard arguments.count == 1, case .optional(let content) = value else { throw TwinError.noSuchOverload }
      if let first = content.first { return function == "or" ? value : first }
      let other = try evaluate(arguments[0])
      if function == "or" { guard case .optional = other else { throw TwinError.noSuchOverload } }
      return other
    }
    guard arguments.count == 2 else { return nil }
    if function == "_?._", case .literal(.string(let name)) = tree[arguments[1]].kind {
      if let known = try attribute(arguments[0], String(decoding: name, as: UTF8.self)) { return known }
      return try Twin.select(evaluate(arguments[0]), .string(name))
    }
    guard function == "_[?_]" || function == "_[_]" else { return nil }
    let container = try evaluate(arguments[0])
    let key = try evaluate(arguments[1])
    if case .optional = container { return try Twin.select(container, key, isIndex: true) }
    return function == "_[_]" ? try Twin.call(function, [container, key]) : try Twin.select(container, key, isIndex: true)
  }

  private mutating func make(_ function: String, _ arguments: [NodeID]) throws -> TwinValue {
    if function == "none", arguments.isEmpty { return .optional([]) }
    guard let argument = arguments.first, arguments.count == 1 else { throw TwinError.noSuchOverload }
    let value = try evaluate(argument)
    switch function {
    case "of": return .optional([value])
    case "ofNonZeroValue": return .optional(value.isZero ? [] : [value])
    case "unwrap": return try read("unwrapOpt", value)
    default: throw TwinError.noSuchOverload
    }
  }

  private func read(_ function: String, _ value: TwinValue) throws -> TwinValue {
    switch (function, value) {
    case ("hasValue", .optional(let content)): return .bool(!content.isEmpty)
    case ("value", .optional(let content)):
      guard let first = content.first else { throw TwinError("no value") }
      return first
    case ("first", .list(let elements)): return .optional(elements.first.map { [$0] } ?? [])
    case ("last", .list(let elements)): return .optional(elements.last.map { [$0] } ?? [])
    case ("unwrapOpt", .list(let elements)):
      return .list(
        try elements.flatMap { element -> [TwinValue] in
          guard case .optional(let content) = element else { throw TwinError.noSuchOverload }
          return content
        })
    default: throw TwinError.noSuchOverload
    }
  }

  /// `a.?s` where the host knows `a.s` and nothing is called `a`.
  private func attribute(_ operand: NodeID, _ field: String) throws -> TwinValue? {
    guard case .identifier(let name, let isRooted) = tree[operand].kind, variables[name] == nil,
      isRooted || !locals.contains(where: { $0.name == name })
    else { return nil }
    switch variables[name + "." + field] {
    case .value(let value): return .optional([value])
    case .absent: return .optional([])
    case .error: throw TwinError("the host's error")
    case nil: return nil
    }
  }

  /// A selection or index whose result is optional, of a container or of an optional one.
  static func select(_ container: TwinValue, _ key: TwinValue, isIndex: Bool = false) throws -> TwinValue {
    var subject = container
    if case .optional(let content) = container {
      guard let first = content.first else { return .optional([]) }
      subject = first
    }
    if !isIndex { guard case .map = subject else { throw TwinError.noSuchOverload } }
    return .optional(try entry(subject, key).map { [$0] } ?? [])
  }

  /// What is at a key or index; nil if nothing is.
  static func entry(_ container: TwinValue, _ key: TwinValue) throws -> TwinValue? {
    switch container {
    case .map:
      switch key {
      case .bool, .int, .uint, .double, .string: return container.entry(key)
      default: throw TwinError("unsupported key type")
      }
    case .list(let elements):
      switch key {
      case .int(let value): return elements.indices.contains(Int(clamping: value)) ? elements[Int(clamping: value)] : nil
      case .uint(let value): return elements.indices.contains(Int(clamping: value)) ? elements[Int(clamping: value)] : nil
      case .double(let value):
        guard value >= 0, let position = UInt64(exactly: value) else { throw TwinError("no index") }
        return elements.indices.contains(Int(clamping: position)) ? elements[Int(clamping: position)] : nil
      default: throw TwinError.noSuchOverload
      }
    default: throw TwinError.noSuchOverload
    }
  }

  /// An element or an entry's value; nil where it is left out.
  mutating func entry(_ id: NodeID) throws -> TwinValue? {
    guard let operand = tree.optionalEntry(id) else { return try evaluate(id) }
    guard case .optional(let content) = try evaluate(operand) else { throw TwinError.noSuchOverload }
    return content.first
  }

  mutating func evaluateOptionalMap(_ comprehension: Node.Comprehension, _ range: TwinValue) throws -> TwinValue {
    guard case .optional(let content) = range, let transform = comprehension.transform else {
      throw TwinError.noSuchOverload
    }
    guard let value = content.first else { return .optional([]) }
    locals.append((comprehension.variables[0], .value(value)))
    defer { locals.removeLast() }
    let result = try evaluate(transform)
    if comprehension.macro == .optMap { return .optional([result]) }
    guard case .optional = result else { throw TwinError.noSuchOverload }
    return result
  }
}

extension TwinValue {
  fileprivate var isZero: Bool {
    switch self {
    case .null: true
    case .bool(let value): !value
    case .int(let value): value == 0
    case .uint(let value): value == 0
    case .double(let value): value == 0
    case .string(let bytes), .bytes(let bytes): bytes.isEmpty
    case .timestamp(let time), .duration(let time): time == 0
    case .list(let elements): elements.isEmpty
    case .map(let entries): entries.isEmpty
    case .optional(let content): content.isEmpty
    case .type: false
    }
  }
}
