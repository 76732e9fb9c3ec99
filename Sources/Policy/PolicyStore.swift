// Builds and owns a `PolicyImage`: takes policies in any order, gives them their work order, and lays everything
// out in memory that does not move.

import CEL
import CPlatform

public final class PolicyStore: @unchecked Sendable {
  public let image: PolicyImage
  /// Rules that the index cannot leave out, whatever the request; by number.
  public let unindexedRules: [UInt32]
  private let blocks: [UnsafeMutableRawPointer]

  /// - Parameters:
  ///   - drafts: what they point to must stay as long as the store.
  ///   - allowsByDefault: the verdict where no ALLOW rule is about a request.
  ///   - isSetShadow: nothing is enforced, all policies count for the shadow verdict only.
  public init(policies drafts: [PolicyDraft], allowsByDefault: Bool, isSetShadow: Bool) {
    var blocks: [UnsafeMutableRawPointer] = []
    let sorted = drafts.ordered(by: PolicyDraft.precedes)
    var replaced: [LoadKey: Int] = [:]
    for draft in sorted where draft.isShadow {
      if let target = draft.replaces { replaced[LoadKey(text: target)] = 1 }
    }

    let ruleCount = sorted.reduce(0) { $0 &+ $1.rules.count }
    var policies: [PolicyRecord] = []
    policies.reserveCapacity(sorted.count)
    var rules: [RuleRecord] = []
    rules.reserveCapacity(ruleCount)
    var headers: [HeaderChange] = []
    var guards: [Guard] = []
    var enforced = Members()
    var shadow = Members()
    var audits: [UInt32] = []
    var toldPolicies: [RuleLists.ToldPolicy] = []
    toldPolicies.reserveCapacity(sorted.count)
    var toldRules: [RuleLists.ToldRule] = []
    toldRules.reserveCapacity(ruleCount)
    // A policy that is about no request, and a rule that holds for none, are left out of the lists that a check walks.
    // Not an ALLOW rule, since its policy wants one that holds; nor where `match` may err, which is each rule's error.
    for draft in sorted {
      let number = UInt32(truncatingIfNeeded: policies.count)
      policies.append(
        PolicyRecord(
          name: draft.name, namespace: draft.namespace, label: draft.label,
          match: draft.matchConstant == true ? PolicyImage.noProgram : draft.match,
          matchGuard: draft.matchClauses.first?.asGuard ?? .none,
          isConnectionPhase: draft.isConnectionPhase, isShadow: draft.isShadow))
      toldPolicies.append(RuleLists.ToldPolicy(clause: draft.matchClauses.baseAddress, text: draft.matchText))
      let isEnforced = !draft.isShadow && !isSetShadow
      let isInShadow = draft.isShadow || replaced.isEmpty || replaced[LoadKey(text: draft.path)] == nil
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
        let guardFirst = guards.count
        appendGuards(of: rule, to: &guards)
        toldRules.append(
          RuleLists.ToldRule(
            clauses: rule.whenClauses, guardFirst: guardFirst, guardCount: guards.count &- guardFirst))
        rules.append(
          RuleRecord(
            policy: number, when: rule.whenConstant == true ? PolicyImage.noProgram : rule.when, action: rule.action,
            skipsOnError: rule.skipsOnError,
            isConnectionPhase: draft.isConnectionPhase, name: rule.name, file: draft.file,
            line: rule.line, status: rule.status, body: rule.body,
            requestHeaders: range(of: rule.requestHeaders, into: &headers),
            responseHeaders: range(of: rule.responseHeaders, into: &headers),
            denialHeaders: range(of: rule.denialHeaders, into: &headers), external: rule.external))
      }
    }

    let hasShadow = isSetShadow || drafts.contains { $0.isShadow }
    var lists = RuleLists(
      policies: policies, rules: rules, toldPolicies: toldPolicies, toldRules: toldRules,
      guards: UnsafeBufferPointer(start: place(guards, in: &blocks), count: guards.count))
    image = PolicyImage(
      policies: place(policies, in: &blocks), policyCount: UInt32(truncatingIfNeeded: policies.count),
      rules: place(rules, in: &blocks), ruleCount: UInt32(truncatingIfNeeded: rules.count),
      headers: place(headers, in: &blocks),
      enforced: place([lists.view(enforced, allowsByDefault: allowsByDefault || isSetShadow)], in: &blocks),
      shadow: place([lists.view(hasShadow ? shadow : Members(), allowsByDefault: allowsByDefault)], in: &blocks),
      audits: place([lists.list(audits)], in: &blocks),
      hasShadow: hasShadow, hasMore: hasShadow || !audits.isEmpty, isSetShadow: isSetShadow)
    blocks += lists.blocks
    unindexedRules = Array(lists.unindexed).ordered(by: <)
    self.blocks = blocks
  }

  deinit {
    for block in blocks { free(block) }
  }
}

/// What the tables of a load are keyed by: text, or an address, of some sort.
struct LoadKey: Hashable {
  var sort: UInt8 = 0
  var text = Bytes.empty
  var address = Address(high: 0, low: 0)

  static func == (a: LoadKey, b: LoadKey) -> Bool {
    a.sort == b.sort && a.text.equals(b.text) && a.address == b.address
  }

  func hash(into hasher: inout Hasher) {
    hasher.combine(TextHash.whole(text) ^ address.high ^ address.low &* 31 ^ UInt64(sort))
  }
}

private func range(of changes: UnsafeBufferPointer<HeaderChange>, into headers: inout [HeaderChange]) -> HeaderRange {
  let start = UInt32(truncatingIfNeeded: headers.count)
  headers.append(contentsOf: changes)
  return HeaderRange(start: start, count: UInt32(truncatingIfNeeded: changes.count))
}

/// What a rule is tried by: its most telling clause; all of them where they are the whole condition.
private func appendGuards(of rule: RuleDraft, to guards: inout [Guard]) {
  guard rule.isCovered else {
    if let first = rule.whenClauses.first { guards.append(first.asGuard) }
    return
  }
  let first = guards.count
  for clause in rule.whenClauses {
    // An attribute that compares equal, or is in a list, is there.
    let isImplied =
      clause.test == .isPresent && !clause.isNegated
      && rule.whenClauses.contains {
        $0.slot == clause.slot && !$0.isNegated && ($0.test == .isText || $0.test == .isInList)
      }
    if !isImplied { guards.append(clause.asGuard) }
  }
  if guards.indices.contains(first) { guards[first].isWhole = true }
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
