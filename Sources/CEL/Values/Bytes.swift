// Comparing and searching bytes without a call where that pays: most texts in a policy are short.

import CPlatform

/// Whether two runs of `count` bytes are the same. Nil is fine when `count` is 0.
@inline(__always)
func sameBytes(_ left: UnsafePointer<UInt8>?, _ right: UnsafePointer<UInt8>?, _ count: Int) -> Bool {
  guard let left, let right else { return count == 0 }
  let a = UnsafeRawPointer(left)
  let b = UnsafeRawPointer(right)
  // Overlapping loads: the last one covers the tail whatever its length.
  if count >= 8 {
    if count > 64 { return memcmp(a, b, count) == 0 }
    var at = 0
    let last = count &- 8
    while at < last {
      if a.loadUnaligned(fromByteOffset: at, as: UInt64.self) != b.loadUnaligned(fromByteOffset: at, as: UInt64.self) {
        return false
      }
      at &+= 8
    }
    return a.loadUnaligned(fromByteOffset: last, as: UInt64.self)
      == b.loadUnaligned(fromByteOffset: last, as: UInt64.self)
  }
  if count >= 4 {
    let last = count &- 4
    return a.loadUnaligned(as: UInt32.self) == b.loadUnaligned(as: UInt32.self)
      && a.loadUnaligned(fromByteOffset: last, as: UInt32.self)
        == b.loadUnaligned(fromByteOffset: last, as: UInt32.self)
  }
  if count >= 2 {
    let last = count &- 2
    return a.loadUnaligned(as: UInt16.self) == b.loadUnaligned(as: UInt16.self)
      && a.loadUnaligned(fromByteOffset: last, as: UInt16.self)
        == b.loadUnaligned(fromByteOffset: last, as: UInt16.self)
  }
  return count == 0 || left[0] == right[0]
}

extension Bytes {
  @inline(__always)
  func equals(_ other: Bytes) -> Bool { count == other.count && sameBytes(base, other.base, Int(count)) }

  @inline(__always)
  func starts(with prefix: Bytes) -> Bool {
    count >= prefix.count && sameBytes(base, prefix.base, Int(prefix.count))
  }

  @inline(__always)
  func ends(with suffix: Bytes) -> Bool {
    if count < suffix.count { return false }
    guard let base else { return true }
    return sameBytes(base + Int(count &- suffix.count), suffix.base, Int(suffix.count))
  }

  func contains(_ needle: Bytes) -> Bool {
    if needle.count == 0 { return true }
    if needle.count > count { return false }
    return platform_find(base, Int(count), needle.base, Int(needle.count)) != nil
  }

  /// Below, at or above zero. Order of UTF-8 bytes is order of code points.
  func compare(_ other: Bytes) -> Int {
    let shorter = min(count, other.count)
    if shorter > 0, let base, let otherBase = other.base {
      let order = memcmp(base, otherBase, Int(shorter))
      if order != 0 { return Int(order) }
    }
    return Int(count) &- Int(other.count)
  }

  func equals(_ text: StaticString) -> Bool {
    count == UInt32(truncatingIfNeeded: text.utf8CodeUnitCount) && sameBytes(base, text.utf8Start, Int(count))
  }

  init(_ text: StaticString) {
    self.init(text.utf8Start, count: UInt32(truncatingIfNeeded: text.utf8CodeUnitCount))
  }

  /// Code points of valid UTF-8: every byte that does not continue one.
  var codePointCount: Int {
    guard let base else { return 0 }
    var total = 0
    for at in 0..<Int(count) where base[at] & 0xc0 != 0x80 { total &+= 1 }
    return total
  }

  /// UTF-8 as of RFC 3629: no surrogates, no overlong forms, nothing above U+10FFFF.
  var isValidUTF8: Bool {
    guard let base else { return true }
    let end = Int(count)
    var at = 0
    while at < end {
      let first = base[at]
      if first < 0x80 {
        at &+= 1
        continue
      }
      var more = 0
      var low: UInt8 = 0x80
      var high: UInt8 = 0xbf
      switch first {
      case 0xc2...0xdf: more = 1
      case 0xe0:
        more = 2
        low = 0xa0
      case 0xed:
        more = 2
        high = 0x9f
      case 0xe1...0xef: more = 2
      case 0xf0:
        more = 3
        low = 0x90
      case 0xf1...0xf3: more = 3
      case 0xf4:
        more = 3
        high = 0x8f
      default: return false
      }
      if end &- at <= more { return false }
      if base[at &+ 1] < low || base[at &+ 1] > high { return false }
      var next = 2
      while next <= more {
        if base[at &+ next] & 0xc0 != 0x80 { return false }
        next &+= 1
      }
      at &+= more &+ 1
    }
    return true
  }
}
