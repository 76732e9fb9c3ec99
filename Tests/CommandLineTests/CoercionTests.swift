import CPurser
import Testing

@testable import purser

@Suite struct CoercionTests {
  private let memory = HostMemory()

  private func coerce(_ text: String, _ type: AttributeType, lowersKeys: Bool = false) throws(JSONError) -> purser_value
  {
    var coercion = Coercion(memory: memory)
    coercion.lowersKeys = lowersKeys
    return try coercion.value(of: JSONParser.parse(Array(text.utf8)), as: type)
  }

  private func refuses(_ text: String, _ type: AttributeType) -> Bool {
    do {
      _ = try coerce(text, type)
      return false
    } catch {
      return true
    }
  }

  @Test func typesAreWrittenAsInAManifest() {
    #expect(AttributeType("string") == .string)
    #expect(AttributeType("list(string)") == .list(.string))
    #expect(AttributeType("map(string, list(int))") == .map(.list(.int)))
    #expect(AttributeType("map(string,dyn)") == .map(.dyn))
    for text in ["", "text", "list", "list(", "list()", "map(int,string)", "map(string)", "list(string))"] {
      #expect(AttributeType(text) == nil, "\(text)")
    }
  }

  @Test func wholeNumbersAreExact() throws {
    #expect(try coerce("9223372036854775807", .int).as.integer == .max)
    #expect(try coerce("-9223372036854775808", .int).as.integer == .min)
    #expect(try coerce("18446744073709551615", .uint).as.unsigned_integer == .max)
    #expect(try coerce("1", .double).as.number == 1)
    #expect(try coerce("1e3", .double).as.number == 1000)
  }

  @Test func nothingIsConvertedSilently() {
    let cases: [(String, AttributeType)] = [
      ("1.0", .int), ("1e3", .int), ("\"1\"", .int), ("true", .int), ("9223372036854775808", .int), ("-1", .uint),
      ("18446744073709551616", .uint), ("\"1\"", .double), ("1e999", .double), ("1", .string), ("true", .string),
      ("1", .bool), ("\"true\"", .bool), ("\"yesterday\"", .timestamp), ("1.5", .duration), ("\"a b\"", .bytes),
      ("\"a\"", .list(.string)), ("[1]", .list(.string)), ("[]", .map(.string)), (#"{"a": 1}"#, .map(.string)),
    ]
    for (text, type) in cases {
      #expect(refuses(text, type), "\(text) as \(type)")
    }
  }

  @Test func dynamicValuesTakeTheirTypeFromTheJSON() throws {
    let types: [(String, purser_type)] = [
      ("null", PURSER_TYPE_NULL), ("true", PURSER_TYPE_BOOL), ("1", PURSER_TYPE_INT), ("1.0", PURSER_TYPE_DOUBLE),
      ("18446744073709551615", PURSER_TYPE_UINT), ("\"1\"", PURSER_TYPE_STRING), ("[1, \"a\"]", PURSER_TYPE_LIST),
      (#"{"a": {"b": null}}"#, PURSER_TYPE_MAP),
    ]
    for (text, type) in types {
      #expect(try coerce(text, .dyn).type == type.rawValue, "\(text)")
    }
  }

  @Test func headerNamesAreLowerCaseAndTheirValuesJoined() throws {
    let map = try coerce(#"{"X-User": "a", "Accept": ["b", "c"]}"#, .map(.string), lowersKeys: true).as.map
    try #require(map.count == 2)
    #expect(String(map.entries[0].key) == "x-user")
    #expect(String(map.entries[1].value.as.text) == "b,c")
    do {
      _ = try coerce(#"{"X-User": "a", "x-user": "b"}"#, .map(.string), lowersKeys: true)
      Issue.record("a header given twice was accepted")
    } catch {}
  }

  @Test func base64OfBothAlphabetsIsRead() {
    #expect(Base64.decode("") == [])
    #expect(Base64.decode("AAEC/w==") == [0, 1, 2, 255])
    #expect(Base64.decode("AAEC_w") == [0, 1, 2, 255])
    for text in ["A", "AA=A", "A===", "AAA=A", "=", "A A="] {
      #expect(Base64.decode(text) == nil, "\(text)")
    }
  }
}
