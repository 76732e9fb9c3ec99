// Idle series go away, so that a cap of live series is not eaten up by dead ones.
//
// A worker may be reading the series table, or be about to write a series' cell, at any moment, and must not be stopped.
// So a series leaves in two steps, one call of `expire` apart or more:
//
//   retire    a new table without the idle series is published; the old table and the series stay where they are
//   harvest   every shard has since been seen outside a recording, so nobody holds the old table or an id out of it:
//             free the table; series that were recorded into after all go back into the table; of the others, clear the
//             cells in all shards and give the ids back
//
// Insertion looks among the retired series first, so no label set ever has two ids.

import CEL
import CPlatform

/// Series on their way out of one instrument.
struct Retirement {
  let oldTable: UnsafeMutablePointer<UInt64>
  /// Shards that were recording at the time, by serial, with their sequence.
  let busy: [(serial: UInt64, sequence: UInt64)]
  /// Earlier than this were all retired series last recorded into.
  let before: UInt64

  func free() { CPlatform.free(oldTable) }
}

extension InstrumentRegistry {
  /// Retires series that nobody recorded into for `idle` nanoseconds and harvests those retired before. Call it now and
  /// then, off the request path; `now` is of the clock that recordings use. Returns how many series were removed. Where
  /// the kernel allows no `membarrier`, nothing expires.
  @discardableResult
  public func expire(now: Int64, idle: Int64) -> Int {
    platform_lock_acquire(lock)
    defer { platform_lock_release(lock) }
    var removed = 0
    for index in instruments.indices {
      guard let instrument = instruments[index] else { continue }
      if let retirement = instrument.retirement {
        guard let count = harvest(instrument.state, retirement) else { continue }
        removed &+= count
        instruments[index]?.retirement = nil
      }
      instruments[index]?.retirement = retire(instrument.state, before: Cell.stamp(now &- max(idle, 0)))
    }
    if removed > 0 { add(.seriesExpired, UInt64(truncatingIfNeeded: removed)) }
    return removed
  }

  private func retire(_ state: UnsafeMutablePointer<InstrumentState>, before stamp: UInt64) -> Retirement? {
    // Looked for without the instrument's lock, which workers with a new series wait for.
    let ids = InstrumentState.ids(state)
    guard ids.contains(where: { isIdle(state, $0, before: stamp) }) else { return nil }
    guard let words = SeriesTable.make(seriesMax: state.pointee.seriesMax) else { return nil }
    platform_lock_acquire(state.pointee.lock)
    let old = UnsafeMutablePointer<UInt64>(bitPattern: UInt(platform_load(state.pointee.shared)))
    guard let old else {
      platform_lock_release(state.pointee.lock)
      free(words)
      return nil
    }
    for id in 0..<state.pointee.ids.pointee.next {
      let address = platform_load_acquire(state.pointee.seriesByID + id)
      guard let series = UnsafePointer<Series>(bitPattern: UInt(address)) else { continue }
      if isIdle(state, id, before: stamp) {
        state.pointee.retired[state.pointee.ids.pointee.retiredCount] = address
        state.pointee.ids.pointee.retiredCount &+= 1
      } else {
        SeriesTable(words: words).insert(series)
      }
    }
    platform_store_release(state.pointee.shared, UInt64(UInt(bitPattern: words)))
    InstrumentState.noteRoom(state)
    platform_lock_release(state.pointee.lock)

    // From here on whoever begins to record sees the new table; whoever began before shows an odd sequence.
    guard platform_barrier_others() else {
      platform_lock_acquire(state.pointee.lock)
      while state.pointee.ids.pointee.retiredCount > 0 { InstrumentState.reinstate(state, at: 0) }
      InstrumentState.noteRoom(state)
      platform_lock_release(state.pointee.lock)
      // Somebody may hold the old table for ever, as far as can be known: it is kept, and nothing expires any more.
      return Retirement(oldTable: old, busy: [(UInt64.max, 0)], before: 0)
    }
    var busy: [(serial: UInt64, sequence: UInt64)] = []
    for shard in shards {
      let sequence = platform_load_acquire(shard.pointee.words)
      if sequence & 1 == 1 { busy.append((shard.pointee.serial, sequence)) }
    }
    return Retirement(oldTable: old, busy: busy, before: stamp)
  }

  /// Nil while a shard is still in the recording that it was in when the series were retired.
  private func harvest(_ state: UnsafeMutablePointer<InstrumentState>, _ retirement: Retirement) -> Int? {
    for (serial, sequence) in retirement.busy {
      if serial == UInt64.max { return nil }
      for shard in shards where shard.pointee.serial == serial {
        if platform_load_acquire(shard.pointee.words) == sequence { return nil }
      }
    }
    retirement.free()
    platform_lock_acquire(state.pointee.lock)
    defer { platform_lock_release(state.pointee.lock) }
    var removed = 0
    while state.pointee.ids.pointee.retiredCount > 0 {
      let last = state.pointee.ids.pointee.retiredCount &- 1
      guard let series = UnsafeMutablePointer<Series>(bitPattern: UInt(state.pointee.retired[last])) else {
        state.pointee.ids.pointee.retiredCount = last
        continue
      }
      let id = Int(series.pointee.id)
      if lastStamp(state, id) >= retirement.before {
        InstrumentState.reinstate(state, at: last)
        continue
      }
      for shard in shards { clear(shard, state, id) }
      clear(base, state, id)
      platform_store_release(state.pointee.seriesByID + id, 0)
      free(series)
      state.pointee.freeIDs[state.pointee.ids.pointee.freeCount] = UInt32(truncatingIfNeeded: id)
      state.pointee.ids.pointee.freeCount &+= 1
      state.pointee.ids.pointee.retiredCount = last
      removed &+= 1
    }
    InstrumentState.noteRoom(state)
    return removed
  }

  private func isIdle(_ state: UnsafeMutablePointer<InstrumentState>, _ id: Int, before stamp: UInt64) -> Bool {
    guard platform_load_acquire(state.pointee.seriesByID + id) != 0 else { return false }
    let last = lastStamp(state, id)
    // Without a stamp it was made a moment ago and its first recording is under way.
    return last != 0 && last < stamp
  }

  private func lastStamp(_ state: UnsafeMutablePointer<InstrumentState>, _ id: Int) -> UInt64 {
    var last: UInt64 = 0
    if let cell = Shard.touchedCell(base, state, id: id) { last = platform_load_acquire(cell) }
    for shard in shards {
      if let cell = Shard.touchedCell(shard, state, id: id) { last = max(last, platform_load_acquire(cell)) }
    }
    return last
  }

  private func clear(
    _ shard: UnsafeMutablePointer<Shard>, _ state: UnsafeMutablePointer<InstrumentState>, _ id: Int
  ) {
    guard let cell = Shard.touchedCell(shard, state, id: id) else { return }
    for word in 0..<state.pointee.cellWords { platform_store(cell + word, 0) }
  }
}
