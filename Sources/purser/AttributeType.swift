/// The type of an attribute, as an AttributeManifest and docs/attributes.md write it.
indirect enum AttributeType: Equatable {
  case bool, int, uint, double, string, bytes, timestamp, duration, dyn
  case list(AttributeType)
  /// Keys are strings.
  case map(AttributeType)

  /// `map(string,list(int))`, with or without spaces; nil for what is no such type.
  init?(_ text: some StringProtocol) {
    let text = String(text.filter { $0 != " " })
    switch text {
    case "bool": self = .bool
    case "int": self = .int
    case "uint": self = .uint
    case "double": self = .double
    case "string": self = .string
    case "bytes": self = .bytes
    case "timestamp": self = .timestamp
    case "duration": self = .duration
    case "dyn": self = .dyn
    default:
      guard text.last == ")" else { return nil }
      if text.hasPrefix("list(") {
        guard let element = AttributeType(text.dropFirst(5).dropLast()) else { return nil }
        self = .list(element)
      } else if text.hasPrefix("map(string,") {
        guard let element = AttributeType(text.dropFirst(11).dropLast()) else { return nil }
        self = .map(element)
      } else {
        return nil
      }
    }
  }

  /// What JSON must look like for this type, for messages.
  var expectation: String {
    switch self {
    case .bool: "true or false"
    case .int: "a whole number of 64 bits"
    case .uint: "a whole number from 0 to 18446744073709551615"
    case .double: "a number"
    case .string: "a string"
    case .bytes: "a string in base64"
    case .timestamp: "an RFC 3339 time such as \"2026-01-02T03:04:05Z\""
    case .duration: "a duration such as \"1.5s\" or \"250ms\""
    case .dyn: "a value"
    case .list(let element): "an array, each item \(element.expectation)"
    case .map(let element): "an object, each value \(element.expectation)"
    }
  }
}
