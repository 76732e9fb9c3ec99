// CEL's public conformance cases as JSON Lines: one object a line, in the form that ../shared/cel/README.md tells.
// What is here reads them and compares; `ConformanceRun` runs them.

import CEL
import CELHost
import Foundation

package struct ConformanceCase {
  package var id: String
  var file: String
  var section: String
  package var expression: String
  var container: String
  var needs: Set<String>
  var isDisputed: Bool
  var isChecked: Bool
  var hasMacros: Bool
  var isCheckOnly: Bool
  var declarations: [[String: Any]]
  var bindings: [String: [String: Any]]
  var expectation: [String: Any]
  /// Why this is no case that can be run; such a one fails.
  var problem: String?
  /// The messages that the folder's cases name; with strong enums if the case needs those.
  var schema = Schema.wellKnown

  /// What cannot be understood keeps its place: the id is then `file:line`, unless the line has one.
  init(line: Data, number: Int, of file: String) {
    let parsed = try? JSONSerialization.jsonObject(with: line)
    let object = parsed as? [String: Any] ?? [:]
    id = object["id"] as? String ?? "\(file):\(number)"
    self.file = object["file"] as? String ?? file
    expression = object["expr"] as? String ?? ""
    expectation = object["expect"] as? [String: Any] ?? [:]
    if object.isEmpty {
      problem = "line \(number) of \(file) is no JSON object"
    } else if object["id"] == nil || object["expr"] as? String == nil || expectation.isEmpty {
      problem = "line \(number) of \(file) lacks `id`, `expr` or `expect`"
    }
    section = object["section"] as? String ?? ""
    container = object["container"] as? String ?? ""
    needs = Set(object["needs"] as? [String] ?? [])
    isDisputed = object["disputed"] != nil
    isChecked = object["disable_check"] as? Bool != true
    hasMacros = object["disable_macros"] as? Bool != true
    isCheckOnly = object["check_only"] as? Bool == true
    declarations = object["type_env"] as? [[String: Any]] ?? []
    bindings = object["bindings"] as? [String: [String: Any]] ?? [:]
  }

  /// All cases of a folder, by file and line; nil when there is no such folder.
  package static func load(folder: URL) -> [ConformanceCase]? {
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder.path) else { return nil }
    var cases: [ConformanceCase] = []
    for name in names.sorted() where name.hasSuffix(".jsonl") {
      let data = (try? Data(contentsOf: folder.appendingPathComponent(name))) ?? Data("unreadable".utf8)
      let blanks: Set<UInt8> = [9, 13, 32]
      for (index, line) in data.split(separator: 10, omittingEmptySubsequences: false).enumerated()
      where !line.allSatisfy(blanks.contains) {
        cases.append(ConformanceCase(line: line, number: index + 1, of: name))
      }
    }
    let schema = ConformanceSchema.load(for: folder, hasStrongEnums: false)
    let strongSchema = ConformanceSchema.load(for: folder, hasStrongEnums: true)
    for index in cases.indices {
      cases[index].schema = cases[index].needs.contains("strong_enums") ? strongSchema : schema
    }
    return cases.isEmpty ? nil : cases
  }
}

/// Reads the suite's values and types.
enum ConformanceJSON {
  static func value(_ json: Any, _ schema: Schema, _ arena: inout Arena) -> Value? {
    guard let object = json as? [String: Any], let (form, content) = object.first, object.count == 1 else {
      return nil
    }
    switch form {
    case "null": return .null
    case "bool": return (content as? Bool).map { .bool($0) }
    case "int": return (content as? String).flatMap { Int64($0) }.map { .int($0) }
    case "uint": return (content as? String).flatMap { UInt64($0) }.map { .uint($0) }
    case "double": return (content as? String).flatMap { Double($0) }.map { .double($0) }
    case "string": return (content as? String).flatMap { arena.text($0) }.map { .string($0) }
    case "bytes": return (content as? String).flatMap { arena.bytes(hexadecimal($0)) }.map { .bytes($0) }
    case "type":
      return (content as? String).flatMap { arena.text($0) }
        .map { Value(kind: .type, payload: $0.address, count: $0.count) }
    case "list":
      guard let items = content as? [Any] else { return nil }
      let values = items.compactMap { value($0, schema, &arena) }
      return values.count == items.count ? arena.list(values) : nil
    case "map":
      guard let entries = content as? [[Any]], entries.allSatisfy({ $0.count == 2 }) else { return nil }
      let values = entries.flatMap { $0 }.compactMap { value($0, schema, &arena) }
      return values.count == 2 * entries.count ? arena.map(values) : nil
    case "timestamp", "duration":
      guard let parts = content as? [String: Any], let seconds = (parts["seconds"] as? String).flatMap({ Int64($0) })
      else { return nil }
      let nanoseconds = Int32(parts["nanos"] as? Int ?? 0)
      return form == "timestamp"
        ? .timestamp(seconds: seconds, nanoseconds: nanoseconds)
        : .duration(seconds: seconds, nanoseconds: nanoseconds)
    case "message", "any", "enum": return message(form, content, schema, &arena)
    default: return nil
    }
  }

  static func hexadecimal(_ text: String) -> [UInt8] {
    let digits = text.utf8.compactMap { Character(Unicode.Scalar($0)).hexDigitValue }.map { UInt8($0) }
    return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
  }

  static func type(_ json: Any, _ table: inout TypeTable) -> TypeID? {
    if let name = json as? String {
      let simple: [String: TypeID] = [
        "bool": .bool, "int": .int, "uint": .uint, "double": .double, "string": .string, "bytes": .bytes,
        "null": .null, "dyn": .dyn, "error": .error, "any": .dyn, "timestamp": .timestamp, "duration": .duration,
      ]
      return simple[name]
    }
    guard let object = json as? [String: Any] else { return nil }
    if let element = object["list"] { return type(element, &table).map { table.list($0) } }
    if let parts = object["map"] as? [Any], parts.count == 2 {
      guard let key = type(parts[0], &table), let value = type(parts[1], &table) else { return nil }
      return table.map(key, value)
    }
    if let name = object["param"] as? String { return table.intern(.parameter(name)) }
    if let inner = object["wrapper"] { return type(inner, &table).map { table.intern(.wrapper($0)) } }
    if let inner = object["type"] { return type(inner, &table).map { table.intern(.type($0)) } }
    if let name = object["message"] as? String { return table.intern(.message(name)) }
    if let name = object["opaque"] as? String {
      return table.intern(.opaque(name, (object["params"] as? [Any] ?? []).compactMap { type($0, &table) }))
    }
    return nil
  }

  /// Same type and same value: 1 is not 1u, -0.0 is not 0.0, any NaN is any NaN, entries in any order.
  static func isSame(_ a: Value, _ b: Value) -> Bool {
    guard a.kind == b.kind else { return false }
    switch a.kind {
    case .null: return true
    case .bool, .int, .uint: return a.payload == b.payload
    case .double: return a.payload == b.payload || (a.asDouble.isNaN && b.asDouble.isNaN)
    case .string, .bytes, .type: return Array(a.asBytes.buffer) == Array(b.asBytes.buffer)
    case .timestamp, .duration: return a.payload == b.payload && a.count == b.count
    case .list:
      guard a.count == b.count else { return false }
      return zip(items(a, 1), items(b, 1)).allSatisfy { isSame($0, $1) }
    case .map:
      guard a.count == b.count else { return false }
      let left = items(a, 2)
      let right = items(b, 2)
      return stride(from: 0, to: left.count, by: 2).allSatisfy { at in
        stride(from: 0, to: right.count, by: 2).contains {
          isSame(left[at], right[$0]) && isSame(left[at + 1], right[$0 + 1])
        }
      }
    case .message: return isSameMessage(a, b)
    case .enumeration: return a.payload == b.payload && a.count == b.count
    default: return false
    }
  }

  private static func items(_ value: Value, _ width: Int) -> [Value] {
    Array(UnsafeBufferPointer(start: value.elements, count: Int(value.count) * width))
  }
}
