// The text of an expression and where each byte of it is written. YAML folds lines, drops indentation and decodes
// escapes, so the text is mapped by pieces: within a piece, one character of the text is one column of one line.
//
//   when: "a == \"b\""          pieces: `a == ` at column 8, `"` at 13, `b` at 15, `"` at 16

public struct ExpressionSource: Sendable {
  /// The expression as the compiler reads it.
  public let bytes: [UInt8]
  private let pieces: [Piece]

  struct Piece: Sendable {
    var offset: UInt32
    var line: UInt32
    var column: UInt32
  }

  private let source: Int32

  /// An expression that stands in one piece, or that nobody wrote.
  public init(bytes: [UInt8], at position: Position) {
    self.bytes = bytes
    source = position.source
    pieces = [Piece(offset: 0, line: position.line, column: position.column)]
  }

  init(_ id: NodeID, of tree: YamlTree, in text: UnsafeBufferPointer<UInt8>) {
    bytes = Array(tree.bytes(of: id))
    source = tree.source
    var mapping = ScalarMapping(tree[id], text)
    pieces = bytes.withUnsafeBufferPointer { mapping.pieces(of: $0) }
  }

  /// Where the expression begins.
  public var position: Position { position(atByte: 0) }

  /// Where the character at `offset` is written; past the end, the place after the last one.
  public func position(atByte offset: Int) -> Position {
    let wanted = max(0, min(offset, bytes.count))
    var low = 0
    var high = pieces.count
    // The last piece that begins at or before `wanted`.
    while high &- low > 1 {
      let middle = low &+ (high &- low) / 2
      if Int(pieces[middle].offset) <= wanted { low = middle } else { high = middle }
    }
    guard low < pieces.count else { return Position(source: source, line: 0, column: 0) }
    let piece = pieces[low]
    var column = piece.column
    var index = Int(piece.offset)
    while index < wanted {
      if bytes[index] & 0xC0 != 0x80 { column &+= 1 }
      index &+= 1
    }
    return Position(source: source, line: piece.line, column: column)
  }
}

/// Walks a scalar as it is written beside its decoded text.
private struct ScalarMapping {
  private let text: UnsafeBufferPointer<UInt8>
  private let style: YamlNode.Style
  private let end: Int
  private var cursor: TextCursor
  private var pieces: [ExpressionSource.Piece] = []

  init(_ node: YamlNode, _ text: UnsafeBufferPointer<UInt8>) {
    self.text = text
    style = node.style
    end = min(Int(node.end), text.count)
    cursor = TextCursor(offset: Int(node.offset), line: node.line, column: node.column)
  }

  mutating func pieces(of decoded: UnsafeBufferPointer<UInt8>) -> [ExpressionSource.Piece] {
    if style == .literal || style == .folded {
      skipLine()  // the header: `|`, `>-`, a comment
      mapBlock(decoded)
    } else {
      let first = here
      if let first, first == UInt8(ascii: "'") || first == UInt8(ascii: "\"") { cursor.step(text) }
      mapFlow(decoded, quote: style == .plain ? nil : first)
    }
    if pieces.isEmpty { begin(at: 0) }
    return pieces
  }

  private var here: UInt8? { cursor.offset < end ? text[cursor.offset] : nil }

  private func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

  private mutating func begin(at offset: Int) {
    let piece = ExpressionSource.Piece(
      offset: UInt32(truncatingIfNeeded: offset), line: cursor.line, column: cursor.column)
    if let last = pieces.last, last.offset == piece.offset { _ = pieces.popLast() }
    pieces.append(piece)
  }

  private mutating func skipLine() {
    let line = cursor.line
    while cursor.offset < end, cursor.line == line { cursor.step(text) }
  }

  /// Plain and quoted. A line break with the blanks around it became one space, or one break for each empty line:
  /// blank text that is not written as such takes no step, and the next character skips to itself.
  private mutating func mapFlow(_ decoded: UnsafeBufferPointer<UInt8>, quote: UInt8?) {
    var offset = 0
    begin(at: 0)
    while offset < decoded.count {
      let byte = decoded[offset]
      if byte == 0x20 || byte == 0x09, here == byte, !isFold() {
        cursor.step(text)
      } else if byte == 0x20 || byte == 0x0A, here.map({ isBlank($0) || isLineEnd($0) }) ?? false {
        // A fold: stay where the line ends.
      } else {
        if let next = here, isBlank(next) || isLineEnd(next) {
          while let next = here, isBlank(next) || isLineEnd(next) { cursor.step(text) }
          begin(at: offset)
        }
        if let escape = escapeLength(quote) {
          begin(at: offset)
          // An escaped line break is no character.
          if escape == 0 { continue }
          for _ in 0..<escape { cursor.step(text) }
          offset &+= characterWidth(decoded, at: offset)
          begin(at: offset)
          continue
        }
        cursor.step(text)
      }
      offset &+= max(1, characterWidth(decoded, at: offset))
    }
  }

  /// Whether only blanks stand between here and the line's end.
  private func isFold() -> Bool {
    var index = cursor.offset
    while index < end, isBlank(text[index]) { index &+= 1 }
    return index < end && isLineEnd(text[index])
  }

  /// The characters of the escape that begins here; 0 for an escaped line break, which it steps over.
  private mutating func escapeLength(_ quote: UInt8?) -> Int? {
    guard let quote, here == (quote == UInt8(ascii: "'") ? quote : UInt8(ascii: "\\")) else { return nil }
    let next = cursor.offset &+ 1
    guard next < end else { return nil }
    if quote == UInt8(ascii: "'") { return text[next] == quote ? 2 : nil }
    switch text[next] {
    case UInt8(ascii: "x"): return 4
    case UInt8(ascii: "u"): return 6
    case UInt8(ascii: "U"): return 10
    case 0x0A, 0x0D:
      cursor.step(text)
      while let next = here, isBlank(next) || isLineEnd(next) { cursor.step(text) }
      return 0
    default: return 2
    }
  }

  /// Literal and folded: the indentation is what the first written line has more than its text.
  private mutating func mapBlock(_ decoded: UnsafeBufferPointer<UInt8>) {
    var indentation: Int?
    var offset = 0
    while offset < decoded.count {
      if decoded[offset] == 0x0A {
        // An empty line is a break; one that folding dropped is passed by the next character.
        if here.map(isLineEnd) ?? true || style == .literal {
          begin(at: offset)
          skipLine()
        }
        offset &+= 1
        continue
      }
      if style == .folded { while let next = here, isLineEnd(next) { cursor.step(text) } }
      let written = leadingSpaces(text, cursor.offset, end)
      let kept = leadingSpaces(decoded, offset, decoded.count)
      let width = indentation ?? max(0, written &- kept)
      indentation = width
      for _ in 0..<min(width, written) { cursor.step(text) }
      begin(at: offset)
      // The line's characters are one for one.
      while offset < decoded.count, let next = here, !isLineEnd(next), decoded[offset] != 0x0A {
        cursor.step(text)
        offset &+= max(1, characterWidth(decoded, at: offset))
      }
      guard offset < decoded.count else { break }
      if style == .folded, decoded[offset] == 0x20, here.map(isLineEnd) ?? false {
        begin(at: offset)
        skipLine()
        offset &+= 1
      } else if decoded[offset] == 0x0A {
        begin(at: offset)
        skipLine()
        offset &+= 1
      } else if here == nil {
        break
      }
    }
  }

  private func leadingSpaces(_ text: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int) -> Int {
    var index = start
    while index < end, text[index] == 0x20 { index &+= 1 }
    return index &- start
  }
}
