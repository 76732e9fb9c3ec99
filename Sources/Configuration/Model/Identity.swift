// What a document is, and how it is found: by kind, namespace and name, never by its place in a file.

public enum DocumentKind: String, Sendable, CaseIterable {
  case policy = "Policy"
  case telemetry = "Telemetry"
  case backend = "Backend"
  case valueList = "ValueList"
  case attributeManifest = "AttributeManifest"
  case policySet = "PolicySet"
  case provider = "Provider"
}

public struct DocumentIdentity: Sendable {
  public static let defaultNamespace = "default"

  public var kind: DocumentKind
  public var namespace: String
  public var name: String
  /// Where the name is written.
  public var position: Position

  public init(kind: DocumentKind, namespace: String = defaultNamespace, name: String, position: Position) {
    self.kind = kind
    self.namespace = namespace
    self.name = name
    self.position = position
  }

  /// `namespace/name`.
  public var path: String { namespace + "/" + name }

  /// By kind, namespace and name in byte order: the order in which documents are kept and reasons reported.
  public static func precedes(_ a: DocumentIdentity, _ b: DocumentIdentity) -> Bool {
    if a.kind != b.kind { return bytesPrecede(a.kind.rawValue, b.kind.rawValue) }
    if a.namespace != b.namespace { return bytesPrecede(a.namespace, b.namespace) }
    return bytesPrecede(a.name, b.name)
  }
}

func bytesPrecede(_ a: String, _ b: String) -> Bool { a.utf8.lexicographicallyPrecedes(b.utf8) }

/// One document's naming of another: `name`, of the same namespace, or `namespace/name`.
public struct DocumentReference: Sendable {
  public var namespace: String
  public var name: String
  public var position: Position

  public init(namespace: String, name: String, position: Position) {
    self.namespace = namespace
    self.name = name
    self.position = position
  }
}

/// A map's entry, a list's item: text that was written somewhere.
public struct WrittenText: Sendable {
  public var text: String
  public var position: Position

  public init(text: String, position: Position) {
    self.text = text
    self.position = position
  }
}

/// `name: expression` of a map that keeps its order: labels, log fields.
public struct NamedExpression: Sendable {
  public var name: String
  /// Where the name is written.
  public var position: Position
  public var expression: ExpressionSource

  public init(name: String, position: Position, expression: ExpressionSource) {
    self.name = name
    self.position = position
    self.expression = expression
  }
}
