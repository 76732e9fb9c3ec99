// What a worker found in use, for the thread that keeps the store: one writer, one reader, bounded. What does not fit is not
// told now but at the next hit.
//
//   [written][read] [name] [name] …

import CPlatform

struct MarkRing {
  static let marksMax: UInt64 = 1024
  private let words: UnsafeMutablePointer<UInt64>

  init?() {
    guard let memory = calloc(Int(Self.marksMax &* 2 &+ 16), 8) else { return nil }
    words = memory.bindMemory(to: UInt64.self, capacity: Int(Self.marksMax &* 2 &+ 16))
  }

  func free() { CPlatform.free(words) }

  private var written: UnsafeMutablePointer<UInt64> { words }
  /// On a cache line of its own.
  private var read: UnsafeMutablePointer<UInt64> { words + 8 }
  private func mark(_ number: UInt64) -> UnsafeMutablePointer<UInt64> {
    words + 16 + Int(truncatingIfNeeded: number & (Self.marksMax &- 1)) &* 2
  }

  /// By the worker. False when the ring is full.
  func push(_ name: EntryName) -> Bool {
    let at = platform_load(written)
    guard at &- platform_load_acquire(read) < Self.marksMax else { return false }
    let mark = mark(at)
    mark[0] = name.high
    mark[1] = name.low
    platform_store_release(written, at &+ 1)
    return true
  }

  /// By the thread.
  func pop() -> EntryName? {
    let at = platform_load(read)
    guard at != platform_load_acquire(written) else { return nil }
    let mark = mark(at)
    let name = EntryName(high: mark[0], low: mark[1])
    platform_store_release(read, at &+ 1)
    return name
  }
}
