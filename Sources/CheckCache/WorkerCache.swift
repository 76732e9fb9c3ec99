// One worker's view of the cache: its table, then the store.
//
//   find ── table ── hit ──────────────────────────────► value in the table
//             └── miss, over ── store ── opened, checked ──► put into the table
//
// No lock, no system call, no allocation once the first look into the store has taken a reader's place.

import CPlatform
import PurserStore

/// One thread at a time. Free it before the cache is forgotten; the cache lives until then.
public final class WorkerCache: @unchecked Sendable {
  private let cache: CheckCache
  private let keys: CacheKeys
  private let epochs: EpochTable
  private let hashKey = KeyHash(platform_random_word(), platform_random_word())
  private let shared: UnsafeMutablePointer<UInt64>
  private let scratch: UnsafeMutableRawPointer
  private let valueBytesMax: Int
  private let seals: SealBox
  let marks: MarkRing
  let counters = Counters()
  private var table: WorkerTable
  private var reader: StoreReader?
  private var readerRetryAt = Int64.min
  /// The fork count in which it may be used; one that never comes after `free`.
  private var life: UInt64

  init?(cache: CheckCache, bytes: Int, valueBytesMax: Int) {
    guard let table = WorkerTable(bytes: bytes) else { return nil }
    guard let marks = MarkRing() else {
      table.free()
      return nil
    }
    self.cache = cache
    self.table = table
    self.marks = marks
    self.valueBytesMax = valueBytesMax
    keys = cache.keys
    epochs = cache.epochs
    shared = cache.shared
    seals = SealBox(keys: cache.keys)
    // What a seal is bound to, then the value.
    scratch = .allocate(byteCount: Self.boundBytes &+ valueBytesMax, alignment: 16)
    life = UInt64(platform_fork_count())
  }

  private static let boundBytes = (Record.boundBytesMax + 15) & ~15

  deinit {
    free()
    counters.free()
  }

  /// Gives all memory back, and the place among the store's readers. Again is fine. Afterwards nothing is found.
  public func free() {
    guard life != .max else { return }
    let isForked = life != UInt64(platform_fork_count())
    life = .max
    // A fork's child has no part in the store.
    if !isForked { reader?.end() }
    reader = nil
    if !isForked { cache.remove(self) }
    table.free()
    marks.free()
    seals.free()
    scratch.deallocate()
  }

  // MARK: Looking

  /// The answer to this question, if one is kept that may still be used. `now` is in nanoseconds of the wall clock.
  public func find(key: UnsafeRawBufferPointer, now: Int64) -> CacheHit {
    guard life == UInt64(platform_fork_count()) else { return .miss }
    let hash = hashKey(key)
    guard let entry = table.find(key, hash: hash) else { return findStored(key, hash, now, .miss) }
    guard isCurrent(entry) else { return leave(entry, .purged, key, hash, now) }
    guard entry.pointee.askedAt <= now else { return leave(entry, .fromFuture, key, hash, now) }
    if entry.pointee.freshUntil > now {
      counters.count(.workerHits)
      return use(entry, .fresh, .worker)
    }
    guard entry.pointee.staleUntil > now else { return leave(entry, .expired, key, hash, now) }
    // Another process may have a later answer.
    return findStored(
      key, hash, now,
      CacheHit(
        .stale, .worker, usesLeft: entry.pointee.usesLeft, askedAt: entry.pointee.askedAt,
        freshUntil: entry.pointee.freshUntil, staleUntil: entry.pointee.staleUntil, value: WorkerTable.value(entry)))
  }

  @inline(__always)
  private func isCurrent(_ entry: UnsafeMutablePointer<TableEntry>) -> Bool {
    guard let offset = MemoryLayout<TableEntry>.offset(of: \.places) else { return false }
    let places = (UnsafeRawPointer(entry) + offset).assumingMemoryBound(to: UInt16.self)
    return epochs.isCurrent(sum: entry.pointee.epochSum, count: entry.pointee.epochCount, places: places)
  }

  @inline(__always)
  private func use(_ entry: UnsafeMutablePointer<TableEntry>, _ state: CacheHit.State, _ tier: CacheHit.Tier)
    -> CacheHit
  {
    entry.pointee.isUsed = true
    var usesLeft = entry.pointee.usesLeft
    if usesLeft != .max {
      usesLeft &-= 1
      entry.pointee.usesLeft = usesLeft
    } else if UInt64(entry.pointee.markedAt) != platform_load(shared + CheckCache.generationWord) {
      mark(entry)
    }
    let hit = CacheHit(
      state, tier, usesLeft: usesLeft, askedAt: entry.pointee.askedAt, freshUntil: entry.pointee.freshUntil,
      staleUntil: entry.pointee.staleUntil, value: WorkerTable.value(entry))
    // The last use: the bytes stay where they are until the next call.
    if usesLeft == 0 { table.remove(entry) }
    return hit
  }

  @inline(never)
  private func mark(_ entry: UnsafeMutablePointer<TableEntry>) {
    let generation = platform_load(shared + CheckCache.generationWord)
    guard generation != 0, marks.push(entry.pointee.name) else { return }
    entry.pointee.markedAt = UInt32(truncatingIfNeeded: generation)
  }

  @inline(never)
  private func leave(
    _ entry: UnsafeMutablePointer<TableEntry>, _ why: CacheCounter, _ key: UnsafeRawBufferPointer, _ hash: UInt64,
    _ now: Int64
  ) -> CacheHit {
    counters.count(why)
    table.remove(entry)
    return findStored(key, hash, now, .miss)
  }

  // MARK: The store

  /// Looks in the store; `other` is what there is otherwise.
  @inline(never)
  private func findStored(_ key: UnsafeRawBufferPointer, _ hash: UInt64, _ now: Int64, _ other: CacheHit) -> CacheHit {
    if let hit = readStored(key, hash, now), hit.state == .fresh || hit.askedAt > other.askedAt {
      counters.count(hit.state == .fresh ? .storeHits : .staleHits)
      return hit
    }
    counters.count(other.state == .miss ? .misses : .staleHits)
    return other
  }

  private func readStored(_ key: UnsafeRawBufferPointer, _ hash: UInt64, _ now: Int64) -> CacheHit? {
    guard platform_load_acquire(shared + CheckCache.storeWord) != 0, let reader = reader ?? takeReader(now) else {
      return nil
    }
    let name = keys.name(of: key)
    guard reader.renew() else {
      countReadFailure()
      return nil
    }
    defer { reader.reset() }
    var bytes = UnsafeRawBufferPointer(start: nil, count: 0)
    let lookup = withUnsafePointer(to: name) { reader.get($0, MemoryLayout<EntryName>.size, &bytes) }
    guard lookup == .found else {
      if lookup == .failed { countReadFailure() }
      return nil
    }
    guard let record = Record(bytes), record.check == keys.check(of: key) else { return nil }
    guard record.askedAt <= now else {
      counters.count(.fromFuture)
      return nil
    }
    guard record.staleUntil > now else {
      counters.count(.expired)
      return nil
    }
    let stamp = record.stamp
    guard epochs.isCurrent(stamp) else {
      counters.count(.purged)
      return nil
    }
    let content = scratch + Self.boundBytes
    guard record.valueBytes <= valueBytesMax,
      seals.open(
        record.sealed, bound: record.bound(name, in: scratch), salt: record.salt, number: record.number, into: content)
    else {
      counters.count(.sealFailures)
      return nil
    }
    let value = UnsafeRawBufferPointer(start: content, count: record.valueBytes)
    let state: CacheHit.State = record.freshUntil > now ? .fresh : .stale
    // A stale answer stays where it is: what is in the table is not looked for in the store.
    if state == .fresh,
      let entry = table.insert(
        TableEntry(
          hash: hash, askedAt: record.askedAt, freshUntil: record.freshUntil, staleUntil: record.staleUntil,
          epochSum: stamp.sum, places: stamp.places, name: name, bytes: 0, keyBytes: 0, valueBytes: 0,
          usesLeft: .max, markedAt: record.generation, epochCount: stamp.count, isUsed: false, isGone: false),
        hash: hash, key: key, value: value)
    {
      return use(entry, .fresh, .store)
    }
    return CacheHit(
      state, .store, usesLeft: .max, askedAt: record.askedAt, freshUntil: record.freshUntil,
      staleUntil: record.staleUntil, value: value)
  }

  @inline(never)
  private func countReadFailure() {
    counters.count(.readFailures)
    cache.noteReadFailure()
  }

  /// Once, when the store is open; again after a while if there was no place.
  @inline(never)
  private func takeReader(_ now: Int64) -> StoreReader? {
    guard now >= readerRetryAt, let store = cache.openStore else { return nil }
    do throws(StoreError) {
      reader = try StoreReader(store)
    } catch {
      counters.count(error.kind == .readers ? .readersFull : .readFailures)
      readerRetryAt = now.addingReportingOverflow(1_000_000_000).partialValue
    }
    return reader
  }

  // MARK: Keeping

  /// Keeps an answer in this worker's table. `CheckCache.put` keeps it in the store.
  public func insert(_ entry: CacheEntry) {
    guard life == UInt64(platform_fork_count()) else { return }
    let hash = hashKey(entry.key)
    // Answers may come in another order than they were asked for.
    if let later = table.find(entry.key, hash: hash), later.pointee.askedAt > entry.askedAt, isCurrent(later) { return }
    let name = keys.name(of: entry.key)
    guard let times = entry.times(name), entry.stamp.count > 0,
      table.insert(
        TableEntry(
          hash: hash, askedAt: entry.askedAt, freshUntil: times.fresh, staleUntil: times.stale,
          epochSum: entry.stamp.sum, places: entry.stamp.places, name: name, bytes: 0, keyBytes: 0, valueBytes: 0,
          usesLeft: entry.usesMax == 0 ? .max : entry.usesMax,
          markedAt: UInt32(truncatingIfNeeded: platform_load(shared + CheckCache.generationWord)),
          epochCount: entry.stamp.count, isUsed: false, isGone: false),
        hash: hash, key: entry.key, value: entry.value) != nil
    else {
      counters.count(.insertsRefused)
      return
    }
  }

  /// In the table.
  public var entryCount: Int { life == .max ? 0 : table.living }
}

extension CacheEntry {
  /// Its times, shortened by up to a tenth; nil if it never stood.
  func times(_ name: EntryName) -> (fresh: Int64, stale: Int64)? {
    let span = freshUntil.subtractingReportingOverflow(askedAt)
    guard !span.overflow, span.partialValue > 0 else { return nil }
    let less = CacheKeys.jitter(name, span: span.partialValue)
    return (freshUntil &- less, max(staleUntil &- less, freshUntil &- less))
  }
}
