// Which steps of a list can be about a request, by look-ups over a few of its attributes.
//
//   node: request.host        equal  "a.example" ─► node: request.url_path   prefix "/admin/" ─► steps 3, 17
//                                    "b.example" ─► steps 4, 9                      …
//                             rest   ─► steps 0, 12        steps that say nothing of the host
//
// A node asks for one slot. A step is below it where one of its clauses about that slot holds, or in `rest` where it
// has none. So what is not found has a clause that is false, and would have come to nothing. Where the value decides
// no clause (an error, another type), all steps of the node are candidates; where it is absent, those that do not ask
// first whether it is there.
//
// What is found is merged in the order of the steps, so that the first that holds is the first of all.

import CEL

/// A list of steps, a node, or nothing.
public struct IndexPlace: BitwiseCopyable, Sendable {
  var bits: UInt32

  static var nothing: IndexPlace { IndexPlace(bits: UInt32.max) }
  static func list(_ number: Int) -> IndexPlace { IndexPlace(bits: UInt32(truncatingIfNeeded: number) & ~nodeBit) }
  static func node(_ number: Int) -> IndexPlace { IndexPlace(bits: UInt32(truncatingIfNeeded: number) | nodeBit) }

  private static var nodeBit: UInt32 { 1 << 31 }
  var isNothing: Bool { bits == UInt32.max }
  var isNode: Bool { bits & IndexPlace.nodeBit != 0 }
  var number: Int { Int(bits & ~IndexPlace.nodeBit) }
}

/// Step numbers in ascending order.
public struct IndexList: BitwiseCopyable {
  var steps: UnsafePointer<UInt32>
  var count: UInt32
}

struct IndexEntry: BitwiseCopyable {
  var hash: UInt64
  var text: Bytes
  /// `nothing` marks a free entry.
  var place: IndexPlace
}

/// Texts to places: open addressing over a power of two of entries, at most half of them used.
struct IndexTable: BitwiseCopyable {
  var entries: UnsafePointer<IndexEntry>
  var mask: UInt64
  /// Which lengths there are, up to 62; bit 63: some are longer.
  var lengths: UInt64
  var longest: UInt32
  var isEmpty: Bool

  @inline(__always)
  func find(_ hash: UInt64, _ text: Bytes) -> IndexPlace {
    var at = hash & mask
    while true {
      let entry = entries + Int(truncatingIfNeeded: at)
      if entry.pointee.place.isNothing { return .nothing }
      if entry.pointee.hash == hash, entry.pointee.text.equals(text) { return entry.pointee.place }
      at = (at &+ 1) & mask
    }
  }

  @inline(__always)
  func hasLength(_ length: Int) -> Bool { lengths & 1 &<< UInt64(truncatingIfNeeded: length < 63 ? length : 63) != 0 }
}

/// The addresses up to `last` that no earlier range has.
struct IndexRange: BitwiseCopyable {
  var last: Address
  var place: IndexPlace
}

public struct IndexNode: BitwiseCopyable {
  var slot: UInt32
  var rangeCount: UInt32
  var equal: IndexTable
  var prefix: IndexTable
  var suffix: IndexTable
  var ranges: UnsafePointer<IndexRange>
  /// Steps that ask no more than that the attribute is there.
  var present: IndexPlace
  /// Steps of which no clause is about the slot.
  var rest: IndexPlace
  /// All the others, and of these the ones that an absent attribute does not decide, or one that is no address.
  var all: IndexPlace
  var absent: IndexPlace
  var noAddress: IndexPlace
  /// There are prefixes, suffixes or addresses.
  var asksMore: Bool
}

/// The index of one list; `root` is `nothing` where a scan is as good.
public struct RuleIndex: BitwiseCopyable {
  var root: IndexPlace
  var nodes: UnsafePointer<IndexNode>
  var lists: UnsafePointer<IndexList>
}

/// A list that is being merged.
public struct IndexCursor: BitwiseCopyable {
  var next: UnsafePointer<UInt32>
  var end: UnsafePointer<UInt32>

  public static var countMax: Int { 64 }
}

/// What was found for one request: lists under the worker's cursors. Finding gives their count back and changes nothing
/// else, so what walks them keeps all of this in registers.
struct Candidates {
  let cursors: UnsafeMutablePointer<IndexCursor>
  private(set) var count: Int

  /// More lists than there are cursors: the whole list is to be walked.
  var isOverflowing: Bool { count > IndexCursor.countMax }

  private static var overflow: Int { IndexCursor.countMax &+ 1 }

  /// Nothing found.
  static func none(_ cursors: UnsafeMutablePointer<IndexCursor>) -> Candidates { Candidates(cursors, 0) }

  private init(_ cursors: UnsafeMutablePointer<IndexCursor>, _ count: Int) {
    self.cursors = cursors
    self.count = count
  }

  @inline(__always)
  init(
    _ index: UnsafePointer<RuleIndex>, _ evaluation: Evaluation.Pointer, cursors: UnsafeMutablePointer<IndexCursor>
  ) {
    self.cursors = cursors
    let root = index.pointee.root
    count = root.isNode ? Candidates.visitNode(index.pointee.nodes + root.number, index, evaluation, cursors, 0, 0) : 0
  }

  /// `count` and what is found below `place`. The root's depth is 0.
  @inline(__always)
  private static func visit(
    _ place: IndexPlace, _ index: UnsafePointer<RuleIndex>, _ evaluation: Evaluation.Pointer,
    _ cursors: UnsafeMutablePointer<IndexCursor>, _ depth: Int, _ count: Int
  ) -> Int {
    if place.isNothing { return count }
    if place.isNode { return visitNode(index.pointee.nodes + place.number, index, evaluation, cursors, depth, count) }
    if count >= IndexCursor.countMax { return overflow }
    let list = index.pointee.lists + place.number
    cursors[count] = IndexCursor(next: list.pointee.steps, end: list.pointee.steps + Int(list.pointee.count))
    return count &+ 1
  }

  @inline(never)
  private static func visitNode(
    _ node: UnsafePointer<IndexNode>, _ index: UnsafePointer<RuleIndex>, _ evaluation: Evaluation.Pointer,
    _ cursors: UnsafeMutablePointer<IndexCursor>, _ depth: Int, _ count: Int
  ) -> Int {
    // INVARIANT: the builder nests no deeper; this only bounds the stack whatever the memory holds.
    if depth > IndexBuilder.depthMax { return overflow }
    let depth = depth &+ 1
    let slot = evaluation.pointee.slots + Int(node.pointee.slot)
    if slot.pointee.kind == .unfetched { evaluation.pointee.fetch(evaluation, node.pointee.slot) }
    var count = visit(node.pointee.rest, index, evaluation, cursors, depth, count)
    guard slot.pointee.kind == .string else {
      let place = slot.pointee.kind == .absent ? node.pointee.absent : node.pointee.all
      return visit(place, index, evaluation, cursors, depth, count)
    }
    let text = slot.pointee.asBytes
    count = visit(node.pointee.present, index, evaluation, cursors, depth, count)
    if node.pointee.equal.hasLength(Int(text.count)) {
      let place = node.pointee.equal.find(TextHash.whole(text), text)
      count = visit(place, index, evaluation, cursors, depth, count)
    }
    if node.pointee.asksMore {
      if !node.pointee.prefix.isEmpty { count = visitPrefixes(text, node, index, evaluation, cursors, depth, count) }
      if !node.pointee.suffix.isEmpty { count = visitSuffixes(text, node, index, evaluation, cursors, depth, count) }
      if node.pointee.rangeCount > 0 {
        count = visit(addressPlace(text, node), index, evaluation, cursors, depth, count)
      }
    }
    return count
  }

  @inline(never)
  private static func visitPrefixes(
    _ text: Bytes, _ node: UnsafePointer<IndexNode>, _ index: UnsafePointer<RuleIndex>,
    _ evaluation: Evaluation.Pointer, _ cursors: UnsafeMutablePointer<IndexCursor>, _ depth: Int, _ count: Int
  ) -> Int {
    var count = count
    var hash = TextHash.seed
    let end = min(Int(text.count), Int(node.pointee.prefix.longest))
    let lengths = node.pointee.prefix.lengths
    var length = 0
    while true {
      if lengths & 1 << UInt64(length < 63 ? length : 63) != 0 {
        let start = Bytes(address: text.address, count: UInt32(truncatingIfNeeded: length))
        let place = node.pointee.prefix.find(TextHash.finish(hash), start)
        count = visit(place, index, evaluation, cursors, depth, count)
      }
      guard length < end, let base = text.base else { return count }
      hash = TextHash.step(hash, base[length])
      length &+= 1
    }
  }

  @inline(never)
  private static func visitSuffixes(
    _ text: Bytes, _ node: UnsafePointer<IndexNode>, _ index: UnsafePointer<RuleIndex>,
    _ evaluation: Evaluation.Pointer, _ cursors: UnsafeMutablePointer<IndexCursor>, _ depth: Int, _ count: Int
  ) -> Int {
    var count = count
    var hash = TextHash.seed
    let end = min(Int(text.count), Int(node.pointee.suffix.longest))
    var length = 0
    while true {
      if node.pointee.suffix.hasLength(length) {
        let start = Int(text.count) &- length
        let tail = Bytes(
          address: text.address &+ UInt64(truncatingIfNeeded: start), count: UInt32(truncatingIfNeeded: length))
        let place = node.pointee.suffix.find(TextHash.finish(hash), tail)
        count = visit(place, index, evaluation, cursors, depth, count)
      }
      guard length < end, let base = text.base else { return count }
      length &+= 1
      hash = TextHash.step(hash, base[Int(text.count) &- length])
    }
  }

  private static func addressPlace(_ text: Bytes, _ node: UnsafePointer<IndexNode>) -> IndexPlace {
    guard let address = Address(text) else { return node.pointee.noAddress }
    var low = 0
    var high = Int(node.pointee.rangeCount)
    while low < high {
      let middle = (low &+ high) &>> 1
      if node.pointee.ranges[middle].last < address { low = middle &+ 1 } else { high = middle }
    }
    return low < Int(node.pointee.rangeCount) ? node.pointee.ranges[low].place : .nothing
  }

  /// The lowest step number that was not given yet; nil at the end. A step that was found twice is given once.
  @inline(__always)
  mutating func next() -> UInt32? {
    if count == 0 { return nil }
    if count == 1 {
      let next = cursors.pointee.next
      if next == cursors.pointee.end { return nil }
      cursors.pointee.next = next + 1
      return next.pointee
    }
    count = Candidates.dropSpent(cursors, count)
    return count == 0 ? nil : Candidates.lowest(cursors, count)
  }

  /// How many lists have steps left; they come first.
  @inline(never)
  private static func dropSpent(_ cursors: UnsafeMutablePointer<IndexCursor>, _ count: Int) -> Int {
    var count = count
    var at = 0
    while at < count {
      if cursors[at].next != cursors[at].end {
        at &+= 1
        continue
      }
      count &-= 1
      cursors[at] = cursors[count]
    }
    return count
  }

  /// Of lists that all have steps left; it is taken from each.
  @inline(never)
  private static func lowest(_ cursors: UnsafeMutablePointer<IndexCursor>, _ count: Int) -> UInt32 {
    var lowest = UInt32.max
    var at = 0
    while at < count {
      lowest = min(lowest, cursors[at].next.pointee)
      at &+= 1
    }
    at = 0
    while at < count {
      if cursors[at].next.pointee == lowest { cursors[at].next += 1 }
      at &+= 1
    }
    return lowest
  }
}

/// Goes through a list of steps: those that were found, or all.
struct StepWalk {
  private let steps: UnsafePointer<RuleStep>
  /// Of all; 0 where those that were found are walked.
  private let count: UInt32
  private var number: UInt32 = 0
  private var candidates: Candidates

  /// Without `looksUp` all are walked.
  @inline(__always)
  init(
    _ list: UnsafePointer<RuleList>, _ evaluation: Evaluation.Pointer, cursors: UnsafeMutablePointer<IndexCursor>,
    looksUp: Bool
  ) {
    steps = list.pointee.steps
    if looksUp, !list.pointee.index.root.isNothing {
      candidates = Candidates(&UnsafeMutablePointer(mutating: list).pointee.index, evaluation, cursors: cursors)
      count = candidates.isOverflowing ? list.pointee.count : 0
    } else {
      candidates = .none(cursors)
      count = list.pointee.count
    }
  }

  @inline(__always)
  mutating func next() -> UnsafePointer<RuleStep>? {
    if count == 0 { return candidates.next().map { steps + Int($0) } }
    guard number < count else { return nil }
    let step = steps + Int(number)
    number &+= 1
    return step
  }

  /// The policy is not about the request: its other steps need not be looked at.
  @inline(__always)
  mutating func leavePolicy(of step: UnsafePointer<RuleStep>) { number = step.pointee.next }
}

/// Two hashes of text: of the whole, eight bytes at a time, and one that grows by a byte.
enum TextHash {
  static var seed: UInt64 { 0xcbf2_9ce4_8422_2325 }

  @inline(__always)
  static func step(_ hash: UInt64, _ byte: UInt8) -> UInt64 { (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }

  @inline(__always)
  static func finish(_ hash: UInt64) -> UInt64 { hash ^ (hash >> 32) }

  @inline(__always)
  static func whole(_ text: Bytes) -> UInt64 {
    let count = Int(text.count)
    var hash = seed ^ UInt64(text.count)
    guard let base = text.base else { return finish(hash) }
    let raw = UnsafeRawPointer(base)
    if count >= 8 {
      var at = 0
      while at < count &- 8 {
        hash = mix(hash ^ raw.loadUnaligned(fromByteOffset: at, as: UInt64.self))
        at &+= 8
      }
      return mix(hash ^ raw.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self))
    }
    var at = 0
    while at < count {
      hash = step(hash, base[at])
      at &+= 1
    }
    return finish(hash)
  }

  @inline(__always)
  private static func mix(_ value: UInt64) -> UInt64 {
    let product = value &* 0x9E37_79B9_7F4A_7C15
    return product ^ (product >> 32)
  }
}
