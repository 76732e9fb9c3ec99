// The well-known attributes as typed keys: one table with `include/purser.h` and docs/attributes.md, which say the same
// numbers, names and types; a test holds them together. The three maps of headers have no key: they are
// `Request.headers`, `Response.headers` and `Response.trailers`.

extension Attribute<String> {
  /// `request.method`, request phase. HTTP method, upper case as sent.
  ///
  /// Also known as `http.request.method`.
  public static var requestMethod: Self { Self(1, "request.method") }
  /// `request.path`, request phase. Path and query as sent.
  public static var requestPath: Self { Self(2, "request.path") }
  /// `request.url_path`, request phase. Path without query, normalised by the engine.
  ///
  /// Also known as `url.path`.
  public static var requestURLPath: Self { Self(3, "request.url_path") }
  /// `request.query`, request phase. Text after ?, not decoded.
  ///
  /// Also known as `url.query`.
  public static var requestQuery: Self { Self(4, "request.query") }
  /// `request.host`, request phase. Host or :authority, lower-case, without port.
  public static var requestHost: Self { Self(5, "request.host") }
  /// `request.scheme`, request phase. `http` or `https`.
  ///
  /// Also known as `url.scheme`.
  public static var requestScheme: Self { Self(6, "request.scheme") }
  /// `request.protocol`, request phase. HTTP/1.0, HTTP/1.1, HTTP/2, HTTP/3.
  public static var requestProtocol: Self { Self(7, "request.protocol") }
  /// `request.referer`, request phase. Referer header.
  public static var requestReferer: Self { Self(10, "request.referer") }
  /// `request.useragent`, request phase. User-Agent header.
  ///
  /// Also known as `user_agent.original`.
  public static var requestUserAgent: Self { Self(11, "request.useragent") }
  /// `request.id`, request phase. X-request-id; never a cache key.
  public static var requestID: Self { Self(12, "request.id") }
  /// `request.api_key`, request phase. API key that the host extracted.
  public static var requestAPIKey: Self { Self(14, "request.api_key") }
  /// `request.auth.principal`, request phase. Issuer/subject of a verified token.
  public static var requestAuthPrincipal: Self { Self(15, "request.auth.principal") }
  /// `request.auth.presenter`, request phase. Authorised presenter (azp).
  public static var requestAuthPresenter: Self { Self(17, "request.auth.presenter") }
  /// `request.auth.raw_claims`, request phase. Claims as JSON text.
  public static var requestAuthRawClaims: Self { Self(19, "request.auth.raw_claims") }
  /// `response.code_details`, response phase. The proxy's own detail text.
  public static var responseCodeDetails: Self { Self(24, "response.code_details") }
  /// `source.address`, connection phase. Peer IP, no port (Envoy's own attribute has one).
  ///
  /// Also known as `network.peer.address`, `source.ip`.
  public static var sourceAddress: Self { Self(34, "source.address") }
  /// `client.address`, request phase. Original client, only from hops configured as trusted, else absent.
  public static var clientAddress: Self { Self(36, "client.address") }
  /// `source.principal`, connection phase. Peer's verified identity, SPIFFE URI.
  ///
  /// Also known as `source.user`.
  public static var sourcePrincipal: Self { Self(37, "source.principal") }
  /// `source.namespace`, request phase. Peer's namespace.
  ///
  /// Also known as `source.workload.namespace`.
  public static var sourceNamespace: Self { Self(38, "source.namespace") }
  /// `source.workload.name`, request phase. Peer's workload.
  public static var sourceWorkloadName: Self { Self(39, "source.workload.name") }
  /// `source.workload.uid`, request phase. Peer's workload id.
  public static var sourceWorkloadUID: Self { Self(40, "source.workload.uid") }
  /// `source.name`, request phase. Peer's instance (pod).
  public static var sourceName: Self { Self(41, "source.name") }
  /// `source.uid`, request phase. Peer's instance id.
  public static var sourceUID: Self { Self(42, "source.uid") }
  /// `source.service_account`, request phase. Peer's service account.
  ///
  /// Also known as `source.serviceAccount`.
  public static var sourceServiceAccount: Self { Self(44, "source.service_account") }
  /// `source.owner`, request phase. Peer's controller.
  public static var sourceOwner: Self { Self(45, "source.owner") }
  /// `source.cluster`, request phase. Peer's cluster.
  public static var sourceCluster: Self { Self(46, "source.cluster") }
  /// `destination.address`, connection phase. Own IP, no port.
  ///
  /// Also known as `destination.ip`, `network.local.address`.
  public static var destinationAddress: Self { Self(47, "destination.address") }
  /// `destination.principal`, connection phase. Own identity, SPIFFE URI.
  ///
  /// Also known as `destination.user`.
  public static var destinationPrincipal: Self { Self(49, "destination.principal") }
  /// `destination.namespace`, connection phase. Own namespace.
  ///
  /// Also known as `destination.workload.namespace`.
  public static var destinationNamespace: Self { Self(50, "destination.namespace") }
  /// `destination.workload.name`, connection phase. Own workload.
  public static var destinationWorkloadName: Self { Self(51, "destination.workload.name") }
  /// `destination.workload.uid`, connection phase. Own workload id.
  public static var destinationWorkloadUID: Self { Self(52, "destination.workload.uid") }
  /// `destination.name`, connection phase. Own instance (pod).
  public static var destinationName: Self { Self(53, "destination.name") }
  /// `destination.uid`, connection phase. Own instance id.
  public static var destinationUID: Self { Self(54, "destination.uid") }
  /// `destination.service.name`, request phase. Service asked for, short name.
  public static var destinationServiceName: Self { Self(56, "destination.service.name") }
  /// `destination.service.namespace`, request phase. Its namespace.
  public static var destinationServiceNamespace: Self { Self(57, "destination.service.namespace") }
  /// `destination.service.host`, request phase. Its full host name; falls back to request.host.
  ///
  /// Also known as `destination.service`.
  public static var destinationServiceHost: Self { Self(58, "destination.service.host") }
  /// `destination.service.uid`, request phase. Its id.
  public static var destinationServiceUID: Self { Self(59, "destination.service.uid") }
  /// `destination.container.name`, connection phase. Own container.
  public static var destinationContainerName: Self { Self(60, "destination.container.name") }
  /// `destination.owner`, connection phase. Own controller.
  public static var destinationOwner: Self { Self(61, "destination.owner") }
  /// `destination.service_account`, connection phase. Own service account.
  ///
  /// Also known as `destination.serviceAccount`.
  public static var destinationServiceAccount: Self { Self(62, "destination.service_account") }
  /// `connection.requested_server_name`, connection phase. SNI.
  ///
  /// Also known as `tls.client.server_name`.
  public static var connectionRequestedServerName: Self { Self(65, "connection.requested_server_name") }
  /// `connection.tls_version`, connection phase. For example TLSv1.3.
  ///
  /// Also known as `tls.protocol.version`.
  public static var connectionTLSVersion: Self { Self(66, "connection.tls_version") }
  /// `connection.subject_peer_certificate`, connection phase. Peer certificate subject.
  public static var connectionSubjectPeerCertificate: Self { Self(67, "connection.subject_peer_certificate") }
  /// `connection.subject_local_certificate`, connection phase. Own certificate subject.
  public static var connectionSubjectLocalCertificate: Self { Self(68, "connection.subject_local_certificate") }
  /// `connection.dns_san_peer_certificate`, connection phase. First DNS name in the peer certificate.
  public static var connectionDNSSANPeerCertificate: Self { Self(69, "connection.dns_san_peer_certificate") }
  /// `connection.dns_san_local_certificate`, connection phase. First DNS name in the own certificate.
  public static var connectionDNSSANLocalCertificate: Self { Self(70, "connection.dns_san_local_certificate") }
  /// `connection.uri_san_peer_certificate`, connection phase. First URI in the peer certificate.
  public static var connectionURISANPeerCertificate: Self { Self(71, "connection.uri_san_peer_certificate") }
  /// `connection.uri_san_local_certificate`, connection phase. First URI in the own certificate.
  public static var connectionURISANLocalCertificate: Self { Self(72, "connection.uri_san_local_certificate") }
  /// `connection.sha256_peer_certificate_digest`, connection phase. In hexadecimal.
  public static var connectionSHA256PeerCertificateDigest: Self {
    Self(73, "connection.sha256_peer_certificate_digest")
  }
  /// `connection.event`, connection phase. Open, continue, close (TCP reports).
  public static var connectionEvent: Self { Self(74, "connection.event") }
  /// `upstream.address`, response phase. Backend IP and port.
  public static var upstreamAddress: Self { Self(80, "upstream.address") }
  /// `upstream.tls_version`, response phase. Towards the backend.
  public static var upstreamTLSVersion: Self { Self(82, "upstream.tls_version") }
  /// `upstream.transport_failure_reason`, response phase. Why the backend connection failed.
  public static var upstreamTransportFailureReason: Self { Self(84, "upstream.transport_failure_reason") }
  /// `api.service`, request phase. API name, if the host knows one.
  public static var apiService: Self { Self(85, "api.service") }
  /// `api.version`, request phase. API version.
  public static var apiVersion: Self { Self(86, "api.version") }
  /// `api.operation`, request phase. Operation or route template.
  ///
  /// Also known as `http.route`.
  public static var apiOperation: Self { Self(87, "api.operation") }
  /// `api.protocol`, request phase. One of `http`, `https`, `grpc`, `tcp`.
  public static var apiProtocol: Self { Self(88, "api.protocol") }
  /// `context.protocol`, connection phase. `http`, `grpc`, `tcp` or another.
  public static var contextProtocol: Self { Self(89, "context.protocol") }
  /// `context.reporter.kind`, connection phase. Inbound (server side) or outbound (client side).
  public static var contextReporterKind: Self { Self(90, "context.reporter.kind") }
  /// `context.reporter.uid`, connection phase. The reporting proxy's id.
  public static var contextReporterUID: Self { Self(91, "context.reporter.uid") }
  /// `xds.route_name`, request phase. Route chosen.
  public static var xdsRouteName: Self { Self(92, "xds.route_name") }
  /// `xds.cluster_name`, request phase. Upstream cluster chosen.
  public static var xdsClusterName: Self { Self(93, "xds.cluster_name") }
  /// `xds.virtual_host_name`, request phase. Virtual host chosen.
  public static var xdsVirtualHostName: Self { Self(94, "xds.virtual_host_name") }
  /// `mcp.method`, request phase. Model Context Protocol method, for example tools/call.
  ///
  /// Also known as `mcp.method.name`.
  public static var mcpMethod: Self { Self(98, "mcp.method") }
  /// `mcp.tool`, request phase. Tool named by the call.
  ///
  /// Also known as `gen_ai.tool.name`.
  public static var mcpTool: Self { Self(99, "mcp.tool") }
  /// `mcp.session_id`, request phase. MCP session; never a cache key.
  public static var mcpSessionID: Self { Self(100, "mcp.session_id") }
}

extension Attribute<Int> {
  /// `request.headers_bytes`, request phase. Total size of the headers, bytes.
  public static var requestHeadersBytes: Self { Self(9, "request.headers_bytes") }
  /// `request.size`, response phase. Request body, bytes.
  ///
  /// Also known as `http.request.body.size`.
  public static var requestSize: Self { Self(21, "request.size") }
  /// `request.total_size`, response phase. Request with headers, bytes.
  public static var requestTotalSize: Self { Self(22, "request.total_size") }
  /// `response.code`, response phase. HTTP status.
  ///
  /// Also known as `http.response.status_code`.
  public static var responseCode: Self { Self(23, "response.code") }
  /// `response.flags`, response phase. The proxy's flags as bits.
  public static var responseFlags: Self { Self(25, "response.flags") }
  /// `response.grpc_status`, response phase. GRPC status.
  ///
  /// Also known as `rpc.grpc.status_code`.
  public static var responseGRPCStatus: Self { Self(26, "response.grpc_status") }
  /// `response.headers_bytes`, response phase. Size of the headers, bytes.
  public static var responseHeadersBytes: Self { Self(28, "response.headers_bytes") }
  /// `response.size`, response phase. Response body, bytes.
  ///
  /// Also known as `http.response.body.size`.
  public static var responseSize: Self { Self(30, "response.size") }
  /// `response.total_size`, response phase. Response with headers, bytes.
  public static var responseTotalSize: Self { Self(31, "response.total_size") }
  /// `source.port`, connection phase. Peer port.
  ///
  /// Also known as `network.peer.port`.
  public static var sourcePort: Self { Self(35, "source.port") }
  /// `destination.port`, connection phase. Own port.
  ///
  /// Also known as `network.local.port`.
  public static var destinationPort: Self { Self(48, "destination.port") }
  /// `connection.received_bytes`, response phase. TCP: since the last report.
  ///
  /// Also known as `connection.received.bytes`.
  public static var connectionReceivedBytes: Self { Self(76, "connection.received_bytes") }
  /// `connection.received_bytes_total`, response phase. TCP: since open.
  ///
  /// Also known as `connection.received.bytes_total`.
  public static var connectionReceivedBytesTotal: Self { Self(77, "connection.received_bytes_total") }
  /// `connection.sent_bytes`, response phase. TCP: since the last report.
  ///
  /// Also known as `connection.sent.bytes`.
  public static var connectionSentBytes: Self { Self(78, "connection.sent_bytes") }
  /// `connection.sent_bytes_total`, response phase. TCP: since open.
  ///
  /// Also known as `connection.sent.bytes_total`.
  public static var connectionSentBytesTotal: Self { Self(79, "connection.sent_bytes_total") }
  /// `upstream.port`, response phase. Backend port.
  public static var upstreamPort: Self { Self(81, "upstream.port") }
  /// `xds.listener_direction`, connection phase. Envoy's enum.
  public static var xdsListenerDirection: Self { Self(95, "xds.listener_direction") }
}

extension Attribute<Timestamp> {
  /// `request.time`, request phase. First byte received; never a cache key.
  ///
  /// Also known as `context.time`.
  public static var requestTime: Self { Self(13, "request.time") }
  /// `response.time`, response phase. Last byte sent.
  public static var responseTime: Self { Self(32, "response.time") }
}

extension Attribute<[String]> {
  /// `request.auth.audiences`, request phase. Audiences of the token.
  public static var requestAuthAudiences: Self { Self(16, "request.auth.audiences") }
}

extension Attribute<[String: AttributeValue]> {
  /// `request.auth.claims`, request phase. Verified claims.
  public static var requestAuthClaims: Self { Self(18, "request.auth.claims") }
  /// `metadata`, request phase. Dynamic metadata set by earlier filters.
  public static var metadata: Self { Self(96, "metadata") }
  /// `filter_state`, request phase. Values shared by earlier filters.
  public static var filterState: Self { Self(97, "filter_state") }
}

extension Attribute<Duration> {
  /// `request.duration`, response phase. First byte received to last byte sent.
  ///
  /// Also known as `response.duration`.
  public static var requestDuration: Self { Self(20, "request.duration") }
  /// `response.backend_latency`, response phase. First byte to the upstream until last byte from it.
  public static var responseBackendLatency: Self { Self(33, "response.backend_latency") }
  /// `connection.duration`, response phase. TCP: connection age.
  public static var connectionDuration: Self { Self(75, "connection.duration") }
}

extension Attribute<[String: String]> {
  /// `source.labels`, request phase. Peer's labels.
  public static var sourceLabels: Self { Self(43, "source.labels") }
  /// `destination.labels`, connection phase. Own labels.
  public static var destinationLabels: Self { Self(55, "destination.labels") }
}

extension Attribute<UInt> {
  /// `connection.id`, connection phase. Connection number; never a cache key.
  public static var connectionID: Self { Self(63, "connection.id") }
  /// `upstream.request_attempt_count`, response phase. Attempts, 0 if never tried.
  public static var upstreamRequestAttemptCount: Self { Self(83, "upstream.request_attempt_count") }
}

extension Attribute<Bool> {
  /// `connection.mtls`, connection phase. Peer presented a certificate that verified.
  public static var connectionMTLS: Self { Self(64, "connection.mtls") }
}
