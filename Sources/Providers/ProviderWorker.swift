// What the pool's thread does: starts exchanges, looks after deadlines, and makes replies of what comes back.
//
// libcurl shares connections among all exchanges of the loop. Over HTTP/1.1 it takes an open one or makes a new one by
// itself. Over HTTP/2 without TLS it has to be told beforehand which of the two, so the first question of a client
// makes the connection, those after it wait until it is made, and the rest go over it; one that finds it gone makes the
// next.

import CCurl
import CPlatform

final class ProviderWorker {
  private let pool: ProviderPool
  private let loop: OpaquePointer
  private var underWay: [UInt64: Asked] = [:]
  /// Clients whose first question makes a connection.
  private var connecting: [ProviderClient] = []
  /// No deadline comes before this; it may be that of a question which has ended.
  private var deadlineNext = Int64.max

  init(pool: ProviderPool, loop: OpaquePointer) {
    self.pool = pool
    self.loop = loop
  }

  /// False when there is to be no other one: the pool closes, or libcurl cannot wait any more.
  func round(_ commands: [ProviderPool.Command], isRunning: Bool) -> Bool {
    guard isRunning else {
      keep(commands)
      return false
    }
    for command in commands {
      switch command {
      case .ask(let asked): take(asked)
      case .cancel(let token):
        if let asked = underWay[token] { end(asked, .failure(.cancelled, "it is cancelled")) }
      }
    }
    let works = http_loop_run(loop, Int32(truncatingIfNeeded: milliseconds(to: deadlineNext)))
    lookAfterConnections()
    while let exchange = http_loop_finished(loop) { finished(exchange) }
    expire()
    return works
  }

  /// Ends whatever is left, and what was asked meanwhile.
  func end(_ commands: [ProviderPool.Command]) {
    keep(commands)
    for asked in underWay.values.sorted(by: { $0.token < $1.token }) {
      asked.client.waiting = []
      end(asked, .failure(.closed, "the providers are closed"))
    }
  }

  /// They are known, to be ended, and not begun.
  private func keep(_ commands: [ProviderPool.Command]) {
    for command in commands { if case .ask(let asked) = command { underWay[asked.token] = asked } }
  }

  /// Rounded up, at most a minute.
  private func milliseconds(to deadline: Int64) -> Int64 {
    guard deadline != Int64.max else { return 60_000 }
    let left = deadline &- platform_monotonic_nanoseconds()
    return max(0, min(60_000, (left &+ 999_999) / 1_000_000))
  }

  // MARK: Beginning

  private func take(_ asked: Asked) {
    underWay[asked.token] = asked
    deadlineNext = min(deadlineNext, asked.deadline)
    start(asked)
  }

  private func start(_ asked: Asked) {
    let client = asked.client
    guard client.route.isVersion2 else {
      start(asked, asked.wasRetried ? HTTP_CONNECTION_FRESH : HTTP_CONNECTION_ANY)
      return
    }
    switch client.lane {
    case .connecting: client.waiting.append(asked)
    case .open: start(asked, HTTP_CONNECTION_REUSED)
    case .none:
      client.lane = .connecting(asked.token)
      connecting.append(client)
      start(asked, HTTP_CONNECTION_FRESH)
    }
  }

  private func start(_ asked: Asked, _ connection: http_connection) {
    let left = asked.deadline &- platform_monotonic_nanoseconds()
    guard left > 0 else {
      end(asked, .failure(.timeout, "the time is up before it is asked"))
      return
    }
    let message: HTTPMessage
    do throws(ProviderError) {
      message = try Self.message(asked.client.settings.interface, asked.question, left)
    } catch {
      end(asked, .failure(.question, error.message))
      return
    }
    let owner = Unmanaged.passUnretained(asked).toOpaque()
    switch message.start(loop, route: asked.client.route, connection: connection, owner: owner) {
    case .success(let exchange): asked.exchange = exchange
    case .failure(let error): end(asked, .failure(.connect, "it cannot be asked: \(error.message)"))
    }
  }

  private static func message(
    _ interface: ProviderInterface, _ question: ProviderQuestion, _ leftNanoseconds: Int64
  ) throws(ProviderError) -> HTTPMessage {
    switch interface {
    case .opa(let settings): return try OPA.message(settings, question)
    case .extAuthzHTTP(let settings): return try ExtAuthzHTTP.message(settings, question)
    case .extAuthzGRPC(let settings): return try ExtAuthzGRPC.message(settings, question, leftNanoseconds)
    }
  }

  // MARK: Connections of HTTP/2

  private func lookAfterConnections() {
    for client in connecting {
      guard case .connecting(let token) = client.lane, let exchange = underWay[token]?.exchange,
        http_exchange_is_connected(exchange)
      else { continue }
      client.lane = .open
      let waiting = client.waiting
      client.waiting = []
      for asked in waiting { start(asked) }
    }
    connecting.removeAll { client in
      if case .connecting = client.lane { return false }
      return true
    }
  }

  /// The question that was to make the connection ends without one: so do those that waited for it, if that is the
  /// provider's fault, else the next one tries.
  private func lostConnection(of asked: Asked, _ reply: ProviderReply) {
    let client = asked.client
    guard client.lane == .connecting(asked.token) else { return }
    client.lane = .none
    let waiting = client.waiting
    client.waiting = []
    var areRefused = false
    if case .failure(let failure, _) = reply.outcome { areRefused = failure == .connect || failure == .tls }
    for other in waiting {
      if areRefused { end(other, reply) } else { start(other) }
    }
  }

  // MARK: Ending

  private func finished(_ exchange: OpaquePointer) {
    guard let owner = http_exchange_owner(exchange) else { return }
    let asked = Unmanaged<Asked>.fromOpaque(owner).takeUnretainedValue()
    let outcome = http_exchange_outcome(exchange)
    let wasOpen = http_exchange_connections(exchange) == 0
    if outcome == HTTP_OUTCOME_NO_CONNECTION {
      again(asked)
    } else if wasOpen, !asked.wasRetried, !http_exchange_has_response(exchange), isGone(outcome, asked) {
      // The provider closed a connection that it had kept open, as it may at any time; nothing tells that it saw the
      // question, and asking twice does no harm.
      retry(asked)
    } else if outcome == HTTP_OUTCOME_ANSWERED {
      let answer = HTTPAnswer(exchange)
      if asked.client.route.isVersion2, !asked.wasRetried, GRPCCall.isCut(answer) {
        retry(asked)
        return
      }
      if wasOpen { pool.count(asked.client) { $0.connectionsReused &+= 1 } }
      end(asked, reply(asked, answer))
    } else {
      end(asked, failure(outcome, exchange))
    }
  }

  private func retry(_ asked: Asked) {
    asked.wasRetried = true
    pool.count(asked.client) { $0.retried &+= 1 }
    again(asked)
  }

  /// libcurl tells of a GOAWAY as an error of HTTP/2.
  private func isGone(_ outcome: http_outcome, _ asked: Asked) -> Bool {
    outcome == HTTP_OUTCOME_RESET || outcome == HTTP_OUTCOME_PROTOCOL && asked.client.route.isVersion2
  }

  /// Its connection is gone; the next one is new.
  private func again(_ asked: Asked) {
    free(asked)
    if asked.client.lane == .open { asked.client.lane = .none }
    start(asked)
  }

  private func reply(_ asked: Asked, _ answer: HTTPAnswer) -> ProviderReply {
    switch asked.client.settings.interface {
    case .opa: return OPA.reply(answer)
    case .extAuthzHTTP(let settings): return ExtAuthzHTTP.reply(settings, answer)
    case .extAuthzGRPC: return ExtAuthzGRPC.reply(answer)
    }
  }

  private func failure(_ outcome: http_outcome, _ exchange: OpaquePointer) -> ProviderReply {
    let kind: ProviderFailure
    switch outcome {
    case HTTP_OUTCOME_TIMEOUT: kind = .timeout
    case HTTP_OUTCOME_CONNECT: kind = .connect
    case HTTP_OUTCOME_TLS: kind = .tls
    case HTTP_OUTCOME_RESET: kind = .reset
    case HTTP_OUTCOME_TOO_LARGE: return .failure(.tooLarge, "its answer is larger than it may be")
    default: kind = .protocolError
    }
    return .failure(kind, String(cString: http_exchange_error(exchange)))
  }

  private func expire() {
    let now = platform_monotonic_nanoseconds()
    guard now >= deadlineNext else { return }
    deadlineNext = Int64.max
    for asked in Array(underWay.values) {
      if asked.deadline <= now {
        end(asked, .failure(.timeout, "no answer came in time"))
      } else {
        deadlineNext = min(deadlineNext, asked.deadline)
      }
    }
  }

  private func end(_ asked: Asked, _ reply: ProviderReply) {
    guard underWay.removeValue(forKey: asked.token) != nil else { return }
    free(asked)
    asked.client.waiting.removeAll { $0 === asked }
    pool.complete(asked, reply)
    lostConnection(of: asked, reply)
  }

  private func free(_ asked: Asked) {
    guard let exchange = asked.exchange else { return }
    asked.exchange = nil
    let opened = http_exchange_connections(exchange)
    if opened > 0 { pool.count(asked.client) { $0.connectionsOpened &+= UInt64(opened) } }
    http_exchange_free(exchange)
  }
}
