// From an evaluation of one request to a decision: DESIGN's verdict, in its work order.
//
//   DENY    the first that holds, else the first that errs, denies
//   ALLOW   if any is in force, one must hold; else the default decides
//   CUSTOM  one that errs denies; those that hold are noted: whoever called asks their providers
//   AUDIT   all are evaluated, whatever was decided
//   shadow  the same over the shadow view
//
// What a rule or a `match` evaluated to is remembered for the call, so the shadow view costs only its own rules.

import CEL
import CPlatform

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
  /// Room for `IndexCursor.countMax`.
  public var cursors: UnsafeMutablePointer<IndexCursor>
  public var generation: UInt32

  public init(
    ruleStates: UnsafeMutablePointer<UInt32>, matchStates: UnsafeMutablePointer<UInt32>,
    ruleErrors: UnsafeMutablePointer<EvaluationError>, matchErrors: UnsafeMutablePointer<EvaluationError>,
    cursors: UnsafeMutablePointer<IndexCursor>, generation: UInt32
  ) {
    self.ruleStates = ruleStates
    self.matchStates = matchStates
    self.ruleErrors = ruleErrors
    self.matchErrors = matchErrors
    self.cursors = cursors
    self.generation = generation
  }
}

public struct Decider {
  @usableFromInline let image: UnsafePointer<PolicyImage>
  @usableFromInline let evaluation: Evaluation.Pointer
  /// Where it lies, so that a check copies none of it.
  @usableFromInline let place: UnsafeMutablePointer<DeciderMemory>
  /// What was found at the connection's check, or nil.
  @usableFromInline let connection: UnsafePointer<ConnectionFindings>?
  /// Only policies of the connection phase are evaluated.
  @usableFromInline let isConnectionCheck: Bool

  @inlinable @inline(__always)
  public init(
    image: UnsafePointer<PolicyImage>, evaluation: Evaluation.Pointer, memory: UnsafeMutablePointer<DeciderMemory>,
    connection: UnsafePointer<ConnectionFindings>?, isConnectionCheck: Bool
  ) {
    self.image = image
    self.evaluation = evaluation
    place = memory
    self.connection = connection
    self.isConnectionCheck = isConnectionCheck
  }

  private var memory: DeciderMemory {
    @inline(__always) get { place.pointee }
  }

  @inlinable @inline(__always)
  public func decide(into decision: UnsafeMutablePointer<Decision>) {
    let verdict = withUnsafeMutablePointer(to: &decision.pointee.asked) {
      self.verdict(of: image.pointee.enforced, noting: decision, asked: $0)
    }
    decision.pointee.allows = verdict.allows
    decision.pointee.kind = verdict.kind
    decision.pointee.rule = verdict.rule
    if image.pointee.hasMore { decideMore(into: decision) }
  }

  @usableFromInline @inline(never)
  func decideMore(into decision: UnsafeMutablePointer<Decision>) {
    if image.pointee.audits.pointee.count != 0 { audit(into: decision) }
    if image.pointee.hasShadow { shadow(into: decision) }
  }

  @usableFromInline struct Verdict {
    @usableFromInline var allows: Bool
    @usableFromInline var kind: ReasonKind
    @usableFromInline var rule: UInt32
  }

  /// With `decision`, errors and the policies in force are noted there.
  @usableFromInline
  func verdict(
    of view: UnsafePointer<RuleView>, noting decision: UnsafeMutablePointer<Decision>?,
    asked: UnsafeMutablePointer<RuleNumbers>
  ) -> Verdict {
    if view.pointee.denies.count != 0, let denial = denial(of: view, noting: decision) { return denial }
    let admission =
      view.pointee.allows.count == 0 && !isConnectionCheck
      ? Verdict(allows: view.pointee.defaultAllows, kind: .defaultVerdict, rule: Decision.noRule)
      : admission(of: view, noting: decision)
    #if !hasFeature(Embedded)
      if view.pointee.customs.count != 0, admission.allows, !isConnectionCheck {
        return refusal(of: view, noting: decision, asked: asked) ?? admission
      }
    #endif
    return admission
  }

  #if !hasFeature(Embedded)
    /// A CUSTOM rule that denies by itself; else those that hold are in `asked`.
    private func refusal(
      of view: UnsafePointer<RuleView>, noting decision: UnsafeMutablePointer<Decision>?,
      asked: UnsafeMutablePointer<RuleNumbers>
    ) -> Verdict? {
      let refusal = denial(in: &UnsafeMutablePointer(mutating: view).pointee.customs, noting: decision) { rule in
        if asked.pointee.count < RuleNumbers.countMax {
          asked.pointee.append(rule)
          return .fails
        }
        memory.ruleErrors[Int(rule)] = EvaluationError(.tooManyChecks)
        return .errs
      }
      if refusal != nil { asked.pointee.removeAll() }
      return refusal
    }
  #endif

  @inline(__always)
  private func denial(
    of view: UnsafePointer<RuleView>, noting decision: UnsafeMutablePointer<Decision>?
  ) -> Verdict? {
    denial(in: &UnsafeMutablePointer(mutating: view).pointee.denies, noting: decision) { _ in .holds }
  }

  /// The first rule that holds, as far as `meaning` lets one that does, else the first that errs.
  @inline(__always)
  private func denial(
    in list: UnsafePointer<RuleList>, noting decision: UnsafeMutablePointer<Decision>?, meaning: (UInt32) -> Outcome
  ) -> Verdict? {
    var erring = Decision.noRule
    var walk = walk(list)
    while let step = walk.next() {
      let matched = match(step)
      if matched == .fails {
        walk.leavePolicy(of: step)
        continue
      }
      if matched == .errs {
        if erring == Decision.noRule { erring = step.pointee.rule }
        note(step.pointee.rule, isOfMatch: true, decision)
        continue
      }
      switch outcome(step) {
      case .fails: continue
      case .holds:
        switch meaning(step.pointee.rule) {
        case .fails: continue
        case .holds: return Verdict(allows: false, kind: .rule, rule: step.pointee.rule)
        case .errs: break
        }
      case .errs:
        if step.pointee.skipsOnError { continue }
      }
      note(step.pointee.rule, isOfMatch: false, decision)
      if erring == Decision.noRule { erring = step.pointee.rule }
    }
    guard erring != Decision.noRule else { return nil }
    decision?.pointee.error = error(of: erring)
    return Verdict(allows: false, kind: .ruleError, rule: erring)
  }

  private func admission(
    of view: UnsafePointer<RuleView>, noting decision: UnsafeMutablePointer<Decision>?
  ) -> Verdict {
    // A connection is denied only when every request on it would be.
    if isConnectionCheck, view.pointee.hasRequestAllow {
      return Verdict(allows: true, kind: .defaultVerdict, rule: Decision.noRule)
    }
    var walk = walk(&UnsafeMutablePointer(mutating: view).pointee.allows)
    while let step = walk.next() {
      let matched = match(step)
      if matched == .fails {
        walk.leavePolicy(of: step)
        continue
      }
      if matched == .errs {
        note(step.pointee.rule, isOfMatch: true, decision)
        noteAllowError(step.pointee.rule, decision)
        continue
      }
      switch outcome(step) {
      case .fails: continue
      case .holds: return Verdict(allows: true, kind: .rule, rule: step.pointee.rule)
      case .errs:
        note(step.pointee.rule, isOfMatch: false, decision)
        noteAllowError(step.pointee.rule, decision)
      }
    }
    let isInForce = isAnyInForce(view, noting: decision)
    if isInForce { return Verdict(allows: false, kind: .noAllowRule, rule: Decision.noRule) }
    return Verdict(allows: view.pointee.defaultAllows, kind: .defaultVerdict, rule: Decision.noRule)
  }

  /// Whether a policy with ALLOW rules is about the request; with `decision`, which ones are noted there.
  @inline(__always)
  private func isAnyInForce(
    _ view: UnsafePointer<RuleView>, noting decision: UnsafeMutablePointer<Decision>?
  ) -> Bool {
    if view.pointee.groupCount == 0 { return false }
    // Often there is one, of policies about all requests.
    if view.pointee.groupCount == 1, view.pointee.groups.pointee.match == PolicyImage.noProgram, !isConnectionCheck {
      decision?.pointee.selected.merge(
        view.pointee.groups.pointee.policies, count: view.pointee.groups.pointee.policyCount)
      return true
    }
    return isOneInForce(view, noting: decision)
  }

  @inline(never)
  private func isOneInForce(
    _ view: UnsafePointer<RuleView>, noting decision: UnsafeMutablePointer<Decision>?
  ) -> Bool {
    var isInForce = false
    var candidates = Candidates.none(memory.cursors)
    var isIndexed = !isConnectionCheck && !view.pointee.groupIndex.root.isNothing
    if isIndexed {
      candidates = Candidates(
        &UnsafeMutablePointer(mutating: view).pointee.groupIndex, evaluation, cursors: memory.cursors)
      isIndexed = !candidates.isOverflowing
    }
    var number: UInt32 = 0
    while true {
      if isIndexed {
        guard let next = candidates.next() else { return isInForce }
        number = next
      } else if number >= view.pointee.groupCount {
        return isInForce
      }
      let group = view.pointee.groups + Int(number)
      number &+= 1
      if isConnectionCheck, !group.pointee.isConnectionPhase { continue }
      if match(group.pointee.policy, group.pointee.match) == .fails { continue }
      isInForce = true
      decision?.pointee.selected.merge(group.pointee.policies, count: group.pointee.policyCount)
    }
  }

  /// The steps of a list that can be about the request, in their order. A connection's check asks only what is known
  /// of connections, so it walks them all.
  @inline(__always)
  private func walk(_ list: UnsafePointer<RuleList>) -> StepWalk {
    StepWalk(list, evaluation, cursors: memory.cursors, looksUp: !isConnectionCheck)
  }

  private func audit(into decision: UnsafeMutablePointer<Decision>) {
    var walk = walk(image.pointee.audits)
    while let step = walk.next() {
      let matched = match(step)
      if matched == .fails {
        walk.leavePolicy(of: step)
        continue
      }
      if matched == .errs {
        note(step.pointee.rule, isOfMatch: true, decision)
        continue
      }
      switch outcome(step) {
      case .fails: continue
      case .holds: decision.pointee.audits.append(step.pointee.rule)
      case .errs:
        // An error of an AUDIT rule only counts; one that is skipped does not even do that.
        if !step.pointee.skipsOnError { note(step.pointee.rule, isOfMatch: false, decision) }
      }
    }
  }

  private func shadow(into decision: UnsafeMutablePointer<Decision>) {
    let verdict = withUnsafeMutablePointer(to: &decision.pointee.shadowAsked) {
      self.verdict(of: image.pointee.shadow, noting: nil, asked: $0)
    }
    decision.pointee.hasShadow = true
    decision.pointee.shadowAllows = verdict.allows
    // Where providers have a say, whoever asks them forgets the rules if the verdicts agree in the end.
    let isFinal = decision.pointee.asked.count == 0 && decision.pointee.shadowAsked.count == 0
    if isFinal, verdict.allows == decision.pointee.allows { return }
    noteShadowRules(of: verdict, in: decision)
  }

  /// The rules of Shadow policies that decide the shadow verdict's way: those that deny, those that allow, or, where
  /// an ALLOW rule is wanting, those that could have allowed.
  private func noteShadowRules(of verdict: Verdict, in decision: UnsafeMutablePointer<Decision>) {
    let view = image.pointee.shadow.pointee
    let isWanting = verdict.kind == .noAllowRule
    let isCustom = verdict.rule != Decision.noRule && image.pointee.rules[Int(verdict.rule)].action == .custom
    let list = verdict.allows || isWanting ? view.allows : isCustom ? view.customs : view.denies
    var index: UInt32 = 0
    while index < list.count {
      let step = list.steps + Int(index)
      index &+= 1
      guard image.pointee.policies[Int(step.pointee.policy)].isShadow || image.pointee.isSetShadow else { continue }
      let matched = match(step)
      if matched == .fails { continue }
      let found = matched == .errs ? .errs : outcome(step)
      let denies = image.pointee.rules[Int(step.pointee.rule)].action != .allow
      let errsToDeny = denies && found == .errs && !(step.pointee.skipsOnError && matched == .holds)
      if (found == .holds && !isCustom) || errsToDeny || isWanting {
        decision.pointee.shadowRules.append(step.pointee.rule)
      }
    }
  }

  @inline(never)
  private func note(_ rule: UInt32, isOfMatch: Bool, _ decision: UnsafeMutablePointer<Decision>?) {
    guard let decision else { return }
    decision.pointee.errors.append(error(of: rule, isOfMatch: isOfMatch))
  }

  @inline(never)
  private func noteAllowError(_ rule: UInt32, _ decision: UnsafeMutablePointer<Decision>?) {
    guard let decision, decision.pointee.error.rule == Decision.noRule else { return }
    decision.pointee.error = error(of: rule)
  }

  @inline(never)
  private func error(of rule: UInt32) -> RuleError {
    let policy = image.pointee.rules[Int(rule)].policy
    let state = memory.matchStates[Int(policy)]
    return error(of: rule, isOfMatch: state == memory.generation << 2 | Outcome.errs.rawValue)
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
  /// Whether the step's policy is about the request; a connection's check sees only its own phase.
  @inline(__always)
  private func match(_ step: UnsafePointer<RuleStep>) -> Outcome {
    if isConnectionCheck, !step.pointee.isConnectionPhase { return .fails }
    return match(step.pointee.policy, step.pointee.match)
  }

  @inline(__always)
  private func match(_ policy: UInt32, _ program: UInt32) -> Outcome {
    if program == PolicyImage.noProgram { return .holds }
    let state = memory.matchStates[Int(policy)] ^ memory.generation << 2
    // Of another generation: the difference is more than an outcome.
    if state > 3 { return evaluateMatch(policy, program) }
    return state == Outcome.holds.rawValue ? .holds : state == Outcome.fails.rawValue ? .fails : .errs
  }

  @inline(never)
  private func evaluateMatch(_ policy: UInt32, _ program: UInt32) -> Outcome {
    if image.pointee.policies[Int(policy)].isConnectionPhase, let connection,
      let known = connection.pointee.matchOutcome(policy)
    {
      memory.matchStates[Int(policy)] = memory.generation << 2 | known.rawValue
      return known
    }
    let outcome: Outcome
    if let known = guardedMatch(policy) {
      outcome = known
    } else {
      let value = evaluate(program, evaluation)
      outcome = self.outcome(of: value)
      if outcome == .errs { memory.matchErrors[Int(policy)] = failure(value) }
    }
    memory.matchStates[Int(policy)] = memory.generation << 2 | outcome.rawValue
    return outcome
  }

  @inline(__always)
  private func outcome(_ step: UnsafePointer<RuleStep>) -> Outcome {
    let rule = step.pointee.rule
    if step.pointee.when == PolicyImage.noProgram { return .holds }
    if let known = remembered(rule) { return known }
    // What a connection's check found stays found: it is asked before the guard.
    if step.pointee.isConnectionPhase, let connection, let known = connection.pointee.ruleOutcome(rule) {
      return remember(known, of: rule)
    }
    if let known = guarded(step) { return remember(known, of: rule) }
    return evaluateRule(rule, step.pointee.when)
  }

  /// What the guards say of the condition, if they do.
  @inline(__always)
  private func guarded(_ step: UnsafePointer<RuleStep>) -> Outcome? {
    let clause = withUnsafeMutablePointer(to: &UnsafeMutablePointer(mutating: step).pointee.guardClause) {
      UnsafePointer($0)
    }
    guard let first = Guard.outcome(clause, evaluation) else { return nil }
    if first == .fails { return .fails }
    if !clause.pointee.isWhole { return nil }
    var index = 0
    while index < Int(step.pointee.otherGuardCount), let others = step.pointee.otherGuards {
      guard let next = Guard.outcome(others + index, evaluation) else { return nil }
      if next == .fails { return .fails }
      index &+= 1
    }
    return .holds
  }

  /// The same of a policy's `match`.
  @inline(__always)
  private func guardedMatch(_ policy: UInt32) -> Outcome? {
    let record = UnsafeMutablePointer(mutating: image.pointee.policies + Int(policy))
    let clause = withUnsafeMutablePointer(to: &record.pointee.matchGuard) { UnsafePointer($0) }
    guard let outcome = Guard.outcome(clause, evaluation) else { return nil }
    return outcome == .fails || clause.pointee.isWhole ? outcome : nil
  }

  private func outcome(_ rule: UInt32, _ program: UInt32) -> Outcome {
    program == PolicyImage.noProgram ? .holds : remembered(rule) ?? evaluateRule(rule, program)
  }

  @inline(__always)
  private func remembered(_ rule: UInt32) -> Outcome? {
    let state = memory.ruleStates[Int(rule)] ^ memory.generation << 2
    // Of another generation: the difference is more than an outcome.
    if state > 3 { return nil }
    return state == Outcome.holds.rawValue ? .holds : state == Outcome.fails.rawValue ? .fails : .errs
  }

  @inline(__always)
  private func remember(_ outcome: Outcome, of rule: UInt32) -> Outcome {
    memory.ruleStates[Int(rule)] = memory.generation << 2 | outcome.rawValue
    return outcome
  }

  @inline(never)
  private func evaluateRule(_ rule: UInt32, _ program: UInt32) -> Outcome {
    let value = evaluate(program, evaluation)
    let outcome = outcome(of: value)
    if outcome == .errs { memory.ruleErrors[Int(rule)] = failure(value) }
    return remember(outcome, of: rule)
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
        let matched = match(record.pointee.policy, image.pointee.policies[Int(record.pointee.policy)].match)
        findings.pointee.setMatch(record.pointee.policy, matched)
        if matched == .holds { findings.pointee.setRule(rule, outcome(rule, record.pointee.when)) }
      }
      rule &+= 1
    }
  }
}
