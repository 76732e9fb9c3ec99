// Policy sets that follow their files.

import CEL
import CPlatform
import CPurser
import PurserConfiguration
import PurserEngine

@c @implementation
public func purser_policy_set_watch(
  _ set: OpaquePointer?, _ options: UnsafePointer<purser_load_options>?, _ watch: UnsafePointer<purser_watch>?,
  _ problems_out: UnsafeMutablePointer<OpaquePointer?>?
) -> purser_status {
  guard case .good(let state) = setState(set) else { return setState(set).status }
  if let watch, watch.pointee.size < MemoryLayout<purser_watch>.size { return PURSER_INVALID_ARGUMENT }
  let engine = state.pointee.engine.pointee.owner.takeUnretainedValue()
  switch LoadRequest.read(options, engine: engine.options) {
  case .bad(let status): return status
  case .good(let request):
    guard !request.paths.isEmpty else { return PURSER_INVALID_ARGUMENT }
    problems_out?.pointee = nil
    let watched = WatchedFiles(of: state, request, watch?.pointee ?? purser_watch())
    var status = PURSER_OK
    do throws(Watcher.Failure) {
      try engine.watcher.start(state, watched.timing, watched.body) {
        let found = watched.load().use(in: state, watched.host)
        status = found.status
        if let list = found.problems { ProblemList.hand(list, to: problems_out) }
        return status == PURSER_OK
      }
      return PURSER_OK
    } catch {
      switch error {
      case .alreadyWatched: return PURSER_WRONG_STATE
      case .notLoaded: return status
      case .system(let code):
        // Warnings of a plan that is in use after all are of less interest.
        purser_problems_free(problems_out?.pointee)
        ProblemList.hand(ProblemList(WatchedFiles.words(for: code)), to: problems_out)
        return WatchedFiles.status(for: code)
      }
    }
  }
}

@c @implementation
public func purser_policy_set_unwatch(_ set: OpaquePointer?) -> purser_status {
  guard case .good(let state) = setState(set) else { return setState(set).status }
  switch state.pointee.engine.pointee.owner.takeUnretainedValue().watcher.stop(state) {
  case .done: return PURSER_OK
  case .notWatched: return PURSER_NOT_FOUND
  case .busy: return PURSER_BUSY
  }
}

/// What is told to the host.
private struct Found {
  var status: purser_status
  var problems: ProblemList?
}

/// What one load gave, before it touches the set.
private struct Loaded {
  /// Nil when no thread could be started.
  var result: LoadResult?

  func use(in state: UnsafeMutablePointer<SetState>, _ host: purser_watch) -> Found {
    guard let result else { return Found(status: PURSER_UNAVAILABLE) }
    guard let plan = result.plan else {
      state.pointee.engine.pointee.owner.takeUnretainedValue().countFailedReload()
      return Found(status: PURSER_PROBLEMS, problems: ProblemList(result))
    }
    if let prepare = host.prepare {
      withExtendedLifetime(plan) { prepare(host.user, OpaquePointer(Unmanaged.passUnretained(plan).toOpaque())) }
    }
    do throws(RefusalList) {
      try state.pointee.owner.takeUnretainedValue().use(plan)
      return Found(status: PURSER_OK, problems: ProblemList(result))
    } catch {
      let isRefused = error.refusals.contains { $0.kind == .documents }
      return Found(status: isRefused ? PURSER_PROBLEMS : PURSER_UNAVAILABLE, problems: ProblemList(error))
    }
  }
}

/// The files of one watched set, and whom to tell of them. Used by one thread at a time: first by the host's, then by the
/// engine's.
private final class WatchedFiles {
  let host: purser_watch
  private let state: UnsafeMutablePointer<SetState>
  private var request: LoadRequest
  /// Of the last load, and of the last one without errors: one with errors may have missed some.
  private var valueFiles: [String] = []
  private var goodValueFiles: [String] = []
  /// What the host was told last, if it was that something is wrong.
  private var complaint: String?

  init(of state: UnsafeMutablePointer<SetState>, _ request: LoadRequest, _ host: purser_watch) {
    self.state = state
    self.request = request
    self.host = host
    self.request.parts = state.pointee.owner.takeUnretainedValue().plan?.parts
  }

  var timing: WatchTiming {
    var timing = WatchTiming()
    if host.settle_ms > 0 { timing.settleNanoseconds = Int64(host.settle_ms) &* 1_000_000 }
    if host.settle_max_ms > 0 { timing.settleNanosecondsMax = Int64(host.settle_max_ms) &* 1_000_000 }
    timing.pollNanoseconds = Int64(host.poll_ms) &* 1_000_000
    return timing
  }

  var body: WatchBody {
    WatchBody(
      paths: { self.request.followedPaths(valueFiles: self.valueFiles) },
      load: {
        let loaded = self.load()
        return { isRepeated in self.use(loaded, isRepeated: isRepeated) }
      },
      failed: { code in
        self.hand(Found(status: WatchedFiles.status(for: code), problems: ProblemList(WatchedFiles.words(for: code))))
      })
  }

  func load() -> Loaded {
    let result = PlanLoader.load(request)
    if let result {
      // Not the set's plan: this touches no set, which may be freed meanwhile.
      if let plan = result.plan { request.parts = plan.parts }
      if result.plan != nil { goodValueFiles = result.valueFiles }
      valueFiles = result.plan != nil ? goodValueFiles : goodValueFiles + result.valueFiles
    }
    return Loaded(result: result)
  }

  private func use(_ loaded: Loaded, isRepeated: Bool) {
    let set = state.pointee.owner.takeUnretainedValue()
    if let plan = loaded.result?.plan, let current = set.plan,
      plan.digest.buffer.elementsEqual(current.digest.buffer)
    {
      // What was wrong is mended: that is news although nothing else is.
      if complaint != nil { tell(Found(status: PURSER_OK)) }
      return
    }
    let found = loaded.use(in: state, host)
    if isRepeated, let complaint, complaint == WatchedFiles.text(of: found) { return }
    tell(found)
  }

  private func tell(_ found: Found) {
    complaint = found.status == PURSER_OK ? nil : WatchedFiles.text(of: found)
    hand(found)
  }

  private func hand(_ found: Found) {
    guard let done = host.done else { return }
    var problems: OpaquePointer?
    if let list = found.problems { ProblemList.hand(list, to: &problems) }
    done(host.user, found.status, problems)
    purser_problems_free(problems)
  }

  private static func text(of found: Found) -> String {
    guard let problems = found.problems else { return "\(found.status.rawValue)" }
    return String(decoding: problems.all.buffer, as: UTF8.self)
  }

  static func status(for code: Int32) -> purser_status {
    code == ENOSPC || code == EMFILE ? PURSER_LIMIT_REACHED : PURSER_UNAVAILABLE
  }

  static func words(for code: Int32) -> String {
    switch code {
    case ENOSPC:
      return "not every file can be followed: this user has no inotify watches left (fs.inotify.max_user_watches)"
    case EMFILE:
      return "files cannot be followed: this user or process has no inotify instance or file descriptor left"
        + " (fs.inotify.max_user_instances, ulimit -n)"
    default:
      guard let memory = malloc(128) else { return "files cannot be followed" }
      defer { free(memory) }
      let text = memory.assumingMemoryBound(to: CChar.self)
      platform_error_text(code, text, 128)
      return "files cannot be followed: " + String(cString: text)
    }
  }
}
