// One policy set that follows files: what to follow, how to load it, and when it is due.

import CPlatform

public struct WatchTiming: Sendable {
  /// So long nothing must have changed before files are loaded.
  public var settleNanoseconds: Int64 = 100_000_000
  /// So long after the first change they are loaded although changes go on.
  public var settleNanosecondsMax: Int64 = 2_000_000_000
  /// So often files are looked at although nothing was told of them; 0: never.
  public var pollNanoseconds: Int64 = 0

  public init() {}
}

/// What a set's watch does, on the watcher's thread. Only what `load` gives may touch the set: it runs while the set is
/// sure to be there, and `load` itself perhaps after the set is gone.
public struct WatchBody {
  /// Everything that is read, as it is now.
  public var paths: () -> [FollowedPath]
  /// Reads and compiles. What it gives uses the plan and tells the host; `isRepeated` if no change came in between.
  public var load: () -> ((_ isRepeated: Bool) -> Void)
  /// Tells the host that files could not be followed: an errno number.
  public var failed: (Int32) -> Void

  public init(
    paths: @escaping () -> [FollowedPath], load: @escaping () -> ((_ isRepeated: Bool) -> Void),
    failed: @escaping (Int32) -> Void
  ) {
    self.paths = paths
    self.load = load
    self.failed = failed
  }
}

/// Everything here is under the watcher's lock.
final class FileWatch {
  enum Stage { case starting, live, held, ended }

  /// What could not be followed is tried again after so long.
  static let retryNanoseconds: Int64 = 10_000_000_000

  let set: UnsafeMutablePointer<SetState>
  let timing: WatchTiming
  let body: WatchBody
  var stage = Stage.starting
  /// What the thread does for it just now may touch the set.
  var isCommitting = false
  /// Of the last look at the files.
  var state: UInt64 = 0
  private var firstChange: Int64?
  private var lastChange: Int64 = 0
  private var isRepeated = false
  private var nextLook = Int64.max
  private var hasFailed = false

  init(_ set: UnsafeMutablePointer<SetState>, _ timing: WatchTiming, _ body: WatchBody) {
    self.set = set
    self.timing = timing
    self.body = body
  }

  func change(at now: Int64, isRepeated: Bool = false) {
    self.isRepeated = firstChange == nil ? isRepeated : self.isRepeated && isRepeated
    if firstChange == nil { firstChange = now }
    lastChange = now
  }

  /// When a load is due.
  var loadDue: Int64 {
    guard let firstChange else { return Int64.max }
    return min(lastChange &+ timing.settleNanoseconds, firstChange &+ timing.settleNanosecondsMax)
  }

  /// When the files are to be looked at.
  var lookDue: Int64 { nextLook }

  /// The changes so far are seen to; whether they were none but the load before.
  func takeChanges() -> Bool {
    firstChange = nil
    return isRepeated
  }

  /// The files were looked at. True when a failure is news.
  func looked(at now: Int64, failure: Int32) -> Bool {
    nextLook = timing.pollNanoseconds > 0 ? now &+ timing.pollNanoseconds : Int64.max
    let isNews = failure != 0 && !hasFailed
    hasFailed = failure != 0
    if hasFailed { nextLook = min(nextLook, now &+ FileWatch.retryNanoseconds) }
    return isNews
  }
}
