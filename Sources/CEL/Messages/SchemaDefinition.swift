// What a schema is made from. The names are full ones, without a leading dot: `google.protobuf.Int64Value`.

public struct FieldDefinition: Sendable {
  public enum Cardinality: Sendable, Equatable {
    case singular
    case repeated
    /// A map whose values have the field's type.
    case map(key: FieldType)
  }

  /// An extension's is its full name.
  public var name: String
  public var number: UInt32
  public var type: FieldType
  /// Of the message or enum, if the type is one.
  public var typeName: String
  public var cardinality: Cardinality
  /// Whether "unset" differs from "has its default". Always so for messages and for the fields of a oneof.
  public var hasPresence: Bool
  public var oneof: String?
  /// An explicit default, as proto2 has them; an enum's is an int.
  public var defaultValue: Literal?
  /// Nil for the one that protobuf derives from `name`.
  public var jsonName: String?

  public init(
    _ name: String, _ number: UInt32, _ type: FieldType, typeName: String = "", cardinality: Cardinality = .singular,
    hasPresence: Bool = false, oneof: String? = nil, defaultValue: Literal? = nil, jsonName: String? = nil
  ) {
    self.name = name
    self.number = number
    self.type = type
    self.typeName = typeName
    self.cardinality = cardinality
    self.hasPresence = hasPresence
    self.oneof = oneof
    self.defaultValue = defaultValue
    self.jsonName = jsonName
  }
}

public struct MessageDefinition: Sendable {
  public var name: String
  public var fields: [FieldDefinition]

  public init(_ name: String, _ fields: [FieldDefinition]) {
    self.name = name
    self.fields = fields
  }
}

public struct EnumDefinition: Sendable {
  public struct Case: Sendable {
    public var name: String
    public var number: Int32

    public init(_ name: String, _ number: Int32) {
      self.name = name
      self.number = number
    }
  }

  public var name: String
  public var cases: [Case]

  public init(_ name: String, _ cases: [Case]) {
    self.name = name
    self.cases = cases
  }
}

/// Why a schema cannot be made. `name` is the message's, the enum's or, with its message, the field's.
public enum SchemaError: Error, Equatable {
  /// Two messages or enums, or two of a message's fields, with one name or number.
  case duplicate(name: String)
  /// A field's type, or an extension's message, that the schema does not define.
  case unknownType(name: String, type: String)
  /// A number out of range, a map's key of a type that cannot be one, a default that does not fit.
  case invalidField(name: String)
  case tooLarge
  /// Bytes that are no `FileDescriptorSet`.
  case malformed
}

/// Collects definitions. The well-known types of `google.protobuf` need not be defined, but may be.
public struct SchemaBuilder {
  private(set) var messages: [MessageDefinition] = []
  private(set) var enums: [EnumDefinition] = []
  private(set) var extensions: [(extendee: String, field: FieldDefinition)] = []

  /// Whether enums are types of their own; otherwise they are ints.
  public var hasStrongEnums = false

  public init() {}

  public mutating func add(_ message: MessageDefinition) { messages.append(message) }
  public mutating func add(_ enumeration: EnumDefinition) { enums.append(enumeration) }
  public mutating func add(extension field: FieldDefinition, of message: String) { extensions.append((message, field)) }

  public func finish() throws(SchemaError) -> Schema {
    var all = self
    let names = Set(messages.map { $0.name } + enums.map { $0.name })
    for message in WellKnown.messages where !names.contains(message.name) { all.messages.append(message) }
    if !names.contains(WellKnown.nullValue.name) { all.enums.append(WellKnown.nullValue) }
    return try Schema(all)
  }
}
