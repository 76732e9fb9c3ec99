// A CEL value at run time: two words, trivial, copied by `mov`.
//
//   payload (8 bytes)                     count (4)          kind (1)  flags (1)  extra (2)
//   bool 0/1, int, uint, double: bits     -                  …
//   string, bytes: address of the bytes   length in bytes
//   timestamp, duration: seconds          nanoseconds (a duration's has the sign of its seconds)
//   list: address of `count` values       elements
//   map: address of `2 * count` values    entries (key, value, key, value, …)
//   hostMap: slot index of the attribute  -                  a map the host has not listed yet
//   type: address of the type's name      length in bytes
//   ip, cidr: see `NetworkAddress`
//   opaque: whatever its owner put there
//   message: address of a record, see Messages/Record.swift
//   enumeration: address of its type     number; only with strong enums, see Messages/StrongEnum.swift
//   optional: address of its one value, 0 for none
//   error: see `EvaluationError`
//
// A value owns nothing. What it points to lives in the program's constants, in the host's memory for the
// length of one call, or in the worker's arena until that is reset.

@frozen public struct Value: BitwiseCopyable, Sendable {
  public var payload: UInt64
  public var count: UInt32
  public var kind: Kind
  public var flags: UInt8
  public var extra: UInt16

  @inlinable @inline(__always)
  public init(kind: Kind, payload: UInt64 = 0, count: UInt32 = 0) {
    self.payload = payload
    self.count = count
    self.kind = kind
    self.flags = 0
    self.extra = 0
  }

  @frozen public enum Kind: UInt8, BitwiseCopyable, Sendable {
    /// A slot that nobody has asked for yet. Zero, so that clearing memory makes slots unfetched.
    case unfetched = 0
    /// The host says that there is no such attribute or entry. Not a CEL value: reading it is an error.
    case absent = 1
    case error = 2
    case null = 3
    case bool = 4
    case int = 5
    case uint = 6
    case double = 7
    case string = 8
    case bytes = 9
    case timestamp = 10
    case duration = 11
    case list = 12
    case map = 13
    case hostMap = 14
    case type = 15
    case opaque = 16
    case optional = 17
    case ip = 19
    case cidr = 20
    case message = 18
    case enumeration = 21
  }
}

extension Value {
  @inlinable public static var null: Value { Value(kind: .null) }
  @inlinable public static var absent: Value { Value(kind: .absent) }

  @inlinable @inline(__always)
  public static func bool(_ value: Bool) -> Value { Value(kind: .bool, payload: value ? 1 : 0) }

  @inlinable @inline(__always)
  public static func int(_ value: Int64) -> Value { Value(kind: .int, payload: UInt64(bitPattern: value)) }

  @inlinable @inline(__always)
  public static func uint(_ value: UInt64) -> Value { Value(kind: .uint, payload: value) }

  @inlinable @inline(__always)
  public static func double(_ value: Double) -> Value { Value(kind: .double, payload: value.bitPattern) }

  @inlinable @inline(__always)
  public static func string(_ bytes: Bytes) -> Value {
    Value(kind: .string, payload: bytes.address, count: bytes.count)
  }

  @inlinable @inline(__always)
  public static func bytes(_ bytes: Bytes) -> Value {
    Value(kind: .bytes, payload: bytes.address, count: bytes.count)
  }

  @inlinable public static func timestamp(seconds: Int64, nanoseconds: Int32) -> Value {
    Value(kind: .timestamp, payload: UInt64(bitPattern: seconds), count: UInt32(bitPattern: nanoseconds))
  }

  @inlinable public static func duration(seconds: Int64, nanoseconds: Int32) -> Value {
    Value(kind: .duration, payload: UInt64(bitPattern: seconds), count: UInt32(bitPattern: nanoseconds))
  }

  @inlinable public static func list(_ elements: UnsafePointer<Value>?, count: UInt32) -> Value {
    Value(kind: .list, payload: UInt64(UInt(bitPattern: elements)), count: count)
  }

  /// `entries` points to `2 * count` values: key, value, key, value.
  @inlinable public static func map(_ entries: UnsafePointer<Value>?, count: UInt32) -> Value {
    Value(kind: .map, payload: UInt64(UInt(bitPattern: entries)), count: count)
  }

  @inlinable public static func optional(_ value: UnsafePointer<Value>?) -> Value {
    Value(kind: .optional, payload: UInt64(UInt(bitPattern: value)))
  }

  @inlinable public static func hostMap(slot: UInt32) -> Value { Value(kind: .hostMap, payload: UInt64(slot)) }

  @inlinable public static func error(_ error: EvaluationError) -> Value {
    Value(
      kind: .error, payload: UInt64(error.detail) << 32 | UInt64(error.offset),
      count: UInt32(truncatingIfNeeded: error.code.rawValue))
  }
}

// Reading. Each of these is meaningful for the kind it names and defined (never a trap) for all others.
extension Value {
  @inlinable @inline(__always) public var isTrue: Bool { kind == .bool && payload != 0 }
  @inlinable @inline(__always) public var isFalse: Bool { kind == .bool && payload == 0 }
  @inlinable @inline(__always) public var asInt: Int64 { Int64(bitPattern: payload) }
  @inlinable @inline(__always) public var asUInt: UInt64 { payload }
  @inlinable @inline(__always) public var asDouble: Double { Double(bitPattern: payload) }
  @inlinable @inline(__always) public var asBytes: Bytes { Bytes(address: payload, count: count) }
  /// Of a timestamp or duration.
  @inlinable @inline(__always) public var seconds: Int64 { Int64(bitPattern: payload) }
  @inlinable @inline(__always) public var nanoseconds: Int32 { Int32(bitPattern: count) }
  /// Of a list: `count` values; of a map: `2 * count`. Nil when empty. An optional's value, or nil.
  @inlinable @inline(__always) public var elements: UnsafePointer<Value>? {
    UnsafePointer(bitPattern: UInt(truncatingIfNeeded: payload))
  }
  @inlinable public var asError: EvaluationError {
    EvaluationError(
      EvaluationError.Code(rawValue: UInt16(truncatingIfNeeded: count)) ?? .internalFailure,
      detail: UInt32(truncatingIfNeeded: payload >> 32), offset: UInt32(truncatingIfNeeded: payload))
  }
}

/// Borrowed bytes: an address and a length below 4 GiB. Text is UTF-8 that was validated where it came in.
@frozen public struct Bytes: BitwiseCopyable, Sendable {
  public var address: UInt64
  public var count: UInt32

  @inlinable @inline(__always)
  public init(address: UInt64, count: UInt32) {
    self.address = address
    self.count = count
  }

  @inlinable @inline(__always)
  public init(_ base: UnsafeRawPointer?, count: UInt32) {
    self.address = UInt64(UInt(bitPattern: base))
    self.count = count
  }

  @inlinable public static var empty: Bytes { Bytes(address: 0, count: 0) }

  @inlinable @inline(__always)
  public var base: UnsafePointer<UInt8>? { UnsafePointer(bitPattern: UInt(truncatingIfNeeded: address)) }

  @inlinable public var buffer: UnsafeBufferPointer<UInt8> {
    guard let base else { return UnsafeBufferPointer(start: nil, count: 0) }
    return UnsafeBufferPointer(start: base, count: Int(count))
  }

  /// A copy as text, for messages. Not for the request path: it allocates.
  public var text: String { String(decoding: buffer, as: UTF8.self) }
}
