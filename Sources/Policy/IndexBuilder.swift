// Builds the index of one list of steps: at each node the slot that leaves the fewest candidates, then the same below
// each of its texts, until few steps are left or nothing more can be told.
//
// A step's clauses are its policy's `match` and its own `when`. Those of `when` may leave it out only where the match is
// known to hold: an erring match is an error of the rule, whatever `when` says. So `when` counts where there is no
// match, or below a node that has decided the match, which then is that one clause.

import CEL

struct IndexBuilder {
  /// So few steps are walked.
  private static let stepsFew = 6
  static let depthMax = 4
  /// Elementary ranges may refer to a step more than once, in all so many times as there are ranges.
  private static let rangeShare = 8

  /// One step that can be told by its clauses.
  struct Item {
    var step: UInt32
    var match: ClauseDraft?
    /// Of `when`; none where the match can err otherwise than by being undecided at a node.
    var when: [ClauseDraft]
  }

  private(set) var nodes: [IndexNode] = []
  private(set) var lists: [IndexList] = []
  private var blocks: [UnsafeMutableRawPointer] = []
  private let texts: TextStore
  /// Steps that no look-up can leave out.
  private(set) var unindexed: Set<UInt32> = []

  private init(texts: TextStore) { self.texts = texts }

  /// `items` are in the order of their steps. What `blocks` gains must outlive the index.
  static func build(
    _ items: [Item], _ texts: TextStore, _ blocks: inout [UnsafeMutableRawPointer]
  ) -> (index: RuleIndex, unindexed: Set<UInt32>) {
    var builder = IndexBuilder(texts: texts)
    for item in items where item.match == nil && !item.when.contains(where: { canTell($0) }) {
      builder.unindexed.insert(item.step)
    }
    for item in items {
      if let match = item.match, !canTell(match) { builder.unindexed.insert(item.step) }
    }
    let root = items.count <= stepsFew ? .nothing : builder.place(items, depth: 0)
    let isWorthIt = root.isNode
    let index = RuleIndex(
      root: isWorthIt ? root : .nothing, nodes: PurserPolicy.place(builder.nodes, in: &builder.blocks),
      lists: PurserPolicy.place(builder.lists, in: &builder.blocks))
    blocks += builder.blocks
    return (index, builder.unindexed)
  }

  /// Whether a look-up can decide the clause.
  private static func canTell(_ clause: ClauseDraft) -> Bool {
    if clause.isNegated { return false }
    switch clause.test {
    case .isText: return true
    case .isInList: return clause.ranges != nil
    case .isPresent: return true
    case .isTrue, .none: return false
    }
  }

  private mutating func list(_ items: [Item]) -> IndexPlace {
    if items.isEmpty { return .nothing }
    lists.append(
      IndexList(
        steps: PurserPolicy.place(items.map { $0.step }, in: &blocks), count: UInt32(truncatingIfNeeded: items.count)))
    return .list(lists.count &- 1)
  }

  private mutating func place(_ items: [Item], depth: Int) -> IndexPlace {
    if items.isEmpty { return .nothing }
    guard items.count > IndexBuilder.stepsFew, depth < IndexBuilder.depthMax,
      let slot = bestSlot(items) ?? commonMatchSlot(items)
    else { return list(items) }
    return node(slot, items, depth: depth)
  }

  /// The slot of a match that most items share: it leaves none out, but below it what their `when` says counts.
  private func commonMatchSlot(_ items: [Item]) -> UInt32? {
    var counts: [UInt32: Int] = [:]
    for item in items {
      guard let match = item.match, IndexBuilder.canTell(match), match.isWhole,
        item.when.contains(where: { IndexBuilder.canTell($0) })
      else { continue }
      counts[match.slot, default: 0] += 1
    }
    return counts.first { $0.value > items.count / 2 }?.key
  }

  /// The clauses that may leave a step out now.
  private static func clauses(_ item: Item) -> [ClauseDraft] {
    (item.match.map { [$0] } ?? item.when).filter { canTell($0) }
  }

  /// The slot after which the fewest steps are left on average; nil when none leaves a quarter out.
  private func bestSlot(_ items: [Item]) -> UInt32? {
    var keys: [UInt32: [[UInt8]: Int]] = [:]
    var covered: [UInt32: Int] = [:]
    for item in items {
      var seen: Set<UInt32> = []
      for clause in IndexBuilder.clauses(item) where seen.insert(clause.slot).inserted {
        covered[clause.slot, default: 0] += 1
        for key in IndexBuilder.keys(clause) { keys[clause.slot, default: [:]][key, default: 0] += 1 }
      }
    }
    var best: (slot: UInt32, left: Double)?
    for (slot, counts) in keys {
      let all = counts.values.reduce(0.0) { $0 + Double($1) }
      let average = counts.values.reduce(0.0) { $0 + Double($1) * Double($1) } / max(all, 1)
      let left = Double(items.count &- (covered[slot] ?? 0)) + average
      if left < (best?.left ?? Double(items.count) * 0.75) || (left == best?.left && slot < best?.slot ?? 0) {
        best = (slot, left)
      }
    }
    return best?.slot
  }

  /// Something that differs where the clause's buckets do.
  private static func keys(_ clause: ClauseDraft) -> [[UInt8]] {
    switch clause.test {
    case .isText: return clause.texts.map { [$0.relation.rawValue] + $0.text }
    case .isInList:
      return (clause.ranges ?? []).map { range in
        [10] + withUnsafeBytes(of: range.first) { Array($0) }
      }
    case .isPresent, .isTrue, .none: return [[11]]
    }
  }

  private mutating func node(_ slot: UInt32, _ items: [Item], depth: Int) -> IndexPlace {
    var buckets = Buckets()
    var told: [(item: Item, clause: ClauseDraft)] = []
    var rest: [Item] = []
    for item in items {
      guard let clause = IndexBuilder.clauses(item).first(where: { $0.slot == slot }) else {
        rest.append(item)
        continue
      }
      told.append((item, clause))
      buckets.add(clause, IndexBuilder.without(clause, item))
    }
    let ranges = self.ranges(buckets.ranges, depth: depth)
    if ranges == nil {
      // Too much overlap: these are walked.
      rest += told.filter { $0.clause.test == .isInList }.map { $0.item }
      rest = rest.ordered { $0.step < $1.step }
      told.removeAll { $0.clause.test == .isInList }
    }
    let node = IndexNode(
      slot: slot, rangeCount: UInt32(truncatingIfNeeded: ranges?.count ?? 0),
      equal: table(buckets.equal, hash: { TextHash.whole($0) }, depth: depth),
      prefix: table(buckets.prefix, hash: { IndexBuilder.grown($0, backwards: false) }, depth: depth),
      suffix: table(buckets.suffix, hash: { IndexBuilder.grown($0, backwards: true) }, depth: depth),
      ranges: PurserPolicy.place(ranges ?? [], in: &blocks), present: place(buckets.present, depth: depth &+ 1),
      rest: restPlace(rest, slot, depth), all: list(told.map { $0.item }),
      absent: list(told.filter { !$0.clause.failsIfAbsent && $0.clause.test != .isPresent }.map { $0.item }),
      noAddress: list(told.filter { $0.clause.test == .isInList }.map { $0.item }))
    nodes.append(node)
    return .node(nodes.count &- 1)
  }

  /// What says nothing of `slot` may still be told by others.
  private mutating func restPlace(_ rest: [Item], _ slot: UInt32, _ depth: Int) -> IndexPlace {
    place(rest, depth: depth &+ 1)
  }

  /// The step after a clause of its was found to hold.
  private static func without(_ clause: ClauseDraft, _ item: Item) -> Item {
    var item = item
    if item.match != nil {
      item.match = nil
      // Only a match that is no more than the clause is now known to hold.
      if !clause.isWhole { item.when = [] }
    } else {
      item.when.removeAll { $0.slot == clause.slot }
    }
    return item
  }

  private struct Buckets {
    var equal: [[UInt8]: [Item]] = [:]
    var prefix: [[UInt8]: [Item]] = [:]
    var suffix: [[UInt8]: [Item]] = [:]
    var present: [Item] = []
    var ranges: [(range: AddressRange, item: Item)] = []

    mutating func add(_ clause: ClauseDraft, _ item: Item) {
      switch clause.test {
      case .isText:
        for (relation, text) in clause.texts {
          switch relation {
          case .equals: Buckets.append(item, to: &equal[text, default: []])
          case .startsWith: Buckets.append(item, to: &prefix[text, default: []])
          case .endsWith: Buckets.append(item, to: &suffix[text, default: []])
          }
        }
      case .isInList: for range in clause.ranges ?? [] { ranges.append((range, item)) }
      case .isPresent, .isTrue, .none: present.append(item)
      }
    }

    /// A clause may name one text twice.
    private static func append(_ item: Item, to items: inout [Item]) {
      if items.last?.step != item.step { items.append(item) }
    }
  }

  private mutating func table(
    _ buckets: [[UInt8]: [Item]], hash: (Bytes) -> UInt64, depth: Int
  ) -> IndexTable {
    var capacity = 2
    while capacity < buckets.count &* 2 { capacity &*= 2 }
    let mask = UInt64(truncatingIfNeeded: capacity &- 1)
    var entries = [IndexEntry](repeating: IndexEntry(hash: 0, text: .empty, place: .nothing), count: capacity)
    var table = IndexTable(
      entries: PurserPolicy.place([], in: &blocks), mask: mask, lengths: 0, longest: 0, isEmpty: buckets.isEmpty)
    // In the order of their steps: a dictionary's own order differs from run to run, and so would the cost of a look-up.
    let ordered = Array(buckets).ordered {
      let (a, b) = ($0.value.first?.step ?? 0, $1.value.first?.step ?? 0)
      return a != b ? a < b : $0.key.lexicographicallyPrecedes($1.key)
    }
    for (text, items) in ordered {
      let kept = texts.keep(text)
      let hash = hash(kept)
      var at = hash & mask
      while !entries[Int(at)].place.isNothing { at = (at &+ 1) & mask }
      entries[Int(at)] = IndexEntry(hash: hash, text: kept, place: place(items, depth: depth &+ 1))
      table.lengths |= 1 << UInt64(min(text.count, 63))
      table.longest = max(table.longest, kept.count)
    }
    if !buckets.isEmpty { table.entries = PurserPolicy.place(entries, in: &blocks) }
    return table
  }

  private static func grown(_ text: Bytes, backwards: Bool) -> UInt64 {
    var hash = TextHash.seed
    for byte in backwards ? Array(text.buffer.reversed()) : Array(text.buffer) { hash = TextHash.step(hash, byte) }
    return TextHash.finish(hash)
  }

  /// Disjoint ranges over all addresses, each with the steps whose ranges cover it; nil when that is too much.
  private mutating func ranges(_ covered: [(range: AddressRange, item: Item)], depth: Int) -> [IndexRange]? {
    if covered.isEmpty { return [] }
    var starts: [Address: [Int]] = [:]
    var ends: [Address: [Int]] = [:]
    var cuts: Set<Address> = [Address(high: UInt64.max, low: UInt64.max)]
    for (number, entry) in covered.enumerated() {
      starts[entry.range.first, default: []].append(number)
      ends[entry.range.last, default: []].append(number)
      cuts.insert(entry.range.last)
      if let before = entry.range.first.predecessor { cuts.insert(before) }
    }
    var active: Set<Int> = []
    var places: [IndexRange] = []
    var budget = covered.count &* IndexBuilder.rangeShare &+ 1024
    var begin = Address(high: 0, low: 0)
    for cut in Array(cuts).ordered(by: <) {
      for number in starts[begin] ?? [] { active.insert(number) }
      budget &-= active.count
      if budget < 0 { return nil }
      var items: [Item] = []
      for number in Array(active).ordered(by: <) where items.last?.step != covered[number].item.step {
        items.append(covered[number].item)
      }
      places.append(IndexRange(last: cut, place: place(items, depth: depth &+ 1)))
      for number in ends[cut] ?? [] { active.remove(number) }
      guard let next = cut.successor else { break }
      begin = next
    }
    return places
  }
}

extension Address {
  var successor: Address? {
    let (sum, overflow) = low.addingReportingOverflow(1)
    if !overflow { return Address(high: high, low: sum) }
    return high == UInt64.max ? nil : Address(high: high &+ 1, low: 0)
  }

  var predecessor: Address? {
    if low != 0 { return Address(high: high, low: low &- 1) }
    return high == 0 ? nil : Address(high: high &- 1, low: UInt64.max)
  }
}
