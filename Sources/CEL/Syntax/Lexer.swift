// Text to tokens. A token is a kind and a byte range; what a literal means is read out of its range later, by
// `LiteralReader`, so that text that never becomes a node costs nothing.
//
// All of the text is lexed before parsing starts, and the list always ends in one `end` token.

struct Token: Sendable {
  var kind: Kind
  var start: UInt32
  var end: UInt32

  var span: Span { Span(start, end) }

  enum Kind: UInt8, Sendable {
    case end
    /// Already reported; the parser must not report it a second time.
    case invalid
    case identifier
    /// `as`, `if`, `while` and the like: a field's name, never a variable's.
    case reserved
    /// A field's name in backquotes.
    case quotedIdentifier
    case int, uint, double, string, bytes
    case `true`, `false`, null
    case `in`
    case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual
    case and, or, not
    case plus, minus, times, slash, percent
    case question, colon, comma, dot
    case openParenthesis, closeParenthesis, openBracket, closeBracket, openBrace, closeBrace
  }
}

struct Lexer {
  private let text: UnsafeBufferPointer<UInt8>
  private var position = 0
  private var tokens: [Token] = []

  /// The tokens of `text`, which is valid UTF-8 and shorter than 4 GiB.
  static func lex(_ text: UnsafeBufferPointer<UInt8>, diagnostics: inout Diagnostics) -> [Token] {
    var lexer = Lexer(text: text)
    lexer.tokens.reserveCapacity(text.count / 3 &+ 2)
    while lexer.lexToken(&diagnostics) {}
    return lexer.tokens
  }

  private init(text: UnsafeBufferPointer<UInt8>) { self.text = text }

  /// The byte `offset` after the position; 0 past the end, which no token contains outside quotes.
  private func peek(_ offset: Int = 0) -> UInt8 {
    let index = position &+ offset
    return index < text.count ? text[index] : 0
  }

  private mutating func emit(_ kind: Token.Kind, from start: Int) {
    tokens.append(
      Token(kind: kind, start: UInt32(truncatingIfNeeded: start), end: UInt32(truncatingIfNeeded: position)))
  }

  private mutating func take(_ kind: Token.Kind, _ length: Int) {
    let start = position
    position &+= length
    emit(kind, from: start)
  }

  private mutating func refuse(from start: Int, _ message: String, _ diagnostics: inout Diagnostics) {
    diagnostics.error(
      at: Span(UInt32(truncatingIfNeeded: start), UInt32(truncatingIfNeeded: position)), message)
    emit(.invalid, from: start)
  }

  private mutating func skipBlanks() {
    while position < text.count {
      switch text[position] {
      case 0x20, 0x09, 0x0A, 0x0C, 0x0D: position &+= 1
      case 0x2F where peek(1) == 0x2F:
        while position < text.count, text[position] != 0x0A, text[position] != 0x0D { position &+= 1 }
      default: return
      }
    }
  }

  /// False once the end is emitted.
  private mutating func lexToken(_ diagnostics: inout Diagnostics) -> Bool {
    skipBlanks()
    guard position < text.count else {
      emit(.end, from: position)
      return false
    }
    let byte = text[position]
    switch byte {
    case UInt8(ascii: "("): take(.openParenthesis, 1)
    case UInt8(ascii: ")"): take(.closeParenthesis, 1)
    case UInt8(ascii: "["): take(.openBracket, 1)
    case UInt8(ascii: "]"): take(.closeBracket, 1)
    case UInt8(ascii: "{"): take(.openBrace, 1)
    case UInt8(ascii: "}"): take(.closeBrace, 1)
    case UInt8(ascii: ","): take(.comma, 1)
    case UInt8(ascii: ":"): take(.colon, 1)
    case UInt8(ascii: "?"): take(.question, 1)
    case UInt8(ascii: "+"): take(.plus, 1)
    case UInt8(ascii: "-"): take(.minus, 1)
    case UInt8(ascii: "*"): take(.times, 1)
    case UInt8(ascii: "/"): take(.slash, 1)
    case UInt8(ascii: "%"): take(.percent, 1)
    case UInt8(ascii: "!"): peek(1) == UInt8(ascii: "=") ? take(.notEqual, 2) : take(.not, 1)
    case UInt8(ascii: "<"): peek(1) == UInt8(ascii: "=") ? take(.lessOrEqual, 2) : take(.less, 1)
    case UInt8(ascii: ">"): peek(1) == UInt8(ascii: "=") ? take(.greaterOrEqual, 2) : take(.greater, 1)
    case UInt8(ascii: "="): lexPair(byte, .equal, "there is no assignment: write `==` to compare", &diagnostics)
    case UInt8(ascii: "&"): lexPair(byte, .and, "unexpected `&`: write `&&`", &diagnostics)
    case UInt8(ascii: "|"): lexPair(byte, .or, "unexpected `|`: write `||`", &diagnostics)
    case UInt8(ascii: "."): Lexer.isDigit(peek(1)) ? lexNumber(&diagnostics) : take(.dot, 1)
    case UInt8(ascii: "\""), UInt8(ascii: "'"): lexQuoted(prefix: 0, .string, isRaw: false, &diagnostics)
    case UInt8(ascii: "`"): lexQuotedIdentifier(&diagnostics)
    default:
      if Lexer.isDigit(byte) {
        lexNumber(&diagnostics)
      } else if Lexer.isLetter(byte) {
        lexWord(&diagnostics)
      } else {
        lexStray(&diagnostics)
      }
    }
    return true
  }

  private mutating func lexPair(
    _ byte: UInt8, _ kind: Token.Kind, _ message: String, _ diagnostics: inout Diagnostics
  ) {
    if peek(1) == byte { return take(kind, 2) }
    let start = position
    position &+= 1
    refuse(from: start, message, &diagnostics)
  }

  private mutating func lexStray(_ diagnostics: inout Diagnostics) {
    let start = position
    position &+= 1
    while position < text.count, text[position] & 0xC0 == 0x80 { position &+= 1 }
    let isPrintable = text[start] > 0x20 && text[start] != 0x7F
    let shown = String(decoding: text[start..<position], as: UTF8.self)
    refuse(from: start, isPrintable ? "unexpected `\(shown)`" : "unexpected control character", &diagnostics)
  }

  private mutating func lexWord(_ diagnostics: inout Diagnostics) {
    let first = text[position] | 0x20
    let second = peek(1)
    if first == UInt8(ascii: "r") || first == UInt8(ascii: "b") {
      let kind: Token.Kind = first == UInt8(ascii: "b") ? .bytes : .string
      if Lexer.isQuote(second) {
        return lexQuoted(prefix: 1, kind, isRaw: first == UInt8(ascii: "r"), &diagnostics)
      }
      if first == UInt8(ascii: "b"), second | 0x20 == UInt8(ascii: "r"), Lexer.isQuote(peek(2)) {
        return lexQuoted(prefix: 2, kind, isRaw: true, &diagnostics)
      }
    }
    let start = position
    while Lexer.isLetter(peek()) || Lexer.isDigit(peek()) { position &+= 1 }
    emit(Lexer.keyword(UnsafeBufferPointer(rebasing: text[start..<position])), from: start)
  }

  private mutating func lexNumber(_ diagnostics: inout Diagnostics) {
    let start = position
    var kind = Token.Kind.int
    if peek() == UInt8(ascii: "0"), peek(1) == UInt8(ascii: "x"), Lexer.hexValue(peek(2)) != nil {
      position &+= 2
      while Lexer.hexValue(peek()) != nil { position &+= 1 }
    } else {
      while Lexer.isDigit(peek()) { position &+= 1 }
      if peek() == UInt8(ascii: "."), Lexer.isDigit(peek(1)) {
        kind = .double
        position &+= 1
        while Lexer.isDigit(peek()) { position &+= 1 }
      }
      if peek() | 0x20 == UInt8(ascii: "e") {
        let sign = peek(1) == UInt8(ascii: "+") || peek(1) == UInt8(ascii: "-") ? 1 : 0
        if Lexer.isDigit(peek(1 &+ sign)) {
          kind = .double
          position &+= 1 &+ sign
          while Lexer.isDigit(peek()) { position &+= 1 }
        }
      }
    }
    if kind == .int, peek() | 0x20 == UInt8(ascii: "u") {
      kind = .uint
      position &+= 1
    }
    if Lexer.isLetter(peek()) || Lexer.isDigit(peek()) {
      while Lexer.isLetter(peek()) || Lexer.isDigit(peek()) { position &+= 1 }
      let shown = String(decoding: text[start..<position], as: UTF8.self)
      return refuse(from: start, "`\(shown)` is not a number", &diagnostics)
    }
    emit(kind, from: start)
  }

  /// Finds the end of a string; its escapes are looked at by `LiteralReader`.
  private mutating func lexQuoted(
    prefix: Int, _ kind: Token.Kind, isRaw: Bool, _ diagnostics: inout Diagnostics
  ) {
    let start = position
    position &+= prefix
    let quote = peek()
    let isTriple = peek(1) == quote && peek(2) == quote
    position &+= isTriple ? 3 : 1
    while position < text.count {
      let byte = text[position]
      if byte == quote, !isTriple || (peek(1) == quote && peek(2) == quote) {
        position &+= isTriple ? 3 : 1
        return emit(kind, from: start)
      }
      if !isTriple, byte == 0x0A || byte == 0x0D { break }
      // A newline after a backslash still ends a single-quoted string.
      position &+= byte == UInt8(ascii: "\\") && !isRaw && (isTriple || !Lexer.isNewline(peek(1))) ? 2 : 1
    }
    position = min(position, text.count)
    refuse(from: start, isTriple ? "string is not closed" : "string is not closed on its line", &diagnostics)
  }

  private mutating func lexQuotedIdentifier(_ diagnostics: inout Diagnostics) {
    let start = position
    position &+= 1
    while Lexer.isQuotable(peek()) { position &+= 1 }
    if peek() == UInt8(ascii: "`"), position > start &+ 1 {
      position &+= 1
      return emit(.quotedIdentifier, from: start)
    }
    while position < text.count, !Lexer.isNewline(text[position]) {
      position &+= 1
      if text[position &- 1] == UInt8(ascii: "`") { break }
    }
    refuse(
      from: start, "a name in backquotes has letters, digits, `_`, `.`, `-`, `/` and blanks only", &diagnostics)
  }
}

// Classes of bytes.
extension Lexer {
  static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }
  static func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 || byte == 0x5F }
  static func isQuote(_ byte: UInt8) -> Bool { byte == 0x22 || byte == 0x27 }
  static func isNewline(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }

  static func isQuotable(_ byte: UInt8) -> Bool {
    isLetter(byte) || isDigit(byte) || byte == 0x2E || byte == 0x2D || byte == 0x2F || byte == 0x20
  }

  static func hexValue(_ byte: UInt8) -> UInt32? {
    if isDigit(byte) { return UInt32(truncatingIfNeeded: byte &- 0x30) }
    let letter = (byte | 0x20) &- 0x61
    return letter < 6 ? UInt32(truncatingIfNeeded: letter) &+ 10 : nil
  }

  static func keyword(_ word: UnsafeBufferPointer<UInt8>) -> Token.Kind {
    func matches(_ text: StaticString) -> Bool {
      guard text.utf8CodeUnitCount == word.count else { return false }
      for index in 0..<word.count where text.utf8Start[index] != word[index] { return false }
      return true
    }
    guard let first = word.first, word.count <= 9 else { return .identifier }
    switch first {
    case UInt8(ascii: "a"): return matches("as") ? .reserved : .identifier
    case UInt8(ascii: "b"): return matches("break") ? .reserved : .identifier
    case UInt8(ascii: "c"): return matches("const") || matches("continue") ? .reserved : .identifier
    case UInt8(ascii: "e"): return matches("else") ? .reserved : .identifier
    case UInt8(ascii: "f"):
      if matches("false") { return .false }
      return matches("for") || matches("function") ? .reserved : .identifier
    case UInt8(ascii: "i"):
      if matches("in") { return .in }
      return matches("if") || matches("import") ? .reserved : .identifier
    case UInt8(ascii: "l"): return matches("let") || matches("loop") ? .reserved : .identifier
    case UInt8(ascii: "n"):
      if matches("null") { return .null }
      return matches("namespace") ? .reserved : .identifier
    case UInt8(ascii: "p"): return matches("package") ? .reserved : .identifier
    case UInt8(ascii: "r"): return matches("return") ? .reserved : .identifier
    case UInt8(ascii: "t"): return matches("true") ? .true : .identifier
    case UInt8(ascii: "v"): return matches("var") || matches("void") ? .reserved : .identifier
    case UInt8(ascii: "w"): return matches("while") ? .reserved : .identifier
    default: return .identifier
    }
  }
}
