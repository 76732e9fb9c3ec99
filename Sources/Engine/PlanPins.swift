// How a plan stays alive while requests use it, without a shared counter.
//
//   begin     publish the plan's address ─► is it still the set's plan? ─► count the pin ─► publish nothing
//   reclaim   swap ─► barrier on all threads ─► nobody publishes it, and no worker counts a pin of it: free it
//
// Both words belong to the worker; whoever reclaims only reads them. It reads `published` first: a worker that has
// stopped publishing has counted its pin before.

import CPlatform

public struct PlanPins {
  /// Address of the plan that `begin` is about to pin, else 0. Atomic.
  public var published: UInt64 = 0
  var items: UnsafeMutablePointer<PlanPin>
  var capacity: Int

  init() {
    capacity = 8
    items = WorkerState.lines(capacity &* MemoryLayout<PlanPin>.stride)
    items.initialize(repeating: PlanPin(), count: capacity)
  }

  func free() { items.deallocate() }

  /// Whether the worker of these pins may still use the plan. From any thread, under the engine's lock.
  mutating func mayUse(_ plan: UInt64) -> Bool {
    if platform_load_acquire(&published) == plan { return true }
    var index = 0
    while index < capacity {
      // The second look: a place that was given to another plan in between counts that one's pin.
      if platform_load_acquire(&items[index].plan) == plan, platform_load_acquire(&items[index].count) != 0,
        platform_load_acquire(&items[index].plan) == plan
      {
        return true
      }
      index &+= 1
    }
    return false
  }
}

struct PlanPin {
  /// Both atomic. A place with count 0 is free.
  var plan: UInt64 = 0
  var count: UInt64 = 0
  /// `EngineState.retirements` before the plan was found to be current. The worker's own.
  var retirements: UInt64 = 0
}

extension WorkerState {
  /// The set's current plan, pinned; nil when it has none.
  @inline(__always)
  static func pin(
    _ set: UnsafeMutablePointer<SetState>, by worker: UnsafeMutablePointer<WorkerState>
  ) -> UnsafePointer<PlanImage>? {
    let asymmetric = worker.pointee.engine.pointee.hasBarrier
    while true {
      let retirements = platform_load_acquire(&worker.pointee.engine.pointee.retirements)
      let plan = platform_load_acquire(&set.pointee.current)
      guard plan != 0 else { return nil }
      platform_publish(&worker.pointee.pins.published, plan, asymmetric)
      if platform_load_acquire(&set.pointee.current) == plan {
        countPin(of: plan, by: worker, retirements)
        platform_store_release(&worker.pointee.pins.published, 0)
        return UnsafePointer(bitPattern: UInt(truncatingIfNeeded: plan))
      }
    }
  }

  @inline(__always)
  private static func countPin(
    of plan: UInt64, by worker: UnsafeMutablePointer<WorkerState>, _ retirements: UInt64
  ) {
    // Most workers serve one set: its plan is in the first place, and in no other.
    let first = worker.pointee.pins.items
    if first.pointee.plan == plan {
      if first.pointee.count == 0 { first.pointee.retirements = retirements }
      platform_store_release(&first.pointee.count, first.pointee.count &+ 1)
    } else {
      findPin(of: plan, by: worker, retirements)
    }
  }

  @inline(never)
  private static func findPin(
    of plan: UInt64, by worker: UnsafeMutablePointer<WorkerState>, _ retirements: UInt64
  ) {
    let pins = worker.pointee.pins
    var free = -1
    var index = 0
    while index < pins.capacity {
      let pin = pins.items + index
      if pin.pointee.count != 0 {
        if pin.pointee.plan == plan {
          platform_store_release(&pin.pointee.count, pin.pointee.count &+ 1)
          return
        }
      } else if free < 0 || pin.pointee.plan == plan {
        free = index
      }
      index &+= 1
    }
    if free < 0 {
      free = pins.capacity
      growPins(of: worker)
    }
    let pin = worker.pointee.pins.items + free
    pin.pointee.retirements = retirements
    platform_store_release(&pin.pointee.plan, plan)
    platform_store_release(&pin.pointee.count, 1)
  }

  /// Rare: more plans pinned at once than ever before. Whoever reclaims must not read the old memory meanwhile.
  private static func growPins(of worker: UnsafeMutablePointer<WorkerState>) {
    let lock = worker.pointee.engine.pointee.owner._withUnsafeGuaranteedRef { $0.lock }
    platform_lock_acquire(lock)
    let old = worker.pointee.pins.items
    let capacity = worker.pointee.pins.capacity
    // Not `allocate(capacity:)`, `initialize(repeating:)` and `update(from:)`: they trap when a count is out of range.
    let size = capacity &* 2 &* MemoryLayout<PlanPin>.stride
    let new: UnsafeMutablePointer<PlanPin> = lines(size)
    memset(new, 0, size)
    memcpy(new, old, capacity &* MemoryLayout<PlanPin>.stride)
    worker.pointee.pins.items = new
    worker.pointee.pins.capacity = capacity &* 2
    platform_lock_release(lock)
    old.deallocate()
  }

  /// Gives up one pin; true when it was the worker's last of a plan that may have been replaced since.
  ///
  /// INVARIANT: either whoever replaced the plan sees the count go to 0, or the worker sees that something was
  /// replaced; so the last one out frees it. The fence of a publication stands between the two for that.
  @inline(__always)
  static func unpin(_ plan: UnsafePointer<PlanImage>, by worker: UnsafeMutablePointer<WorkerState>) -> Bool {
    let address = UInt64(UInt(bitPattern: plan))
    let first = worker.pointee.pins.items
    if first.pointee.plan == address, first.pointee.count != 0 { return release(first, by: worker) }
    return unpinOther(address, by: worker)
  }

  @inline(never)
  private static func unpinOther(_ address: UInt64, by worker: UnsafeMutablePointer<WorkerState>) -> Bool {
    let pins = worker.pointee.pins
    var index = 1
    while index < pins.capacity {
      let pin = pins.items + index
      if pin.pointee.plan == address, pin.pointee.count != 0 { return release(pin, by: worker) }
      index &+= 1
    }
    return false
  }

  @inline(__always)
  private static func release(_ pin: UnsafeMutablePointer<PlanPin>, by worker: UnsafeMutablePointer<WorkerState>)
    -> Bool
  {
    let left = pin.pointee.count &- 1
    if left != 0 {
      platform_store_release(&pin.pointee.count, left)
      return false
    }
    // After this the plan may be gone.
    let engine = worker.pointee.engine
    platform_store_release(&pin.pointee.count, 0)
    platform_publish(&worker.pointee.pins.published, 0, engine.pointee.hasBarrier)
    return platform_load_acquire(&engine.pointee.retirements) != pin.pointee.retirements
  }
}
