import CPlatform

/// The value of an attribute whose type is only known at run time: what is in a token's claims, in metadata, or in a
/// map of the host's own.
///
/// It can be written as a literal: `["sub": "mia", "groups": ["a", "b"], "admin": true]`.
public enum AttributeValue: Sendable, Hashable {
  /// Nothing, as JSON's `null`: a value that is there. An attribute that is absent has no value at all.
  case null
  /// True or false.
  case bool(Bool)
  /// A signed whole number.
  case int(Int)
  /// An unsigned whole number.
  case uint(UInt)
  /// A number.
  case double(Double)
  /// Text.
  case string(String)
  /// Bytes that need not be text.
  case bytes([UInt8])
  /// A point in time.
  case timestamp(Timestamp)
  /// A span of time.
  case duration(Duration)
  /// Values in their order; nested at most 32 deep, as maps are.
  case list([AttributeValue])
  /// Values by name.
  case map([String: AttributeValue])
}

extension AttributeValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
  ExpressibleByBooleanLiteral, ExpressibleByNilLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  /// Text.
  public init(stringLiteral value: String) { self = .string(value) }
  /// A signed whole number.
  public init(integerLiteral value: Int) { self = .int(value) }
  /// A number.
  public init(floatLiteral value: Double) { self = .double(value) }
  /// True or false.
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  /// ``null``.
  public init(nilLiteral: ()) { self = .null }
  /// A list.
  public init(arrayLiteral elements: AttributeValue...) { self = .list(elements) }
  /// A map; of entries with the same name the last one counts.
  public init(dictionaryLiteral elements: (String, AttributeValue)...) {
    self = .map(Dictionary(elements) { _, last in last })
  }
}

/// A point in time, in seconds and nanoseconds since the Unix epoch.
public struct Timestamp: Sendable, Hashable, Comparable {
  /// Whole seconds; negative before 1970. Years 1 to 9999 are attributes' values.
  public var seconds: Int64
  /// 0 to 999,999,999, always forward in time.
  public var nanoseconds: Int32

  /// A point in time.
  public init(seconds: Int64, nanoseconds: Int32 = 0) {
    self.seconds = seconds
    self.nanoseconds = nanoseconds
  }

  /// What the system's clock says.
  public static var now: Timestamp {
    let (seconds, nanoseconds) = platform_wall_nanoseconds().quotientAndRemainder(dividingBy: 1_000_000_000)
    return Timestamp(seconds: seconds, nanoseconds: Int32(truncatingIfNeeded: nanoseconds))
  }

  /// Whether the first comes before the second.
  public static func < (left: Timestamp, right: Timestamp) -> Bool {
    (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
  }
}
