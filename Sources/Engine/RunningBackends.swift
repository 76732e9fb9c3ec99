// The backends that bound plans name, shared by plans and policy sets that name them alike. A listener or file is
// opened when the first plan with it is bound and closed when the last one is reclaimed.

import CPlatform
import PurserBackends
import PurserTelemetry

final class RunningBackends: @unchecked Sendable {
  #if !hasFeature(Embedded)
    /// Further metrics of Purser's own, in every rendering; set before anybody renders.
    var besides: (@Sendable () -> [InstrumentSnapshot])?
  #endif
  /// Series that nobody recorded into for this long, by the clock of the recordings, are dropped.
  static let idleNanoseconds: Int64 = 3_600_000_000_000

  private let registry: InstrumentRegistry
  private let opens: Bool
  private let exporter: Exporter
  private let lock: OpaquePointer
  /// Held while backends are opened and closed, so that two sets that come together share what they name alike.
  private let openLock: OpaquePointer
  private var running: [Running] = []
  private var routes: [Route] = []

  private struct Running {
    var backend: BackendPlan
    var users: Int
    var listener: PrometheusListener?
    var sink: UInt32?
  }

  /// A metric that goes to a backend, once for each plan that says so.
  private struct Route: Equatable {
    var scope: String
    var definition: InstrumentDefinition
    var backend: String
  }

  /// Nil without memory.
  init?(registry: InstrumentRegistry, opens: Bool) {
    guard let lock = platform_lock_make() else { return nil }
    guard let openLock = platform_lock_make() else {
      platform_lock_free(lock)
      return nil
    }
    guard let exporter = Exporter(registry: registry) else {
      platform_lock_free(lock)
      platform_lock_free(openLock)
      return nil
    }
    self.registry = registry
    self.opens = opens
    self.exporter = exporter
    self.lock = lock
    self.openLock = openLock
  }

  deinit {
    platform_lock_free(lock)
    platform_lock_free(openLock)
  }

  private func locked<Result>(_ body: () -> Result) -> Result {
    platform_lock_acquire(lock)
    let result = body()
    platform_lock_release(lock)
    return result
  }

  /// Opens what is not open yet; on failure nothing is left open that was not before.
  func acquire(_ plan: Plan, scope: String) throws(PolicySet.Refusal) {
    platform_lock_acquire(openLock)
    defer { platform_lock_release(openLock) }
    var taken: [BackendPlan] = []
    for backend in plan.backends {
      let isKnown = locked { () -> Bool in
        guard let index = running.firstIndex(where: { $0.backend == backend }) else { return false }
        running[index].users &+= 1
        return true
      }
      if !isKnown {
        do throws(BackendError) {
          let opened = try open(backend)
          locked { running.append(opened) }
        } catch {
          for backend in taken { release(backend) }
          throw PolicySet.Refusal(kind: .system, message: "Backend `\(backend.name)`: \(error.message)")
        }
      }
      taken.append(backend)
    }
    locked {
      for metric in plan.metrics {
        for backend in metric.backends {
          routes.append(Route(scope: scope, definition: metric.definition, backend: backend))
        }
      }
    }
  }

  func release(_ plan: Plan, scope: String) {
    platform_lock_acquire(openLock)
    defer { platform_lock_release(openLock) }
    locked {
      for metric in plan.metrics {
        for backend in metric.backends {
          let route = Route(scope: scope, definition: metric.definition, backend: backend)
          if let index = routes.firstIndex(of: route) { routes.remove(at: index) }
        }
      }
    }
    for backend in plan.backends { release(backend) }
  }

  private func open(_ backend: BackendPlan) throws(BackendError) -> Running {
    guard opens else { return Running(backend: backend, users: 1, listener: nil, sink: nil) }
    switch backend.kind {
    case .prometheus(let listen):
      guard let listen else { return Running(backend: backend, users: 1, listener: nil, sink: nil) }
      if let known = listener(at: listen) { return Running(backend: backend, users: 1, listener: known, sink: nil) }
      let name = backend.name
      // A listener stops before this object goes: see `release` and `stop`.
      let this = Unmanaged.passUnretained(self)
      let listener = try PrometheusListener(listen.text) {
        this._withUnsafeGuaranteedRef { $0.page(of: listen, openedBy: name) }
      }
      return Running(backend: backend, users: 1, listener: listener, sink: nil)
    case .lines(let path):
      let writer = try LinesWriter(path: path)
      try exporter.start()
      return Running(backend: backend, users: 1, listener: nil, sink: exporter.add(sink: writer))
    }
  }

  /// The listener of another backend at the same address, so that a backend can be renamed. Where the system chooses the
  /// port, each has its own.
  private func listener(at listen: ListenPlan) -> PrometheusListener? {
    guard listen.port != 0 else { return nil }
    return locked { running.first { $0.backend.kind == .prometheus(listen: listen) && $0.listener != nil }?.listener }
  }

  /// What a listener serves: the metrics of every backend at its address.
  private func page(of listen: ListenPlan, openedBy name: String) -> [UInt8] {
    let names: [String] = locked {
      listen.port == 0
        ? [name] : running.filter { $0.backend.kind == .prometheus(listen: listen) }.map { $0.backend.name }
    }
    return render(backends: names)
  }

  /// Under `openLock`.
  private func release(_ backend: BackendPlan) {
    var isShared = false
    let gone: Running? = locked {
      guard let index = running.firstIndex(where: { $0.backend == backend }) else { return nil }
      running[index].users &-= 1
      guard running[index].users == 0 else { return nil }
      let gone = running.remove(at: index)
      isShared = running.contains { $0.listener === gone.listener && gone.listener != nil }
      return gone
    }
    // Outside the lock: a listener that is rendering takes it.
    if !isShared { gone?.listener?.stop() }
    if let sink = gone?.sink { exporter.remove(sink: sink) }
  }

  /// The number under which workers commit records for a backend of log records.
  func sink(of backend: BackendPlan) -> UInt32? {
    locked { running.first { $0.backend == backend }?.sink }
  }

  /// Where a backend listens.
  func address(of name: String) -> String? {
    locked { running.first { $0.backend.name == name && $0.listener != nil }?.listener?.address }
  }

  func has(prometheus name: String) -> Bool {
    locked {
      running.contains { running in
        guard case .prometheus = running.backend.kind else { return false }
        return running.backend.name == name
      }
    }
  }

  /// Prometheus' text of the metrics that go to any of the backends, or of all; the engine's own counters among them.
  func render(backends: [String]?) -> [UInt8] {
    let routes = locked { self.routes }
    let snapshot = registry.snapshot { scope, definition in
      guard let backends else { return true }
      return routes.contains { backends.contains($0.backend) && $0.scope == scope && $0.definition == definition }
    }
    var shown = snapshot
    #if !hasFeature(Embedded)
      if let besides { shown += besides() }
    #endif
    let text = PrometheusText.encode(shown, counters: registry.counters())
    let latest = snapshot.reduce(Int64.min) { latest, instrument in
      instrument.series.reduce(latest) { max($0, $1.recordedAt) }
    }
    if latest > RunningBackends.idleNanoseconds {
      _ = registry.expire(now: latest, idle: RunningBackends.idleNanoseconds)
    }
    return text
  }

  func makeRing(bytes: Int, shard: UnsafeMutablePointer<Shard>) -> UnsafeMutablePointer<LogRing>? {
    guard let ring = LogRing.make(bytes: bytes, shard: shard) else { return nil }
    exporter.add(ring: ring)
    return ring
  }

  func freeRing(_ ring: UnsafeMutablePointer<LogRing>) { exporter.remove(ring: ring) }

  func flush(timeoutNanoseconds: Int64) -> Bool { exporter.flush(timeoutNanoseconds: timeoutNanoseconds) }

  /// No plan is bound any more.
  func stop() {
    let left = locked {
      let left = running
      running = []
      return left
    }
    for backend in left { backend.listener?.stop() }
    exporter.stop()
  }
}
