// The messages and enums that expressions may name: the type provider of an `Environment`.
//
// Immutable. What the checker asks for by name lies in dictionaries; what the evaluator reads is `image`, flat
// memory that lives as long as the schema. Every `Code` that needs a schema holds it; a host that hands messages
// to an evaluation must hold theirs, and use the one that the expressions were checked with.

import CPlatform

public final class Schema: @unchecked Sendable {
  /// The well-known types and nothing else.
  public static let wellKnown = Schema(onlyWellKnown: ())

  public let hasStrongEnums: Bool
  let image: UnsafePointer<SchemaImage>
  private var enums: [String: Int] = [:]
  private var enumMemory: UnsafePointer<EnumDescriptor>?
  private var arena: Arena
  private var numbers: [String: Int] = [:]
  /// By the enum's name, a dot, and the value's name.
  private(set) var enumValues: [String: Int32] = [:]

  init(_ builder: SchemaBuilder) throws(SchemaError) {
    var layout = SchemaLayout()
    layout.hasStrongEnums = builder.hasStrongEnums
    hasStrongEnums = builder.hasStrongEnums
    do {
      image = try layout.make(builder)
    } catch {
      layout.arena.free()
      throw error
    }
    arena = layout.arena
    for (number, message) in builder.messages.enumerated() { numbers[message.name] = number }
    enumMemory = layout.enumMemory
    for (number, enumeration) in builder.enums.enumerated() {
      enums[enumeration.name] = number
      for value in enumeration.cases { enumValues[enumeration.name + "." + value.name] = value.number }
    }
  }

  /// Never fails; if it did, the schema would be empty.
  private convenience init(onlyWellKnown: ()) {
    do {
      var builder = SchemaBuilder()
      for message in WellKnown.messages { builder.add(message) }
      builder.add(WellKnown.nullValue)
      try self.init(builder)
    } catch {
      self.init(empty: ())
    }
  }

  private init(empty: ()) {
    let layout = SchemaLayout()
    hasStrongEnums = false
    image = layout.emptyImage()
    arena = layout.arena
  }

  deinit { arena.free() }

  /// The full names of all messages, in no order.
  public var messageNames: [String] { Array(numbers.keys) }

  func message(named name: String) -> UnsafePointer<MessageDescriptor>? {
    guard let number = numbers[name] else { return nil }
    return image.pointee.messages + number
  }

  /// `pkg.Enum` of `pkg.Enum.VALUE`.
  func enumName(ofValue name: String) -> String? {
    guard let dot = name.utf8.lastIndex(of: UInt8(ascii: ".")) else { return nil }
    return String(name[..<dot])
  }

  var enumNames: [String] { Array(enums.keys) }

  func enumeration(named name: String) -> UnsafePointer<EnumDescriptor>? {
    guard let number = enums[name], let enumMemory else { return nil }
    return enumMemory + number
  }

  func field(_ name: String, of message: UnsafePointer<MessageDescriptor>) -> UnsafePointer<FieldDescriptor>? {
    Array(name.utf8).withUnsafeBufferPointer { bytes in
      message.pointee.field(
        named: Bytes(UnsafeRawPointer(bytes.baseAddress), count: UInt32(truncatingIfNeeded: bytes.count)))
    }
  }

  func fieldNames(of message: UnsafePointer<MessageDescriptor>) -> [String] {
    (0..<Int(message.pointee.fieldCount)).map { message.pointee.fields[$0].name.text }
  }
}
