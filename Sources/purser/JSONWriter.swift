/// Writes JSON for people and programs: two spaces a level, short arrays and objects on one line.
struct JSONWriter {
  /// A value that fits into this many columns is written on one line.
  private static let columnsMax = 100

  static func write(_ value: JSON) -> String {
    write(value, indent: 0)
  }

  /// On one line, however long.
  static func writeLine(_ value: JSON) -> String {
    switch value.content {
    case .null: return "null"
    case .bool(let value): return value ? "true" : "false"
    case .number(let text): return text
    case .string(let text): return quote(text)
    case .array(let items): return "[" + items.map(writeLine).joined(separator: ", ") + "]"
    case .object(let members):
      return "{" + members.map { quote($0.key) + ": " + writeLine($0.value) }.joined(separator: ", ") + "}"
    }
  }

  private static func write(_ value: JSON, indent: Int) -> String {
    let line = writeLine(value)
    // The outermost object is always spread: its keys are what a reader looks for.
    if indent > 0 && line.utf8.count + indent * 2 <= columnsMax { return line }
    let inner = String(repeating: "  ", count: indent + 1)
    let outer = String(repeating: "  ", count: indent)
    switch value.content {
    case .array(let items) where !items.isEmpty:
      let lines = items.map { inner + write($0, indent: indent + 1) }
      return "[\n" + lines.joined(separator: ",\n") + "\n\(outer)]"
    case .object(let members) where !members.isEmpty:
      let lines = members.map { inner + quote($0.key) + ": " + write($0.value, indent: indent + 1) }
      return "{\n" + lines.joined(separator: ",\n") + "\n\(outer)}"
    default:
      return line
    }
  }

  private static func quote(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case _ where scalar.value < 0x20 || scalar.value == 0x7F:
        let hex = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
