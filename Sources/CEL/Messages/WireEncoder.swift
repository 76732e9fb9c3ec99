// Records into protobuf's bytes, for hosts that send on what an evaluation gave. Fields in the order of their
// numbers, repeated scalars packed, maps in their own order. It allocates, and is not for the evaluation path.

extension MessageView {
  /// The message in protobuf's wire format; nil when it is nested too deeply, or was decoded with a time out of range.
  public func wireBytes() -> [UInt8]? {
    var writer = WireWriter()
    return writer.write(self.record, depth: 0) ? writer.bytes : nil
  }
}

struct WireWriter {
  private(set) var bytes: [UInt8] = []

  // MARK: The format

  private mutating func varint(_ value: UInt64) {
    var value = value
    while value >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
      value >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: value))
  }

  private mutating func fixed(_ value: UInt64, count: Int) {
    for at in 0..<count { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(at &* 8))) }
  }

  private mutating func tag(_ number: UInt32, _ type: UInt8) { varint(UInt64(number) << 3 | UInt64(type)) }

  /// Bytes with their length before them.
  private mutating func run(_ number: UInt32, _ body: (inout WireWriter) -> Bool) -> Bool {
    var inner = WireWriter()
    guard body(&inner) else { return false }
    tag(number, WireType.bytes)
    varint(UInt64(inner.bytes.count))
    bytes += inner.bytes
    return true
  }

  private mutating func text(_ number: UInt32, _ content: Bytes) {
    tag(number, WireType.bytes)
    varint(UInt64(content.count))
    bytes += content.buffer
  }

  // MARK: Records

  mutating func write(_ record: Record, depth: Int) -> Bool {
    guard depth < MessageWork.depthMax else { return false }
    let descriptor = record.descriptor
    for at in 0..<Int(descriptor.pointee.fieldCount) where record.fields[at].kind != .absent {
      if !write(record.fields[at], descriptor.pointee.fields + at, depth: depth) { return false }
    }
    return true
  }

  private mutating func write(_ value: Value, _ field: UnsafePointer<FieldDescriptor>, depth: Int) -> Bool {
    let number = field.pointee.number
    // A time out of range, which the record keeps as an error.
    if value.kind == .error { return false }
    switch field.pointee.cardinality {
    case .singular: return element(value, field, number, depth: depth)
    case .repeated:
      guard let elements = value.elements else { return true }
      if field.pointee.type.isPackable {
        return run(number) { inner in
          for at in 0..<Int(value.count) { inner.scalar(elements[at], field.pointee.type) }
          return true
        }
      }
      for at in 0..<Int(value.count) where !element(elements[at], field, number, depth: depth) { return false }
    case .map:
      guard let entries = value.elements else { return true }
      for at in 0..<Int(value.count) {
        let isWritten = run(number) { inner in
          inner.scalar(entries[at &* 2], field.pointee.keyType, number: 1)
          return inner.element(entries[at &* 2 &+ 1], field, 2, depth: depth)
        }
        if !isWritten { return false }
      }
    }
    return true
  }

  private mutating func element(
    _ value: Value, _ field: UnsafePointer<FieldDescriptor>, _ number: UInt32, depth: Int
  ) -> Bool {
    guard let message = field.pointee.message else {
      scalar(value, field.pointee.type, number: number)
      return true
    }
    if field.pointee.type == .group, let record = Record(value) {
      tag(number, WireType.startGroup)
      guard write(record, depth: depth &+ 1) else { return false }
      tag(number, WireType.endGroup)
      return true
    }
    return run(number) { inner in inner.content(value, message.pointee.wellKnown, depth: depth &+ 1) }
  }

  private mutating func scalar(_ value: Value, _ type: FieldType, number: UInt32) {
    tag(number, type.wireType)
    scalar(value, type)
  }

  private mutating func scalar(_ value: Value, _ type: FieldType) {
    switch type {
    case .double: fixed(value.payload, count: 8)
    case .float:
      let bits = Float(value.asDouble).bitPattern
      fixed(UInt64(bits), count: 4)
    case .fixed64, .sfixed64: fixed(value.payload, count: 8)
    case .fixed32, .sfixed32: fixed(value.payload, count: 4)
    case .sint32, .sint64: varint(UInt64(bitPattern: value.asInt << 1 ^ value.asInt >> 63))
    case .enumeration:
      let number = value.kind == .enumeration ? value.enumNumber : value.kind == .int ? value.asInt : 0
      varint(UInt64(bitPattern: number))
    case .string, .bytes:
      varint(UInt64(value.count))
      bytes += value.asBytes.buffer
    default: varint(value.payload)
    }
  }

  // MARK: Well-known messages

  /// The fields of the message that `value` is, or stands for.
  private mutating func content(_ value: Value, _ type: WellKnown, depth: Int) -> Bool {
    guard depth < MessageWork.depthMax else { return false }
    switch type {
    case .none, .fieldMask, .empty: return Record(value).map { write($0, depth: depth) } ?? false
    case .any: return any(value, depth: depth)
    case .value: return json(value, depth: depth)
    case .structure, .listValue: return collection(value, depth: depth)
    case .timestamp, .duration:
      if value.seconds != 0 { scalar(.int(value.seconds), .int64, number: 1) }
      if value.nanoseconds != 0 { scalar(.int(Int64(value.nanoseconds)), .int32, number: 2) }
    default:
      if let scalarType = type.wrapped, !value.isZero { scalar(value, scalarType, number: 1) }
    }
    return true
  }

  private mutating func json(_ value: Value, depth: Int) -> Bool {
    switch value.kind {
    case .null: scalar(.int(0), .enumeration, number: 1)
    case .double: scalar(value, .double, number: 2)
    case .string: text(3, value.asBytes)
    case .bool: scalar(value, .bool, number: 4)
    case .map: return run(5) { $0.collection(value, depth: depth &+ 1) }
    case .list: return run(6) { $0.collection(value, depth: depth &+ 1) }
    default: return false
    }
    return true
  }

  /// `Struct.fields` or `ListValue.values`.
  private mutating func collection(_ value: Value, depth: Int) -> Bool {
    guard depth < MessageWork.depthMax else { return false }
    guard let elements = value.elements else { return true }
    for at in 0..<Int(value.count) {
      let isWritten = run(1) { inner in
        guard value.kind == .map else { return inner.json(elements[at], depth: depth &+ 1) }
        inner.text(1, elements[at &* 2].asBytes)
        return inner.run(2) { $0.json(elements[at &* 2 &+ 1], depth: depth &+ 1) }
      }
      if !isWritten { return false }
    }
    return true
  }

  private mutating func any(_ value: Value, depth: Int) -> Bool {
    if let record = Record(value), record.descriptor.pointee.wellKnown == .any { return write(record, depth: depth) }
    guard let name = value.messageName else { return false }
    tag(1, WireType.bytes)
    let prefix = Bytes("type.googleapis.com/")
    varint(UInt64(prefix.count) &+ UInt64(name.count))
    bytes += prefix.buffer
    bytes += name.buffer
    return run(2) { $0.content(value, WellKnown(name: name.text), depth: depth &+ 1) }
  }
}

extension WellKnown {
  /// What a wrapper wraps.
  fileprivate var wrapped: FieldType? {
    switch self {
    case .double: .double
    case .float: .float
    case .int64: .int64
    case .uint64: .uint64
    case .int32: .int32
    case .uint32: .uint32
    case .bool: .bool
    case .string: .string
    case .bytes: .bytes
    default: nil
    }
  }
}

extension Value {
  /// The message that an `Any` with this value holds: its own type, or the well-known one that stands for it.
  var messageName: Bytes? {
    switch kind {
    case .null: Bytes("google.protobuf.Value")
    case .bool: Bytes("google.protobuf.BoolValue")
    case .int: Bytes("google.protobuf.Int64Value")
    case .uint: Bytes("google.protobuf.UInt64Value")
    case .double: Bytes("google.protobuf.DoubleValue")
    case .string: Bytes("google.protobuf.StringValue")
    case .bytes: Bytes("google.protobuf.BytesValue")
    case .timestamp: Bytes("google.protobuf.Timestamp")
    case .duration: Bytes("google.protobuf.Duration")
    case .list: Bytes("google.protobuf.ListValue")
    case .map: Bytes("google.protobuf.Struct")
    case .message: Record(self)?.descriptor.pointee.name
    default: nil
    }
  }
}
