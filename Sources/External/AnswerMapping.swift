// From a provider's reply to what the engine takes: an answer as bytes, or why there is none.

import PurserEngine
import PurserPolicy
import PurserProviders

enum AnswerMapping {
  /// What a reply says; `result` reads documents.
  static func draft(_ reply: ProviderReply, _ result: ResultReader?) -> Result<AnswerDraft, Failure> {
    var draft: AnswerDraft
    switch reply.outcome {
    case .failure(let failure, _): return .failure(Failure(kind: kind(failure)))
    case .document(let document):
      guard let read = result?.answer(document) else { return .failure(Failure(kind: .unusableAnswer)) }
      return .success(read)
    case .allow: draft = AnswerDraft(allows: true)
    case .deny:
      draft = AnswerDraft(allows: false)
      draft.status = reply.httpStatus
      draft.body = reply.body
    }
    for change in reply.headerChanges {
      let header = AnswerHeader(operation(change.operation), change.name, change.value)
      switch change.target {
      case .upstreamRequest: draft.requestHeaders.append(header)
      case .clientResponse: draft.responseHeaders.append(header)
      }
    }
    return .success(draft)
  }

  struct Failure: Error {
    var kind: ExternalFailure
  }

  /// The same, without the headers that the rule's cache does not name: so a kept answer does what the first one did.
  static func kept(_ draft: AnswerDraft, _ plan: CachePlan) -> AnswerDraft {
    var draft = draft
    let names = Set(plan.headers.map { Array($0.utf8) })
    let cookie = Array("set-cookie".utf8)
    // What is to be taken away is taken away: a provider that says so has its reasons, and tells nobody anything by it.
    func isMade(_ header: AnswerHeader) -> Bool {
      header.operation == .remove || (names.contains(header.name) && header.name != cookie)
    }
    draft.requestHeaders = draft.requestHeaders.filter(isMade)
    draft.responseHeaders = draft.responseHeaders.filter(isMade)
    return draft
  }

  private static func operation(_ operation: PurserProviders.HeaderChange.Operation)
    -> PurserPolicy.HeaderChange.Operation
  {
    switch operation {
    case .set: .set
    case .append: .append
    case .addIfAbsent: .setIfAbsent
    case .overwriteIfExists: .setIfPresent
    case .remove: .remove
    }
  }

  private static func kind(_ failure: ProviderFailure) -> ExternalFailure {
    switch failure {
    case .timeout: .timedOut
    case .connect: .unreachable
    case .tls: .unsafeConnection
    case .reset: .connectionLost
    case .protocolError, .unusable, .tooLarge, .provider: .unusableAnswer
    case .question: .questionTooLarge
    case .overloaded: .overloaded
    case .circuitOpen: .circuitOpen
    case .cancelled: .cancelled
    case .closed: .closed
    }
  }
}
