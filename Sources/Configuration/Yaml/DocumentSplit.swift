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

import CPlatform
import PurserEngine

struct DocumentPart {
  var range: Range<Int>
  /// Of its first byte.
  var line: UInt32
  /// Of its bytes.
  var digest: DocumentDigest

  init(_ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, line: UInt32) {
    self.range = range.clamped(to: 0..<text.count)
    self.line = line
    digest = Digest.of(UnsafeBufferPointer(rebasing: text[self.range]))
  }
}

enum DocumentSplit {
  /// In the order of the text, of which none is left out.
  static func parts(of text: UnsafeBufferPointer<UInt8>) -> [DocumentPart] {
    var parts: [DocumentPart] = []
    var start = 0
    var startLine: UInt32 = 1
    var line: UInt32 = 1
    var at = byteOrderMarkLength(text)
    let isPlain = !has(0x0D, text) && !has(0xC2, text) && !has(0xE2, text)
    while at < text.count {
      if text[at] == UInt8(ascii: "%") { return [DocumentPart(text, 0..<text.count, line: 1)] }
      if text[at] == UInt8(ascii: "-"), at > start, isMarker(text, at) {
        parts.append(DocumentPart(text, start..<at, line: startLine))
        start = at
        startLine = line
      }
      guard let next = isPlain ? lineEnd(text, at) : anyLineEnd(text, at) else {
        return [DocumentPart(text, 0..<text.count, line: 1)]
      }
      at = next
      line &+= 1
    }
    parts.append(DocumentPart(text, start..<text.count, line: startLine))
    return parts
  }

  private static func has(_ byte: Int32, _ text: UnsafeBufferPointer<UInt8>) -> Bool {
    text.baseAddress.map { memchr($0, byte, text.count) != nil } ?? false
  }

  /// Where the next line begins, or the end, in text where only LF can end a line.
  private static func lineEnd(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int? {
    guard let base = text.baseAddress, let end = memchr(base + start, 0x0A, text.count &- start) else {
      return text.count
    }
    return UnsafeRawPointer(base).distance(to: UnsafeRawPointer(end)) &+ 1
  }

  /// The same in any text; nil when one of Unicode's breaks comes first.
  private static func anyLineEnd(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> Int? {
    var at = start
    while at < text.count {
      let byte = text[at]
      at &+= 1
      if byte == 0x0A || (byte == 0x0D && !(at < text.count && text[at] == 0x0A)) { return at }
      if byte >= 0x80, isUnicodeBreak(text, at &- 1) { return nil }
    }
    return at
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
