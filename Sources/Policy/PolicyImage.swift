// The policies of a plan as the request path reads them: flat records, immutable, in work order.
//
//   policies   sorted by namespace and name
//   rules      by policy, then by position
//   views      for the enforced verdict, and for the shadow verdict: which rules take part, by action
//
// A rule's number is its place in `rules`; since that order is the order in which reasons are reported, the first
// hit of a scan is the reason.

import CEL

public struct PolicyRecord: BitwiseCopyable {
  public var name: Bytes
  public var namespace: Bytes
  /// `name`, or `namespace/name` outside the namespace `default`.
  public var label: Bytes
  /// Which requests the policy is about; `noProgram` means all.
  public var match: UInt32
  public var matchGuard: Guard
  public var isConnectionPhase: Bool
  public var isShadow: Bool
}

public struct RuleRecord: BitwiseCopyable {
  public var policy: UInt32
  /// `noProgram` means that it always holds.
  public var when: UInt32
  public var action: Action
  /// An error of `when` makes the rule as if absent.
  public var skipsOnError: Bool
  public var isConnectionPhase: Bool
  public var name: Bytes
  public var file: Bytes
  public var line: UInt32
  /// HTTP status of a denial; 0 for the action's own.
  public var status: UInt32
  public var body: Bytes
  public var requestHeaders: HeaderRange
  /// Of the response when allowed; of a DENY rule, those of the local response.
  public var responseHeaders: HeaderRange
  /// Of a CUSTOM rule: those of the local response when its provider denies.
  public var denialHeaders: HeaderRange
  /// Of a CUSTOM rule: its number among those of the plan, in no order; else `noExternal`.
  public var external: UInt32

  public static var noExternal: UInt32 { UInt32.max }
}

public enum Action: UInt8, BitwiseCopyable, Sendable {
  case deny, allow, audit, custom

  public var name: StaticString {
    switch self {
    case .deny: "DENY"
    case .allow: "ALLOW"
    case .audit: "AUDIT"
    case .custom: "CUSTOM"
    }
  }
}

public struct HeaderChange: BitwiseCopyable {
  public var name: Bytes
  public var value: Bytes
  public var operation: Operation

  public init(_ operation: Operation, _ name: Bytes, _ value: Bytes = .empty) {
    self.operation = operation
    self.name = name
    self.value = value
  }

  /// The raw values are the C header's.
  public enum Operation: UInt32, BitwiseCopyable, Sendable {
    case set = 0
    case append = 1
    case remove = 2
    /// Only where there is none of that name.
    case setIfAbsent = 3
    /// Only where there is one of that name.
    case setIfPresent = 4
  }
}

public struct HeaderRange: BitwiseCopyable, Sendable {
  public var start: UInt32 = 0
  public var count: UInt32 = 0

  public init(start: UInt32 = 0, count: UInt32 = 0) {
    self.start = start
    self.count = count
  }
}

/// One rule of a view, with what a scan reads of it.
public struct RuleStep: BitwiseCopyable {
  public var rule: UInt32
  public var policy: UInt32
  public var match: UInt32
  public var when: UInt32
  /// Where the next policy's rules begin in the list.
  public var next: UInt32
  public var isConnectionPhase: Bool
  public var skipsOnError: Bool
  /// Of `when`.
  public var guardClause: Guard
  /// With these, if there are any, the guard is the whole condition.
  public var otherGuards: UnsafePointer<Guard>?
  public var otherGuardCount: UInt32
}

/// Rules in work order.
public struct RuleList: BitwiseCopyable {
  public var steps: UnsafePointer<RuleStep>
  public var count: UInt32
  /// Finds the steps that can be about a request.
  public var index: RuleIndex
}

/// The policies with ALLOW rules that have one `match`, word for word: it is asked once for all of them.
public struct MatchGroup: BitwiseCopyable {
  /// The first of them.
  public var policy: UInt32
  public var match: UInt32
  public var policyCount: UInt32
  public var isConnectionPhase: Bool
  /// The lowest numbers, in at least four places.
  public var policies: UnsafePointer<UInt32>
}

/// The rules that take part in one verdict.
public struct RuleView: BitwiseCopyable {
  public var denies: RuleList
  public var allows: RuleList
  /// What asks a provider when it holds, of the request phase.
  public var customs: RuleList
  /// Of the policies that have ALLOW rules; by their first policies.
  public var groups: UnsafePointer<MatchGroup>
  public var groupCount: UInt32
  public var groupIndex: RuleIndex
  /// Whether an ALLOW rule of the request phase exists: then a connection cannot be denied for want of one.
  public var hasRequestAllow: Bool
  /// The verdict when no ALLOW rule is about the request.
  public var defaultAllows: Bool
}

public struct PolicyImage: BitwiseCopyable {
  public static var noProgram: UInt32 { UInt32.max }

  public var policies: UnsafePointer<PolicyRecord>
  public var policyCount: UInt32
  public var rules: UnsafePointer<RuleRecord>
  public var ruleCount: UInt32
  public var headers: UnsafePointer<HeaderChange>
  public var enforced: UnsafePointer<RuleView>
  public var shadow: UnsafePointer<RuleView>
  public var audits: UnsafePointer<RuleList>
  public var hasShadow: Bool
  /// A check has more to do than the enforced verdict.
  public var hasMore: Bool
  /// Nothing is applied: the whole set is in Shadow mode.
  public var isSetShadow: Bool
}
