// Comparing and searching bytes without a call where that pays: most texts in a policy are short.

import CPlatform

/// Whether two runs of `count` bytes are the same. Nil is fine when `count` is 0.
@inlinable @inline(__always)
public func sameBytes(_ left: UnsafePointer<UInt8>?, _ right: UnsafePointer<UInt8>?, _ count: Int) -> Bool {
  // Only to spare the checks for nil; nothing is read where `count` is 0.
  let a = unsafeBitCast(left, to: UnsafeRawPointer.self)
  let b = unsafeBitCast(right, to: UnsafeRawPointer.self)
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
  return count == 0 || a.load(as: UInt8.self) == b.load(as: UInt8.self)
}

extension Bytes {
  @inlinable @inline(__always)
  public func equals(_ other: Bytes) -> Bool { count == other.count && sameBytes(base, other.base, Int(count)) }

  @inlinable @inline(__always)
  public func starts(with prefix: Bytes) -> Bool {
    count >= prefix.count && sameBytes(base, prefix.base, Int(prefix.count))
  }

  @inlinable @inline(__always)
  public func ends(with suffix: Bytes) -> Bool {
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
  package func compare(_ other: Bytes) -> Int {
    let shorter = min(count, other.count)
    if shorter > 0, let base, let otherBase = other.base {
      let order = memcmp(base, otherBase, Int(shorter))
      if order != 0 { return Int(order) }
    }
    return Int(count) &- Int(other.count)
  }

  func equals(_ text: StaticString) -> Bool {
    let other = Bytes(text)
    return count == other.count && sameBytes(base, other.base, Int(count))
  }

  /// The text of a literal. `utf8Start` would trap for one that has no address, so this reads the frozen layout: where
  /// it begins, how long it is, and in bit 0 of the flags that it is a number instead.
  @inlinable @inline(__always)
  public init(_ text: StaticString) {
    let (start, size, flags) = unsafeBitCast(text, to: (UInt, UInt, UInt8).self)
    self = flags & 1 != 0 ? .empty : Bytes(UnsafeRawPointer(bitPattern: start), count: UInt32(truncatingIfNeeded: size))
  }

  /// Code points of valid UTF-8: every byte that does not continue one.
  var codePointCount: Int {
    guard let base else { return 0 }
    var total = 0
    for at in 0..<Int(count) where base[at] & 0xc0 != 0x80 { total &+= 1 }
    return total
  }

  /// Whether all bytes are ASCII, as most texts are. Loads overlap: the last ones cover the tail whatever its length.
  @inlinable public var isPlain: Bool {
    @inline(__always) get {
      guard let base else { return true }
      let raw = UnsafeRawPointer(base)
      let end = Int(count)
      if end >= 8 {
        let last = end &- 8
        let ends = raw.loadUnaligned(as: UInt64.self) | raw.loadUnaligned(fromByteOffset: last, as: UInt64.self)
        if ends & 0x8080_8080_8080_8080 != 0 { return false }
        // Leaves at the first that is not: a loop that went through would be made one for long texts.
        var offset = 8
        while offset < last {
          if raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self) & 0x8080_8080_8080_8080 != 0 { return false }
          offset &+= 8
        }
        return true
      }
      if end >= 4 {
        let bits = raw.loadUnaligned(as: UInt32.self) | raw.loadUnaligned(fromByteOffset: end &- 4, as: UInt32.self)
        return bits & 0x8080_8080 == 0
      }
      return end == 0 || (base[0] | base[end &>> 1] | base[end &- 1]) & 0x80 == 0
    }
  }

  /// Whether this is UTF-8; see `firstInvalidUTF8`.
  @inlinable public var isUTF8: Bool {
    @inline(__always) get { isPlain || firstInvalidUTF8 == nil }
  }

  /// Where this stops being UTF-8 as of RFC 3629 (no surrogates, no overlong forms, nothing above U+10FFFF), or nil.
  @usableFromInline var firstInvalidUTF8: Int? {
    guard let base else { return nil }
    let end = Int(count)
    var index = 0
    while index < end {
      let byte = base[index]
      if byte < 0x80 {
        index &+= 1
        continue
      }
      let length: Int
      var low: UInt8 = 0x80
      var high: UInt8 = 0xBF
      switch byte {
      case 0xC2...0xDF: length = 2
      case 0xE0: (length, low) = (3, 0xA0)
      case 0xED: (length, high) = (3, 0x9F)
      case 0xE1...0xEF: length = 3
      case 0xF0: (length, low) = (4, 0x90)
      case 0xF1...0xF3: length = 4
      case 0xF4: (length, high) = (4, 0x8F)
      default: return index
      }
      guard end &- index >= length, base[index &+ 1] >= low, base[index &+ 1] <= high else { return index }
      var next = index &+ 2
      while next < index &+ length {
        guard base[next] & 0xC0 == 0x80 else { return index }
        next &+= 1
      }
      index &+= length
    }
    return nil
  }
}
