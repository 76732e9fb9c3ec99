// Questions in, replies out, on one thread of its own.
//
//   any thread ── ask ──► queue, under a lock ──► I/O thread: encode, libcurl, decode ──► completion
//                │                                    ▲ http_loop_wake
//                └── refused at once: too many under way, circuit open, closed
//
// The thread starts with the first client and ends with `close`. It blocks all signals and has a stack of 1 MiB.
// INVARIANT: each question is counted in `inFlight` from its `ask` to its completion, and completed once.

import CCurl
import CPlatform

/// Names one question, for `cancel`.
public struct ProviderToken: Hashable, Sendable {
  let number: UInt64
}

public final class ProviderPool: @unchecked Sendable {
  enum Command {
    case ask(Asked)
    case cancel(UInt64)
  }

  private enum State {
    case idle, running, closing, closed
  }

  private static let stackBytes = 1 << 20
  private static let idleConnectionsMax = 64

  /// Guards what follows, and of each client what its declaration says.
  private let lock: OpaquePointer
  private let forks: UInt32
  private var state = State.idle
  private var clients: [ProviderSettings: ProviderClient] = [:]
  private var commands: [Command] = []
  private var tokenNext: UInt64 = 1
  private var loop: OpaquePointer?
  private var thread: OpaquePointer?
  /// 0 without a thread. Read without the lock too.
  private let threadIdentity: UnsafeMutablePointer<UInt64>

  /// Nil without memory. Starts nothing and opens nothing.
  public init?() {
    guard let lock = platform_lock_make() else { return nil }
    self.lock = lock
    threadIdentity = .allocate(capacity: 1)
    threadIdentity.initialize(to: 0)
    platform_watch_forks()
    forks = platform_fork_count()
  }

  /// A pool that runs is held by its thread until `close`.
  deinit {
    threadIdentity.deallocate()
    platform_lock_free(lock)
  }

  private func locked<Result>(_ body: () -> Result) -> Result {
    platform_lock_acquire(lock)
    defer { platform_lock_release(lock) }
    return body()
  }

  /// In a fork's child there is no thread, and the lock may be held for ever.
  private var isOfAnotherProcess: Bool { platform_fork_count() != forks }

  /// Whether the caller is the pool's thread, as in a completion.
  public var isOwnThread: Bool { !isOfAnotherProcess && platform_load(threadIdentity) == platform_thread_identity() }

  // MARK: Clients

  /// The client for these settings, the same for equal ones. Each `acquire` wants its `release`. Opens libcurl and
  /// starts the thread the first time; says what is wrong with the settings, or which package is missing.
  public func acquire(_ settings: ProviderSettings) throws(ProviderError) -> ProviderClient {
    let route = try ProviderRoute(settings)
    guard !isOfAnotherProcess else { throw ProviderError("no provider can be asked in a forked process") }
    let result = locked { () -> Result<ProviderClient, ProviderError> in
      if let problem = start() { return .failure(problem) }
      let client = clients[settings] ?? ProviderClient(settings, route)
      client.users &+= 1
      clients[settings] = client
      return .success(client)
    }
    return try result.get()
  }

  /// Ends what an `acquire` began. Questions under way go on.
  public func release(_ client: ProviderClient) {
    guard !isOfAnotherProcess else { return }
    locked {
      client.users &-= 1
      if client.users <= 0, clients[client.settings] === client { clients[client.settings] = nil }
    }
  }

  public func statistics(_ client: ProviderClient) -> ProviderStatistics {
    guard !isOfAnotherProcess else { return ProviderStatistics() }
    return locked {
      var statistics = client.statistics
      statistics.circuit = client.circuit.state
      return statistics
    }
  }

  /// With the lock held.
  private func start() -> ProviderError? {
    switch state {
    case .running: return nil
    case .closing, .closed: return ProviderError("the providers are closed")
    case .idle: break
    }
    var reason = [CChar](repeating: 0, count: 512)
    let made = reason.withUnsafeMutableBufferPointer { reason in
      http_loop_make(ProviderPool.idleConnectionsMax, reason.baseAddress, reason.count)
    }
    guard let made else { return ProviderError(textOf(reason)) }
    loop = made
    let held = Unmanaged.passRetained(self)
    var number: Int32 = 0
    thread = platform_thread_start_sized(
      { context in
        guard let context else { return }
        Unmanaged<ProviderPool>.fromOpaque(context).takeRetainedValue().run()
      }, held.toOpaque(), "purser-provider", ProviderPool.stackBytes, &number)
    guard thread != nil else {
      held.release()
      loop = nil
      http_loop_free(made)
      return ProviderError("no thread for providers can be started: error \(number)")
    }
    state = .running
    return nil
  }

  // MARK: Questions

  /// Asks, from any thread, without waiting. The completion is called exactly once: on the pool's thread, or before
  /// this returns when the question is refused at once. `deadline`, in monotonic nanoseconds, can only shorten the
  /// settings' timeout. The completion must not block, and must not call `close`.
  @discardableResult
  public func ask(
    _ client: ProviderClient, _ question: ProviderQuestion, deadline: Int64? = nil,
    completion: @escaping @Sendable (ProviderReply) -> Void
  ) -> ProviderToken {
    guard !isOfAnotherProcess else {
      completion(.failure(.closed, "no provider can be asked in a forked process"))
      return ProviderToken(number: 0)
    }
    let now = platform_monotonic_nanoseconds()
    let (token, refusal) = locked { () -> (UInt64, ProviderReply?) in
      let token = tokenNext
      tokenNext &+= 1
      client.statistics.asked &+= 1
      guard state == .running, let loop else {
        return (token, refuse(client, .closed, "the providers are closed"))
      }
      guard client.statistics.inFlight < client.settings.inFlightMax else {
        return (token, refuse(client, .overloaded, "\(client.settings.inFlightMax) questions are under way"))
      }
      let admission = client.circuit.admit(now: now)
      guard admission != .refused else {
        return (token, refuse(client, .circuitOpen, "it failed too often and is not asked for a while"))
      }
      client.statistics.inFlight &+= 1
      let wasEmpty = commands.isEmpty
      let end = now &+ client.settings.timeoutNanoseconds
      let deadline = min(end, deadline ?? end)
      commands.append(
        .ask(
          Asked(
            token: token, client: client, question: question, began: now, deadline: deadline,
            isHurried: deadline < end, isProbe: admission == .probe, completion: completion)))
      // Under the lock, so that the loop is not freed meanwhile. It writes one byte and never waits.
      if wasEmpty { http_loop_wake(loop) }
      return (token, nil)
    }
    if let refusal { completion(refusal) }
    return ProviderToken(number: token)
  }

  private func refuse(_ client: ProviderClient, _ failure: ProviderFailure, _ text: String) -> ProviderReply {
    let reply = ProviderReply.failure(failure, text)
    client.statistics.count(reply)
    return reply
  }

  /// Makes the question complete as `cancelled` soon, unless it completes in another way first. Any thread.
  public func cancel(_ token: ProviderToken) {
    guard !isOfAnotherProcess else { return }
    locked {
      guard state == .running, let loop else { return }
      let wasEmpty = commands.isEmpty
      commands.append(.cancel(token.number))
      if wasEmpty { http_loop_wake(loop) }
    }
  }

  /// Completes every question under way as `closed`, closes all connections and waits for the thread. Later questions
  /// are refused. Again is fine; not from a completion, where it returns without having done anything.
  public func close() {
    guard !isOfAnotherProcess else { return }
    let ending = locked { () -> OpaquePointer? in
      guard !isOwnThread else { return nil }
      if state == .running, let loop {
        state = .closing
        http_loop_wake(loop)
      } else if state == .idle {
        state = .closed
      }
      defer { thread = nil }
      return thread
    }
    guard let ending else { return }
    platform_thread_join(ending)
  }

  // MARK: The thread

  private func run() {
    let loop = locked { () -> OpaquePointer? in
      platform_store(threadIdentity, platform_thread_identity())
      return self.loop
    }
    guard let loop else { return }
    let worker = ProviderWorker(pool: self, loop: loop)
    while true {
      let (taken, isRunning) = locked { () -> ([Command], Bool) in
        let taken = commands
        commands = []
        return (taken, state == .running)
      }
      if worker.round(taken, isRunning: isRunning) { continue }
      // Nobody asks or wakes from here on; what came in since is answered too.
      let left = locked { () -> [Command] in
        state = .closed
        self.loop = nil
        defer { commands = [] }
        return commands
      }
      worker.end(left)
      break
    }
    http_loop_free(loop)
    platform_store(threadIdentity, 0)
  }

  /// Counts and completes, on the pool's thread.
  func complete(_ asked: Asked, _ reply: ProviderReply) {
    let now = platform_monotonic_nanoseconds()
    let client = asked.client
    locked {
      client.statistics.inFlight &-= 1
      client.statistics.count(reply)
      var health = ProviderFailure.Health.well
      if case .failure(let failure, _) = reply.outcome {
        health = failure == .timeout && asked.isHurried ? .unknown : failure.health
      } else {
        client.statistics.latencyNanoseconds &+= UInt64(max(0, now &- asked.began))
      }
      switch health {
      case .well: client.circuit.succeeded()
      case .unknown: client.circuit.learntNothing(wasProbe: asked.isProbe)
      case .ill: if client.circuit.failed(wasProbe: asked.isProbe, now: now) { client.statistics.circuitOpened &+= 1 }
      }
    }
    asked.completion(reply)
  }

  func count(_ client: ProviderClient, _ change: (inout ProviderStatistics) -> Void) {
    locked { change(&client.statistics) }
  }
}
