import Testing

@testable import purser

@Suite struct JSONParserTests {
  private func parse(_ text: String) throws(JSONError) -> JSON {
    try JSONParser.parse(Array(text.utf8))
  }

  private func error(_ text: String) -> JSONError? {
    do {
      _ = try parse(text)
      return nil
    } catch {
      return error
    }
  }

  @Test func numbersKeepTheirText() throws {
    for text in ["0", "-0", "1", "1.0", "1e3", "-2.5E-7", "9223372036854775807", "18446744073709551615"] {
      guard case .number(let read) = try parse(text).content else {
        Issue.record("\(text) is no number")
        continue
      }
      #expect(read == text)
    }
  }

  @Test func aValueIsWrittenAsItWasRead() throws {
    let text = #"{"b": [1, 1.0, "1", true, false, null], "a": {"": "\"\\\n\té😀\u0001"}, "c": []}"#
    let once = JSONWriter.writeLine(try parse(text))
    #expect(once == text)
    #expect(JSONWriter.writeLine(try parse(JSONWriter.write(try parse(text)))) == once)
  }

  @Test func escapesOfAllKindsAreRead() throws {
    #expect(try parse(#""\u0041\ud83d\ude00\/\b\f\n\r\t\u0000""#).text == "A😀/\u{8}\u{c}\n\r\t\0")
  }

  @Test func whatIsNoJSONIsRefusedWithItsPlace() {
    let cases: [(String, Int)] = [
      ("", 0), ("{", 1), (#"{"a" 1}"#, 5), (#"{"a": 1,}"#, 8), ("[1 2]", 3), ("[1,]", 3), ("01", 1), ("1.", 2),
      ("-", 1),
      ("+1", 0), ("nul", 0), ("NaN", 0), (#""a"#, 2), ("\"\u{1}\"", 1), (#""\x""#, 2), (#""\ud800""#, 1),
      (#""\udc00""#, 1), (#""\u12g4""#, 5), ("1 2", 2), ("'a'", 0), (#"{"a": 1, "a": 2}"#, 9),
    ]
    for (text, offset) in cases {
      #expect(error(text)?.offset == offset, "\(text)")
    }
  }

  @Test func bytesThatAreNotUTF8AreRefused() {
    #expect(throws: JSONError.self) { try JSONParser.parse([0x22, 0xFF, 0x22]) }
    #expect(throws: JSONError.self) { try JSONParser.parse([0x22, 0xED, 0xA0, 0x80, 0x22]) }
  }

  @Test func depthIsBounded() throws {
    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    _ = try parse(nested(JSONParser.depthMax))
    #expect(error(nested(JSONParser.depthMax + 1)) != nil)
    #expect(error(nested(100_000)) != nil)
    #expect(error(String(repeating: #"{"a":"#, count: 100_000)) != nil)
  }

  @Test func aPlaceCountsCharactersNotBytes() {
    let bytes = Array("{\n  \"é😀\": x".utf8)
    let place = SourcePlace(of: bytes.count - 1, in: bytes)
    #expect(place.line == 2)
    #expect(place.column == 9)
  }
}
