// Builds and owns a `PolicyImage`: takes policies in any order, gives them their work order, and lays everything
// out in memory that does not move.

import CEL
import CPlatform

/// One policy as it comes from whoever compiled it.
public struct PolicyDraft: Sendable {
  public var namespace: String
  public var name: String
  public var match: UInt32
  /// The text of `match`: policies that have the same are asked once.
  public var matchText: [UInt8]?
  /// What can be told of `match` without its program, the most telling first.
  public var matchClauses: [ClauseDraft] = []
  /// What `match` is for every request, where that is known at load.
  public var matchConstant: Bool?
  public var isConnectionPhase: Bool
  public var isShadow: Bool
  /// The policy that this Shadow policy stands in for.
  public var replaces: (namespace: String, name: String)?
  public var rules: [RuleDraft]

  public init(
    namespace: String, name: String, match: UInt32, isConnectionPhase: Bool, isShadow: Bool,
    replaces: (namespace: String, name: String)?, rules: [RuleDraft]
  ) {
    self.namespace = namespace
    self.name = name
    self.match = match
    self.isConnectionPhase = isConnectionPhase
    self.isShadow = isShadow
    self.replaces = replaces
    self.rules = rules
  }
}

public struct RuleDraft: Sendable {
  public var name: String
  public var action: Action
  public var when: UInt32
  /// What `when` is for every request, where that is known at load.
  public var whenConstant: Bool?
  /// What can be told of `when` without its program, the most telling first.
  public var whenClauses: [ClauseDraft] = []
  /// `when` is the conjunction of these clauses and nothing else.
  public var isCovered = false
  public var skipsOnError = false
  public var file: String
  public var line: UInt32
  public var status: UInt32 = 0
  public var body: [UInt8] = []
  public var requestHeaders: [HeaderDraft] = []
  public var responseHeaders: [HeaderDraft] = []

  public init(name: String, action: Action, when: UInt32, file: String, line: UInt32) {
    self.name = name
    self.action = action
    self.when = when
    self.file = file
    self.line = line
  }
}

public struct HeaderDraft: Sendable {
  public var name: String
  public var value: String
  public var operation: HeaderChange.Operation

  public init(_ operation: HeaderChange.Operation, _ name: String, _ value: String = "") {
    self.operation = operation
    self.name = name
    self.value = value
  }
}

public final class PolicyStore: @unchecked Sendable {
  public let image: PolicyImage
  /// Rules that the index cannot leave out, whatever the request; by number.
  public let unindexedRules: [UInt32]
  private let texts: TextStore
  private let blocks: [UnsafeMutableRawPointer]

  /// - Parameters:
  ///   - allowsByDefault: the verdict where no ALLOW rule is about a request.
  ///   - isSetShadow: nothing is enforced, all policies count for the shadow verdict only.
  public init(policies drafts: [PolicyDraft], allowsByDefault: Bool, isSetShadow: Bool) {
    let texts = TextStore()
    var blocks: [UnsafeMutableRawPointer] = []
    let sorted = drafts.ordered {
      precedes($0.namespace, $1.namespace) || (!precedes($1.namespace, $0.namespace) && precedes($0.name, $1.name))
    }
    var replaced: Set<String> = []
    for draft in sorted where draft.isShadow {
      if let target = draft.replaces { replaced.insert(target.namespace + "/" + target.name) }
    }

    var policies: [PolicyRecord] = []
    var rules: [RuleRecord] = []
    var headers: [HeaderChange] = []
    var enforced = Members()
    var shadow = Members()
    var audits: [UInt32] = []
    var toldPolicies: [RuleLists.Told] = []
    var toldRules: [RuleLists.Told] = []
    // A policy that is about no request, and a rule that holds for none, are left out of the lists that a check walks.
    // Not an ALLOW rule, since its policy wants one that holds; nor where `match` may err, which is each rule's error.
    for draft in sorted {
      let number = UInt32(truncatingIfNeeded: policies.count)
      let isDefault = draft.namespace == "default"
      policies.append(
        PolicyRecord(
          name: texts.keep(draft.name), namespace: texts.keep(draft.namespace),
          label: texts.keep(isDefault ? draft.name : draft.namespace + "/" + draft.name),
          match: draft.matchConstant == true ? PolicyImage.noProgram : draft.match,
          matchGuard: placed(draft.matchClauses.first, &blocks, texts),
          isConnectionPhase: draft.isConnectionPhase, isShadow: draft.isShadow))
      toldPolicies.append(RuleLists.Told(guards: [], clauses: draft.matchClauses, text: draft.matchText))
      let isEnforced = !draft.isShadow && !isSetShadow
      let isInShadow = draft.isShadow || !replaced.contains(draft.namespace + "/" + draft.name)
      for rule in draft.rules {
        let place = UInt32(truncatingIfNeeded: rules.count)
        let isAboutAll = draft.match == PolicyImage.noProgram || draft.matchConstant == true
        let counts = rule.whenConstant != false || rule.action == .allow || !isAboutAll
        let isListed = draft.matchConstant != false && counts
        if rule.action == .audit {
          if isEnforced, isListed { audits.append(place) }
        } else {
          if isEnforced { enforced.add(place, rule.action, draft.isConnectionPhase, isListed: isListed) }
          if isInShadow { shadow.add(place, rule.action, draft.isConnectionPhase, isListed: isListed) }
        }
        let requestHeaders = range(of: rule.requestHeaders, into: &headers, texts)
        let responseHeaders = range(of: rule.responseHeaders, into: &headers, texts)
        toldRules.append(
          RuleLists.Told(guards: guards(of: rule, &blocks, texts), clauses: rule.whenClauses))
        rules.append(
          RuleRecord(
            policy: number, when: rule.whenConstant == true ? PolicyImage.noProgram : rule.when, action: rule.action,
            skipsOnError: rule.skipsOnError,
            isConnectionPhase: draft.isConnectionPhase, name: texts.keep(rule.name), file: texts.keep(rule.file),
            line: rule.line, status: rule.status, body: texts.keep(rule.body), requestHeaders: requestHeaders,
            responseHeaders: responseHeaders))
      }
    }

    let hasShadow = isSetShadow || drafts.contains { $0.isShadow }
    var lists = RuleLists(
      policies: policies, rules: rules, toldPolicies: toldPolicies, toldRules: toldRules, texts: texts)
    image = PolicyImage(
      policies: place(policies, in: &blocks), policyCount: UInt32(truncatingIfNeeded: policies.count),
      rules: place(rules, in: &blocks), ruleCount: UInt32(truncatingIfNeeded: rules.count),
      headers: place(headers, in: &blocks),
      enforced: place([lists.view(enforced, allowsByDefault: allowsByDefault || isSetShadow)], in: &blocks),
      shadow: place([lists.view(hasShadow ? shadow : Members(), allowsByDefault: allowsByDefault)], in: &blocks),
      audits: place([lists.list(audits)], in: &blocks),
      hasShadow: hasShadow, isSetShadow: isSetShadow)
    blocks += lists.blocks
    texts.seal()
    unindexedRules = Array(lists.unindexed).ordered(by: <)
    self.texts = texts
    self.blocks = blocks
  }

  deinit {
    for block in blocks { free(block) }
  }
}

private func range(of drafts: [HeaderDraft], into headers: inout [HeaderChange], _ texts: TextStore) -> HeaderRange {
  let start = UInt32(truncatingIfNeeded: headers.count)
  for draft in drafts {
    headers.append(
      HeaderChange(name: texts.keep(draft.name), value: texts.keep(draft.value), operation: draft.operation))
  }
  return HeaderRange(start: start, count: UInt32(truncatingIfNeeded: drafts.count))
}

/// What a rule is tried by: its most telling clause; all of them where they are the whole condition.
private func guards(
  of rule: RuleDraft, _ blocks: inout [UnsafeMutableRawPointer], _ texts: TextStore
) -> [Guard] {
  guard rule.isCovered else { return rule.whenClauses.isEmpty ? [] : [placed(rule.whenClauses.first, &blocks, texts)] }
  // An attribute that compares equal, or is in a list, is there.
  let clauses = rule.whenClauses.filter { clause in
    clause.test != .isPresent || clause.isNegated
      || !rule.whenClauses.contains {
        $0.slot == clause.slot && !$0.isNegated && ($0.test == .isText || $0.test == .isInList)
      }
  }
  var guards = clauses.map { placed($0, &blocks, texts) }
  if !guards.isEmpty { guards[0].isWhole = true }
  return guards
}

private func placed(
  _ draft: ClauseDraft?, _ blocks: inout [UnsafeMutableRawPointer], _ texts: TextStore
) -> Guard {
  guard let draft else { return .none }
  return Guard(
    test: draft.test, isNegated: draft.isNegated, isWhole: draft.isWhole, failsIfAbsent: draft.failsIfAbsent,
    slot: draft.slot,
    text: draft.texts.first.map { TextTest(relation: $0.relation, text: texts.keep($0.text)) } ?? .nothing,
    others: draft.texts.count <= 1
      ? nil
      : place(draft.texts.dropFirst().map { TextTest(relation: $0.relation, text: texts.keep($0.text)) }, in: &blocks),
    otherCount: UInt32(truncatingIfNeeded: max(draft.texts.count, 1) &- 1), function: draft.list?.function ?? 0,
    list: draft.list.map { place([$0.value], in: &blocks) })
}

/// A copy of the elements that does not move. One spare element, so that an empty list has an address too.
func place<Element: BitwiseCopyable>(
  _ elements: [Element], in blocks: inout [UnsafeMutableRawPointer]
) -> UnsafePointer<Element> {
  let memory = UnsafeMutableRawPointer.allocate(
    byteCount: MemoryLayout<Element>.stride &* (elements.count &+ 1), alignment: 16)
  blocks.append(memory)
  let typed = memory.assumingMemoryBound(to: Element.self)
  var index = 0
  for element in elements {
    typed[index] = element
    index &+= 1
  }
  return UnsafePointer(typed)
}

/// Byte order, not Swift's order of text.
private func precedes(_ a: String, _ b: String) -> Bool { a.utf8.lexicographicallyPrecedes(b.utf8) }
