// Making, growing and freeing a worker's memory. Nothing here runs on the request path once the worker has met the
// largest plan it serves.

import CEL
import CPlatform
import CPurser
import PurserAttributes
import PurserPolicy
import PurserTelemetry

extension WorkerState {
  static func make(
    engine: UnsafeMutablePointer<EngineState>, arenaBytesMax: Int, shard: UnsafeMutablePointer<Shard>,
    ring: UnsafeMutablePointer<LogRing>
  ) -> UnsafeMutablePointer<WorkerState> {
    let worker: UnsafeMutablePointer<WorkerState> = lines(MemoryLayout<WorkerState>.size)
    let nothing = UnsafeMutablePointer<SlotBinding>.allocate(capacity: 1)
    nothing.initialize(to: SlotBinding(.own, type: .dyn))
    worker.initialize(
      to: WorkerState(
        magic: WorkerState.liveMagic, busy: 0, engine: engine, openRequests: 0, pins: PlanPins(),
        evaluation: Evaluation(
          code: engine.pointee.emptyCode, slots: .allocate(capacity: 1), registers: .allocate(capacity: 1),
          arena: Arena(bytesMax: arenaBytesMax), owner: nil, fetch: fetchSlot, entry: fetchEntry, whole: fetchWhole,
          external: callExternal),
        view: RequestView(
          host: purser_host(), context: nil, bindings: UnsafePointer(nothing), bindingCount: 0, own: readOwn,
          ownContext: UnsafeMutableRawPointer(worker)),
        decider: DeciderMemory(
          ruleStates: .allocate(capacity: 1), matchStates: .allocate(capacity: 1), ruleErrors: .allocate(capacity: 1),
          matchErrors: .allocate(capacity: 1),
          cursors: lines(IndexCursor.countMax &* MemoryLayout<IndexCursor>.stride), generation: 0),
        preparedFor: 0, slotCapacity: 0, registerCapacity: 0, ruleCapacity: 0, policyCapacity: 0,
        labels: .allocate(capacity: 1), labelCapacity: 0, shard: shard, ring: ring, reporting: nil, plan: nil,
        nothing: nothing))
    worker.pointee.evaluation.owner = withUnsafeMutablePointer(to: &worker.pointee.view) {
      UnsafeMutableRawPointer($0)
    }
    return worker
  }

  @inline(never)
  static func grow(_ worker: UnsafeMutablePointer<WorkerState>, for plan: UnsafePointer<PlanImage>) {
    if worker.pointee.slotCapacity < plan.pointee.slotsMax {
      worker.pointee.evaluation.slots.deallocate()
      worker.pointee.slotCapacity = plan.pointee.slotsMax
      worker.pointee.evaluation.slots = zeroed(worker.pointee.slotCapacity)
    }
    if worker.pointee.registerCapacity < plan.pointee.registersMax {
      worker.pointee.evaluation.registers.deallocate()
      worker.pointee.registerCapacity = plan.pointee.registersMax
      worker.pointee.evaluation.registers = zeroed(worker.pointee.registerCapacity)
    }
    if worker.pointee.labelCapacity < plan.pointee.labelsMax {
      worker.pointee.labels.deallocate()
      worker.pointee.labelCapacity = plan.pointee.labelsMax
      worker.pointee.labels = zeroed(worker.pointee.labelCapacity)
    }
    if worker.pointee.ruleCapacity < Int(plan.pointee.policy.ruleCount) {
      worker.pointee.decider.ruleStates.deallocate()
      worker.pointee.decider.ruleErrors.deallocate()
      worker.pointee.ruleCapacity = Int(plan.pointee.policy.ruleCount)
      worker.pointee.decider.ruleStates = zeroed(worker.pointee.ruleCapacity)
      worker.pointee.decider.ruleErrors = zeroed(worker.pointee.ruleCapacity)
    }
    if worker.pointee.policyCapacity < Int(plan.pointee.policy.policyCount) {
      worker.pointee.decider.matchStates.deallocate()
      worker.pointee.decider.matchErrors.deallocate()
      worker.pointee.policyCapacity = Int(plan.pointee.policy.policyCount)
      worker.pointee.decider.matchStates = zeroed(worker.pointee.policyCapacity)
      worker.pointee.decider.matchErrors = zeroed(worker.pointee.policyCapacity)
    }
    #if !hasFeature(Embedded)
      if plan.pointee.hasCaches, worker.pointee.keyBytes == nil { growCache(worker) }
    #endif
    worker.pointee.preparedFor = plan.pointee.serial
  }

  #if !hasFeature(Embedded)
    /// Room for a key, and the worker's tier of the check cache.
    @inline(never)
    private static func growCache(_ worker: UnsafeMutablePointer<WorkerState>) {
      worker.pointee.keyBytes = zeroed(ExternalRule.keyBytesMax)
      worker.pointee.cache = worker.pointee.engine.pointee.owner.takeUnretainedValue().door?.makeCache()
    }
  #endif

  private static func zeroed<Element: BitwiseCopyable>(_ count: Int) -> UnsafeMutablePointer<Element> {
    // Not `allocate(capacity:)`, whose multiplication traps. A plan's counts are far from what could overflow here.
    let size = (count &+ 1) &* MemoryLayout<Element>.stride
    let memory: UnsafeMutablePointer<Element> = lines(size)
    memset(memory, 0, size)
    return memory
  }

  /// Memory that shares no cache line with any other, since one thread may make the workers of many, and what one
  /// writes at each request another would have to fetch again. 128: processors fetch lines in pairs.
  static func lines<Element>(_ size: Int) -> UnsafeMutablePointer<Element> {
    UnsafeMutableRawPointer.allocate(byteCount: (size &+ 127) & ~127, alignment: 128)
      .assumingMemoryBound(to: Element.self)
  }

  /// Frees everything but shard and ring, which their makers take back.
  static func free(_ worker: UnsafeMutablePointer<WorkerState>) {
    worker.pointee.magic = 0
    worker.pointee.evaluation.arena.free()
    worker.pointee.evaluation.slots.deallocate()
    worker.pointee.evaluation.registers.deallocate()
    worker.pointee.labels.deallocate()
    worker.pointee.decider.ruleStates.deallocate()
    worker.pointee.decider.ruleErrors.deallocate()
    worker.pointee.decider.matchStates.deallocate()
    worker.pointee.decider.matchErrors.deallocate()
    worker.pointee.decider.cursors.deallocate()
    worker.pointee.nothing.deallocate()
    #if !hasFeature(Embedded)
      worker.pointee.keyBytes?.deallocate()
      if let cache = worker.pointee.cache {
        worker.pointee.engine.pointee.owner.takeUnretainedValue().door?.freeCache(cache)
      }
    #endif
    worker.pointee.pins.free()
    worker.deallocate()
  }
}
