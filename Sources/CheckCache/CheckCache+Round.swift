// What the cache's thread asks of the cache.

import CPlatform
import PurserStore

struct CacheRound {
  var batch: PutBatch
  var isClear: Bool
  var flush: UInt64
  /// The cache is being closed, and this is all that was put.
  var isLast: Bool
}

extension CheckCache {
  /// Waits for something to do: an answer, and then a little longer for more; a flush, a purge, the end; or the tick.
  func nextRound(tickNanoseconds: Int64, gatherNanoseconds: Int64) -> CacheRound {
    platform_signal_lock(signal)
    defer { platform_signal_unlock(signal) }
    let tick = platform_monotonic_nanoseconds() &+ tickNanoseconds
    var isLate = false
    while !isLate, !isUrgent, queue.count == 0 { isLate = platform_signal_wait(signal, tick) }
    let gathered = platform_monotonic_nanoseconds() &+ gatherNanoseconds
    isLate = isLate || queue.count == 0
    while !isLate, !isUrgent { isLate = platform_signal_wait(signal, gathered) }
    let round = CacheRound(batch: queue.take(), isClear: isClearAsked, flush: flushesAsked, isLast: isClosing)
    isClearAsked = false
    return round
  }

  private var isUrgent: Bool { isClosing || isClearAsked || flushesAsked != flushesDone || queue.isHalfFull }

  func endRound(_ round: CacheRound) {
    platform_signal_lock(signal)
    flushesDone = round.flush
    if round.isLast { flushesDone = flushesAsked }
    platform_signal_wake(signal)
    platform_signal_unlock(signal)
  }

  var isClosingNow: Bool {
    platform_signal_lock(signal)
    defer { platform_signal_unlock(signal) }
    return isClosing
  }

  /// What workers found in use since the last time.
  func takeMarks() -> [EntryName] {
    platform_signal_lock(signal)
    defer { platform_signal_unlock(signal) }
    var names: [EntryName] = []
    for worker in workers {
      worker._withUnsafeGuaranteedRef { worker in
        while let name = worker.marks.pop() { names.append(name) }
      }
    }
    return names
  }

  func tell(generation: UInt32) { platform_store(shared + Self.generationWord, UInt64(generation)) }

  func tell(_ facts: StoreFacts) {
    platform_signal_lock(signal)
    self.facts = facts
    platform_signal_unlock(signal)
  }

  /// A worker could not read the store: if LMDB found it wrong, nobody reads it any more.
  func noteReadFailure() {
    guard let store = openStore, store.isBroken else { return }
    fail(StoreError(.broken, "the store's file is damaged; it is begun anew when all have closed it"))
  }

  /// The store cannot be used any more, and workers stop to read it.
  func fail(_ error: StoreError) {
    platform_store_release(shared + Self.storeWord, 0)
    platform_signal_lock(signal)
    storeState = .failed(error)
    platform_signal_wake(signal)
    platform_signal_unlock(signal)
  }

  /// Without a store: gives up what was put until the end.
  func drainUntilClosed() {
    while drain(for: 60_000_000_000) {}
  }

  /// The same for one round; false when the cache is closed.
  func drain(for tickNanoseconds: Int64) -> Bool {
    let round = nextRound(tickNanoseconds: tickNanoseconds, gatherNanoseconds: 0)
    counters.add(.putsDropped, round.batch.count)
    endRound(round)
    return !round.isLast
  }
}
