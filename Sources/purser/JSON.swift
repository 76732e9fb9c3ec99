/// A JSON value as it was written: numbers keep their text, so 64-bit integers are exact and `1` is not `1.0`; objects
/// keep their order; every value knows where it began.
struct JSON {
  enum Content {
    case null
    case bool(Bool)
    case number(String)
    case string(String)
    case array([JSON])
    case object([Member])
  }

  struct Member {
    var key: String
    var value: JSON
    /// Where the key begins, in bytes.
    var offset: Int
  }

  var content: Content
  /// Where the value begins in its source, in bytes; 0 for a value made here.
  var offset: Int

  init(_ content: Content, at offset: Int = 0) {
    self.content = content
    self.offset = offset
  }

  static var null: JSON { JSON(.null) }
  static func string(_ text: String) -> JSON { JSON(.string(text)) }
  static func bool(_ value: Bool) -> JSON { JSON(.bool(value)) }
  static func number(_ value: some BinaryInteger) -> JSON { JSON(.number(String(value))) }
  static func array(_ items: [JSON]) -> JSON { JSON(.array(items)) }
  static func object(_ members: [(String, JSON)]) -> JSON {
    JSON(.object(members.map { Member(key: $0.0, value: $0.1, offset: 0) }))
  }

  subscript(key: String) -> JSON? {
    guard case .object(let members) = content else { return nil }
    return members.first { $0.key == key }?.value
  }

  var text: String? {
    if case .string(let text) = content { return text }
    return nil
  }

  var items: [JSON] {
    if case .array(let items) = content { return items }
    return []
  }

  /// What stands here, for messages: `a string`, `the number 1.5`.
  var description: String {
    switch content {
    case .null: "null"
    case .bool(let value): value ? "true" : "false"
    case .number(let text): "the number \(text)"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }
}

/// A place in JSON text: lines and columns from 1, columns in characters.
struct SourcePlace {
  var line: Int
  var column: Int

  init(of offset: Int, in bytes: [UInt8]) {
    line = 1
    column = 1
    for byte in bytes.prefix(offset) {
      if byte == UInt8(ascii: "\n") {
        line += 1
        column = 1
      } else if byte & 0xC0 != 0x80 {
        // Continuation bytes of UTF-8 begin no character.
        column += 1
      }
    }
  }
}
