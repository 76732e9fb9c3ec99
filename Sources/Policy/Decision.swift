// What a check found. Trivial, and as large for a plan with one rule as for one with many: lists are capped, what
// is past the cap is counted. It refers to rules by number; the plan that decided gives them their text.

import CEL

public struct Decision: BitwiseCopyable {
  public var allows = false
  public var kind = ReasonKind.noPlan
  /// The rule of the reason, or `noRule`.
  public var rule = Decision.noRule
  /// Of `ruleError`: what went wrong. Of `noAllowRule`: what made the first erring ALLOW rule err, if any did.
  public var error = RuleError.none
  /// Of `noAllowRule`: the policies whose ALLOW rules were in force; `selectedCount` may be larger than the list.
  public var selected = PolicyNumbers()
  public var audits = RuleNumbers()
  public var errors = RuleErrors()
  /// Meaningful when `hasShadow`.
  public var hasShadow = false
  public var shadowAllows = false
  public var shadowRules = RuleNumbers()
  /// The CUSTOM rules that hold and whose providers must all allow, where everything else does; in work order.
  public var asked = RuleNumbers()
  /// The same of the shadow verdict.
  public var shadowAsked = RuleNumbers()

  public static var noRule: UInt32 { UInt32.max }

  public init() {}

  /// As new, without touching what the lists held.
  public mutating func reset() {
    allows = false
    kind = .noPlan
    rule = Decision.noRule
    error.rule = Decision.noRule
    selected.removeAll()
    audits.removeAll()
    errors.removeAll()
    hasShadow = false
    shadowAllows = false
    shadowRules.removeAll()
    asked.removeAll()
    shadowAsked.removeAll()
  }
}

/// The raw values are the C header's.
public enum ReasonKind: UInt32, BitwiseCopyable, Sendable {
  case rule = 1
  case ruleError = 2
  case noAllowRule = 3
  case defaultVerdict = 4
  case noPlan = 5
  /// A provider could not say, and its `failureMode` denies.
  case providerFailure = 6
}

public struct RuleError: BitwiseCopyable {
  public var rule: UInt32
  /// The error is the policy's `match`, not the rule's `when`.
  public var isOfMatch: Bool
  public var error: EvaluationError

  public init(rule: UInt32, isOfMatch: Bool, error: EvaluationError) {
    self.rule = rule
    self.isOfMatch = isOfMatch
    self.error = error
  }

  static var none: RuleError {
    RuleError(rule: Decision.noRule, isOfMatch: false, error: EvaluationError(.internalFailure))
  }
}

/// At most sixteen rule numbers.
public struct RuleNumbers: BitwiseCopyable {
  @inlinable public static var countMax: UInt32 { 16 }

  public private(set) var count: UInt32 = 0
  @usableFromInline var items: InlineArray<16, UInt32> = InlineArray(repeating: 0)

  init() {}

  public mutating func removeAll() { count = 0 }

  public mutating func append(_ rule: UInt32) {
    guard count < RuleNumbers.countMax else { return }
    items[Int(count)] = rule
    count &+= 1
  }

  @inlinable @inline(__always)
  public func item(_ index: UInt32) -> UInt32? {
    index < count && index < RuleNumbers.countMax ? items[Int(index)] : nil
  }
}

/// At most sixteen errors.
public struct RuleErrors: BitwiseCopyable {
  public private(set) var count: UInt32 = 0
  private var items: InlineArray<16, RuleError> = InlineArray(repeating: .none)

  init() {}

  mutating func removeAll() { count = 0 }

  public mutating func append(_ error: RuleError) {
    guard count < 16 else { return }
    items[Int(count)] = error
    count &+= 1
  }

  public func item(_ index: UInt32) -> RuleError? { index < count && index < 16 ? items[Int(index)] : nil }
}

/// At most four policy numbers, and how many there were.
public struct PolicyNumbers: BitwiseCopyable {
  public private(set) var count: UInt32 = 0
  private var items: InlineArray<4, UInt32> = InlineArray(repeating: 0)

  init() {}

  mutating func removeAll() { count = 0 }

  /// Adds `count` numbers, of which the first four, if there are so many, are given in ascending order; the lowest of all
  /// are kept. There are four places to read, whatever the count.
  mutating func merge(_ numbers: UnsafePointer<UInt32>, count added: UInt32) {
    // The usual case: one group of policies is about the request.
    if count == 0 {
      items[0] = numbers[0]
      items[1] = numbers[1]
      items[2] = numbers[2]
      items[3] = numbers[3]
      count = added
      return
    }
    mergeMore(numbers, count: added)
  }

  @inline(never)
  private mutating func mergeMore(_ numbers: UnsafePointer<UInt32>, count added: UInt32) {
    let old = items
    let oldCount = min(count, 4)
    var fromOld: UInt32 = 0
    var fromNew: UInt32 = 0
    var at = 0
    while at < 4 {
      let hasOld = fromOld < oldCount
      let hasNew = fromNew < added
      if hasOld, !hasNew || old[Int(fromOld)] <= numbers[Int(fromNew)] {
        items[at] = old[Int(fromOld)]
        fromOld &+= 1
      } else if hasNew {
        items[at] = numbers[Int(fromNew)]
        fromNew &+= 1
      } else {
        break
      }
      at &+= 1
    }
    count &+= added
  }

  public func item(_ index: UInt32) -> UInt32? { index < count && index < 4 ? items[Int(index)] : nil }
}
