// The numbers that one worker records: no other thread writes them, so recording needs no lock and shares no cache line.
//
//   words      [sequence][the engine's own counters …]
//   directory  [instrument 0][instrument 1] …   each: address of a page table, or 0
//                    │
//                    ▼
//              [page 0][page 1] …               each: 64 cells, or 0; allocated at first touch
//
// `sequence` is odd while the worker is recording: that is how expiry knows that nobody reads an old series table.
// The registry makes shards and takes them back; what a shard held is then added to the registry's base shard.

import CEL
import CPlatform

@frozen public struct Shard {
  @usableFromInline let words: UnsafeMutablePointer<UInt64>
  @usableFromInline let directory: UnsafeMutablePointer<UInt64>
  let directoryCount: Int
  /// The labels of the recording under way.
  let labels: UnsafeMutablePointer<Bytes>
  /// Their text, where it is not the host's: `LabelText.bytesMax` for each label.
  let scratch: UnsafeMutablePointer<UInt8>
  /// Never given twice, unlike the address.
  let serial: UInt64

  static func make(directoryCount: Int, serial: UInt64) -> UnsafeMutablePointer<Shard>? {
    // Lines of its own: its worker writes them at each request, and others may have been made beside it.
    let words = aligned_alloc(128, (SelfCounter.count &* 8 &+ 8 &+ 127) & ~127)
    let directory = calloc(max(directoryCount, 1), 8)
    let labels = calloc(InstrumentDefinition.labelsMax, MemoryLayout<Bytes>.stride)
    let scratch = malloc(InstrumentDefinition.labelsMax &* LabelText.bytesMax)
    let memory = malloc(MemoryLayout<Shard>.size)
    guard let words, let directory, let labels, let scratch, let memory else {
      CPlatform.free(words)
      CPlatform.free(directory)
      CPlatform.free(labels)
      CPlatform.free(scratch)
      CPlatform.free(memory)
      return nil
    }
    memset(words, 0, SelfCounter.count &* 8 &+ 8)
    let shard = memory.bindMemory(to: Shard.self, capacity: 1)
    shard.initialize(
      to: Shard(
        words: words.bindMemory(to: UInt64.self, capacity: SelfCounter.count &+ 1),
        directory: directory.bindMemory(to: UInt64.self, capacity: max(directoryCount, 1)),
        directoryCount: directoryCount,
        labels: labels.bindMemory(to: Bytes.self, capacity: InstrumentDefinition.labelsMax),
        scratch: scratch.bindMemory(to: UInt8.self, capacity: InstrumentDefinition.labelsMax &* LabelText.bytesMax),
        serial: serial))
    return shard
  }

  /// The pages of all instruments must have been freed before.
  static func free(_ shard: UnsafeMutablePointer<Shard>) {
    CPlatform.free(shard.pointee.words)
    CPlatform.free(shard.pointee.directory)
    CPlatform.free(shard.pointee.labels)
    CPlatform.free(shard.pointee.scratch)
    CPlatform.free(shard)
  }
}

extension Shard {
  /// Adds to one of the engine's own counters. Only from the shard's worker.
  @inlinable @inline(__always)
  public static func count(_ shard: UnsafeMutablePointer<Shard>, _ counter: SelfCounter, _ increment: UInt64 = 1) {
    let word = shard.pointee.words + (counter.rawValue &+ 1)
    platform_store(word, word.pointee &+ increment)
  }

  /// The cell of a series, made at first touch. Nil without memory. Only from the shard's worker.
  @inline(__always)
  static func cell(
    _ shard: UnsafeMutablePointer<Shard>, _ instrument: UnsafeMutablePointer<InstrumentState>, id: UInt32
  ) -> UnsafeMutablePointer<UInt64>? {
    let pages = UnsafeMutablePointer<UInt64>(bitPattern: UInt(shard.pointee.directory[instrument.pointee.index]))
    let number = Int(id) >> InstrumentState.pageShift
    let offset = (Int(id) & (InstrumentState.pageCells &- 1)) &* instrument.pointee.cellWords
    if let pages, let page = UnsafeMutablePointer<UInt64>(bitPattern: UInt(pages[number])) { return page + offset }
    guard let page = makePage(shard, instrument, number) else { return nil }
    return page + offset
  }

  @inline(never)
  private static func makePage(
    _ shard: UnsafeMutablePointer<Shard>, _ instrument: UnsafeMutablePointer<InstrumentState>, _ number: Int
  ) -> UnsafeMutablePointer<UInt64>? {
    let entry = shard.pointee.directory + instrument.pointee.index
    if entry.pointee == 0 {
      guard let pages = calloc(instrument.pointee.pageCount, 8) else { return nil }
      platform_store_release(entry, UInt64(UInt(bitPattern: pages)))
    }
    guard
      let pages = UnsafeMutablePointer<UInt64>(bitPattern: UInt(entry.pointee)),
      let page = calloc(InstrumentState.pageCells &* instrument.pointee.cellWords, 8)
    else { return nil }
    platform_store_release(pages + number, UInt64(UInt(bitPattern: page)))
    return page.assumingMemoryBound(to: UInt64.self)
  }

  /// The cell if it was ever touched. From any thread, under the registry's lock.
  static func touchedCell(
    _ shard: UnsafeMutablePointer<Shard>, _ instrument: UnsafeMutablePointer<InstrumentState>, id: Int
  ) -> UnsafeMutablePointer<UInt64>? {
    let entry = shard.pointee.directory + instrument.pointee.index
    guard
      let pages = UnsafeMutablePointer<UInt64>(bitPattern: UInt(platform_load_acquire(entry))),
      let page = UnsafeMutablePointer<UInt64>(
        bitPattern: UInt(platform_load_acquire(pages + (id >> InstrumentState.pageShift))))
    else { return nil }
    return page + (id & (InstrumentState.pageCells &- 1)) &* instrument.pointee.cellWords
  }

  /// When no recording into the instrument can be under way in this shard, and under the registry's lock.
  static func freePages(
    _ shard: UnsafeMutablePointer<Shard>, _ instrument: UnsafeMutablePointer<InstrumentState>
  ) {
    let entry = shard.pointee.directory + instrument.pointee.index
    guard let pages = UnsafeMutablePointer<UInt64>(bitPattern: UInt(platform_load_acquire(entry))) else { return }
    for number in 0..<instrument.pointee.pageCount {
      CPlatform.free(UnsafeMutableRawPointer(bitPattern: UInt(platform_load_acquire(pages + number))))
    }
    CPlatform.free(pages)
    platform_store_release(entry, 0)
  }
}
