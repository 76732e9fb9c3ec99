// Values as JSON has them, for `google.protobuf.Value`, `Struct` and `ListValue` (langdef, "JSON Data
// Conversion"; for messages protobuf's JSON mapping). The result is a CEL value of null, bools, doubles, strings,
// lists, and maps from strings.

extension MessageWork {
  /// Integers that a double holds exactly, up to where JavaScript's do; others become text.
  private static let safeIntegerMax: UInt64 = 9_007_199_254_740_991

  mutating func json(_ value: Value, depth: Int) -> Value {
    guard depth < MessageWork.depthMax else { return .failure(.nestedTooDeeply) }
    var text = ShortText()
    switch value.kind {
    case .null, .bool, .double, .string: return value
    case .int:
      if value.asInt.magnitude <= MessageWork.safeIntegerMax { return .double(Double(value.asInt)) }
      text.append(value.asInt)
      return self.text(text)
    case .uint:
      if value.asUInt <= MessageWork.safeIntegerMax { return .double(Double(value.asUInt)) }
      text.append(value.asUInt)
      return self.text(text)
    case .bytes: return base64(value.asBytes)
    case .timestamp:
      Instant.write(value, to: &text)
      return self.text(text)
    case .duration:
      TimeSpan.write(value, to: &text)
      return self.text(text)
    case .list: return jsonList(value, depth: depth)
    case .map: return jsonMap(value, depth: depth)
    case .message:
      guard let record = Record(value) else { return .failure(.internalFailure) }
      return json(record, depth: depth)
    default: return .failure(.invalidArgument)
    }
  }

  private mutating func jsonList(_ list: Value, depth: Int) -> Value {
    guard list.count > 0, let elements = list.elements else { return Value(kind: .list) }
    guard pay(Int(list.count)), let memory = arena.pointee.allocateValues(Int(list.count)) else { return failure }
    for at in 0..<Int(list.count) {
      let element = json(elements[at], depth: depth &+ 1)
      if element.kind == .error { return element }
      memory[at] = element
    }
    return .list(memory, count: list.count)
  }

  private mutating func jsonMap(_ map: Value, depth: Int) -> Value {
    guard map.count > 0, let entries = map.elements else { return Value(kind: .map) }
    guard pay(Int(map.count)), let memory = arena.pointee.allocateValues(Int(map.count) &* 2) else { return failure }
    for at in 0..<Int(map.count) {
      guard entries[at &* 2].kind == .string else { return .failure(.unsupportedKeyType) }
      let element = json(entries[at &* 2 &+ 1], depth: depth &+ 1)
      if element.kind == .error { return element }
      memory[at &* 2] = entries[at &* 2]
      memory[at &* 2 &+ 1] = element
    }
    return .map(memory, count: map.count)
  }

  // MARK: Messages

  private mutating func json(_ record: Record, depth: Int) -> Value {
    let descriptor = record.descriptor
    if descriptor.pointee.wellKnown == .any { return .failure(.invalidArgument) }
    if descriptor.pointee.wellKnown == .fieldMask { return fieldMask(record) }
    let count = Int(descriptor.pointee.fieldCount)
    guard pay(count), let memory = arena.pointee.allocateValues(count &* 2) else { return failure }
    var used: UInt32 = 0
    for at in 0..<count where record.fields[at].kind != .absent {
      let field = descriptor.pointee.fields + at
      let value = json(record.fields[at], of: field, depth: depth)
      if value.kind == .error { return value }
      memory[Int(used) &* 2] = .string(field.pointee.jsonName)
      memory[Int(used) &* 2 &+ 1] = value
      used &+= 1
    }
    return .map(memory, count: used)
  }

  private mutating func json(_ value: Value, of field: UnsafePointer<FieldDescriptor>, depth: Int) -> Value {
    switch field.pointee.cardinality {
    case .singular: return jsonElement(value, of: field, depth: depth &+ 1)
    case .repeated:
      guard let elements = value.elements else { return Value(kind: .list) }
      guard pay(Int(value.count)), let memory = arena.pointee.allocateValues(Int(value.count)) else { return failure }
      for at in 0..<Int(value.count) {
        let element = jsonElement(elements[at], of: field, depth: depth &+ 1)
        if element.kind == .error { return element }
        memory[at] = element
      }
      return .list(memory, count: value.count)
    case .map:
      guard let entries = value.elements else { return Value(kind: .map) }
      guard pay(Int(value.count)), let memory = arena.pointee.allocateValues(Int(value.count) &* 2) else {
        return failure
      }
      for at in 0..<Int(value.count) {
        let key = jsonKey(entries[at &* 2])
        if key.kind == .error { return key }
        let element = jsonElement(entries[at &* 2 &+ 1], of: field, depth: depth &+ 1)
        if element.kind == .error { return element }
        memory[at &* 2] = key
        memory[at &* 2 &+ 1] = element
      }
      return .map(memory, count: value.count)
    }
  }

  private mutating func jsonElement(_ value: Value, of field: UnsafePointer<FieldDescriptor>, depth: Int) -> Value {
    if field.pointee.wellKnown == .any { return jsonAny(value, depth: depth) }
    var text = ShortText()
    switch value.kind {
    case .enumeration:
      if let name = value.enumType?.pointee.name(of: value.enumNumber) { return .string(name) }
      return .double(Double(value.enumNumber))
    case .int:
      if let enumeration = field.pointee.enumeration {
        return enumeration.pointee.name(of: value.asInt).map { .string($0) } ?? .double(Double(value.asInt))
      }
      guard field.pointee.type.is64Bit || field.pointee.wellKnown == .int64 else { return .double(Double(value.asInt)) }
      text.append(value.asInt)
      return self.text(text)
    case .uint:
      guard field.pointee.type.is64Bit || field.pointee.wellKnown == .uint64 else {
        return .double(Double(value.asUInt))
      }
      text.append(value.asUInt)
      return self.text(text)
    case .double where !value.asDouble.isFinite && field.pointee.wellKnown != .value:
      if value.asDouble.isNaN { return .string(Bytes("NaN")) }
      return .string(value.asDouble < 0 ? Bytes("-Infinity") : Bytes("Infinity"))
    default: return json(value, depth: depth)
    }
  }

  /// `{"@type": …}` with the message's members, or with `value`.
  private mutating func jsonAny(_ value: Value, depth: Int) -> Value {
    guard let name = value.messageName else { return .failure(.invalidArgument) }
    let content = json(value, depth: depth &+ 1)
    if content.kind == .error { return content }
    let isMessage = value.kind == .message && content.kind == .map
    let others = isMessage ? Int(content.count) : 1
    guard pay(others), let url = joined(Bytes("type.googleapis.com/"), name),
      let memory = arena.pointee.allocateValues((others &+ 1) &* 2)
    else { return failure }
    memory[0] = .string(Bytes("@type"))
    memory[1] = .string(url)
    if isMessage {
      if let members = content.elements {
        for at in 0..<others &* 2 { memory[2 &+ at] = members[at] }
      }
    } else {
      memory[2] = .string(Bytes("value"))
      memory[3] = content
    }
    return .map(memory, count: UInt32(truncatingIfNeeded: others &+ 1))
  }

  private mutating func jsonKey(_ key: Value) -> Value {
    var text = ShortText()
    switch key.kind {
    case .string: return key
    case .bool: return .string(key.payload != 0 ? Bytes("true") : Bytes("false"))
    case .int: text.append(key.asInt)
    case .uint: text.append(key.asUInt)
    default: return .failure(.unsupportedKeyType)
    }
    return self.text(text)
  }
}

extension FieldType {
  fileprivate var is64Bit: Bool {
    switch self {
    case .int64, .uint64, .fixed64, .sfixed64, .sint64: true
    default: false
    }
  }
}
