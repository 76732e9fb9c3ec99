// The well-known attributes: names as Envoy writes them, aliases of Istio Mixer and OpenTelemetry. The numbers are
// those of `include/purser.h` and are never reused; a test holds the two together.

/// When an attribute is known.
public enum Phase: UInt8, Sendable, Comparable {
  case connection = 0
  case request = 1
  case response = 2

  public static func < (a: Phase, b: Phase) -> Bool { a.rawValue < b.rawValue }

  public var name: String {
    switch self {
    case .connection: "connection"
    case .request: "request"
    case .response: "response"
    }
  }
}

/// The types that an attribute may have; the raw value is how documents write it.
public enum AttributeType: String, Sendable, CaseIterable {
  case string, bytes, int, uint, double, bool, timestamp, duration, dyn
  case stringList = "list(string)"
  case stringMap = "map(string,string)"
  case dynMap = "map(string,dyn)"

  public var isMap: Bool { self == .stringMap || self == .dynMap }
}

public struct Attribute: Sendable {
  public var number: UInt32
  public var name: String
  public var type: AttributeType
  public var phase: Phase
  public var aliases: [String]

  public init(
    _ number: UInt32, _ name: String, _ type: AttributeType, _ phase: Phase, aliases: [String] = []
  ) {
    self.number = number
    self.name = name
    self.type = type
    self.phase = phase
    self.aliases = aliases
  }
}

public enum Vocabulary {
  /// Custom attributes have numbers from here on.
  public static let customFirst: UInt32 = 4096

  /// The attribute of a number; numbers are places in `wellKnown`, counted from 1.
  public static func attribute(_ number: UInt32) -> Attribute? {
    guard number >= 1, number <= UInt32(truncatingIfNeeded: wellKnown.count) else { return nil }
    return wellKnown[Int(number) &- 1]
  }

  /// By name or alias.
  public static func attribute(named name: String) -> Attribute? {
    guard let number = numbers[name] else { return nil }
    return attribute(number)
  }

  private static let numbers: [String: UInt32] = {
    var numbers: [String: UInt32] = [:]
    for attribute in wellKnown {
      // A name wins over an alias.
      for alias in attribute.aliases where numbers[alias] == nil { numbers[alias] = attribute.number }
    }
    for attribute in wellKnown { numbers[attribute.name] = attribute.number }
    return numbers
  }()

  public static let wellKnown: [Attribute] = [
    Attribute(1, "request.method", .string, .request, aliases: ["http.request.method"]),
    Attribute(2, "request.path", .string, .request),
    Attribute(3, "request.url_path", .string, .request, aliases: ["url.path"]),
    Attribute(4, "request.query", .string, .request, aliases: ["url.query"]),
    Attribute(5, "request.host", .string, .request),
    Attribute(6, "request.scheme", .string, .request, aliases: ["url.scheme"]),
    Attribute(7, "request.protocol", .string, .request),
    Attribute(8, "request.headers", .stringMap, .request, aliases: ["http.request.header"]),
    Attribute(9, "request.headers_bytes", .int, .request),
    Attribute(10, "request.referer", .string, .request),
    Attribute(11, "request.useragent", .string, .request, aliases: ["user_agent.original"]),
    Attribute(12, "request.id", .string, .request),
    Attribute(13, "request.time", .timestamp, .request, aliases: ["context.time"]),
    Attribute(14, "request.api_key", .string, .request),
    Attribute(15, "request.auth.principal", .string, .request),
    Attribute(16, "request.auth.audiences", .stringList, .request),
    Attribute(17, "request.auth.presenter", .string, .request),
    Attribute(18, "request.auth.claims", .dynMap, .request),
    Attribute(19, "request.auth.raw_claims", .string, .request),
    Attribute(20, "request.duration", .duration, .response, aliases: ["response.duration"]),
    Attribute(21, "request.size", .int, .response, aliases: ["http.request.body.size"]),
    Attribute(22, "request.total_size", .int, .response),
    Attribute(23, "response.code", .int, .response, aliases: ["http.response.status_code"]),
    Attribute(24, "response.code_details", .string, .response),
    Attribute(25, "response.flags", .int, .response),
    Attribute(26, "response.grpc_status", .int, .response, aliases: ["rpc.grpc.status_code"]),
    Attribute(27, "response.headers", .stringMap, .response, aliases: ["http.response.header"]),
    Attribute(28, "response.headers_bytes", .int, .response),
    Attribute(29, "response.trailers", .stringMap, .response),
    Attribute(30, "response.size", .int, .response, aliases: ["http.response.body.size"]),
    Attribute(31, "response.total_size", .int, .response),
    Attribute(32, "response.time", .timestamp, .response),
    Attribute(33, "response.backend_latency", .duration, .response),
    Attribute(34, "source.address", .string, .connection, aliases: ["network.peer.address", "source.ip"]),
    Attribute(35, "source.port", .int, .connection, aliases: ["network.peer.port"]),
    Attribute(36, "client.address", .string, .request),
    Attribute(37, "source.principal", .string, .connection, aliases: ["source.user"]),
    Attribute(38, "source.namespace", .string, .request, aliases: ["source.workload.namespace"]),
    Attribute(39, "source.workload.name", .string, .request),
    Attribute(40, "source.workload.uid", .string, .request),
    Attribute(41, "source.name", .string, .request),
    Attribute(42, "source.uid", .string, .request),
    Attribute(43, "source.labels", .stringMap, .request),
    Attribute(44, "source.service_account", .string, .request, aliases: ["source.serviceAccount"]),
    Attribute(45, "source.owner", .string, .request),
    Attribute(46, "source.cluster", .string, .request),
    Attribute(47, "destination.address", .string, .connection, aliases: ["destination.ip", "network.local.address"]),
    Attribute(48, "destination.port", .int, .connection, aliases: ["network.local.port"]),
    Attribute(49, "destination.principal", .string, .connection, aliases: ["destination.user"]),
    Attribute(50, "destination.namespace", .string, .connection, aliases: ["destination.workload.namespace"]),
    Attribute(51, "destination.workload.name", .string, .connection),
    Attribute(52, "destination.workload.uid", .string, .connection),
    Attribute(53, "destination.name", .string, .connection),
    Attribute(54, "destination.uid", .string, .connection),
    Attribute(55, "destination.labels", .stringMap, .connection),
    Attribute(56, "destination.service.name", .string, .request),
    Attribute(57, "destination.service.namespace", .string, .request),
    Attribute(58, "destination.service.host", .string, .request, aliases: ["destination.service"]),
    Attribute(59, "destination.service.uid", .string, .request),
    Attribute(60, "destination.container.name", .string, .connection),
    Attribute(61, "destination.owner", .string, .connection),
    Attribute(62, "destination.service_account", .string, .connection, aliases: ["destination.serviceAccount"]),
    Attribute(63, "connection.id", .uint, .connection),
    Attribute(64, "connection.mtls", .bool, .connection),
    Attribute(65, "connection.requested_server_name", .string, .connection, aliases: ["tls.client.server_name"]),
    Attribute(66, "connection.tls_version", .string, .connection, aliases: ["tls.protocol.version"]),
    Attribute(67, "connection.subject_peer_certificate", .string, .connection),
    Attribute(68, "connection.subject_local_certificate", .string, .connection),
    Attribute(69, "connection.dns_san_peer_certificate", .string, .connection),
    Attribute(70, "connection.dns_san_local_certificate", .string, .connection),
    Attribute(71, "connection.uri_san_peer_certificate", .string, .connection),
    Attribute(72, "connection.uri_san_local_certificate", .string, .connection),
    Attribute(73, "connection.sha256_peer_certificate_digest", .string, .connection),
    Attribute(74, "connection.event", .string, .connection),
    Attribute(75, "connection.duration", .duration, .response),
    Attribute(76, "connection.received_bytes", .int, .response, aliases: ["connection.received.bytes"]),
    Attribute(77, "connection.received_bytes_total", .int, .response, aliases: ["connection.received.bytes_total"]),
    Attribute(78, "connection.sent_bytes", .int, .response, aliases: ["connection.sent.bytes"]),
    Attribute(79, "connection.sent_bytes_total", .int, .response, aliases: ["connection.sent.bytes_total"]),
    Attribute(80, "upstream.address", .string, .response),
    Attribute(81, "upstream.port", .int, .response),
    Attribute(82, "upstream.tls_version", .string, .response),
    Attribute(83, "upstream.request_attempt_count", .uint, .response),
    Attribute(84, "upstream.transport_failure_reason", .string, .response),
    Attribute(85, "api.service", .string, .request),
    Attribute(86, "api.version", .string, .request),
    Attribute(87, "api.operation", .string, .request, aliases: ["http.route"]),
    Attribute(88, "api.protocol", .string, .request),
    Attribute(89, "context.protocol", .string, .connection),
    Attribute(90, "context.reporter.kind", .string, .connection),
    Attribute(91, "context.reporter.uid", .string, .connection),
    Attribute(92, "xds.route_name", .string, .request),
    Attribute(93, "xds.cluster_name", .string, .request),
    Attribute(94, "xds.virtual_host_name", .string, .request),
    Attribute(95, "xds.listener_direction", .int, .connection),
    Attribute(96, "metadata", .dynMap, .request),
    Attribute(97, "filter_state", .dynMap, .request),
    Attribute(98, "mcp.method", .string, .request, aliases: ["mcp.method.name"]),
    Attribute(99, "mcp.tool", .string, .request, aliases: ["gen_ai.tool.name"]),
    Attribute(100, "mcp.session_id", .string, .request),
  ]
}
