// What lives in the host's memory between begin and end of a request.

import CEL
import CPurser
import PurserPolicy

public struct RequestState {
  public static var liveMagic: UInt64 { 0x5055_5253_4552_5251 }
  public static var textMax: Int { 1024 }

  public var magic: UInt64
  public var worker: UnsafeMutablePointer<WorkerState>
  /// Only compared, never followed: the set may be gone by the check.
  public var set: UnsafeMutablePointer<SetState>
  /// Pinned from begin to end; nil: the policy set had no plan.
  public var plan: UnsafePointer<PlanImage>?
  public var host: purser_host
  public var context: UnsafeMutableRawPointer?
  public var connection: UnsafePointer<RequestState>?
  public var stage: Stage
  public var isConnection: Bool
  public var decision: Decision
  /// Of a connection.
  public var findings: ConnectionFindings
  /// The reason in words; composed when it is first asked for.
  public var reasonLength: UInt32
  public var auditLength: UInt32
  public var text: InlineArray<1024, UInt8>
  public var auditText: InlineArray<512, UInt8>
  #if !hasFeature(Embedded)
    /// A CUSTOM rule had a say: what follows is meaningful then only.
    var isExternal: Bool
    /// What providers said.
    var held: HeldAnswers
    /// Owned; not nil while the stage is `pending`.
    var pending: Unmanaged<PendingCheck>?
    /// All that decided, beside the request itself, came from the check cache.
    var isCached: Bool
    /// The rule whose kept answer denies in the shadow verdict alone, or `noRule`.
    var shadowDenial: UInt32
  #endif

  public enum Stage: UInt8, Sendable { case begun, checked, reported, pending }

  public static var notComposed: UInt32 { UInt32.max }
}
