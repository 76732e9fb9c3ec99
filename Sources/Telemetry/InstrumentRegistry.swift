// All instruments and shards of one engine.
//
//   plan ── acquire, release ──► instruments ◄── record ── worker's shard
//                                    │                        │
//                                    └──── snapshot ──────────┴── base: what workers that are gone had recorded
//
// The lock here guards the lists of instruments and shards. The request path never takes it: workers come and go, plans
// are loaded and freed, and snapshots are taken under it.

import CEL
import CPlatform

public final class InstrumentRegistry: @unchecked Sendable {
  /// One instrument and who needs it.
  struct Instrument {
    let scope: String
    let definition: InstrumentDefinition
    let state: UnsafeMutablePointer<InstrumentState>
    var references: Int
    var retirement: Retirement?
  }

  public let instrumentsMax: Int
  let lock: OpaquePointer
  let base: UnsafeMutablePointer<Shard>
  private let hashKey: UInt64
  // Under the lock.
  /// Position is the instrument's index in every shard's directory; nil is free.
  var instruments: [Instrument?] = []
  var shards: [UnsafeMutablePointer<Shard>] = []
  private var serialNext: UInt64 = 1

  /// Nil without memory.
  public init?(instrumentsMax: Int = 1024) {
    let count = min(max(instrumentsMax, 1), 65536)
    guard let lock = platform_lock_make() else { return nil }
    guard let base = Shard.make(directoryCount: count, serial: 0) else {
      platform_lock_free(lock)
      return nil
    }
    self.instrumentsMax = count
    self.lock = lock
    self.base = base
    self.hashKey = platform_random_word()
  }

  /// Shards that were not given back are freed as well: nobody may record any more.
  deinit {
    for instrument in instruments {
      guard let instrument else { continue }
      for shard in shards { Shard.freePages(shard, instrument.state) }
      Shard.freePages(base, instrument.state)
      instrument.retirement?.free()
      InstrumentState.free(instrument.state)
    }
    for shard in shards { Shard.free(shard) }
    Shard.free(base)
    platform_lock_free(lock)
  }

  // MARK: Instruments

  /// The instrument of this definition in this scope: the one that another plan already uses, or a new one. Every
  /// `acquire` needs one `release`.
  public func acquire(
    scope: String, _ definition: InstrumentDefinition
  ) throws(InstrumentProblem) -> UnsafeMutablePointer<InstrumentState> {
    if let problem = definition.problem { throw problem }
    platform_lock_acquire(lock)
    defer { platform_lock_release(lock) }
    var free: Int?
    for (index, instrument) in instruments.enumerated() {
      guard let instrument else {
        if free == nil { free = index }
        continue
      }
      guard instrument.definition == definition, instrument.scope == scope else { continue }
      instruments[index]?.references &+= 1
      return instrument.state
    }
    let index = free ?? instruments.count
    guard index < instrumentsMax else { throw .tooManyInstruments }
    guard let state = InstrumentState.make(definition, index: index, hashKey: hashKey &+ UInt64(index)) else {
      throw .outOfMemory
    }
    let instrument = Instrument(scope: scope, definition: definition, state: state, references: 1, retirement: nil)
    if index == instruments.count { instruments.append(instrument) } else { instruments[index] = instrument }
    return state
  }

  /// A plan is gone, and no worker uses it any more. The last release frees the instrument and all it recorded.
  public func release(_ state: UnsafeMutablePointer<InstrumentState>) {
    platform_lock_acquire(lock)
    defer { platform_lock_release(lock) }
    let index = state.pointee.index
    guard instruments.indices.contains(index), let instrument = instruments[index] else { return }
    guard instrument.references <= 1 else {
      instruments[index]?.references &-= 1
      return
    }
    for shard in shards { Shard.freePages(shard, state) }
    Shard.freePages(base, state)
    instrument.retirement?.free()
    InstrumentState.free(state)
    instruments[index] = nil
  }

  // MARK: Shards

  /// For a new worker; nil without memory.
  public func makeShard() -> UnsafeMutablePointer<Shard>? {
    platform_lock_acquire(lock)
    defer { platform_lock_release(lock) }
    guard let shard = Shard.make(directoryCount: instrumentsMax, serial: serialNext) else { return nil }
    serialNext &+= 1
    shards.append(shard)
    return shard
  }

  /// Its worker is gone: nothing it recorded is lost.
  public func freeShard(_ shard: UnsafeMutablePointer<Shard>) {
    platform_lock_acquire(lock)
    defer { platform_lock_release(lock) }
    guard let position = shards.firstIndex(of: shard) else { return }
    for counter in 1...SelfCounter.count {
      platform_store(
        base.pointee.words + counter, base.pointee.words[counter] &+ platform_load(shard.pointee.words + counter))
    }
    for instrument in instruments {
      guard let state = instrument?.state else { continue }
      for id in InstrumentState.ids(state) {
        guard let cell = Shard.touchedCell(shard, state, id: id), platform_load(cell) != 0 else { continue }
        guard let target = Shard.cell(base, state, id: UInt32(truncatingIfNeeded: id)) else {
          add(.recordingsWithoutMemory, 1)
          continue
        }
        Cell.fold(cell, into: target, kind: state.pointee.kind, words: state.pointee.cellWords)
      }
      Shard.freePages(shard, state)
    }
    shards.remove(at: position)
    Shard.free(shard)
  }

  // MARK: The engine's own counters

  /// Counts what no worker did: a reload, a failed write. Takes the lock: not on the request path.
  public func count(_ counter: SelfCounter, _ increment: UInt64 = 1) {
    platform_lock_acquire(lock)
    defer { platform_lock_release(lock) }
    add(counter, increment)
  }

  /// Under the lock.
  func add(_ counter: SelfCounter, _ increment: UInt64) { Shard.count(base, counter, increment) }

  public func counters() -> SelfCounterSnapshot {
    platform_lock_acquire(lock)
    defer { platform_lock_release(lock) }
    var values: [UInt64] = []
    values.reserveCapacity(SelfCounter.count)
    for word in 1...SelfCounter.count {
      var sum = platform_load(base.pointee.words + word)
      for shard in shards { sum &+= platform_load(shard.pointee.words + word) }
      values.append(sum)
    }
    return SelfCounterSnapshot(values: values)
  }
}
