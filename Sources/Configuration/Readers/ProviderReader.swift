// Provider: exactly one service, and what is true of any.

#if !hasFeature(Embedded)
  import PurserEngine

  extension DocumentReader {
    private static let tlsShape = ObjectShape(
      "TLS", "how a connection is secured",
      [
        Field(
          "caFile", .text(.nonEmpty),
          "PEM certificates that the provider's must descend from; the system's unless given"),
        Field("certFile", .text(.nonEmpty), "PEM certificate to show, with `keyFile`"),
        Field("keyFile", .text(.nonEmpty), "PEM key of `certFile`"),
        Field(
          "serverName", .text(.nonEmpty),
          "the name that the provider's certificate must have; the address's unless given"),
      ])

    private static let tls = Field("tls", .object(tlsShape), tlsShape.summary)
    private static let timeout = Field(
      "timeout", .duration, "from a question to its whole answer; `200ms` unless given, at most `1m`")

    private static let grpcShape = ObjectShape(
      "extAuthzGrpc provider", "Envoy's external authorization over gRPC",
      [
        Field(
          "address", .text(.providerAddress), required: true, "`host:port`, or `unix:` and the path of a socket"),
        Field("authority", .text(.nonEmpty), "what `:authority` is; the address unless given"),
        timeout, tls,
        Field("attributes", .list(.text(.attributeName)), "attributes that are sent, in the form's own places"),
        Field("headers", .list(.text(.headerName)), "request headers that are sent"),
        Field("contextExtensions", .map(.any, .expression), "what else is sent, as text"),
      ])

    private static let httpShape = ObjectShape(
      "extAuthzHttp provider", "external authorization over HTTP: status 200 allows",
      [
        Field(
          "url", .text(.providerURL), required: true,
          "`http://host:port/prefix`; the request's own path follows the prefix"),
        Field(
          "sendQuery", .boolean,
          "whether the path is sent as it came, with its query; normalised and without unless given"),
        Field("unixSocket", .text(.nonEmpty), "the path of a socket to connect to instead"),
        timeout, tls,
        Field("headers", .list(.text(.headerName)), "request headers that are sent"),
        Field("upstreamHeaders", .list(.text(.headerName)), "headers of an answer that allows, set on the request"),
        Field("clientHeaders", .list(.text(.headerName)), "headers of an answer that denies, sent to the client"),
      ])

    private static let opaShape = ObjectShape(
      "opa provider", "Open Policy Agent's REST API",
      [
        Field("url", .text(.providerURL), required: true, "`http://host:8181/v1/data/…`"),
        Field("unixSocket", .text(.nonEmpty), "the path of a socket to connect to instead"),
        timeout, tls,
        Field("input", .map(.any, .expression), required: true, "members of `input`"),
        Field("decision", .expression, required: true, "over `result`: true allows"),
        Field("status", .expression, "over `result`: HTTP status of a denial, a whole number"),
        Field("body", .expression, "over `result`: body of a denial, text"),
      ])

    private static let breakerShape = ObjectShape(
      "circuit breaker", "when a provider that fails is left alone",
      [
        Field("failures", .integer(1...1_000_000), "so many in a row; 5 unless given"),
        Field("openFor", .duration, "for so long; then one question tries again; `5s` unless given"),
      ])

    static let providerShape = ObjectShape(
      "provider", "an external service that a rule asks",
      [
        Field("extAuthzGrpc", .object(grpcShape), grpcShape.summary),
        Field("extAuthzHttp", .object(httpShape), httpShape.summary),
        Field("opa", .object(opaShape), opaShape.summary),
        Field("failureMode", .word(["deny", "allow"]), "what a provider that cannot say means; `deny` unless given"),
        Field("maxInFlight", .integer(1...65_536), "questions that may wait at once; 256 unless given"),
        Field("maxResponseBytes", .integer(1024...1_048_576), "of an answer; 65536 unless given"),
        Field("circuitBreaker", .object(breakerShape), breakerShape.summary),
      ])

    mutating func readProvider(_ spec: NodeID?, _ identity: DocumentIdentity) {
      let blocks = ["extAuthzGrpc", "extAuthzHttp", "opa"].compactMap { tree.field($0, of: spec) }
      guard let block = blocks.first, blocks.count == 1 else {
        problems.error(
          at: spec.map { tree.position(of: $0) } ?? identity.position,
          "a provider needs exactly one of `extAuthzGrpc`, `extAuthzHttp`, `opa`")
        return
      }
      let (service, endpoint): (ProviderDocument.Service, ProviderEndpoint)
      if tree.field("extAuthzGrpc", of: spec) != nil {
        service = .extAuthzGRPC(
          authority: tree.text("authority", of: block), attributes: writtenItems("attributes", of: block),
          headers: writtenItems("headers", of: block), extensions: namedExpressions("contextExtensions", of: block))
        endpoint = address(of: block)
      } else if tree.field("extAuthzHttp", of: spec) != nil {
        service = .extAuthzHTTP(
          sendsQuery: tree.boolean("sendQuery", of: block) ?? false, headers: writtenItems("headers", of: block),
          upstreamHeaders: writtenItems("upstreamHeaders", of: block).map { $0.text },
          clientHeaders: writtenItems("clientHeaders", of: block).map { $0.text })
        endpoint = url(of: block)
      } else {
        service = .opa(
          input: namedExpressions("input", of: block), decision: expression("decision", of: block),
          status: expression("status", of: block), body: expression("body", of: block))
        endpoint = url(of: block)
      }
      var provider = ProviderDocument(
        identity: identity, service: service, endpoint: secured(endpoint, of: block), position: tree.position(of: block)
      )
      if let timeout = tree.duration("timeout", of: block) {
        provider.limits.timeout = timeout
        if timeout > 60_000_000_000 {
          problems.error(at: place(of: "timeout", in: block), "`timeout` is at most `1m`")
        }
      }
      if let spec {
        provider.failureAllows = tree.text("failureMode", of: spec) == "allow"
        if let count = tree.integer("maxInFlight", of: spec) {
          provider.limits.inFlightMax = Int(truncatingIfNeeded: count)
        }
        if let count = tree.integer("maxResponseBytes", of: spec) {
          provider.limits.responseBytesMax = Int(truncatingIfNeeded: count)
        }
        if let breaker = tree.field("circuitBreaker", of: spec) {
          if let count = tree.integer("failures", of: breaker) {
            provider.limits.failuresMax = Int(truncatingIfNeeded: count)
          }
          if let time = tree.duration("openFor", of: breaker) { provider.limits.openFor = time }
        }
      }
      documents.providers.append(provider)
    }

    /// Of a gRPC service.
    private func address(of block: NodeID) -> ProviderEndpoint {
      let text = tree.text("address", of: block) ?? ""
      let scheme = tree.field("tls", of: block) == nil ? "http" : "https"
      if text.hasPrefix("unix:") {
        return ProviderEndpoint(url: scheme + "://localhost", unixPath: String(text.dropFirst(5)))
      }
      return ProviderEndpoint(url: scheme + "://" + text)
    }

    private mutating func url(of block: NodeID) -> ProviderEndpoint {
      let text = tree.text("url", of: block) ?? ""
      if !text.hasPrefix("https:"), let tls = tree.field("tls", of: block) {
        problems.error(at: tree.position(of: tls), "`tls` needs a `url` that begins with `https:`")
      }
      return ProviderEndpoint(url: text, unixPath: tree.text("unixSocket", of: block))
    }

    private mutating func secured(_ endpoint: ProviderEndpoint, of block: NodeID) -> ProviderEndpoint {
      var endpoint = endpoint
      guard let tls = tree.field("tls", of: block) else { return endpoint }
      func path(_ name: String) -> String? {
        tree.text(name, of: tls).map { $0.hasPrefix("/") || folder == nil ? $0 : joined(folder ?? "", $0) }
      }
      endpoint.authorityFile = path("caFile")
      endpoint.certificateFile = path("certFile")
      endpoint.keyFile = path("keyFile")
      endpoint.serverName = tree.text("serverName", of: tls)
      if (endpoint.certificateFile == nil) != (endpoint.keyFile == nil) {
        problems.error(at: tree.position(of: tls), "`certFile` and `keyFile` come together")
      }
      return endpoint
    }
  }
#endif
