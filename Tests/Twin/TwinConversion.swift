// int(…), uint(…), double(…), string(…), bool(…).

enum TwinConversion {
  static func int(_ value: TwinValue) throws -> Int64 {
    switch value {
    case .int(let value): return value
    case .uint(let value): return try Twin.fit(Int128(value))
    case .double(let value):
      // Both ends are refused, even -2^63 exactly.
      guard value > -0x1p63, value < 0x1p63 else { throw TwinError("range") }
      return Int64(value)
    case .string(let text):
      guard let number = Int64(trimmed(text)) else { throw TwinError("no number") }
      return number
    case .timestamp(let time):
      // Down, not towards zero.
      let seconds = time / TwinTime.second
      return try Twin.fit(time % TwinTime.second < 0 ? seconds - 1 : seconds)
    default: throw TwinError.noSuchOverload
    }
  }

  static func uint(_ value: TwinValue) throws -> UInt64 {
    switch value {
    case .uint(let value): return value
    case .int(let value): return try Twin.fit(Int128(value))
    case .double(let value):
      guard value >= 0, value < 0x1p64 else { throw TwinError("range") }
      return UInt64(value)
    case .string(let text):
      let digits = trimmed(text)
      guard !digits.hasPrefix("-"), let number = UInt64(digits) else { throw TwinError("no number") }
      return number
    default: throw TwinError.noSuchOverload
    }
  }

  static func double(_ value: TwinValue) throws -> Double {
    switch value {
    case .double(let value): return value
    case .int(let value): return Double(value)
    case .uint(let value): return Double(value)
    case .string(let text):
      let digits = trimmed(text)
      // Swift reads hexadecimal too, and stops at a NUL; CEL does neither.
      guard !digits.utf8.contains(0), !digits.lowercased().contains("x"), let number = Double(digits) else {
        throw TwinError("no number")
      }
      return number
    default: throw TwinError.noSuchOverload
    }
  }

  static func bool(_ text: [UInt8]) throws -> Bool {
    switch String(decoding: text, as: UTF8.self) {
    case "1", "t", "true", "TRUE", "True": return true
    case "0", "f", "false", "FALSE", "False": return false
    default: throw TwinError("no bool")
    }
  }

  static func string(_ value: TwinValue) throws -> [UInt8] {
    switch value {
    case .string(let text): return text
    case .bytes(let bytes):
      guard String(validating: bytes, as: UTF8.self) != nil else { throw TwinError("no text") }
      return bytes
    case .bool(let value): return Array("\(value)".utf8)
    case .int(let value): return Array("\(value)".utf8)
    case .uint(let value): return Array("\(value)".utf8)
    case .double(let value): return Array(shortest(value).utf8)
    case .timestamp(let time): return Array(TwinTime.text(timestamp: time).utf8)
    case .duration(let span): return Array(TwinTime.text(duration: span).utf8)
    default: throw TwinError.noSuchOverload
    }
  }

  private static func trimmed(_ text: [UInt8]) -> String {
    func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
    let start = text.firstIndex { !isBlank($0) } ?? text.endIndex
    let end = text.lastIndex { !isBlank($0) }.map { $0 + 1 } ?? start
    return String(decoding: text[start..<end], as: UTF8.self)
  }

  /// The digits of Swift's shortest text, laid out as C++ does: an exponent below 1e-4 and from 1e6 on.
  private static func shortest(_ value: Double) -> String {
    if value.isNaN { return "nan" }
    let sign = value.sign == .minus ? "-" : ""
    if value.isInfinite { return sign + "inf" }
    if value == 0 { return sign + "0" }
    let parts = "\(value.magnitude)".split(separator: "e")
    let mantissa = parts[0].split(separator: ".")
    var digits = mantissa[0] + (mantissa.count > 1 ? mantissa[1] : "")
    // The value is 0.digits × 10^point.
    var point = mantissa[0].count + (parts.count > 1 ? Int(parts[1]) ?? 0 : 0)
    while digits.hasPrefix("0") {
      digits.removeFirst()
      point -= 1
    }
    while digits.hasSuffix("0") { digits.removeLast() }
    if point < -3 || point > 6 {
      let exponent = point - 1
      let rest = digits.dropFirst()
      let padded = exponent.magnitude < 10 ? "0\(exponent.magnitude)" : "\(exponent.magnitude)"
      return sign + digits.prefix(1) + (rest.isEmpty ? "" : "." + rest) + "e" + (exponent < 0 ? "-" : "+") + padded
    }
    if point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + digits }
    if digits.count <= point { return sign + digits + String(repeating: "0", count: point - digits.count) }
    return sign + digits.prefix(point) + "." + digits.dropFirst(point)
  }
}
