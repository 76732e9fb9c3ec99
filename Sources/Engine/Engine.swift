// The engine: what a process shares. It holds policy sets, workers, the instruments and the backends; everything here
// happens under its lock, and nothing of it on the request path.

import CEL
import CPlatform
import PurserAttributes
import PurserBackends
import PurserTelemetry

/// What an engine's handle points to; read on the request path.
public struct EngineState {
  public static var liveMagic: UInt64 { 0x5055_5253_4552_454E }

  public var magic: UInt64
  /// `platform_fork_count` when the engine was made.
  public var forkCount: UInt32
  /// Workers publish with a compiler fence only, and reclaiming sends the barrier.
  var hasBarrier: Bool
  /// How many plans were replaced. Atomic; changed under the lock.
  var retirements: UInt64 = 0
  /// For workers that have met no plan.
  var emptyCode: UnsafePointer<CodeImage>
  public var owner: Unmanaged<Engine>
}

public struct EngineOptions: Sendable {
  /// Names of attributes that the host supplies; nil: all.
  public var attributesServed: [String]?
  public var constants: [ConstantAttribute] = []
  public var arenaBytesMax = 1 << 20
  public var logRingBytes = 256 << 10
  /// Backends open nothing; metrics are still recorded and rendered.
  public var opensBackends = true
  /// Where answers of providers are kept over restarts, and how many bytes they may take there; nil: in memory only.
  public var storeDirectory: String?
  public var storeBytes = 64 << 20
  /// What each worker's tier of the check cache may take.
  public var workerCacheBytes = 4 << 20

  public init() {}
}

/// An attribute whose value is the same for every request.
public struct ConstantAttribute: Sendable {
  public var name: String
  public var value: ConstantValue

  public init(name: String, value: ConstantValue) {
    self.name = name
    self.value = value
  }
}

/// Scalars are folded into the programs that read them; the others are filled into slots without asking the host.
public enum ConstantValue: Sendable {
  case scalar(Literal)
  case timestamp(seconds: Int64, nanoseconds: Int32)
  case duration(seconds: Int64, nanoseconds: Int32)
  case list([Literal])
  /// Keys are unlike.
  case map([(key: [UInt8], value: Literal)])
}

public final class Engine: @unchecked Sendable {
  public static let customAttributesMax = 4096

  public let state: UnsafeMutablePointer<EngineState>
  public let options: EngineOptions
  let lock: OpaquePointer
  let registry: InstrumentRegistry
  let running: RunningBackends
  public let watcher: Watcher
  #if !hasFeature(Embedded)
    /// Where providers and the check cache are; set by the engine's maker before anybody else has it.
    public var door: ExternalDoor? {
      didSet { running.besides = door?.snapshots }
    }
  #endif
  private var workers: [UnsafeMutablePointer<WorkerState>] = []
  private var sets: [PolicySet] = []
  private var customNumbers: [String: UInt32] = [:]
  private let emptyCode: Code
  private let served: Set<String>?

  /// Nil without memory for locks.
  public init?(options: EngineOptions) {
    guard let registry = InstrumentRegistry(),
      let running = RunningBackends(registry: registry, opens: options.opensBackends), let watcher = Watcher(),
      let lock = platform_lock_make()
    else { return nil }
    platform_watch_forks()
    self.lock = lock
    self.options = options
    if let names = options.attributesServed {
      var served: Set<String> = []
      for name in names { served.insert(Vocabulary.attribute(named: name)?.name ?? name) }
      self.served = served
    } else {
      served = nil
    }
    self.registry = registry
    self.running = running
    self.watcher = watcher
    emptyCode = CodeBuilder(regex: nil).finish()
    state = .allocate(capacity: 1)
    state.initialize(
      to: EngineState(
        magic: EngineState.liveMagic, forkCount: platform_fork_count(), hasBarrier: platform_barrier_others(),
        emptyCode: emptyCode.image, owner: Unmanaged.passUnretained(self)))
  }

  deinit {
    state.pointee.magic = 0
    state.deallocate()
    platform_lock_free(lock)
  }

  func locked<Result>(_ body: () -> Result) -> Result {
    platform_lock_acquire(lock)
    let result = body()
    platform_lock_release(lock)
    return result
  }

  /// False while it still has workers or policy sets. Afterwards the threads are stopped and what waited is sent.
  public func close() -> Bool {
    #if !hasFeature(Embedded)
      if isOnProvidersThread { return false }
    #endif
    let isFree = locked { workers.isEmpty && sets.isEmpty }
    if isFree {
      watcher.close()
      running.stop()
      #if !hasFeature(Embedded)
        door?.close()
      #endif
    }
    return isFree
  }

  #if !hasFeature(Embedded)
    /// Whether this is the thread on which providers' answers come.
    public var isOnProvidersThread: Bool { door?.isOwnThread() ?? false }
  #endif

  /// Whether the host supplies at least one of these.
  func serves(_ names: [String]) -> Bool {
    guard let served else { return true }
    for name in names where served.contains(name) { return true }
    return false
  }
}

extension EngineState {
  /// Whether the process forked after the engine was made.
  @inlinable @inline(__always)
  public static func isForked(_ engine: UnsafeMutablePointer<EngineState>) -> Bool {
    engine.pointee.forkCount != platform_fork_count()
  }
}

// Attribute numbers.
extension Engine {
  public enum NumberProblem: Error, Sendable { case notDotted, tooMany }

  /// The number of a custom attribute; the same (name, type) has the same number as long as the engine lives.
  public func number(ofCustom name: String, _ type: AttributeType) throws(NumberProblem) -> UInt32 {
    guard Engine.isDottedName(name) else { throw .notDotted }
    let key = name + " " + type.rawValue
    let number: UInt32? = locked {
      if let known = customNumbers[key] { return known }
      guard customNumbers.count < Engine.customAttributesMax else { return nil }
      let number = Vocabulary.customFirst &+ UInt32(truncatingIfNeeded: customNumbers.count)
      customNumbers[key] = number
      return number
    }
    guard let number else { throw .tooMany }
    return number
  }

  public static func isDottedName(_ name: String) -> Bool {
    var parts = 1
    var atStart = true
    for byte in name.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"):
        atStart = false
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        if atStart { return false }
      case UInt8(ascii: "."):
        if atStart { return false }
        parts &+= 1
        atStart = true
      default: return false
      }
    }
    return parts >= 2 && !atStart
  }
}

// Workers.
extension Engine {
  public func makeWorker() -> UnsafeMutablePointer<WorkerState>? {
    guard let shard = registry.makeShard() else { return nil }
    guard let ring = running.makeRing(bytes: options.logRingBytes, shard: shard) else {
      registry.freeShard(shard)
      return nil
    }
    let worker = WorkerState.make(
      engine: state, arenaBytesMax: options.arenaBytesMax, shard: shard, ring: ring)
    locked { workers.append(worker) }
    return worker
  }

  /// Takes the worker back; what it recorded stays. It is entered and has no open requests.
  public func free(_ worker: UnsafeMutablePointer<WorkerState>) {
    locked { workers.removeAll { $0 == worker } }
    // The ring counts into the shard, so it goes first.
    running.freeRing(worker.pointee.ring)
    registry.freeShard(worker.pointee.shard)
    WorkerState.free(worker)
    reclaimAll()
  }

  /// What workers published before this is visible afterwards; false if that cannot be had any more, as when the
  /// process has since forbidden itself the system call. Then nothing may be freed.
  func fence() -> Bool { platform_barrier_others() || !state.pointee.hasBarrier }

  /// Under the lock.
  func isInUse(_ plan: UInt64) -> Bool {
    for worker in workers where worker.pointee.pins.mayUse(plan) { return true }
    return false
  }
}

// Policy sets.
extension Engine {
  public func makeSet(named name: String) -> PolicySet {
    let set = PolicySet(name: name, engine: self)
    locked { sets.append(set) }
    return set
  }

  /// False while requests use one of its plans, and from what the set's watch called. A watch of it ends.
  public func free(_ set: PolicySet) -> Bool {
    guard watcher.hold(set.state) else { return false }
    guard set.clear() else {
      watcher.release(set.state)
      return false
    }
    _ = watcher.stop(set.state)
    locked { sets.removeAll { $0 === set } }
    return true
  }

  /// Frees replaced plans that nobody uses any more.
  public func reclaimAll() {
    for set in locked({ sets }) { set.reclaim() }
  }
}

// Telemetry.
extension Engine {
  /// A load that gave no plan.
  public func countFailedReload() { registry.count(.reloadsFailed) }

  /// Prometheus' text of one backend's metrics, or of all; nil when no plan has that backend.
  public func renderMetrics(backend: String?) -> [UInt8]? {
    if let backend, !running.has(prometheus: backend) { return nil }
    return running.render(backends: backend.map { [$0] })
  }

  public func address(ofBackend name: String) -> String? { running.address(of: name) }

  /// False when the time was up before everything was written.
  public func flush(timeoutNanoseconds: Int64) -> Bool { running.flush(timeoutNanoseconds: timeoutNanoseconds) }
}
