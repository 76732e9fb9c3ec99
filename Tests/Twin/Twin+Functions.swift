// The standard functions, each by the kinds of its arguments when it runs.

import CEL

extension Twin {
  static func call(_ function: String, _ operands: [TwinValue]) throws -> TwinValue {
    switch operands.count {
    case 1: return try call(function, operands[0])
    case 2: return try call(function, operands[0], operands[1])
    default: throw TwinError.noSuchOverload
    }
  }

  private static func call(_ function: String, _ operand: TwinValue) throws -> TwinValue {
    switch (function, operand) {
    case ("!_", .bool(let value)): return .bool(!value)
    case ("-_", .int(let value)): return .int(try fit(0 - Int128(value)))
    case ("-_", .double(let value)): return .double(-value)
    case ("size", .string(let text)): return .int(Int64(String(decoding: text, as: UTF8.self).unicodeScalars.count))
    case ("size", .bytes(let bytes)): return .int(Int64(bytes.count))
    case ("size", .list(let elements)): return .int(Int64(elements.count))
    case ("size", .map(let entries)): return .int(Int64(entries.count))
    case ("type", _): return .type(operand.typeName)
    case ("dyn", _): return operand
    case ("int", _): return .int(try TwinConversion.int(operand))
    case ("uint", _): return .uint(try TwinConversion.uint(operand))
    case ("double", _): return .double(try TwinConversion.double(operand))
    case ("string", _): return .string(try TwinConversion.string(operand))
    case ("bool", .bool): return operand
    case ("bool", .string(let text)): return .bool(try TwinConversion.bool(text))
    case ("bytes", .bytes(let bytes)), ("bytes", .string(let bytes)): return .bytes(bytes)
    case ("timestamp", .timestamp), ("duration", .duration): return operand
    case ("timestamp", .int(let seconds)): return try TwinTime.timestamp(Int128(seconds) * TwinTime.second)
    case ("timestamp", .string(let text)): return try TwinTime.timestamp(TwinTime.instant(text))
    case ("duration", .string(let text)): return try TwinTime.duration(TwinTime.span(text))
    default: return .int(try TwinTime.field(function, of: operand, zone: nil))
    }
  }

  private static func call(_ function: String, _ a: TwinValue, _ b: TwinValue) throws -> TwinValue {
    switch (function, a, b) {
    case ("_==_", _, _): return .bool(a.equals(b))
    case ("_!=_", _, _): return .bool(!a.equals(b))
    case ("_<_", _, _): return .bool(try compare(a, b).map { $0 < 0 } ?? false)
    case ("_<=_", _, _): return .bool(try compare(a, b).map { $0 <= 0 } ?? false)
    case ("_>_", _, _): return .bool(try compare(a, b).map { $0 > 0 } ?? false)
    case ("_>=_", _, _): return .bool(try compare(a, b).map { $0 >= 0 } ?? false)

    case ("_+_", .int(let x), .int(let y)): return .int(try fit(Int128(x) + Int128(y)))
    case ("_-_", .int(let x), .int(let y)): return .int(try fit(Int128(x) - Int128(y)))
    case ("_*_", .int(let x), .int(let y)): return .int(try fit(Int128(x) * Int128(y)))
    case ("_/_", .int(let x), .int(let y)): return .int(try fit(Int128(x) / nonZero(Int128(y))))
    // The remainder of -2^63 by -1 is 0, but fails, since their quotient does.
    case ("_%_", .int(let x), .int(let y)):
      _ = try fit(Int128(x) / nonZero(Int128(y))) as Int64
      return .int(try fit(Int128(x) % Int128(y)))
    case ("_+_", .uint(let x), .uint(let y)): return .uint(try fit(Int128(x) + Int128(y)))
    case ("_-_", .uint(let x), .uint(let y)): return .uint(try fit(Int128(x) - Int128(y)))
    case ("_*_", .uint(let x), .uint(let y)):
      let (product, overflow) = x.multipliedReportingOverflow(by: y)
      if overflow { throw TwinError("overflow") }
      return .uint(product)
    case ("_/_", .uint(let x), .uint(let y)): return .uint(try fit(Int128(x) / nonZero(Int128(y))))
    case ("_%_", .uint(let x), .uint(let y)): return .uint(try fit(Int128(x) % nonZero(Int128(y))))
    case ("_+_", .double(let x), .double(let y)): return .double(x + y)
    case ("_-_", .double(let x), .double(let y)): return .double(x - y)
    case ("_*_", .double(let x), .double(let y)): return .double(x * y)
    case ("_/_", .double(let x), .double(let y)): return .double(x / y)
    case ("_+_", .string(let x), .string(let y)): return .string(x + y)
    case ("_+_", .bytes(let x), .bytes(let y)): return .bytes(x + y)
    case ("_+_", .list(let x), .list(let y)): return .list(x + y)
    case ("_+_", .timestamp(let x), .duration(let y)), ("_+_", .duration(let x), .timestamp(let y)):
      return try TwinTime.timestamp(x + y)
    case ("_-_", .timestamp(let x), .duration(let y)): return try TwinTime.timestamp(x - y)
    case ("_-_", .timestamp(let x), .timestamp(let y)):
      // What does not fit 64 bits of nanoseconds is refused, as in cel-cpp.
      return try TwinTime.duration(Int128(fit(x - y) as Int64))
    case ("_+_", .duration(let x), .duration(let y)): return try TwinTime.duration(x + y)
    case ("_-_", .duration(let x), .duration(let y)): return try TwinTime.duration(x - y)

    case ("_[_]", _, _): return try index(a, b)
    case ("@in", _, .list(let elements)): return .bool(elements.contains { $0.equals(a) })
    case ("@in", _, .map): return .bool(b.entry(a) != nil)
    case ("contains", .string(let x), .string(let y)), ("matches", .string(let x), .string(let y)):
      // The generator makes only patterns that are plain text.
      return .bool(y.isEmpty || x.indices.contains { x[$0...].starts(with: y) })
    case ("startsWith", .string(let x), .string(let y)): return .bool(x.starts(with: y))
    case ("endsWith", .string(let x), .string(let y)): return .bool(x.reversed().starts(with: y.reversed()))
    case (_, .timestamp, .string(let zone)): return .int(try TwinTime.field(function, of: a, zone: zone))
    default: throw TwinError.noSuchOverload
    }
  }

  private static func index(_ container: TwinValue, _ key: TwinValue) throws -> TwinValue {
    switch container {
    case .list(let elements):
      let position: Int?
      switch key {
      case .int(let value): position = Int(exactly: value)
      case .uint(let value): position = Int(exactly: value)
      case .double(let value): position = Int(exactly: value)
      default: throw TwinError.noSuchOverload
      }
      guard let position, elements.indices.contains(position) else { throw TwinError("index out of range") }
      return elements[position]
    case .map:
      guard let value = container.entry(key) else { throw TwinError("no such key") }
      return value
    default: throw TwinError.noSuchOverload
    }
  }

  /// Nil when a NaN is in it: no order holds.
  private static func compare(_ a: TwinValue, _ b: TwinValue) throws -> Int? {
    func order<T: Comparable>(_ x: T, _ y: T) -> Int { x < y ? -1 : x == y ? 0 : 1 }
    switch (a, b) {
    case (.bool(let x), .bool(let y)): return order(x ? 1 : 0, y ? 1 : 0)
    case (.string(let x), .string(let y)), (.bytes(let x), .bytes(let y)):
      return x.lexicographicallyPrecedes(y) ? -1 : x == y ? 0 : 1
    case (.timestamp(let x), .timestamp(let y)), (.duration(let x), .duration(let y)): return order(x, y)
    default:
      guard a.isNumber, b.isNumber else { throw TwinError.noSuchOverload }
      return a.compareNumber(b)
    }
  }

  static func fit<T: FixedWidthInteger>(_ value: Int128) throws -> T {
    guard let result = T(exactly: value) else { throw TwinError("overflow") }
    return result
  }

  private static func nonZero(_ value: Int128) throws -> Int128 {
    if value == 0 { throw TwinError("division by zero") }
    return value
  }
}
