// The memory in which one call builds what it needs: concatenated strings, lists, values a host made.
//
//   first ──► chunk ──► chunk ──► …      each: [next | size | bytes …]
//                         ▲ cursor … limit
//
// `reset` keeps the chunks, so after warm-up nothing is allocated. The total is bounded: past `bytesMax`
// `allocate` gives nil and the evaluator answers `memorySpent`. What is kept for long, such as the constants of one policy,
// begins with a small chunk and doubles.

import CPlatform

@frozen public struct Arena {
  @usableFromInline var cursor: UInt = 0
  @usableFromInline var limit: UInt = 0
  @usableFromInline var first: UnsafeMutableRawPointer?
  @usableFromInline var current: UnsafeMutableRawPointer?
  @usableFromInline var bytesHeld: Int = 0
  @usableFromInline let bytesMax: Int
  @usableFromInline let chunkBytesLeast: Int

  @usableFromInline static var headerBytes: Int { 16 }
  @usableFromInline static var chunkBytes: Int { 16 * 1024 }

  public init(bytesMax: Int) { self.init(bytesMax: bytesMax, chunkBytesLeast: Arena.chunkBytes) }

  /// The first chunk has so many bytes, the next ones as many as there are already, up to the usual size.
  init(bytesMax: Int, chunkBytesLeast: Int) {
    self.bytesMax = bytesMax
    self.chunkBytesLeast = chunkBytesLeast
  }

  /// Uninitialised memory, aligned to 16; nil when the bound is reached.
  @inlinable @inline(__always)
  public mutating func allocate(_ bytes: Int) -> UnsafeMutableRawPointer? {
    let rounded = (bytes &+ 15) & ~15
    if bytes >= 0, bytes <= 1 << 40, limit &- cursor >= UInt(bitPattern: rounded), cursor != 0 {
      let start = cursor
      cursor = cursor &+ UInt(bitPattern: rounded)
      return UnsafeMutableRawPointer(bitPattern: start)
    }
    return allocateSlow(bytes)
  }

  @usableFromInline @inline(never)
  mutating func allocateSlow(_ bytes: Int) -> UnsafeMutableRawPointer? {
    guard bytes >= 0, bytes <= bytesMax else { return nil }
    let rounded = (bytes &+ 15) & ~15
    while true {
      var next = first
      if let current { next = current.load(as: UnsafeMutableRawPointer?.self) }
      if let next {
        enter(next)
      } else {
        let usual = min(max(chunkBytesLeast, bytesHeld), Arena.chunkBytes)
        let size = max(usual, rounded &+ Arena.headerBytes)
        guard bytesHeld &+ size <= bytesMax, let chunk = malloc(size) else { return nil }
        bytesHeld &+= size
        chunk.storeBytes(of: nil, as: UnsafeMutableRawPointer?.self)
        chunk.storeBytes(of: size, toByteOffset: 8, as: Int.self)
        if let current { current.storeBytes(of: chunk, as: UnsafeMutableRawPointer?.self) } else { first = chunk }
        enter(chunk)
      }
      if limit &- cursor >= UInt(bitPattern: rounded) {
        let start = cursor
        cursor = cursor &+ UInt(bitPattern: rounded)
        return UnsafeMutableRawPointer(bitPattern: start)
      }
    }
  }

  private mutating func enter(_ chunk: UnsafeMutableRawPointer) {
    current = chunk
    cursor = UInt(bitPattern: chunk) &+ UInt(bitPattern: Arena.headerBytes)
    limit = UInt(bitPattern: chunk) &+ UInt(bitPattern: chunk.load(fromByteOffset: 8, as: Int.self))
  }

  /// Room for `count` values.
  @inlinable
  public mutating func allocateValues(_ count: Int) -> UnsafeMutablePointer<Value>? {
    guard count >= 0, count <= 1 << 28 else { return nil }
    return allocate(count &* 16)?.assumingMemoryBound(to: Value.self)
  }

  /// A copy of `bytes` that lives until `reset`.
  public mutating func copy(_ bytes: Bytes) -> Bytes? {
    guard bytes.count > 0, let base = bytes.base else { return .empty }
    guard let memory = allocate(Int(bytes.count)) else { return nil }
    memory.copyMemory(from: base, byteCount: Int(bytes.count))
    return Bytes(memory, count: bytes.count)
  }

  /// Forgets everything built, keeps the memory.
  @inlinable @inline(__always)
  public mutating func reset() {
    if first != nil { rewind() }
  }

  @usableFromInline
  mutating func rewind() {
    guard let first else { return }
    enter(first)
  }

  /// Gives the memory back. The arena may be used again.
  public mutating func free() {
    var chunk = first
    while let this = chunk {
      chunk = this.load(as: UnsafeMutableRawPointer?.self)
      CPlatform.free(this)
    }
    first = nil
    current = nil
    cursor = 0
    limit = 0
    bytesHeld = 0
  }
}
