// The variables that generated expressions read, and what a host may answer for each.

import CEL
import CELHost

package struct TwinVariables {
  struct Variable: Sendable {
    var name: String
    var type: TwinType
    /// Read entry by entry. Its host always has it, or fails.
    var isEntrywise = false
    /// The same in every evaluation.
    var constant: Literal?
  }

  static let all: [Variable] = [
    Variable(name: "b", type: .bool), Variable(name: "c", type: .bool), Variable(name: "i", type: .int),
    Variable(name: "u", type: .uint), Variable(name: "d", type: .double), Variable(name: "s", type: .string),
    Variable(name: "y", type: .bytes), Variable(name: "t", type: .timestamp), Variable(name: "p", type: .duration),
    Variable(name: "li", type: .list(.int)), Variable(name: "ls", type: .list(.string)),
    Variable(name: "lb", type: .list(.bool)), Variable(name: "m", type: .map(.string, .int)),
    Variable(name: "n", type: .map(.int, .string)), Variable(name: "a.s", type: .string),
    Variable(name: "a.i", type: .int), Variable(name: "a.b", type: .bool),
    Variable(name: "h", type: .map(.string, .string), isEntrywise: true),
    Variable(name: "seven", type: .int, constant: .int(7)),
    Variable(name: "yes", type: .bool, constant: .bool(true)),
    Variable(name: "word", type: .string, constant: .string(Array("ab".utf8))),
  ]

  package static func bindings(_ choices: inout TwinChoices) -> [String: Twin.Binding] {
    var bindings: [String: Twin.Binding] = [:]
    for variable in all {
      if let constant = variable.constant {
        bindings[variable.name] = .value(Self.value(constant))
        continue
      }
      switch choices.number(below: 8) {
      case 5 where !variable.isEntrywise: bindings[variable.name] = .absent
      case 6: bindings[variable.name] = .error
      case 7 where !variable.isEntrywise:
        let type = TwinType.any(&choices)
        bindings[variable.name] = .value(TwinPool.value(of: type, &choices))
      default: bindings[variable.name] = .value(TwinPool.value(of: variable.type, &choices))
      }
    }
    return bindings
  }

  private static func value(_ literal: Literal) -> TwinValue {
    switch literal {
    case .int(let value): .int(value)
    case .bool(let value): .bool(value)
    case .string(let bytes): .string(bytes)
    default: .null
    }
  }

  /// A host that knows the variables; their numbers are their places in `all`.
  package static func host() -> TestHost {
    let host = TestHost()
    for library in [Extension.optionals, .bindings, .block, .twoVariableComprehensions, .lists] {
      host.environment.enable(library)
    }
    for variable in all {
      let type = id(of: variable.type, &host.environment.types)
      host.declare(variable.name, type, isEntrywise: variable.isEntrywise, constant: variable.constant)
    }
    return host
  }

  package static func bind(_ bindings: [String: Twin.Binding], in host: TestHost) {
    host.arena.reset()
    host.values = [:]
    for (number, variable) in all.enumerated() where variable.constant == nil {
      let id = UInt32(number)
      switch bindings[variable.name] {
      case .value(let value): host.values[id] = host.arena.make(value)
      case .error: host.values[id] = .error(EvaluationError(.attributeUnavailable))
      case .absent, nil: break
      }
    }
  }

  private static func id(of type: TwinType, _ table: inout TypeTable) -> TypeID {
    switch type {
    case .null: return .null
    case .bool: return .bool
    case .int: return .int
    case .uint: return .uint
    case .double: return .double
    case .string: return .string
    case .bytes: return .bytes
    case .timestamp: return .timestamp
    case .duration: return .duration
    case .type: return table.intern(.type(.dyn))
    case .list(let element): return table.list(id(of: element, &table))
    case .map(let key, let value): return table.map(id(of: key, &table), id(of: value, &table))
    }
  }
}

extension Arena {
  /// The twin's value as the evaluator has it.
  mutating func make(_ value: TwinValue) -> Value {
    func parts(_ time: Int128) -> (seconds: Int64, nanoseconds: Int32) {
      (Int64(time / TwinTime.second), Int32(time % TwinTime.second))
    }
    switch value {
    case .null: return .null
    case .bool(let value): return .bool(value)
    case .int(let value): return .int(value)
    case .uint(let value): return .uint(value)
    case .double(let value): return .double(value)
    case .string(let text): return bytes(text).map { .string($0) } ?? .null
    case .bytes(let data): return bytes(data).map { .bytes($0) } ?? .null
    case .duration(let span):
      let (seconds, nanoseconds) = parts(span)
      return .duration(seconds: seconds, nanoseconds: nanoseconds)
    case .timestamp(let time):
      let (seconds, nanoseconds) = parts(time)
      // A timestamp's nanoseconds count up.
      return nanoseconds < 0
        ? .timestamp(seconds: seconds - 1, nanoseconds: nanoseconds + 1_000_000_000)
        : .timestamp(seconds: seconds, nanoseconds: nanoseconds)
    case .list(let elements): return list(elements.map { make($0) }) ?? .null
    case .map(let entries): return map(entries.flatMap { [make($0.key), make($0.value)] }) ?? .null
    case .optional(let content):
      return .optional(content.isEmpty ? nil : list(content.map { make($0) })?.elements)
    case .type(let name): return text(name).map { Value(kind: .type, payload: $0.address, count: $0.count) } ?? .null
    }
  }
}

extension TwinValue {
  /// The evaluator's value as the twin has it; nil for an error and for what no expression gives.
  init?(_ value: Value) {
    switch value.kind {
    case .null: self = .null
    case .bool: self = .bool(value.isTrue)
    case .int: self = .int(value.asInt)
    case .uint: self = .uint(value.asUInt)
    case .double: self = .double(value.asDouble)
    case .string: self = .string(Array(value.asBytes.buffer))
    case .bytes: self = .bytes(Array(value.asBytes.buffer))
    case .timestamp: self = .timestamp(Int128(value.seconds) * TwinTime.second + Int128(value.nanoseconds))
    case .duration: self = .duration(Int128(value.seconds) * TwinTime.second + Int128(value.nanoseconds))
    case .type: self = .type(String(decoding: value.asBytes.buffer, as: UTF8.self))
    case .list:
      var items: [TwinValue] = []
      for element in UnsafeBufferPointer(start: value.elements, count: Int(value.count)) {
        guard let item = TwinValue(element) else { return nil }
        items.append(item)
      }
      self = .list(items)
    case .map:
      var entries: [(key: TwinValue, value: TwinValue)] = []
      for at in 0..<Int(value.count) {
        guard let pair = value.elements, let key = TwinValue(pair[at * 2]), let item = TwinValue(pair[at * 2 + 1])
        else { return nil }
        entries.append((key, item))
      }
      self = .map(entries)
    case .optional:
      guard let content = value.elements else {
        self = .optional([])
        return
      }
      guard let item = TwinValue(content.pointee) else { return nil }
      self = .optional([item])
    default: return nil
    }
  }
}
