// What holds for all policies of a set. A set without this document has these defaults.

public enum DefaultVerdict: String, Sendable, CaseIterable {
  case allow = "ALLOW"
  case deny = "DENY"
}

public enum PathNormalizationChoice: String, Sendable, CaseIterable {
  case none = "NONE"
  case base = "BASE"
  case mergeSlashes = "MERGE_SLASHES"
  case decodeAndMergeSlashes = "DECODE_AND_MERGE_SLASHES"
}

public struct PolicySetDocument: Sendable {
  public var identity: DocumentIdentity
  /// Decides where no policy that selects the request has an ALLOW rule.
  public var defaultVerdict: DefaultVerdict = .allow
  /// Whether a reload may leave the set without any enforced policy.
  public var allowEmpty = false
  public var mode: EnforcementMode = .enforce
  public var pathNormalization: PathNormalizationChoice = .mergeSlashes
  /// How long a provider's answer may be kept at most, nanoseconds.
  public var cacheLifetimeMax: Int64?

  public init(identity: DocumentIdentity) { self.identity = identity }
}
