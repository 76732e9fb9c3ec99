// A message as the evaluator has it: its descriptor and one value for each of the type's fields.
//
//   base ─► [descriptor (8) | unused (8) | value 0 | value 1 | …]
//
// INVARIANT: a record is canonical. An unset field is `absent`, and so is a field without presence that has its
// default, and an empty list or map; a well-known message is the CEL value it stands for. A record is written to
// only while it is being made.

struct Record {
  let base: UnsafeMutableRawPointer

  static var headerBytes: Int { 16 }

  /// Of a value that is a message.
  init?(_ value: Value) {
    guard value.kind == .message,
      let base = UnsafeMutableRawPointer(bitPattern: UInt(truncatingIfNeeded: value.payload))
    else { return nil }
    self.base = base
  }

  /// A record in which nothing is set; nil when there is no memory.
  init?(_ descriptor: UnsafePointer<MessageDescriptor>, _ arena: inout Arena) {
    let count = Int(descriptor.pointee.fieldCount)
    guard let memory = arena.allocate(Record.headerBytes &+ count &* 16) else { return nil }
    base = memory
    memory.storeBytes(of: descriptor, as: UnsafePointer<MessageDescriptor>.self)
    memory.storeBytes(of: 0, toByteOffset: 8, as: UInt64.self)
    fields.initialize(repeating: .absent, count: count)
  }

  var descriptor: UnsafePointer<MessageDescriptor> { base.load(as: UnsafePointer<MessageDescriptor>.self) }

  var fields: UnsafeMutablePointer<Value> {
    (base + Record.headerBytes).assumingMemoryBound(to: Value.self)
  }

  var value: Value { Value(kind: .message, payload: UInt64(UInt(bitPattern: base))) }

  /// Whether nothing is set.
  var isEmpty: Bool {
    for at in 0..<Int(descriptor.pointee.fieldCount) where fields[at].kind != .absent { return false }
    return true
  }

  /// `value` is what `MessageWork.convert` made of it for this field. Another field of the oneof is unset.
  func set(_ field: UnsafePointer<FieldDescriptor>, _ value: Value) {
    let all = descriptor.pointee.fields
    if value.kind != .absent {
      var other = Int(field.pointee.oneofNext)
      while other != Int(field.pointee.index) {
        fields[other] = .absent
        other = Int(all[other].oneofNext)
      }
    }
    fields[Int(field.pointee.index)] = value
  }

  /// What reading the field gives.
  func get(_ field: UnsafePointer<FieldDescriptor>) -> Value {
    let value = fields[Int(field.pointee.index)]
    if value.kind == .absent { return field.pointee.defaultValue }
    // An Any that could not be unpacked.
    if field.pointee.wellKnown == .any, let record = Record(value), record.descriptor.pointee.wellKnown == .any {
      return .failure(.invalidArgument)
    }
    return value
  }
}

/// `message.name`, which is likely the field at this place.
func selectMessageField(_ message: Value, _ name: Value, likely place: UInt16 = 0) -> Value {
  guard let record = Record(message), name.kind == .string, record.descriptor.pointee.wellKnown != .any else {
    return .failure(.noSuchOverload)
  }
  guard let field = record.descriptor.pointee.field(named: name.asBytes, likely: place) else {
    return .failure(.noSuchField)
  }
  return record.get(field)
}

/// `has(message.name)`.
func hasMessageField(_ message: Value, _ name: Value, likely place: UInt16 = 0) -> Value {
  guard let record = Record(message), name.kind == .string, record.descriptor.pointee.wellKnown != .any else {
    return .failure(.noSuchOverload)
  }
  guard let field = record.descriptor.pointee.field(named: name.asBytes, likely: place) else {
    return .failure(.noSuchField)
  }
  return .bool(record.fields[Int(field.pointee.index)].kind != .absent)
}

/// Field by field; nil when that goes too deep.
func equalMessages(_ a: Value, _ b: Value, _ evaluation: Evaluation.Pointer, _ depth: Int) -> Bool? {
  if depth >= comparisonDepthMax { return nil }
  guard let left = Record(a), let right = Record(b), left.descriptor == right.descriptor else { return false }
  let count = Int(left.descriptor.pointee.fieldCount)
  spend(count &+ 8, evaluation)
  for at in 0..<count {
    let one = left.fields[at]
    let other = right.fields[at]
    if one.kind == .absent && other.kind == .absent { continue }
    guard let same = equal(one, other, evaluation, depth: depth &+ 1) else { return nil }
    if !same { return false }
    if evaluation.pointee.stepsLeft < 0 { return nil }
  }
  return true
}
