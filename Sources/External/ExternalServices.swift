// Providers and the check cache behind the engine's door.
//
//   ask ─► the same question under way? ─ yes ─► wait for its reply
//              └ no ─► epochs ─► provider ─► reply ─► for each that waits: answer ─► store and worker's tier
//
// What is kept is what the rule's `cache` lets through, and what an uncached decision takes is the same.

import CEL
import CPlatform
import PurserCheckCache
import PurserEngine
import PurserPolicy
import PurserProviders
import PurserStore

public final class ExternalServices: @unchecked Sendable {
  let pool: ProviderPool
  private let options: EngineOptions
  private let asking: Asking?
  private let lock: OpaquePointer
  // Under the lock.
  private(set) var cache: CheckCache?
  private var flights: [FlightKey: Flight] = [:]
  /// Those that plans have; equal ones of several names under the first.
  private(set) var clients: [(path: String, client: ProviderClient, users: Int)] = []

  /// How a provider is asked.
  typealias Asking =
    @Sendable (ProviderClient, ProviderQuestion, @escaping @Sendable (ProviderReply) -> Void) -> Void

  /// The door of a new engine; nil without memory. It opens nothing before a plan has use for it.
  public static func door(_ options: EngineOptions) -> ExternalDoor? { door(options, asking: nil) }

  /// `asking` stands in for the network.
  static func door(_ options: EngineOptions, asking: Asking?) -> ExternalDoor? {
    guard let pool = ProviderPool(), let lock = platform_lock_make() else { return nil }
    return ExternalServices(pool, options, lock, asking).door
  }

  private init(_ pool: ProviderPool, _ options: EngineOptions, _ lock: OpaquePointer, _ asking: Asking?) {
    self.pool = pool
    self.options = options
    self.asking = asking
    self.lock = lock
  }

  deinit { platform_lock_free(lock) }

  func locked<Result>(_ body: () -> Result) -> Result {
    platform_lock_acquire(lock)
    defer { platform_lock_release(lock) }
    return body()
  }

  private var door: ExternalDoor {
    ExternalDoor(
      acquire: { plan throws(PolicySet.Refusal) in try self.acquire(plan) },
      release: { self.release($0) },
      ask: { self.ask($0, $1) },
      openCache: { self.openCache() },
      makeCache: { self.makeCache() },
      freeCache: { cache in
        let worker = Unmanaged<WorkerCache>.fromOpaque(cache)
        worker._withUnsafeGuaranteedRef { $0.free() }
        worker.release()
      },
      find: findAnswer,
      keep: { cache, entry in
        guard let kept = entry as? KeptAnswer else { return }
        Unmanaged<WorkerCache>.fromOpaque(cache)._withUnsafeGuaranteedRef { worker in kept.lend { worker.insert($0) } }
      },
      isOwnThread: { self.pool.isOwnThread },
      snapshots: { self.snapshots() },
      problem: { self.problem() },
      purge: { target throws(PolicySet.Refusal) in try self.purge(target) },
      close: { self.close() })
  }

  private func close() {
    pool.close()
    let open = locked { () -> CheckCache? in
      defer { cache = nil }
      return cache
    }
    open?.close()
  }
}

// Providers.
extension ExternalServices {
  /// What a handle stands for.
  private final class Provider: @unchecked Sendable {
    let client: ProviderClient
    let fieldCount: Int
    /// Replies come on one thread.
    let result: ResultReader?

    init(_ client: ProviderClient, _ plan: ProviderPlan) {
      self.client = client
      fieldCount = plan.fields.count
      result = plan.result.map { ResultReader($0) }
    }
  }

  private func acquire(_ plan: ProviderPlan) throws(PolicySet.Refusal) -> UInt64 {
    do throws(ProviderError) {
      let client = try pool.acquire(try ProviderMapping.settings(plan))
      locked {
        if let index = clients.firstIndex(where: { $0.client === client }) {
          clients[index].users &+= 1
        } else {
          clients.append((plan.path, client, 1))
        }
      }
      let provider = Unmanaged.passRetained(Provider(client, plan))
      return UInt64(UInt(bitPattern: provider.toOpaque()))
    } catch {
      throw PolicySet.Refusal(kind: .system, message: "provider `\(plan.path)`: \(error.message)")
    }
  }

  /// What is wrong with a provider as it is written; nil if it can be asked. Opens nothing.
  public static func problem(of plan: ProviderPlan) -> String? {
    do throws(ProviderError) {
      try ProviderMapping.settings(plan).validate()
      return nil
    } catch {
      return error.message
    }
  }

  private static func provider(_ handle: UInt64) -> Unmanaged<Provider>? {
    UnsafeRawPointer(bitPattern: UInt(truncatingIfNeeded: handle)).map { Unmanaged.fromOpaque($0) }
  }

  private func release(_ handle: UInt64) {
    guard let provider = ExternalServices.provider(handle) else { return }
    let client = provider.takeUnretainedValue().client
    locked {
      guard let index = clients.firstIndex(where: { $0.client === client }) else { return }
      clients[index].users &-= 1
      if clients[index].users == 0 { clients.remove(at: index) }
    }
    pool.release(client)
    provider.release()
  }
}

// Questions.
extension ExternalServices {
  private struct FlightKey: Hashable {
    var provider: UInt64
    var values: [UInt8]
    /// What is asked after a purge is asked anew.
    var epochs: UInt64
  }

  /// One question under way, and who waits for its reply besides the one who asked.
  private struct Flight {
    var others: [Waiting] = []
  }

  private struct Waiting: Sendable {
    var question: ExternalQuestion
    /// Taken before the question was asked; nil for who joined, whose answer is not kept.
    var stamp: EpochStamp?
    var answered: @Sendable (ExternalAnswer) -> Void
  }

  private func ask(_ question: ExternalQuestion, _ answered: @escaping @Sendable (ExternalAnswer) -> Void) {
    guard let handle = ExternalServices.provider(question.provider) else {
      return answered(ExternalAnswer(failure: .closed))
    }
    let provider = handle.takeUnretainedValue()
    let stamp = locked { cache }.flatMap { self.stamp(of: question, $0) }
    let key = FlightKey(provider: question.provider, values: question.values, epochs: stamp?.fingerprint ?? 0)
    let isUnderWay = locked { () -> Bool in
      guard flights[key] != nil else {
        flights[key] = Flight()
        return false
      }
      flights[key]?.others.append(Waiting(question: question, stamp: nil, answered: answered))
      return true
    }
    if isUnderWay { return }
    let first = Waiting(question: question, stamp: stamp, answered: answered)
    guard let values = QuestionReader.values(of: question.values, count: provider.fieldCount) else {
      return land(key, first, provider, nil)
    }
    let landed: @Sendable (ProviderReply) -> Void = { self.land(key, first, provider, $0) }
    if let asking {
      asking(provider.client, ProviderQuestion(values: values), landed)
    } else {
      pool.ask(provider.client, ProviderQuestion(values: values), completion: landed)
    }
  }

  private func stamp(of question: ExternalQuestion, _ cache: CheckCache) -> EpochStamp? {
    guard question.cache != nil, !question.key.isEmpty else { return nil }
    return Array(question.policyPath.utf8).withUnsafeBytes { policy in
      lent(question.purgeTags[...], []) { cache.epochs(policy: policy, tags: $0) }
    }
  }

  /// A reply has come, or none will.
  private func land(_ key: FlightKey, _ first: Waiting, _ provider: Provider, _ reply: ProviderReply?) {
    let flight = locked { () -> Flight? in
      defer { flights[key] = nil }
      return flights[key]
    }
    let read = reply.map { AnswerMapping.draft($0, provider.result) }
    for waiting in [first] + (flight?.others ?? []) {
      waiting.answered(answer(to: waiting, read, maxAge: reply?.maxAgeNanoseconds))
    }
  }

  private func answer(
    to waiting: Waiting, _ read: Result<AnswerDraft, AnswerMapping.Failure>?, maxAge: Int64?
  ) -> ExternalAnswer {
    switch read {
    case nil: return ExternalAnswer(failure: .questionTooLarge)
    case .failure(let failure): return ExternalAnswer(failure: failure.kind)
    case .success(let draft):
      let plan = waiting.question.cache
      let taken = plan.map { AnswerMapping.kept(draft, $0) } ?? draft
      guard let bytes = taken.bytes else { return ExternalAnswer(failure: .unusableAnswer) }
      var answer = ExternalAnswer(failure: .none, bytes: bytes)
      if let plan, let stamp = waiting.stamp {
        answer.entry = keep(bytes, allows: taken.allows, waiting.question, plan, stamp, maxAge)
      } else if let plan, waiting.question.hasOlder, let open = locked({ cache }),
        let stamp = stamp(of: waiting.question, open)
      {
        // Who joined keeps no answer, and has had a newer one all the same.
        answer.entry = ExternalServices.ending(waiting.question, plan, stamp)
      }
      return answer
    }
  }

  private func keep(
    _ bytes: [UInt8], allows: Bool, _ question: ExternalQuestion, _ plan: CachePlan, _ stamp: EpochStamp,
    _ maxAge: Int64?
  ) -> KeptAnswer? {
    let life = min(allows ? plan.ttl : plan.denyTTL, maxAge ?? Int64.max)
    let open = locked { cache }
    let ending = question.hasOlder ? ExternalServices.ending(question, plan, stamp) : nil
    guard life > 0 else {
      ending?.lend { open?.put($0) }
      return ending
    }
    let fresh = question.now.addingReportingOverflow(life)
    // A provider that lets nothing be kept for longer means that too.
    let stale = fresh.partialValue.addingReportingOverflow(maxAge == nil ? plan.staleFor : 0)
    guard !fresh.overflow, !stale.overflow else { return nil }
    let kept = KeptAnswer(
      key: question.key, value: bytes, askedAt: question.now, freshUntil: fresh.partialValue,
      staleUntil: stale.partialValue, stamp: stamp)
    var isStored = false
    kept.lend { isStored = open?.put($0) ?? false }
    if !isStored { ending?.lend { open?.put($0) } }
    return kept
  }

  /// Takes the place of an older answer where the newer one is not kept: it says nothing, for as long as any that was asked for
  /// before could serve.
  private static func ending(_ question: ExternalQuestion, _ plan: CachePlan, _ stamp: EpochStamp) -> KeptAnswer? {
    let longest = max(plan.ttl, plan.denyTTL).addingReportingOverflow(plan.staleFor)
    let until = question.now.addingReportingOverflow(longest.partialValue)
    guard !longest.overflow, !until.overflow else { return nil }
    return KeptAnswer(
      key: question.key, value: [], askedAt: question.now, freshUntil: question.now &+ 1,
      staleUntil: until.partialValue,
      stamp: stamp)
  }
}

// The cache.
extension ExternalServices {
  /// Before workers look for anything in it.
  private func openCache() {
    let isOpen = locked { cache != nil }
    guard !isOpen else { return }
    var wanted = CheckCacheOptions(directory: options.storeDirectory)
    wanted.storeBytes = options.storeBytes
    let made = CheckCache.open(wanted)
    // So that the first requests find what is kept: a large file's digest takes a while.
    made?.flush(timeoutNanoseconds: 2_000_000_000)
    let spare = locked { () -> CheckCache? in
      if cache == nil {
        cache = made
        return nil
      }
      return made
    }
    spare?.close()
  }

  private func makeCache() -> UnsafeMutableRawPointer? {
    guard let open = locked({ cache }), let worker = open.makeWorker(bytes: options.workerCacheBytes) else {
      return nil
    }
    return Unmanaged.passRetained(worker).toOpaque()
  }

  /// Why there is no store though a folder was given.
  private func problem() -> String? { locked { cache }?.problem }

  private func purge(_ target: PurgeTarget) throws(PolicySet.Refusal) {
    openCache()
    guard let open = locked({ cache }) else {
      throw PolicySet.Refusal(kind: .system, message: "there is no check cache")
    }
    do {
      switch target {
      case .everything: try open.purge()
      case .policy(let path):
        try Array(path.utf8).withUnsafeBytes { try open.purge(policy: $0) }
      case .tag(let tag): try tag.withUnsafeBytes { try open.purge(tag: $0) }
      }
    } catch {
      throw PolicySet.Refusal(kind: .system, message: "the check cache cannot be purged: \(words(for: error))")
    }
  }
}

/// `ExternalDoor.find`.
private func findAnswer(
  _ cache: UnsafeMutableRawPointer, _ key: UnsafeRawPointer, _ count: Int, _ now: Int64,
  _ found: UnsafeMutableRawPointer
) {
  let out = found.assumingMemoryBound(to: FoundAnswer.self)
  Unmanaged<WorkerCache>.fromOpaque(cache)._withUnsafeGuaranteedRef { worker in
    let hit = worker.find(key: UnsafeRawBufferPointer(start: key, count: count), now: now)
    switch hit.state {
    case .miss: return
    case .fresh: out.pointee.state = .fresh
    case .stale: out.pointee.state = .stale
    }
    out.pointee.bytes = Bytes(hit.value.baseAddress, count: UInt32(truncatingIfNeeded: hit.value.count))
  }
}

/// Lends several texts at once.
private func lent<Result>(
  _ rest: ArraySlice<[UInt8]>, _ before: [UnsafeRawBufferPointer], _ body: ([UnsafeRawBufferPointer]) -> Result
) -> Result {
  guard let next = rest.first else { return body(before) }
  return next.withUnsafeBytes { lent(rest.dropFirst(), before + [$0], body) }
}
