// What the evaluator knows of messages: flat memory that a `Schema` owns, read by raw pointers.
//
//   SchemaImage ─► messages[…] ─► fields[…], by number     ─► the message or enum that a field holds
//        └─► by name               └─► by name
//
// Everything an instruction needs is worked out when the schema is made: what a field reads as while it is unset,
// the record in which nothing is set, the fields that share a oneof.

/// A field's type, by the numbers of `google.protobuf.FieldDescriptorProto.Type`.
public enum FieldType: UInt8, BitwiseCopyable, Sendable {
  case double = 1
  case float = 2
  case int64 = 3
  case uint64 = 4
  case int32 = 5
  case fixed64 = 6
  case fixed32 = 7
  case bool = 8
  case string = 9
  case group = 10
  case message = 11
  case bytes = 12
  case uint32 = 13
  case enumeration = 14
  case sfixed32 = 15
  case sfixed64 = 16
  case sint32 = 17
  case sint64 = 18

  var isMessage: Bool { self == .message || self == .group }
  /// Whether many values can lie in one run of bytes.
  var isPackable: Bool { !isMessage && self != .string && self != .bytes }
}

/// The messages that stand for a CEL value and are never records.
enum WellKnown: UInt8, BitwiseCopyable {
  case none, any, timestamp, duration, structure, value, listValue, fieldMask, empty
  case double, float, int64, uint64, int32, uint32, bool, string, bytes

  var isWrapper: Bool { rawValue >= WellKnown.double.rawValue }
  /// Whether a message of this type is turned into a CEL value where it is made.
  var isSealed: Bool { self != .none && self != .fieldMask && self != .empty }
}

enum Cardinality: UInt8, BitwiseCopyable {
  case singular, repeated, map
}

struct FieldDescriptor: BitwiseCopyable {
  /// An extension's is its full name.
  var name: Bytes
  var jsonName: Bytes
  /// What the field reads as while it is unset.
  var defaultValue: Value
  /// What a field, an element or a map's value of this type holds.
  var message: UnsafePointer<MessageDescriptor>?
  var enumeration: UnsafePointer<EnumDescriptor>?
  var number: UInt32
  /// Its place in a record.
  var index: UInt32
  /// The next field of the same oneof, in a ring; the field itself if it is in none.
  var oneofNext: UInt32
  var type: FieldType
  /// Of a map.
  var keyType: FieldType
  var cardinality: Cardinality
  var hasPresence: Bool
  /// An enum of type `google.protobuf.NullValue`, whose only value is null.
  var isNull: Bool
  /// An enum whose values are not ints; see StrongEnum.
  var isStrong: Bool

  /// A number out of the wire or a default, as the field holds it.
  func strong(_ value: Value) -> Value {
    guard isStrong, let enumeration, value.kind == .int else { return value }
    return .enumeration(enumeration, Int32(truncatingIfNeeded: value.asInt))
  }

  var wellKnown: WellKnown { message?.pointee.wellKnown ?? .none }
}

struct EnumDescriptor: BitwiseCopyable {
  var name: Bytes
  var values: UnsafePointer<EnumValue>
  var count: UInt32

  struct EnumValue: BitwiseCopyable {
    var name: Bytes
    var number: Int32
  }

  /// The first name of a number.
  func name(of number: Int64) -> Bytes? {
    for at in 0..<Int(count) where Int64(values[at].number) == number { return values[at].name }
    return nil
  }

  func number(of name: Bytes) -> Int32? {
    for at in 0..<Int(count) where values[at].name.equals(name) { return values[at].number }
    return nil
  }
}

struct MessageDescriptor: BitwiseCopyable {
  var name: Bytes
  /// In the order of their numbers; extensions among them.
  var fields: UnsafePointer<FieldDescriptor>
  /// Places in `fields`, in the order of the names' bytes.
  var byName: UnsafePointer<UInt32>
  var fieldCount: UInt32
  var wellKnown: WellKnown
  /// A record in which nothing is set.
  var empty: Value
  var schema: UnsafePointer<SchemaImage>

  func field(named name: Bytes, likely place: UInt16) -> UnsafePointer<FieldDescriptor>? {
    if Int(place) < Int(fieldCount), fields[Int(place)].name.equals(name) { return fields + Int(place) }
    return field(named: name)
  }

  func field(named name: Bytes) -> UnsafePointer<FieldDescriptor>? {
    var low = 0
    var high = Int(fieldCount)
    while low < high {
      let middle = (low &+ high) / 2
      let field = fields + Int(byName[middle])
      let order = field.pointee.name.compare(name)
      if order == 0 { return field }
      if order < 0 { low = middle &+ 1 } else { high = middle }
    }
    return nil
  }

  func field(numbered number: UInt32) -> UnsafePointer<FieldDescriptor>? {
    // Most messages number their fields from 1 on without gaps.
    if number >= 1, number <= fieldCount, fields[Int(number) &- 1].number == number {
      return fields + (Int(number) &- 1)
    }
    var low = 0
    var high = Int(fieldCount)
    while low < high {
      let middle = (low &+ high) / 2
      let found = fields[middle].number
      if found == number { return fields + middle }
      if found < number { low = middle &+ 1 } else { high = middle }
    }
    return nil
  }
}

struct SchemaImage: BitwiseCopyable {
  var messages: UnsafePointer<MessageDescriptor>
  /// Places in `messages`, in the order of the names' bytes.
  var byName: UnsafePointer<UInt32>
  var messageCount: UInt32

  func message(named name: Bytes) -> UnsafePointer<MessageDescriptor>? {
    var low = 0
    var high = Int(messageCount)
    while low < high {
      let middle = (low &+ high) / 2
      let message = messages + Int(byName[middle])
      let order = message.pointee.name.compare(name)
      if order == 0 { return message }
      if order < 0 { low = middle &+ 1 } else { high = middle }
    }
    return nil
  }
}
