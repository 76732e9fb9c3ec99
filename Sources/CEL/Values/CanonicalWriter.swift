// Values as bytes, such that unlike values have unlike bytes: what a cached answer is found by, and what a provider is sent.
//
//   value      tag (a `Value.Kind`), then
//     absent, null        nothing
//     bool                one byte
//     int, uint, double   eight bytes
//     string, bytes       length (four bytes), the bytes
//     timestamp, duration seconds (eight bytes), nanoseconds (four)
//     list                count (four bytes), the values
//     map                 count (four bytes), key and value by turns, in the order in which they are there
//
// Numbers are little-endian. An optional is its value, or absent. Whatever else an expression can give has no such form.

import CPlatform

/// Writes to memory that the caller lends. Once something did not fit or has no form, `isGood` stays false.
@frozen public struct CanonicalWriter {
  @usableFromInline let base: UnsafeMutablePointer<UInt8>
  @usableFromInline let capacity: Int
  public var count = 0
  public var isGood = true

  /// Lists and maps may lie in one another so deep.
  private static var depthMax: Int { 32 }

  @inlinable
  public init(_ base: UnsafeMutablePointer<UInt8>, capacity: Int) {
    self.base = base
    self.capacity = capacity
  }

  @inlinable @inline(__always)
  public mutating func put(_ value: Value) {
    // Most of what is written is text.
    if value.kind == .string || value.kind == .bytes { put(text: value) } else { putOther(value) }
  }

  @usableFromInline @inline(never)
  mutating func putOther(_ value: Value) { put(value, depth: 0) }

  /// Bytes as they are, without a length.
  @inlinable @inline(__always)
  public mutating func put(raw source: UnsafeRawPointer?, _ size: Int) {
    guard isGood, size >= 0, size <= capacity &- count else {
      isGood = false
      return
    }
    if let source, size > 0 { UnsafeMutableRawPointer(base + count).copyMemory(from: source, byteCount: size) }
    count &+= size
  }

  @inlinable @inline(__always)
  mutating func put(text value: Value) {
    let size = Int(value.count)
    guard isGood, size <= capacity &- count &- 5 else {
      isGood = false
      return
    }
    let place = UnsafeMutableRawPointer(base + count)
    place.storeBytes(of: value.kind.rawValue, as: UInt8.self)
    place.storeBytes(of: value.count.littleEndian, toByteOffset: 1, as: UInt32.self)
    if let source = value.asBytes.base { CanonicalWriter.copy(UnsafeRawPointer(source), to: place + 5, size) }
    count &+= 5 &+ size
  }

  /// Up to 16 bytes by two words that may overlap: a call takes longer.
  @inlinable @inline(__always)
  static func copy(_ source: UnsafeRawPointer, to place: UnsafeMutableRawPointer, _ size: Int) {
    if size > 16 {
      place.copyMemory(from: source, byteCount: size)
    } else if size >= 8 {
      let last = source.loadUnaligned(fromByteOffset: size &- 8, as: UInt64.self)
      place.storeBytes(of: source.loadUnaligned(as: UInt64.self), as: UInt64.self)
      place.storeBytes(of: last, toByteOffset: size &- 8, as: UInt64.self)
    } else if size >= 4 {
      let last = source.loadUnaligned(fromByteOffset: size &- 4, as: UInt32.self)
      place.storeBytes(of: source.loadUnaligned(as: UInt32.self), as: UInt32.self)
      place.storeBytes(of: last, toByteOffset: size &- 4, as: UInt32.self)
    } else if size > 0 {
      place.storeBytes(of: source.load(as: UInt8.self), as: UInt8.self)
      place.storeBytes(
        of: source.load(fromByteOffset: size >> 1, as: UInt8.self), toByteOffset: size >> 1, as: UInt8.self)
      place.storeBytes(
        of: source.load(fromByteOffset: size &- 1, as: UInt8.self), toByteOffset: size &- 1, as: UInt8.self)
    }
  }

  private mutating func put(_ value: Value, depth: Int) {
    switch value.kind {
    case .absent, .null: put(byte: value.kind.rawValue)
    case .bool:
      put(byte: value.kind.rawValue)
      put(byte: value.payload != 0 ? 1 : 0)
    case .int, .uint, .double:
      put(byte: value.kind.rawValue)
      put(word: value.payload)
    case .string, .bytes: put(text: value)
    case .timestamp, .duration:
      put(byte: value.kind.rawValue)
      put(word: value.payload)
      put(length: value.count)
    case .list: put(value, elements: Int(value.count), depth)
    case .map: put(value, elements: Int(value.count) &* 2, depth)
    case .optional:
      if let inner = value.elements {
        put(inner.pointee, depth: depth &+ 1)
      } else {
        put(byte: Value.Kind.absent.rawValue)
      }
    case .unfetched, .error, .hostMap, .type, .opaque, .ip, .cidr, .message, .enumeration: isGood = false
    }
  }

  private mutating func put(_ value: Value, elements: Int, _ depth: Int) {
    guard depth < CanonicalWriter.depthMax else {
      isGood = false
      return
    }
    put(byte: value.kind.rawValue)
    put(length: value.count)
    var index = 0
    while isGood, index < elements, let values = value.elements {
      put(values[index], depth: depth &+ 1)
      index &+= 1
    }
  }

  @inline(__always)
  private mutating func put(byte: UInt8) {
    guard isGood, count < capacity else {
      isGood = false
      return
    }
    base[count] = byte
    count &+= 1
  }

  @inline(__always)
  private mutating func put(length: UInt32) {
    var length = length.littleEndian
    withUnsafeBytes(of: &length) { put(raw: $0.baseAddress, 4) }
  }

  @inline(__always)
  private mutating func put(word: UInt64) {
    var word = word.littleEndian
    withUnsafeBytes(of: &word) { put(raw: $0.baseAddress, 8) }
  }
}
