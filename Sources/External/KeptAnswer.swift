// An answer on its way to the cache's tiers: it owns what a `CacheEntry` borrows.

import PurserCheckCache

final class KeptAnswer: Sendable {
  private let key: [UInt8]
  private let value: [UInt8]
  private let askedAt: Int64
  private let freshUntil: Int64
  private let staleUntil: Int64
  private let stamp: EpochStamp

  init(key: [UInt8], value: [UInt8], askedAt: Int64, freshUntil: Int64, staleUntil: Int64, stamp: EpochStamp) {
    self.key = key
    self.value = value
    self.askedAt = askedAt
    self.freshUntil = freshUntil
    self.staleUntil = staleUntil
    self.stamp = stamp
  }

  func lend(_ body: (CacheEntry) -> Void) {
    key.withUnsafeBytes { key in
      value.withUnsafeBytes { value in
        body(
          CacheEntry(
            key: key, value: value, askedAt: askedAt, freshUntil: freshUntil, staleUntil: staleUntil, stamp: stamp))
      }
    }
  }
}
