// Definitions into flat memory. Two passes: first every message and enum gets its place, then the fields are
// filled in, which may name any of them.

struct SchemaLayout {
  static let messagesMax = 50_000
  static let fieldsMax = 4_000

  var arena = Arena(bytesMax: 256 << 20)
  var hasStrongEnums = false
  private var messageNumbers: [String: Int] = [:]
  private var enumNumbers: [String: Int] = [:]
  private var messages: UnsafeMutablePointer<MessageDescriptor>?
  private var enums: UnsafeMutablePointer<EnumDescriptor>?

  var enumMemory: UnsafePointer<EnumDescriptor>? { enums.map { UnsafePointer($0) } }

  mutating func make(_ builder: SchemaBuilder) throws(SchemaError) -> UnsafePointer<SchemaImage> {
    guard builder.messages.count <= SchemaLayout.messagesMax, builder.enums.count <= SchemaLayout.messagesMax else {
      throw .tooLarge
    }
    for (number, message) in builder.messages.enumerated() {
      if messageNumbers.updateValue(number, forKey: message.name) != nil { throw .duplicate(name: message.name) }
    }
    for (number, enumeration) in builder.enums.enumerated() {
      if messageNumbers[enumeration.name] != nil
        || enumNumbers.updateValue(number, forKey: enumeration.name) != nil
      {
        throw .duplicate(name: enumeration.name)
      }
    }
    var extensions: [String: [FieldDefinition]] = [:]
    for (extendee, field) in builder.extensions {
      if messageNumbers[extendee] == nil { throw .unknownType(name: field.name, type: extendee) }
      extensions[extendee, default: []].append(field)
    }

    let image = try room(SchemaImage.self, 1)
    let messages = try room(MessageDescriptor.self, builder.messages.count)
    let enums = try room(EnumDescriptor.self, builder.enums.count)
    self.messages = messages
    self.enums = enums
    for (number, enumeration) in builder.enums.enumerated() {
      let values = try room(EnumDescriptor.EnumValue.self, enumeration.cases.count)
      for (at, value) in enumeration.cases.enumerated() {
        values[at] = EnumDescriptor.EnumValue(name: try text(value.name), number: value.number)
      }
      enums[number] = EnumDescriptor(
        name: try text(enumeration.name), values: UnsafePointer(values),
        count: UInt32(truncatingIfNeeded: enumeration.cases.count))
    }
    // The records first: a field that is unset reads as one of them.
    for (number, message) in builder.messages.enumerated() {
      let fields = message.fields + (extensions[message.name] ?? [])
      try layOut(message.name, fields, at: messages + number, image)
    }
    for (number, message) in builder.messages.enumerated() {
      try fill(message.name, message.fields + (extensions[message.name] ?? []), of: messages + number)
    }
    let byName = try room(UInt32.self, builder.messages.count)
    for (at, number) in SchemaLayout.sorted(builder.messages.map { $0.name }).enumerated() {
      byName[at] = UInt32(truncatingIfNeeded: number)
    }
    image.initialize(
      to: SchemaImage(
        messages: UnsafePointer(messages), byName: UnsafePointer(byName),
        messageCount: UInt32(truncatingIfNeeded: builder.messages.count)))
    return UnsafePointer(image)
  }

  /// An image of no messages, whose pointers are never followed.
  func emptyImage() -> UnsafePointer<SchemaImage> {
    let image = UnsafeMutablePointer<SchemaImage>.allocate(capacity: 1)
    let messages = UnsafeMutablePointer<MessageDescriptor>.allocate(capacity: 1)
    let byName = UnsafeMutablePointer<UInt32>.allocate(capacity: 1)
    image.initialize(
      to: SchemaImage(messages: UnsafePointer(messages), byName: UnsafePointer(byName), messageCount: 0))
    return UnsafePointer(image)
  }

  private mutating func layOut(
    _ name: String, _ fields: [FieldDefinition], at place: UnsafeMutablePointer<MessageDescriptor>,
    _ image: UnsafeMutablePointer<SchemaImage>
  ) throws(SchemaError) {
    guard fields.count <= SchemaLayout.fieldsMax else { throw .tooLarge }
    let byName = try room(UInt32.self, fields.count)
    let memory = try room(FieldDescriptor.self, fields.count)
    place.initialize(
      to: MessageDescriptor(
        name: try text(name), fields: UnsafePointer(memory), byName: UnsafePointer(byName),
        fieldCount: UInt32(truncatingIfNeeded: fields.count), wellKnown: WellKnown(name: name), empty: .null,
        schema: UnsafePointer(image)))
    guard let record = Record(place, &arena) else { throw .tooLarge }
    place.pointee.empty = record.value
  }

  private mutating func fill(
    _ name: String, _ fields: [FieldDefinition], of place: UnsafeMutablePointer<MessageDescriptor>
  ) throws(SchemaError) {
    let fields = fields.ordered { $0.number < $1.number }
    guard place.pointee.wellKnown.matches(fields) else { throw .invalidField(name: name) }
    let memory = UnsafeMutablePointer(mutating: place.pointee.fields)
    var oneofs: [String: [Int]] = [:]
    for (at, field) in fields.enumerated() {
      let fullName = name + "." + field.name
      if at > 0, fields[at &- 1].number == field.number { throw .duplicate(name: fullName) }
      (memory + at).initialize(to: try descriptor(of: field, at, fullName))
      if let oneof = field.oneof { oneofs[oneof, default: []].append(at) }
    }
    for members in oneofs.values {
      for (at, member) in members.enumerated() {
        let next = at &+ 1 < members.count ? members[at &+ 1] : members[0]
        memory[member].oneofNext = UInt32(truncatingIfNeeded: next)
      }
    }
    let byName = UnsafeMutablePointer(mutating: place.pointee.byName)
    let sorted = SchemaLayout.sorted(fields.map { $0.name })
    for (at, number) in sorted.enumerated() {
      if at > 0, memory[Int(byName[at &- 1])].name.equals(memory[number].name) {
        throw .duplicate(name: name + "." + fields[number].name)
      }
      byName[at] = UInt32(truncatingIfNeeded: number)
    }
  }

  private mutating func descriptor(
    of field: FieldDefinition, _ index: Int, _ fullName: String
  ) throws(SchemaError) -> FieldDescriptor {
    guard field.number >= 1, field.number < 1 << 29 else { throw .invalidField(name: fullName) }
    let index = UInt32(truncatingIfNeeded: index)
    var result = FieldDescriptor(
      name: try text(field.name), jsonName: try text(field.jsonName ?? SchemaLayout.jsonName(field.name)),
      defaultValue: .null, message: nil, enumeration: nil, number: field.number, index: index, oneofNext: index,
      type: field.type, keyType: .string, cardinality: .singular,
      hasPresence: field.hasPresence || field.oneof != nil || field.type.isMessage, isNull: false, isStrong: false)
    if field.type.isMessage {
      guard let number = messageNumbers[field.typeName], let messages else {
        throw .unknownType(name: fullName, type: field.typeName)
      }
      result.message = UnsafePointer(messages + number)
    }
    if field.type == .enumeration {
      guard let number = enumNumbers[field.typeName], let enums else {
        throw .unknownType(name: fullName, type: field.typeName)
      }
      result.enumeration = UnsafePointer(enums + number)
      result.isNull = field.typeName == WellKnown.nullValue.name
      result.isStrong = hasStrongEnums && !result.isNull
    }
    switch field.cardinality {
    case .singular:
      result.defaultValue = result.strong(try unsetValue(of: result, field.defaultValue, fullName))
    case .repeated:
      result.cardinality = .repeated
      result.defaultValue = Value(kind: .list)
    case .map(let key):
      guard key.isMapKey else { throw .invalidField(name: fullName) }
      result.cardinality = .map
      result.keyType = key
      result.defaultValue = Value(kind: .map)
    }
    if result.cardinality != .singular { result.hasPresence = false }
    return result
  }

  private mutating func unsetValue(
    of field: FieldDescriptor, _ literal: Literal?, _ fullName: String
  ) throws(SchemaError) -> Value {
    if let message = field.message {
      switch message.pointee.wellKnown {
      case .none, .fieldMask, .empty: return message.pointee.empty
      case .timestamp: return .timestamp(seconds: 0, nanoseconds: 0)
      case .duration: return .duration(seconds: 0, nanoseconds: 0)
      case .structure: return Value(kind: .map)
      case .listValue: return Value(kind: .list)
      default: return .null
      }
    }
    if field.isNull { return .null }
    let zero = field.type.zero
    guard let literal else {
      // An enum's default is its first value, which need not be 0 in proto2.
      if let enumeration = field.enumeration, enumeration.pointee.count > 0 {
        return .int(Int64(enumeration.pointee.values[0].number))
      }
      return zero
    }
    let value: Value
    switch literal {
    case .null: value = .null
    case .bool(let bool): value = .bool(bool)
    case .int(let number): value = .int(number)
    case .uint(let number): value = .uint(number)
    case .double(let number): value = .double(number)
    case .string(let bytes): value = .string(try self.bytes(bytes))
    case .bytes(let bytes): value = .bytes(try self.bytes(bytes))
    }
    guard value.kind == zero.kind else { throw .invalidField(name: fullName) }
    return value
  }

  // MARK: Memory

  private mutating func room<T: BitwiseCopyable>(
    _ type: T.Type, _ count: Int
  ) throws(SchemaError) -> UnsafeMutablePointer<T> {
    guard let memory = arena.allocate(MemoryLayout<T>.stride &* max(count, 1)) else { throw .tooLarge }
    return memory.bindMemory(to: type, capacity: max(count, 1))
  }

  private mutating func text(_ text: String) throws(SchemaError) -> Bytes { try bytes(Array(text.utf8)) }

  private mutating func bytes(_ bytes: [UInt8]) throws(SchemaError) -> Bytes {
    let copy = bytes.withUnsafeBufferPointer { source in
      arena.copy(
        Bytes(UnsafeRawPointer(source.baseAddress), count: UInt32(clamping: source.count)))
    }
    guard let copy else { throw .tooLarge }
    return copy
  }

  /// Places in the order of the names' bytes.
  private static func sorted(_ names: [String]) -> [Int] {
    orderedPlaces(names.count) { names[$0].utf8.lexicographicallyPrecedes(names[$1].utf8) }
  }

  /// `single_int64` is `singleInt64`.
  private static func jsonName(_ name: String) -> String {
    var result: [UInt8] = []
    var isRaised = false
    for byte in name.utf8 {
      if byte == UInt8(ascii: "_") {
        isRaised = true
      } else {
        result.append(isRaised && byte &- 0x61 < 26 ? byte &- 32 : byte)
        isRaised = false
      }
    }
    return String(decoding: result, as: UTF8.self)
  }
}

extension FieldType {
  var isMapKey: Bool {
    switch self {
    case .double, .float, .bytes, .enumeration, .message, .group: false
    default: true
    }
  }

  /// What a scalar of this type is when nothing is said; null for messages.
  var zero: Value {
    switch self {
    case .double, .float: .double(0)
    case .int64, .int32, .sfixed32, .sfixed64, .sint32, .sint64, .enumeration: .int(0)
    case .uint64, .uint32, .fixed64, .fixed32: .uint(0)
    case .bool: .bool(false)
    case .string: .string(.empty)
    case .bytes: .bytes(.empty)
    case .group, .message: .null
    }
  }
}
