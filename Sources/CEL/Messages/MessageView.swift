// Messages for hosts: looking into one that an evaluation gave, and making one to hand to an evaluation.

/// A message value's fields, by their places: the order of their numbers, extensions among them.
public struct MessageView {
  let record: Record

  /// Nil for a value of another kind.
  public init?(_ value: Value) {
    guard let record = Record(value) else { return nil }
    self.record = record
  }

  /// The full name of the message's type.
  public var typeName: Bytes { record.descriptor.pointee.name }
  public var fieldCount: Int { Int(record.descriptor.pointee.fieldCount) }

  private func field(_ place: Int) -> UnsafePointer<FieldDescriptor>? {
    place >= 0 && place < fieldCount ? record.descriptor.pointee.fields + place : nil
  }

  /// Empty for a place that is none. An extension's name is its full one.
  public func fieldName(_ place: Int) -> Bytes { field(place)?.pointee.name ?? .empty }

  /// What `has` says.
  public func isSet(_ place: Int) -> Bool { field(place) != nil && record.fields[place].kind != .absent }

  /// What selecting the field gives: its default while it is unset.
  public func value(_ place: Int) -> Value { field(place).map { record.get($0) } ?? .absent }

  public func value(named name: Bytes) -> Value? {
    record.descriptor.pointee.field(named: name).map { record.get($0) }
  }
}

extension Schema {
  /// The value of a message literal: `make("pkg.T", [("a", .int(1))])` is what `pkg.T{a: 1}` would be, a well-known
  /// message the CEL value it stands for. An error for a type or field that is not there (`noSuchField`) and for a
  /// value that does not fit. It lives until `arena` is reset, and points into whatever the fields' values point to.
  public func make(_ type: String, _ fields: [(name: String, value: Value)], into arena: inout Arena) -> Value {
    guard let descriptor = message(named: type) else { return .failure(.noSuchField) }
    return withUnsafeMutablePointer(to: &arena) { arena in
      var work = MessageWork(arena: arena, left: Schema.workMax)
      guard let record = work.makeRecord(descriptor) else { return work.failure }
      for (name, value) in fields {
        guard let known = field(name, of: descriptor) else { return .failure(.noSuchField) }
        let converted = work.convert(value, for: known)
        if converted.kind == .error { return converted }
        record.set(known, converted)
      }
      return work.seal(record, depth: 0)
    }
  }

  /// The CEL value of a message in protobuf's wire format: a `message`, or what a well-known one stands for. An
  /// error when there is no such type (`noSuchField`), when the bytes are malformed (`invalidArgument`) or not
  /// UTF-8 where they should be, or past a bound. The value borrows `bytes`, and lives until `arena` is reset.
  public func decode(_ bytes: Bytes, as type: String, into arena: inout Arena) -> Value {
    guard let descriptor = message(named: type) else { return .failure(.noSuchField) }
    return withUnsafeMutablePointer(to: &arena) { arena in
      var work = MessageWork(arena: arena, left: Schema.workMax)
      return work.decode(bytes, as: descriptor, depth: 0)
    }
  }

  /// What one message may cost: some 16 million fields, elements and entries.
  private static let workMax = 1 << 24
}
