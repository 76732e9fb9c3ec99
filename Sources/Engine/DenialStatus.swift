// What the client sees of a denial, as numbers: HTTP's status and google.rpc's code.

import CEL
import PurserPolicy

public struct DenialStatus: Sendable {
  public var http: UInt32
  public var code: UInt32
  public var message: StaticString

  public init(of request: UnsafeMutablePointer<RequestState>) {
    let decision = request.pointee.decision
    if decision.allows {
      self.init(http: 200, code: 0, message: "ok")
    } else if decision.kind == .noPlan {
      self.init(http: 503, code: 14, message: "no policy is loaded")
    } else {
      var status = RequestState.decidingRule(request)?.status ?? 0
      #if !hasFeature(Embedded)
        if decision.kind == .providerFailure {
          self.init(http: status == 0 ? 503 : status, code: 14, message: "authorization is not available")
          return
        }
        if status == 0 { status = RequestState.denial(request)?.status ?? 0 }
      #endif
      self.init(http: status == 0 ? 403 : status, code: 7, message: "permission denied")
    }
  }

  private init(http: UInt32, code: UInt32, message: StaticString) {
    self.http = http
    self.code = code
    self.message = message
  }
}

extension RequestState {
  /// The rule of the reason.
  public static func decidingRule(_ request: UnsafeMutablePointer<RequestState>) -> RuleRecord? {
    guard let plan = request.pointee.plan, request.pointee.decision.rule < plan.pointee.policy.ruleCount else {
      return nil
    }
    return plan.pointee.policy.rules[Int(request.pointee.decision.rule)]
  }
}

extension Bytes {
  /// Text that lives as long as the process.
  public init(staticText text: StaticString) {
    self.init(text)
  }
}
