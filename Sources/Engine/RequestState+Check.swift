// One check: the request path. No lock, no system call, no allocation once the worker has met the plan.

import CEL
import CPlatform
import CPurser
import PurserAttributes
import PurserPolicy
import PurserTelemetry

extension RequestState {
  /// Begins in `memory`, as a request without a connection: `PURSER_OK`, or `PURSER_BUSY`. Handles are good.
  public static func begin(
    _ memory: UnsafeMutablePointer<RequestState>, worker: UnsafeMutablePointer<WorkerState>,
    set: UnsafeMutablePointer<SetState>, host: UnsafePointer<purser_host>, context: UnsafeMutableRawPointer?
  ) -> purser_status {
    guard WorkerState.enter(worker) else { return PURSER_BUSY }
    memory.pointee.magic = RequestState.liveMagic
    memory.pointee.worker = worker
    memory.pointee.set = set
    memory.pointee.host = host.pointee
    memory.pointee.context = context
    memory.pointee.connection = nil
    memory.pointee.stage = .begun
    memory.pointee.isConnection = false
    memory.pointee.decision.reset()
    memory.pointee.reasonLength = RequestState.notComposed
    memory.pointee.auditLength = RequestState.notComposed
    #if !hasFeature(Embedded)
      memory.pointee.isExternal = false
    #endif
    worker.pointee.openRequests &+= 1
    memory.pointee.plan = WorkerState.pin(set, by: worker)
    WorkerState.leave(worker)
    return PURSER_OK
  }

  /// Decides: `PURSER_OK`; `PURSER_PENDING` where the decision waits for providers, and `pending` will be told; `PURSER_BUSY`; or
  /// `PURSER_WRONG_STATE` after a check. `request` is a good handle.
  public static func check(
    _ request: UnsafeMutablePointer<RequestState>, now: Int64, pending: UnsafePointer<purser_pending>?
  ) -> purser_status {
    let worker = request.pointee.worker
    guard WorkerState.enter(worker) else { return PURSER_BUSY }
    guard request.pointee.stage == .begun else {
      WorkerState.leave(worker)
      return PURSER_WRONG_STATE
    }
    if let plan = request.pointee.plan {
      WorkerState.prepare(worker, for: plan)
      decide(request, plan, worker)
      #if !hasFeature(Embedded)
        if request.pointee.decision.asked.count | request.pointee.decision.shadowAsked.count != 0 {
          return checkExternally(request, plan, worker, now: now, pending: pending)
        }
      #endif
      tally(request)
      WorkerState.rest(worker)
    } else {
      Shard.count(worker.pointee.shard, .checksDenied)
    }
    request.pointee.stage = .checked
    WorkerState.leave(worker)
    return PURSER_OK
  }

  /// Counts what was decided.
  @inline(__always)
  static func tally(_ request: UnsafeMutablePointer<RequestState>) {
    let shard = request.pointee.worker.pointee.shard
    Shard.count(shard, request.pointee.decision.allows ? .checksAllowed : .checksDenied)
    if request.pointee.decision.errors.count > 0 {
      Shard.count(shard, .ruleErrors, UInt64(request.pointee.decision.errors.count))
    }
    if request.pointee.decision.hasShadow,
      request.pointee.decision.shadowAllows != request.pointee.decision.allows
    {
      Shard.count(shard, .shadowDifferences)
    }
  }

  @inline(__always)
  private static func decide(
    _ request: UnsafeMutablePointer<RequestState>, _ plan: UnsafePointer<PlanImage>,
    _ worker: UnsafeMutablePointer<WorkerState>
  ) {
    WorkerState.aim(worker, at: plan.pointee.policyCode, of: request)
    WorkerState.nextGeneration(worker)
    var known: UnsafePointer<ConnectionFindings>?
    if let connection = request.pointee.connection, connection.pointee.plan == plan {
      known = withUnsafeMutablePointer(to: &UnsafeMutablePointer(mutating: connection).pointee.findings) {
        UnsafePointer($0)
      }
    }
    let decider = Decider(
      image: withUnsafeMutablePointer(to: &UnsafeMutablePointer(mutating: plan).pointee.policy) { UnsafePointer($0) },
      evaluation: WorkerState.evaluation(worker),
      memory: withUnsafeMutablePointer(to: &worker.pointee.decider) { $0 }, connection: known,
      isConnectionCheck: request.pointee.isConnection)
    withUnsafeMutablePointer(to: &request.pointee.decision) { decider.decide(into: $0) }
    if request.pointee.isConnection {
      withUnsafeMutablePointer(to: &request.pointee.findings) { decider.remember(in: $0) }
    }
  }

  /// Ends: `PURSER_OK` or `PURSER_BUSY`. `request` is a good handle.
  public static func end(_ request: UnsafeMutablePointer<RequestState>) -> purser_status {
    let worker = request.pointee.worker
    guard WorkerState.enter(worker) else { return PURSER_BUSY }
    request.pointee.magic = 0
    worker.pointee.openRequests &-= 1
    #if !hasFeature(Embedded)
      if request.pointee.isExternal { releaseExternal(request) }
    #endif
    var mayReclaim = false
    if let plan = request.pointee.plan {
      request.pointee.plan = nil
      mayReclaim = WorkerState.unpin(plan, by: worker)
    }
    let engine = worker.pointee.engine
    WorkerState.leave(worker)
    return mayReclaim ? reclaim(engine) : PURSER_OK
  }

  /// An old plan may be free now.
  @inline(never)
  private static func reclaim(_ engine: UnsafeMutablePointer<EngineState>) -> purser_status {
    engine.pointee.owner._withUnsafeGuaranteedRef { $0.reclaimAll() }
    return PURSER_OK
  }
}

extension WorkerState {
  /// Room for everything that the plan may ask of the worker.
  @inline(__always)
  static func prepare(_ worker: UnsafeMutablePointer<WorkerState>, for plan: UnsafePointer<PlanImage>) {
    if worker.pointee.preparedFor != plan.pointee.serial { grow(worker, for: plan) }
    worker.pointee.plan = plan
  }

  /// Points the evaluation at a code and a request, with nothing of the request fetched yet.
  @inline(__always)
  static func aim(
    _ worker: UnsafeMutablePointer<WorkerState>, at part: CodeView, of request: UnsafeMutablePointer<RequestState>
  ) {
    worker.pointee.evaluation.code = part.code
    worker.pointee.view.host = request.pointee.host
    worker.pointee.view.context = request.pointee.context
    worker.pointee.view.bindings = part.bindings
    worker.pointee.view.bindingCount = part.bindingCount
    memcpy(worker.pointee.evaluation.slots, part.initialSlots, Int(part.bindingCount) &* MemoryLayout<Value>.stride)
    worker.pointee.evaluation.arena.reset()
  }

  /// After a call nothing of it is left to be read by mistake.
  @inline(__always)
  static func rest(_ worker: UnsafeMutablePointer<WorkerState>) {
    worker.pointee.plan = nil
    worker.pointee.reporting = nil
  }

  static func nextGeneration(_ worker: UnsafeMutablePointer<WorkerState>) {
    let next = (worker.pointee.decider.generation &+ 1) & 0x3FFF_FFFF
    worker.pointee.decider.generation = next
    if next == 0 {
      // Numbers begin again: forget what carries them.
      worker.pointee.decider.generation = 1
      memset(worker.pointee.decider.ruleStates, 0, worker.pointee.ruleCapacity &* 4)
      memset(worker.pointee.decider.matchStates, 0, worker.pointee.policyCapacity &* 4)
    }
  }

  @inline(__always)
  static func evaluation(_ worker: UnsafeMutablePointer<WorkerState>) -> Evaluation.Pointer {
    withUnsafeMutablePointer(to: &worker.pointee.evaluation) { $0 }
  }
}
