// What a literal token means. The lexer found where it ends; here its escapes and digits are read.

struct LiteralReader {
  let text: UnsafeBufferPointer<UInt8>

  /// The digits of `token`, an `int` or `uint`, as a magnitude; nil if it does not fit 64 bits.
  func magnitude(_ token: Token) -> UInt64? {
    var index = Int(token.start)
    var end = Int(token.end)
    if token.kind == .uint { end &-= 1 }
    var radix: UInt64 = 10
    if end &- index > 2, text[index &+ 1] == UInt8(ascii: "x") {
      radix = 16
      index &+= 2
    }
    var value: UInt64 = 0
    while index < end {
      let digit = UInt64(Lexer.hexValue(text[index]) ?? 0)
      let (scaled, tooBig) = value.multipliedReportingOverflow(by: radix)
      let (sum, carried) = scaled.addingReportingOverflow(digit)
      if tooBig || carried { return nil }
      value = sum
      index &+= 1
    }
    return value
  }

  /// `int` needs to see its sign: -9223372036854775808 has no positive twin.
  func int(_ token: Token, isNegative: Bool) -> Int64? {
    guard let magnitude = magnitude(token) else { return nil }
    if isNegative {
      return magnitude <= 1 << 63 ? Int64(truncatingIfNeeded: 0 &- magnitude) : nil
    }
    return Int64(exactly: magnitude)
  }

  /// What is too large for a double is infinite, as in cel-cpp.
  func double(_ token: Token) -> Double? {
    guard let base = text.baseAddress else { return nil }
    return NumberText.double(Bytes(base + Int(token.start), count: token.end &- token.start))
  }

  /// The bytes of a `string` or `bytes` token, its escapes replaced. Nil after reporting a bad escape.
  func quoted(_ token: Token, diagnostics: inout Diagnostics) -> [UInt8]? {
    var index = Int(token.start)
    var end = Int(token.end)
    var isRaw = false
    while !Lexer.isQuote(text[index]) {
      isRaw = isRaw || text[index] | 0x20 == UInt8(ascii: "r")
      index &+= 1
    }
    let quote = text[index]
    let isTriple = end &- index >= 6 && text[index &+ 1] == quote && text[index &+ 2] == quote
    index &+= isTriple ? 3 : 1
    end &-= isTriple ? 3 : 1
    var result: [UInt8] = []
    result.reserveCapacity(max(0, end &- index))
    while index < end {
      let byte = text[index]
      if byte == UInt8(ascii: "\r") {
        // However a file ends its lines, the text is the same.
        result.append(UInt8(ascii: "\n"))
        index &+= index &+ 1 < end && text[index &+ 1] == UInt8(ascii: "\n") ? 2 : 1
        continue
      }
      if byte != UInt8(ascii: "\\") || isRaw {
        result.append(byte)
        index &+= 1
        continue
      }
      guard readEscape(&index, end: end, isBytes: token.kind == .bytes, into: &result, &diagnostics) else {
        return nil
      }
    }
    return result
  }

  /// Reads the escape at `index`, a backslash, and moves past it.
  private func readEscape(
    _ index: inout Int, end: Int, isBytes: Bool, into result: inout [UInt8], _ diagnostics: inout Diagnostics
  ) -> Bool {
    let start = index
    func refuse(_ length: Int, _ message: String) -> Bool {
      var stop = min(start &+ length, end)
      while stop < end, text[stop] & 0xC0 == 0x80 { stop &+= 1 }
      diagnostics.error(
        at: Span(UInt32(truncatingIfNeeded: start), UInt32(truncatingIfNeeded: stop)), message)
      return false
    }
    guard end &- start >= 2 else { return refuse(1, "escape sequence is cut off") }
    let letter = text[start &+ 1]
    index = start &+ 2
    switch letter {
    case UInt8(ascii: "a"): result.append(0x07)
    case UInt8(ascii: "b"): result.append(0x08)
    case UInt8(ascii: "f"): result.append(0x0C)
    case UInt8(ascii: "n"): result.append(0x0A)
    case UInt8(ascii: "r"): result.append(0x0D)
    case UInt8(ascii: "t"): result.append(0x09)
    case UInt8(ascii: "v"): result.append(0x0B)
    case UInt8(ascii: "\\"), UInt8(ascii: "?"), UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "`"):
      result.append(letter)
    case UInt8(ascii: "x"), UInt8(ascii: "X"), UInt8(ascii: "u"), UInt8(ascii: "U"):
      let isCodePoint = letter == UInt8(ascii: "u") || letter == UInt8(ascii: "U")
      if isBytes, isCodePoint {
        return refuse(2, "bytes have no code points: write them as `\\x` escapes")
      }
      let count = letter == UInt8(ascii: "u") ? 4 : letter == UInt8(ascii: "U") ? 8 : 2
      guard let value = number(at: index, count: count, radix: 16, end: end) else {
        return refuse(count &+ 2, "this escape needs \(count) hexadecimal digits")
      }
      index &+= count
      if isBytes {
        result.append(UInt8(truncatingIfNeeded: value))
      } else if !LiteralReader.append(codePoint: value, to: &result) {
        return refuse(count &+ 2, "this escape is not a Unicode code point")
      }
    case UInt8(ascii: "0")...UInt8(ascii: "7"):
      guard letter <= UInt8(ascii: "3"), let value = number(at: start &+ 1, count: 3, radix: 8, end: end) else {
        return refuse(2, "an octal escape has three digits, from `\\000` to `\\377`")
      }
      index = start &+ 4
      if isBytes {
        result.append(UInt8(truncatingIfNeeded: value))
      } else {
        _ = LiteralReader.append(codePoint: value, to: &result)
      }
    default:
      return refuse(2, "unknown escape sequence: write `\\\\` for a backslash, or a raw string `r\"…\"`")
    }
    return true
  }

  private func number(at start: Int, count: Int, radix: UInt32, end: Int) -> UInt32? {
    guard end &- start >= count else { return nil }
    var value: UInt32 = 0
    for index in start..<start &+ count {
      guard let digit = Lexer.hexValue(text[index]), digit < radix else { return nil }
      value = value &* radix &+ digit
    }
    return value
  }

  /// False for what is no Unicode scalar value: surrogates, and all past U+10FFFF.
  private static func append(codePoint: UInt32, to result: inout [UInt8]) -> Bool {
    guard let scalar = Unicode.Scalar(codePoint) else { return false }
    result.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    return true
  }
}
