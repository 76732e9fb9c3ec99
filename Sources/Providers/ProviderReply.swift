// What is asked, and what comes back.

/// One value for each field of the provider's settings, in their order; missing ones at the end are absent.
public struct ProviderQuestion: Equatable, Sendable {
  public var values: [FieldValue]

  public init(values: [FieldValue]) { self.values = values }
}

/// The end of a question. There is always exactly one.
public struct ProviderReply: Equatable, Sendable {
  public enum Outcome: Equatable, Sendable {
    case allow
    case deny
    /// OPA's whole answer, a map. Whether that allows is not for this module to say.
    case document(FieldValue)
    /// No answer, and why: a line for a log, in lower case.
    case failure(ProviderFailure, String)
  }

  public var outcome: Outcome
  /// Of a denial, what the client is to get: 200 to 599. Else what the provider's own answer had, 0 without an answer.
  public var httpStatus: UInt16 = 0
  /// google.rpc code: of the `CheckResponse` or, of a failure, what gRPC gave. HTTP's denials are 7
  /// (PERMISSION_DENIED).
  public var grpcCode: Int32 = 0
  /// What the provider says about its answer, for a log.
  public var message: [UInt8] = []
  /// To be done in this order.
  public var headerChanges: [HeaderChange] = []
  /// Headers the provider wanted to set or remove, which nobody may: `host`, `content-length`, pseudo-headers and what
  /// belongs to one connection.
  public var headersRefused: UInt32 = 0
  /// Changes of the request's query, from ext_authz over gRPC.
  public var queryChanges: [QueryChange] = []
  /// Of a denial, for the client.
  public var body: [UInt8] = []
  /// How long the provider lets its answer be kept (Cache-Control over HTTP; 0 for not at all). Nil when it says
  /// nothing, as over gRPC, which has no words for it.
  public var maxAgeNanoseconds: Int64?

  public init(_ outcome: Outcome) { self.outcome = outcome }

  static func failure(_ failure: ProviderFailure, _ text: String) -> ProviderReply {
    ProviderReply(.failure(failure, text))
  }
}

/// Why there is no answer.
public enum ProviderFailure: Int, CaseIterable, Hashable, Sendable {
  /// The settings' timeout or the asker's own deadline.
  case timeout
  /// No such host, nobody listens, no network.
  case connect
  /// No handshake, a certificate that does not verify, or the provider wants one of ours.
  case tls
  /// The connection or stream ended before the answer did.
  case reset
  /// What came is none of the protocol: no HTTP, no gRPC.
  case protocolError
  /// An answer that came whole and cannot be used: it is no JSON, no CheckResponse, has a header that is none.
  case unusable
  /// The answer is larger than the settings allow.
  case tooLarge
  /// The provider says that it failed: an HTTP status that is no answer, a gRPC status, an `error_response`.
  case provider
  /// The values cannot be asked in this protocol: a header with a line break, text that is not UTF-8.
  case question
  /// Too many are under way.
  case overloaded
  /// It failed too often and rests.
  case circuitOpen
  case cancelled
  /// The pool is closed, or this is a fork's child.
  case closed

  enum Health: Sendable { case well, ill, unknown }

  /// What it tells about the provider. One that answers is well, even if the answer is of no use: a client may have provoked
  /// that, and must not be able to have the provider left alone.
  var health: Health {
    switch self {
    case .provider, .tooLarge, .unusable: return .well
    case .timeout, .connect, .tls, .reset, .protocolError: return .ill
    case .question, .overloaded, .circuitOpen, .cancelled, .closed: return .unknown
    }
  }
}

public struct HeaderChange: Equatable, Sendable {
  public enum Target: Equatable, Sendable {
    /// The request, as it goes on.
    case upstreamRequest
    /// The response: the upstream's, or of a denial the local one.
    case clientResponse
  }

  public enum Operation: Equatable, Sendable {
    /// Replaces all of that name, or adds.
    case set
    /// Adds one more.
    case append
    case addIfAbsent
    /// Replaces, only if there is one.
    case overwriteIfExists
    /// The value is empty.
    case remove
  }

  public var target: Target
  public var operation: Operation
  /// A token in lower case.
  public var name: [UInt8]
  /// Without CR, LF and NUL.
  public var value: [UInt8]

  public init(target: Target, operation: Operation, name: [UInt8], value: [UInt8] = []) {
    self.target = target
    self.operation = operation
    self.name = name
    self.value = value
  }
}

public enum QueryChange: Equatable, Sendable {
  case set(name: [UInt8], value: [UInt8])
  case remove(name: [UInt8])
}
