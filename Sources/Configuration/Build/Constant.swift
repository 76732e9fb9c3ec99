// Constant attributes as the values that slots hold.

import CEL
import PurserAttributes
import PurserEngine
import PurserPolicy

extension ConstantValue {
  /// The value, or a map's entry, with what it points to kept in `texts`.
  func value(of key: [UInt8]?, in texts: TextStore) -> Value {
    switch self {
    case .scalar(let literal): return literal.value(in: texts)
    case .timestamp(let seconds, let nanoseconds): return .timestamp(seconds: seconds, nanoseconds: nanoseconds)
    case .duration(let seconds, let nanoseconds): return .duration(seconds: seconds, nanoseconds: nanoseconds)
    case .list(let elements):
      let values = elements.map { $0.value(in: texts) }
      return .list(texts.keep(values), count: UInt32(truncatingIfNeeded: values.count))
    case .map(let entries):
      if let key { return entries.first { $0.key == key }?.value.value(in: texts) ?? .absent }
      let values = entries.flatMap { [.string(texts.keep($0.key)), $0.value.value(in: texts)] }
      return .map(texts.keep(values), count: UInt32(truncatingIfNeeded: entries.count))
    }
  }

  /// What the compiler can fold.
  var literal: Literal? {
    guard case .scalar(let literal) = self else { return nil }
    return literal
  }

  /// Whether an attribute of the type may have it.
  func fits(_ type: AttributeType) -> Bool {
    switch (self, type) {
    case (.scalar(let literal), _): literal.fits(type)
    case (.timestamp, .timestamp), (.duration, .duration), (_, .dyn), (.map, .dynMap): true
    case (.list(let elements), .stringList): elements.allSatisfy { $0.fits(.string) }
    case (.map(let entries), .stringMap): entries.allSatisfy { $0.value.fits(.string) }
    default: false
    }
  }
}

extension Literal {
  fileprivate func value(in texts: TextStore) -> Value {
    switch self {
    case .null: .null
    case .bool(let value): .bool(value)
    case .int(let value): .int(value)
    case .uint(let value): .uint(value)
    case .double(let value): .double(value)
    case .string(let text): .string(texts.keep(text))
    case .bytes(let bytes): .bytes(texts.keep(bytes))
    }
  }

  fileprivate func fits(_ type: AttributeType) -> Bool {
    switch (self, type) {
    case (.string, .string), (.bytes, .bytes), (.int, .int), (.uint, .uint), (.double, .double), (.bool, .bool): true
    case (_, .dyn): true
    default: false
    }
  }
}
