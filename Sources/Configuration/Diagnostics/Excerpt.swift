// How a problem looks:
//
//   policies.yaml:12:11: error: unknown attribute `request.methd`, did you mean `request.method`?
//     when: request.methd == "GET"
//           ^
//
// Tabs stay tabs in the caret line, so that it lines up whatever their width; wide characters take two columns;
// what is no text or would move a terminal's cursor is shown as `?`. A long line is cut around its caret.

/// The line a problem is in, cut to a width that fits a screen, and the caret below it.
public struct Excerpt: Sendable {
  public var line: String
  public var caret: String

  static let beforeMax = 64
  static let afterMax = 48
}

extension Problems {
  /// Every problem with its line and caret, in the order of reading, each line ended by LF.
  public func rendered(with sources: SourceSet) -> String {
    var out = ""
    excerpted(with: sources) { problem, excerpt in
      out += Problems.headline(problem, in: sources)
      out += "\n"
      guard let excerpt else { return }
      out += excerpt.line
      out += "\n"
      out += excerpt.caret
      out += "\n"
    }
    if omittedCount > 0 { out += "and \(omittedCount) more\n" }
    return out
  }

  /// `file:line:column: error: message`; without line and column where the whole file is meant.
  public static func headline(_ problem: Problem, in sources: SourceSet) -> String {
    let name = sources.name(of: problem.position)
    var out = ""
    if !name.isEmpty { out += printable(name) }
    if problem.position.line > 0 { out += ":\(problem.position.line):\(problem.position.column)" }
    if !out.isEmpty { out += ": " }
    out += problem.severity == .error ? "error: " : "warning: "
    out += problem.message
    return out
  }

  /// Calls `body` for each problem in the order of reading. One cursor walks each source once.
  public func excerpted(with sources: SourceSet, _ body: (Problem, Excerpt?) -> Void) {
    var cursor = TextCursor()
    var current: Int32 = -1
    for problem in sorted() {
      let position = problem.position
      guard position.line > 0, let source = sources.source(Int(position.source)) else {
        body(problem, nil)
        continue
      }
      let excerpt = source.bytes.withUnsafeBufferPointer { text in
        if current != position.source {
          cursor = TextCursor(offset: byteOrderMarkLength(text))
          current = position.source
        }
        cursor.advance(toLine: position.line, column: position.column, in: text)
        return Excerpt(around: cursor.offset, in: text)
      }
      body(problem, excerpt)
    }
  }
}

extension Excerpt {
  init(around caretOffset: Int, in text: UnsafeBufferPointer<UInt8>) {
    var start = caretOffset
    var steps = 0
    while start > 0, steps < Excerpt.beforeMax, !isLineEnd(text[start &- 1]) {
      start &-= 1
      // Back to the first byte of the character.
      while start > 0, text[start] & 0xC0 == 0x80, caretOffset &- start < Excerpt.beforeMax &* 4 { start &-= 1 }
      steps &+= 1
    }
    let isCutBefore = start > 0 && !isLineEnd(text[start &- 1]) && start > byteOrderMarkLength(text)
    if start < byteOrderMarkLength(text) { start = min(caretOffset, byteOrderMarkLength(text)) }
    var line = isCutBefore ? "…" : ""
    var caret = isCutBefore ? " " : ""
    var offset = start
    while offset < caretOffset, offset < text.count {
      let shown = Shown(text, at: offset)
      line += shown.text
      caret += shown.padding
      offset &+= max(1, shown.length)
    }
    caret += "^"
    steps = 0
    while offset < text.count, steps < Excerpt.afterMax, !isLineEnd(text[offset]) {
      let shown = Shown(text, at: offset)
      line += shown.text
      offset &+= max(1, shown.length)
      steps &+= 1
    }
    if offset < text.count, !isLineEnd(text[offset]) { line += "…" }
    self.line = line
    self.caret = caret
  }
}

/// One character as a terminal may see it.
private struct Shown {
  var text: String
  /// What stands below it before the caret.
  var padding: String
  var length: Int

  init(_ bytes: UnsafeBufferPointer<UInt8>, at offset: Int) {
    length = characterWidth(bytes, at: offset)
    guard let scalar = decodedScalar(bytes, at: offset, length: length) else {
      (text, padding) = ("?", " ")
      return
    }
    let value = scalar.value
    if value == 0x09 {
      (text, padding) = ("\t", "\t")
    } else if isControl(value) {
      (text, padding) = ("?", " ")
    } else {
      text = String(Character(scalar))
      padding = isCombining(value) ? "" : isWide(value) ? "  " : " "
    }
  }
}

func byteOrderMarkLength(_ text: UnsafeBufferPointer<UInt8>) -> Int {
  text.count >= 3 && text[0] == 0xEF && text[1] == 0xBB && text[2] == 0xBF ? 3 : 0
}

func isLineEnd(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }

/// The code point of `length` bytes at `offset`, or nil when they are no UTF-8.
func decodedScalar(_ text: UnsafeBufferPointer<UInt8>, at offset: Int, length: Int) -> Unicode.Scalar? {
  guard length > 0, offset >= 0, offset <= text.count &- length else { return nil }
  let lead = UInt32(truncatingIfNeeded: text[offset])
  if length == 1 { return lead < 0x80 ? Unicode.Scalar(lead) : nil }
  var value = length == 2 ? lead & 0x1F : length == 3 ? lead & 0x0F : lead & 0x07
  for i in 1..<max(2, length) { value = value << 6 | UInt32(truncatingIfNeeded: text[offset &+ i] & 0x3F) }
  let least: UInt32 = length == 2 ? 0x80 : length == 3 ? 0x800 : 0x10000
  guard value >= least, lead < 0xF8 else { return nil }
  return Unicode.Scalar(value)
}

private func isControl(_ value: UInt32) -> Bool {
  value < 0x20 || (value >= 0x7F && value < 0xA0) || value == 0x2028 || value == 0x2029
    || (value >= 0x202A && value <= 0x202E) || (value >= 0x2066 && value <= 0x2069)
}

private func isCombining(_ value: UInt32) -> Bool {
  (value >= 0x300 && value <= 0x36F) || (value >= 0x200B && value <= 0x200D) || (value >= 0xFE00 && value <= 0xFE0F)
}

/// East Asian wide characters and emoji, by block: near enough for a caret.
private func isWide(_ value: UInt32) -> Bool {
  (value >= 0x1100 && value <= 0x115F) || (value >= 0x2E80 && value <= 0xA4CF) || (value >= 0xAC00 && value <= 0xD7A3)
    || (value >= 0xF900 && value <= 0xFAFF) || (value >= 0xFE30 && value <= 0xFE6F)
    || (value >= 0xFF00 && value <= 0xFF60) || (value >= 0x1F300 && value <= 0x1F64F)
    || (value >= 0x1F900 && value <= 0x1F9FF) || (value >= 0x20000 && value <= 0x3FFFD)
}

/// A name or a user's word for a message: on one line, cut, without anything that steers a terminal.
func printable(_ text: String, lengthMax: Int = 4096) -> String {
  var out = ""
  var length = 0
  for scalar in text.unicodeScalars {
    guard length < lengthMax else { return out + "…" }
    out.unicodeScalars.append(isControl(scalar.value) ? "?" : scalar)
    length &+= 1
  }
  return out
}

/// A user's word in backticks.
func quoted(_ text: String) -> String { "`" + printable(text, lengthMax: 80) + "`" }
