// The table of one worker: fixed memory, nothing allocated after it is made.
//
//   index   [hash, place] [hash, place] …      open addressing, 8 bytes a slot
//   ring    [entry key value] [entry key value] …  ──► head       written at the head, let go at the tail
//              ▲ tail
//
// What comes to the tail and was used since it was written goes on to the head (the clock algorithm); what was not is let go.
// INVARIANT: a slot's place is that of a living entry of the ring, and each living entry has one slot.

import CPlatform

/// The head of an entry in the ring. The key and the value follow.
struct TableEntry {
  var hash: UInt64
  var askedAt: Int64
  var freshUntil: Int64
  var staleUntil: Int64
  var epochSum: UInt64
  var places: (UInt64, UInt64, UInt64, UInt64)
  var name: EntryName
  /// Of the whole entry, a multiple of 8.
  var bytes: UInt32
  var keyBytes: UInt32
  var valueBytes: UInt32
  /// `UInt32.max` for any number.
  var usesLeft: UInt32
  /// The generation in which the store was told that it is in use; 0 for never.
  var markedAt: UInt32
  var epochCount: UInt8
  var isUsed: Bool
  var isGone: Bool

  static let headBytes = (MemoryLayout<TableEntry>.stride + 7) & ~7
}

struct WorkerTable {
  /// For each entry that comes in: bounds its work.
  private static let chancesMax = 32

  private let ring: UnsafeMutableRawPointer
  private let ringBytes: Int
  private let index: UnsafeMutablePointer<UInt64>
  private let mask: Int
  private var head = 0
  private var tail = 0
  /// Whether the head has gone on at the beginning and the tail has not; entries then end at `end`.
  private var isWrapped = false
  private var end = 0
  /// In the ring, gone ones included.
  private var entries = 0
  private(set) var living = 0

  /// All in all `bytes`; with less than 4 KiB it keeps nothing.
  init?(bytes: Int) {
    let bytes = min(max(bytes, 0), 1 << 34)
    var slots = 64
    while slots &* 128 <= bytes { slots &*= 2 }
    let ringBytes = max((bytes &- slots &* 8) & ~7, 0)
    guard let ring = malloc(max(ringBytes, 8)) else { return nil }
    guard let index = calloc(slots, 8) else {
      platformFree(ring)
      return nil
    }
    self.ring = ring
    self.ringBytes = bytes >= 4096 ? ringBytes : 0
    self.index = index.bindMemory(to: UInt64.self, capacity: slots)
    mask = slots &- 1
  }

  func free() {
    platformFree(ring)
    platformFree(index)
  }

  /// The largest entry that it takes: one must not push out all others.
  var entryBytesMax: Int { ringBytes / 8 }

  // MARK: Looking

  @inline(__always)
  private func entry(_ place: Int) -> UnsafeMutablePointer<TableEntry> {
    (ring + place).assumingMemoryBound(to: TableEntry.self)
  }

  @inline(__always)
  private static func slotWord(_ hash: UInt64, _ place: Int) -> UInt64 {
    (hash & 0xffff_ffff_0000_0000) | UInt64(truncatingIfNeeded: (place >> 3) &+ 1)
  }

  @inline(__always)
  private static func place(_ slot: UInt64) -> Int { Int(truncatingIfNeeded: (slot & 0xffff_ffff) &- 1) &<< 3 }

  @inline(__always)
  func find(_ key: UnsafeRawBufferPointer, hash: UInt64) -> UnsafeMutablePointer<TableEntry>? {
    var at = Int(truncatingIfNeeded: hash >> 32) & mask
    while true {
      let slot = index[at]
      if slot == 0 { return nil }
      if slot >> 32 == hash >> 32 {
        let found = entry(Self.place(slot))
        if found.pointee.hash == hash, Int(found.pointee.keyBytes) == key.count,
          Self.equal(UnsafeRawPointer(found) + TableEntry.headBytes, key)
        {
          return found
        }
      }
      at = (at &+ 1) & mask
    }
  }

  @inline(__always)
  private static func equal(_ bytes: UnsafeRawPointer, _ key: UnsafeRawBufferPointer) -> Bool {
    guard let base = key.baseAddress else { return true }
    return memcmp(bytes, base, key.count) == 0
  }

  @inline(__always)
  static func value(_ entry: UnsafeMutablePointer<TableEntry>) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(
      start: UnsafeRawPointer(entry) + TableEntry.headBytes + Int(entry.pointee.keyBytes),
      count: Int(entry.pointee.valueBytes))
  }

  // MARK: Changing

  /// Puts an entry in, in place of one with the same key. Nil if it is too large. `head.hash` and the sizes are set here.
  mutating func insert(_ entry: TableEntry, hash: UInt64, key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer)
    -> UnsafeMutablePointer<TableEntry>?
  {
    if let old = find(key, hash: hash) { remove(old) }
    guard key.count <= ringBytes, value.count <= ringBytes else { return nil }
    let bytes = (TableEntry.headBytes &+ key.count &+ value.count &+ 7) & ~7
    guard bytes <= entryBytesMax else { return nil }
    var chances = Self.chancesMax
    while living &* 4 >= mask &* 3 { letGo(&chances) }
    makeRoom(bytes, &chances)
    let made = self.entry(head)
    var entry = entry
    entry.hash = hash
    entry.bytes = UInt32(truncatingIfNeeded: bytes)
    entry.keyBytes = UInt32(truncatingIfNeeded: key.count)
    entry.valueBytes = UInt32(truncatingIfNeeded: value.count)
    entry.isGone = false
    made.initialize(to: entry)
    let content = UnsafeMutableRawPointer(made) + TableEntry.headBytes
    if let base = key.baseAddress { content.copyMemory(from: base, byteCount: key.count) }
    if let base = value.baseAddress { (content + key.count).copyMemory(from: base, byteCount: value.count) }
    link(hash, head)
    head &+= bytes
    entries &+= 1
    return made
  }

  /// Its memory comes back when the tail passes.
  mutating func remove(_ entry: UnsafeMutablePointer<TableEntry>) {
    guard !entry.pointee.isGone else { return }
    entry.pointee.isGone = true
    unlink(entry.pointee.hash, UnsafeMutableRawPointer(entry) - ring)
  }

  private mutating func link(_ hash: UInt64, _ place: Int) {
    var at = Int(truncatingIfNeeded: hash >> 32) & mask
    while index[at] != 0 { at = (at &+ 1) & mask }
    index[at] = Self.slotWord(hash, place)
    living &+= 1
  }

  private mutating func unlink(_ hash: UInt64, _ place: Int) {
    let word = Self.slotWord(hash, place)
    var at = Int(truncatingIfNeeded: hash >> 32) & mask
    while index[at] != word {
      if index[at] == 0 { return }
      at = (at &+ 1) & mask
    }
    // Whatever of the run could lie nearer to its home moves up, so that no search ends too early.
    var next = at
    while true {
      next = (next &+ 1) & mask
      let slot = index[next]
      if slot == 0 { break }
      let home = Int(truncatingIfNeeded: slot >> 32) & mask
      if (next &- home) & mask >= (next &- at) & mask {
        index[at] = slot
        at = next
      }
    }
    index[at] = 0
    living &-= 1
  }

  /// Until `bytes` lie free at the head.
  private mutating func makeRoom(_ bytes: Int, _ chances: inout Int) {
    while true {
      if entries == 0 {
        head = 0
        tail = 0
        isWrapped = false
      }
      if !isWrapped {
        if ringBytes &- head >= bytes { return }
        end = head
        head = 0
        isWrapped = true
      }
      if tail &- head >= bytes { return }
      letGo(&chances)
    }
  }

  /// The entry at the tail goes, or goes on at the head if it was used and there are chances left.
  private mutating func letGo(_ chances: inout Int) {
    guard entries > 0 else { return }
    let place = tail
    let oldest = entry(place)
    let bytes = Int(oldest.pointee.bytes)
    tail &+= bytes
    entries &-= 1
    let wasWrapped = isWrapped
    if isWrapped, tail >= end {
      tail = 0
      isWrapped = false
    }
    guard !oldest.pointee.isGone else { return }
    let hash = oldest.pointee.hash
    unlink(hash, place)
    // Only where the entry's own room is what becomes free before the head: a move to lower addresses.
    guard oldest.pointee.isUsed, chances > 0, wasWrapped else { return }
    chances &-= 1
    oldest.pointee.isUsed = false
    memmove(ring + head, UnsafeRawPointer(oldest), bytes)
    link(hash, head)
    head &+= bytes
    entries &+= 1
  }
}

/// `free`, where a method has that name.
@inline(__always)
private func platformFree(_ memory: UnsafeMutableRawPointer) { CPlatform.free(memory) }
