// What all processes know together of the entries in the store: kept in one record of it, and so as right as the entries.
//
// Time goes in generations: a new one begins when a sixteenth of the map was written. Entries carry the generation in
// which they were last used, and the ledger how many bytes each generation has, so it is known which are the oldest.

import PurserStore

struct StoreLedger {
  static let key: [UInt8] = Array("ledger".utf8)
  private static let format: UInt32 = 1
  private static let window: UInt32 = 32
  private static let words = 6 + Int(window)

  fileprivate(set) var generation: UInt32 = 1
  /// Written in this generation.
  private var written: UInt64 = 0
  /// Where the sweep goes on: it walks the names, which are as good as random, round and round.
  var hand = EntryName()
  /// Bytes of generations that are out of the window.
  private var ancient: UInt64 = 0
  private var bytes = [UInt64](repeating: 0, count: Int(window))

  init() {}

  init(_ writer: StoreWriter) throws(StoreError) {
    let found = try Self.key.withUnsafeBufferPointer { (key) throws(StoreError) in
      try writer.get(UnsafeRawBufferPointer(key))
    }
    guard let found, found.count == Self.words * 8, let base = found.baseAddress,
      base.loadUnaligned(as: UInt32.self) == Self.format
    else { return }
    func word(_ at: Int) -> UInt64 { base.loadUnaligned(fromByteOffset: at &* 8, as: UInt64.self) }
    generation = max(base.loadUnaligned(fromByteOffset: 4, as: UInt32.self), 1)
    written = word(1)
    hand = EntryName(high: word(2), low: word(3))
    ancient = word(4)
    for index in bytes.indices { bytes[index] = word(6 &+ index) }
  }

  func write(_ writer: StoreWriter) throws(StoreError) {
    var all = [UInt64(Self.format) | UInt64(generation) << 32, written, hand.high, hand.low, ancient, 0]
    all.append(contentsOf: bytes)
    try Self.key.withUnsafeBufferPointer { (key) throws(StoreError) in
      try all.withUnsafeBufferPointer { (value) throws(StoreError) in
        try writer.put(UnsafeRawBufferPointer(key), UnsafeRawBufferPointer(value))
      }
    }
  }

  private func slot(_ generation: UInt32) -> Int? {
    let age = self.generation &- generation
    return age < Self.window ? Int(generation % Self.window) : nil
  }

  mutating func add(_ count: Int) {
    let count = UInt64(clamping: count)
    bytes[Int(generation % Self.window)] &+= count
    written &+= count
  }

  mutating func remove(_ count: Int, of generation: UInt32) {
    let count = UInt64(clamping: count)
    if let slot = slot(generation) {
      bytes[slot] = bytes[slot] > count ? bytes[slot] &- count : 0
    } else {
      ancient = ancient > count ? ancient &- count : 0
    }
  }

  /// Begins a new generation once this one has `bytesMax`.
  mutating func advance(bytesMax: Int) {
    guard written >= UInt64(clamping: bytesMax) else { return }
    generation &+= 1
    if generation == 0 { generation = 1 }
    let slot = Int(generation % Self.window)
    ancient &+= bytes[slot]
    bytes[slot] = 0
    written = 0
  }

  var bytesTotal: UInt64 { bytes.reduce(ancient) { $0 &+ $1 } }

  /// How old the youngest of the oldest entries are that have `count` bytes together: so many generations ago.
  func age(ofOldest count: UInt64) -> UInt32 {
    var sum = ancient
    var age = Self.window
    while sum < count, age > 0 {
      age &-= 1
      sum &+= bytes[Int((generation &- age) % Self.window)]
    }
    return age
  }

  func age(of generation: UInt32) -> UInt32 {
    let age = self.generation &- generation
    // One from the future is of another time.
    return age > UInt32.max / 2 ? UInt32.max : age
  }
}

extension StoreLedger {
  /// All entries are gone. The generation goes on, since workers compare it.
  mutating func empty() {
    let last = generation
    self = StoreLedger()
    generation = last
  }
}
