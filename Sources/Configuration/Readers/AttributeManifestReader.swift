// AttributeManifest: names, types and phases of the host's own attributes.

import PurserAttributes

extension DocumentReader {
  private static let attributeShape = ObjectShape(
    "attribute", "a fact about a request that the host supplies",
    [
      Field(
        "type", .word(AttributeType.allCases.map { $0.rawValue }), required: true, "the type in expressions"),
      Field(
        "phase", .word(AttributePhase.allCases.map { $0.rawValue }), "when the value is known; `request` unless given"),
    ])

  static let attributeManifestShape = ObjectShape(
    "attribute manifest", "attributes beyond the built-in ones",
    [
      Field(
        "attributes", .map(.attributeName, .object(attributeShape)), required: true, "attributes by their dotted names")
    ])

  mutating func readAttributeManifest(_ spec: NodeID?, _ identity: DocumentIdentity) {
    var manifest = AttributeManifestDocument(identity: identity)
    for (key, value) in tree.entries("attributes", of: spec) {
      guard let type = tree.word("type", of: value, as: AttributeType.self) else { continue }
      manifest.attributes.append(
        AttributeManifestDocument.Attribute(
          name: tree.string(of: key), position: tree.position(of: key), type: type,
          phase: tree.word("phase", of: value, as: AttributePhase.self) ?? .request))
    }
    documents.attributeManifests.append(manifest)
  }
}
