import CPurser
import Synchronization

/// What a process has once: the declarations of its host, the memory of its workers, and its telemetry.
///
/// ```swift
/// let engine = try Engine()
/// let policies = try PolicySet(in: engine)
/// try policies.load(paths: ["policies"])
/// let decision = try await policies.check(request)
/// ```
///
/// An engine may be used from any task at any time. It lives as long as something made from it does: policy sets and
/// decisions keep it. When the last goes, the engine writes what waits, stops the threads of its backends and is freed.
public final class Engine: Sendable {
  /// What a host says of itself.
  public struct Options: Sendable {
    /// Names of the attributes that this host can supply; nil: all of them. A plan that needs another is refused when
    /// it is loaded, with the attribute's name, instead of erring at each request.
    public var attributesServed: [String]?

    /// Attributes whose value is the same for every request, such as the own workload and service. They are compiled
    /// into the plan. Lists and maps hold values that are no list and no map.
    ///
    /// ```swift
    /// options.constants[.destinationWorkloadName] = "orders-v2"
    /// ```
    public var constants = Attributes()

    /// What one check may build, such as joined headers and lists, in bytes; nil: 1 MiB.
    public var arenaBytesMax: Int?

    /// Log records of one worker that wait to be written, in bytes; nil: 256 KiB.
    public var logRingBytes: Int?

    /// How many checks run at once before one waits for another; nil: as many as there are processors.
    public var workers: Int?

    /// Whether backends open the ports, files and threads that documents name. False is for tools that try policies
    /// beside the service that runs them: metrics are still recorded and rendered, log records are not written.
    public var opensBackends = true

    /// A folder in which the answers of providers outlive the process, sealed; nil: they are kept in memory only. It is made
    /// if its parent is there, with mode 0700. Several processes of one user may have the same.
    public var storeDirectory: String?

    /// What the store's file may take, in bytes; nil: 64 MiB.
    public var storeBytes: Int?

    /// What each worker keeps at hand of the answers, in bytes; nil: 4 MiB.
    public var workerCacheBytes: Int?

    /// All as it is for a host that says nothing.
    public init() {}
  }

  let handle: EngineHandle
  let pool: WorkerPool
  let options: Options

  /// Makes an engine. It starts no thread: that is for the backends and providers of loaded documents.
  ///
  /// - Throws: ``EngineError/unknownAttribute``, ``EngineError/invalidOption`` or ``EngineError/unavailable``.
  public init(_ options: Options = Options()) throws(EngineError) {
    self.options = options
    handle = try EngineHandle(options)
    pool = try WorkerPool(of: handle, count: options.workers)
  }

  /// All metrics in Prometheus' text format 0.0.4, the engine's own among them.
  ///
  /// - Parameter backend: The name of a prometheus backend: only the metrics sent to it. Empty: all.
  /// - Throws: ``EngineError/unknownBackend`` or ``EngineError/forked``.
  public func metrics(backend: String = "") throws(EngineError) -> String {
    let memory = LentMemory()
    var text = purser_text()
    let status = purser_metrics_render(handle.handle, memory.text(backend), &text)
    if status == PURSER_NOT_FOUND { throw .unknownBackend }
    try EngineError.check(status)
    return String(taking: &text)
  }

  /// Where a prometheus backend listens, as `address:port`. With port 0 in its document the system chose one.
  ///
  /// - Throws: ``EngineError/unknownBackend`` or ``EngineError/forked``.
  public func address(ofBackend name: String) throws(EngineError) -> String {
    let memory = LentMemory()
    var text = purser_text()
    let status = purser_backend_address(handle.handle, memory.text(name), &text)
    if status == PURSER_NOT_FOUND { throw .unknownBackend }
    try EngineError.check(status)
    return String(taking: &text)
  }

  /// Waits until the log records of finished reports are written. It blocks its thread: for the end of a process.
  ///
  /// - Parameter timeout: At most this long, to the millisecond.
  /// - Throws: ``EngineError/timedOut`` or ``EngineError/forked``.
  public func flush(timeout: Duration) throws(EngineError) {
    let parts = timeout.components
    let fraction = parts.attoseconds / 1_000_000_000_000_000
    let milliseconds = max(parts.seconds, 0).multipliedReportingOverflow(by: 1000)
    let total =
      milliseconds.overflow ? Int64.max : milliseconds.partialValue.addingReportingOverflow(fraction).partialValue
    let status = purser_engine_flush(handle.handle, UInt32(clamping: total))
    if status == PURSER_UNAVAILABLE { throw .timedOut }
    try EngineError.check(status)
  }

  /// The version of the library, such as `0.1.0`.
  public static var version: String { String(cString: purser_version()) }
}

/// The library's engine; freed when nothing made from it is left. Workers and policy sets keep it; it keeps nothing.
final class EngineHandle: @unchecked Sendable {
  let handle: OpaquePointer
  /// Names of custom attributes by number, from `PURSER_ATTRIBUTE_CUSTOM_FIRST` on. It only grows.
  let customNames = Mutex<[String]>([])

  init(_ options: Engine.Options) throws(EngineError) {
    let memory = LentMemory()
    var lent = purser_engine_options()
    lent.size = MemoryLayout<purser_engine_options>.size
    let served = memory.served(options)
    lent.attributes_served = served.names
    lent.attributes_served_count = served.count
    let constants = memory.constants(options)
    lent.constants = constants.items
    lent.constants_count = constants.count
    lent.arena_bytes_max = max(options.arenaBytesMax ?? 0, 0)
    lent.log_ring_bytes = max(options.logRingBytes ?? 0, 0)
    lent.backends_off = options.opensBackends ? 0 : 1
    lent.store_directory = memory.text(options.storeDirectory ?? "")
    lent.store_bytes = max(options.storeBytes ?? 0, 0)
    lent.worker_cache_bytes = max(options.workerCacheBytes ?? 0, 0)
    var handle: OpaquePointer?
    switch purser_engine_new(&lent, &handle) {
    case PURSER_OK: break
    case PURSER_NOT_FOUND: throw .unknownAttribute
    case PURSER_INVALID_ARGUMENT: throw .invalidOption
    case let status: try EngineError.check(status)
    }
    guard let handle else { throw .unavailable }
    self.handle = handle
  }

  deinit { _ = purser_engine_free(handle) }

  /// Learns the numbers of a plan's custom attributes, before the plan is used.
  func learnNames(of plan: OpaquePointer) {
    var count = 0
    guard purser_plan_attributes_count(plan, &count) == PURSER_OK else { return }
    for index in 0..<count {
      var info = purser_attribute_info()
      info.size = MemoryLayout<purser_attribute_info>.size
      var number: UInt32 = 0
      // One that gets no number is no loss: the plan that needs it is refused with a reason when it is used.
      guard purser_plan_attribute(plan, index, &info) == PURSER_OK,
        purser_engine_attribute(handle, info.name, info.type, &number) == PURSER_OK,
        number >= PURSER_ATTRIBUTE_CUSTOM_FIRST
      else { continue }
      let place = Int(number &- PURSER_ATTRIBUTE_CUSTOM_FIRST)
      let name = String(info.name)
      customNames.withLock { names in
        while names.count <= place { names.append("") }
        names[place] = name
      }
    }
  }
}

extension LentMemory {
  /// A pointer also for none: none served is not all served.
  func served(_ options: Engine.Options) -> (names: UnsafePointer<purser_text>?, count: Int) {
    guard let names = options.attributesServed else { return (nil, 0) }
    return (array(names.map(text)), names.count)
  }

  func constants(_ options: Engine.Options) -> (items: UnsafePointer<purser_constant>?, count: Int) {
    let items = options.constants.entries.map { entry in
      purser_constant(attribute: text(entry.name), value: lend(entry.value) ?? purser_value())
    }
    return items.isEmpty ? (nil, 0) : (array(items), items.count)
  }
}
