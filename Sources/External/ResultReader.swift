// What a document of a provider means: the plan's expressions over its member `result`.

import CEL
import PurserEngine
import PurserProviders

/// For one thread at a time.
final class ResultReader {
  private let programs: ResultPrograms
  private let session: Session

  init(_ programs: ResultPrograms) {
    self.programs = programs
    session = Session(programs.code, bytesMax: 4 << 20)
  }

  /// Nil where the decision is neither true nor false, or cannot be evaluated. What it reads and the document does not have is
  /// undefined, which is how OPA says no.
  func answer(_ document: FieldValue) -> AnswerDraft? {
    defer { session.reset() }
    session.set(programs.variable, document.member("result").map { value($0) })
    let decision = session.evaluate(programs.decision)
    guard decision.kind == .bool || ResultReader.isUndefined(decision) else { return nil }
    var draft = AnswerDraft(allows: decision.isTrue)
    if decision.isTrue { return draft }
    if let program = programs.status {
      let status = session.evaluate(program)
      // Another status is the rule's to say.
      if status.kind == .int, status.asInt >= 200, status.asInt <= 599 {
        draft.status = UInt16(truncatingIfNeeded: status.asInt)
      }
    }
    if let program = programs.body {
      let body = session.evaluate(program)
      if body.kind == .string { draft.body = Array(body.asBytes.buffer) }
    }
    return draft
  }

  private static func isUndefined(_ value: Value) -> Bool {
    guard value.kind == .error else { return false }
    switch value.asError.code {
    case .absentAttribute, .noSuchKey, .noSuchField, .indexOutOfRange, .noValue: return true
    default: return false
    }
  }

  private func value(_ field: FieldValue) -> Value {
    switch field {
    case .absent: return .absent
    case .null: return .null
    case .bool(let value): return .bool(value)
    case .int(let value): return .int(value)
    case .uint(let value): return .uint(value)
    case .double(let value): return .double(value)
    case .string(let bytes): return session.string(String(decoding: bytes, as: UTF8.self))
    case .bytes(let bytes): return session.bytes(bytes)
    case .list(let elements): return session.list(elements.map { value($0) })
    case .map(let entries):
      return session.map(
        entries.map { (session.string(String(decoding: $0.key, as: UTF8.self)), value($0.value)) })
    case .timestamp(let seconds, let nanoseconds): return .timestamp(seconds: seconds, nanoseconds: nanoseconds)
    case .duration(let seconds, let nanoseconds): return .duration(seconds: seconds, nanoseconds: nanoseconds)
    }
  }
}
