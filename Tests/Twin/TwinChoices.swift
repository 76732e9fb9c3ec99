// Where a generator's decisions come from: a seed, or the bytes of a fuzzer's input.

package struct TwinChoices {
  private var state: UInt64
  private var bytes: [UInt8]
  private var position = 0
  private let isSeeded: Bool

  package init(seed: UInt64) {
    state = seed
    bytes = []
    isSeeded = true
  }

  /// When the bytes are used up every further choice is the first one, so what is generated ends.
  package init(bytes: [UInt8]) {
    state = 0
    self.bytes = bytes
    isSeeded = false
  }

  /// From 0 up to `limit`, which is at least 1.
  mutating func number(below limit: Int) -> Int {
    if isSeeded {
      // Knuth's MMIX generator; its low bits are weak.
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(limit))
    }
    guard position < bytes.count else { return 0 }
    defer { position += 1 }
    return Int(bytes[position]) % limit
  }

  mutating func pick<T>(_ items: [T]) -> T { items[number(below: items.count)] }

  /// True once in `times`.
  mutating func happens(onceIn times: Int) -> Bool { number(below: times) == times - 1 }
}
