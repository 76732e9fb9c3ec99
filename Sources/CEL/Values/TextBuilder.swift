// Text, or bytes, that grows in an evaluation's arena.
//
// When its room is full it moves to twice as much; what it leaves behind stays unused until the arena is reset. Every
// byte appended is charged to the budget, and what no longer fits the arena or the budget makes `finish` an error.

import CPlatform

struct TextBuilder {
  private let evaluation: Evaluation.Pointer
  private var memory: UnsafeMutableRawPointer?
  private(set) var count = 0
  private var capacity = 0
  private var failure: EvaluationError.Code?

  init(_ evaluation: Evaluation.Pointer, capacity: Int = 64) {
    self.evaluation = evaluation
    _ = reserve(max(capacity, 1))
  }

  var hasFailed: Bool { failure != nil }

  mutating func append(_ byte: UInt8) {
    guard reserve(1), let memory else { return }
    memory.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
    count &+= 1
  }

  mutating func append(_ bytes: Bytes) {
    let size = Int(bytes.count)
    guard size > 0, let base = bytes.base, reserve(size), let memory else { return }
    (memory + count).copyMemory(from: base, byteCount: size)
    count &+= size
    spend(size &>> 3, evaluation)
    if evaluation.pointee.stepsLeft < 0 { failure = .stepBudgetSpent }
  }

  mutating func append(_ text: StaticString) { append(Bytes(text)) }

  mutating func append(_ text: ShortText) {
    guard let copy = text.copy(to: &evaluation.pointee.arena) else {
      failure = .memorySpent
      return
    }
    append(copy)
  }

  /// Room for `size` bytes that `write` fills in; it answers how many it wrote.
  mutating func append(atMost size: Int, _ write: (UnsafeMutableRawPointer) -> Int) {
    guard reserve(size), let memory else { return }
    let written = write(memory + count)
    if written > 0, written <= size { count &+= written }
    spend(written &>> 3, evaluation)
  }

  private mutating func reserve(_ size: Int) -> Bool {
    guard failure == nil else { return false }
    let (needed, overflow) = count.addingReportingOverflow(size)
    if !overflow, needed <= capacity { return true }
    guard !overflow, needed <= Int(UInt32.max) >> 1,
      let room = evaluation.pointee.arena.allocate(max(needed, capacity &* 2))
    else {
      failure = .memorySpent
      return false
    }
    capacity = max(needed, capacity &* 2)
    if let memory { memcpy(room, memory, count) }
    memory = room
    return true
  }

  var bytes: Bytes { Bytes(memory, count: UInt32(truncatingIfNeeded: count)) }

  /// What was appended, as a string; the caller knows that it is UTF-8.
  func finish(_ kind: Value.Kind = .string) -> Value {
    if let failure { return .failure(failure) }
    return Value(kind: kind, payload: bytes.address, count: bytes.count)
  }
}
