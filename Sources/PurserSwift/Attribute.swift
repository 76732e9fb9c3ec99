import CPurser

/// The typed name of an attribute: the key by which a ``Request``, a ``Response`` and the constants of an ``Engine``
/// hold its value.
///
/// The well-known attributes are members, so that a key reads as a word and its value cannot be of the wrong type:
///
/// ```swift
/// request[.requestMethod] = "GET"
/// request[.sourcePort] = 40312
/// ```
///
/// An attribute of your own, which an AttributeManifest declares, is a constant of yours:
///
/// ```swift
/// let companyUser = Attribute<String>("company.user")
/// request[companyUser] = "mia"
/// ```
///
/// Make such a key once, not for each request: the name is looked up when the key is made.
public struct Attribute<Value: AttributeConvertible>: Sendable, Hashable {
  /// The dotted name, such as `request.method`.
  public let name: String
  /// The number that the engine has for a well-known attribute; 0 for one of the host's own.
  let number: UInt32

  /// The attribute of this name or alias; one of the host's own if it is not well-known.
  ///
  /// - Parameter name: A dotted name, such as `company.user`. Policies name the attribute so, and an AttributeManifest
  ///   declares it with the type that `Value` stands for; a value of another type makes the rules that read it err.
  public init(_ name: String) {
    var number: UInt32 = 0
    var info = purser_attribute_info()
    info.size = MemoryLayout<purser_attribute_info>.size
    let memory = LentMemory()
    if purser_attribute_number(memory.text(name), &number) == PURSER_OK,
      purser_attribute_describe(number, &info) == PURSER_OK
    {
      self.init(number, String(info.name))
    } else {
      self.init(0, name)
    }
  }

  init(_ number: UInt32, _ name: String) {
    self.number = number
    self.name = name
  }
}

/// A Swift type that can be an attribute's value. The types below are all that there are.
///
/// | Swift | type in an AttributeManifest |
/// | --- | --- |
/// | `String` | `string` |
/// | `Int` | `int` |
/// | `UInt` | `uint` |
/// | `Bool` | `bool` |
/// | `Double` | `double` |
/// | `[UInt8]` | `bytes` |
/// | ``Timestamp`` | `timestamp` |
/// | `Duration` | `duration` |
/// | `[String]` | `list(string)` |
/// | `[String: String]` | `map(string,string)` |
/// | `[String: AttributeValue]` | `map(string,dyn)` |
/// | ``AttributeValue`` | any |
public protocol AttributeConvertible: Sendable {
  /// The value without its type.
  var attributeValue: AttributeValue { get }

  /// The value with its type; nil when it is of another.
  init?(_ attributeValue: AttributeValue)
}

extension String: AttributeConvertible {
  /// A string.
  public var attributeValue: AttributeValue { .string(self) }
  /// Nil unless it is a string.
  public init?(_ attributeValue: AttributeValue) {
    guard case .string(let value) = attributeValue else { return nil }
    self = value
  }
}

extension Int: AttributeConvertible {
  /// A signed whole number.
  public var attributeValue: AttributeValue { .int(self) }
  /// Nil unless it is a signed whole number.
  public init?(_ attributeValue: AttributeValue) {
    guard case .int(let value) = attributeValue else { return nil }
    self = value
  }
}

extension UInt: AttributeConvertible {
  /// An unsigned whole number.
  public var attributeValue: AttributeValue { .uint(self) }
  /// Nil unless it is an unsigned whole number.
  public init?(_ attributeValue: AttributeValue) {
    guard case .uint(let value) = attributeValue else { return nil }
    self = value
  }
}

extension Bool: AttributeConvertible {
  /// True or false.
  public var attributeValue: AttributeValue { .bool(self) }
  /// Nil unless it is true or false.
  public init?(_ attributeValue: AttributeValue) {
    guard case .bool(let value) = attributeValue else { return nil }
    self = value
  }
}

extension Double: AttributeConvertible {
  /// A number.
  public var attributeValue: AttributeValue { .double(self) }
  /// Nil unless it is a number.
  public init?(_ attributeValue: AttributeValue) {
    guard case .double(let value) = attributeValue else { return nil }
    self = value
  }
}

extension Timestamp: AttributeConvertible {
  /// A point in time.
  public var attributeValue: AttributeValue { .timestamp(self) }
  /// Nil unless it is a point in time.
  public init?(_ attributeValue: AttributeValue) {
    guard case .timestamp(let value) = attributeValue else { return nil }
    self = value
  }
}

extension Duration: AttributeConvertible {
  /// A span of time.
  public var attributeValue: AttributeValue { .duration(self) }
  /// Nil unless it is a span of time.
  public init?(_ attributeValue: AttributeValue) {
    guard case .duration(let value) = attributeValue else { return nil }
    self = value
  }
}

extension Array: AttributeConvertible where Element: AttributeListElement {
  /// A list of strings, or bytes.
  public var attributeValue: AttributeValue { Element.attributeValue(of: self) }
  /// Nil unless it is of this type.
  public init?(_ attributeValue: AttributeValue) {
    guard let value = Element.elements(of: attributeValue) else { return nil }
    self = value
  }
}

extension Dictionary: AttributeConvertible where Key == String, Value: AttributeConvertible {
  /// A map.
  public var attributeValue: AttributeValue { .map(mapValues(\.attributeValue)) }
  /// Nil unless it is a map, and all its values are of this type.
  public init?(_ attributeValue: AttributeValue) {
    guard case .map(let entries) = attributeValue else { return nil }
    self.init(minimumCapacity: entries.count)
    for (key, value) in entries {
      guard let value = Value(value) else { return nil }
      self[key] = value
    }
  }
}

extension AttributeValue: AttributeConvertible {
  /// Itself.
  public var attributeValue: AttributeValue { self }
  /// Itself.
  public init?(_ attributeValue: AttributeValue) { self = attributeValue }
}

/// What an array may hold to be an attribute's value: strings, or the bytes of one value.
public protocol AttributeListElement: Sendable {
  /// The array without its type.
  static func attributeValue(of elements: [Self]) -> AttributeValue
  /// The array with its type; nil when the value is of another.
  static func elements(of value: AttributeValue) -> [Self]?
}

extension String: AttributeListElement {
  /// A list of strings.
  public static func attributeValue(of elements: [String]) -> AttributeValue { .list(elements.map { .string($0) }) }
  /// Nil unless it is a list of strings.
  public static func elements(of value: AttributeValue) -> [String]? {
    guard case .list(let items) = value else { return nil }
    let strings = items.compactMap { String($0) }
    return strings.count == items.count ? strings : nil
  }
}

extension UInt8: AttributeListElement {
  /// The bytes of one value.
  public static func attributeValue(of elements: [UInt8]) -> AttributeValue { .bytes(elements) }
  /// Nil unless it is bytes.
  public static func elements(of value: AttributeValue) -> [UInt8]? {
    guard case .bytes(let bytes) = value else { return nil }
    return bytes
  }
}
