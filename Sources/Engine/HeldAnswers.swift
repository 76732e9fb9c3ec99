// What providers said of one request, one for each CUSTOM rule that holds, in work order. Trivial; what an answer has besides its
// verdict lies in a small room of the request's own, or, where that is too small, in a block that its end frees.

import CEL
import CPlatform
import PurserPolicy

/// Why a provider could not say.
public enum ExternalFailure: UInt8, BitwiseCopyable, Sendable {
  case none = 0
  case timedOut = 1
  case unreachable = 2
  case connectionLost = 3
  case unsafeConnection = 4
  case unusableAnswer = 5
  case overloaded = 6
  case circuitOpen = 7
  case closed = 8
  /// The host cannot wait for an answer.
  case notAsked = 9
  case cancelled = 10
  case questionTooLarge = 11

  public var text: StaticString {
    switch self {
    case .none: "nothing failed"
    case .timedOut: "it did not answer in time"
    case .unreachable: "it cannot be reached"
    case .connectionLost: "the connection was lost"
    case .unsafeConnection: "no secure connection could be made"
    case .unusableAnswer: "it failed, or its answer makes no sense"
    case .overloaded: "too many questions wait for it"
    case .circuitOpen: "it failed too often and is left alone for a while"
    case .closed: "the engine is being closed"
    case .notAsked: "the host does not wait for answers"
    case .cancelled: "the host did not wait for the answer"
    case .questionTooLarge: "the question cannot be sent: it is too large, or has a text that the protocol cannot carry"
    }
  }
}

public struct HeldAnswer: BitwiseCopyable {
  public enum State: UInt8, BitwiseCopyable, Sendable {
    /// Nobody knows yet.
    case unknown
    case allows, denies
    case failed
    /// What was to be asked could not be evaluated.
    case erred
  }

  public var rule: UInt32
  public var state = State.unknown
  public var failure = ExternalFailure.none
  public var isCached = false
  /// Of a kept answer past its time, which counts if the provider fails.
  var stale = State.unknown
  /// A `ProviderAnswer`, or nothing when it is a plain one.
  var bytes = Bytes.empty
  /// Of a denial.
  var status: UInt32 = 0
  var error = EvaluationError(.internalFailure)

  init(rule: UInt32) { self.rule = rule }

  public var answer: ProviderAnswer? { bytes.count == 0 ? nil : ProviderAnswer(bytes) }
}

public struct HeldAnswers: BitwiseCopyable {
  private(set) var count: UInt32 = 0
  private var roomUsed: UInt32 = 0
  private var items: InlineArray<16, HeldAnswer> = InlineArray(repeating: HeldAnswer(rule: 0))
  private var room: InlineArray<512, UInt8> = InlineArray(repeating: 0)
  /// Linked by their first words.
  private var blocks: UnsafeMutableRawPointer?

  mutating func reset() {
    count = 0
    roomUsed = 0
    blocks = nil
  }

  var hasBlocks: Bool { blocks != nil }

  /// Where an answer lies, in the request's own memory: the whole of it is too much to copy. Nil past the last.
  static func item(_ index: UInt32, of held: UnsafeMutablePointer<HeldAnswers>) -> UnsafeMutablePointer<HeldAnswer>? {
    guard index < held.pointee.count, index < 16 else { return nil }
    return items(held).map { $0 + Int(index) }
  }

  /// Nil when there is no room for one more.
  static func add(_ item: HeldAnswer, to held: UnsafeMutablePointer<HeldAnswers>) -> UnsafeMutablePointer<HeldAnswer>? {
    guard held.pointee.count < 16, let items = items(held) else { return nil }
    let place = items + Int(held.pointee.count)
    place.initialize(to: item)
    held.pointee.count &+= 1
    return place
  }

  static func drop(from count: UInt32, of held: UnsafeMutablePointer<HeldAnswers>) {
    held.pointee.count = min(held.pointee.count, count)
  }

  private static func items(_ held: UnsafeMutablePointer<HeldAnswers>) -> UnsafeMutablePointer<HeldAnswer>? {
    withUnsafeMutableBytes(of: &held.pointee.items) { $0.baseAddress?.assumingMemoryBound(to: HeldAnswer.self) }
  }

  /// A copy that lives as long as the request; nil without memory.
  static func keep(_ bytes: Bytes, in held: UnsafeMutablePointer<HeldAnswers>) -> Bytes? {
    guard let source = bytes.base else { return .empty }
    let size = Int(bytes.count)
    let used = Int(held.pointee.roomUsed)
    if size <= 512 &- used {
      let room = withUnsafeMutableBytes(of: &held.pointee.room) { $0.baseAddress }
      guard let room else { return nil }
      memcpy(room + used, source, size)
      held.pointee.roomUsed = UInt32(truncatingIfNeeded: used &+ size)
      return Bytes(room + used, count: bytes.count)
    }
    return keepApart(bytes, in: held)
  }

  /// For an answer with a long body or many headers.
  @inline(never)
  private static func keepApart(_ bytes: Bytes, in held: UnsafeMutablePointer<HeldAnswers>) -> Bytes? {
    let size = Int(bytes.count)
    guard let source = bytes.base, let block = malloc(size &+ 16) else { return nil }
    block.storeBytes(of: held.pointee.blocks, as: UnsafeMutableRawPointer?.self)
    held.pointee.blocks = block
    memcpy(block + 16, source, size)
    return Bytes(block + 16, count: bytes.count)
  }

  mutating func freeBlocks() {
    var block = blocks
    while let this = block {
      block = this.load(as: UnsafeMutableRawPointer?.self)
      free(this)
    }
    blocks = nil
  }
}
