// What the cache counts. Each worker counts for itself; the sums are made when somebody asks.

import CPlatform

public enum CacheCounter: Int, CaseIterable, Sendable {
  // By workers.
  case workerHits
  case storeHits
  case staleHits
  case misses
  /// Found, but past its time.
  case expired
  /// Found, but asked in the future: the clock was set back.
  case fromFuture
  /// Found, but purged since.
  case purged
  /// Found in the store, but not as it was sealed.
  case sealFailures
  /// The store could not be read.
  case readFailures
  /// No place left among the store's readers.
  case readersFull
  case insertsRefused
  // By the cache.
  case puts
  /// The queue was full, or the store cannot be used.
  case putsDropped
  /// Too large, counted uses, already over, or more epochs than can be told.
  case putsRefused
  case written
  /// The store had a later answer.
  case writtenLater
  case evicted
  case refreshed
  case mapFull
  case writeFailures
  case purges
  /// The store was not there or not trusted.
  case beganEmpty
  /// Readers of dead processes that were let go.
  case deadReaders

  static let count = allCases.count
}

/// Counts, in an order that `CacheCounter` gives.
public struct CacheStatistics: Sendable {
  var counts = [UInt64](repeating: 0, count: CacheCounter.count)
  /// In the store, as its thread last saw it.
  public var storeEntries = 0
  /// In pages that hold entries, of `storeBytesMax`.
  public var storeBytes = 0
  public var storeBytesMax = 0

  public subscript(_ counter: CacheCounter) -> UInt64 {
    counter.rawValue < counts.count ? counts[counter.rawValue] : 0
  }
}

/// Words that one thread or many add to.
struct Counters {
  let words: UnsafeMutablePointer<UInt64>

  init() {
    words = .allocate(capacity: CacheCounter.count)
    words.initialize(repeating: 0, count: CacheCounter.count)
  }

  func free() { words.deallocate() }

  /// By the one thread that these belong to.
  @inline(__always)
  func count(_ counter: CacheCounter) {
    let word = words + counter.rawValue
    platform_store(word, platform_load(word) &+ 1)
  }

  /// By any thread.
  func add(_ counter: CacheCounter, _ value: Int = 1) {
    platform_add(words + counter.rawValue, UInt64(clamping: value))
  }

  func add(to sums: inout [UInt64]) {
    for index in 0..<min(sums.count, CacheCounter.count) { sums[index] = sums[index] &+ platform_load(words + index) }
  }
}
