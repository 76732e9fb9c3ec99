// PolicySet: what holds for all policies of a set.

extension DocumentReader {
  #if hasFeature(Embedded)
    private static let ofProviders: [Field] = []
  #else
    private static let ofProviders = [
      Field(
        "cacheLifetimeMax", .duration,
        "how long a CUSTOM rule may have an answer kept, `staleIfError` included; `10m` unless given")
    ]
  #endif

  static let policySetShape = ObjectShape(
    "policy set", "what holds for all policies of a set; at most one",
    [
      Field(
        "default", .word(DefaultVerdict.allCases.map { $0.rawValue }),
        "decides where no policy that selects the request has an ALLOW rule; `ALLOW` unless given"),
      Field("allowEmpty", .boolean, "whether a reload may leave no enforced policy; `false` unless given"),
      Field(
        "mode", .word(EnforcementMode.allCases.map { $0.rawValue }),
        "`Shadow` applies no policy; `Enforce` unless given"),
      Field(
        "pathNormalization", .word(PathNormalizationChoice.allCases.map { $0.rawValue }),
        "how `request.url_path` is made from `request.path`; `MERGE_SLASHES` unless given"),
    ] + ofProviders)

  mutating func readPolicySet(_ spec: NodeID?, _ identity: DocumentIdentity) {
    var set = PolicySetDocument(identity: identity)
    set.defaultVerdict = tree.word("default", of: spec, as: DefaultVerdict.self) ?? .allow
    set.allowEmpty = tree.boolean("allowEmpty", of: spec) ?? false
    set.mode = tree.word("mode", of: spec, as: EnforcementMode.self) ?? .enforce
    set.pathNormalization = tree.word("pathNormalization", of: spec, as: PathNormalizationChoice.self) ?? .mergeSlashes
    #if !hasFeature(Embedded)
      set.cacheLifetimeMax = tree.duration("cacheLifetimeMax", of: spec)
    #endif
    documents.policySet = set
  }
}
