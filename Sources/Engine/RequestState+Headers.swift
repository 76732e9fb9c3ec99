// The header changes and the body that a decision comes with: the rules' own, and what providers said.
//
//   allowed   the ALLOW rule's changes, then for each CUSTOM rule that was asked its rule's and its provider's
//   denied    the headers of the local response: the rule's, and the provider's

import CEL
import PurserPolicy

#if hasFeature(Embedded)
  extension RequestState {
    public enum Side: Sendable { case request, response }

    private static func range(_ request: UnsafeMutablePointer<RequestState>, _ side: Side) -> HeaderRange {
      guard let rule = decidingRule(request) else { return HeaderRange() }
      return side == .request ? rule.requestHeaders : rule.responseHeaders
    }

    public static func headerCount(_ request: UnsafeMutablePointer<RequestState>, _ side: Side) -> Int {
      Int(range(request, side).count)
    }

    /// Nil past the end.
    public static func header(
      _ request: UnsafeMutablePointer<RequestState>, _ side: Side, _ index: Int
    ) -> HeaderChange? {
      let range = range(request, side)
      guard let plan = request.pointee.plan, index >= 0, index < Int(range.count) else { return nil }
      return plan.pointee.policy.headers[Int(range.start) &+ index]
    }

    /// What the client of a denied request gets.
    public static func body(_ request: UnsafeMutablePointer<RequestState>) -> Bytes {
      RequestState.decidingRule(request)?.body ?? .empty
    }
  }
#else
  extension RequestState {
    public enum Side: Sendable { case request, response }

    public static func headerCount(_ request: UnsafeMutablePointer<RequestState>, _ side: Side) -> Int {
      var walk = HeaderWalk(request, side)
      return walk.count()
    }

    /// Nil past the end.
    public static func header(
      _ request: UnsafeMutablePointer<RequestState>, _ side: Side, _ index: Int
    ) -> HeaderChange? {
      var walk = HeaderWalk(request, side)
      return index < 0 ? nil : walk.change(index)
    }

    /// What the client of a denied request gets.
    public static func body(_ request: UnsafeMutablePointer<RequestState>) -> Bytes {
      let own = RequestState.decidingRule(request)?.body ?? .empty
      if own.count == 0, let item = denial(request), let answer = item.answer { return answer.body }
      return own
    }
  }

  /// Goes through the parts that changes come from.
  private struct HeaderWalk {
    private let request: UnsafeMutablePointer<RequestState>
    private let side: RequestState.Side

    init(_ request: UnsafeMutablePointer<RequestState>, _ side: RequestState.Side) {
      self.request = request
      self.side = side
    }

    mutating func count() -> Int {
      var total = 0
      _ = each { count, _ in
        total &+= count
        return nil
      }
      return total
    }

    mutating func change(_ index: Int) -> HeaderChange? {
      var left = index
      return each { count, change in
        if left < count { return change(left) }
        left &-= count
        return nil
      }
    }

    /// Until `body` gives a change. It gets how many changes a part has, and how to get one of them.
    private mutating func each(_ body: (Int, (Int) -> HeaderChange?) -> HeaderChange?) -> HeaderChange? {
      guard let plan = request.pointee.plan else { return nil }
      let decision = request.pointee.decision
      let deciding = RequestState.decidingRule(request)
      func range(_ range: HeaderRange?) -> HeaderChange? {
        guard let range else { return nil }
        return body(Int(range.count)) { plan.pointee.policy.headers[Int(range.start) &+ $0] }
      }
      let isRequest = side == .request
      if !decision.allows, deciding?.action == .custom {
        if isRequest { return nil }
        if let found = range(deciding?.denialHeaders) { return found }
        guard let answer = RequestState.denial(request)?.answer else { return nil }
        return body(Int(answer.responseHeaderCount)) { answer.responseHeader(UInt32(truncatingIfNeeded: $0)) }
      }
      if let found = range(isRequest ? deciding?.requestHeaders : deciding?.responseHeaders) { return found }
      guard decision.allows, request.pointee.isExternal else { return nil }
      var index: UInt32 = 0
      while let item = RequestState.answer(index, of: request) {
        index &+= 1
        guard item.pointee.rule < plan.pointee.policy.ruleCount else { continue }
        let rule = plan.pointee.policy.rules[Int(item.pointee.rule)]
        if let found = range(isRequest ? rule.requestHeaders : rule.responseHeaders) { return found }
        guard item.pointee.state == .allows, let answer = item.pointee.answer else { continue }
        let count = isRequest ? answer.requestHeaderCount : answer.responseHeaderCount
        let found = body(Int(count)) { index in
          let index = UInt32(truncatingIfNeeded: index)
          return isRequest ? answer.requestHeader(index) : answer.responseHeader(index)
        }
        if let found { return found }
      }
      return nil
    }
  }
#endif
