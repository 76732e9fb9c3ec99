// Attributes beyond the built-in vocabulary, which the host supplies.

import PurserAttributes

public struct AttributeManifestDocument: Sendable {
  public struct Attribute: Sendable {
    public var name: String
    /// Where the name is written.
    public var position: Position
    public var type: AttributeType
    public var phase: AttributePhase = .request
  }

  public var identity: DocumentIdentity
  public var attributes: [Attribute] = []

  public init(identity: DocumentIdentity) { self.identity = identity }
}
