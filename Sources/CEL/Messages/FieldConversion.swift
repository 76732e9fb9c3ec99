// What a CEL value becomes when it is stored in a field. As in cel-cpp nothing is converted between int, uint and
// double; 32-bit fields are checked for range, floats are rounded.

extension MessageWork {
  /// `absent` when `value` leaves the field unset, an error when it does not fit.
  mutating func convert(_ value: Value, for field: UnsafePointer<FieldDescriptor>) -> Value {
    switch field.pointee.cardinality {
    case .singular:
      let converted = convert(value, toElementOf: field)
      return !field.pointee.hasPresence && converted.isZero ? .absent : converted
    case .repeated: return convertList(value, for: field)
    case .map: return convertMap(value, for: field)
    }
  }

  private mutating func convertList(_ list: Value, for field: UnsafePointer<FieldDescriptor>) -> Value {
    guard list.kind == .list else { return .failure(.invalidArgument) }
    guard list.count > 0, let elements = list.elements else { return .absent }
    guard pay(Int(list.count)), let memory = arena.pointee.allocateValues(Int(list.count)) else { return failure }
    var count: UInt32 = 0
    var at = 0
    while at < Int(list.count) {
      let element = convert(elements[at], toElementOf: field)
      at &+= 1
      if element.kind == .error { return element }
      // A null among timestamps or wrappers is left out.
      if element.kind == .absent { continue }
      memory[Int(count)] = element
      count &+= 1
    }
    return count == 0 ? .absent : .list(memory, count: count)
  }

  private mutating func convertMap(_ map: Value, for field: UnsafePointer<FieldDescriptor>) -> Value {
    guard map.kind == .map else { return .failure(.invalidArgument) }
    guard map.count > 0, let entries = map.elements else { return .absent }
    guard pay(Int(map.count)), let memory = arena.pointee.allocateValues(Int(map.count) &* 2) else { return failure }
    var count: UInt32 = 0
    for at in 0..<Int(map.count) {
      let key = convert(entries[at &* 2], toScalar: field.pointee.keyType)
      if key.kind == .error { return key }
      let element = convert(entries[at &* 2 &+ 1], toElementOf: field)
      if element.kind == .error { return element }
      if element.kind == .absent { continue }
      memory[Int(count) &* 2] = key
      memory[Int(count) &* 2 &+ 1] = element
      count &+= 1
    }
    return count == 0 ? .absent : .map(memory, count: count)
  }

  /// One element, or the value of a singular field.
  private mutating func convert(_ value: Value, toElementOf field: UnsafePointer<FieldDescriptor>) -> Value {
    guard let message = field.pointee.message else {
      if field.pointee.isNull {
        return value.kind == .null || value.kind == .int ? .null : .failure(.invalidArgument)
      }
      guard field.pointee.isStrong else { return convert(value, toScalar: field.pointee.type) }
      return value.enumType == field.pointee.enumeration ? value : .failure(.invalidArgument)
    }
    switch message.pointee.wellKnown {
    case .any: return packed(value)
    case .value: return json(value, depth: 0)
    case .structure: return value.kind == .map ? json(value, depth: 0) : .failure(.invalidArgument)
    case .listValue: return value.kind == .list ? json(value, depth: 0) : .failure(.invalidArgument)
    default: break
    }
    if value.kind == .null { return .absent }
    switch message.pointee.wellKnown {
    case .double: return convert(value, toScalar: .double)
    case .float: return convert(value, toScalar: .float)
    case .int64: return convert(value, toScalar: .int64)
    case .uint64: return convert(value, toScalar: .uint64)
    case .int32: return convert(value, toScalar: .int32)
    case .uint32: return convert(value, toScalar: .uint32)
    case .bool: return convert(value, toScalar: .bool)
    case .string: return convert(value, toScalar: .string)
    case .bytes: return convert(value, toScalar: .bytes)
    case .timestamp: return value.kind == .timestamp ? value : .failure(.invalidArgument)
    case .duration: return value.kind == .duration ? value : .failure(.invalidArgument)
    default:
      guard let record = Record(value), record.descriptor == message else { return .failure(.invalidArgument) }
      return value
    }
  }

  private func convert(_ value: Value, toScalar type: FieldType) -> Value {
    guard value.kind == type.zero.kind else { return .failure(.invalidArgument) }
    switch type {
    case .int32, .sint32, .sfixed32, .enumeration:
      return Int32(exactly: value.asInt) == nil ? .failure(.rangeError) : value
    case .uint32, .fixed32: return UInt32(exactly: value.asUInt) == nil ? .failure(.rangeError) : value
    case .float: return .double(Double(Float(value.asDouble)))
    case .message, .group: return .failure(.internalFailure)
    default: return value
    }
  }

  /// What an `Any` gives back: lists and maps have been JSON in it.
  private mutating func packed(_ value: Value) -> Value {
    switch value.kind {
    case .list, .map: return json(value, depth: 0)
    case .null, .bool, .int, .uint, .double, .string, .bytes, .timestamp, .duration, .message: return value
    default: return .failure(.invalidArgument)
    }
  }
}

extension Value {
  /// The default of a field that has no presence. A negative zero is none.
  var isZero: Bool {
    switch kind {
    case .null: true
    case .bool, .int, .uint, .double: payload == 0
    case .string, .bytes, .list, .map, .enumeration: count == 0
    default: false
    }
  }
}
