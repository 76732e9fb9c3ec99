// One provider as the pool knows it: its route, its circuit, its counters, and of gRPC its connection.

/// Equal settings have one client. It is given out and taken back by its pool.
public final class ProviderClient: @unchecked Sendable {
  public let settings: ProviderSettings
  let route: ProviderRoute

  // Under the pool's lock.
  var users = 0
  var statistics = ProviderStatistics()
  var circuit: CircuitBreaker

  // Of the pool's thread alone.
  var lane = Lane.none
  /// Questions that wait for the connection which another one makes.
  var waiting: [Asked] = []

  /// HTTP/2 carries all questions over one connection, and libcurl has to be told whether there is one.
  enum Lane: Equatable {
    case none
    /// The question with this number makes one.
    case connecting(UInt64)
    /// There was one when somebody last looked.
    case open
  }

  init(_ settings: ProviderSettings, _ route: ProviderRoute) {
    self.settings = settings
    self.route = route
    self.circuit = CircuitBreaker(settings.circuit)
  }
}

/// What a client did since it was made. Numbers only grow, but for `inFlight`.
public struct ProviderStatistics: Equatable, Sendable {
  public var asked: UInt64 = 0
  public var allowed: UInt64 = 0
  public var denied: UInt64 = 0
  public var documents: UInt64 = 0
  /// By `ProviderFailure.rawValue`.
  private var failures = [UInt64](repeating: 0, count: ProviderFailure.allCases.count)
  public var inFlight = 0
  public var circuit = CircuitState.closed
  public var circuitOpened: UInt64 = 0
  public var connectionsOpened: UInt64 = 0
  /// Answers that came over a connection which was open before.
  public var connectionsReused: UInt64 = 0
  /// Questions sent once more: the open connection had died before any byte of an answer, or a gRPC answer was cut off.
  public var retried: UInt64 = 0
  /// Headers of answers that were not taken over.
  public var headersRefused: UInt64 = 0
  /// From `ask` to the answer, of all that were answered.
  public var latencyNanoseconds: UInt64 = 0

  public var answered: UInt64 { allowed &+ denied &+ documents }

  public func failed(_ failure: ProviderFailure) -> UInt64 {
    failures.indices.contains(failure.rawValue) ? failures[failure.rawValue] : 0
  }

  /// Another client's; its circuit stays its own.
  public mutating func add(_ other: ProviderStatistics) {
    asked &+= other.asked
    allowed &+= other.allowed
    denied &+= other.denied
    documents &+= other.documents
    for index in failures.indices where other.failures.indices.contains(index) {
      failures[index] &+= other.failures[index]
    }
    inFlight &+= other.inFlight
    circuitOpened &+= other.circuitOpened
    connectionsOpened &+= other.connectionsOpened
    connectionsReused &+= other.connectionsReused
    retried &+= other.retried
    headersRefused &+= other.headersRefused
    latencyNanoseconds &+= other.latencyNanoseconds
  }

  mutating func count(_ reply: ProviderReply) {
    headersRefused &+= UInt64(reply.headersRefused)
    switch reply.outcome {
    case .allow: allowed &+= 1
    case .deny: denied &+= 1
    case .document: documents &+= 1
    case .failure(let failure, _):
      if failures.indices.contains(failure.rawValue) { failures[failure.rawValue] &+= 1 }
    }
  }
}

/// One question under way. Of the pool's thread alone once it is taken from the queue.
final class Asked {
  let token: UInt64
  let client: ProviderClient
  let question: ProviderQuestion
  let began: Int64
  let deadline: Int64
  /// The asker gave it less time than the settings do, so running out of it says nothing about the provider.
  let isHurried: Bool
  let isProbe: Bool
  let completion: @Sendable (ProviderReply) -> Void
  var exchange: OpaquePointer?
  var wasRetried = false

  init(
    token: UInt64, client: ProviderClient, question: ProviderQuestion, began: Int64, deadline: Int64, isHurried: Bool,
    isProbe: Bool, completion: @escaping @Sendable (ProviderReply) -> Void
  ) {
    self.token = token
    self.client = client
    self.question = question
    self.began = began
    self.deadline = deadline
    self.isHurried = isHurried
    self.isProbe = isProbe
    self.completion = completion
  }
}
