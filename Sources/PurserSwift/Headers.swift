/// The headers of a request or response: names without regard to case, in the order in which they were added, each with
/// one or more values.
///
/// ```swift
/// request.headers["x-user"] = "mia"
/// request.headers.append("x-forwarded-for", "10.1.2.3")
/// ```
///
/// Policies read `request.headers["x-forwarded-for"]` as one text: several values are joined by a comma.
public struct Headers: Sendable, Hashable, ExpressibleByDictionaryLiteral {
  /// One header as it was added.
  public struct Field: Sendable, Hashable {
    /// In lower case.
    public let name: String
    /// As it was given.
    public let value: String
  }

  /// All of them, in the order in which they were added.
  public private(set) var fields: [Field] = []

  /// None.
  public init() {}

  /// Each entry is added; a name may stand several times.
  public init(dictionaryLiteral elements: (String, String)...) {
    fields.reserveCapacity(elements.count)
    for (name, value) in elements { append(name, value) }
  }

  /// The values of a name, joined by a comma; nil when there is none. Setting replaces all of them.
  public subscript(name: String) -> String? {
    get {
      let name = Headers.lowercased(name)
      var joined: String?
      for field in fields where field.name == name {
        joined = joined.map { "\($0),\(field.value)" } ?? field.value
      }
      return joined
    }
    set {
      let name = Headers.lowercased(name)
      fields.removeAll { $0.name == name }
      if let newValue { fields.append(Field(name: name, value: newValue)) }
    }
  }

  /// Adds a value to those that the name has.
  public mutating func append(_ name: String, _ value: String) {
    fields.append(Field(name: Headers.lowercased(name), value: value))
  }

  /// Makes room, when it is known how many there will be.
  public mutating func reserveCapacity(_ count: Int) { fields.reserveCapacity(count) }

  /// ASCII letters only, as RFC 9110 says of names; most come in lower case already and are not copied.
  private static func lowercased(_ name: String) -> String {
    let upper = UInt8(ascii: "A")...UInt8(ascii: "Z")
    guard name.utf8.contains(where: upper.contains) else { return name }
    return String(decoding: name.utf8.map { upper.contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
  }
}
