// A schema out of a serialised `google.protobuf.FileDescriptorSet`, as `protoc --descriptor_set_out` and
// `buf build` write it. Reads descriptor.proto's messages field by field; what a schema has no use for is skipped.
//
//   FileDescriptorSet ─► file: package, messages, enums, extensions, syntax
//                          message: fields, nested messages and enums, extensions, map_entry
//
// Bounded in nesting and size; malformed bytes are an error.

extension SchemaBuilder {
  /// Adds what the files define. Of two files of one name the first counts, and of the well-known types' files the
  /// definitions that the schema has anyway.
  public mutating func add(fileDescriptorSet bytes: [UInt8]) throws(SchemaError) {
    var reader = DescriptorSetReader()
    let isRead = bytes.withUnsafeBufferPointer { buffer in
      reader.read(Bytes(UnsafeRawPointer(buffer.baseAddress), count: UInt32(clamping: buffer.count)))
    }
    guard isRead else { throw .malformed }
    guard !reader.isTooLarge else { throw .tooLarge }
    for message in reader.messages {
      if WellKnown(name: message.name) == .none { add(message) }
    }
    for enumeration in reader.enums where enumeration.name != WellKnown.nullValue.name { add(enumeration) }
    for (extendee, field) in reader.extensions { add(extension: field, of: extendee) }
  }
}

struct DescriptorSetReader {
  private static let depthMax = 32
  private static let definitionsMax = 200_000

  private(set) var messages: [MessageDefinition] = []
  private(set) var enums: [EnumDefinition] = []
  private(set) var extensions: [(extendee: String, field: FieldDefinition)] = []
  private(set) var isTooLarge = false
  private var fileNames: Set<String> = []
  private var definitionCount = 0
  /// The key and value of each map's entry message, by that message's name.
  private var entries: [String: (key: FieldType, value: FieldDefinition)] = [:]

  /// How a file, message or field says what "unset" means.
  enum Presence {
    case explicit, implicit
  }

  init() {}

  mutating func read(_ bytes: Bytes) -> Bool {
    let isRead = DescriptorSetReader.fields(of: bytes) { number, value in
      number != 1 || file(value.bytes)
    }
    if isRead { resolve() }
    return isRead
  }

  // MARK: The levels

  private mutating func file(_ bytes: Bytes) -> Bool {
    var name = ""
    var package = ""
    var presence = Presence.explicit
    let isRead = DescriptorSetReader.fields(of: bytes) { number, value in
      switch number {
      case 1: name = value.bytes.text
      case 2: package = value.bytes.text
      case 8: presence = DescriptorSetReader.presence(in: value.bytes, features: 50) ?? presence
      case 12: if value.bytes.equals("proto3") { presence = .implicit }
      default: break
      }
      return true
    }
    guard isRead else { return false }
    guard fileNames.insert(name).inserted else { return true }
    let scope = package.isEmpty ? "" : package + "."
    return DescriptorSetReader.fields(of: bytes) { number, value in
      switch number {
      case 4: message(value.bytes, scope, presence, depth: 0)
      case 5: enumeration(value.bytes, scope)
      case 7: extensionField(value.bytes, scope, presence)
      default: true
      }
    }
  }

  private mutating func count() -> Bool {
    definitionCount &+= 1
    if definitionCount > DescriptorSetReader.definitionsMax { isTooLarge = true }
    return !isTooLarge
  }

  private mutating func message(_ bytes: Bytes, _ scope: String, _ outer: Presence, depth: Int) -> Bool {
    guard depth < DescriptorSetReader.depthMax, count() else { return isTooLarge }
    var name = ""
    var isEntry = false
    var presence = outer
    var oneofs: [String] = []
    let isRead = DescriptorSetReader.fields(of: bytes) { number, value in
      switch number {
      case 1: name = scope + value.bytes.text
      case 7:
        presence = DescriptorSetReader.presence(in: value.bytes, features: 12) ?? presence
        return DescriptorSetReader.fields(of: value.bytes) { number, value in
          if number == 7 { isEntry = value.number != 0 }
          return true
        }
      case 8:
        var oneof = ""
        let isRead = DescriptorSetReader.fields(of: value.bytes) { number, value in
          if number == 1 { oneof = value.bytes.text }
          return true
        }
        oneofs.append(oneof)
        return isRead
      default: break
      }
      return true
    }
    guard isRead else { return false }
    var fields: [FieldDefinition] = []
    let isWhole = DescriptorSetReader.fields(of: bytes) { number, value in
      switch number {
      case 2:
        guard let read = field(value.bytes, presence) else { return isTooLarge }
        var definition = read.field
        if let index = read.oneof, oneofs.indices.contains(index) { definition.oneof = oneofs[index] }
        fields.append(definition)
        return true
      case 3: return message(value.bytes, name + ".", presence, depth: depth &+ 1)
      case 4: return enumeration(value.bytes, name + ".")
      case 6: return extensionField(value.bytes, name + ".", presence)
      default: return true
      }
    }
    guard isWhole else { return false }
    if isEntry {
      guard fields.count == 2, let key = fields.first(where: { $0.number == 1 }),
        let value = fields.first(where: { $0.number == 2 })
      else { return false }
      entries[name] = (key.type, value)
    } else {
      messages.append(MessageDefinition(name, fields))
    }
    return true
  }

  private mutating func enumeration(_ bytes: Bytes, _ scope: String) -> Bool {
    guard count() else { return true }
    var result = EnumDefinition("", [])
    let isRead = DescriptorSetReader.fields(of: bytes) { number, value in
      if number == 1 { result.name = scope + value.bytes.text }
      guard number == 2 else { return true }
      var item = EnumDefinition.Case("", 0)
      let isRead = DescriptorSetReader.fields(of: value.bytes) { number, value in
        if number == 1 { item.name = value.bytes.text }
        if number == 2 { item.number = Int32(truncatingIfNeeded: value.number) }
        return true
      }
      result.cases.append(item)
      return isRead && count()
    }
    enums.append(result)
    return isRead || isTooLarge
  }

  private mutating func extensionField(_ bytes: Bytes, _ scope: String, _ presence: Presence) -> Bool {
    guard let read = field(bytes, presence) else { return isTooLarge }
    var definition = read.field
    definition.name = scope + definition.name
    // An extension is explicit, whatever its file says.
    definition.hasPresence = definition.cardinality == .singular
    extensions.append((read.extendee, definition))
    return true
  }

  private mutating func field(
    _ bytes: Bytes, _ outer: Presence
  ) -> (field: FieldDefinition, oneof: Int?, extendee: String)? {
    guard count() else { return nil }
    var result = FieldDefinition("", 0, .int32)
    var presence = outer
    var oneof: Int?
    var isOptional = false
    var extendee = ""
    var text: Bytes?
    var isKnown = true
    let isRead = DescriptorSetReader.fields(of: bytes) { number, value in
      switch number {
      case 1: result.name = value.bytes.text
      case 2: extendee = DescriptorSetReader.fullName(value.bytes)
      case 3: result.number = UInt32(clamping: value.number)
      case 4: if value.number == 3 { result.cardinality = .repeated }
      case 5:
        let type = FieldType(rawValue: UInt8(clamping: value.number))
        if let type { result.type = type } else { isKnown = false }
      case 6: result.typeName = DescriptorSetReader.fullName(value.bytes)
      case 7: text = value.bytes
      case 8: presence = DescriptorSetReader.presence(in: value.bytes, features: 21) ?? presence
      case 9: oneof = Int(clamping: value.number)
      case 10: result.jsonName = value.bytes.text
      case 17: isOptional = value.number != 0
      default: break
      }
      return true
    }
    guard isRead, isKnown else { return nil }
    result.hasPresence = result.cardinality == .singular && (presence == .explicit || isOptional)
    // `optional` of proto3 is written as a oneof of its own.
    if isOptional { oneof = nil }
    if let text { result.defaultValue = DescriptorSetReader.literal(text, result.type) }
    return (result, oneof, extendee)
  }

  // MARK: What needs everything read

  /// A repeated field of an entry message is a map; a default that names an enum's value is its number.
  private mutating func resolve() {
    var values: [String: Int32] = [:]
    for enumeration in enums {
      for value in enumeration.cases { values[enumeration.name + "." + value.name] = value.number }
    }
    for at in messages.indices {
      for index in messages[at].fields.indices { resolve(&messages[at].fields[index], values) }
    }
    for at in extensions.indices { resolve(&extensions[at].field, values) }
  }

  private func resolve(_ field: inout FieldDefinition, _ values: [String: Int32]) {
    if field.type == .message, field.cardinality == .repeated, let entry = entries[field.typeName] {
      field.cardinality = .map(key: entry.key)
      field.type = entry.value.type
      field.typeName = entry.value.typeName
    }
    if field.type == .enumeration, case .string(let name)? = field.defaultValue {
      let number = values[field.typeName + "." + String(decoding: name, as: UTF8.self)]
      field.defaultValue = number.map { .int(Int64($0)) }
    }
  }
}
