// The thread that keeps the store: writes what was put, tells it what is in use, and lets go of what is oldest, well before
// the map is full. All in small transactions: what one changes needs as many new pages until it is over.

import CPlatform
import PurserStore

final class StoreKeeper {
  private static let tickNanoseconds: Int64 = 1_000_000_000
  /// While workers tell much.
  private static let tickBusyNanoseconds: Int64 = 100_000_000
  /// How long a batch is gathered.
  private static let gatherNanoseconds: Int64 = 20_000_000
  private static let checkReadersNanoseconds: Int64 = 10_000_000_000

  /// A reader that is not given a processor holds what was freed since; half a second is long for one.
  private static let fullRetries = 50
  private static let fullPauseNanoseconds: Int64 = 10_000_000

  private let cache: CheckCache
  private let store: Store
  private let seals: SealBox
  private let salt: [UInt8]
  /// Of the next value that is sealed.
  private var number: UInt64 = 0
  private let record: UnsafeMutableRawPointer
  private let operationsMax: Int
  private let generationBytes: Int

  /// The thread's body.
  static func run(_ cache: CheckCache) {
    do throws(StoreError) {
      guard let folder = cache.folder, let store = try open(cache, folder) else { return }
      if case .created = store.opening { cache.counters.add(.beganEmpty) }
      cache.publish(store)
      folder.removeForgotten("check-\(cache.keys.algorithm)")
      guard let keeper = StoreKeeper(cache, store) else {
        throw StoreError(.unavailable, "out of memory, or no randomness to make a key of")
      }
      keeper.run()
    } catch {
      cache.fail(error)
      cache.drainUntilClosed()
    }
  }

  /// Nil when the cache is closed before the store is open: whoever closes a large one reads it whole, which may take long.
  private static func open(_ cache: CheckCache, _ folder: StoreFolder) throws(StoreError) -> Store? {
    while true {
      do throws(StoreError) {
        return try Store.open(
          folder: folder, name: "check-\(cache.keys.algorithm)", bytes: cache.options.storeBytes,
          patienceNanoseconds: tickNanoseconds)
      } catch {
        guard error.kind == .busy else { throw error }
        cache.fail(error)
        if !cache.drain(for: tickNanoseconds) { return nil }
      }
    }
  }

  private init?(_ cache: CheckCache, _ store: Store) {
    var salt = [UInt8](repeating: 0, count: CacheKeys.saltBytes)
    // The numbers of values begin at 0 for each keeper, so its key must be its own.
    guard salt.withUnsafeMutableBytes({ platform_random_bytes($0.baseAddress, $0.count) }),
      let record = malloc(Record.headBytesMax &+ 16 &+ cache.options.valueBytesMax &+ CacheKeys.tagBytes &+ 256)
    else { return nil }
    self.cache = cache
    self.store = store
    self.salt = salt
    self.record = record
    seals = SealBox(keys: cache.keys)
    let pages = store.name.bytes / 4096
    // A deletion can change three pages, and what a transaction frees is free for the one after the next: a quarter of the
    // map is enough for that, and for a reader that is slow.
    operationsMax = min(max(pages / 64, 4), 1024)
    generationBytes = store.name.bytes / 16
  }

  deinit {
    free(record)
    seals.free()
  }

  // MARK: Rounds

  private func run() {
    warmUp()
    var tick = Self.tickNanoseconds
    var readersCheckedAt = platform_monotonic_nanoseconds()
    while true {
      let round = cache.nextRound(tickNanoseconds: tick, gatherNanoseconds: Self.gatherNanoseconds)
      if round.isClear { attempt { () throws(StoreError) in try clear() } }
      write(round.batch)
      let marks = cache.takeMarks()
      refresh(marks)
      tick = marks.isEmpty ? Self.tickNanoseconds : Self.tickBusyNanoseconds
      let now = platform_monotonic_nanoseconds()
      if now &- readersCheckedAt > Self.checkReadersNanoseconds {
        readersCheckedAt = now
        cache.counters.add(.deadReaders, store.checkReaders())
      }
      look()
      cache.endRound(round)
      if round.isLast { return }
      if let folder = cache.folder, folder.isReplaced {
        cache.part(StoreError(.untrusted, "the secret of `\(folder.path)` was replaced: no answers are kept any more"))
        return cache.drainUntilClosed()
      }
    }
  }

  /// Reads the whole table once, so that no worker waits for the disk, and learns how full it is.
  private func warmUp() {
    if let reader = try? StoreReader(store) {
      var names = 0
      try? reader.visit { _, value in
        // A page is read by looking at one byte of it.
        if let base = value.baseAddress { names &+= Int(base.load(as: UInt8.self)) }
        return !cache.isClosingNow
      }
      reader.end()
    }
    attempt { () throws(StoreError) in
      let generation = try store.write { (writer) throws(StoreError) in
        let ledger = try StoreLedger(writer)
        try ledger.write(writer)
        return ledger.generation
      }
      cache.tell(generation: generation)
    }
    look()
  }

  private func look() {
    guard let reader = try? StoreReader(store) else { return }
    if let facts = try? reader.facts() { cache.tell(facts) }
    reader.end()
  }

  /// Counts what goes wrong; nil if nothing did.
  @discardableResult
  private func attempt(_ body: () throws(StoreError) -> Void) -> StoreError.Kind? {
    do throws(StoreError) {
      try body()
      return nil
    } catch {
      cache.counters.add(error.kind == .full ? .mapFull : .writeFailures)
      if error.kind == .broken || error.kind == .forked { cache.fail(error) }
      return error.kind
    }
  }

  /// The same, and tries again where the map is full: a reader that was interrupted, or died, holds pages that are free.
  private func persist(_ body: () throws(StoreError) -> Void) -> StoreError.Kind? {
    var problem = attempt(body)
    for _ in 0..<Self.fullRetries where problem == .full && !cache.isClosingNow {
      cache.counters.add(.deadReaders, store.checkReaders())
      platform_pause(Self.fullPauseNanoseconds)
      problem = attempt(body)
    }
    return problem
  }

  private func clear() throws(StoreError) {
    try store.write { (writer) throws(StoreError) in
      var ledger = try StoreLedger(writer)
      ledger.empty()
      try writer.clear()
      try ledger.write(writer)
    }
  }

  // MARK: Writing

  private func write(_ batch: PutBatch) {
    var waiting: [(head: PutHead, value: UnsafeRawBufferPointer)] = []
    for entry in batch {
      waiting.append(entry)
      guard waiting.count == operationsMax else { continue }
      write(waiting)
      waiting.removeAll(keepingCapacity: true)
    }
    if !waiting.isEmpty { write(waiting) }
  }

  private func write(_ entries: [(head: PutHead, value: UnsafeRawBufferPointer)]) {
    makeRoom()
    var problem = tryToWrite(entries)
    if problem == .full {
      // Long values found no pages side by side, or another process filled the map just now.
      makeRoom(sixteenths: 8)
      problem = tryToWrite(entries)
    }
    if problem == .full {
      attempt { () throws(StoreError) in try clear() }
      problem = tryToWrite(entries)
    }
    if problem != nil { cache.counters.add(.putsDropped, entries.count) }
  }

  private func tryToWrite(_ entries: [(head: PutHead, value: UnsafeRawBufferPointer)]) -> StoreError.Kind? {
    persist { () throws(StoreError) in
      var written = 0
      var later = 0
      let now = platform_wall_nanoseconds()
      let generation = try store.write { (writer) throws(StoreError) in
        var ledger = try StoreLedger(writer)
        for entry in entries {
          guard cache.epochs.isCurrent(entry.head.stamp) else { continue }
          if try put(entry.head, entry.value, writer, &ledger, now) { written &+= 1 } else { later &+= 1 }
        }
        ledger.advance(bytesMax: generationBytes)
        try ledger.write(writer)
        return ledger.generation
      }
      cache.counters.add(.written, written)
      cache.counters.add(.writtenLater, later)
      cache.tell(generation: generation)
    }
  }

  /// False if the store has a later answer.
  private func put(
    _ head: PutHead, _ value: UnsafeRawBufferPointer, _ writer: StoreWriter, _ ledger: inout StoreLedger, _ now: Int64
  ) throws(StoreError) -> Bool {
    let old = try withName(head.name) { (name) throws(StoreError) in try writer.get(name) }
    if let old, let found = Record(old) {
      let isKept = found.askedAt > head.askedAt && found.askedAt <= now && found.staleUntil > now
      if isKept, found.check == head.check, cache.epochs.isCurrent(found.stamp) { return false }
      ledger.remove(old.count, of: found.generation)
    }
    let headBytes = salt.withUnsafeBytes { salt in
      guard let base = salt.baseAddress else { return 0 }
      return Record.writeHead(
        record, generation: ledger.generation, askedAt: head.askedAt, freshUntil: head.freshUntil,
        staleUntil: head.staleUntil, check: head.check, salt: base, number: number, stamp: head.stamp)
    }
    let whole = UnsafeRawBufferPointer(
      start: record, count: headBytes &+ value.count &+ CacheKeys.tagBytes)
    guard let form = Record(whole) else { return false }
    // Behind the longest record.
    let scratch = record + ((whole.count &+ 15) & ~15)
    let isSealed = seals.seal(
      value, bound: form.bound(head.name, in: scratch), salt: form.salt, number: number, into: record + headBytes)
    number &+= 1
    guard isSealed else { return false }
    try withName(head.name) { (name) throws(StoreError) in try writer.put(name, whole) }
    ledger.add(whole.count)
    return true
  }

  private func withName<Result>(
    _ name: EntryName, _ body: (UnsafeRawBufferPointer) throws(StoreError) -> Result
  ) throws(StoreError) -> Result {
    try withUnsafeBytes(of: name) { (name) throws(StoreError) in try body(name) }
  }

  // MARK: Recency

  /// Writes that entries are in use in this generation.
  private func refresh(_ names: [EntryName]) {
    var at = 0
    while at < names.count {
      let part = names[at..<min(at &+ operationsMax, names.count)]
      at &+= part.count
      makeRoom()
      let problem = persist { () throws(StoreError) in
        var refreshed = 0
        let generation = try store.write { (writer) throws(StoreError) in
          var ledger = try StoreLedger(writer)
          for name in part where try refresh(name, writer, &ledger) { refreshed &+= 1 }
          ledger.advance(bytesMax: generationBytes)
          try ledger.write(writer)
          return ledger.generation
        }
        cache.counters.add(.refreshed, refreshed)
        cache.tell(generation: generation)
      }
      if problem != nil { return }
    }
  }

  private func refresh(_ name: EntryName, _ writer: StoreWriter, _ ledger: inout StoreLedger) throws(StoreError) -> Bool
  {
    let found = try withName(name) { (name) throws(StoreError) in try writer.get(name) }
    guard let found, let old = Record(found), old.generation != ledger.generation,
      old.valueBytes <= cache.options.valueBytesMax, let base = found.baseAddress
    else { return false }
    ledger.remove(found.count, of: old.generation)
    record.copyMemory(from: base, byteCount: found.count)
    record.storeBytes(of: ledger.generation, as: UInt32.self)
    let whole = UnsafeRawBufferPointer(start: record, count: found.count)
    try withName(name) { (name) throws(StoreError) in try writer.put(name, whole) }
    ledger.add(found.count)
    return true
  }

  // MARK: Eviction

  /// Lets the oldest go until three quarters of the map are in use at most: a full one could not even be emptied.
  private func makeRoom(sixteenths: Int = 12) {
    var isForced = false
    // Bounds the work where other processes write as fast as this one sweeps.
    var roundsLeft = 1024
    while roundsLeft > 0 {
      roundsLeft &-= 1
      var freed = 0
      var isEnough = false
      let problem = persist { () throws(StoreError) in
        (freed, isEnough) = try store.write { (writer) throws(StoreError) in
          try sweep(writer, sixteenths, isForced)
        }
      }
      if problem != nil || isEnough { return }
      isForced = freed == 0
    }
  }

  /// One step: how many bytes went, and whether there is room now.
  private func sweep(
    _ writer: StoreWriter, _ sixteenths: Int, _ isForced: Bool
  ) throws(StoreError) -> (freed: Int, isEnough: Bool) {
    let facts = try writer.facts()
    let limit = facts.bytesMax / 16 &* sixteenths
    guard facts.bytes > limit else { return (0, true) }
    var ledger = try StoreLedger(writer)
    // A little more than must be, so that not every batch begins with a sweep.
    let goal = limit &- facts.bytesMax / 32
    let part = UInt64(clamping: (facts.bytes &- goal) / max(facts.bytes >> 10, 1))
    let ageMin = isForced ? 0 : ledger.age(ofOldest: max(ledger.bytesTotal >> 10, 1) &* part)
    let now = platform_wall_nanoseconds()
    var freed = 0
    var evicted = 0
    var looked = 0
    var hand = ledger.hand
    let from = withUnsafeBytes(of: hand) { Array($0) }
    try writer.walk(from: from) { (cursor, first) throws(StoreError) in
      var entry = first
      while let found = entry {
        if let base = found.key.baseAddress, found.key.count == MemoryLayout<EntryName>.size {
          hand = base.loadUnaligned(as: EntryName.self)
          looked &+= 1
          if evicted >= operationsMax || looked > operationsMax &* 16 { return }
          let record = Record(found.value)
          let isOver =
            record.map {
              ledger.age(of: $0.generation) >= ageMin || $0.staleUntil <= now || !cache.epochs.isCurrent($0.stamp)
            } ?? true
          if isOver {
            let count = found.value.count
            if let record { ledger.remove(count, of: record.generation) }
            try cursor.delete()
            freed &+= count
            evicted &+= 1
          }
        }
        entry = try cursor.next()
      }
      hand = EntryName()
    }
    ledger.hand = hand
    try ledger.write(writer)
    cache.counters.add(.evicted, evicted)
    return (freed, false)
  }
}
