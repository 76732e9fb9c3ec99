// The thread that follows files for an engine's policy sets.
//
//   inotify ──► which sets is it about? ──► quiet for a while ──► look: follow what is there now ──► load (unlocked)
//                                                                     ▲                                  │
//                                        other files than before ─────┴── look again ◄── use and tell ◄──┘
//
// It exists while a set is watched. A watch may end at any time: a load that is under way is then thrown away, and only the
// short part that touches the set is waited for.
//
// INVARIANT: files are followed before they are read, and looked at again afterwards; so what changed meanwhile is either
// told by inotify or seen by the second look.

import CPlatform

public final class Watcher: @unchecked Sendable {
  public enum Failure: Error, Sendable {
    case alreadyWatched
    /// The first load gave no plan.
    case notLoaded
    /// An errno number.
    case system(Int32)
  }

  public enum Ending: Sendable {
    case done, notWatched
    /// The caller is what the watch itself called, or it is only just beginning.
    case busy
  }

  private static let eventsMax = 4096

  /// Guards everything here; told when something ends.
  private let signal: OpaquePointer
  private var watches: [FileWatch] = []
  /// What is followed, by number, and for whom.
  private var followed: [Int32: [(watch: FileWatch, interest: WatchInterest)]] = [:]
  private var watch: OpaquePointer?
  private var thread: OpaquePointer?
  private var isRunning = false
  private var threadIdentity: UInt64 = 0

  /// Nil without memory.
  init?() {
    guard let signal = platform_signal_make() else { return nil }
    self.signal = signal
  }

  deinit {
    close()
    platform_signal_free(signal)
  }

  /// Waits for the thread's end; no set is watched any more.
  func close() {
    platform_signal_lock(signal)
    let ending = thread
    thread = nil
    platform_signal_unlock(signal)
    if let ending { platform_thread_join(ending) }
  }

  /// Follows the files and loads them once, by `first`, on the calling thread.
  public func start(
    _ set: UnsafeMutablePointer<SetState>, _ timing: WatchTiming, _ body: WatchBody, first: () -> Bool
  ) throws(Failure) {
    let new = FileWatch(set, timing, body)
    let failure: Failure? = locked { begin(new) }
    if let failure { throw failure }
    let isLoaded = first()
    let failed: Int32 = locked {
      let before = new.state
      let now = platform_monotonic_nanoseconds()
      let failed = isLoaded ? look(new, now) : 0
      guard isLoaded, failed == 0 else {
        end(new)
        return failed
      }
      _ = new.looked(at: now, failure: 0)
      if new.state != before { new.change(at: now, isRepeated: true) }
      new.stage = .live
      wake()
      return 0
    }
    if !isLoaded { throw .notLoaded }
    if failed != 0 { throw .system(failed) }
  }

  private func begin(_ new: FileWatch) -> Failure? {
    if find(new.set) != nil { return .alreadyWatched }
    var error: Int32 = 0
    if watch == nil { watch = platform_watch_make(&error) }
    guard watch != nil else { return .system(error) }
    watches.append(new)
    error = look(new, platform_monotonic_nanoseconds())
    if error == 0, !isRunning { error = startThread() }
    guard error != 0 else { return nil }
    end(new)
    return .system(error)
  }

  private func startThread() -> Int32 {
    // The one before has nothing left to do.
    if let thread { platform_thread_join(thread) }
    var error: Int32 = 0
    thread = platform_thread_start(
      { context in
        guard let context else { return }
        Unmanaged<Watcher>.fromOpaque(context)._withUnsafeGuaranteedRef { $0.run() }
      }, Unmanaged.passUnretained(self).toOpaque(), "purser-watch", &error)
    isRunning = thread != nil
    return isRunning ? 0 : error
  }

  /// Ends the set's watch; nothing is called for it afterwards.
  public func stop(_ set: UnsafeMutablePointer<SetState>) -> Ending {
    locked {
      guard let found = find(set) else { return .notWatched }
      guard found.stage != .starting, !isOwnCall(of: found) else { return .busy }
      end(found)
      waitForCommit(of: found)
      return .done
    }
  }

  /// Nothing is done for the set until `release` or `stop`. False from what its watch called.
  func hold(_ set: UnsafeMutablePointer<SetState>) -> Bool {
    locked {
      guard let found = find(set) else { return true }
      guard found.stage != .starting, !isOwnCall(of: found) else { return false }
      found.stage = .held
      waitForCommit(of: found)
      return true
    }
  }

  func release(_ set: UnsafeMutablePointer<SetState>) {
    locked {
      find(set)?.stage = .live
      wake()
    }
  }

  private func locked<Result>(_ body: () -> Result) -> Result {
    platform_signal_lock(signal)
    let result = body()
    platform_signal_unlock(signal)
    return result
  }
}

// Under the lock.
extension Watcher {
  private func find(_ set: UnsafeMutablePointer<SetState>) -> FileWatch? { watches.first { $0.set == set } }

  private func wake() {
    if let watch { platform_watch_wake(watch) }
  }

  private func isOwnCall(of found: FileWatch) -> Bool {
    found.isCommitting && threadIdentity == platform_thread_identity()
  }

  private func waitForCommit(of found: FileWatch) {
    while found.isCommitting { _ = platform_signal_wait(signal, Int64.max) }
  }

  private func end(_ ended: FileWatch) {
    ended.stage = .ended
    watches.removeAll { $0 === ended }
    follow([:], for: ended)
    if isRunning {
      wake()
    } else if watches.isEmpty {
      platform_watch_free(watch)
      watch = nil
    }
  }

  /// Follows what is there now; an errno number if not all of it can be.
  private func look(_ looking: FileWatch, _ now: Int64) -> Int32 {
    guard let watch else { return ENOMEM }
    var trace = PathTrace(watch)
    for path in looking.body.paths() { trace.follow(path) }
    follow(trace.interests, for: looking)
    looking.state = trace.state
    return trace.failure
  }

  private func follow(_ interests: [Int32: WatchInterest], for following: FileWatch) {
    for (number, others) in followed {
      let left = others.filter { $0.watch !== following }
      if left.count == others.count { continue }
      if left.isEmpty, interests[number] == nil {
        followed[number] = nil
        if let watch { platform_watch_remove(watch, number) }
      } else {
        followed[number] = left
      }
    }
    for (number, interest) in interests { followed[number, default: []].append((following, interest)) }
  }

  private func takeEvents(_ watch: OpaquePointer, _ now: Int64) {
    var event = platform_watch_event()
    var count = 0
    while count < Watcher.eventsMax, platform_watch_next(watch, &event) {
      count &+= 1
      if event.number == 0 {
        for watch in watches { watch.change(at: now) }
        continue
      }
      guard let concerned = followed[event.number] else { continue }
      let name = event.name.map { String(cString: $0) } ?? ""
      for (watch, interest) in concerned where event.is_itself || interest.includes(name) { watch.change(at: now) }
      if event.is_gone { followed[event.number] = nil }
    }
  }
}

// The thread.
extension Watcher {
  private func run() {
    platform_signal_lock(signal)
    threadIdentity = platform_thread_identity()
    while let watch, !watches.isEmpty {
      let now = platform_monotonic_nanoseconds()
      takeEvents(watch, now)
      let active = watches.filter { $0.stage == .live }
      for looking in active where looking.stage == .live && looking.lookDue <= now { lookAgain(looking, now) }
      if let due = active.first(where: { $0.stage == .live && $0.loadDue <= now }) {
        load(due)
        continue
      }
      let deadline = active.reduce(Int64.max) { min($0, $1.loadDue, $1.lookDue) }
      platform_signal_unlock(signal)
      platform_watch_wait(watch, deadline)
      platform_signal_lock(signal)
    }
    platform_watch_free(watch)
    watch = nil
    followed = [:]
    isRunning = false
    platform_signal_unlock(signal)
  }

  /// Looks because it is time to, and not because something was told.
  private func lookAgain(_ looking: FileWatch, _ now: Int64) {
    let before = looking.state
    let failure = look(looking, now)
    if looking.state != before { looking.change(at: now) }
    tell(failure, of: looking, now)
  }

  private func tell(_ failure: Int32, of looking: FileWatch, _ now: Int64) {
    guard looking.looked(at: now, failure: failure), looking.stage == .live else { return }
    commit(looking) { looking.body.failed(failure) }
  }

  private func load(_ due: FileWatch) {
    let isRepeated = due.takeChanges()
    let now = platform_monotonic_nanoseconds()
    let failure = look(due, now)
    let before = due.state
    tell(failure, of: due, now)
    platform_signal_unlock(signal)
    let use = due.body.load()
    platform_signal_lock(signal)
    // Held: somebody tries to free the set. If that fails, the files are loaded again.
    if due.stage == .held { due.change(at: now) }
    guard due.stage == .live else { return }
    commit(due) { use(isRepeated) }
    guard due.stage != .ended else { return }
    let later = platform_monotonic_nanoseconds()
    let failureAfter = look(due, later)
    if due.state != before { due.change(at: later, isRepeated: true) }
    tell(failureAfter, of: due, later)
  }

  /// What may touch the set; whoever ends the watch waits for it.
  private func commit(_ watch: FileWatch, _ body: () -> Void) {
    watch.isCommitting = true
    platform_signal_unlock(signal)
    body()
    platform_signal_lock(signal)
    watch.isCommitting = false
    platform_signal_wake(signal)
  }
}
