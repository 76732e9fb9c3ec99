// Why an expression cannot be evaluated, for a person: each problem with its line and a caret below it.

public struct ExpressionRefusal: Error, Sendable, CustomStringConvertible {
  public var text: String
  public var diagnostics: Diagnostics

  public init(text: String, diagnostics: Diagnostics) {
    self.text = text
    self.diagnostics = diagnostics
  }

  /// What a line is cut to, around its caret.
  private static let columnsMax = 100

  public var description: String {
    var words = ""
    for item in diagnostics.items {
      if !words.isEmpty { words += "\n" }
      let (line, column, excerpt, before) = place(of: item.span)
      words += "\(line):\(column): \(item.severity == .error ? "error" : "warning"): \(item.message)\n"
      words += "  " + excerpt + "\n  "
      for _ in 0..<before { words += " " }
      words += "^"
    }
    return words
  }

  /// Line and column count from 1; columns are code points.
  private func place(of span: Span) -> (line: Int, column: Int, excerpt: String, before: Int) {
    let bytes = Array(text.utf8)
    let position = min(Int(span.start), bytes.count)
    var line = 1
    var start = 0
    for at in 0..<position where bytes[at] == 0x0A {
      line &+= 1
      start = at &+ 1
    }
    var end = position
    while end < bytes.count, bytes[end] != 0x0A, bytes[end] != 0x0D { end &+= 1 }
    let head = ExpressionRefusal.shown(bytes[start..<position])
    let tail = ExpressionRefusal.shown(bytes[position..<end])
    let kept = Array(head.suffix(ExpressionRefusal.columnsMax / 2))
    var excerpt = ""
    excerpt.unicodeScalars.append(contentsOf: kept)
    excerpt.unicodeScalars.append(contentsOf: tail.prefix(ExpressionRefusal.columnsMax / 2))
    return (line, head.count &+ 1, excerpt, kept.count)
  }

  /// Control characters, tabs among them, are shown as a blank: they would move the caret's line.
  private static func shown(_ bytes: ArraySlice<UInt8>) -> [Unicode.Scalar] {
    String(decoding: bytes, as: UTF8.self).unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : $0 }
  }
}
