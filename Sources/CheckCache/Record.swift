// An entry as it stands in the store, under its name. Little endian; LMDB gives values at any address.
//
//   0   u32  generation: when it was last used, coarsely; the only part that the seal does not cover
//   4   u32  format (high half) and number of epochs (low half)
//   8   i64  asked at, 16 fresh until, 24 stale until
//   32  u64  check
//   40       the writer's salt, 16 bytes
//   56  u64  the writer's number for this value
//   64  u64  sum of the epochs; 72: their places, 16 bits each, in whole words of 8 bytes
//   …        the sealed value, 16 bytes longer than the value

struct Record {
  static let format: UInt32 = 2
  static let fixedBytes = 72
  static let headBytesMax = fixedBytes + EpochStamp.countMax * 2

  let base: UnsafeRawPointer
  let count: Int
  let headBytes: Int

  /// Nil if it is none.
  @inline(__always)
  init?(_ bytes: UnsafeRawBufferPointer) {
    guard let base = bytes.baseAddress, bytes.count >= Self.fixedBytes &+ CacheKeys.tagBytes else { return nil }
    let kind = base.loadUnaligned(fromByteOffset: 4, as: UInt32.self)
    let epochs = Int(kind & 0xffff)
    guard kind >> 16 == Self.format, epochs >= 1, epochs <= EpochStamp.countMax else { return nil }
    headBytes = Self.fixedBytes &+ ((epochs &+ 3) & ~3) &* 2
    guard bytes.count >= headBytes &+ CacheKeys.tagBytes else { return nil }
    self.base = base
    count = bytes.count
  }

  var generation: UInt32 { base.loadUnaligned(as: UInt32.self) }
  var askedAt: Int64 { base.loadUnaligned(fromByteOffset: 8, as: Int64.self) }
  var freshUntil: Int64 { base.loadUnaligned(fromByteOffset: 16, as: Int64.self) }
  var staleUntil: Int64 { base.loadUnaligned(fromByteOffset: 24, as: Int64.self) }
  var check: UInt64 { base.loadUnaligned(fromByteOffset: 32, as: UInt64.self) }
  var salt: UnsafeRawPointer { base + 40 }
  var number: UInt64 { base.loadUnaligned(fromByteOffset: 56, as: UInt64.self) }
  var sealed: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: base + headBytes, count: count &- headBytes)
  }
  var valueBytes: Int { count &- headBytes &- CacheKeys.tagBytes }

  var stamp: EpochStamp {
    var stamp = EpochStamp()
    stamp.sum = base.loadUnaligned(fromByteOffset: 64, as: UInt64.self)
    stamp.count = UInt8(truncatingIfNeeded: base.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
    withUnsafeMutableBytes(of: &stamp.places) { places in
      places.baseAddress?.copyMemory(from: base + Self.fixedBytes, byteCount: headBytes &- Self.fixedBytes)
    }
    return stamp
  }

  /// What the seal is bound to: the name, and the head without the generation; and without salt and number, which make its key
  /// and nonce. `memory` has room for `boundBytesMax`.
  @inline(__always)
  func bound(_ name: EntryName, in memory: UnsafeMutableRawPointer) -> UnsafeRawBufferPointer {
    memory.storeBytes(of: name, as: EntryName.self)
    (memory + 16).copyMemory(from: base + 4, byteCount: 36)
    (memory + 52).copyMemory(from: base + 64, byteCount: headBytes &- 64)
    return UnsafeRawBufferPointer(start: memory, count: headBytes &- 12)
  }

  static let boundBytesMax = headBytesMax

  /// Writes the head of an entry; its size.
  static func writeHead(
    _ memory: UnsafeMutableRawPointer, generation: UInt32, askedAt: Int64, freshUntil: Int64, staleUntil: Int64,
    check: UInt64, salt: UnsafeRawPointer, number: UInt64, stamp: EpochStamp
  ) -> Int {
    memory.storeBytes(of: generation, as: UInt32.self)
    memory.storeBytes(
      of: Record.format << 16 | UInt32(truncatingIfNeeded: stamp.count), toByteOffset: 4, as: UInt32.self)
    memory.storeBytes(of: askedAt, toByteOffset: 8, as: Int64.self)
    memory.storeBytes(of: freshUntil, toByteOffset: 16, as: Int64.self)
    memory.storeBytes(of: staleUntil, toByteOffset: 24, as: Int64.self)
    memory.storeBytes(of: check, toByteOffset: 32, as: UInt64.self)
    (memory + 40).copyMemory(from: salt, byteCount: CacheKeys.saltBytes)
    memory.storeBytes(of: number, toByteOffset: 56, as: UInt64.self)
    memory.storeBytes(of: stamp.sum, toByteOffset: 64, as: UInt64.self)
    let placeBytes = ((Int(stamp.count) &+ 3) & ~3) &* 2
    withUnsafeBytes(of: stamp.places) { places in
      guard let base = places.baseAddress else { return }
      (memory + fixedBytes).copyMemory(from: base, byteCount: placeBytes)
    }
    return fixedBytes &+ placeBytes
  }
}
