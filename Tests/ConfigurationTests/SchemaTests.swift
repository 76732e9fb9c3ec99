// The published JSON Schema is printed from the tables that the readers use, and must be what is committed.

import Foundation
import Testing

@testable import PurserConfiguration

/// Prints shapes as JSON Schema (draft 2020-12), in a fixed order, so that the file can be compared by bytes.
private struct SchemaPrinter {
  indirect enum JSON {
    case text(String)
    case number(Int64)
    case bool(Bool)
    case list([JSON])
    case object([(String, JSON)])
  }

  static func schema() -> String {
    let kinds = DocumentKind.allCases
    let root = JSON.object([
      ("$schema", .text("https://json-schema.org/draft/2020-12/schema")),
      ("title", .text("Purser documents, \(DocumentReader.apiVersion)")),
      ("oneOf", .list(kinds.map { .object([("$ref", .text("#/$defs/\($0.rawValue)"))]) })),
      ("$defs", .object(kinds.map { ($0.rawValue, schema(of: DocumentReader.documentShape(of: $0))) })),
    ])
    return shown(root, indentation: 0) + "\n"
  }

  private static func schema(of object: ObjectShape) -> JSON {
    let offered = object.fields.filter { $0.support == .full }
    var members: [(String, JSON)] = [("type", .text("object")), ("additionalProperties", .bool(false))]
    if object.takesExactlyOneField { members += [("minProperties", .number(1)), ("maxProperties", .number(1))] }
    let required = offered.filter { $0.isRequired }.map { JSON.text($0.name) }
    if !required.isEmpty { members.append(("required", .list(required))) }
    members.append(
      ("properties", .object(offered.map { field in (field.name, described(schema(of: field.shape), field.summary)) })))
    return described(.object(members), object.summary)
  }

  private static func described(_ schema: JSON, _ summary: String) -> JSON {
    guard case .object(let members) = schema else { return schema }
    return .object([("description", .text(summary))] + members.filter { $0.0 != "description" })
  }

  private static func schema(of shape: Shape) -> JSON {
    switch shape {
    case .text(let rule):
      return .object([("type", .text("string"))] + (rule.pattern.map { [("pattern", .text($0))] } ?? []))
    case .word(let words, _): return .object([("enum", .list(words.map { .text($0) }))])
    case .boolean: return .object([("type", .text("boolean"))])
    case .integer(let range):
      return .object([
        ("type", .text("integer")), ("minimum", .number(range.lowerBound)), ("maximum", .number(range.upperBound)),
      ])
    case .number: return .object([("type", .text("number"))])
    case .duration:
      return .object([
        ("type", .text("string")), ("pattern", .text("^(([0-9]+\\.?[0-9]{0,9}|\\.[0-9]{1,9})(ns|us|ms|s|m|h))+$")),
      ])
    case .expression:
      return .object([
        ("type", .list(["string", "boolean", "number"].map { .text($0) })), ("pattern", .text("[^ \\t\\r\\n]")),
      ])
    case .object(let object): return schema(of: object)
    case .list(let item, let countMin):
      return .object(
        [("type", .text("array"))] + (countMin > 0 ? [("minItems", .number(Int64(countMin)))] : [])
          + [("items", schema(of: item))])
    case .map(let rule, let value):
      return .object(
        [("type", .text("object"))]
          + (rule.pattern.map { [("propertyNames", .object([("pattern", .text($0))]))] } ?? [])
          + [("additionalProperties", schema(of: value))])
    case .anything: return .object([])
    }
  }

  private static func shown(_ json: JSON, indentation: Int) -> String {
    let inner = String(repeating: " ", count: indentation + 2)
    let outer = String(repeating: " ", count: indentation)
    switch json {
    case .text(let text): return quoted(text)
    case .number(let number): return "\(number)"
    case .bool(let bool): return "\(bool)"
    case .list(let items):
      let flat = items.map { shown($0, indentation: indentation + 2) }
      let line = "[" + flat.joined(separator: ", ") + "]"
      if line.utf8.count < 100, !line.contains("\n") { return line }
      return "[\n" + flat.map { inner + $0 }.joined(separator: ",\n") + "\n" + outer + "]"
    case .object(let members):
      if members.isEmpty { return "{}" }
      let lines = members.map { inner + quoted($0.0) + ": " + shown($0.1, indentation: indentation + 2) }
      return "{\n" + lines.joined(separator: ",\n") + "\n" + outer + "}"
    }
  }

  private static func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": out += "\\" + String(scalar)
      default: out += String(scalar)
      }
    }
    return out + "\""
  }
}

@Suite struct SchemaTests {
  private static let file = repositoryRoot + "/docs/schema/purser.dev_v1alpha1.schema.json"

  @Test func theCommittedSchemaIsTheReadersOwn() throws {
    let schema = SchemaPrinter.schema()
    if ProcessInfo.processInfo.environment["PURSER_WRITE_GOLDEN"] != nil {
      try Data(schema.utf8).write(to: URL(fileURLWithPath: SchemaTests.file))
    }
    let committed = try String(contentsOfFile: SchemaTests.file, encoding: .utf8)
    #expect(committed == schema, "write it anew: PURSER_WRITE_GOLDEN=1 swift test --filter SchemaTests")
    #expect((try? JSONSerialization.jsonObject(with: Data(schema.utf8))) != nil)
  }

  /// The schema's pattern and the reader's check of the same rule agree on these words.
  @Test(arguments: TextRule.allCases)
  func aPatternMeansWhatTheReaderChecks(rule: TextRule) throws {
    guard let pattern = rule.pattern else { return }
    // ECMA's `$` is the very end; here it would also match before a last line break.
    let strict = pattern.replacingOccurrences(of: "$)", with: "\\z)").dropLast() + "\\z"
    let regex = try NSRegularExpression(pattern: pattern.hasSuffix("$") ? String(strict) : pattern)
    let words = [
      "", "a", "A", "9", "-", "a-b", "a-", "-a", "a.b", "a..b", ".a", "a.", "a_b", "_", "__a", "a/b", "a/b/c", "/a",
      "a/",
      "a.b/c", "c/a.b", "a b", " a", "a\n", "a\r\nb", "a\0b", "x-caller", "X-Caller", ":path", "a:b", ":", "a:1",
      "a:65535",
      "a:123456", "[::1]:80", "[]:80", "[x]:80", "::1:80", "a/b:80", "a b:80", "ä", "ä:1", "a~b", "a|b", "a`b", "a'b",
      "a^b", "a$b",
      "9a", "a9", "request.user_id", "request.9", "a-b.c", "http_requests:rate5m", "1.a-b.c9", "A.b",
      String(repeating: "a", count: 63), String(repeating: "a", count: 64), String(repeating: "a", count: 253),
      String(repeating: "a", count: 254), String(repeating: "a", count: 255), String(repeating: "a", count: 256),
      String(repeating: "a", count: 257), String(repeating: "a", count: 8192), String(repeating: "a", count: 8193),
      String(repeating: "a.", count: 126) + "a", String(repeating: "a.", count: 127) + "a",
      String(repeating: "a", count: 64) + "/b",
    ]
    for word in words {
      let matches = regex.firstMatch(in: word, range: NSRange(location: 0, length: (word as NSString).length)) != nil
      #expect(matches == (rule.fault(in: Array(word.utf8)[...]) == nil), "\(rule) \(word.prefix(80))")
    }
  }

  @Test func theDurationPatternMeansWhatTheReaderChecks() throws {
    let regex = try NSRegularExpression(pattern: "^(([0-9]+\\.?[0-9]{0,9}|\\.[0-9]{1,9})(ns|us|ms|s|m|h))+\\z")
    for word in ["1s", "1m30s", "1.5h", ".5s", "1.s", "5", "s", "-1s", "1d", "1 s", "", "1.0000000000s", "1s "] {
      let matches = regex.firstMatch(in: word, range: NSRange(location: 0, length: (word as NSString).length)) != nil
      #expect(matches == (parsedDuration(Array(word.utf8)[...]) != nil), "\(word)")
    }
  }
}

var repositoryRoot: String {
  URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .path
}
