import CPurser

/// What came of a change of watched files.
public enum WatchEvent: Sendable {
  /// They decide from now on; with warnings.
  case loaded([Problem])
  /// They have problems, or do not fit this host; what was in use before stays in use.
  case refused(LoadError)
}

/// When watched files are loaded.
public struct WatchTiming: Sendable {
  /// How long nothing may change before files are loaded, to the millisecond.
  public var settle = Duration.milliseconds(100)
  /// How long after the first change they are loaded although changes go on.
  public var settleMax = Duration.seconds(2)
  /// How often files are looked at besides, for file systems that tell of no changes, such as those of a network; nil: never.
  public var poll: Duration?

  /// As it suits files that Kubernetes mounts, and editors.
  public init() {}
}

extension PolicySet {
  /// Loads files and directories as ``load(paths:documents:)``, and again whenever one of them changes, or a file that a
  /// ValueList names.
  ///
  /// They may be written in place, moved over, vanish and come back; directories and links on the way may be replaced, as
  /// Kubernetes does with what it mounts of a ConfigMap. The set follows its files until ``unwatch()``, or until it is gone,
  /// whether or not anybody listens.
  ///
  /// ```swift
  /// for await event in try policies.watch(paths: ["/etc/orders/policies"]) {
  ///   if case .refused(let error) = event { logger.error("\(error)") }
  /// }
  /// ```
  ///
  /// - Returns: What comes of each change, the first load being one. It ends with the watch. Of what nobody takes, the last 16 are
  ///   kept.
  /// - Throws: A ``LoadError`` when the first load fails, with ``LoadError/Cause/watched`` when the set is watched already,
  ///   and with ``LoadError/Cause/unavailable`` when files cannot be followed. Then the set is not watched.
  @discardableResult
  public func watch(
    paths: [String], documents: [Document] = [], timing: WatchTiming = WatchTiming()
  ) throws(LoadError) -> AsyncStream<WatchEvent> {
    try handle.watch(paths, documents, engine.options, timing)
  }

  /// Ends the watch, and its stream of events; what is in use stays in use. Nothing happens where there is none.
  public func unwatch() { handle.unwatch() }
}

/// Who hears of one set's files. The library calls it on a thread of its own, so it only passes on: nothing of the
/// service runs there.
final class WatchListener: Sendable {
  let events: AsyncStream<WatchEvent>
  private let continuation: AsyncStream<WatchEvent>.Continuation
  private let engine: EngineHandle

  init(_ engine: EngineHandle) {
    self.engine = engine
    (events, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(16))
  }

  deinit { continuation.finish() }

  func tell(_ status: purser_status, _ list: ProblemList) {
    continuation.yield(status == PURSER_OK ? .loaded(list.problems) : .refused(LoadError(status, list)))
  }

  /// Lends itself: the owner keeps it until the watch has ended.
  func lend(to watch: inout purser_watch) {
    watch.user = Unmanaged.passUnretained(self).toOpaque()
    watch.prepare = { user, plan in
      guard let plan else { return }
      WatchListener.from(user) { $0.engine.learnNames(of: plan) }
    }
    watch.done = { user, status, problems in
      WatchListener.from(user) { $0.tell(status, ProblemList(reading: problems)) }
    }
  }

  private static func from(_ user: UnsafeMutableRawPointer?, _ body: (borrowing WatchListener) -> Void) {
    guard let user else { return }
    Unmanaged<WatchListener>.fromOpaque(user)._withUnsafeGuaranteedRef { body($0) }
  }
}

extension Duration {
  /// At least one, because 0 stands for the usual in C.
  var watchMilliseconds: UInt32 {
    let parts = components
    let whole = max(parts.seconds, 0).multipliedReportingOverflow(by: 1000)
    let total = (whole.overflow ? Int64.max / 2 : whole.partialValue) &+ parts.attoseconds / 1_000_000_000_000_000
    return max(UInt32(clamping: total), 1)
  }
}
