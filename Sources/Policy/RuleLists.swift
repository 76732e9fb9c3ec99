// Lays out what a check walks: the steps of each action, their index, and the groups of policies with one `match`.

import CEL

/// The rules of one view while they are being gathered, in work order.
struct Members {
  var denies: [UInt32] = []
  var allows: [UInt32] = []
  var hasRequestAllow = false

  mutating func add(_ rule: UInt32, _ action: Action, _ isConnectionPhase: Bool, isListed: Bool) {
    if action == .allow, !isConnectionPhase { hasRequestAllow = true }
    guard isListed else { return }
    if action == .deny { denies.append(rule) }
    if action == .allow { allows.append(rule) }
  }
}

struct RuleLists {
  /// What a policy or a rule can be told by: parallel to the records.
  struct Told {
    /// Of a rule.
    var guards: [Guard]
    var clauses: [ClauseDraft]
    /// Of a policy: the text of its `match`.
    var text: [UInt8]?
  }

  let policies: [PolicyRecord]
  let rules: [RuleRecord]
  let toldPolicies: [Told]
  let toldRules: [Told]
  let texts: TextStore
  var blocks: [UnsafeMutableRawPointer] = []
  /// Rules that no look-up can leave out.
  private(set) var unindexed: Set<UInt32> = []

  mutating func view(_ members: Members, allowsByDefault: Bool) -> RuleView {
    let groups = groups(of: members.allows)
    return RuleView(
      denies: list(members.denies), allows: list(members.allows), groups: place(groups, in: &blocks),
      groupCount: UInt32(truncatingIfNeeded: groups.count), groupIndex: index(of: groups),
      hasRequestAllow: members.hasRequestAllow, defaultAllows: allowsByDefault)
  }

  /// The steps of `numbers`, which are in work order.
  mutating func list(_ numbers: [UInt32]) -> RuleList {
    var steps: [RuleStep] = []
    var items: [IndexBuilder.Item] = []
    for number in numbers where rules.indices.contains(Int(number)) && toldRules.indices.contains(Int(number)) {
      let rule = rules[Int(number)]
      guard policies.indices.contains(Int(rule.policy)) else { continue }
      items.append(
        IndexBuilder.Item(
          step: UInt32(truncatingIfNeeded: steps.count), match: match(of: rule.policy),
          when: rule.isConnectionPhase ? [] : toldRules[Int(number)].clauses))
      let guards = toldRules[Int(number)].guards
      steps.append(
        RuleStep(
          rule: number, policy: rule.policy, match: policies[Int(rule.policy)].match, when: rule.when, next: 0,
          isConnectionPhase: rule.isConnectionPhase, skipsOnError: rule.skipsOnError,
          guardClause: guards.first ?? .none,
          otherGuards: guards.count <= 1 ? nil : place(Array(guards.dropFirst()), in: &blocks),
          otherGuardCount: UInt32(truncatingIfNeeded: max(guards.count, 1) &- 1)))
    }
    var next = UInt32(truncatingIfNeeded: steps.count)
    for index in steps.indices.reversed() {
      let after = index &+ 1
      if steps.indices.contains(after), steps[after].policy != steps[index].policy {
        next = UInt32(truncatingIfNeeded: after)
      }
      steps[index].next = next
    }
    let (index, left) = IndexBuilder.build(items, texts, &blocks)
    for step in left where steps.indices.contains(Int(step)) { unindexed.insert(steps[Int(step)].rule) }
    return RuleList(
      steps: place(steps, in: &blocks), count: UInt32(truncatingIfNeeded: steps.count), index: index)
  }

  /// The clause that tells a policy's `match`; one that tells nothing where there is a match but no such clause, and for
  /// policies of the connection phase, whose attributes were asked for when the connection was checked.
  private func match(of policy: UInt32) -> ClauseDraft? {
    guard policies.indices.contains(Int(policy)), toldPolicies.indices.contains(Int(policy)) else { return nil }
    let record = policies[Int(policy)]
    if record.isConnectionPhase { return ClauseDraft(test: .none, slot: 0) }
    if record.match == PolicyImage.noProgram { return nil }
    return toldPolicies[Int(policy)].clauses.first ?? ClauseDraft(test: .none, slot: 0)
  }

  private mutating func groups(of allows: [UInt32]) -> [MatchGroup] {
    var numbers: [[UInt8]?: [UInt32]] = [:]
    var keys: [[UInt8]?] = []
    for number in allows where rules.indices.contains(Int(number)) {
      let policy = rules[Int(number)].policy
      guard policies.indices.contains(Int(policy)), toldPolicies.indices.contains(Int(policy)) else { continue }
      let record = policies[Int(policy)]
      var key: [UInt8]?
      if record.match != PolicyImage.noProgram, let text = toldPolicies[Int(policy)].text {
        key = [record.isConnectionPhase ? 1 : 0] + text
      } else if record.isConnectionPhase {
        key = [2]
      }
      if numbers[key] == nil { keys.append(key) }
      if numbers[key]?.last != policy { numbers[key, default: []].append(policy) }
    }
    return keys.compactMap { key in
      guard let members = numbers[key], let first = members.first, policies.indices.contains(Int(first)) else {
        return nil
      }
      return MatchGroup(
        policy: first, match: policies[Int(first)].match, policyCount: UInt32(truncatingIfNeeded: members.count),
        isConnectionPhase: policies[Int(first)].isConnectionPhase,
        policies: place(Array(members.prefix(4)), in: &blocks))
    }
  }

  private mutating func index(of groups: [MatchGroup]) -> RuleIndex {
    let items = groups.enumerated().map { number, group in
      IndexBuilder.Item(step: UInt32(truncatingIfNeeded: number), match: match(of: group.policy), when: [])
    }
    return IndexBuilder.build(items, texts, &blocks).index
  }
}
