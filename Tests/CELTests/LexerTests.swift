import Testing

@testable import CEL

@Suite struct LexerTests {
  private func kinds(_ text: String) -> [Token.Kind] {
    var diagnostics = Diagnostics()
    return Array(text.utf8).withUnsafeBufferPointer { Lexer.lex($0, diagnostics: &diagnostics).map { $0.kind } }
  }

  private func literal(_ text: String) -> Literal? {
    var diagnostics = Diagnostics()
    guard let tree = Parser.parse(Array(text.utf8), diagnostics: &diagnostics),
      case .literal(let literal) = tree[tree.root].kind
    else { return nil }
    return literal
  }

  private func string(_ text: String) -> [UInt8]? {
    guard case .string(let bytes) = literal(text) else { return nil }
    return bytes
  }

  private func bytes(_ text: String) -> [UInt8]? {
    guard case .bytes(let bytes) = literal(text) else { return nil }
    return bytes
  }

  @Test func tokensNeedNoBlanksBetweenThem() {
    #expect(
      kinds("a<=b!=!c&&-1u||.d") == [
        .identifier, .lessOrEqual, .identifier, .notEqual, .not, .identifier, .and, .minus, .uint, .or, .dot,
        .identifier, .end,
      ])
  }

  @Test func commentsAndBlanksAreSkipped() {
    #expect(kinds(" \t\u{c}a // b + c\r\n+ d//") == [.identifier, .plus, .identifier, .end])
  }

  @Test func wordsAreKeywordsOnlyWhole() {
    #expect(
      kinds("in inn true trues null nul as ass while") == [
        .in, .identifier, .true, .identifier, .null, .identifier, .reserved, .identifier, .reserved, .end,
      ])
  }

  @Test func aPrefixIsPartOfAStringOnlyBeforeAQuote() {
    #expect(kinds("r 'a' b'' R\"\" bR'' rb ''") == [
      .identifier, .string, .bytes, .string, .bytes, .identifier, .string, .end,
    ])
  }

  @Test(arguments: [
    ("0", Literal.int(0)), ("0x7FFFFFFFFFFFFFFF", .int(.max)), ("9223372036854775807", .int(.max)),
    ("-9223372036854775808", .int(.min)), ("-0x8000000000000000", .int(.min)), ("- 5", .int(-5)),
    ("18446744073709551615u", .uint(.max)), ("0xFFu", .uint(255)), ("7U", .uint(7)),
    (".25", .double(0.25)), ("1e3", .double(1000)), ("2.5E-1", .double(0.25)), ("1e+2", .double(100)),
    ("1e999", .double(.infinity)), ("-1e999", .double(-.infinity)), ("1e-999", .double(0)),
    ("0.1", .double(0.1)), ("123456789012345678901234567890.0", .double(123456789012345678901234567890.0)),
    ("4.9e-324", .double(.leastNonzeroMagnitude)), ("true", .bool(true)), ("false", .bool(false)), ("null", .null),
  ])
  func numbersAndConstantsHaveTheirValue(_ text: String, _ expected: Literal) {
    #expect(literal(text) == expected)
  }

  @Test func minusZeroKeepsItsSign() {
    guard case .double(let value) = literal("-0.0") else { return #expect(Bool(false)) }
    #expect(value == 0 && value.sign == .minus)
  }

  @Test(arguments: [
    ("9223372036854775808", "0-19 `9223372036854775808` does not fit an int"),
    ("1 + -9223372036854775809", "5-24 `-9223372036854775809` does not fit an int"),
    ("18446744073709551616u", "0-21 `18446744073709551616u` does not fit a uint"),
    ("0x10000000000000000", "0-19 `0x10000000000000000` does not fit an int"),
    ("12ab", "0-4 `12ab` is not a number"),
    ("0x", "0-2 `0x` is not a number"),
    ("1.5u", "0-4 `1.5u` is not a number"),
    ("1e+", "0-2 `1e` is not a number; 2-3 expected an expression, found `+`"),
  ])
  func numbersThatAreNoneAreRefused(_ text: String, _ expected: String) {
    #expect(parsed(text).hasPrefix(expected.split(separator: ";")[0]))
  }

  @Test func punctuationEscapesStandForThemselves() {
    #expect(string(#""\\ \? \" \' \`""#) == Array(#"\ ? " ' `"#.utf8))
  }

  @Test func controlEscapesHaveTheirCodes() {
    #expect(string(#"'\a\b\f\n\r\t\v'"#) == [7, 8, 12, 10, 13, 9, 11])
  }

  @Test func numericEscapesAreCodePointsInStringsAndOctetsInBytes() {
    #expect(string(#"'\101\x42\X43\u0044\U00000045'"#) == Array("ABCDE".utf8))
    #expect(string(#"'\377\xfe'"#) == Array("\u{ff}\u{fe}".utf8))
    #expect(bytes(#"b'\377\xfe\0011'"#) == [0xFF, 0xFE, 1, 0x31])
    #expect(string(#"'\u20ac\U0001F98A'"#) == Array("€🦊".utf8))
  }

  @Test func bytesKeepTheUTF8OfTheirText() {
    #expect(bytes("b'ü€'") == Array("ü€".utf8))
  }

  @Test func rawStringsKeepBackslashes() {
    #expect(string(#"r'\d+\.'"#) == Array(#"\d+\."#.utf8))
    #expect(bytes(#"br"\x41""#) == Array(#"\x41"#.utf8))
    // A raw string may end in a backslash.
    #expect(string(#"r'a\'"#) == Array(#"a\"#.utf8))
  }

  @Test func tripleQuotesKeepNewlinesAndLoneQuotes() {
    #expect(string("'''a'b''c\nd'''") == Array("a'b''c\nd".utf8))
    #expect(string("\"\"\"\r\n\"\"\"") == [10])
    #expect(string("''''''") == [])
    #expect(string("'''\\''''") == [0x27])
  }

  @Test func unescapedControlCharactersAreKept() {
    #expect(string("'\u{0}\u{1}\t\u{7f}'") == [0, 1, 9, 0x7F])
  }

  @Test(arguments: [
    (#""\d""#, #"1-3 unknown escape sequence: write `\\` for a backslash, or a raw string `r"…"`"#),
    (#"'ab\u12'"#, "3-7 this escape needs 4 hexadecimal digits"),
    (#"'\xg1'"#, "1-5 this escape needs 2 hexadecimal digits"),
    (#"'\U0011FFFF'"#, "1-11 this escape is not a Unicode code point"),
    (#"'\uD83D\uDE00'"#, "1-7 this escape is not a Unicode code point"),
    (#"b'\u0041'"#, #"2-4 bytes have no code points: write them as `\x` escapes"#),
    (#"'\400'"#, #"1-3 an octal escape has three digits, from `\000` to `\377`"#),
    (#"'\08'"#, #"1-3 an octal escape has three digits, from `\000` to `\377`"#),
    (#"'\ü'"#, #"1-4 unknown escape sequence: write `\\` for a backslash, or a raw string `r"…"`"#),
    ("'abc", "0-4 string is not closed on its line"),
    ("'abc\n'", "0-4 string is not closed on its line; 5-6 string is not closed on its line"),
    ("'abc\\\n'", "0-5 string is not closed on its line; 6-7 string is not closed on its line"),
    ("\"\"\"abc\"\"", "0-8 string is not closed"),
    (#"'abc\"#, "0-5 string is not closed on its line"),
    ("'''\\", "0-4 string is not closed"),
  ])
  func faultyStringsAreRefusedWhereTheFaultIs(_ text: String, _ expected: String) {
    #expect(parsed(text) == expected)
  }

  @Test(arguments: [
    ("a = b", "2-3 there is no assignment: write `==` to compare"),
    ("a & b", "2-3 unexpected `&`: write `&&`"),
    ("a | b", "2-3 unexpected `|`: write `||`"),
    ("a # b", "2-3 unexpected `#`"),
    ("é", "0-2 unexpected `é`"),
    ("a \u{1} b", "2-3 unexpected control character"),
    ("a.`b", "2-4 a name in backquotes has letters, digits, `_`, `.`, `-`, `/` and blanks only"),
    ("a.``", "2-4 a name in backquotes has letters, digits, `_`, `.`, `-`, `/` and blanks only"),
    ("a.`b:c`", "2-7 a name in backquotes has letters, digits, `_`, `.`, `-`, `/` and blanks only"),
  ])
  func strayCharactersAreRefused(_ text: String, _ expected: String) {
    #expect(parsed(text) == expected)
  }

  @Test(arguments: [
    ([0x61, 0x80], 1), ([0xC0, 0x80], 0), ([0xC1, 0xBF], 0), ([0xE0, 0x80, 0x80], 0), ([0xED, 0xA0, 0x80], 0),
    ([0xF0, 0x80, 0x80, 0x80], 0), ([0xF4, 0x90, 0x80, 0x80], 0), ([0xF5, 0x80, 0x80, 0x80], 0),
    ([0x27, 0xE2, 0x82], 1), ([0x27, 0xE2, 0x82, 0x27], 1), ([0xFF], 0), ([0xC3], 0),
  ] as [([UInt8], UInt32)])
  func textThatIsNotUTF8IsRefused(_ text: [UInt8], _ offset: UInt32) {
    var diagnostics = Diagnostics()
    #expect(Parser.parse(text, diagnostics: &diagnostics) == nil)
    #expect(
      diagnostics.items == [Diagnostic(at: Span(offset, offset + 1), "expression is not valid UTF-8")])
  }

  @Test func everyScalarsUTF8IsAccepted() {
    for value in stride(from: UInt32(0x80), through: 0x10FFFF, by: 61) {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let bytes = Array(String(Character(scalar)).utf8)
      #expect(bytes.withUnsafeBufferPointer { Bytes($0.baseAddress, count: UInt32($0.count)).firstInvalidUTF8 } == nil)
    }
  }
}
