// The conformance suite's messages: schema.json made into a `Schema`, and values in wire form.

import CEL
import CELHost
import Foundation

enum ConformanceSchema {
  /// Of the folder with the cases, or of the one beside the project if it has none.
  static func load(for folder: URL, hasStrongEnums: Bool) -> Schema {
    let beside = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../../shared/cel").standardizedFileURL
    for folder in [folder, beside] {
      if let schema = try? load(folder: folder, hasStrongEnums: hasStrongEnums) { return schema }
    }
    return .wellKnown
  }

  private static func load(folder: URL, hasStrongEnums: Bool) throws -> Schema? {
    let data = try Data(contentsOf: folder.appendingPathComponent("schema.json"))
    guard let root = try JSONSerialization.jsonObject(with: data) as? [String: Any] else { return nil }
    var builder = SchemaBuilder()
    builder.hasStrongEnums = hasStrongEnums
    for (name, fields) in root["messages"] as? [String: [[String: Any]]] ?? [:] {
      builder.add(MessageDefinition(name, fields.compactMap { field($0) }))
    }
    for (name, values) in root["enums"] as? [String: [String: Int]] ?? [:] {
      let cases = values.map { EnumDefinition.Case($0.key, Int32($0.value)) }.sorted { $0.number < $1.number }
      builder.add(EnumDefinition(name, cases))
    }
    for (name, json) in root["extensions"] as? [String: [String: Any]] ?? [:] {
      guard var definition = field(json), let extendee = json["extendee"] as? String else { continue }
      definition.name = name
      builder.add(extension: definition, of: extendee)
    }
    return try builder.finish()
  }

  private static func field(_ json: [String: Any]) -> FieldDefinition? {
    guard let name = json["name"] as? String, let number = json["number"] as? Int else { return nil }
    var described = json
    var cardinality = FieldDefinition.Cardinality.singular
    if let parts = json["map"] as? [[String: Any]], parts.count == 2 {
      guard let key = type(parts[0]) else { return nil }
      cardinality = .map(key: key)
      described = parts[1]
    } else if json["repeated"] as? Bool == true {
      cardinality = .repeated
    }
    guard let type = type(described) else { return nil }
    return FieldDefinition(
      name, UInt32(number), type, typeName: described["type_name"] as? String ?? "", cardinality: cardinality,
      hasPresence: json["presence"] as? Bool == true, oneof: json["oneof"] as? String,
      defaultValue: literal(json["default"]))
  }

  private static func type(_ json: [String: Any]) -> FieldType? {
    let types: [String: FieldType] = [
      "double": .double, "float": .float, "int64": .int64, "uint64": .uint64, "int32": .int32, "fixed64": .fixed64,
      "fixed32": .fixed32, "bool": .bool, "string": .string, "group": .group, "message": .message, "bytes": .bytes,
      "uint32": .uint32, "enum": .enumeration, "sfixed32": .sfixed32, "sfixed64": .sfixed64, "sint32": .sint32,
      "sint64": .sint64,
    ]
    return (json["type"] as? String).flatMap { types[$0] }
  }

  private static func literal(_ json: Any?) -> Literal? {
    guard let object = json as? [String: Any], let (form, content) = object.first else { return nil }
    if form == "enum" { return ((content as? [String: Any])?["value"] as? Int).map { .int(Int64($0)) } }
    if let value = content as? Bool, form == "bool" { return .bool(value) }
    guard let text = content as? String else { return nil }
    switch form {
    case "int": return Int64(text).map { .int($0) }
    case "uint": return UInt64(text).map { .uint($0) }
    case "double": return Double(text).map { .double($0) }
    case "string": return .string(Array(text.utf8))
    case "bytes": return .bytes(ConformanceJSON.hexadecimal(text))
    default: return nil
    }
  }
}

extension ConformanceJSON {
  /// `message`, `any` and `enum`. A message is read from its wire form.
  static func message(_ form: String, _ content: Any, _ schema: Schema, _ arena: inout Arena) -> Value? {
    switch form {
    case "any": return value(content, schema, &arena)
    case "enum":
      guard let object = content as? [String: Any], let type = object["type"] as? String,
        let number = object["value"] as? Int
      else { return nil }
      return schema.enumeration(type, Int32(number))
    default:
      guard let object = content as? [String: Any], let type = object["type"] as? String,
        let wire = object["wire"] as? String, let bytes = arena.bytes(hexadecimal(wire))
      else { return nil }
      let value = schema.decode(bytes, as: type, into: &arena)
      return value.kind == .error ? nil : value
    }
  }

  /// Field by field, as `isSame` for other values.
  static func isSameMessage(_ a: Value, _ b: Value) -> Bool {
    guard let left = MessageView(a), let right = MessageView(b), left.typeName.text == right.typeName.text else {
      return false
    }
    return (0..<left.fieldCount).allSatisfy {
      left.isSet($0) == right.isSet($0) && (!left.isSet($0) || isSame(left.value($0), right.value($0)))
    }
  }
}
