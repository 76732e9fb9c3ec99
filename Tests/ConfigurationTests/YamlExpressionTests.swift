// Where the bytes of an expression are, for each way to write a scalar.

import Testing

@testable import PurserConfiguration

@Suite struct YamlExpressionTests {
  // `when` is written in line 8 at column 5; its value begins at column 11.

  @Test func plain() throws {
    #expect(try whenText("when: a.b == c") == "a.b == c")
    #expect(try place("when: a.b == c", at: 0) == "8:11")
    #expect(try place("when: a.b == c", at: 7) == "8:18")
    #expect(try place("when: a.b == c", at: 99) == "8:19")
  }

  @Test func plainOverSeveralLines() throws {
    let when = "when: a == b\n  && c == d\n\n  || e"
    #expect(try whenText(when) == "a == b && c == d\n|| e")
    #expect(try place(when, at: 0) == "8:11")
    #expect(try place(when, at: 7) == "9:7")
    #expect(try place(when, at: 10) == "9:10")
    #expect(try place(when, at: 17) == "11:7")
    #expect(try place(when, at: 20) == "11:10")
  }

  @Test func scalarsThatAreNoText() throws {
    #expect(try whenText("when: true") == "true")
    #expect(try whenText("when: 1") == "1")
    #expect(try place("when: true", at: 0) == "8:11")
  }

  @Test func singleQuoted() throws {
    let when = "when: 'a == ''b'' && c'"
    #expect(try whenText(when) == "a == 'b' && c")
    #expect(try place(when, at: 0) == "8:12")
    #expect(try place(when, at: 5) == "8:17")
    #expect(try place(when, at: 6) == "8:19")
    #expect(try place(when, at: 7) == "8:20")
    #expect(try place(when, at: 8) == "8:22")
    #expect(try place(when, at: 12) == "8:26")
  }

  @Test func doubleQuoted() throws {
    let when = "when: \"a == \\\"b\\\" && \\u00e4 == c\""
    #expect(try whenText(when) == "a == \"b\" && ä == c")
    #expect(try place(when, at: 0) == "8:12")
    #expect(try place(when, at: 5) == "8:17")
    #expect(try place(when, at: 6) == "8:19")
    #expect(try place(when, at: 7) == "8:20")
    #expect(try place(when, at: 8) == "8:22")
    #expect(try place(when, at: 12) == "8:26")
    // Two bytes, one escape of six.
    #expect(try place(when, at: 14) == "8:32")
    #expect(try place(when, at: 18) == "8:36")
  }

  @Test func doubleQuotedOverSeveralLines() throws {
    let when = "when: \"a == b\n  && c \\\n  == d\""
    #expect(try whenText(when) == "a == b && c == d")
    #expect(try place(when, at: 7) == "9:7")
    #expect(try place(when, at: 12) == "10:7")
  }

  @Test func literal() throws {
    let when = "when: |\n  a == b &&\n    c == d\n\n  || e"
    #expect(try whenText(when) == "a == b &&\n  c == d\n\n|| e\n")
    #expect(try place(when, at: 0) == "9:7")
    #expect(try place(when, at: 7) == "9:14")
    #expect(try place(when, at: 12) == "10:9")
    #expect(try place(when, at: 20) == "12:7")
    #expect(try place(when, at: 23) == "12:10")
  }

  @Test func literalWithHeaderAndLeadingEmptyLines() throws {
    let when = "when: |2-  # why\n\n    a ==\n    b"
    #expect(try whenText(when) == "\n  a ==\n  b")
    #expect(try place(when, at: 3) == "10:9")
    #expect(try place(when, at: 10) == "11:9")
  }

  @Test func folded() throws {
    let when = "when: >-\n  a == b\n  && c\n\n  || d"
    #expect(try whenText(when) == "a == b && c\n|| d")
    #expect(try place(when, at: 0) == "9:7")
    #expect(try place(when, at: 7) == "10:7")
    #expect(try place(when, at: 10) == "10:10")
    #expect(try place(when, at: 12) == "12:7")
    #expect(try place(when, at: 15) == "12:10")
  }

  @Test func afterAnchorAndTag() throws {
    let when = "when: &x !!str  a == b"
    #expect(try place(when, at: 0) == "8:21")
    #expect(try place(when, at: 5) == "8:26")
  }

  @Test func multibyteCharactersAreOneColumn() throws {
    let when = "when: a == 'äö' && b"
    #expect(try place(when, at: 8) == "8:18")
    #expect(try place(when, at: 15) == "8:24")
    let literal = "when: |\n  \"日本\" == b"
    #expect(try place(literal, at: 8) == "9:11")
  }

  @Test func windowsLineEnds() throws {
    let text = rule("name: r\naction: DENY\nwhen: |\n  a ==\n  b").split(
      separator: "\n", omittingEmptySubsequences: false
    )
    .joined(separator: "\r\n")
    let loaded = Loaded(text)
    #expect(loaded.lines.isEmpty)
    let when = try #require(loaded.documents.policies.first?.rules.first?.when)
    #expect(String(decoding: when.bytes, as: UTF8.self) == "a ==\nb\n")
    #expect(when.position(atByte: 5).line == 10 && when.position(atByte: 5).column == 7)
  }
}
