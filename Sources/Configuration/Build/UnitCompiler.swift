// One Policy document to its unit.

import CEL
import CPlatform
import PurserAttributes
import PurserEngine
import PurserPolicy

final class UnitCompiler {
  private let policy: PolicyDocument
  private let compiler: ExpressionCompiler
  /// No more text can be kept.
  private var isFull = false
  private var patternPlace: UnitPlace?

  init(_ policy: PolicyDocument, with compiler: ExpressionCompiler) {
    self.policy = policy
    self.compiler = compiler
  }

  /// The unit, or nil where `problems` says why not.
  @inline(never)
  func compile(_ problems: inout Problems) -> PolicyUnit? {
    let errorsBefore = problems.errorCount
    let origin = policy.origin
    let isConnection = policy.phase == .connection
    let purpose = ExpressionCompiler.Purpose(
      phase: isConnection ? .connection : .request,
      subject: isConnection ? "this policy of the connection phase decides" : "this policy decides",
      type: .bool, warnsOfUnguardedReads: true)
    let matched = condition(policy.match, for: purpose, &problems)
    var rules: [RuleDraft] = []
    rules.reserveCapacity(policy.rules.count)
    var externals: [ExternalDraft] = []
    for rule in policy.rules {
      let compiled = condition(rule.when, for: purpose, &problems)
      // The readers have refused the others.
      guard let action = Action(rule.action) else { continue }
      var draft = RuleDraft(
        name: keep(rule.name), action: action, when: compiled.program, line: rule.position.line &- origin.line)
      draft.condition = compiled.text
      draft.whenConstant = compiler.constant(compiled.program)
      draft.whenClauses = compiled.clauses
      draft.isCovered = compiled.isCovered
      draft.skipsOnError = rule.onError == .skip
      draft.status = UInt32(truncatingIfNeeded: rule.response?.status ?? 0)
      draft.body = keep(rule.response?.body ?? "")
      draft.requestHeaders = keep(changes(rule.requestHeaders))
      let denialHeaders = (rule.response?.headers ?? []).map { HeaderChange(.set, keep($0.name), keep($0.value)) }
      draft.responseHeaders = keep(action == .deny ? denialHeaders : changes(rule.responseHeaders))
      #if !hasFeature(Embedded)
        if action == .custom {
          draft.denialHeaders = keep(denialHeaders)
          if isConnection {
            problems.error(at: rule.position, "no provider is asked about a connection: CUSTOM is of the request phase")
          }
          if let external = external(rule) { externals.append(external) }
        }
      #endif
      rules.append(draft)
    }
    let path = keep(policy.identity.path)
    let replaces = policy.replaces.map { target in
      (path: keep(target.namespace + "/" + target.name), place: origin.place(of: target.position))
    }
    let needs = keep(compiler.needs.map { UnitNeed(attribute: $0.attribute, place: origin.place(of: $0.position)) })
    let placedRules = keep(rules)
    let matchConstant = compiler.constant(matched.program)
    let warnings = compiler.warnings.map {
      UnitWarning(place: origin.place(of: $0.position), message: $0.message)
    }
    if isFull { problems.error(at: policy.identity.position, "the policy is too large") }
    guard problems.errorCount == errorsBefore else { return nil }
    // What a time zone is, the system's files say, and they may change.
    let isLasting = !compiler.readsTimeZones
    let (warningCount, place) = (compiler.warningCount, patternPlace)
    return PolicyUnit(
      digest: isLasting ? origin.digest : nil, fragment: compiler.builder.finishFragment(), match: matched.program,
      matchText: matched.text, matchConstant: matchConstant, matchClauses: matched.clauses, rules: placedRules,
      externals: externals, path: path, pathPlace: origin.place(of: policy.identity.position),
      isConnectionPhase: isConnection,
      isShadow: policy.mode == .shadow, replaces: replaces, needs: needs, warnings: warnings,
      warningCount: warningCount, patternPlace: place, nodeCount: origin.nodeCount, weight: origin.weight)
  }

  #if !hasFeature(Embedded)
    /// The reader has said what is wrong with a rule that has none.
    private func external(_ rule: RuleDocument) -> ExternalDraft? {
      guard let provider = rule.provider else { return nil }
      let origin = policy.origin
      func placed(_ text: WrittenText) -> (text: String, place: UnitPlace) {
        (text.text, origin.place(of: text.position))
      }
      return ExternalDraft(
        name: rule.name, provider: provider.namespace + "/" + provider.name,
        providerPlace: origin.place(of: provider.position), condition: rule.when?.bytes ?? [],
        slots: rule.when.map { compiler.slots(of: $0) } ?? [],
        cache: rule.cache.map { cache in
          CacheDraft(
            place: origin.place(of: cache.position), ttl: cache.ttl, denyTTL: cache.denyTTL ?? cache.ttl,
            staleFor: cache.staleIfError ?? 0, headers: cache.headers.map { $0.text },
            varyBy: cache.varyBy.map(placed), purgeBy: cache.purgeBy.map(placed))
        })
    }
  #endif

  private struct Condition {
    var program = PolicyImage.noProgram
    var text: Bytes?
    var clauses = UnsafeBufferPointer<ClauseDraft>(start: nil, count: 0)
    var isCovered = false
  }

  private func condition(
    _ source: ExpressionSource?, for purpose: ExpressionCompiler.Purpose, _ problems: inout Problems
  ) -> Condition {
    guard let source else { return Condition() }
    if patternPlace == nil, mentionsPattern(source.bytes) {
      patternPlace = policy.origin.place(of: source.position)
    }
    let (program, found) = compiler.compileCondition(source, for: purpose, &problems)
    let clauses = found.clauses.compactMap { draft($0) }
    return Condition(
      program: program ?? PolicyImage.noProgram, text: keepApart(source.bytes), clauses: keep(clauses),
      // A clause without a slot is one that the compiler decided: its condition is left to the program.
      isCovered: found.isCovered && clauses.count == found.clauses.count)
  }

  /// Nil where no program reads what the clause is about.
  private func draft(_ clause: ClauseFinder.Clause) -> ClauseDraft? {
    let definition = SlotDefinition(variable: clause.variable, key: clause.key)
    guard let slot = compiler.builder.slot(of: definition) else { return nil }
    var draft = ClauseDraft(test: clause.test, slot: slot)
    let texts = keep(clause.texts.map { TextTest(relation: $0.relation, text: keep($0.text)) })
    draft.texts = texts.baseAddress
    draft.textCount = UInt32(truncatingIfNeeded: texts.count)
    draft.isNegated = clause.isNegated
    draft.isWhole = clause.isWhole
    draft.failsIfAbsent = clause.failsIfAbsent
    if let list = clause.list {
      draft.function = ListVariable.function
      draft.list = keep([ListVariable.value(list)]).baseAddress
    }
    return draft
  }

  private func changes(_ changes: HeaderChanges) -> [HeaderChange] {
    var all: [HeaderChange] = []
    for header in changes.remove { all.append(HeaderChange(.remove, keep(header.text))) }
    for header in changes.set { all.append(HeaderChange(.set, keep(header.name), keep(header.value))) }
    for header in changes.append { all.append(HeaderChange(.append, keep(header.name), keep(header.value))) }
    return all
  }

  // MARK: the unit's memory

  private func keep(_ text: String) -> Bytes { keep(Array(text.utf8)) }

  private func keep(_ text: [UInt8]) -> Bytes {
    if let kept = compiler.builder.keep(text) { return kept }
    isFull = true
    return .empty
  }

  private func keepApart(_ text: [UInt8]) -> Bytes {
    if let kept = compiler.builder.keepApart(text) { return kept }
    isFull = true
    return .empty
  }

  private func keep<Element: BitwiseCopyable>(_ elements: [Element]) -> UnsafeBufferPointer<Element> {
    if elements.isEmpty { return UnsafeBufferPointer(start: nil, count: 0) }
    if let kept = compiler.builder.keep(elements) { return UnsafeBufferPointer(start: kept, count: elements.count) }
    isFull = true
    return UnsafeBufferPointer(start: nil, count: 0)
  }
}

private let mentioned: [StaticString] = ["matches", "regex"]

/// Whether an expression may have a regular expression: one of the functions that take one is named in it.
func mentionsPattern(_ text: [UInt8]) -> Bool {
  text.withUnsafeBufferPointer { text in
    mentioned.contains { word in
      let word = Bytes(word)
      return platform_find(text.baseAddress, text.count, word.base, Int(word.count)) != nil
    }
  }
}
