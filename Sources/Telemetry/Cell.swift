// The numbers of one series in one shard: a few 8-byte words, the first of which is the stamp.
//
//   counter       [stamp][sum of whole increments, Int64][sum of the rest, Double]
//   gauge         [stamp][value, Double]
//   distribution  [stamp][sum, Double][count of bucket 0]…[count of the last bucket]
//
// The stamp is the time of the last recording plus one; 0 means that there was none. One thread writes, the snapshot
// reads: each word is whole, and words of one cell may be a recording apart.

import CPlatform

enum Cell {
  static func words(_ kind: InstrumentDefinition.Kind, boundCount: Int) -> Int {
    switch kind {
    case .counter: 3
    case .gauge: 2
    case .distribution: boundCount &+ 3
    }
  }

  @inline(__always)
  static func stamp(_ now: Int64) -> UInt64 { now < 0 ? 1 : UInt64(bitPattern: now) &+ 1 }

  @inline(__always)
  static func add(whole increment: Int64, _ cell: UnsafeMutablePointer<UInt64>) {
    let (sum, overflow) = Int64(bitPattern: cell[1]).addingReportingOverflow(increment)
    if overflow {
      add(rest: Double(increment), cell)
    } else {
      platform_store(cell + 1, UInt64(bitPattern: sum))
    }
  }

  @inline(__always)
  static func add(rest increment: Double, _ cell: UnsafeMutablePointer<UInt64>) {
    platform_store(cell + 2, (Double(bitPattern: cell[2]) + increment).bitPattern)
  }

  @inline(__always)
  static func set(_ value: Double, _ cell: UnsafeMutablePointer<UInt64>) { platform_store(cell + 1, value.bitPattern) }

  @inline(__always)
  static func observe(
    _ value: Double, _ cell: UnsafeMutablePointer<UInt64>, bounds: UnsafePointer<Double>, boundCount: Int
  ) {
    // The first bound that is not below the value.
    var first = 0
    var count = boundCount
    while count > 0 {
      let half = count >> 1
      let isBelow = bounds[first &+ half] < value
      first = isBelow ? first &+ half &+ 1 : first
      count = isBelow ? count &- half &- 1 : half
    }
    platform_store(cell + (2 &+ first), cell[2 &+ first] &+ 1)
    platform_store(cell + 1, (Double(bitPattern: cell[1]) + value).bitPattern)
  }

  /// Adds what a cell holds into another one of the same instrument: a shard's into the base.
  static func fold(
    _ source: UnsafePointer<UInt64>, into target: UnsafeMutablePointer<UInt64>, kind: InstrumentDefinition.Kind,
    words: Int
  ) {
    let stamp = platform_load_acquire(source)
    guard stamp != 0 else { return }
    switch kind {
    case .counter:
      add(whole: Int64(bitPattern: platform_load(source + 1)), target)
      add(rest: Double(bitPattern: platform_load(source + 2)), target)
    case .gauge:
      if stamp >= target[0] { platform_store(target + 1, platform_load(source + 1)) }
    case .distribution:
      let sum = Double(bitPattern: platform_load(source + 1))
      platform_store(target + 1, (Double(bitPattern: target[1]) + sum).bitPattern)
      for word in 2..<max(words, 2) { platform_store(target + word, target[word] &+ platform_load(source + word)) }
    }
    if stamp > target[0] { platform_store_release(target, stamp) }
  }
}
