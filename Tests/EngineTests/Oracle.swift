// A provider's answers without a network: what is asked is known, and answered when the test says so. The door behind it is the
// library's own, check cache included.

import CPurser
import Synchronization

@testable import PurserEngine
@testable import PurserExternal
@testable import PurserProviders

final class Oracle: Sendable {
  typealias Answer = @Sendable ([FieldValue]) -> ProviderReply
  typealias Open = (question: [FieldValue], answered: @Sendable (ProviderReply) -> Void)

  private let state: Mutex<(answer: Answer?, asked: [[FieldValue]], open: [Open])>

  /// Without `answer` questions stay open.
  init(_ answer: Answer? = nil) { state = Mutex((answer, [], [])) }

  var asked: [[FieldValue]] { state.withLock { $0.asked } }

  func answer(with answer: @escaping Answer) { state.withLock { $0.answer = answer } }

  /// Questions stay open from here on.
  func hold() { state.withLock { $0.answer = nil } }

  /// Answers what is open.
  func answerAll(_ reply: ProviderReply) {
    let open = state.withLock { state in
      defer { state.open = [] }
      return state.open
    }
    for question in open { question.answered(reply) }
  }

  /// Answers what is open, each with its own, in the order of the questions.
  func answerInTurn(_ replies: [ProviderReply]) {
    let open = state.withLock { state in
      defer { state.open = [] }
      return state.open
    }
    for (question, reply) in zip(open, replies) { question.answered(reply) }
  }

  private func ask(_ question: [FieldValue], _ answered: @escaping @Sendable (ProviderReply) -> Void) {
    let answer = state.withLock { state -> Answer? in
      state.asked.append(question)
      if state.answer == nil { state.open.append((question, answered)) }
      return state.answer
    }
    if let answer { answered(answer(question)) }
  }

  /// Makes an engine ask this one.
  func serve(_ engine: TestEngine, store: String? = nil) throws(Refused) {
    var options = EngineOptions()
    options.storeDirectory = store
    let door = ExternalServices.door(options) { _, question, answered in self.ask(question.values, answered) }
    guard let door else { throw Refused(status: PURSER_UNAVAILABLE) }
    UnsafeMutablePointer<EngineState>(engine.handle).pointee.owner.takeUnretainedValue().door = door
  }
}

extension ProviderReply {
  static func allow(_ headers: [(String, String)] = []) -> ProviderReply {
    var reply = ProviderReply(.allow)
    reply.headerChanges = headers.map {
      HeaderChange(target: .upstreamRequest, operation: .set, name: Array($0.0.utf8), value: Array($0.1.utf8))
    }
    return reply
  }

  static func deny(status: UInt16 = 401, body: String = "", headers: [(String, String)] = []) -> ProviderReply {
    var reply = ProviderReply(.deny)
    reply.httpStatus = status
    reply.body = Array(body.utf8)
    reply.headerChanges = headers.map {
      HeaderChange(target: .clientResponse, operation: .set, name: Array($0.0.utf8), value: Array($0.1.utf8))
    }
    return reply
  }

  static var timedOut: ProviderReply { .failure(.timeout, "no answer") }
}

/// What `done` was told.
final class Told: Sendable {
  private let outcomes = Mutex<[purser_outcome]>([])

  var all: [purser_outcome] { outcomes.withLock { $0 } }

  func pending() -> purser_pending {
    var pending = purser_pending()
    pending.size = MemoryLayout<purser_pending>.size
    pending.user = Unmanaged.passRetained(self).toOpaque()
    pending.done = { user, outcome in
      guard let user else { return }
      let told = Unmanaged<Told>.fromOpaque(user).takeRetainedValue()
      told.outcomes.withLock { $0.append(outcome) }
    }
    return pending
  }
}

extension TestRequest {
  /// Checks with a callback; the status.
  func check(telling told: Told, now: Int64 = 0) -> purser_status {
    var pending = told.pending()
    let status = purser_check(handle, now, &pending)
    if status != PURSER_PENDING, let user = pending.user { Unmanaged<Told>.fromOpaque(user).release() }
    return status
  }

  /// Checks, waiting for answers.
  func decide(now: Int64 = 0) throws -> Found {
    try demand(purser_check_wait(handle, now, 0))
    return try Found(of: handle)
  }
}
