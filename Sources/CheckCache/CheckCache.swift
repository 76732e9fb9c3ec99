// The check cache: answers of providers, kept in two tiers. It knows nothing of policies; keys and values are bytes.
//
//   worker ── find ──► WorkerCache: its table ── miss ──► the store, read at once
//      ▲                                                     ▲
//      └── insert ──── the answer ── put ──► queue ── thread ─┘ in batches: sealed, written, old ones evicted
//
// Every hit compares the epochs that the entry was stamped with (EpochTable), its times with the caller's clock, and, from
// the store, its seal. Without a usable folder there is the workers' tier alone, and `problem` says why.

import CPlatform
import PurserStore

public struct CheckCacheOptions: Sendable {
  /// The store's folder, of mode 0700, made if its parent is there. Nil: memory only.
  public var directory: String?
  /// Of the store's file, at least 1 MiB; a file once made keeps its size, and another size is another file.
  public var storeBytes = 64 << 20
  /// Answers that wait to be written, at least 64 KiB. Past it they are dropped, and counted.
  public var queueBytes = 1 << 20
  /// Longer values are not kept; at most 1/256 of the store.
  public var valueBytesMax = 16 << 10

  public init(directory: String? = nil) { self.directory = directory }
}

public final class CheckCache: @unchecked Sendable {
  static let generationWord = 0
  static let storeWord = 1
  /// Not 0: purges by others do not reach this cache any more.
  private static let partedWord = 2

  let keys: CacheKeys
  let epochs: EpochTable
  let options: CheckCacheOptions
  let counters = Counters()
  /// Words that workers read: the generation of entries that are used now, 0 without a store; the store, when it is open.
  let shared: UnsafeMutablePointer<UInt64>
  let folder: StoreFolder?
  /// Guards what follows, and wakes the thread or who waits for it.
  let signal: OpaquePointer
  var queue: PutQueue
  var workers: [Unmanaged<WorkerCache>] = []
  /// What freed workers counted.
  var retired = [UInt64](repeating: 0, count: CacheCounter.count)
  var isClosing = false
  var isClearAsked = false
  var flushesAsked: UInt64 = 0
  var flushesDone: UInt64 = 0
  var storeState: Status
  var facts: StoreFacts?
  private var thread: OpaquePointer?
  private var store: Store?
  private let forkCount: UInt32

  public enum Status: Equatable, Sendable {
    /// No folder was asked for.
    case memoryOnly
    /// The thread is opening the store; until then the workers' tier answers alone.
    case opening
    case ready(Store.Opening)
    /// The workers' tier answers alone: why.
    case failed(StoreError)
    case closed
  }

  // MARK: Life

  /// Nil only without memory or without randomness. The store is opened by a thread of the cache's own.
  public static func open(_ options: CheckCacheOptions) -> CheckCache? {
    platform_watch_forks()
    var folder: StoreFolder?
    var status = Status.memoryOnly
    if let path = options.directory {
      do throws(StoreError) {
        folder = try StoreFolder(path: path)
        status = .opening
      } catch { status = .failed(error) }
    }
    if let kept = folder {
      do throws(StoreError) {
        let epochs = try EpochTable(folder: kept, secret: kept.secret)
        return CheckCache(options, status, kept, kept.secret, epochs)?.started()
      } catch {
        // Without a table that other processes can change nothing may be shared with them.
        status = .failed(error)
      }
    }
    guard let secret = try? StoreSecret.random(), let epochs = try? EpochTable(folder: nil, secret: secret) else {
      return nil
    }
    return CheckCache(options, status, nil, secret, epochs)
  }

  private init?(
    _ options: CheckCacheOptions, _ status: Status, _ folder: StoreFolder?, _ secret: StoreSecret, _ epochs: EpochTable
  ) {
    var options = options
    options.storeBytes = max(options.storeBytes, Store.bytesMin)
    options.queueBytes = min(max(options.queueBytes, 64 << 10), 1 << 30)
    // A long value needs pages side by side, which a small file that is three quarters full seldom has.
    options.valueBytesMax = min(max(options.valueBytesMax, 0), options.storeBytes / 256, options.queueBytes / 4)
    guard let signal = platform_signal_make() else { return nil }
    guard let queue = PutQueue(bytes: options.queueBytes) else {
      platform_signal_free(signal)
      return nil
    }
    self.options = options
    self.folder = folder
    self.signal = signal
    self.queue = queue
    self.epochs = epochs
    keys = CacheKeys(secret: secret)
    storeState = status
    forkCount = platform_fork_count()
    shared = .allocate(capacity: 8)
    shared.initialize(repeating: 0, count: 8)
  }

  deinit {
    platform_signal_free(signal)
    queue.free()
    counters.free()
    shared.deallocate()
  }

  private func started() -> CheckCache {
    var error: Int32 = 0
    let me = Unmanaged.passRetained(self)
    thread = platform_thread_start(
      { context in
        guard let context else { return }
        let cache = Unmanaged<CheckCache>.fromOpaque(context).takeUnretainedValue()
        StoreKeeper.run(cache)
      }, me.toOpaque(), "purser-cache", &error)
    if thread == nil {
      me.release()
      storeState = .failed(StoreError.system("cannot start the cache's thread", 0 &- error))
    }
    return self
  }

  /// Whether this is a fork's child of the process that opened it: then it finds and keeps nothing.
  var isForked: Bool { forkCount != platform_fork_count() }

  /// Writes what was put, ends the thread, and closes the store once the last worker is free. Again is fine.
  public func close() {
    guard !isForked else { return }
    platform_signal_lock(signal)
    isClosing = true
    let running = thread
    thread = nil
    platform_signal_wake(signal)
    platform_signal_unlock(signal)
    if let running {
      platform_thread_join(running)
      Unmanaged.passUnretained(self).release()
    }
    closeStoreIfUnused()
  }

  private func closeStoreIfUnused() {
    platform_signal_lock(signal)
    let isOver = isClosing && thread == nil && workers.isEmpty
    let leaving = isOver ? store : nil
    if isOver {
      store = nil
      platform_store_release(shared + Self.storeWord, 0)
      platform_store(shared + Self.generationWord, 0)
      storeState = .closed
    }
    platform_signal_unlock(signal)
    leaving?.close()
  }

  /// By the thread: from now on workers read it.
  func publish(_ store: Store) {
    platform_signal_lock(signal)
    self.store = store
    storeState = .ready(store.opening)
    platform_signal_wake(signal)
    platform_signal_unlock(signal)
    platform_store_release(
      shared + Self.storeWord, UInt64(UInt(bitPattern: Unmanaged.passUnretained(store).toOpaque())))
  }

  /// The store that workers may read; nil before it is open. It stays open while a worker lives.
  var openStore: Store? {
    guard let address = UnsafeRawPointer(bitPattern: UInt(platform_load_acquire(shared + Self.storeWord))) else {
      return nil
    }
    return Unmanaged<Store>.fromOpaque(address).takeUnretainedValue()
  }

  // MARK: Workers

  /// One host thread's tier: a table of `bytes`, and about 40 KiB and a value's longest besides. Nil without memory, and
  /// after `close`.
  public func makeWorker(bytes: Int) -> WorkerCache? {
    guard !isForked,
      let worker = WorkerCache(cache: self, bytes: bytes, valueBytesMax: options.valueBytesMax)
    else { return nil }
    platform_signal_lock(signal)
    let isOver = isClosing
    if !isOver { workers.append(Unmanaged.passUnretained(worker)) }
    platform_signal_unlock(signal)
    return isOver ? nil : worker
  }

  func remove(_ worker: WorkerCache) {
    platform_signal_lock(signal)
    let address = Unmanaged.passUnretained(worker).toOpaque()
    workers.removeAll { $0.toOpaque() == address }
    worker.counters.add(to: &retired)
    platform_signal_unlock(signal)
    closeStoreIfUnused()
  }

  // MARK: Keeping

  /// Keeps an answer in the store, soon. Any thread; copies what it needs. False where it is not taken: without a store, or what
  /// a store does not keep.
  @discardableResult
  public func put(_ entry: CacheEntry) -> Bool {
    guard folder != nil, !isForked else { return false }
    let name = keys.name(of: entry.key)
    guard let times = entry.times(name), entry.usesMax == 0, entry.stamp.count > 0,
      entry.value.count <= options.valueBytesMax
    else {
      counters.add(.putsRefused)
      return false
    }
    let head = PutHead(
      name: name, check: keys.check(of: entry.key), askedAt: entry.askedAt, freshUntil: times.fresh,
      staleUntil: times.stale, stamp: entry.stamp, valueBytes: entry.value.count)
    platform_signal_lock(signal)
    var isTaken = false
    switch storeState {
    case .opening, .ready: isTaken = !isClosing && queue.append(head, entry.value)
    case .memoryOnly, .failed, .closed: break
    }
    if isTaken, queue.count == 1 || queue.isHalfFull { platform_signal_wake(signal) }
    platform_signal_unlock(signal)
    counters.add(isTaken ? .puts : .putsDropped)
    return isTaken
  }

  /// Waits until what was put before is in the store or given up; false when `timeoutNanoseconds` passed first. Waits for
  /// the store to be opened too.
  @discardableResult
  public func flush(timeoutNanoseconds: Int64 = 10_000_000_000) -> Bool {
    guard folder != nil, !isForked else { return true }
    let deadline = platform_monotonic_nanoseconds().addingReportingOverflow(max(timeoutNanoseconds, 0))
    platform_signal_lock(signal)
    defer { platform_signal_unlock(signal) }
    guard thread != nil else { return true }
    flushesAsked &+= 1
    let mine = flushesAsked
    platform_signal_wake(signal)
    var isLate = false
    while flushesDone < mine, !isLate {
      isLate = platform_signal_wait(signal, deadline.overflow ? Int64.max : deadline.partialValue)
    }
    return flushesDone >= mine
  }

  // MARK: Epochs

  /// What an answer depends on, to be taken before the provider is asked: so an answer that was on its way during a purge
  /// is not kept. At most 14 tags; with more nothing is kept.
  public func epochs(policy: UnsafeRawBufferPointer, tags: [UnsafeRawBufferPointer] = []) -> EpochStamp {
    platform_load(shared + Self.partedWord) == 0 ? epochs.stamp(policy: policy, tags: tags) : .never
  }

  /// Others do not see the folder's epochs as this cache does: what was kept is forgotten, and nothing is kept any more.
  func part(_ why: StoreError) {
    platform_store(shared + Self.partedWord, 1)
    try? epochs.purge()
    fail(why)
  }

  /// Makes all that was kept invalid, in every process that uses the folder. Fails where the file cannot be written.
  public func purge() throws(StoreError) {
    try epochs.purge()
    counters.add(.purges)
    platform_signal_lock(signal)
    isClearAsked = true
    platform_signal_wake(signal)
    platform_signal_unlock(signal)
  }

  /// The same for what a policy's rules asked.
  public func purge(policy: UnsafeRawBufferPointer) throws(StoreError) {
    try epochs.purge(policy: policy)
    counters.add(.purges)
  }

  /// The same for what was kept with this tag.
  public func purge(tag: UnsafeRawBufferPointer) throws(StoreError) {
    try epochs.purge(tag: tag)
    counters.add(.purges)
  }

  // MARK: Telling

  public var status: Status {
    platform_signal_lock(signal)
    defer { platform_signal_unlock(signal) }
    return storeState
  }

  /// Why there is no store though a folder was given; nil if all is well.
  public var problem: String? {
    if isForked { return "the cache was opened before a fork" }
    if case .failed(let error) = status { return error.message }
    return nil
  }

  public var statistics: CacheStatistics {
    var statistics = CacheStatistics()
    platform_signal_lock(signal)
    defer { platform_signal_unlock(signal) }
    counters.add(to: &statistics.counts)
    for (index, count) in retired.enumerated() where index < statistics.counts.count {
      statistics.counts[index] = statistics.counts[index] &+ count
    }
    for worker in workers { worker._withUnsafeGuaranteedRef { $0.counters.add(to: &statistics.counts) } }
    statistics.storeEntries = facts?.entries ?? 0
    statistics.storeBytes = facts?.bytes ?? 0
    statistics.storeBytesMax = facts?.bytesMax ?? 0
    return statistics
  }
}
