// A fast keyed hash: multiply and fold, 16 bytes at a time (the construction of wyhash). It is not cryptographic: whatever it finds
// is compared with more.

struct KeyHash {
  private let first: UInt64
  private let second: UInt64

  init(_ first: UInt64, _ second: UInt64) {
    self.first = first
    self.second = second
  }

  @inline(__always)
  func callAsFunction(_ key: UnsafeRawBufferPointer) -> UInt64 {
    let count = key.count
    guard let base = key.baseAddress, count > 0 else { return Self.fold(first, second) }
    var state = first
    var a: UInt64
    var b: UInt64
    if count > 16 {
      var at = 0
      while count &- at > 16 {
        state = Self.fold(
          base.loadUnaligned(fromByteOffset: at, as: UInt64.self) ^ second,
          base.loadUnaligned(fromByteOffset: at &+ 8, as: UInt64.self) ^ state)
        at &+= 16
      }
      a = base.loadUnaligned(fromByteOffset: count &- 16, as: UInt64.self)
      b = base.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
    } else if count >= 8 {
      a = base.loadUnaligned(as: UInt64.self)
      b = base.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
    } else if count >= 4 {
      a = UInt64(base.loadUnaligned(as: UInt32.self))
      b = UInt64(base.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self))
    } else {
      a =
        UInt64(base.load(as: UInt8.self)) << 16
        | UInt64(base.load(fromByteOffset: count >> 1, as: UInt8.self)) << 8
        | UInt64(base.load(fromByteOffset: count &- 1, as: UInt8.self))
      b = 0
    }
    return Self.fold(second ^ UInt64(truncatingIfNeeded: count), Self.fold(a ^ second, b ^ state))
  }

  @inline(__always)
  private static func fold(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let product = a.multipliedFullWidth(by: b)
    return product.high ^ product.low
  }
}
