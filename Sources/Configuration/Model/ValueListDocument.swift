// A named list that expressions search: `source.address in lists.office`. Whether each value is an address or a
// regular expression is found when the plan is built.

public enum ValueListType: String, Sendable, CaseIterable {
  case string = "STRING"
  case stringCaseInsensitive = "STRING_CASE_INSENSITIVE"
  case cidr = "CIDR"
  case regex = "REGEX"
}

public struct ValueListDocument: Sendable {
  public static let valuesMax = 1_000_000

  public var identity: DocumentIdentity
  public var type: ValueListType
  /// The document's own values, then those of its file.
  public var values: [WrittenText] = []

  public init(identity: DocumentIdentity, type: ValueListType) {
    self.identity = identity
    self.type = type
  }
}
