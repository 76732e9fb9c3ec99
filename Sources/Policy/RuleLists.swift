// Lays out what a check walks: the steps of each action, their index, and the groups of policies with one `match`.

import CEL

/// The rules of one view while they are being gathered, in work order.
struct Members {
  var denies: [UInt32] = []
  var allows: [UInt32] = []
  var customs: [UInt32] = []
  var hasRequestAllow = false

  mutating func add(_ rule: UInt32, _ action: Action, _ isConnectionPhase: Bool, isListed: Bool) {
    if action == .allow, !isConnectionPhase { hasRequestAllow = true }
    guard isListed else { return }
    if action == .deny { denies.append(rule) }
    if action == .allow { allows.append(rule) }
    if action == .custom { customs.append(rule) }
  }
}

struct RuleLists {
  /// What a policy can be told by: the most telling clause of its `match`, and the text of that.
  struct ToldPolicy {
    var clause: UnsafePointer<ClauseDraft>?
    var text: Bytes?
  }

  /// What a rule can be told by, and its guards among those of all.
  struct ToldRule {
    var clauses: UnsafeBufferPointer<ClauseDraft>
    var guardFirst: Int
    var guardCount: Int
  }

  let policies: [PolicyRecord]
  let rules: [RuleRecord]
  /// Parallel to the records.
  let toldPolicies: [ToldPolicy]
  let toldRules: [ToldRule]
  /// Where they lie as long as the store.
  let guards: UnsafeBufferPointer<Guard>
  var blocks: [UnsafeMutableRawPointer] = []
  /// Rules that no look-up can leave out.
  private(set) var unindexed: Set<UInt32> = []

  mutating func view(_ members: Members, allowsByDefault: Bool) -> RuleView {
    let groups = groups(of: members.allows)
    return RuleView(
      denies: list(members.denies), allows: list(members.allows), customs: list(members.customs),
      groups: place(groups, in: &blocks),
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
          when: rule.isConnectionPhase
            ? UnsafeBufferPointer(start: nil, count: 0) : toldRules[Int(number)].clauses))
      let (first, count) = (toldRules[Int(number)].guardFirst, toldRules[Int(number)].guardCount)
      steps.append(
        RuleStep(
          rule: number, policy: rule.policy, match: policies[Int(rule.policy)].match, when: rule.when, next: 0,
          isConnectionPhase: rule.isConnectionPhase, skipsOnError: rule.skipsOnError,
          guardClause: count > 0 && first < guards.count ? guards[first] : .none,
          otherGuards: count <= 1 ? nil : guards.baseAddress.map { UnsafePointer($0) + first + 1 },
          otherGuardCount: UInt32(truncatingIfNeeded: max(count, 1) &- 1)))
    }
    var next = UInt32(truncatingIfNeeded: steps.count)
    for index in steps.indices.reversed() {
      let after = index &+ 1
      if steps.indices.contains(after), steps[after].policy != steps[index].policy {
        next = UInt32(truncatingIfNeeded: after)
      }
      steps[index].next = next
    }
    let (index, left) = IndexBuilder.build(items, &blocks)
    for step in left where steps.indices.contains(Int(step)) { unindexed.insert(steps[Int(step)].rule) }
    return RuleList(
      steps: place(steps, in: &blocks), count: UInt32(truncatingIfNeeded: steps.count), index: index)
  }

  /// How a policy's `match` can be told. By nothing for policies of the connection phase, whose attributes were asked for
  /// when the connection was checked.
  private func match(of policy: UInt32) -> IndexBuilder.Item.Match {
    guard policies.indices.contains(Int(policy)), toldPolicies.indices.contains(Int(policy)) else { return .all }
    let record = policies[Int(policy)]
    if record.isConnectionPhase { return .untold }
    if record.match == PolicyImage.noProgram { return .all }
    return toldPolicies[Int(policy)].clause.map { .told($0) } ?? .untold
  }

  private mutating func groups(of allows: [UInt32]) -> [MatchGroup] {
    var numbers: [LoadKey: Int] = [:]
    var members: [[UInt32]] = []
    for number in allows where rules.indices.contains(Int(number)) {
      let policy = rules[Int(number)].policy
      guard policies.indices.contains(Int(policy)), toldPolicies.indices.contains(Int(policy)) else { continue }
      let record = policies[Int(policy)]
      // Those of one phase with one text, and those without.
      var key = LoadKey(sort: record.isConnectionPhase ? 1 : 0)
      if record.match != PolicyImage.noProgram, let text = toldPolicies[Int(policy)].text {
        key.sort |= 2
        key.text = text
      }
      if let number = numbers[key], members.indices.contains(number) {
        if members[number].last != policy { members[number].append(policy) }
      } else {
        numbers[key] = members.count
        members.append([policy])
      }
    }
    return members.compactMap { members in
      guard let first = members.first, policies.indices.contains(Int(first)) else { return nil }
      return MatchGroup(
        policy: first, match: policies[Int(first)].match, policyCount: UInt32(truncatingIfNeeded: members.count),
        isConnectionPhase: policies[Int(first)].isConnectionPhase,
        policies: place((Array(members.prefix(4)) + [0, 0, 0]), in: &blocks))
    }
  }

  private mutating func index(of groups: [MatchGroup]) -> RuleIndex {
    let items = groups.enumerated().map { number, group in
      IndexBuilder.Item(step: UInt32(truncatingIfNeeded: number), match: match(of: group.policy), when: UnsafeBufferPointer(start: nil, count: 0))
    }
    return IndexBuilder.build(items, &blocks).index
  }
}
