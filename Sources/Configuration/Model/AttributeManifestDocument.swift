// Attributes beyond the built-in vocabulary, which the host supplies.

public enum DeclaredAttributeType: String, Sendable, CaseIterable {
  case string, bytes, int, uint, double, bool, timestamp, duration, dyn
  case stringList = "list(string)"
  case stringMap = "map(string,string)"
  case dynMap = "map(string,dyn)"
}

public struct AttributeManifestDocument: Sendable {
  public struct Attribute: Sendable {
    public var name: String
    /// Where the name is written.
    public var position: Position
    public var type: DeclaredAttributeType
    public var phase: AttributePhase = .request
  }

  public var identity: DocumentIdentity
  public var attributes: [Attribute] = []

  public init(identity: DocumentIdentity) { self.identity = identity }
}
