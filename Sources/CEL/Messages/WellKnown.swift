// The messages of google/protobuf that CEL gives a meaning (langdef, "Protocol Buffer Data Conversion").

extension WellKnown {
  private static let package = "google.protobuf."

  /// By a message's full name.
  init(name: String) {
    switch name {
    case "google.protobuf.Any": self = .any
    case "google.protobuf.Timestamp": self = .timestamp
    case "google.protobuf.Duration": self = .duration
    case "google.protobuf.Struct": self = .structure
    case "google.protobuf.Value": self = .value
    case "google.protobuf.ListValue": self = .listValue
    case "google.protobuf.FieldMask": self = .fieldMask
    case "google.protobuf.Empty": self = .empty
    case "google.protobuf.DoubleValue": self = .double
    case "google.protobuf.FloatValue": self = .float
    case "google.protobuf.Int64Value": self = .int64
    case "google.protobuf.UInt64Value": self = .uint64
    case "google.protobuf.Int32Value": self = .int32
    case "google.protobuf.UInt32Value": self = .uint32
    case "google.protobuf.BoolValue": self = .bool
    case "google.protobuf.StringValue": self = .string
    case "google.protobuf.BytesValue": self = .bytes
    default: self = .none
    }
  }

  static let nullValue = EnumDefinition(package + "NullValue", [EnumDefinition.Case("NULL_VALUE", 0)])

  static let messages: [MessageDefinition] = [
    MessageDefinition(
      package + "Any", [FieldDefinition("type_url", 1, .string), FieldDefinition("value", 2, .bytes)]),
    time("Timestamp"), time("Duration"),
    MessageDefinition(
      package + "Struct",
      [
        FieldDefinition("fields", 1, .message, typeName: package + "Value", cardinality: .map(key: .string))
      ]),
    MessageDefinition(
      package + "Value",
      [
        FieldDefinition("null_value", 1, .enumeration, typeName: package + "NullValue", oneof: "kind"),
        FieldDefinition("number_value", 2, .double, oneof: "kind"),
        FieldDefinition("string_value", 3, .string, oneof: "kind"),
        FieldDefinition("bool_value", 4, .bool, oneof: "kind"),
        FieldDefinition("struct_value", 5, .message, typeName: package + "Struct", oneof: "kind"),
        FieldDefinition("list_value", 6, .message, typeName: package + "ListValue", oneof: "kind"),
      ]),
    MessageDefinition(
      package + "ListValue",
      [FieldDefinition("values", 1, .message, typeName: package + "Value", cardinality: .repeated)]),
    MessageDefinition(package + "FieldMask", [FieldDefinition("paths", 1, .string, cardinality: .repeated)]),
    MessageDefinition(package + "Empty", []),
    wrapper("DoubleValue", .double), wrapper("FloatValue", .float), wrapper("Int64Value", .int64),
    wrapper("UInt64Value", .uint64), wrapper("Int32Value", .int32), wrapper("UInt32Value", .uint32),
    wrapper("BoolValue", .bool), wrapper("StringValue", .string), wrapper("BytesValue", .bytes),
  ]

  private static func time(_ name: String) -> MessageDefinition {
    MessageDefinition(
      package + name, [FieldDefinition("seconds", 1, .int64), FieldDefinition("nanos", 2, .int32)])
  }

  private static func wrapper(_ name: String, _ type: FieldType) -> MessageDefinition {
    MessageDefinition(package + name, [FieldDefinition("value", 1, type)])
  }

  /// Whether fields of these numbers and types are what the evaluator takes this message to have.
  func matches(_ fields: [FieldDefinition]) -> Bool {
    guard self != .none else { return true }
    for message in WellKnown.messages where WellKnown(name: message.name) == self {
      guard message.fields.count == fields.count else { return false }
      for (a, b) in zip(message.fields, fields) where a.number != b.number || a.type != b.type {
        return false
      }
    }
    return true
  }
}
