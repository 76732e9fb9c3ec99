// Backend: exactly one destination.

extension DocumentReader {
  private static let prometheusShape = ObjectShape(
    "prometheus backend", "scraped by Prometheus",
    [
      Field(
        "listen", .text(.listenAddress),
        "`host:port` of a listener of Purser's own; without it the host serves the text")
    ])

  private static let linesShape = ObjectShape(
    "lines backend", "JSON records, one a line",
    [Field("path", .text(.nonEmpty), required: true, "the file that records are appended to")])

  static let backendShape = ObjectShape(
    "backend", "where telemetry goes", exactlyOne: true,
    [
      Field("prometheus", .object(prometheusShape), prometheusShape.summary),
      Field("lines", .object(linesShape), linesShape.summary),
    ] + ["otlp", "statsd", "fluentd", "zipkin"].map { Field($0, .anything, support: .refused, "not yet supported") })

  mutating func readBackend(_ spec: NodeID?, _ identity: DocumentIdentity) {
    if let prometheus = tree.field("prometheus", of: spec) {
      let listen = tree.field("listen", of: prometheus).flatMap {
        ListenAddress(parsing: tree.bytes(of: $0), at: tree.position(of: $0))
      }
      documents.backends.append(BackendDocument(identity: identity, destination: .prometheus(listen: listen)))
    } else if let path = tree.field("path", of: tree.field("lines", of: spec)).flatMap(tree.written) {
      documents.backends.append(BackendDocument(identity: identity, destination: .lines(path: path)))
    }
  }
}
