// Finished log records on their way from a worker to the exporter: a ring of bytes with one writer and one reader.
//
//   staging   {"method":"GET","path":"/a"       the record being written, field by field; at most 64 KiB
//       │ commit
//       ▼
//   ring   … [length | sink][bytes, padded to 8][length | sink][bytes, padded to 8] …
//             ▲ tail: the exporter's                             ▲ head: the worker's
//
// Head and tail count bytes for ever and are taken modulo the capacity, a power of two; a record may go round the end.
// A full ring drops the record and counts it: the worker never waits.

import CEL
import CPlatform

public struct LogRing {
  let memory: UnsafeMutablePointer<UInt8>
  let mask: UInt64
  /// The worker's own counters.
  let shard: UnsafeMutablePointer<Shard>
  /// Two words on a cache line each: the worker's head, the exporter's tail.
  let positions: UnsafeMutablePointer<UInt64>
  let staging: UnsafeMutablePointer<UInt8>
  /// Only the worker's. Apart from this struct, which nobody changes once it is made.
  let draft: UnsafeMutablePointer<Draft>

  /// The record being written.
  struct Draft {
    var text: TextSpan
    var fields = 0
    var isCut = false
    var isFinished = false
    /// The tail as last seen, so that the exporter's cache line is read only when the ring looks full.
    var tailSeen: UInt64 = 0
  }

  /// A record's JSON and its newline.
  public static var recordBytesMax: Int { 65536 }
  /// A longer string or bytes value is cut.
  public static var textBytesMax: Int { 8192 }
  public static var bytesDefault: Int { 1 << 20 }
  private static var headerBytes: Int { 8 }
  private static var tailWord: Int { 8 }
  /// Added to a record of which something was cut or left out.
  private static var clippedMark: StaticString { "\"purser.clipped\":true" }

  /// A ring of at least `bytes` (rounded up to a power of two, 128 KiB at least: it must hold any record). Counts go to
  /// `shard`, which must outlive the last record written. Nil without memory.
  public static func make(
    bytes: Int = LogRing.bytesDefault, shard: UnsafeMutablePointer<Shard>
  ) -> UnsafeMutablePointer<LogRing>? {
    var capacity = recordBytesMax &* 2
    while capacity < bytes, capacity < 1 << 30 { capacity &*= 2 }
    let memory = malloc(capacity)
    let staging = malloc(recordBytesMax)
    let positions = calloc(16, 8)
    let draft = malloc(MemoryLayout<Draft>.size)
    let ring = malloc(MemoryLayout<LogRing>.size)
    guard let memory, let staging, let positions, let draft, let ring else {
      CPlatform.free(memory)
      CPlatform.free(staging)
      CPlatform.free(positions)
      CPlatform.free(draft)
      CPlatform.free(ring)
      return nil
    }
    let stagingBytes = staging.bindMemory(to: UInt8.self, capacity: recordBytesMax)
    let draftMemory = draft.bindMemory(to: Draft.self, capacity: 1)
    draftMemory.initialize(to: Draft(text: TextSpan(stagingBytes, capacity: 0)))
    let result = ring.bindMemory(to: LogRing.self, capacity: 1)
    result.initialize(
      to: LogRing(
        memory: memory.bindMemory(to: UInt8.self, capacity: capacity), mask: UInt64(truncatingIfNeeded: capacity &- 1),
        shard: shard, positions: positions.bindMemory(to: UInt64.self, capacity: 16), staging: stagingBytes,
        draft: draftMemory))
    return result
  }

  /// When neither worker nor exporter uses it any more.
  public static func free(_ ring: UnsafeMutablePointer<LogRing>) {
    CPlatform.free(ring.pointee.memory)
    CPlatform.free(ring.pointee.staging)
    CPlatform.free(ring.pointee.positions)
    CPlatform.free(ring.pointee.draft)
    CPlatform.free(ring)
  }
}

// The worker's side.
extension LogRing {
  /// Begins a record; one that was begun before and not committed is forgotten.
  public static func begin(_ ring: UnsafeMutablePointer<LogRing>) {
    let draft = ring.pointee.draft
    // Room is kept for the mark, a comma, the brace and the newline.
    draft.pointee.text = TextSpan(
      ring.pointee.staging, capacity: recordBytesMax &- clippedMark.utf8CodeUnitCount &- 3)
    draft.pointee.text.append(UInt8(ascii: "{"))
    draft.pointee.fields = 0
    draft.pointee.isCut = false
    draft.pointee.isFinished = false
  }

  /// One field. `key` is one of a `LogDefinition`'s. A field that does not fit is left out.
  public static func field(_ ring: UnsafeMutablePointer<LogRing>, key: Bytes, _ value: Value) {
    let draft = ring.pointee.draft
    let start = draft.pointee.text.count
    if draft.pointee.fields > 0 { draft.pointee.text.append(UInt8(ascii: ",")) }
    draft.pointee.text.append(key)
    if draft.pointee.text.append(json: value, textBytesMax: textBytesMax) { draft.pointee.isCut = true }
    if draft.pointee.text.isFull {
      draft.pointee.text.count = start
      draft.pointee.text.isFull = false
      draft.pointee.isCut = true
    } else {
      draft.pointee.fields &+= 1
    }
    if value.kind == .error { Shard.count(ring.pointee.shard, .logFieldErrors) }
  }

  /// Hands the record to the exporter, for `sink`. May be called again for another sink. False when the ring is full: the
  /// record is dropped and counted.
  @discardableResult
  public static func commit(_ ring: UnsafeMutablePointer<LogRing>, sink: UInt32) -> Bool {
    let draft = ring.pointee.draft
    finish(ring)
    let length = draft.pointee.text.count
    let padded = UInt64(truncatingIfNeeded: (length &+ headerBytes &+ 7) & ~7)
    let head = ring.pointee.positions.pointee
    if head &- draft.pointee.tailSeen &+ padded > ring.pointee.mask &+ 1 {
      draft.pointee.tailSeen = platform_load_acquire(ring.pointee.positions + tailWord)
      guard head &- draft.pointee.tailSeen &+ padded <= ring.pointee.mask &+ 1 else {
        Shard.count(ring.pointee.shard, .logRecordsDropped)
        return false
      }
    }
    // Everything is aligned to 8, so the header never goes round the end.
    let header = UnsafeMutableRawPointer(ring.pointee.memory + Int(truncatingIfNeeded: head & ring.pointee.mask))
    header.storeBytes(of: UInt64(sink) << 32 | UInt64(truncatingIfNeeded: length), as: UInt64.self)
    let start = Int(truncatingIfNeeded: (head &+ 8) & ring.pointee.mask)
    let first = min(length, Int(truncatingIfNeeded: ring.pointee.mask &+ 1) &- start)
    memcpy(ring.pointee.memory + start, ring.pointee.staging, first)
    if first < length { memcpy(ring.pointee.memory, ring.pointee.staging + first, length &- first) }
    platform_store_release(ring.pointee.positions, head &+ padded)
    Shard.count(ring.pointee.shard, .logRecords)
    return true
  }

  /// Forgets the record that was begun.
  public static func cancel(_ ring: UnsafeMutablePointer<LogRing>) {
    let draft = ring.pointee.draft
    draft.pointee.text = TextSpan(ring.pointee.staging, capacity: 0)
    draft.pointee.isFinished = true
  }

  private static func finish(_ ring: UnsafeMutablePointer<LogRing>) {
    let draft = ring.pointee.draft
    guard !draft.pointee.isFinished else { return }
    draft.pointee.isFinished = true
    var text = TextSpan(ring.pointee.staging, capacity: recordBytesMax)
    text.count = draft.pointee.text.count
    if draft.pointee.isCut {
      if draft.pointee.fields > 0 { text.append(UInt8(ascii: ",")) }
      text.append(clippedMark)
      Shard.count(ring.pointee.shard, .logRecordsClipped)
    }
    text.append("}\n")
    draft.pointee.text = text
  }
}

// The exporter's side: one thread at a time.
extension LogRing {
  /// Takes every record that was committed before the call. `visit` gets the sink and the line, with its newline; the
  /// line lives until it returns. Returns how many there were.
  @discardableResult
  public static func drain(
    _ ring: UnsafeMutablePointer<LogRing>, scratch: UnsafeMutablePointer<UInt8>,
    _ visit: (_ sink: UInt32, _ line: UnsafeBufferPointer<UInt8>) -> Void
  ) -> Int {
    let head = platform_load_acquire(ring.pointee.positions)
    var tail = ring.pointee.positions[tailWord]
    let capacity = Int(ring.pointee.mask &+ 1)
    var count = 0
    while tail != head {
      let at = Int(tail & ring.pointee.mask)
      let header = UnsafeRawPointer(ring.pointee.memory + at).load(as: UInt64.self)
      let length = Int(header & 0xFFFF_FFFF)
      let start = Int((tail &+ 8) & ring.pointee.mask)
      if start &+ length <= capacity {
        visit(
          UInt32(truncatingIfNeeded: header >> 32),
          UnsafeBufferPointer(start: ring.pointee.memory + start, count: length))
      } else {
        let first = capacity &- start
        memcpy(scratch, ring.pointee.memory + start, first)
        memcpy(scratch + first, ring.pointee.memory, length &- first)
        visit(UInt32(truncatingIfNeeded: header >> 32), UnsafeBufferPointer(start: scratch, count: length))
      }
      tail = tail &+ UInt64(truncatingIfNeeded: (length &+ headerBytes &+ 7) & ~7)
      // Each record makes room at once: a burst is dropped less.
      platform_store_release(ring.pointee.positions + tailWord, tail)
      count &+= 1
    }
    return count
  }
}
