// What a provider is: whom to ask, in which protocol, within which limits. Equal settings share one client.

/// One provider's definition. `ProviderPool.acquire` says what is wrong with it.
public struct ProviderSettings: Hashable, Sendable {
  public var interface: ProviderInterface
  public var endpoint: ProviderEndpoint
  /// Nil for no TLS. Verification cannot be switched off.
  public var tls: ProviderTLS?
  /// For a whole question, waiting and connecting included: 1 ms to 10 min.
  public var timeoutNanoseconds: Int64 = 200_000_000
  /// Questions under way at once, 1 to 65,536; the next one is refused as `overloaded`.
  public var inFlightMax = 256
  /// Bytes of an answer's body, 1 to 16 MiB, over gRPC to 1 MiB. Its headers may have 64 KiB.
  public var responseBytesMax = 65_536
  /// Nil: always asked, however often it fails.
  public var circuit: CircuitSettings? = CircuitSettings()

  public init(interface: ProviderInterface, endpoint: ProviderEndpoint, tls: ProviderTLS? = nil) {
    self.interface = interface
    self.endpoint = endpoint
    self.tls = tls
  }

  /// How many values a question has, in the order of the interface's fields.
  public var fieldCount: Int {
    switch interface {
    case .extAuthzGRPC(let settings): return settings.fields.count
    case .extAuthzHTTP(let settings): return settings.fields.count
    case .opa(let settings): return settings.fields.count
    }
  }
}

/// After so many failures in a row nobody is asked for a while; then one question goes to see.
public struct CircuitSettings: Hashable, Sendable {
  /// 1 to 1,000,000.
  public var failures: UInt32 = 5
  /// 1 ms to 1 h.
  public var openNanoseconds: Int64 = 5_000_000_000

  public init(failures: UInt32 = 5, openNanoseconds: Int64 = 5_000_000_000) {
    self.failures = failures
    self.openNanoseconds = openNanoseconds
  }
}

/// Certificates, in PEM files.
public struct ProviderTLS: Hashable, Sendable {
  /// Who is trusted; the system's authorities when nil.
  public var caFile: String?
  /// The client's own, for providers that want to know who asks; with its key.
  public var certificateFile: String?
  public var keyFile: String?
  /// The name that the certificate must have; the endpoint's host when nil. A Unix socket needs one.
  public var serverName: String?

  public init(
    caFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil, serverName: String? = nil
  ) {
    self.caFile = caFile
    self.certificateFile = certificateFile
    self.keyFile = keyFile
    self.serverName = serverName
  }
}

/// How a provider is asked.
public enum ProviderInterface: Hashable, Sendable {
  /// `envoy.service.auth.v3.Authorization/Check` over HTTP/2: by prior knowledge, with TLS by ALPN.
  case extAuthzGRPC(ExtAuthzGRPCSettings)
  /// Envoy's ext_authz over HTTP/1.1: 200 allows, 5xx is a failure, any other status denies with it.
  case extAuthzHTTP(ExtAuthzHTTPSettings)
  /// OPA's REST API: POST of `{"input": {…}}`; the answer's document goes to whoever asked.
  case opa(OPASettings)
}

public struct ExtAuthzGRPCSettings: Hashable, Sendable {
  public var fields: [ExtAuthzField]
  /// The `:authority`; the endpoint's host and port when nil, with TLS the server name and the port.
  public var authority: String?

  public init(fields: [ExtAuthzField], authority: String? = nil) {
    self.fields = fields
    self.authority = authority
  }
}

/// Where a value goes in a `CheckRequest`. Names of headers are written in lower case, as Envoy has them.
public enum ExtAuthzField: Hashable, Sendable {
  case sourceAddress, sourcePort, sourceService, sourcePrincipal, sourceCertificate
  case sourceLabel(String)
  case destinationAddress, destinationPort, destinationService, destinationPrincipal, destinationCertificate
  case destinationLabel(String)
  /// A timestamp.
  case requestTime
  case requestID, requestMethod, requestPath, requestHost, requestScheme, requestQuery, requestFragment
  /// An integer, as are the ports.
  case requestSize
  case requestProtocol
  /// `body` for text, `raw_body` for bytes.
  case requestBody, requestRawBody
  case requestHeader(String)
  /// A map; an entry that a `requestHeader` names too is left out.
  case requestHeaders
  case contextExtension(String)
  /// `tls_session.sni`.
  case serverName
}

public struct ExtAuthzHTTPSettings: Hashable, Sendable {
  public var fields: [ExtAuthzHTTPField]
  /// Stands before the path that is sent: empty, or `/auth`.
  public var pathPrefix: String
  /// Sent with every question.
  public var headers: [ProviderHeader]
  /// Headers of an answer that allows, which replace the request's; `*` at one end stands for anything.
  public var upstreamHeaders: [String]
  /// The same, appended to the request's.
  public var upstreamHeadersToAppend: [String]
  /// Headers of an answer that allows, which go to the client.
  public var clientHeadersOnAllow: [String]
  /// Headers of an answer that denies, which go to the client, and always `location` and `www-authenticate`. Nil for
  /// all.
  public var clientHeadersOnDeny: [String]?

  public init(
    fields: [ExtAuthzHTTPField], pathPrefix: String = "", headers: [ProviderHeader] = [],
    upstreamHeaders: [String] = [], upstreamHeadersToAppend: [String] = [], clientHeadersOnAllow: [String] = [],
    clientHeadersOnDeny: [String]? = nil
  ) {
    self.fields = fields
    self.pathPrefix = pathPrefix
    self.headers = headers
    self.upstreamHeaders = upstreamHeaders
    self.upstreamHeadersToAppend = upstreamHeadersToAppend
    self.clientHeadersOnAllow = clientHeadersOnAllow
    self.clientHeadersOnDeny = clientHeadersOnDeny
  }
}

/// Where a value goes in an HTTP question.
public enum ExtAuthzHTTPField: Hashable, Sendable {
  /// GET when it is not asked for or absent.
  case method
  /// The path with its query; `/` when it is not asked for or absent.
  case path
  /// `Host`; when it is not asked for or absent, the endpoint's host and port, with TLS the server name and the port.
  case host
  case header(String)
  /// A map. What another field names, what belongs to one connection (RFC 9110, 7.6.1) and `content-length` are left
  /// out.
  case headers
}

public struct ProviderHeader: Hashable, Sendable {
  public var name: String
  public var value: String

  public init(name: String, value: String) {
    self.name = name
    self.value = value
  }
}

public struct OPASettings: Hashable, Sendable {
  /// Such as `/v1/data/mesh/allow`, with a query if wanted.
  public var path: String
  /// The members of `input`, in the order of a question's values. No name twice.
  public var fields: [String]
  /// Sent with every question, such as `authorization`.
  public var headers: [ProviderHeader]

  public init(path: String, fields: [String], headers: [ProviderHeader] = []) {
    self.path = path
    self.fields = fields
    self.headers = headers
  }
}
