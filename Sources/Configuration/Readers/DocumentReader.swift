// One file's documents to the model: what all kinds have in common (apiVersion, kind, metadata), then the reader of
// the kind. Problems are collected and reading goes on with the next field, the next document.

struct DocumentReader {
  static let apiVersion = "purser.dev/v1alpha1"

  let tree: YamlTree
  let text: UnsafeBufferPointer<UInt8>
  /// The folder that relative paths start from; nil for an inline document.
  let folder: String?
  /// Which part of the source is read.
  var origin: DocumentOrigin
  var problems: Problems
  var documents: DocumentSet
  var identities: IdentityTable

  /// Kubernetes' own fields are accepted and mean nothing here: a document may come straight from its API.
  static let metadataShape = ObjectShape(
    "document's metadata", "what the document is called",
    [
      Field("name", .text(.objectName), required: true, "unique among the documents of a kind and namespace"),
      Field("namespace", .text(.namespace), "`default` unless given"),
      Field("labels", .anything, "not read"),
      Field("annotations", .anything, "not read"),
    ]
      + [
        "uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp",
        "deletionGracePeriodSeconds", "managedFields", "ownerReferences", "finalizers", "generateName", "selfLink",
      ].map { Field($0, .anything, "set by a Kubernetes API server; not read") })

  static func documentShape(of kind: DocumentKind) -> ObjectShape {
    ObjectShape(
      "document", specShape(of: kind).summary,
      [
        Field("apiVersion", .word([apiVersion]), required: true, "the version of this format"),
        Field("kind", .word([kind.rawValue]), required: true, "what the document describes"),
        Field("metadata", .object(metadataShape), required: true, metadataShape.summary),
        Field("spec", .object(specShape(of: kind)), required: true, specShape(of: kind).summary),
        Field("status", .anything, "set by a Kubernetes controller; not read"),
      ])
  }

  static func specShape(of kind: DocumentKind) -> ObjectShape {
    switch kind {
    case .policy: return policyShape
    case .telemetry: return telemetryShape
    case .backend: return backendShape
    case .valueList: return valueListShape
    case .attributeManifest: return attributeManifestShape
    case .policySet: return policySetShape
    #if hasFeature(Embedded)
      case .provider: return ObjectShape("provider", "an external service that a rule asks", [])
    #else
      case .provider: return providerShape
    #endif
    }
  }

  mutating func read(_ root: NodeID) {
    let node = tree[root]
    // `---` with nothing after it, or only comments.
    if node.kind == .scalar, case .null = tree.meaning(of: root) { return }
    guard node.kind == .mapping else {
      problems.error(
        at: tree.position(of: root), "expected a document with `apiVersion`, `kind`, `metadata` and `spec`")
      return
    }
    guard let kind = kind(of: root) else { return }
    #if hasFeature(Embedded)
      if kind == .provider {
        problems.error(at: place(of: "kind", in: root), "this flavour of the library has no providers")
        return
      }
    #endif
    check(root, is: .object(DocumentReader.documentShape(of: kind)), called: "document")
    guard let identity = identity(of: root, kind) else { return }
    guard identities.add(identity, problems: &problems, sources: documents.sources) else { return }
    let spec = tree.field("spec", of: root)
    switch kind {
    case .policy: readPolicy(spec, identity)
    case .telemetry: readTelemetry(spec, identity)
    case .backend: readBackend(spec, identity)
    case .valueList: readValueList(spec, identity)
    case .attributeManifest: readAttributeManifest(spec, identity)
    case .policySet: readPolicySet(spec, identity)
    #if hasFeature(Embedded)
      case .provider: return
    #else
      case .provider: readProvider(spec, identity)
    #endif
    }
  }

  /// The kind, when apiVersion and kind are ours; otherwise nothing else of the document would make sense.
  private mutating func kind(of root: NodeID) -> DocumentKind? {
    guard let version = tree.field("apiVersion", of: root) else {
      problems.error(
        at: tree.position(of: root), "a document needs `apiVersion: \(DocumentReader.apiVersion)`")
      return nil
    }
    let word = tree.string(of: version)
    guard word == DocumentReader.apiVersion else {
      problems.error(
        at: tree.position(of: version),
        "unknown apiVersion \(quoted(word)), expected `\(DocumentReader.apiVersion)`")
      return nil
    }
    guard let id = tree.field("kind", of: root) else {
      problems.error(at: tree.position(of: root), "a document needs `kind`")
      return nil
    }
    let name = tree.string(of: id)
    if let kind = DocumentKind(rawValue: name) { return kind }
    let known = DocumentKind.allCases.map { $0.rawValue }
    let hint = suggestion(for: name, among: known)
    problems.error(
      at: tree.position(of: id),
      "unknown kind \(quoted(name))" + (hint.isEmpty ? ": it is one of " + list(known) : hint))
    return nil
  }

  private func identity(of root: NodeID, _ kind: DocumentKind) -> DocumentIdentity? {
    let metadata = tree.field("metadata", of: root)
    guard let name = tree.field("name", of: metadata), let text = tree.text(name) else { return nil }
    return DocumentIdentity(
      kind: kind, namespace: tree.text("namespace", of: metadata) ?? DocumentIdentity.defaultNamespace, name: text,
      position: tree.position(of: name))
  }

  // MARK: what the kinds' readers share

  mutating func check(_ id: NodeID, is shape: Shape, called name: String) {
    var checker = ShapeCheck(tree: tree, problems: problems)
    checker.check(id, is: shape, called: name)
    problems = checker.problems
  }

  func expression(_ name: String, of id: NodeID?) -> ExpressionSource? {
    tree.field(name, of: id).flatMap(expression)
  }

  func expression(_ id: NodeID) -> ExpressionSource? {
    guard tree[id].kind == .scalar, !tree.bytes(of: id).isEmpty else { return nil }
    return ExpressionSource(id, of: tree, in: text)
  }

  func namedExpressions(_ name: String, of id: NodeID) -> [NamedExpression] {
    tree.entries(name, of: id).compactMap { key, value in
      expression(value).map {
        NamedExpression(name: tree.string(of: key), position: tree.position(of: key), expression: $0)
      }
    }
  }

  func writtenItems(_ name: String, of id: NodeID?) -> [WrittenText] {
    tree.items(name, of: id).compactMap(tree.written)
  }

  func reference(_ id: NodeID, from identity: DocumentIdentity) -> DocumentReference? {
    guard let text = tree.text(id) else { return nil }
    let parts = text.utf8.split(separator: UInt8(ascii: "/"), maxSplits: 1)
    guard let last = parts.last, let first = parts.first else { return nil }
    return DocumentReference(
      namespace: parts.count == 2 ? String(decoding: first, as: UTF8.self) : identity.namespace,
      name: String(decoding: last, as: UTF8.self), position: tree.position(of: id))
  }

  func references(_ name: String, of id: NodeID, from identity: DocumentIdentity) -> [DocumentReference] {
    tree.items(name, of: id).compactMap { reference($0, from: identity) }
  }

  /// Where a field of a mapping is written, or the mapping when it has no such field.
  func place(of field: String, in id: NodeID) -> Position {
    tree.field(field, of: id).map { tree.position(of: $0) } ?? tree.position(of: id)
  }

  /// Names that must differ within one document.
  mutating func refuseDuplicate(_ name: String, _ noun: String, at position: Position, seen: inout [String: Position]) {
    if let first = seen[name] {
      problems.error(
        at: position, "duplicate \(noun) name \(quoted(name)): it is also in line \(first.line)")
    } else {
      seen[name] = position
    }
  }
}

func list(_ words: [String]) -> String { words.map { "`\($0)`" }.joined(separator: ", ") }

/// Which documents a load has had, and where.
struct IdentityTable {
  private var places: [String: Position] = [:]
  private var policySet: Position?

  /// False for the second of two documents that are the same.
  mutating func add(_ identity: DocumentIdentity, problems: inout Problems, sources: SourceSet) -> Bool {
    let key = identity.kind.rawValue + "/" + identity.path
    if let first = places[key] {
      problems.error(
        at: identity.position,
        "\(identity.kind.rawValue) \(quoted(identity.path)) is defined twice, first at \(described(first, sources))")
      return false
    }
    places[key] = identity.position
    guard identity.kind == .policySet else { return true }
    if let first = policySet {
      problems.error(
        at: identity.position,
        "a second PolicySet: there is at most one, and the first is at \(described(first, sources))")
      return false
    }
    policySet = identity.position
    return true
  }

  private func described(_ position: Position, _ sources: SourceSet) -> String {
    "\(printable(sources.name(of: position))):\(position.line):\(position.column)"
  }
}
