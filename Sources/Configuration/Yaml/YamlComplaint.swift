// libyaml's complaints in words for who writes a policy. The commonest cause is an expression that YAML reads as
// something else, so the message then says how to write it.

struct YamlComplaint {
  var message: String
  /// Where to point: not always where libyaml stopped, which may be at the end of the file.
  var cursor: TextCursor

  private static let cure = "quote the expression, or write it as a block with `|`"

  init(
    problem: String, isReader: Bool, at place: TextCursor, context: TextCursor, in text: UnsafeBufferPointer<UInt8>
  ) {
    cursor = place
    let here = place.offset < text.count ? text[place.offset] : 0
    let cure = YamlComplaint.cure
    switch problem {
    case "control characters are not allowed":
      message = here == 0 ? "a NUL byte: this is no text" : "a control character: YAML does not allow it"
    case _ where isReader:
      message = "not UTF-8: save the file as UTF-8 text"
    case "mapping values are not allowed in this context":
      if YamlComplaint.hasColonBefore(place.offset, in: text) {
        message = "`: ` cannot stand in an unquoted value: \(cure)"
      } else {
        message = "a key is not expected here: check the indentation"
      }
    case "block sequence entries are not allowed in this context":
      message = "`- ` is not expected here: check the indentation, or quote the value"
    case "mapping keys are not allowed in this context":
      message = "`? ` is not expected here: quote the value"
    case "could not find expected ':'":
      cursor = context
      message = "expected `key: value`, found a line without `: `"
    case "found unexpected end of stream", "found unexpected document indicator":
      cursor = context
      message = "the text in quotes that begins here is not closed"
    case "found unknown escape character":
      message = "unknown escape in a double-quoted text: write `\\\\` for a backslash, or use single quotes"
    case "did not find expected hexdecimal number", "found invalid Unicode character escape code":
      message = "a `\\x`, `\\u` or `\\U` escape needs 2, 4 or 8 hexadecimal digits of one character"
    case "found character that cannot start any token":
      if here == 0x09 {
        message = "a tab cannot indent: use spaces"
      } else {
        message =
          "a value cannot begin with `\(here >= 0x20 && here < 0x7F ? String(Unicode.Scalar(here)) : "?")`: \(cure)"
      }
    case "found a tab character that violates indentation",
      "found a tab character where an indentation space is expected":
      message = "a tab cannot indent: use spaces"
    case "did not find expected alphabetic or numeric character":
      cursor = context
      message = "an unquoted `&` or `*` begins a YAML anchor or alias: \(cure)"
    case "did not find expected whitespace or line break", "did not find expected tag URI",
      "did not find URI escaped octet", "did not find expected '!'", "did not find the expected '>'",
      "found undefined tag handle":
      cursor = context
      message = "an unquoted `!` begins a YAML tag: \(cure)"
    case "did not find expected comment or line break":
      message = "after `|` or `>` the text begins in the next line"
    case "found an indentation indicator equal to 0":
      message = "the number after `|` or `>` must be 1 to 9"
    case "did not find expected key", "did not find expected ',' or ']'", "did not find expected ',' or '}'",
      "did not find expected '-' indicator", "did not find expected <document start>":
      message = YamlComplaint.outOfPlace(problem, at: place, in: text)
    case "did not find expected node content":
      message = "a value is missing here"
    case "found unexpected ':'":
      message = "`:` cannot stand in an unquoted value inside `[ ]` or `{ }`: \(cure)"
    default:
      message = "not YAML: \(problem)"
    }
  }

  /// Something follows where a key, an item or an end should come.
  private static func outOfPlace(
    _ problem: String, at place: TextCursor, in text: UnsafeBufferPointer<UInt8>
  ) -> String {
    if place.offset >= text.count {
      return problem.hasSuffix("']'")
        ? "the list in `[ ]` is not closed"
        : problem.hasSuffix("'}'")
          ? "the map in `{ }` is not closed"
          : "the file ends too early"
    }
    switch lastByteInLine(before: place.offset, in: text) {
    case UInt8(ascii: "\""), UInt8(ascii: "'"):
      return "text after a closing quote, since YAML takes a leading quote for its own: \(cure)"
    case UInt8(ascii: "]"):
      return "text after a closing `]`, since YAML takes a leading `[` for a list: \(cure)"
    case UInt8(ascii: "}"):
      return "text after a closing `}`, since YAML takes a leading `{` for a map: \(cure)"
    case .some where aliasBegins(before: place.offset, in: text):
      return "an unquoted `*` begins a YAML alias: \(cure)"
    default: break
    }
    switch problem {
    case "did not find expected '-' indicator": return "expected `- ` or the end of the list: check the indentation"
    case "did not find expected ',' or ']'": return "expected `,` or `]`"
    case "did not find expected ',' or '}'":
      return "expected `,` or `}`: inside `{ }` quote what has a comma or a brace"
    case "did not find expected <document start>": return "expected `---` or the end of the file: check the indentation"
    default: return "expected a key: check the indentation"
    }
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

  /// The last byte that is no space before `offset` in its line.
  private static func lastByteInLine(before offset: Int, in text: UnsafeBufferPointer<UInt8>) -> UInt8? {
    var index = min(offset, text.count) &- 1
    while index >= 0, isSpace(text[index]) { index &-= 1 }
    return index >= 0 && !isLineEnd(text[index]) ? text[index] : nil
  }

  /// Whether a value of this line that ends before `offset` began with `*`.
  private static func aliasBegins(before offset: Int, in text: UnsafeBufferPointer<UInt8>) -> Bool {
    var index = min(offset, text.count) &- 1
    while index >= 0, isSpace(text[index]) { index &-= 1 }
    while index >= 0, !isSpace(text[index]), !isLineEnd(text[index]) { index &-= 1 }
    return index &+ 1 < text.count && text[index &+ 1] == UInt8(ascii: "*")
  }

  private static func hasColonBefore(_ offset: Int, in text: UnsafeBufferPointer<UInt8>) -> Bool {
    var index = min(offset, text.count) &- 1
    while index >= 0, !isLineEnd(text[index]) {
      if text[index] == UInt8(ascii: ":"), index &+ 1 < text.count, isSpace(text[index &+ 1]) { return true }
      index &-= 1
    }
    return false
  }
}
