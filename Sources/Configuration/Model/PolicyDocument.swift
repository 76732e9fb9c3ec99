// A policy: which requests it is about, and its rules.

import PurserEngine

public enum EnforcementMode: String, Sendable, CaseIterable {
  case enforce = "Enforce"
  case shadow = "Shadow"
}

public enum AttributePhase: String, Sendable, CaseIterable {
  case connection, request, response
}

public struct PolicyDocument: Sendable {
  public var identity: DocumentIdentity
  public var mode: EnforcementMode = .enforce
  /// `connection` or `request`.
  public var phase: AttributePhase = .request
  /// Nil selects every request.
  public var match: ExpressionSource?
  /// The policy that this shadow policy stands in for.
  public var replaces: DocumentReference?
  public var rules: [RuleDocument] = []
  var origin: DocumentOrigin
  /// What the plan before has of the same document: it was not read, and has neither `match` nor rules here.
  var unit: PolicyUnit?

  public init(identity: DocumentIdentity) {
    self.identity = identity
    origin = DocumentOrigin(source: identity.position.source)
  }
}

/// Which part of a source a document is.
struct DocumentOrigin: Sendable {
  var source: Int32
  /// Of its first line.
  var line: UInt32 = 1
  /// In its source, where it was found by itself.
  var range = 0..<0
  /// Of its bytes; nil where it was not read by itself.
  var digest: DocumentDigest?
  var nodeCount = 0
  var weight: UInt32 = 0
}

public enum RuleAction: String, Sendable, CaseIterable {
  case allow = "ALLOW"
  case deny = "DENY"
  case audit = "AUDIT"
  case custom = "CUSTOM"
  case limit = "LIMIT"
}

public enum ErrorTreatment: String, Sendable, CaseIterable {
  /// An error of `when` denies (on AUDIT it only counts).
  case deny
  /// The rule is as if absent.
  case skip
}

public struct RuleDocument: Sendable {
  public var name: String
  /// Where the name is written.
  public var position: Position
  public var action: RuleAction
  /// Nil always holds.
  public var when: ExpressionSource?
  public var onError: ErrorTreatment = .deny
  /// What an ALLOW or CUSTOM rule that decides does to the request on its way in, and to the response on its way out.
  public var requestHeaders = HeaderChanges()
  public var responseHeaders = HeaderChanges()
  /// What a DENY, CUSTOM or LIMIT rule that denies answers.
  public var response: DenyResponse?
  public var provider: DocumentReference?
  public var cache: CacheBlock?
  public var quota: QuotaBlock?

  public init(name: String, position: Position, action: RuleAction) {
    self.name = name
    self.position = position
    self.action = action
  }
}

public struct HeaderField: Sendable {
  /// Lower case.
  public var name: String
  public var value: String
  public var position: Position
}

public struct HeaderChanges: Sendable {
  public var set: [HeaderField] = []
  public var append: [HeaderField] = []
  public var remove: [WrittenText] = []

  public init() {}

  public var isEmpty: Bool { self.set.isEmpty && append.isEmpty && remove.isEmpty }
}

public struct DenyResponse: Sendable {
  /// Nil is what the action answers by itself: 403, or 429 for LIMIT.
  public var status: UInt16?
  public var headers: [HeaderField] = []
  public var body: String?

  public init() {}
}

#if hasFeature(Embedded)
  /// The small flavour asks nobody.
  public struct CacheBlock: Sendable {}
  public struct QuotaBlock: Sendable {}
#else
  /// Lengths of time are in nanoseconds.
  public struct CacheBlock: Sendable {
    public var position: Position
    public var ttl: Int64
    public var denyTTL: Int64?
    public var staleIfError: Int64?
    /// Header changes of an answer that are made, kept or not.
    public var headers: [WrittenText] = []
    /// Attributes that tell answers apart, besides those that the rule and its provider read.
    public var varyBy: [WrittenText] = []
    /// Attributes by which answers can be purged.
    public var purgeBy: [WrittenText] = []
  }

  public struct QuotaBlock: Sendable {
    public var position: Position
    public var key: [ExpressionSource]
    public var limit: Int64
    /// Nanoseconds.
    public var per: Int64
    public var burst: Int64?
  }
#endif
