// Everything one load found, each kind sorted by namespace and name, so that nothing depends on the order of files
// or of documents in them.
//
// A document with problems is here as far as it could be read, so that building goes on to find the problems of its
// expressions too. INVARIANT: no plan is made of a load whose `Problems.hasErrors`.

import CEL

public struct DocumentSet: Sendable {
  public var sources = SourceSet()
  public internal(set) var policies: [PolicyDocument] = []
  public internal(set) var telemetries: [TelemetryDocument] = []
  public internal(set) var backends: [BackendDocument] = []
  public internal(set) var valueLists: [ValueListDocument] = []
  public internal(set) var attributeManifests: [AttributeManifestDocument] = []
  public internal(set) var providers: [ProviderDocument] = []
  /// At most one.
  public internal(set) var policySet: PolicySetDocument?
  /// Files that value lists name, whether or not they could be read.
  var valueFiles: [String] = []

  init() {}

  var isEmpty: Bool {
    policies.isEmpty && telemetries.isEmpty && backends.isEmpty && valueLists.isEmpty && attributeManifests.isEmpty
      && providers.isEmpty && policySet == nil
  }

  mutating func sort() {
    policies = policies.ordered { DocumentIdentity.precedes($0.identity, $1.identity) }
    telemetries = telemetries.ordered { DocumentIdentity.precedes($0.identity, $1.identity) }
    backends = backends.ordered { DocumentIdentity.precedes($0.identity, $1.identity) }
    valueLists = valueLists.ordered { DocumentIdentity.precedes($0.identity, $1.identity) }
    attributeManifests = attributeManifests.ordered { DocumentIdentity.precedes($0.identity, $1.identity) }
    #if !hasFeature(Embedded)
      providers = providers.ordered { DocumentIdentity.precedes($0.identity, $1.identity) }
    #endif
  }
}
