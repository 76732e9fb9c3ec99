/// Values by attribute: what a ``Request``, a ``Response`` and the constants of an ``Engine`` are made of.
///
/// A table of at most a few dozen entries, searched from its beginning: that is faster than hashing names.
public struct Attributes: Sendable {
  struct Entry: Sendable {
    /// 0 for an attribute of the host's own, which `name` tells.
    var number: UInt32
    var name: String
    var value: AttributeValue
  }

  private(set) var entries: [Entry] = []

  /// None.
  public init() {}

  /// The value of an attribute; nil when it is absent. Setting nil makes it absent.
  public subscript<Value: AttributeConvertible>(attribute: Attribute<Value>) -> Value? {
    get { find(attribute.number, attribute.name).flatMap { Value(entries[$0].value) } }
    set {
      let place = find(attribute.number, attribute.name)
      guard let value = newValue?.attributeValue else {
        if let place { entries.remove(at: place) }
        return
      }
      if let place {
        entries[place].value = value
      } else {
        // What most hosts tell, at once instead of by doubling.
        if entries.isEmpty { entries.reserveCapacity(8) }
        entries.append(Entry(number: attribute.number, name: attribute.name, value: value))
      }
    }
  }

  /// How many there are.
  public var count: Int { entries.count }

  private func find(_ number: UInt32, _ name: String) -> Int? {
    entries.firstIndex { $0.number == number && (number != 0 || $0.name == name) }
  }

  /// The value by number, or of one of the host's own by name.
  func value(_ number: UInt32, _ name: String) -> AttributeValue? {
    for entry in entries where entry.number == number && (number != 0 || entry.name == name) { return entry.value }
    return nil
  }
}
