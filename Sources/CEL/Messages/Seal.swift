// A well-known message that is complete, as the CEL value it stands for.

extension MessageWork {
  mutating func seal(_ record: Record, depth: Int) -> Value {
    let descriptor = record.descriptor
    let fields = record.fields
    // INVARIANT: a schema's well-known messages have the fields that `WellKnown.messages` says.
    func field(_ index: Int) -> Value {
      guard index < Int(descriptor.pointee.fieldCount) else { return .failure(.internalFailure) }
      return record.get(descriptor.pointee.fields + index)
    }
    switch descriptor.pointee.wellKnown {
    case .none, .fieldMask, .empty: return record.value
    case .structure, .listValue, .double, .float, .int64, .uint64, .int32, .uint32, .bool, .string, .bytes:
      return field(0)
    case .value:
      for at in 0..<Int(descriptor.pointee.fieldCount) where fields[at].kind != .absent { return fields[at] }
      return .null
    case .timestamp: return MessageWork.timestamp(field(0).asInt, field(1).asInt)
    case .duration: return MessageWork.duration(field(0).asInt, field(1).asInt)
    case .any:
      let url = field(0).asBytes
      guard let message = MessageWork.message(of: url, in: descriptor.pointee.schema) else {
        return .failure(.invalidArgument)
      }
      return decode(field(1).asBytes, as: message, depth: depth &+ 1)
    }
  }

  private static func timestamp(_ seconds: Int64, _ nanoseconds: Int64) -> Value {
    guard nanoseconds >= 0, nanoseconds < nanosecondsPerSecond else { return .failure(.rangeError) }
    return Instant.make(seconds: seconds, nanoseconds: Int32(truncatingIfNeeded: nanoseconds))
  }

  private static func duration(_ seconds: Int64, _ nanoseconds: Int64) -> Value {
    guard nanoseconds.magnitude < nanosecondsPerSecond.magnitude, seconds.magnitude <= TimeSpan.secondsMost.magnitude,
      seconds.magnitude < TimeSpan.secondsMost.magnitude || nanoseconds == 0,
      seconds == 0 || nanoseconds == 0 || (seconds < 0) == (nanoseconds < 0)
    else { return .failure(.rangeError) }
    return .duration(seconds: seconds, nanoseconds: Int32(truncatingIfNeeded: nanoseconds))
  }

  /// `type.googleapis.com/pkg.Name`: what stands after the last slash, which must be there.
  private static func message(
    of url: Bytes, in schema: UnsafePointer<SchemaImage>
  ) -> UnsafePointer<MessageDescriptor>? {
    guard let base = url.base else { return nil }
    var start = Int(url.count)
    while start > 0, base[start &- 1] != UInt8(ascii: "/") { start &-= 1 }
    guard start > 0 else { return nil }
    return schema.pointee.message(
      named: Bytes(UnsafeRawPointer(base + start), count: url.count &- UInt32(truncatingIfNeeded: start)))
  }
}
