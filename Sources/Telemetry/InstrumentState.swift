// An instrument as the request path sees it: a raw struct at an address that stays the same from the first plan that
// names it to the last.
//
//   InstrumentState ──► shared[0] ──► series table ──► Series        (label values → series id)
//          │            seriesByID[id] ──────────────► Series        (for the snapshot)
//          │
//          └ index, cell shape ──► shard.directory[index] ──► page table ──► page ──► cell of a series id
//
// The numbers themselves are in each worker's shard; here is only what all workers share.

import CEL
import CPlatform

public struct InstrumentState {
  let kind: InstrumentDefinition.Kind
  let labelCount: Int
  let seriesMax: Int
  /// In every shard's directory.
  let index: Int
  /// 8-byte words a cell.
  let cellWords: Int
  let pageCount: Int
  let bounds: UnsafeMutablePointer<Double>
  let boundCount: Int
  let hashKey: UInt64
  /// [0] address of the series table; [1] 1 when there is no free series id.
  let shared: UnsafeMutablePointer<UInt64>
  /// Address of each id's series, or 0. Read by the snapshot without the lock.
  let seriesByID: UnsafeMutablePointer<UInt64>
  let lock: OpaquePointer

  /// Under the lock. Apart from this struct, which nobody changes once it is made.
  let ids: UnsafeMutablePointer<SeriesIDs>
  /// Stack of ids given back.
  let freeIDs: UnsafeMutablePointer<UInt32>
  /// Addresses of series taken out of the table whose cells still may be written to; see `InstrumentRegistry+Expiry`.
  let retired: UnsafeMutablePointer<UInt64>

  /// Cells of one page: small enough that an instrument with few series costs little, large enough that a full one has a
  /// short page table.
  static var pageCells: Int { 64 }
  static var pageShift: Int { 6 }

  static func make(
    _ definition: InstrumentDefinition, index: Int, hashKey: UInt64
  ) -> UnsafeMutablePointer<InstrumentState>? {
    let ids = definition.seriesMax &+ 1
    guard let lock = platform_lock_make() else { return nil }
    let bounds = calloc(definition.buckets.count &+ 1, 8)
    let shared = calloc(2, 8)
    let seriesByID = calloc(ids, 8)
    let freeIDs = calloc(ids, 4)
    let retired = calloc(ids, 8)
    let counts = malloc(MemoryLayout<SeriesIDs>.size)
    let state = malloc(MemoryLayout<InstrumentState>.size)
    let table = SeriesTable.make(seriesMax: definition.seriesMax)
    guard let bounds, let shared, let seriesByID, let freeIDs, let retired, let counts, let state, let table
    else {
      CPlatform.free(bounds)
      CPlatform.free(shared)
      CPlatform.free(seriesByID)
      CPlatform.free(freeIDs)
      CPlatform.free(retired)
      CPlatform.free(counts)
      CPlatform.free(state)
      CPlatform.free(table)
      platform_lock_free(lock)
      return nil
    }
    let boundWords = bounds.bindMemory(to: Double.self, capacity: definition.buckets.count &+ 1)
    for (position, bound) in definition.buckets.enumerated() { boundWords[position] = bound }
    let sharedWords = shared.bindMemory(to: UInt64.self, capacity: 2)
    sharedWords[0] = UInt64(UInt(bitPattern: table))
    let idCounts = counts.bindMemory(to: SeriesIDs.self, capacity: 1)
    idCounts.initialize(to: SeriesIDs(next: 1, freeCount: 0, retiredCount: 0))
    let result = state.bindMemory(to: InstrumentState.self, capacity: 1)
    result.initialize(
      to: InstrumentState(
        kind: definition.kind, labelCount: definition.labelNames.count, seriesMax: definition.seriesMax, index: index,
        cellWords: Cell.words(definition.kind, boundCount: definition.buckets.count),
        pageCount: (ids &+ pageCells &- 1) / pageCells, bounds: boundWords, boundCount: definition.buckets.count,
        hashKey: hashKey, shared: sharedWords, seriesByID: seriesByID.bindMemory(to: UInt64.self, capacity: ids),
        lock: lock, ids: idCounts, freeIDs: freeIDs.bindMemory(to: UInt32.self, capacity: ids),
        retired: retired.bindMemory(to: UInt64.self, capacity: ids)))
    return result
  }

  /// When no plan and no shard refers to it any more.
  static func free(_ state: UnsafeMutablePointer<InstrumentState>) {
    let it = state.pointee
    for id in 0...it.seriesMax {
      CPlatform.free(UnsafeMutableRawPointer(bitPattern: UInt(it.seriesByID[id])))
    }
    CPlatform.free(UnsafeMutableRawPointer(bitPattern: UInt(it.shared[0])))
    CPlatform.free(it.bounds)
    CPlatform.free(it.shared)
    CPlatform.free(it.seriesByID)
    CPlatform.free(it.freeIDs)
    CPlatform.free(it.retired)
    CPlatform.free(it.ids)
    platform_lock_free(it.lock)
    CPlatform.free(state)
  }
}

/// Who has which series id. Under the instrument's lock.
struct SeriesIDs {
  /// Ids never used so far begin here.
  var next: Int
  var freeCount: Int
  var retiredCount: Int
}

extension InstrumentState {
  /// The id of these label values: found, or made if there is room, else 0, the overflow series. Nil without memory.
  @inline(__always)
  static func series(
    _ state: UnsafeMutablePointer<InstrumentState>, labels: UnsafePointer<Bytes>, hash: UInt64
  ) -> UInt32? {
    let address = platform_load_acquire(state.pointee.shared)
    if let words = UnsafeMutablePointer<UInt64>(bitPattern: UInt(address)),
      let series = SeriesTable(words: words).find(hash: hash, labels: labels, count: state.pointee.labelCount)
    {
      return series.load(fromByteOffset: 8, as: UInt32.self)
    }
    return insert(state, labels: labels, hash: hash)
  }

  @inline(never)
  private static func insert(
    _ state: UnsafeMutablePointer<InstrumentState>, labels: UnsafePointer<Bytes>, hash: UInt64
  ) -> UInt32? {
    // A full instrument must not make every worker queue at the lock.
    if platform_load(state.pointee.shared + 1) != 0 { return 0 }
    platform_lock_acquire(state.pointee.lock)
    defer { platform_lock_release(state.pointee.lock) }
    let labelCount = state.pointee.labelCount
    guard let words = UnsafeMutablePointer<UInt64>(bitPattern: UInt(platform_load(state.pointee.shared))) else {
      return nil
    }
    let table = SeriesTable(words: words)
    if let series = table.find(hash: hash, labels: labels, count: labelCount) {
      return series.load(fromByteOffset: 8, as: UInt32.self)
    }
    // Taken out a moment ago, and here it is again: the same cells go on.
    var next = 0
    while next < state.pointee.ids.pointee.retiredCount {
      let position = next
      next &+= 1
      guard
        let series = UnsafePointer<Series>(bitPattern: UInt(state.pointee.retired[position])),
        series.pointee.hash == hash, Series.matches(series, labels: labels, count: labelCount)
      else { continue }
      reinstate(state, at: position)
      return series.pointee.id
    }
    let id: UInt32
    if state.pointee.ids.pointee.freeCount > 0 {
      id = state.pointee.freeIDs[state.pointee.ids.pointee.freeCount &- 1]
    } else if state.pointee.ids.pointee.next <= state.pointee.seriesMax {
      id = UInt32(truncatingIfNeeded: state.pointee.ids.pointee.next)
    } else {
      return 0
    }
    guard let series = Series.make(hash: hash, id: id, labels: labels, count: labelCount) else { return nil }
    if state.pointee.ids.pointee.freeCount > 0 {
      state.pointee.ids.pointee.freeCount &-= 1
    } else {
      state.pointee.ids.pointee.next &+= 1
    }
    platform_store_release(state.pointee.seriesByID + Int(id), UInt64(UInt(bitPattern: series)))
    table.insert(series)
    noteRoom(state)
    return id
  }

  /// Every id given out so far, the overflow series' too. Ids made while the caller looks may be missing.
  static func ids(_ state: UnsafeMutablePointer<InstrumentState>) -> Range<Int> {
    platform_lock_acquire(state.pointee.lock)
    defer { platform_lock_release(state.pointee.lock) }
    return 0..<max(state.pointee.ids.pointee.next, 1)
  }

  /// Under the lock: puts a retired series back into the table.
  static func reinstate(_ state: UnsafeMutablePointer<InstrumentState>, at position: Int) {
    guard
      let series = UnsafePointer<Series>(bitPattern: UInt(state.pointee.retired[position])),
      let words = UnsafeMutablePointer<UInt64>(bitPattern: UInt(platform_load(state.pointee.shared)))
    else { return }
    SeriesTable(words: words).insert(series)
    state.pointee.ids.pointee.retiredCount &-= 1
    state.pointee.retired[position] = state.pointee.retired[state.pointee.ids.pointee.retiredCount]
  }

  /// Under the lock: says whether a search that finds nothing may go straight to overflow. Not while series are retired:
  /// one of them may be the one searched for.
  static func noteRoom(_ state: UnsafeMutablePointer<InstrumentState>) {
    let isFull = state.pointee.ids.pointee.freeCount == 0 && state.pointee.ids.pointee.next > state.pointee.seriesMax
    platform_store(state.pointee.shared + 1, isFull && state.pointee.ids.pointee.retiredCount == 0 ? 1 : 0)
  }
}
