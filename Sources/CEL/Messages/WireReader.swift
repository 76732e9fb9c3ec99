// Protobuf's wire format, read from borrowed bytes. Every reader gives nil at the end or for what is malformed,
// and never reads past the end.

struct WireReader {
  private var at: UnsafePointer<UInt8>?
  private(set) var left: Int

  init(_ bytes: Bytes) {
    at = bytes.base
    left = bytes.base == nil ? 0 : Int(bytes.count)
  }

  var isAtEnd: Bool { left == 0 }

  private mutating func advance(_ count: Int) {
    at = at.map { $0 + count }
    left = left &- count
  }

  /// At most ten bytes; bits beyond 64 are dropped.
  mutating func varint() -> UInt64? {
    guard let at else { return nil }
    var result: UInt64 = 0
    var count = 0
    while count < min(left, 10) {
      let byte = at[count]
      result |= UInt64(byte & 0x7f) &<< UInt64(truncatingIfNeeded: count &* 7)
      count &+= 1
      if byte < 0x80 {
        advance(count)
        return result
      }
    }
    return nil
  }

  mutating func fixed32() -> UInt32? {
    guard left >= 4, let at else { return nil }
    let word = UnsafeRawPointer(at).loadUnaligned(as: UInt32.self)
    advance(4)
    return UInt32(littleEndian: word)
  }

  mutating func fixed64() -> UInt64? {
    guard left >= 8, let at else { return nil }
    let word = UnsafeRawPointer(at).loadUnaligned(as: UInt64.self)
    advance(8)
    return UInt64(littleEndian: word)
  }

  /// A length and as many bytes.
  mutating func bytes() -> Bytes? {
    guard let size = varint(), size <= UInt64(UInt32.max), size <= UInt64(truncatingIfNeeded: left) else { return nil }
    let count = Int(truncatingIfNeeded: size)
    let result = Bytes(at.map { UnsafeRawPointer($0) }, count: UInt32(truncatingIfNeeded: size))
    advance(count)
    return count == 0 ? .empty : result
  }

  /// A field's number and wire type.
  mutating func tag() -> (number: UInt32, type: UInt8)? {
    guard let tag = varint(), tag <= UInt64(UInt32.max), tag >> 3 >= 1 else { return nil }
    return (UInt32(truncatingIfNeeded: tag >> 3), UInt8(truncatingIfNeeded: tag & 7))
  }

  /// Over a field's value; a group's has fields of its own. False for what is malformed or too deep.
  mutating func skip(_ number: UInt32, _ type: UInt8, depth: Int = 0) -> Bool {
    switch type {
    case WireType.varint: return varint() != nil
    case WireType.fixed64: return fixed64() != nil
    case WireType.bytes: return bytes() != nil
    case WireType.fixed32: return fixed32() != nil
    case WireType.startGroup:
      guard depth < WireReader.groupDepthMax else { return false }
      while let inner = tag() {
        if inner.type == WireType.endGroup { return inner.number == number }
        if !skip(inner.number, inner.type, depth: depth &+ 1) { return false }
      }
      return false
    default: return false
    }
  }

  private static let groupDepthMax = 32
}

enum WireType {
  static var varint: UInt8 { 0 }
  static var fixed64: UInt8 { 1 }
  static var bytes: UInt8 { 2 }
  static var startGroup: UInt8 { 3 }
  static var endGroup: UInt8 { 4 }
  static var fixed32: UInt8 { 5 }
}
