// Walking over the code points of valid UTF-8.

import CPlatform

extension Bytes {
  /// How many bytes the code point takes whose first byte this is.
  @inline(__always)
  static func codePointLength(_ lead: UInt8) -> Int { lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4 }

  /// The bytes from one offset to another; cut to what there is.
  func slice(_ start: Int, _ end: Int) -> Bytes {
    let end = min(end, Int(count))
    guard start >= 0, start < end else { return .empty }
    return Bytes(address: address &+ UInt64(start), count: UInt32(truncatingIfNeeded: end &- start))
  }

  /// The byte at which code point `number` begins; the size for the one after the last; nil beyond.
  func offset(ofCodePoint number: Int64) -> Int? {
    guard number >= 0, number <= Int64(count) else { return nil }
    guard let base else { return number == 0 ? 0 : nil }
    let size = Int(count)
    var offset = 0
    var left = number
    while left > 0 {
      guard offset < size else { return nil }
      offset &+= Bytes.codePointLength(base[offset])
      left &-= 1
    }
    return min(offset, size)
  }

  /// The code point that begins at `offset`.
  func codePoint(at offset: Int) -> UInt32 {
    guard let base, offset >= 0, offset < Int(count) else { return 0 }
    let lead = base[offset]
    let length = Bytes.codePointLength(lead)
    if length == 1 { return UInt32(truncatingIfNeeded: lead) }
    guard offset &+ length <= Int(count) else { return 0xfffd }
    var value = UInt32(truncatingIfNeeded: lead) & (0x7f &>> UInt32(truncatingIfNeeded: length))
    for at in 1..<length { value = value &<< 6 | UInt32(truncatingIfNeeded: base[offset &+ at] & 0x3f) }
    return value
  }

  /// Where `needle` first occurs at or after byte `start`.
  func firstOffset(of needle: Bytes, from start: Int) -> Int? {
    let rest = slice(start, Int(count))
    if needle.count == 0 { return start }
    guard needle.count <= rest.count, let base,
      let found = platform_find(rest.base, Int(rest.count), needle.base, Int(needle.count))
    else { return nil }
    return found - base
  }
}
