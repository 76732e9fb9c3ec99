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
  struct Item: BitwiseCopyable {
    var step: UInt32
    /// How many of `decided` there are.
    private var decidedCount: UInt32 = 0
    /// Slots of which a clause of `when` was found to hold by the nodes above.
    private var decided: (UInt32, UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0, 0)
    var match: Match
    /// Of `when`; none where the match can err otherwise than by being undecided at a node.
    var when: UnsafeBufferPointer<ClauseDraft>

    enum Match: BitwiseCopyable {
      /// About every request.
      case all
      /// Only its program can tell.
      case untold
      case told(UnsafePointer<ClauseDraft>)

      var clause: UnsafePointer<ClauseDraft>? {
        if case .told(let clause) = self { return clause }
        return nil
      }
    }

    init(step: UInt32, match: Match, when: UnsafeBufferPointer<ClauseDraft>) {
      self.step = step
      self.match = match
      self.when = when
    }

    /// Whether no look-up can leave it out, whatever the nodes above tell.
    var isUntold: Bool {
      switch match {
      case .all: !when.contains { canTell($0) }
      case .untold: true
      case .told(let clause): !canTell(clause.pointee)
      }
    }

    /// What `slot` tells was told. INVARIANT: there are no more nodes above a step than places here.
    mutating func decide(_ slot: UInt32) {
      switch decidedCount {
      case 0: decided.0 = slot
      case 1: decided.1 = slot
      case 2: decided.2 = slot
      case 3: decided.3 = slot
      default: decided.4 = slot
      }
      decidedCount &+= 1
    }

    private func isDecided(_ slot: UInt32) -> Bool {
      (decidedCount > 0 && decided.0 == slot) || (decidedCount > 1 && decided.1 == slot)
        || (decidedCount > 2 && decided.2 == slot) || (decidedCount > 3 && decided.3 == slot)
        || (decidedCount > 4 && decided.4 == slot)
    }

    /// Calls `body` with the clauses that may leave the step out now, until it gives false.
    @inline(__always)
    func forEachClause(_ body: (ClauseDraft) -> Bool) {
      switch match {
      case .all: break
      case .untold: return
      case .told(let clause):
        if canTell(clause.pointee) { _ = body(clause.pointee) }
        return
      }
      for clause in when where canTell(clause) && !isDecided(clause.slot) {
        if !body(clause) { return }
      }
    }

    func clause(of slot: UInt32) -> ClauseDraft? {
      var found: ClauseDraft?
      forEachClause { clause in
        if clause.slot != slot { return true }
        found = clause
        return false
      }
      return found
    }
  }

  private(set) var nodes: [IndexNode] = []
  /// Steps of the lists, one list after the other, and where each list begins and ends.
  private var listSteps: [UInt32] = []
  private var listRanges: [Range<Int>] = []
  private var blocks: [UnsafeMutableRawPointer] = []
  /// Steps that no look-up can leave out.
  private(set) var unindexed: Set<UInt32> = []

  /// `items` are in the order of their steps. What `blocks` gains must outlive the index.
  static func build(
    _ items: [Item], _ blocks: inout [UnsafeMutableRawPointer]
  ) -> (index: RuleIndex, unindexed: Set<UInt32>) {
    var builder = IndexBuilder()
    for item in items where item.isUntold { builder.unindexed.insert(item.step) }
    let root = items.count <= stepsFew ? .nothing : builder.place(items, depth: 0)
    let steps = PurserPolicy.place(builder.listSteps, in: &builder.blocks)
    let lists = builder.listRanges.map {
      IndexList(steps: steps + $0.lowerBound, count: UInt32(truncatingIfNeeded: $0.count))
    }
    let index = RuleIndex(
      root: root.isNode ? root : .nothing, nodes: PurserPolicy.place(builder.nodes, in: &builder.blocks),
      lists: PurserPolicy.place(lists, in: &builder.blocks))
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
    let first = listSteps.count
    for item in items { listSteps.append(item.step) }
    listRanges.append(first..<listSteps.count)
    return .list(listRanges.count &- 1)
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
      guard let match = item.match.clause?.pointee, IndexBuilder.canTell(match), match.isWhole,
        item.when.contains(where: { IndexBuilder.canTell($0) })
      else { continue }
      counts[match.slot, default: 0] += 1
    }
    return counts.first { $0.value > items.count / 2 }?.key
  }

  /// The slot after which the fewest steps are left on average; nil when none leaves a quarter out.
  private func bestSlot(_ items: [Item]) -> UInt32? {
    var keys: [UInt32: [LoadKey: Int]] = [:]
    var covered: [UInt32: (last: UInt32, count: Int)] = [:]
    for item in items {
      item.forEachClause { clause in
        // Of several clauses about one slot only the first is looked up.
        if covered[clause.slot]?.last == item.step { return true }
        covered[clause.slot] = (item.step, (covered[clause.slot]?.count ?? 0) &+ 1)
        IndexBuilder.forEachKey(of: clause) { keys[clause.slot, default: [:]][$0, default: 0] += 1 }
        return true
      }
    }
    var best: (slot: UInt32, left: Double)?
    for (slot, counts) in keys {
      let all = counts.values.reduce(0.0) { $0 + Double($1) }
      let average = counts.values.reduce(0.0) { $0 + Double($1) * Double($1) } / max(all, 1)
      let left = Double(items.count &- (covered[slot]?.count ?? 0)) + average
      if left < (best?.left ?? Double(items.count) * 0.75) || (left == best?.left && slot < best?.slot ?? 0) {
        best = (slot, left)
      }
    }
    return best?.slot
  }

  /// Calls `body` with something that differs where the clause's buckets do.
  private static func forEachKey(of clause: ClauseDraft, _ body: (LoadKey) -> Void) {
    switch clause.test {
    case .isText:
      for test in clause.allTexts { body(LoadKey(sort: test.relation.rawValue, text: test.text)) }
    case .isInList:
      for range in clause.allRanges { body(LoadKey(sort: 10, address: range.first)) }
    case .isPresent, .isTrue, .none: body(LoadKey(sort: 11))
    }
  }

  private mutating func node(_ slot: UInt32, _ items: [Item], depth: Int) -> IndexPlace {
    var buckets = Buckets()
    var told: [(item: Item, clause: ClauseDraft)] = []
    var rest: [Item] = []
    for item in items {
      guard let clause = item.clause(of: slot) else {
        rest.append(item)
        continue
      }
      told.append((item, clause))
      buckets.add(clause, IndexBuilder.without(clause, item))
    }
    // An empty list has no range, and yet what is no address errs: all addresses are then one range with nothing in it.
    let asksAddresses = told.contains { $0.clause.test == .isInList }
    let ranges = asksAddresses ? self.ranges(buckets.ranges, depth: depth) : []
    if ranges == nil {
      // Too much overlap: these are walked.
      rest += told.filter { $0.clause.test == .isInList }.map { $0.item }
      rest = rest.ordered { $0.step < $1.step }
      told.removeAll { $0.clause.test == .isInList }
    }
    var node = IndexNode(
      slot: slot, rangeCount: UInt32(truncatingIfNeeded: ranges?.count ?? 0),
      equal: table(buckets.equal, hash: { TextHash.whole($0) }, depth: depth),
      prefix: table(buckets.prefix, hash: { IndexBuilder.grown($0, backwards: false) }, depth: depth),
      suffix: table(buckets.suffix, hash: { IndexBuilder.grown($0, backwards: true) }, depth: depth),
      ranges: PurserPolicy.place(ranges ?? [], in: &blocks), present: place(buckets.present, depth: depth &+ 1),
      rest: restPlace(rest, slot, depth), all: list(told.map { $0.item }),
      absent: list(told.filter { !$0.clause.failsIfAbsent && $0.clause.test != .isPresent }.map { $0.item }),
      noAddress: list(told.filter { $0.clause.test == .isInList }.map { $0.item }), asksMore: false)
    node.asksMore = node.rangeCount > 0 || !node.prefix.isEmpty || !node.suffix.isEmpty
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
    if item.match.clause != nil {
      item.match = .all
      // Only a match that is no more than the clause is now known to hold.
      if !clause.isWhole { item.when = UnsafeBufferPointer(start: nil, count: 0) }
    } else {
      item.decide(clause.slot)
    }
    return item
  }

  private struct Buckets {
    var equal = TextBuckets()
    var prefix = TextBuckets()
    var suffix = TextBuckets()
    var present: [Item] = []
    var ranges: [(range: AddressRange, item: Item)] = []

    mutating func add(_ clause: ClauseDraft, _ item: Item) {
      switch clause.test {
      case .isText:
        for test in clause.allTexts {
          switch test.relation {
          case .equals: equal.add(item, to: test.text)
          case .startsWith: prefix.add(item, to: test.text)
          case .endsWith: suffix.add(item, to: test.text)
          }
        }
      case .isInList: for range in clause.allRanges { ranges.append((range, item)) }
      case .isPresent, .isTrue, .none: present.append(item)
      }
    }
  }

  /// Items by a text, in the order in which the texts came: a dictionary's own order differs from run to run, and so would
  /// the cost of a look-up.
  private struct TextBuckets {
    private(set) var items: [(text: Bytes, items: [Item])] = []
    private var numbers: [LoadKey: Int] = [:]

    mutating func add(_ item: Item, to text: Bytes) {
      guard let number = numbers[LoadKey(text: text)], items.indices.contains(number) else {
        numbers[LoadKey(text: text)] = items.count
        items.append((text, [item]))
        return
      }
      // A clause may name one text twice.
      if items[number].items.last?.step != item.step { items[number].items.append(item) }
    }
  }

  private mutating func table(
    _ buckets: TextBuckets, hash: (Bytes) -> UInt64, depth: Int
  ) -> IndexTable {
    let buckets = buckets.items
    var capacity = 2
    while capacity < buckets.count &* 2 { capacity &*= 2 }
    let mask = UInt64(truncatingIfNeeded: capacity &- 1)
    var entries = [IndexEntry](repeating: IndexEntry(hash: 0, text: .empty, place: .nothing), count: capacity)
    var table = IndexTable(
      entries: PurserPolicy.place([], in: &blocks), mask: mask, lengths: 0, longest: 0, isEmpty: buckets.isEmpty)
    for (text, items) in buckets {
      let hash = hash(text)
      var at = hash & mask
      while !entries[Int(at)].place.isNothing { at = (at &+ 1) & mask }
      entries[Int(at)] = IndexEntry(hash: hash, text: text, place: place(items, depth: depth &+ 1))
      table.lengths |= 1 << UInt64(min(text.count, 63))
      table.longest = max(table.longest, text.count)
    }
    if !buckets.isEmpty { table.entries = PurserPolicy.place(entries, in: &blocks) }
    return table
  }

  private static func grown(_ text: Bytes, backwards: Bool) -> UInt64 {
    var hash = TextHash.seed
    if backwards {
      for byte in text.buffer.reversed() { hash = TextHash.step(hash, byte) }
    } else {
      for byte in text.buffer { hash = TextHash.step(hash, byte) }
    }
    return TextHash.finish(hash)
  }

  /// Disjoint ranges over all addresses, each with the steps whose ranges cover it; nil when that is too much.
  private mutating func ranges(_ covered: [(range: AddressRange, item: Item)], depth: Int) -> [IndexRange]? {
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
