// The memory of one host thread: raw, reused, grown only when a larger plan is met.
//
// Three words are read by other threads, and only by those that free old plans (`PolicySet.reclaim`): `published`,
// and in `pins` the plan and its count. See `PlanPins`.

import CEL
import CPlatform
import CPurser
import PurserAttributes
import PurserPolicy
import PurserTelemetry

public struct WorkerState {
  public static var liveMagic: UInt64 { 0x5055_5253_4552_574B }

  public var magic: UInt64
  /// Not 0 while a call uses the worker. It catches mistakes; nobody waits for it.
  public var busy: UInt64
  public var engine: UnsafeMutablePointer<EngineState>
  public var openRequests: Int
  public var pins: PlanPins
  public var evaluation: Evaluation
  public var view: RequestView
  public var decider: DeciderMemory
  /// Serial of the plan that there was room for when it was last asked.
  var preparedFor: UInt64
  public var slotCapacity: Int
  public var registerCapacity: Int
  public var ruleCapacity: Int
  public var policyCapacity: Int
  /// Label values of one recording.
  public var labels: UnsafeMutablePointer<Value>
  public var labelCapacity: Int
  public var shard: UnsafeMutablePointer<Shard>
  public var ring: UnsafeMutablePointer<LogRing>
  /// The request of the running report, for `purser.*` attributes.
  public var reporting: UnsafeMutablePointer<RequestState>?
  /// The plan of the running call, for lists.
  public var plan: UnsafePointer<PlanImage>?
  #if !hasFeature(Embedded)
    /// The worker's tier of the check cache, and room for a key; made at the first plan that has use for them.
    var cache: UnsafeMutableRawPointer?
    var keyBytes: UnsafeMutablePointer<UInt8>?
  #endif
  /// What `view` binds before the first call.
  var nothing: UnsafeMutablePointer<SlotBinding>
}

extension WorkerState {
  /// The calling thread has the worker for itself until `leave`; false if somebody has it.
  @inlinable @inline(__always)
  public static func enter(_ worker: UnsafeMutablePointer<WorkerState>) -> Bool {
    platform_take(&worker.pointee.busy)
  }

  @inlinable @inline(__always)
  public static func leave(_ worker: UnsafeMutablePointer<WorkerState>) {
    platform_store_release(&worker.pointee.busy, 0)
  }
}
