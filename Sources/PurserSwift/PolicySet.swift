import CPurser
import Synchronization

/// A document that is not in a file.
public struct Document: Sendable, Hashable {
  /// Stands for the file in messages.
  public var name: String
  /// YAML, one or more documents.
  public var text: String

  /// A document that is not in a file.
  ///
  /// - Parameters:
  ///   - name: Stands for the file in messages.
  ///   - text: YAML, one or more documents.
  public init(name: String, text: String) {
    self.name = name
    self.text = text
  }
}

/// A named place for documents and the plan compiled from them; requests are checked with it.
///
/// Before something is loaded, every check is denied with status 503. Loading again swaps the plan: requests that were
/// checked keep the plan of their check until their decision is let go of. A set may be used from any task at any time,
/// also while it loads.
public final class PolicySet: Sendable {
  /// The engine that it belongs to.
  public let engine: Engine
  /// Keeps the series of several sets apart in memory; equal series of equal metrics are added up where they are
  /// rendered. May be empty.
  public let name: String
  let handle: PolicySetHandle

  /// A set without a plan.
  ///
  /// - Parameters:
  ///   - engine: The engine that it belongs to, and that it keeps.
  ///   - name: Keeps the series of several sets apart in memory.
  public init(in engine: Engine, name: String = "") throws(EngineError) {
    self.engine = engine
    self.name = name
    handle = try PolicySetHandle(in: engine.handle, name: name)
  }

  /// Loads files and directories, of which every `*.yaml`, `*.yml` and `*.json` is read.
  ///
  /// It blocks its thread while it compiles: milliseconds for a hundred policies.
  ///
  /// - Returns: Warnings.
  /// - Throws: A ``LoadError`` with all problems; what was in use before stays in use.
  @discardableResult
  public func load(paths: [String]) throws(LoadError) -> [Problem] { try load(paths: paths, documents: []) }

  /// Loads documents that are not in files. Otherwise as ``load(paths:)``.
  @discardableResult
  public func load(documents: [Document]) throws(LoadError) -> [Problem] { try load(paths: [], documents: documents) }

  /// Loads files, directories and documents that are not in files, together. Otherwise as ``load(paths:)``.
  @discardableResult
  public func load(paths: [String], documents: [Document]) throws(LoadError) -> [Problem] {
    try handle.load(paths, documents, engine.options)
  }

  /// A digest of everything that the current plan was compiled from, in 64 hexadecimal digits; nil without a plan.
  public var digest: String? {
    var text = purser_text()
    guard purser_policy_set_digest(handle.handle, &text) == PURSER_OK else { return nil }
    return String(taking: &text)
  }

  /// Decides a request.
  ///
  /// A CUSTOM rule may have to ask its provider; this form then suspends until the answer has come or its time is up. Where
  /// all is at hand it does not suspend. A task that is cancelled meanwhile gets a denial.
  ///
  /// - Parameters:
  ///   - request: What is known of it.
  ///   - connection: The decision of ``checkConnection(_:)`` for the connection that it came on: policies of the
  ///     connection phase are then not evaluated again.
  /// - Throws: ``EngineError/forked`` or ``EngineError/foreignConnection``. Then nothing was decided: deny.
  public nonisolated(nonsending) func check(
    _ request: Request, on connection: Decision? = nil
  ) async throws(EngineError) -> Decision {
    let connection = try openConnection(connection)
    let answer = PendingAnswer()
    let attempt = engine.pool.withWorker(connection?.worker) { worker in
      OpenRequest(request, on: worker, in: handle, connection: connection, isConnection: false).attempt(answer)
    }
    if let verdict = try attempt.verdict.get() { return Decision(of: attempt.open, verdict) }
    let open = attempt.open
    await withTaskCancellationHandler {
      await answer.wait()
    } onCancel: {
      open.cancel()
    }
    return Decision(of: open, try open.resume())
  }

  /// Decides a request without ever suspending: where a provider would have to be asked, its `failureMode` decides.
  ///
  /// Otherwise as ``check(_:on:)``.
  public func checkNow(_ request: Request, on connection: Decision? = nil) throws(EngineError) -> Decision {
    try decide(request, connection: try openConnection(connection), isConnection: false)
  }

  private func openConnection(_ decision: Decision?) throws(EngineError) -> OpenRequest? {
    let connection = decision?.open
    if let connection, connection.set !== handle || !connection.isConnection { throw .foreignConnection }
    return connection
  }

  /// Decides a connection before any request on it, early: it denies only what every request on that connection would
  /// be denied.
  ///
  /// - Parameter request: What is known of the connection.
  /// - Throws: ``EngineError/forked``. Then nothing was decided: deny.
  public func checkConnection(_ request: Request) throws(EngineError) -> Decision {
    try decide(request, connection: nil, isConnection: true)
  }

  private func decide(
    _ request: Request, connection: OpenRequest?, isConnection: Bool
  ) throws(EngineError) -> Decision {
    // The request leaves the lock alive whatever becomes of it: its end takes the lock again.
    let attempt = engine.pool.withWorker(connection?.worker) { worker in
      OpenRequest(request, on: worker, in: handle, connection: connection, isConnection: isConnection).attempt()
    }
    // Without an answer to wait for nothing is pending.
    return Decision(of: attempt.open, try attempt.verdict.get() ?? .deny)
  }
}

/// The library's policy set; freed when neither its owner nor a decision of it is left.
final class PolicySetHandle: @unchecked Sendable {
  /// Kept until the set is gone.
  private let engine: EngineHandle
  let handle: OpaquePointer
  private let listener = Mutex<WatchListener?>(nil)

  init(in engine: EngineHandle, name: String) throws(EngineError) {
    let memory = LentMemory()
    var handle: OpaquePointer?
    try EngineError.check(purser_policy_set_new(engine.handle, memory.text(name), &handle))
    guard let handle else { throw .unavailable }
    self.engine = engine
    self.handle = handle
  }

  // Requests keep their set, so none is open now. Its watch ends with it.
  deinit { _ = purser_policy_set_free(handle) }

  private static func lend(
    _ paths: [String], _ documents: [Document], _ options: Engine.Options, _ memory: LentMemory
  ) -> purser_load_options {
    var lent = purser_load_options()
    lent.size = MemoryLayout<purser_load_options>.size
    lent.paths = memory.array(paths.map(memory.text))
    lent.paths_count = paths.count
    lent.documents = memory.array(
      documents.map { purser_document(name: memory.text($0.name), text: memory.text($0.text)) })
    lent.documents_count = documents.count
    let served = memory.served(options)
    lent.attributes_served = served.names
    lent.attributes_served_count = served.count
    let constants = memory.constants(options)
    lent.constants = constants.items
    lent.constants_count = constants.count
    return lent
  }

  func watch(
    _ paths: [String], _ documents: [Document], _ options: Engine.Options, _ timing: WatchTiming
  ) throws(LoadError) -> AsyncStream<WatchEvent> {
    let memory = LentMemory()
    var lent = PolicySetHandle.lend(paths, documents, options, memory)
    let new = WatchListener(engine)
    var watch = purser_watch()
    watch.size = MemoryLayout<purser_watch>.size
    watch.settle_ms = timing.settle.watchMilliseconds
    watch.settle_max_ms = timing.settleMax.watchMilliseconds
    watch.poll_ms = timing.poll?.watchMilliseconds ?? 0
    new.lend(to: &watch)
    // Held meanwhile, so that a watch and its listener begin and end together; the listener's calls do not take it.
    let begun: (status: purser_status, problems: ProblemList) = listener.withLock { listener in
      var problems: OpaquePointer?
      let status = purser_policy_set_watch(handle, &lent, &watch, &problems)
      let list = ProblemList(taking: problems)
      if status == PURSER_OK {
        listener = new
        new.tell(status, list)
      }
      return (status, list)
    }
    guard begun.status == PURSER_OK else { throw LoadError(begun.status, begun.problems) }
    return new.events
  }

  func unwatch() {
    listener.withLock { listener in
      _ = purser_policy_set_unwatch(handle)
      listener = nil
    }
  }

  func load(
    _ paths: [String], _ documents: [Document], _ options: Engine.Options
  ) throws(LoadError) -> [Problem] {
    let memory = LentMemory()
    var lent = PolicySetHandle.lend(paths, documents, options, memory)
    while true {
      // A plan by itself first, because the engine must know the names of its custom attributes before it is used.
      var plan: OpaquePointer?
      var problems: OpaquePointer?
      if purser_plan_load(&lent, &plan, &problems) == PURSER_OK, let plan {
        defer { purser_plan_free(plan) }
        let warnings = ProblemList(taking: problems).problems
        engine.learnNames(of: plan)
        problems = nil
        let status = purser_policy_set_use(handle, plan, &problems)
        let list = ProblemList(taking: problems)
        guard status == PURSER_OK else { throw LoadError(status, list) }
        return warnings
      }
      purser_problems_free(problems)
      // Again through the set, so that the engine counts a failed reload.
      problems = nil
      let status = purser_policy_set_load(handle, &lent, &problems)
      let list = ProblemList(taking: problems)
      guard status == PURSER_OK else { throw LoadError(status, list) }
      // The files were mended in between: from the start, for the names.
    }
  }
}
