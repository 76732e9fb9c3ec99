// Where the documents of a file begin, without reading them: a line that begins with `---` and a blank or nothing more begins
// one wherever it stands, in a block scalar too. So each part can be read by itself, and one that was read before need not be.
//
//   # comment                    part 0: no document
//   ---                          part 1
//   kind: Policy
//   --- # the second             part 2
//
// A file that libyaml may see otherwise is one part: one with directives, which belong to a later line, or with the line
// breaks of Unicode, which count as such for libyaml only.

struct DocumentPart {
  var range: Range<Int>
  /// Of its first byte.
  var line: UInt32
}

enum DocumentSplit {
  /// In the order of the text, of which none is left out.
  static func parts(of text: UnsafeBufferPointer<UInt8>) -> [DocumentPart] {
    var parts: [DocumentPart] = []
    var start = 0
    var startLine: UInt32 = 1
    var line: UInt32 = 1
    var at = byteOrderMarkLength(text)
    var isLineStart = true
    while at < text.count {
      let byte = text[at]
      if isLineStart {
        if byte == UInt8(ascii: "%") { return [DocumentPart(range: 0..<text.count, line: 1)] }
        if byte == UInt8(ascii: "-"), at > start, isMarker(text, at) {
          parts.append(DocumentPart(range: start..<at, line: startLine))
          start = at
          startLine = line
        }
        isLineStart = false
      }
      if byte == 0x0A || (byte == 0x0D && !(at &+ 1 < text.count && text[at &+ 1] == 0x0A)) {
        line &+= 1
        isLineStart = true
      } else if byte >= 0x80, isUnicodeBreak(text, at) {
        return [DocumentPart(range: 0..<text.count, line: 1)]
      }
      at &+= 1
    }
    parts.append(DocumentPart(range: start..<text.count, line: startLine))
    return parts
  }

  private static func isMarker(_ text: UnsafeBufferPointer<UInt8>, _ at: Int) -> Bool {
    guard at &+ 2 < text.count, text[at &+ 1] == UInt8(ascii: "-"), text[at &+ 2] == UInt8(ascii: "-") else {
      return false
    }
    guard at &+ 3 < text.count else { return true }
    let next = text[at &+ 3]
    return next == 0x20 || next == 0x09 || isLineEnd(next)
  }

  /// NEL, LS or PS.
  private static func isUnicodeBreak(_ text: UnsafeBufferPointer<UInt8>, _ at: Int) -> Bool {
    guard at &+ 1 < text.count else { return false }
    if text[at] == 0xC2 { return text[at &+ 1] == 0x85 }
    return text[at] == 0xE2 && at &+ 2 < text.count && text[at &+ 1] == 0x80
      && (text[at &+ 2] == 0xA8 || text[at &+ 2] == 0xA9)
  }
}
