// JSON text of a field value. Times and durations are written as protobuf's JSON mapping does, bytes in base64.

import CPlatform

struct JSONWriter {
  private(set) var text: [UInt8] = []
  /// What could not be written: a number that is none, text that is not UTF-8, nesting without end.
  private(set) var problem = ""
  /// Deeper values come from no policy; a stack has an end.
  static let depthMax = 64

  /// False, with a `problem`, when JSON cannot hold the value. `absent` is written as null.
  mutating func write(_ value: FieldValue, depth: Int = 0) -> Bool {
    guard depth < JSONWriter.depthMax else { return fail("it is nested too deep") }
    switch value {
    case .absent, .null: append("null")
    case .bool(let isTrue): append(isTrue ? "true" : "false")
    case .int(let number): text += Array(String(number).utf8)
    case .uint(let number): text += Array(String(number).utf8)
    case .double(let number):
      guard number.isFinite else { return fail("JSON has no \(number)") }
      JSONWriter.append(number, to: &text)
    case .string(let bytes): return write(string: bytes)
    case .bytes(let bytes):
      text.append(UInt8(ascii: "\""))
      JSONWriter.appendBase64(bytes, to: &text)
      text.append(UInt8(ascii: "\""))
    case .list(let elements):
      append("[")
      for (index, element) in elements.enumerated() {
        if index > 0 { append(",") }
        guard write(element, depth: depth &+ 1) else { return false }
      }
      append("]")
    case .map(let entries): return write(members: entries, depth: depth)
    case .timestamp(let seconds, let nanoseconds):
      return write(string: JSONWriter.timestamp(seconds, nanoseconds))
    case .duration(let seconds, let nanoseconds): return write(string: JSONWriter.duration(seconds, nanoseconds))
    }
    return true
  }

  /// An object; members whose value is absent are left out.
  mutating func write(members: [FieldEntry], depth: Int = 0) -> Bool {
    append("{")
    var isFirst = true
    for entry in members where entry.value != .absent {
      if !isFirst { append(",") }
      isFirst = false
      guard write(string: entry.key) else { return false }
      append(":")
      guard write(entry.value, depth: depth &+ 1) else { return false }
    }
    append("}")
    return true
  }

  mutating func append(_ literal: StaticString) {
    literal.withUTF8Buffer { text.append(contentsOf: $0) }
  }

  private mutating func fail(_ reason: String) -> Bool {
    problem = reason
    return false
  }

  private mutating func write(string bytes: [UInt8]) -> Bool {
    guard isUTF8(bytes) else { return fail("text is not UTF-8") }
    text.append(UInt8(ascii: "\""))
    for byte in bytes {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        text.append(UInt8(ascii: "\\"))
        text.append(byte)
      case 0..<0x20, 0x7f:
        append("\\u00")
        text.append(JSONWriter.hexadecimal(byte >> 4))
        text.append(JSONWriter.hexadecimal(byte & 15))
      default: text.append(byte)
      }
    }
    text.append(UInt8(ascii: "\""))
    return true
  }

  private static func hexadecimal(_ digit: UInt8) -> UInt8 {
    digit < 10 ? UInt8(ascii: "0") &+ digit : UInt8(ascii: "a") &+ (digit &- 10)
  }

  /// The fewest digits that read back as the number.
  private static func append(_ number: Double, to text: inout [UInt8]) {
    if number.sign == .minus { text.append(UInt8(ascii: "-")) }
    var exponent: Int32 = 0
    let digits = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 18) { buffer -> [UInt8] in
      guard let base = buffer.baseAddress else { return [] }
      let count = Int(platform_shortest_digits(number.magnitude, base, &exponent))
      return (0..<max(0, min(count, 17))).map { UInt8(bitPattern: buffer[$0]) }
    }
    guard let first = digits.first, number != 0 else {
      text.append(UInt8(ascii: "0"))
      return
    }
    let point = Int(exponent)
    if point > 0, point <= 17 {
      text += digits.prefix(point)
      text += [UInt8](repeating: UInt8(ascii: "0"), count: max(0, point &- digits.count))
      if digits.count > point {
        text.append(UInt8(ascii: "."))
        text += digits.dropFirst(point)
      }
    } else {
      text.append(first)
      if digits.count > 1 {
        text.append(UInt8(ascii: "."))
        text += digits.dropFirst()
      }
      text += Array("e\(point &- 1)".utf8)
    }
  }

  static func appendBase64(_ bytes: [UInt8], to text: inout [UInt8]) {
    let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    func letter(_ word: Int, _ shift: Int) -> UInt8 { alphabet.utf8Start[(word >> shift) & 63] }
    var rest = bytes[...]
    while let first = rest.popFirst() {
      let second = rest.popFirst()
      let third = rest.popFirst()
      let word = Int(first) << 16 | Int(second ?? 0) << 8 | Int(third ?? 0)
      text.append(letter(word, 18))
      text.append(letter(word, 12))
      text.append(second == nil ? UInt8(ascii: "=") : letter(word, 6))
      text.append(third == nil ? UInt8(ascii: "=") : letter(word, 0))
    }
  }

  // MARK: Times

  /// `1972-01-01T10:00:20.021Z` (RFC 3339), with 0, 3, 6 or 9 digits of a fraction.
  static func timestamp(_ seconds: Int64, _ nanoseconds: Int32) -> [UInt8] {
    // From days to a date in the proleptic Gregorian calendar, counted from 1 March of year 0 in eras of 400 years.
    let day = seconds >= 0 ? seconds / 86_400 : (seconds &+ 1) / 86_400 &- 1
    let ofDay = seconds &- day &* 86_400
    let shifted = day &+ 719_468
    let era = (shifted >= 0 ? shifted : shifted &- 146_096) / 146_097
    let ofEra = shifted &- era &* 146_097
    let yearOfEra = (ofEra &- ofEra / 1_460 &+ ofEra / 36_524 &- ofEra / 146_096) / 365
    let ofYear = ofEra &- (365 &* yearOfEra &+ yearOfEra / 4 &- yearOfEra / 100)
    let month = (5 &* ofYear &+ 2) / 153
    let dayOfMonth = ofYear &- (153 &* month &+ 2) / 5 &+ 1
    let monthOfYear = month < 10 ? month &+ 3 : month &- 9
    let year = yearOfEra &+ era &* 400 &+ (monthOfYear <= 2 ? 1 : 0)
    return Array(
      (padded(year, 4) + "-" + padded(monthOfYear, 2) + "-" + padded(dayOfMonth, 2) + "T" + padded(ofDay / 3_600, 2)
        + ":" + padded(ofDay / 60 % 60, 2) + ":" + padded(ofDay % 60, 2) + fraction(nanoseconds) + "Z").utf8)
  }

  /// `-1.500s`.
  static func duration(_ seconds: Int64, _ nanoseconds: Int32) -> [UInt8] {
    let sign = seconds < 0 || nanoseconds < 0 ? "-" : ""
    let clamped = max(-999_999_999, min(999_999_999, nanoseconds))
    return Array((sign + String(seconds.magnitude) + fraction(clamped < 0 ? 0 &- clamped : clamped) + "s").utf8)
  }

  private static func padded(_ number: Int64, _ width: Int) -> String {
    let digits = String(number.magnitude)
    return (number < 0 ? "-" : "") + String(repeating: "0", count: max(0, width &- digits.utf8.count)) + digits
  }

  private static func fraction(_ nanoseconds: Int32) -> String {
    guard nanoseconds > 0, nanoseconds < 1_000_000_000 else { return "" }
    if nanoseconds % 1_000_000 == 0 { return "." + padded(Int64(nanoseconds / 1_000_000), 3) }
    if nanoseconds % 1_000 == 0 { return "." + padded(Int64(nanoseconds / 1_000), 6) }
    return "." + padded(Int64(nanoseconds), 9)
  }
}

func isUTF8(_ bytes: [UInt8]) -> Bool {
  bytes.allSatisfy { $0 < 0x80 } || String(validating: bytes, as: UTF8.self) != nil
}
