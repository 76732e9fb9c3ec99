// Where something is written. A position is of one load's `SourceSet`; lines and columns count from 1, columns in
// characters (code points) as editors do. Line 0 is the source as a whole.

public struct Position: Sendable, Hashable {
  /// The index in the load's `SourceSet`; -1 for what is written nowhere.
  public var source: Int32
  public var line: UInt32
  public var column: UInt32

  public init(source: Int32, line: UInt32, column: UInt32) {
    self.source = source
    self.line = line
    self.column = column
  }

  public static let none = Position(source: -1, line: 0, column: 0)

  static func whole(_ source: Int32) -> Position { Position(source: source, line: 0, column: 0) }

  /// The order of reading: by source, then line, then column.
  static func precedes(_ a: Position, _ b: Position) -> Bool {
    if a.source != b.source { return a.source < b.source }
    if a.line != b.line { return a.line < b.line }
    return a.column < b.column
  }
}

/// Walks text one character at a time and knows the line and column. Only LF, CR and CRLF end a line.
/// Works on any bytes: what is no UTF-8 counts one character a byte.
struct TextCursor {
  private(set) var offset: Int
  /// Characters since the cursor was made; CRLF is two.
  private(set) var index = 0
  private(set) var line: UInt32
  private(set) var column: UInt32

  init(offset: Int = 0, line: UInt32 = 1, column: UInt32 = 1) {
    self.offset = offset
    self.line = line
    self.column = column
  }

  @inline(__always)
  mutating func step(_ text: UnsafeBufferPointer<UInt8>) {
    guard offset >= 0, offset < text.count else { return }
    let byte = text[offset]
    index &+= 1
    if byte < 0x80 {
      offset &+= 1
      let endsLine = byte == 0x0A || (byte == 0x0D && (offset >= text.count || text[offset] != 0x0A))
      if endsLine {
        line &+= 1
        column = 1
      } else {
        column &+= 1
      }
      return
    }
    offset &+= characterWidth(text, at: offset)
    column &+= 1
  }

  mutating func advance(toIndex wanted: Int, in text: UnsafeBufferPointer<UInt8>) {
    while index < wanted && offset < text.count { step(text) }
  }

  mutating func advance(toOffset wanted: Int, in text: UnsafeBufferPointer<UInt8>) {
    while offset < wanted && offset < text.count { step(text) }
  }

  mutating func advance(toLine wantedLine: UInt32, column wantedColumn: UInt32, in text: UnsafeBufferPointer<UInt8>) {
    while offset < text.count, line < wantedLine || (line == wantedLine && column < wantedColumn) { step(text) }
  }

  func position(in source: Int32) -> Position { Position(source: source, line: line, column: column) }
}

/// How many bytes the character at `offset` takes: its lead byte and the continuation bytes that are really there.
func characterWidth(_ text: UnsafeBufferPointer<UInt8>, at offset: Int) -> Int {
  guard offset >= 0, offset < text.count else { return 0 }
  let lead = text[offset]
  let expected = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
  var width = 1
  while width < expected, offset &+ width < text.count, text[offset &+ width] & 0xC0 == 0x80 { width &+= 1 }
  return width
}
