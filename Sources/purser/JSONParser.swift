/// Why text is no JSON, and where.
struct JSONError: Error {
  var offset: Int
  var message: String
}

/// Reads RFC 8259 JSON, strictly: no comments, no trailing commas, no lone surrogates, no key twice in one object.
/// Foundation's parser turns `1` and `1.0` into one number and loses digits of large integers; this one does not.
struct JSONParser {
  /// Depth of arrays and objects; deeper text is refused rather than risking the stack.
  static let depthMax = 128

  private let bytes: [UInt8]
  private var position = 0

  private init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  static func parse(_ bytes: [UInt8]) throws(JSONError) -> JSON {
    var parser = JSONParser(bytes)
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
      parser.position = 3
    }
    let value = try parser.parseValue(depth: 0)
    parser.skipSpace()
    guard parser.position == bytes.count else { throw parser.error("something follows the JSON value") }
    return value
  }

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  private func error(_ message: String) -> JSONError {
    JSONError(offset: position, message: message)
  }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
      position += 1
    }
  }

  private mutating func parseValue(depth: Int) throws(JSONError) -> JSON {
    skipSpace()
    let start = position
    switch next {
    case UInt8(ascii: "{"): return JSON(.object(try parseObject(depth: depth + 1)), at: start)
    case UInt8(ascii: "["): return JSON(.array(try parseArray(depth: depth + 1)), at: start)
    case UInt8(ascii: "\""): return JSON(.string(try parseString()), at: start)
    case UInt8(ascii: "t"): return JSON(.bool(try parse(word: "true", as: true)), at: start)
    case UInt8(ascii: "f"): return JSON(.bool(try parse(word: "false", as: false)), at: start)
    case UInt8(ascii: "n"):
      _ = try parse(word: "null", as: ())
      return JSON(.null, at: start)
    case let byte? where byte == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte):
      return JSON(.number(try parseNumber()), at: start)
    case nil: throw error("a value is expected, but the text ends")
    default: throw error("a value is expected")
    }
  }

  private mutating func parse<Result>(word: StaticString, as result: Result) throws(JSONError) -> Result {
    let matches = word.withUTF8Buffer { bytes[position...].starts(with: $0) }
    guard matches else { throw error("a value is expected") }
    position += word.utf8CodeUnitCount
    return result
  }

  private mutating func parseObject(depth: Int) throws(JSONError) -> [JSON.Member] {
    guard depth <= Self.depthMax else { throw error("nested deeper than \(Self.depthMax) levels") }
    position += 1
    var members: [JSON.Member] = []
    var keys: Set<String> = []
    skipSpace()
    if next == UInt8(ascii: "}") {
      position += 1
      return members
    }
    while true {
      skipSpace()
      let keyOffset = position
      guard next == UInt8(ascii: "\"") else { throw error("a key in double quotes is expected") }
      let key = try parseString()
      guard keys.insert(key).inserted else {
        throw JSONError(offset: keyOffset, message: "the key `\(key)` is given twice")
      }
      skipSpace()
      guard next == UInt8(ascii: ":") else { throw error("`:` is expected after a key") }
      position += 1
      members.append(JSON.Member(key: key, value: try parseValue(depth: depth), offset: keyOffset))
      skipSpace()
      switch next {
      case UInt8(ascii: ","): position += 1
      case UInt8(ascii: "}"):
        position += 1
        return members
      default: throw error("`,` or `}` is expected")
      }
    }
  }

  private mutating func parseArray(depth: Int) throws(JSONError) -> [JSON] {
    guard depth <= Self.depthMax else { throw error("nested deeper than \(Self.depthMax) levels") }
    position += 1
    var items: [JSON] = []
    skipSpace()
    if next == UInt8(ascii: "]") {
      position += 1
      return items
    }
    while true {
      items.append(try parseValue(depth: depth))
      skipSpace()
      switch next {
      case UInt8(ascii: ","): position += 1
      case UInt8(ascii: "]"):
        position += 1
        return items
      default: throw error("`,` or `]` is expected")
      }
    }
  }

  private mutating func parseNumber() throws(JSONError) -> String {
    let start = position
    if next == UInt8(ascii: "-") { position += 1 }
    if next == UInt8(ascii: "0") {
      position += 1
    } else {
      try skipDigits()
    }
    if next == UInt8(ascii: ".") {
      position += 1
      try skipDigits()
    }
    if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
      position += 1
      if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
      try skipDigits()
    }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  private mutating func skipDigits() throws(JSONError) {
    let start = position
    while let byte = next, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
      position += 1
    }
    if position == start { throw error("a digit is expected") }
  }

  private mutating func parseString() throws(JSONError) -> String {
    position += 1
    var text: [UInt8] = []
    let start = position
    while let byte = next {
      switch byte {
      case UInt8(ascii: "\""):
        position += 1
        guard let string = String(validating: text, as: UTF8.self) else {
          throw JSONError(offset: start, message: "the string is not UTF-8")
        }
        return string
      case UInt8(ascii: "\\"):
        position += 1
        try parseEscape(into: &text)
      case 0..<0x20:
        throw error("a control character in a string must be escaped")
      default:
        text.append(byte)
        position += 1
      }
    }
    throw error("the string does not end")
  }

  private mutating func parseEscape(into text: inout [UInt8]) throws(JSONError) {
    guard let byte = next else { throw error("the string does not end") }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"):
      let start = position - 2
      var code = try parseHex()
      if code >= 0xD800 && code < 0xDC00 {
        guard position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
          bytes[position + 1] == UInt8(ascii: "u")
        else { throw JSONError(offset: start, message: "half of a surrogate pair") }
        position += 2
        let low = try parseHex()
        guard low >= 0xDC00 && low < 0xE000 else { throw JSONError(offset: start, message: "half of a surrogate pair") }
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(code) else {
        throw JSONError(offset: start, message: "half of a surrogate pair")
      }
      text.append(contentsOf: String(scalar).utf8)
    default:
      position -= 1
      throw error("an unknown escape in a string")
    }
  }

  private mutating func parseHex() throws(JSONError) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
        throw error("four hexadecimal digits are expected")
      }
      code = code << 4 | UInt32(digit)
      position += 1
    }
    return code
  }
}
