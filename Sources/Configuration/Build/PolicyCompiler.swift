// Policies: their conditions to programs, their documents to drafts.

import CEL
import PurserAttributes
import PurserEngine
import PurserPolicy

struct PolicyCompiler {
  private let documents: DocumentSet
  private var drafts: [PolicyDraft] = []
  /// In the order of the store's policies and rules: `DocumentSet` is sorted the same way.
  private(set) var matchTexts: [[UInt8]?] = []
  private(set) var conditionTexts: [[UInt8]?] = []
  /// Of the drafts' conditions, whose slots have no numbers yet: by policy, and by policy and rule.
  private var matchClauses: [[ClauseFinder.Clause]] = []
  private var whenClauses: [[[ClauseFinder.Clause]]] = []

  init(documents: DocumentSet) { self.documents = documents }

  mutating func compile(with compiler: inout ExpressionCompiler, _ problems: inout Problems) {
    checkReplacements(&problems)
    for policy in documents.policies {
      let isConnection = policy.phase == .connection
      let purpose = ExpressionCompiler.Purpose(
        phase: isConnection ? .connection : .request,
        subject: isConnection ? "this policy of the connection phase decides" : "this policy decides",
        type: .bool, warnsOfUnguardedReads: true)
      matchTexts.append(policy.match?.bytes)
      let matched = policy.match.map { compiler.compileCondition($0, for: purpose, &problems) }
      let match = matched?.program ?? PolicyImage.noProgram
      matchClauses.append(matched?.found.clauses ?? [])
      var rules: [RuleDraft] = []
      var clauses: [[ClauseFinder.Clause]] = []
      for rule in policy.rules {
        conditionTexts.append(rule.when?.bytes)
        let compiled = rule.when.map { compiler.compileCondition($0, for: purpose, &problems) }
        let when = compiled?.program
        guard let action = Action(rule.action) else { continue }
        var draft = RuleDraft(
          name: rule.name, action: action, when: when ?? PolicyImage.noProgram,
          file: documents.sources.name(of: rule.position), line: rule.position.line)
        draft.whenConstant = when.flatMap { compiler.constant($0) }
        draft.skipsOnError = rule.onError == .skip
        draft.status = UInt32(truncatingIfNeeded: rule.response?.status ?? 0)
        draft.body = Array((rule.response?.body ?? "").utf8)
        draft.requestHeaders = drafts(of: rule.requestHeaders)
        draft.responseHeaders =
          action == .deny
          ? (rule.response?.headers ?? []).map { HeaderDraft(.set, $0.name, $0.value) }
          : drafts(of: rule.responseHeaders)
        draft.isCovered = compiled?.found.isCovered ?? false
        rules.append(draft)
        clauses.append(compiled?.found.clauses ?? [])
      }
      whenClauses.append(clauses)
      var draft = PolicyDraft(
        namespace: policy.identity.namespace, name: policy.identity.name, match: match,
        isConnectionPhase: isConnection, isShadow: policy.mode == .shadow,
        replaces: policy.replaces.map { ($0.namespace, $0.name) }, rules: rules)
      draft.matchConstant = compiler.constant(match)
      draft.matchText = policy.match?.bytes
      drafts.append(draft)
    }
  }

  /// `slots` are those of the code that the policies were compiled to.
  func store(for set: PolicySetDocument?, slots: [SlotDefinition]) -> PolicyStore {
    var numbers: [SlotDefinition: UInt32] = [:]
    for (number, slot) in slots.enumerated() { numbers[slot] = UInt32(truncatingIfNeeded: number) }
    func told(_ clauses: [ClauseFinder.Clause]) -> [ClauseDraft] {
      clauses.compactMap { clause in
        guard let slot = numbers[SlotDefinition(variable: clause.variable, key: clause.key)] else { return nil }
        return clause.draft(slot: slot, lists: documents.valueLists)
      }
    }
    var guarded = drafts
    for (number, clauses) in whenClauses.enumerated() where guarded.indices.contains(number) {
      guarded[number].matchClauses = told(matchClauses[number])
      for (place, clauses) in clauses.enumerated() where guarded[number].rules.indices.contains(place) {
        guarded[number].rules[place].whenClauses = told(clauses)
        // A clause without a slot is one that the compiler decided: its condition is left to the program.
        if guarded[number].rules[place].whenClauses.count != clauses.count {
          guarded[number].rules[place].isCovered = false
        }
      }
    }
    return PolicyStore(
      policies: guarded, allowsByDefault: set?.defaultVerdict != .deny, isSetShadow: set?.mode == .shadow)
  }

  private func drafts(of changes: HeaderChanges) -> [HeaderDraft] {
    changes.remove.map { HeaderDraft(.remove, $0.text) } + changes.set.map { HeaderDraft(.set, $0.name, $0.value) }
      + changes.append.map { HeaderDraft(.append, $0.name, $0.value) }
  }

  /// What a Shadow policy replaces must be an enforced one, and have one replacement only.
  private func checkReplacements(_ problems: inout Problems) {
    var replacedBy: [String: String] = [:]
    for policy in documents.policies {
      guard let target = policy.replaces, policy.mode == .shadow else { continue }
      let path = target.namespace + "/" + target.name
      guard let other = documents.policies.first(where: { $0.identity.path == path }) else {
        let names = documents.policies.filter { $0.mode == .enforce }.map { $0.identity.name }
        let nearest = NearestName.find(target.name, among: names).map { ", did you mean `\($0)`?" } ?? ""
        problems.error(at: target.position, "there is no policy `\(path)` to replace\(nearest)")
        continue
      }
      if other.mode == .shadow {
        problems.error(
          at: target.position, "`\(target.name)` is a Shadow policy itself; only an enforced one can be replaced")
      }
      if let first = replacedBy[path] {
        problems.error(at: target.position, "`\(target.name)` is replaced by `\(first)` already")
      }
      replacedBy[path] = policy.identity.name
    }
  }
}

extension Action {
  /// Nil for actions that the readers have refused already.
  init?(_ action: RuleAction) {
    switch action {
    case .allow: self = .allow
    case .deny: self = .deny
    case .audit: self = .audit
    case .custom, .limit: return nil
    }
  }
}
