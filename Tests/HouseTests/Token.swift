// A lexer for what the house's checks need to know of Swift and C: words, numbers, strings and signs, without
// comments, and what touches what. What stands in a string's interpolation is lexed too.

struct Token: Equatable {
  enum Kind { case word, number, string, sign, mark }

  var kind: Kind
  var text: String
  /// Counted from 1.
  var line: Int
  /// No white space and no comment stands before it.
  var touchesPrevious: Bool
}

struct Lexer {
  private let bytes: [UInt8]
  private var index = 0
  private var line = 1
  private var touches = false
  private(set) var tokens: [Token] = []

  static func tokens(of text: String) -> [Token] {
    var lexer = Lexer(text)
    lexer.lex(untilParenthesis: false)
    return lexer.tokens
  }

  private init(_ text: String) { bytes = Array(text.utf8) }

  private func byte(_ offset: Int = 0) -> UInt8 {
    index + offset < bytes.count ? bytes[index + offset] : 0
  }

  private func starts(with text: StaticString, at offset: Int = 0) -> Bool {
    text.withUTF8Buffer { prefix in
      index + offset + prefix.count <= bytes.count
        && prefix.indices.allSatisfy { bytes[index + offset + $0] == prefix[$0] }
    }
  }

  private mutating func advance(_ count: Int = 1) {
    for _ in 0..<count where index < bytes.count {
      if bytes[index] == UInt8(ascii: "\n") { line += 1 }
      index += 1
    }
  }

  private mutating func add(_ kind: Token.Kind, _ text: String, line: Int) {
    tokens.append(Token(kind: kind, text: text, line: line, touchesPrevious: touches))
    touches = true
  }

  /// Up to the end, or to the parenthesis that ends an interpolation.
  private mutating func lex(untilParenthesis: Bool) {
    var depth = 0
    while index < bytes.count {
      let start = index
      let first = byte()
      if first <= UInt8(ascii: " ") {
        advance()
        touches = false
      } else if starts(with: "//") {
        while index < bytes.count, byte() != UInt8(ascii: "\n") { advance() }
        touches = false
      } else if starts(with: "/*") {
        skipComment()
        touches = false
      } else if let pounds = stringPounds() {
        lexString(pounds: pounds)
      } else if isWord(first) {
        while isWord(byte()) { advance() }
        let isNumber = first >= UInt8(ascii: "0") && first <= UInt8(ascii: "9")
        if isNumber, byte() == UInt8(ascii: "."), byte(1) >= UInt8(ascii: "0"), byte(1) <= UInt8(ascii: "9") {
          advance()
          while isWord(byte()) { advance() }
        }
        add(isNumber ? .number : .word, text(from: start), line: line)
      } else if starts(with: "..<") || starts(with: "...") {
        advance(3)
        add(.sign, text(from: start), line: line)
      } else if isSign(first) {
        while isSign(byte()), !starts(with: "//"), !starts(with: "/*") { advance() }
        add(.sign, text(from: start), line: line)
      } else {
        if first == UInt8(ascii: "(") { depth += 1 }
        if first == UInt8(ascii: ")") {
          if untilParenthesis, depth == 0 { return }
          depth -= 1
        }
        advance()
        add(.mark, text(from: start), line: line)
      }
    }
  }

  private mutating func skipComment() {
    var depth = 0
    repeat {
      if starts(with: "/*") {
        depth += 1
        advance(2)
      } else if starts(with: "*/") {
        depth -= 1
        advance(2)
      } else {
        advance()
      }
    } while depth > 0 && index < bytes.count
  }

  /// The number of `#` before a quote that stands here, nil when no string begins.
  private func stringPounds() -> Int? {
    var pounds = 0
    while byte(pounds) == UInt8(ascii: "#") { pounds += 1 }
    return byte(pounds) == UInt8(ascii: "\"") ? pounds : nil
  }

  private mutating func lexString(pounds: Int) {
    let firstLine = line
    let start = index
    let touchesBefore = touches
    advance(pounds)
    let isLong = starts(with: "\"\"\"")
    advance(isLong ? 3 : 1)
    func closes() -> Bool {
      guard isLong ? starts(with: "\"\"\"") : byte() == UInt8(ascii: "\"") else { return false }
      return (0..<pounds).allSatisfy { byte((isLong ? 3 : 1) + $0) == UInt8(ascii: "#") }
    }
    func escapes() -> Bool {
      byte() == UInt8(ascii: "\\") && (0..<pounds).allSatisfy { byte(1 + $0) == UInt8(ascii: "#") }
    }
    while index < bytes.count, !closes() {
      if !isLong, byte() == UInt8(ascii: "\n") { break }
      if escapes() {
        advance(1 + pounds)
        let isInterpolation = byte() == UInt8(ascii: "(")
        advance()
        if isInterpolation {
          touches = false
          lex(untilParenthesis: true)
          advance()
        }
      } else {
        advance()
      }
    }
    advance((isLong ? 3 : 1) + pounds)
    touches = touchesBefore
    add(.string, text(from: start), line: firstLine)
  }

  private func text(from start: Int) -> String {
    String(decoding: bytes[start..<min(index, bytes.count)], as: UTF8.self)
  }

  private func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "$"), 0x80...0xFF:
      true
    default: false
    }
  }

  private func isSign(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "/"), UInt8(ascii: "="), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "!"),
      UInt8(ascii: "*"), UInt8(ascii: "%"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"),
      UInt8(ascii: "|"), UInt8(ascii: "^"), UInt8(ascii: "~"), UInt8(ascii: "?"):
      true
    default: false
    }
  }
}
