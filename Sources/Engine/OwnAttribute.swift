// What Purser itself says about a request: readable in Telemetry documents only, after the check.

import CEL

/// The raw values are variable numbers, between those of the well-known attributes and of the custom ones.
public enum OwnAttribute: UInt32, Sendable, CaseIterable {
  case verdict = 3840
  case policy, rule, reason, audit, cached, shadowVerdict, plan

  public var name: String {
    switch self {
    case .verdict: "purser.verdict"
    case .policy: "purser.policy"
    case .rule: "purser.rule"
    case .reason: "purser.reason"
    case .audit: "purser.audit"
    case .cached: "purser.cached"
    case .shadowVerdict: "purser.shadow_verdict"
    case .plan: "purser.plan"
    }
  }
}

/// A ValueList is an opaque variable; its number is this plus its place in `Plan.valueSets`.
public enum ListVariable {
  public static let first: UInt32 = 1 << 24
  /// The external function `value in list`.
  public static let function: UInt32 = 0

  /// What an expression sees of the list: its number, for that function.
  public static func value(_ number: UInt32) -> Value { Value(kind: .opaque, payload: UInt64(number &- first)) }
}
