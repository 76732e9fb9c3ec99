// Builds a map in the arena from entries that come one by one; a later entry replaces an earlier one of its key.

import CEL
import CPlatform

public struct MapCollector {
  /// More entries than this is no request that anybody means.
  static var countMax: UInt32 { 1024 }

  private var entries: UnsafeMutablePointer<Value>?
  private var count: UInt32 = 0
  private var capacity: UInt32 = 0

  public init() {}

  /// False when there are too many or the arena is spent. `key` is a string.
  public mutating func set(_ key: Value, _ value: Value, in arena: inout Arena) -> Bool {
    var index: UInt32 = 0
    if let entries {
      while index < count {
        let other = entries[Int(index) &* 2]
        if other.count == key.count, isSame(other.asBytes, key.asBytes) {
          entries[Int(index) &* 2 &+ 1] = value
          return true
        }
        index &+= 1
      }
    }
    if count == capacity {
      guard capacity < MapCollector.countMax else { return false }
      let larger = capacity == 0 ? 16 : capacity &* 2
      guard let memory = arena.allocateValues(Int(larger) &* 2) else { return false }
      if let entries { memory.update(from: entries, count: Int(count) &* 2) }
      entries = memory
      capacity = larger
    }
    guard let entries else { return false }
    entries[Int(count) &* 2] = key
    entries[Int(count) &* 2 &+ 1] = value
    count &+= 1
    return true
  }

  public var map: Value { .map(entries, count: count) }

  private func isSame(_ a: Bytes, _ b: Bytes) -> Bool {
    guard a.count > 0, let left = a.base, let right = b.base else { return a.count == b.count }
    return memcmp(left, right, Int(a.count)) == 0
  }
}
