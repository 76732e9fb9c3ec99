// A named place for a plan. Reload swaps one word; the plan it replaces is freed when no request uses it.

import CPlatform
import PurserAttributes
import PurserTelemetry

/// What a policy set's handle points to.
public struct SetState {
  public static var liveMagic: UInt64 { 0x5055_5253_4552_5345 }

  public var magic: UInt64
  /// Address of the current `PlanImage`, or 0. Atomic.
  var current: UInt64
  public var engine: UnsafeMutablePointer<EngineState>
  public var owner: Unmanaged<PolicySet>
}

public final class PolicySet: @unchecked Sendable {
  public let name: String
  /// The engine keeps its sets; a set is of no use after it.
  private let engine: Unmanaged<Engine>
  public private(set) var state: UnsafeMutablePointer<SetState>
  // Under the engine's lock.
  private var current: BoundPlan?
  private var replaced: [BoundPlan] = []
  /// One use at a time: binding starts backends, which must not happen twice for plans that come together.
  private let useLock: OpaquePointer?

  init(name: String, engine: Engine) {
    self.name = name
    self.engine = Unmanaged.passUnretained(engine)
    useLock = platform_lock_make()
    state = .allocate(capacity: 1)
    state.initialize(
      to: SetState(
        magic: SetState.liveMagic, current: 0, engine: engine.state, owner: Unmanaged.passUnretained(self)))
  }

  deinit {
    state.pointee.magic = 0
    state.deallocate()
    if let useLock { platform_lock_free(useLock) }
  }

  /// What keeps a plan from being used.
  public struct Refusal: Error, Sendable {
    public enum Kind: Sendable {
      /// The documents do not fit this engine.
      case documents
      /// A socket, file, library or thread could not be had.
      case system
    }

    public var kind: Kind
    public var message: String
    public var place: SourcePlace?

    public init(kind: Kind, message: String, place: SourcePlace? = nil) {
      self.kind = kind
      self.message = message
      self.place = place
    }
  }

  /// Makes `plan` the current one; throws everything that speaks against it, and the old plan serves on.
  public func use(_ plan: Plan) throws(RefusalList) {
    guard let useLock else { throw RefusalList([Refusal(kind: .system, message: "no lock could be made")]) }
    platform_lock_acquire(useLock)
    defer { platform_lock_release(useLock) }
    let engine = engine.takeUnretainedValue()
    var refusals = unserved(by: plan, engine)
    if !plan.hasEnforcedPolicy, !plan.allowsEmpty, engine.locked({ current?.plan.hasEnforcedPolicy == true }) {
      refusals.append(
        Refusal(
          kind: .documents,
          message: "no enforced Policy is left where there was one; a PolicySet with `allowEmpty: true` permits it"))
    }
    if refusals.isEmpty {
      do throws(Refusal) {
        let bound = try BoundPlan(plan: plan, scope: name, engine: engine)
        swap(to: bound, engine)
        engine.registry.count(.reloads)
        reclaim()
        return
      } catch {
        refusals.append(error)
      }
    }
    engine.registry.count(.reloadsFailed)
    throw RefusalList(refusals)
  }

  private func unserved(by plan: Plan, _ engine: Engine) -> [Refusal] {
    var refusals: [Refusal] = []
    for need in plan.needs where !engine.serves(need.suppliers) {
      refusals.append(
        Refusal(kind: .documents, message: "the host does not supply attribute `\(need.name)`", place: need.place))
    }
    return refusals
  }

  private func swap(to bound: BoundPlan, _ engine: Engine) {
    engine.locked {
      let old = current
      current = bound
      platform_store_release(&state.pointee.current, UInt64(UInt(bitPattern: bound.image)))
      if let old {
        replaced.append(old)
        platform_store_release(&engine.state.pointee.retirements, engine.state.pointee.retirements &+ 1)
      }
    }
  }

  /// Frees replaced plans that no worker can still use.
  func reclaim() {
    let engine = engine.takeUnretainedValue()
    let free: [BoundPlan] = engine.locked {
      guard !replaced.isEmpty, engine.fence() else { return [] }
      var free: [BoundPlan] = []
      var kept: [BoundPlan] = []
      for plan in replaced {
        if engine.isInUse(UInt64(UInt(bitPattern: plan.image))) { kept.append(plan) } else { free.append(plan) }
      }
      replaced = kept
      return free
    }
    // Released here, outside the lock: backends may have threads to stop.
    for plan in free { plan.unbind() }
  }

  /// Under the lock.
  private func isInUse(_ engine: Engine) -> Bool {
    if let current, engine.isInUse(UInt64(UInt(bitPattern: current.image))) { return true }
    return replaced.contains { engine.isInUse(UInt64(UInt(bitPattern: $0.image))) }
  }

  /// Without a plan again; false while requests use one.
  func clear() -> Bool {
    let engine = engine.takeUnretainedValue()
    let isIdle = engine.locked {
      // Seen in use: nothing is done, and whoever begins meanwhile finds the plan.
      if isInUse(engine) { return false }
      let old = platform_load_acquire(&state.pointee.current)
      platform_store_release(&state.pointee.current, 0)
      guard engine.fence(), !isInUse(engine) else {
        platform_store_release(&state.pointee.current, old)
        return false
      }
      if let last = current {
        replaced.append(last)
        current = nil
      }
      return true
    }
    if isIdle { reclaim() }
    return isIdle
  }

  /// The current plan.
  public var plan: Plan? { engine.takeUnretainedValue().locked { current?.plan } }
}

/// Everything that speaks against a plan; never empty.
public struct RefusalList: Error, Sendable {
  public var refusals: [PolicySet.Refusal]

  init(_ refusals: [PolicySet.Refusal]) { self.refusals = refusals }
}
