// Protobuf's bytes into records. Texts and bytes in the result borrow the bytes they were decoded from.

extension MessageWork {
  /// The CEL value of a message, or an error.
  mutating func decode(_ bytes: Bytes, as descriptor: UnsafePointer<MessageDescriptor>, depth: Int) -> Value {
    guard depth < MessageWork.depthMax else { return .failure(.nestedTooDeeply) }
    guard let record = makeRecord(descriptor) else { return failure }
    var reader = WireReader(bytes)
    if let code = decode(&reader, into: record, group: nil, depth: depth) { return .failure(code) }
    return seal(record, depth: depth)
  }

  /// Up to the end, or to the end of the group; the reason if that fails.
  private mutating func decode(
    _ reader: inout WireReader, into record: Record, group: UInt32?, depth: Int
  ) -> EvaluationError.Code? {
    let descriptor = record.descriptor
    while !reader.isAtEnd {
      guard pay(1) else { return .stepBudgetSpent }
      guard let (number, type) = reader.tag() else { return .invalidArgument }
      if type == WireType.endGroup { return group == number ? nil : .invalidArgument }
      guard let field = descriptor.pointee.field(numbered: number), field.pointee.accepts(type) else {
        guard reader.skip(number, type) else { return .invalidArgument }
        continue
      }
      if let code = decode(field, type, &reader, into: record, depth: depth) { return code }
    }
    return group == nil ? nil : .invalidArgument
  }

  private mutating func decode(
    _ field: UnsafePointer<FieldDescriptor>, _ type: UInt8, _ reader: inout WireReader, into record: Record, depth: Int
  ) -> EvaluationError.Code? {
    let place = record.fields + Int(field.pointee.index)
    switch field.pointee.cardinality {
    case .singular:
      var before: Record?
      if field.pointee.wellKnown.isSealed == false, let old = Record(place.pointee) { before = old }
      let value = element(field, &reader, merging: before, depth: depth)
      // A time out of range is an error for whoever reads it, not for the rest of the message.
      if value.kind == .error, value.asError.code != .rangeError { return value.asError.code }
      record.set(field, !field.pointee.hasPresence && value.isZero ? .absent : value)
    case .repeated:
      if type == WireType.bytes, field.pointee.type.isPackable {
        guard let run = reader.bytes() else { return .invalidArgument }
        var inner = WireReader(run)
        while !inner.isAtEnd {
          guard pay(1) else { return .stepBudgetSpent }
          let value = element(field, &inner, merging: nil, depth: depth)
          if value.kind == .error { return value.asError.code }
          if let code = append(value, to: place) { return code }
        }
      } else {
        let value = element(field, &reader, merging: nil, depth: depth)
        if value.kind == .error { return value.asError.code }
        return append(value, to: place)
      }
    case .map:
      guard let run = reader.bytes() else { return .invalidArgument }
      return entry(field, run, to: place, depth: depth)
    }
    return nil
  }

  /// One value of the field's type.
  private mutating func element(
    _ field: UnsafePointer<FieldDescriptor>, _ reader: inout WireReader, merging before: Record?, depth: Int
  ) -> Value {
    guard let message = field.pointee.message else {
      if field.pointee.isNull { return reader.varint() == nil ? .failure(.invalidArgument) : .null }
      return field.pointee.strong(scalar(field.pointee.type, &reader))
    }
    guard depth &+ 1 < MessageWork.depthMax else { return .failure(.nestedTooDeeply) }
    guard let record = before ?? makeRecord(message) else { return failure }
    if field.pointee.type == .group {
      if let code = decode(&reader, into: record, group: field.pointee.number, depth: depth &+ 1) {
        return .failure(code)
      }
    } else {
      guard let bytes = reader.bytes() else { return .failure(.invalidArgument) }
      var inner = WireReader(bytes)
      if let code = decode(&inner, into: record, group: nil, depth: depth &+ 1) { return .failure(code) }
    }
    let value = seal(record, depth: depth &+ 1)
    // What an Any holds is known only to those who know its type.
    if message.pointee.wellKnown == .any, value.kind == .error, value.asError.code.isAboutContent {
      return record.value
    }
    return value
  }

  private func scalar(_ type: FieldType, _ reader: inout WireReader) -> Value {
    switch type {
    case .double:
      if let bits = reader.fixed64() { return .double(Double(bitPattern: bits)) }
    case .float:
      if let bits = reader.fixed32() { return .double(Double(Float(bitPattern: bits))) }
    case .int64:
      if let bits = reader.varint() { return .int(Int64(bitPattern: bits)) }
    case .uint64:
      if let bits = reader.varint() { return .uint(bits) }
    case .int32, .enumeration:
      if let bits = reader.varint() { return .int(Int64(Int32(truncatingIfNeeded: bits))) }
    case .uint32:
      if let bits = reader.varint() { return .uint(UInt64(UInt32(truncatingIfNeeded: bits))) }
    case .sint32:
      if let bits = reader.varint() {
        let word = UInt32(truncatingIfNeeded: bits)
        return .int(Int64(Int32(bitPattern: word >> 1 ^ (0 &- (word & 1)))))
      }
    case .sint64:
      if let bits = reader.varint() { return .int(Int64(bitPattern: bits >> 1 ^ (0 &- (bits & 1)))) }
    case .fixed64:
      if let bits = reader.fixed64() { return .uint(bits) }
    case .sfixed64:
      if let bits = reader.fixed64() { return .int(Int64(bitPattern: bits)) }
    case .fixed32:
      if let bits = reader.fixed32() { return .uint(UInt64(bits)) }
    case .sfixed32:
      if let bits = reader.fixed32() { return .int(Int64(Int32(bitPattern: bits))) }
    case .bool:
      if let bits = reader.varint() { return .bool(bits != 0) }
    case .bytes:
      if let bytes = reader.bytes() { return .bytes(bytes) }
    case .string:
      if let bytes = reader.bytes() { return bytes.isUTF8 ? .string(bytes) : .failure(.invalidUTF8) }
    case .message, .group: break
    }
    return .failure(.invalidArgument)
  }

  // MARK: Lists and maps

  /// Lists grow by doubling: the room of one of `count` elements is the next power of two, at least four.
  private mutating func append(_ value: Value, to place: UnsafeMutablePointer<Value>) -> EvaluationError.Code? {
    let count = place.pointee.kind == .list ? Int(place.pointee.count) : 0
    guard grow(place, .list, count: count, width: 1), let elements = place.pointee.elements else { return .memorySpent }
    UnsafeMutablePointer(mutating: elements)[count] = value
    place.pointee.count = UInt32(truncatingIfNeeded: count &+ 1)
    return nil
  }

  /// A list or map that has room for one more.
  private mutating func grow(
    _ place: UnsafeMutablePointer<Value>, _ kind: Value.Kind, count: Int, width: Int
  ) -> Bool {
    if count != 0 && (count < 4 || count & (count &- 1) != 0) { return true }
    guard let memory = arena.pointee.allocateValues(max(4, count &* 2) &* width) else { return false }
    if count > 0, let elements = place.pointee.elements {
      memory.initialize(from: elements, count: count &* width)
    }
    place.pointee = Value(
      kind: kind, payload: UInt64(UInt(bitPattern: memory)), count: UInt32(truncatingIfNeeded: count))
    return true
  }

  /// `key = 1`, `value = 2`, either of which may be missing. A key that was there before gets the new value.
  private mutating func entry(
    _ field: UnsafePointer<FieldDescriptor>, _ run: Bytes, to place: UnsafeMutablePointer<Value>, depth: Int
  ) -> EvaluationError.Code? {
    var reader = WireReader(run)
    var key = field.pointee.keyType.zero
    var value = Value.absent
    while !reader.isAtEnd {
      guard pay(1) else { return .stepBudgetSpent }
      guard let (number, type) = reader.tag() else { return .invalidArgument }
      if number == 1, type == field.pointee.keyType.wireType {
        key = scalar(field.pointee.keyType, &reader)
        if key.kind == .error { return key.asError.code }
      } else if number == 2, type == field.pointee.type.wireType {
        value = element(field, &reader, merging: nil, depth: depth)
        if value.kind == .error { return value.asError.code }
      } else if !reader.skip(number, type) {
        return .invalidArgument
      }
    }
    if value.kind == .absent {
      if let message = field.pointee.message {
        value = decode(.empty, as: message, depth: depth &+ 1)
        if message.pointee.wellKnown == .any, value.kind == .error { value = .null }
        if value.kind == .error { return value.asError.code }
      } else {
        value = field.pointee.isNull ? .null : field.pointee.strong(field.pointee.type.zero)
      }
    }
    let count = place.pointee.kind == .map ? Int(place.pointee.count) : 0
    guard pay(count / 8) else { return .stepBudgetSpent }
    if let entries = place.pointee.elements, count > 0 {
      for at in 0..<count where entries[at &* 2].isSameKey(key) {
        UnsafeMutablePointer(mutating: entries)[at &* 2 &+ 1] = value
        return nil
      }
    }
    guard grow(place, .map, count: count, width: 2), let entries = place.pointee.elements else { return .memorySpent }
    let end = UnsafeMutablePointer(mutating: entries) + count &* 2
    end[0] = key
    end[1] = value
    place.pointee.count = UInt32(truncatingIfNeeded: count &+ 1)
    return nil
  }
}

extension Value {
  /// Of two keys of one map field, whose kinds are the same.
  fileprivate func isSameKey(_ other: Value) -> Bool {
    kind == .string ? asBytes.equals(other.asBytes) : payload == other.payload
  }
}

extension EvaluationError.Code {
  /// Not about a bound that was passed.
  fileprivate var isAboutContent: Bool { self == .invalidArgument || self == .invalidUTF8 || self == .rangeError }
}

extension FieldType {
  var wireType: UInt8 {
    switch self {
    case .double, .fixed64, .sfixed64: WireType.fixed64
    case .float, .fixed32, .sfixed32: WireType.fixed32
    case .string, .bytes, .message: WireType.bytes
    case .group: WireType.startGroup
    default: WireType.varint
    }
  }
}

extension FieldDescriptor {
  /// Whether a value of this wire type is the field's; others are unknown fields.
  fileprivate func accepts(_ wire: UInt8) -> Bool {
    switch cardinality {
    case .singular: wire == type.wireType
    case .repeated: wire == type.wireType || (wire == WireType.bytes && type.isPackable)
    case .map: wire == WireType.bytes
    }
  }
}
