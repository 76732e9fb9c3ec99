// The attributes of the file, as a host has them: each path is a variable of its own type, and what users index by
// arbitrary names is a map.

import CEL
import Foundation

struct Attributes {
  private(set) var environment = Environment()
  private(set) var values: [Value] = []
  private var arena = Arena(bytesMax: 1 << 20)
  private static let maps: Set = ["request.headers", "request.auth.claims"]

  init(_ object: [String: Any]) throws {
    try declare(object, prefix: "")
  }

  private mutating func declare(_ object: [String: Any], prefix: String) throws {
    for (key, content) in object.sorted(by: { $0.key < $1.key }) {
      let name = prefix + key
      if let inner = content as? [String: Any], inner["timestamp"] == nil, !Self.maps.contains(name) {
        try declare(inner, prefix: name + ".")
        continue
      }
      environment.declare(Variable(name: name, type: type(of: content, name), id: UInt32(values.count)))
      values.append(try value(content))
    }
  }

  private mutating func type(of content: Any, _ name: String) -> TypeID {
    switch content {
    case is String: .string
    case is Int: .int
    case let object as [String: Any] where object["timestamp"] != nil: .timestamp
    case let object as [String: Any]:
      environment.types.map(.string, object.values.allSatisfy { $0 is String } ? .string : .dyn)
    default: .dyn
    }
  }

  private mutating func value(_ content: Any) throws -> Value {
    switch content {
    case let text as String: return .string(try bytes(text))
    case let number as Int: return .int(Int64(number))
    case let items as [Any]:
      let elements = try items.map { try value($0) }
      return .list(copy(elements), count: UInt32(elements.count))
    case let object as [String: Any]:
      if let text = object["timestamp"] as? String {
        return try Expression("timestamp(\"\(text)\")", Environment(), [], regex: nil).evaluate()
      }
      let entries = try object.sorted { $0.key < $1.key }
        .flatMap { [Value.string(try bytes($0.key)), try value($0.value)] }
      return .map(copy(entries), count: UInt32(object.count))
    default: throw Refusal(message: "not understood: \(content)")
    }
  }

  private mutating func bytes(_ text: String) throws -> Bytes {
    var text = text
    let copy = text.withUTF8 { arena.copy(Bytes($0.baseAddress, count: UInt32($0.count))) }
    guard let copy else { throw Refusal(message: "the attributes are too large") }
    return copy
  }

  private mutating func copy(_ values: [Value]) -> UnsafePointer<Value>? {
    guard let memory = arena.allocateValues(values.count) else { return nil }
    for (at, value) in values.enumerated() { memory[at] = value }
    return UnsafePointer(memory)
  }
}

struct Refusal: Error, CustomStringConvertible {
  var message: String

  var description: String { message }
}
