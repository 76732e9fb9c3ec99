// Names and literals. A name is printed only if the lexer takes it for one.

extension Printer {
  /// A name that stands where a variable's, or a function's, stands.
  mutating func writeName(_ name: String, mayBeReserved: Bool) {
    let word = Array(name.utf8)
    switch Lexer.wordKind(word) {
    case .identifier: bytes.append(contentsOf: word)
    case .reserved where mayBeReserved: bytes.append(contentsOf: word)
    default: refuse()
    }
  }

  /// A field's name, in backquotes if it is no plain one.
  mutating func writeField(_ name: String) {
    let word = Array(name.utf8)
    switch Lexer.wordKind(word) {
    case .identifier, .reserved: bytes.append(contentsOf: word)
    default:
      if word.isEmpty || !word.allSatisfy({ Lexer.isQuotable($0) }) { return refuse() }
      write("`")
      bytes.append(contentsOf: word)
      write("`")
    }
  }

  /// `a.b.C` or `.a.b.C`: a type's name, or the name of a function that the checker found in a namespace.
  mutating func writeDotted(_ name: String) {
    var part: [UInt8] = []
    var isFirst = true
    func isGood() -> Bool {
      let kind = Lexer.wordKind(part)
      return kind == .identifier || (kind == .reserved && !isFirst)
    }
    for (at, byte) in name.utf8.enumerated() {
      if byte != UInt8(ascii: ".") {
        part.append(byte)
      } else if at > 0 {
        if !isGood() { return refuse() }
        isFirst = false
        part = []
      }
    }
    if !isGood() { return refuse() }
    bytes.append(contentsOf: Array(name.utf8))
  }

  mutating func write(_ literal: Literal) {
    switch literal {
    case .null: write("null")
    case .bool(let value): write(value ? "true" : "false")
    case .int(let value): bytes.append(contentsOf: Array(String(value).utf8))
    case .uint(let value):
      bytes.append(contentsOf: Array(String(value).utf8))
      write("u")
    case .double(let value): write(value)
    case .string(let text):
      if Printer.isText(text) { writeQuoted(text, isText: true) } else { refuse() }
    case .bytes(let data):
      write("b")
      writeQuoted(data, isText: false)
    }
  }

  /// A double has a point or an exponent. What is infinite was written too large; a NaN cannot be written.
  private mutating func write(_ value: Double) {
    if value.isNaN { return refuse() }
    if value.isInfinite { return write(value > 0 ? "1e999" : "-1e999") }
    var digits = ShortText()
    digits.append(value)
    let text = Array(digits.text.utf8)
    bytes.append(contentsOf: text)
    if !text.contains(UInt8(ascii: ".")), !text.contains(UInt8(ascii: "e")) { write(".0") }
  }

  private static func isText(_ text: [UInt8]) -> Bool {
    text.withUnsafeBufferPointer {
      $0.count <= Int(UInt32.max)
        && Bytes($0.baseAddress, count: UInt32(truncatingIfNeeded: $0.count)).firstInvalidUTF8 == nil
    }
  }

  private mutating func writeQuoted(_ text: [UInt8], isText: Bool) {
    if text.count > limits.bytesMax { return refuse() }
    write("\"")
    for byte in text {
      switch byte {
      case UInt8(ascii: "\""): write("\\\"")
      case UInt8(ascii: "\\"): write("\\\\")
      case 0x0A: write("\\n")
      case 0x0D: write("\\r")
      case 0x09: write("\\t")
      case 0..<0x20, 0x7F: writeEscape(byte)
      case 0x80...0xFF where !isText: writeEscape(byte)
      default: bytes.append(byte)
      }
    }
    write("\"")
  }

  private mutating func writeEscape(_ byte: UInt8) {
    func digit(_ value: UInt8) -> UInt8 { value < 10 ? UInt8(ascii: "0") &+ value : UInt8(ascii: "a") &+ value &- 10 }
    write("\\x")
    bytes.append(digit(byte >> 4))
    bytes.append(digit(byte & 15))
  }
}

extension Lexer {
  /// What `word` is when it stands by itself: a keyword's kind, `identifier`, or `invalid` if it is no word.
  static func wordKind(_ word: [UInt8]) -> Token.Kind {
    guard let first = word.first, isLetter(first), word.allSatisfy({ isLetter($0) || isDigit($0) }) else {
      return .invalid
    }
    return word.withUnsafeBufferPointer { keyword($0) }
  }
}
