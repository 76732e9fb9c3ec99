// From an evaluation of one request to a decision: DESIGN's verdict, in its work order.
//
//   DENY    the first that holds, else the first that errs, denies
//   ALLOW   if any is in force, one must hold; else the default decides
//   AUDIT   all are evaluated, whatever was decided
//   shadow  the same over the shadow view
//
// What a rule or a `match` evaluated to is remembered for the call, so the shadow view costs only its own rules.

import CEL

/// What a condition came to.
public enum Outcome: UInt32, BitwiseCopyable, Sendable {
  case fails = 1
  case holds = 2
  case errs = 3
}

/// The worker's memory for one call; raw, reused, sized by the largest plan it has met.
///
/// A state is `generation << 2 | outcome`: raising the generation forgets them all.
public struct DeciderMemory: BitwiseCopyable {
  public var ruleStates: UnsafeMutablePointer<UInt32>
  public var matchStates: UnsafeMutablePointer<UInt32>
  public var ruleErrors: UnsafeMutablePointer<EvaluationError>
  public var matchErrors: UnsafeMutablePointer<EvaluationError>
  public var generation: UInt32

  public init(
    ruleStates: UnsafeMutablePointer<UInt32>, matchStates: UnsafeMutablePointer<UInt32>,
    ruleErrors: UnsafeMutablePointer<EvaluationError>, matchErrors: UnsafeMutablePointer<EvaluationError>,
    generation: UInt32
  ) {
    self.ruleStates = ruleStates
    self.matchStates = matchStates
    self.ruleErrors = ruleErrors
    self.matchErrors = matchErrors
    self.generation = generation
  }
}

public struct Decider {
  let image: UnsafePointer<PolicyImage>
  let evaluation: Evaluation.Pointer
  let memory: DeciderMemory
  /// What was found at the connection's check, or nil.
  let connection: UnsafePointer<ConnectionFindings>?
  /// Only policies of the connection phase are evaluated.
  let isConnectionCheck: Bool

  public init(
    image: UnsafePointer<PolicyImage>, evaluation: Evaluation.Pointer, memory: DeciderMemory,
    connection: UnsafePointer<ConnectionFindings>?, isConnectionCheck: Bool
  ) {
    self.image = image
    self.evaluation = evaluation
    self.memory = memory
    self.connection = connection
    self.isConnectionCheck = isConnectionCheck
  }

  public func decide(into decision: UnsafeMutablePointer<Decision>) {
    let verdict = verdict(of: image.pointee.enforced, noting: decision)
    decision.pointee.allows = verdict.allows
    decision.pointee.kind = verdict.kind
    decision.pointee.rule = verdict.rule
    audit(into: decision)
    if image.pointee.hasShadow { shadow(into: decision) }
  }

  struct Verdict {
    var allows: Bool
    var kind: ReasonKind
    var rule: UInt32
  }

  /// With `decision`, errors and the policies in force are noted there.
  private func verdict(of view: RuleView, noting decision: UnsafeMutablePointer<Decision>?) -> Verdict {
    if let denial = denial(of: view, noting: decision) { return denial }
    return admission(of: view, noting: decision)
  }

  private func denial(of view: RuleView, noting decision: UnsafeMutablePointer<Decision>?) -> Verdict? {
    var erring = Decision.noRule
    var index: UInt32 = 0
    while index < view.denies.count {
      let rule = view.denies.rules[Int(index)]
      index &+= 1
      let record = image.pointee.rules + Int(rule)
      if isConnectionCheck, !record.pointee.isConnectionPhase { continue }
      switch match(record.pointee.policy) {
      case .fails: continue
      case .errs:
        if erring == Decision.noRule { erring = rule }
        note(rule, isOfMatch: true, decision)
      case .holds:
        switch outcome(rule) {
        case .holds: return Verdict(allows: false, kind: .rule, rule: rule)
        case .fails: continue
        case .errs:
          if record.pointee.skipsOnError { continue }
          note(rule, isOfMatch: false, decision)
          if erring == Decision.noRule { erring = rule }
        }
      }
    }
    guard erring != Decision.noRule else { return nil }
    decision?.pointee.error = error(of: erring)
    return Verdict(allows: false, kind: .ruleError, rule: erring)
  }

  private func admission(of view: RuleView, noting decision: UnsafeMutablePointer<Decision>?) -> Verdict {
    // A connection is denied only when every request on it would be.
    if isConnectionCheck, view.hasRequestAllow {
      return Verdict(allows: true, kind: .defaultVerdict, rule: Decision.noRule)
    }
    var isInForce = false
    var lastPolicy = UInt32.max
    var index: UInt32 = 0
    while index < view.allows.count {
      let rule = view.allows.rules[Int(index)]
      index &+= 1
      let record = image.pointee.rules + Int(rule)
      let policy = record.pointee.policy
      let matched = match(policy)
      if matched == .fails { continue }
      isInForce = true
      if policy != lastPolicy {
        decision?.pointee.selected.append(policy)
        lastPolicy = policy
      }
      if matched == .errs {
        note(rule, isOfMatch: true, decision)
        noteAllowError(rule, decision)
        continue
      }
      switch outcome(rule) {
      case .holds: return Verdict(allows: true, kind: .rule, rule: rule)
      case .fails: continue
      case .errs:
        note(rule, isOfMatch: false, decision)
        noteAllowError(rule, decision)
      }
    }
    if isInForce { return Verdict(allows: false, kind: .noAllowRule, rule: Decision.noRule) }
    return Verdict(allows: view.defaultAllows, kind: .defaultVerdict, rule: Decision.noRule)
  }

  private func audit(into decision: UnsafeMutablePointer<Decision>) {
    let audits = image.pointee.audits
    var index: UInt32 = 0
    while index < audits.count {
      let rule = audits.rules[Int(index)]
      index &+= 1
      let record = image.pointee.rules + Int(rule)
      if isConnectionCheck, !record.pointee.isConnectionPhase { continue }
      switch match(record.pointee.policy) {
      case .fails: continue
      case .errs: note(rule, isOfMatch: true, decision)
      case .holds:
        switch outcome(rule) {
        case .holds: decision.pointee.audits.append(rule)
        case .fails: continue
        case .errs:
          // An error of an AUDIT rule only counts; one that is skipped does not even do that.
          if !record.pointee.skipsOnError { note(rule, isOfMatch: false, decision) }
        }
      }
    }
  }

  private func shadow(into decision: UnsafeMutablePointer<Decision>) {
    let verdict = verdict(of: image.pointee.shadow, noting: nil)
    decision.pointee.hasShadow = true
    decision.pointee.shadowAllows = verdict.allows
    guard verdict.allows != decision.pointee.allows else { return }
    // The rules of Shadow policies that decide the shadow verdict's way: those that deny, those that allow, or, where
    // an ALLOW rule is wanting, those that could have allowed.
    let view = image.pointee.shadow
    let isWanting = verdict.kind == .noAllowRule
    let list = verdict.allows || isWanting ? view.allows : view.denies
    var index: UInt32 = 0
    while index < list.count {
      let rule = list.rules[Int(index)]
      index &+= 1
      let record = image.pointee.rules + Int(rule)
      if isConnectionCheck, !record.pointee.isConnectionPhase { continue }
      guard image.pointee.policies[Int(record.pointee.policy)].isShadow || image.pointee.isSetShadow else { continue }
      let matched = match(record.pointee.policy)
      if matched == .fails { continue }
      let found = matched == .errs ? .errs : outcome(rule)
      let denies = record.pointee.action == .deny && found == .errs && !(record.pointee.skipsOnError && matched == .holds)
      if found == .holds || denies || isWanting { decision.pointee.shadowRules.append(rule) }
    }
  }

  private func note(_ rule: UInt32, isOfMatch: Bool, _ decision: UnsafeMutablePointer<Decision>?) {
    guard let decision else { return }
    decision.pointee.errors.append(error(of: rule, isOfMatch: isOfMatch))
  }

  private func noteAllowError(_ rule: UInt32, _ decision: UnsafeMutablePointer<Decision>?) {
    guard let decision, decision.pointee.error.rule == Decision.noRule else { return }
    decision.pointee.error = error(of: rule)
  }

  private func error(of rule: UInt32) -> RuleError {
    let policy = image.pointee.rules[Int(rule)].policy
    return error(of: rule, isOfMatch: match(policy) == .errs)
  }

  private func error(of rule: UInt32, isOfMatch: Bool) -> RuleError {
    let policy = image.pointee.rules[Int(rule)].policy
    return RuleError(
      rule: rule, isOfMatch: isOfMatch,
      error: isOfMatch ? memory.matchErrors[Int(policy)] : memory.ruleErrors[Int(rule)])
  }
}

// Evaluating a condition once.
extension Decider {
  @inline(__always)
  func match(_ policy: UInt32) -> Outcome {
    let program = image.pointee.policies[Int(policy)].match
    if program == PolicyImage.noProgram { return .holds }
    let state = memory.matchStates[Int(policy)]
    if state >> 2 == memory.generation, let outcome = Outcome(rawValue: state & 3) { return outcome }
    return evaluateMatch(policy, program)
  }

  private func evaluateMatch(_ policy: UInt32, _ program: UInt32) -> Outcome {
    if image.pointee.policies[Int(policy)].isConnectionPhase, let connection,
      let known = connection.pointee.matchOutcome(policy)
    {
      memory.matchStates[Int(policy)] = memory.generation << 2 | known.rawValue
      return known
    }
    let value = evaluate(program, evaluation)
    let outcome = outcome(of: value)
    if outcome == .errs { memory.matchErrors[Int(policy)] = failure(value) }
    memory.matchStates[Int(policy)] = memory.generation << 2 | outcome.rawValue
    return outcome
  }

  @inline(__always)
  func outcome(_ rule: UInt32) -> Outcome {
    let program = image.pointee.rules[Int(rule)].when
    if program == PolicyImage.noProgram { return .holds }
    let state = memory.ruleStates[Int(rule)]
    if state >> 2 == memory.generation, let outcome = Outcome(rawValue: state & 3) { return outcome }
    return evaluateRule(rule, program)
  }

  private func evaluateRule(_ rule: UInt32, _ program: UInt32) -> Outcome {
    if image.pointee.rules[Int(rule)].isConnectionPhase, let connection,
      let known = connection.pointee.ruleOutcome(rule)
    {
      memory.ruleStates[Int(rule)] = memory.generation << 2 | known.rawValue
      return known
    }
    let value = evaluate(program, evaluation)
    let outcome = outcome(of: value)
    if outcome == .errs { memory.ruleErrors[Int(rule)] = failure(value) }
    memory.ruleStates[Int(rule)] = memory.generation << 2 | outcome.rawValue
    return outcome
  }

  @inline(__always)
  private func outcome(of value: Value) -> Outcome {
    value.kind == .bool ? (value.payload != 0 ? .holds : .fails) : .errs
  }

  /// A condition that is no bool cannot be: it was checked. It counts as an error all the same.
  private func failure(_ value: Value) -> EvaluationError {
    value.kind == .error ? value.asError : EvaluationError(.noSuchOverload)
  }

  /// What later requests of this connection need not evaluate again. Rules that the check had no need of are
  /// evaluated here, so that it is once for all of them.
  public func remember(in findings: UnsafeMutablePointer<ConnectionFindings>) {
    findings.pointee = ConnectionFindings()
    var rule: UInt32 = 0
    while rule < image.pointee.ruleCount, rule < ConnectionFindings.countMax {
      let record = image.pointee.rules + Int(rule)
      if record.pointee.isConnectionPhase {
        let matched = match(record.pointee.policy)
        findings.pointee.setMatch(record.pointee.policy, matched)
        if matched == .holds { findings.pointee.setRule(rule, outcome(rule)) }
      }
      rule &+= 1
    }
  }
}
