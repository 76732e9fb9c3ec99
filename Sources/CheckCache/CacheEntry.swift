// An answer to keep, and what looking for one gives. Times are nanoseconds of the wall clock since 1970.

/// An answer of a provider. The bytes are borrowed for the call that takes the entry.
@frozen public struct CacheEntry {
  /// What was asked, in a canonical form: equal bytes, equal question.
  public var key: UnsafeRawBufferPointer
  public var value: UnsafeRawBufferPointer
  /// When the provider was asked. An entry from the future (the clock was set back) is a miss.
  public var askedAt: Int64
  /// Until when the answer stands. What is kept ends up to a tenth earlier, so that equal answers do not all end at once.
  public var freshUntil: Int64
  /// Until when it may stand in for an answer that cannot be had; `freshUntil` where it may not. Ends earlier by as much.
  public var staleUntil: Int64
  /// How many hits it is good for; 0 for any number. A counted one stays with the worker that got it, and is never stored.
  public var usesMax: UInt32
  /// Taken before the provider was asked.
  public var stamp: EpochStamp

  @inlinable
  public init(
    key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, askedAt: Int64, freshUntil: Int64,
    staleUntil: Int64? = nil, usesMax: UInt32 = 0, stamp: EpochStamp
  ) {
    self.key = key
    self.value = value
    self.askedAt = askedAt
    self.freshUntil = freshUntil
    self.staleUntil = max(staleUntil ?? freshUntil, freshUntil)
    self.usesMax = usesMax
    self.stamp = stamp
  }
}

/// What looking for an answer gave.
@frozen public struct CacheHit {
  public enum State: UInt8, Sendable {
    case miss
    case fresh
    /// Past its time: only where the provider cannot be asked.
    case stale
  }

  public enum Tier: UInt8, Sendable {
    case worker
    case store
  }

  public var state: State
  public var tier: Tier
  /// How often it may still be used after this hit; `UInt32.max` for any number.
  public var usesLeft: UInt32
  public var askedAt: Int64
  public var freshUntil: Int64
  public var staleUntil: Int64
  /// Lives until the next call on the same worker.
  public var value: UnsafeRawBufferPointer

  @usableFromInline
  init(
    _ state: State, _ tier: Tier, usesLeft: UInt32, askedAt: Int64, freshUntil: Int64, staleUntil: Int64,
    value: UnsafeRawBufferPointer
  ) {
    self.state = state
    self.tier = tier
    self.usesLeft = usesLeft
    self.askedAt = askedAt
    self.freshUntil = freshUntil
    self.staleUntil = staleUntil
    self.value = value
  }

  static var miss: CacheHit {
    CacheHit(
      .miss, .worker, usesLeft: 0, askedAt: 0, freshUntil: 0, staleUntil: 0,
      value: UnsafeRawBufferPointer(start: nil, count: 0))
  }
}
