// Numbers as text and back, without the host's locale.

import CPlatform

enum NumberText {
  /// Decimal with an optional sign, blanks around it allowed.
  static func int(_ text: Bytes) -> Int64? {
    guard let (digits, isNegative) = trimmed(text), let magnitude = magnitude(digits) else { return nil }
    if isNegative { return magnitude <= UInt64(1) << 63 ? Int64(bitPattern: 0 &- magnitude) : nil }
    return Int64(exactly: magnitude)
  }

  static func uint(_ text: Bytes) -> UInt64? {
    guard let (digits, isNegative) = trimmed(text), !isNegative else { return nil }
    return magnitude(digits)
  }

  /// Decimal, `inf` or `nan`. Too large is infinite.
  static func double(_ text: Bytes) -> Double? {
    guard let base = text.base else { return nil }
    var start = 0
    var end = Int(text.count)
    while start < end, isBlank(base[start]) { start &+= 1 }
    while end > start, isBlank(base[end &- 1]) { end &-= 1 }
    var result = 0.0
    return platform_parse_double(base + start, end &- start, &result) ? result : nil
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (byte >= 0x09 && byte <= 0x0d) }

  private static func trimmed(_ text: Bytes) -> (digits: Bytes, isNegative: Bool)? {
    guard let base = text.base else { return nil }
    var start = 0
    var end = Int(text.count)
    while start < end, isBlank(base[start]) { start &+= 1 }
    while end > start, isBlank(base[end &- 1]) { end &-= 1 }
    guard start < end else { return nil }
    let isNegative = base[start] == UInt8(ascii: "-")
    if isNegative || base[start] == UInt8(ascii: "+") { start &+= 1 }
    return (Bytes(base + start, count: UInt32(truncatingIfNeeded: end &- start)), isNegative)
  }

  private static func magnitude(_ digits: Bytes) -> UInt64? {
    guard let base = digits.base, digits.count > 0 else { return nil }
    var result: UInt64 = 0
    for at in 0..<Int(digits.count) {
      let digit = base[at] &- UInt8(ascii: "0")
      guard digit <= 9 else { return nil }
      let (scaled, overflow) = result.multipliedReportingOverflow(by: 10)
      let (sum, overflows) = scaled.addingReportingOverflow(UInt64(digit))
      if overflow || overflows { return nil }
      result = sum
    }
    return result
  }
}

/// Up to 64 bytes of text being written, without an allocation.
struct ShortText {
  private var words: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0, 0)
  private(set) var count = 0

  mutating func append(_ byte: UInt8) {
    guard count < 64 else { return }
    let at = count
    withUnsafeMutableBytes(of: &words) { raw in
      raw.baseAddress?.storeBytes(of: byte, toByteOffset: at, as: UInt8.self)
    }
    count &+= 1
  }

  mutating func append(_ text: StaticString) {
    let text = Bytes(text)
    guard let base = text.base else { return }
    var at = 0
    while at < Int(text.count) {
      append(base[at])
      at &+= 1
    }
  }

  mutating func append(_ value: UInt64, digitsLeast: Int = 1) {
    var divisor: UInt64 = 1
    var digits = 1
    // Ten to the nineteenth fits; the compiler cannot see that it never comes to 0.
    while digits < 20, divisor != 0, value / divisor >= 10 || digits < digitsLeast {
      divisor = divisor &* 10
      digits &+= 1
    }
    while divisor > 0 {
      append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: value / divisor % 10))
      divisor /= 10
    }
  }

  mutating func append(_ value: Int64) {
    if value < 0 { append(UInt8(ascii: "-")) }
    append(value.magnitude)
  }

  /// The shortest digits that read back as the same number; with an exponent below 1e-4 and from 1e6 on.
  mutating func append(_ value: Double) {
    if value.isNaN { return append("nan") }
    if value.sign == .minus { append(UInt8(ascii: "-")) }
    if value.isInfinite { return append("inf") }
    if value == 0 { return append("0") }
    var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
    var exponent: Int32 = 0
    withUnsafeMutableBytes(of: &digits) { raw in
      guard let text = raw.baseAddress?.assumingMemoryBound(to: CChar.self) else { return }
      let count = Int(platform_shortest_digits(value, text, &exponent))
      let point = Int(exponent)
      func digit(_ at: Int) -> UInt8 { at < count ? UInt8(bitPattern: text[at]) : UInt8(ascii: "0") }
      if point < -3 || point > 6 {
        append(digit(0))
        if count > 1 { append(UInt8(ascii: ".")) }
        for at in stride(from: 1, to: count, by: 1) { append(digit(at)) }
        append(UInt8(ascii: "e"))
        append(point <= 0 ? UInt8(ascii: "-") : UInt8(ascii: "+"))
        append(UInt64((point &- 1).magnitude), digitsLeast: 2)
        return
      }
      if point <= 0 {
        append("0.")
        for _ in stride(from: point, to: 0, by: 1) { append(UInt8(ascii: "0")) }
        for at in stride(from: 0, to: count, by: 1) { append(digit(at)) }
        return
      }
      for at in stride(from: 0, to: point, by: 1) { append(digit(at)) }
      if count > point { append(UInt8(ascii: ".")) }
      for at in stride(from: point, to: count, by: 1) { append(digit(at)) }
    }
  }

  /// `.5`, `.500`, `.500000`, …: nothing, or as many groups of three as are needed.
  mutating func append(fraction nanoseconds: UInt32) {
    if nanoseconds == 0 { return }
    append(UInt8(ascii: "."))
    if nanoseconds % 1_000_000 == 0 {
      append(UInt64(nanoseconds / 1_000_000), digitsLeast: 3)
    } else if nanoseconds % 1_000 == 0 {
      append(UInt64(nanoseconds / 1_000), digitsLeast: 6)
    } else {
      append(UInt64(nanoseconds), digitsLeast: 9)
    }
  }

  func copy(to arena: inout Arena) -> Bytes? {
    withUnsafeBytes(of: words) { raw in
      arena.copy(Bytes(raw.baseAddress, count: UInt32(truncatingIfNeeded: count)))
    }
  }

  func isSame(as other: Bytes) -> Bool {
    withUnsafeBytes(of: words) { raw in
      Bytes(raw.baseAddress, count: UInt32(truncatingIfNeeded: count)).equals(other)
    }
  }

  func forEach(_ body: (UInt8) -> Void) {
    withUnsafeBytes(of: words) { raw in
      guard let base = raw.baseAddress else { return }
      var at = 0
      while at < count {
        body(base.load(fromByteOffset: at, as: UInt8.self))
        at &+= 1
      }
    }
  }

  var text: String {
    withUnsafeBytes(of: words) { raw in
      Bytes(raw.baseAddress, count: UInt32(truncatingIfNeeded: count)).text
    }
  }
}
