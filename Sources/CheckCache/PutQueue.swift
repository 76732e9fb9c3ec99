// Answers on their way to the store: two blocks of memory, one that is filled while the thread reads the other.
//
//   [PutHead value] [PutHead value] …      each begins at a multiple of 8

import CPlatform

struct PutHead {
  var name: EntryName
  var check: UInt64
  var askedAt: Int64
  var freshUntil: Int64
  var staleUntil: Int64
  var stamp: EpochStamp
  var valueBytes: Int

  static let stride = (MemoryLayout<PutHead>.stride + 7) & ~7
}

struct PutQueue {
  private var filling: UnsafeMutableRawPointer
  private var reading: UnsafeMutableRawPointer
  private let bytesMax: Int
  private var used = 0
  private(set) var count = 0

  init?(bytes: Int) {
    guard let first = malloc(bytes / 2) else { return nil }
    guard let second = malloc(bytes / 2) else {
      CPlatform.free(first)
      return nil
    }
    filling = first
    reading = second
    bytesMax = bytes / 2
  }

  func free() {
    CPlatform.free(filling)
    CPlatform.free(reading)
  }

  var isHalfFull: Bool { used > bytesMax / 2 }

  /// False when it does not fit.
  mutating func append(_ head: PutHead, _ value: UnsafeRawBufferPointer) -> Bool {
    let bytes = PutHead.stride &+ (value.count &+ 7) & ~7
    guard bytes <= bytesMax &- used else { return false }
    let place = filling + used
    place.initializeMemory(as: PutHead.self, repeating: head, count: 1)
    if let base = value.baseAddress { (place + PutHead.stride).copyMemory(from: base, byteCount: value.count) }
    used &+= bytes
    count &+= 1
    return true
  }

  /// What was filled, to be read until the next `take`.
  mutating func take() -> PutBatch {
    let batch = PutBatch(memory: filling, bytes: used, count: count)
    swap(&filling, &reading)
    used = 0
    count = 0
    return batch
  }
}

struct PutBatch: Sequence, IteratorProtocol {
  let memory: UnsafeMutableRawPointer
  let bytes: Int
  let count: Int
  private var at = 0

  init(memory: UnsafeMutableRawPointer, bytes: Int, count: Int) {
    self.memory = memory
    self.bytes = bytes
    self.count = count
  }

  mutating func next() -> (head: PutHead, value: UnsafeRawBufferPointer)? {
    guard at < bytes else { return nil }
    let head = (memory + at).load(as: PutHead.self)
    let value = UnsafeRawBufferPointer(start: memory + at + PutHead.stride, count: head.valueBytes)
    at &+= PutHead.stride &+ (head.valueBytes &+ 7) & ~7
    return (head, value)
  }
}
