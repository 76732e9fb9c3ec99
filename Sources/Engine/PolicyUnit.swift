// One Policy document, compiled: all that a plan needs of it. Immutable and shared by reference, so that the next plan of the
// same documents takes it as it is. What would differ from plan to plan is not in it:
//
//   numbers of slots, programs       the fragment's own; linking gives them their numbers in the plan
//   the file, and lines before it    lines count from the document's first line, which is 0
//   contents of value lists          clauses only name the list
//
// Everything that it points to lies in its fragment's memory.

import CEL
import PurserPolicy

/// A place in one document.
public struct UnitPlace: BitwiseCopyable, Sendable {
  /// From the document's first line, which is 0.
  public var line: UInt32
  public var column: UInt32

  public init(line: UInt32, column: UInt32) {
    self.line = line
    self.column = column
  }
}

/// An attribute that some condition reads, and where first.
public struct UnitNeed: BitwiseCopyable, Sendable {
  /// The plan's number.
  public var attribute: UInt32
  public var place: UnitPlace

  public init(attribute: UInt32, place: UnitPlace) {
    self.attribute = attribute
    self.place = place
  }
}

public struct UnitWarning: Sendable {
  public var place: UnitPlace
  public var message: String

  public init(place: UnitPlace, message: String) {
    self.place = place
    self.message = message
  }
}

#if hasFeature(Embedded)
  /// The small flavour asks nobody.
  public struct ExternalDraft: Sendable {}
#else
  /// A CUSTOM rule, before it is known whether there is such a provider.
  public struct ExternalDraft: Sendable {
    public var name: String
    /// `namespace/name`.
    public var provider: String
    public var providerPlace: UnitPlace
    /// The text of `when`.
    public var condition: [UInt8]
    /// What `when` reads.
    public var slots: [SlotDefinition]
    public var cache: CacheDraft?

    public init(
      name: String, provider: String, providerPlace: UnitPlace, condition: [UInt8], slots: [SlotDefinition],
      cache: CacheDraft?
    ) {
      self.name = name
      self.provider = provider
      self.providerPlace = providerPlace
      self.condition = condition
      self.slots = slots
      self.cache = cache
    }
  }

  /// How the rule's answers are kept, as it is written. Times are in nanoseconds.
  public struct CacheDraft: Sendable {
    public var place: UnitPlace
    public var ttl: Int64
    public var denyTTL: Int64
    public var staleFor: Int64
    public var headers: [String]
    public var varyBy: [(text: String, place: UnitPlace)]
    public var purgeBy: [(text: String, place: UnitPlace)]

    public init(
      place: UnitPlace, ttl: Int64, denyTTL: Int64, staleFor: Int64, headers: [String],
      varyBy: [(text: String, place: UnitPlace)], purgeBy: [(text: String, place: UnitPlace)]
    ) {
      self.place = place
      self.ttl = ttl
      self.denyTTL = denyTTL
      self.staleFor = staleFor
      self.headers = headers
      self.varyBy = varyBy
      self.purgeBy = purgeBy
    }
  }
#endif

public final class PolicyUnit: @unchecked Sendable {
  /// Of the document as it is written; nil for what must be compiled anew each time.
  public let digest: DocumentDigest?
  public let fragment: CodeFragment
  /// With the fragment's numbers of programs and slots.
  public let match: UInt32
  public let matchText: Bytes?
  public let matchConstant: Bool?
  public let matchClauses: UnsafeBufferPointer<ClauseDraft>
  public let rules: UnsafeBufferPointer<RuleDraft>
  /// Of the CUSTOM rules, in their order.
  public let externals: [ExternalDraft]
  /// `namespace/name`.
  public let path: Bytes
  public let pathPlace: UnitPlace
  public let isConnectionPhase: Bool
  public let isShadow: Bool
  public let replaces: (path: Bytes, place: UnitPlace)?
  public let needs: UnsafeBufferPointer<UnitNeed>
  /// The first of them.
  public let warnings: [UnitWarning]
  public let warningCount: Int
  /// The first condition that may have a pattern.
  public let patternPlace: UnitPlace?
  /// What the document counts for against the limits of its file.
  public let nodeCount: Int
  public let weight: UInt32

  public init(
    digest: DocumentDigest?, fragment: CodeFragment, match: UInt32, matchText: Bytes?, matchConstant: Bool?,
    matchClauses: UnsafeBufferPointer<ClauseDraft>, rules: UnsafeBufferPointer<RuleDraft>,
    externals: [ExternalDraft], path: Bytes,
    pathPlace: UnitPlace, isConnectionPhase: Bool, isShadow: Bool, replaces: (path: Bytes, place: UnitPlace)?,
    needs: UnsafeBufferPointer<UnitNeed>, warnings: [UnitWarning], warningCount: Int, patternPlace: UnitPlace?,
    nodeCount: Int, weight: UInt32
  ) {
    self.digest = digest
    self.fragment = fragment
    self.match = match
    self.matchText = matchText
    self.matchConstant = matchConstant
    self.matchClauses = matchClauses
    self.rules = rules
    self.externals = externals
    self.path = path
    self.pathPlace = pathPlace
    self.isConnectionPhase = isConnectionPhase
    self.isShadow = isShadow
    self.replaces = replaces
    self.needs = needs
    self.warnings = warnings
    self.warningCount = warningCount
    self.patternPlace = patternPlace
    self.nodeCount = nodeCount
    self.weight = weight
  }
}

/// SHA-256.
public struct DocumentDigest: BitwiseCopyable, Equatable, Sendable {
  public var words: (UInt64, UInt64, UInt64, UInt64)

  public init(_ first: UInt64, _ second: UInt64, _ third: UInt64, _ fourth: UInt64) {
    words = (first, second, third, fourth)
  }

  public static func == (a: DocumentDigest, b: DocumentDigest) -> Bool {
    a.words.0 == b.words.0 && a.words.1 == b.words.1 && a.words.2 == b.words.2 && a.words.3 == b.words.3
  }

  /// Some order.
  public static func precedes(_ a: DocumentDigest, _ b: DocumentDigest) -> Bool {
    if a.words.0 != b.words.0 { return a.words.0 < b.words.0 }
    if a.words.1 != b.words.1 { return a.words.1 < b.words.1 }
    if a.words.2 != b.words.2 { return a.words.2 < b.words.2 }
    return a.words.3 < b.words.3
  }
}

/// What a plan is made of, for the next plan to take what it can: the policies in work order, and a digest of everything else
/// that they were compiled against.
public struct PlanParts: Sendable {
  public var environment: DocumentDigest
  public var units: [PolicyUnit]

  public init(environment: DocumentDigest, units: [PolicyUnit]) {
    self.environment = environment
    self.units = units
  }
}
