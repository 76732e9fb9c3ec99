// What the twin computes with: plain Swift values, each owning what it holds.

import CEL

package indirect enum TwinValue {
  case null
  case bool(Bool)
  case int(Int64)
  case uint(UInt64)
  case double(Double)
  case string([UInt8])
  case bytes([UInt8])
  /// Nanoseconds since 1970; nanoseconds.
  case timestamp(Int128)
  case duration(Int128)
  case list([TwinValue])
  case map([(key: TwinValue, value: TwinValue)])
  case type(String)
  /// One value or none.
  case optional([TwinValue])

  static func text(_ text: String) -> TwinValue { .string(Array(text.utf8)) }
}

/// An error of CEL. Which one does not matter: only that there is one is compared.
package struct TwinError: Error {
  var why: String

  init(_ why: String) { self.why = why }

  static var noSuchOverload: TwinError { TwinError("no such overload") }
}

extension TwinValue {
  /// Same type and same value, as a test sees it: NaN is NaN, 0.0 is not -0.0, 1 is not 1u.
  package func isSame(as other: TwinValue) -> Bool {
    switch (self, other) {
    case (.null, .null): true
    case (.bool(let a), .bool(let b)): a == b
    case (.int(let a), .int(let b)): a == b
    case (.uint(let a), .uint(let b)): a == b
    case (.double(let a), .double(let b)): a.bitPattern == b.bitPattern || (a.isNaN && b.isNaN)
    case (.string(let a), .string(let b)), (.bytes(let a), .bytes(let b)): a == b
    case (.timestamp(let a), .timestamp(let b)), (.duration(let a), .duration(let b)): a == b
    case (.type(let a), .type(let b)): Array(a.utf8) == Array(b.utf8)
    case (.list(let a), .list(let b)), (.optional(let a), .optional(let b)):
      a.count == b.count && zip(a, b).allSatisfy { $0.isSame(as: $1) }
    case (.map(let a), .map(let b)):
      a.count == b.count
        && a.allSatisfy { entry in
          b.contains { entry.key.isSame(as: $0.key) && entry.value.isSame(as: $0.value) }
        }
    default: false
    }
  }

  /// CEL's `==`: one number line, unlike types unequal, NaN unequal to everything.
  func equals(_ other: TwinValue) -> Bool {
    switch (self, other) {
    case (.null, .null): return true
    case (.bool(let a), .bool(let b)): return a == b
    case (.string(let a), .string(let b)), (.bytes(let a), .bytes(let b)): return a == b
    case (.timestamp(let a), .timestamp(let b)), (.duration(let a), .duration(let b)): return a == b
    case (.type(let a), .type(let b)): return Array(a.utf8) == Array(b.utf8)
    case (.list(let a), .list(let b)), (.optional(let a), .optional(let b)):
      return a.count == b.count && zip(a, b).allSatisfy { $0.equals($1) }
    case (.map(let a), .map(let b)):
      return a.count == b.count
        && a.allSatisfy { entry in
          TwinValue.map(b).entry(entry.key).map { entry.value.equals($0) } ?? false
        }
    default: return isNumber && other.isNumber && compareNumber(other) == 0
    }
  }

  var isNumber: Bool {
    switch self {
    case .int, .uint, .double: true
    default: false
    }
  }

  private var asDouble: Double {
    switch self {
    case .int(let value): Double(value)
    case .uint(let value): Double(value)
    case .double(let value): value
    default: .nan
    }
  }

  private var asInteger: Int128? {
    switch self {
    case .int(let value): Int128(value)
    case .uint(let value): Int128(value)
    default: nil
    }
  }

  /// Below, at or above zero; nil with a NaN. Integers are compared as they are, with a double as doubles.
  func compareNumber(_ other: TwinValue) -> Int? {
    if let a = asInteger, let b = other.asInteger { return a < b ? -1 : a == b ? 0 : 1 }
    let (a, b) = (asDouble, other.asDouble)
    return a < b ? -1 : a == b ? 0 : a > b ? 1 : nil
  }

  /// The value at a key of a map: a double finds an integer only where it is exactly that one.
  func entry(_ key: TwinValue) -> TwinValue? {
    guard case .map(let entries) = self else { return nil }
    return entries.first { candidate in
      switch (candidate.key, key) {
      case (.string(let a), .string(let b)): return a == b
      case (.bool(let a), .bool(let b)): return a == b
      default:
        guard let integer = candidate.key.asInteger else { return false }
        if let asked = key.asInteger { return integer == asked }
        if case .double(let asked) = key { return Int128(exactly: asked) == integer }
        return false
      }
    }?.value
  }

  var isMapKey: Bool {
    switch self {
    case .bool, .int, .uint, .string: true
    default: false
    }
  }

  var typeName: String {
    switch self {
    case .null: "null_type"
    case .bool: "bool"
    case .int: "int"
    case .uint: "uint"
    case .double: "double"
    case .string: "string"
    case .bytes: "bytes"
    case .timestamp: "google.protobuf.Timestamp"
    case .duration: "google.protobuf.Duration"
    case .list: "list"
    case .map: "map"
    case .type: "type"
    case .optional: "optional_type"
    }
  }
}
