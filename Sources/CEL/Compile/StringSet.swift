// The strings of a constant list, for `x in [...]`. A bit for each length that occurs turns most strangers away
// at once; a short list is compared one by one, a longer one is an open-addressing hash table.

import CPlatform

struct StringSet: BitwiseCopyable {
  /// The list itself, for whatever is not a string.
  var list: UInt32
  var count: UInt32
  var values: UnsafePointer<Value>
  /// Numbers of values plus one; nil for a short list.
  var table: UnsafePointer<UInt32>?
  /// The table's size less one; a power of two less one.
  var mask: UInt32
  /// Bit n: a string of n bytes is in the set; bit 63: one of 63 or more.
  var lengths: UInt64

  static let scannedMax = 6

  /// Nil when the arena is full.
  init?(list: UInt32, values: UnsafePointer<Value>, count: UInt32, arena: inout Arena) {
    self.list = list
    self.count = count
    self.values = values
    self.table = nil
    self.mask = 0
    self.lengths = 0
    for number in 0..<Int(count) { lengths |= StringSet.lengthBit(values[number].count) }
    guard count > StringSet.scannedMax else { return }
    var size = 16
    while size < Int(count) &* 2 { size &*= 2 }
    guard let memory = arena.allocate(size &* 4) else { return nil }
    let table = memory.bindMemory(to: UInt32.self, capacity: size)
    table.initialize(repeating: 0, count: size)
    mask = UInt32(truncatingIfNeeded: size &- 1)
    for number in 0..<count {
      let text = values[Int(number)].asBytes
      var at = UInt32(truncatingIfNeeded: StringSet.hash(text)) & mask
      while table[Int(at)] != 0 { at = (at &+ 1) & mask }
      table[Int(at)] = number &+ 1
    }
    self.table = UnsafePointer(table)
  }

  @inline(__always)
  static func lengthBit(_ count: UInt32) -> UInt64 { 1 &<< UInt64(count < 63 ? count : 63) }

  @inline(__always)
  func contains(_ text: Bytes) -> Bool {
    if lengths & StringSet.lengthBit(text.count) == 0 { return false }
    if table != nil { return containsHashed(text) }
    var value = values
    var left = count
    while left != 0 {
      if value.pointee.count == text.count, sameBytes(value.pointee.asBytes.base, text.base, Int(text.count)) {
        return true
      }
      value += 1
      left &-= 1
    }
    return false
  }

  @inline(never)
  private func containsHashed(_ text: Bytes) -> Bool {
    guard let table else { return false }
    var at = UInt32(truncatingIfNeeded: StringSet.hash(text)) & mask
    while true {
      let number = table[Int(at)]
      if number == 0 { return false }
      let candidate = values[Int(number &- 1)].asBytes
      if candidate.count == text.count, sameBytes(candidate.base, text.base, Int(text.count)) { return true }
      at = (at &+ 1) & mask
    }
  }

  // The list comes from configuration, not from the network, so the hash needs no secret.
  @inline(__always)
  static func hash(_ text: Bytes) -> UInt64 {
    var hash: UInt64 = 0x9e37_79b9_7f4a_7c15 ^ UInt64(text.count)
    guard let base = text.base, text.count > 0 else { return hash }
    let raw = UnsafeRawPointer(base)
    var at = 0
    let count = Int(text.count)
    while count &- at >= 8 {
      hash = mix(hash ^ raw.loadUnaligned(fromByteOffset: at, as: UInt64.self))
      at &+= 8
    }
    var rest: UInt64 = 0
    while at < count {
      rest = rest &<< 8 | UInt64(base[at])
      at &+= 1
    }
    return mix(hash ^ rest)
  }

  @inline(__always)
  private static func mix(_ value: UInt64) -> UInt64 {
    let product = value.multipliedFullWidth(by: 0xd6e8_feb8_6659_fd93)
    return product.high ^ product.low
  }
}
