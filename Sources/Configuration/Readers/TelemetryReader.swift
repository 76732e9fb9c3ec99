// Telemetry: metrics and log records.

extension DocumentReader {
  private static let metricShape = ObjectShape(
    "metric", "a value and labels recorded for each request",
    [
      Field("name", .text(.metricName), required: true, "unique in the document"),
      Field("kind", .word(MetricKind.allCases.map { $0.rawValue }), required: true, "what is done with the values"),
      Field("help", .text(.any), "a sentence for who reads the metric"),
      Field("unit", .text(.any), "what the value is counted in"),
      Field("value", .expression, "what a request adds; 1 for a counter unless given"),
      Field("when", .expression, "which requests are recorded; all unless given"),
      Field("labels", .map(.labelName, .expression), "expressions by label"),
      Field("buckets", .list(.number, countMin: 1), "of a distribution: upper bounds, ascending"),
      Field("seriesMax", .integer(1...1_000_000), "series kept before the rest fall into one; 2000 unless given"),
      Field("backends", .list(.text(.reference)), "where the metric goes"),
    ])

  private static let logShape = ObjectShape(
    "log", "a record of each request",
    [
      Field("name", .text(.ruleName), "what the record is called"),
      Field("when", .expression, "which requests are kept; all unless given"),
      Field("fields", .map(.nonEmpty, .expression), required: true, "expressions by field"),
      Field("backends", .list(.text(.reference)), "where the records go"),
    ])

  static let telemetryShape = ObjectShape(
    "telemetry", "what is recorded of finished requests",
    [
      Field("metrics", .list(.object(metricShape)), metricShape.summary),
      Field("accessLog", .list(.object(logShape)), logShape.summary),
    ])

  mutating func readTelemetry(_ spec: NodeID?, _ identity: DocumentIdentity) {
    var telemetry = TelemetryDocument(identity: identity)
    var seen: [String: Position] = [:]
    for id in tree.items("metrics", of: spec) where tree[id].kind == .mapping {
      guard let metric = readMetric(id, identity) else { continue }
      refuseDuplicate(metric.name, "metric", at: metric.position, seen: &seen)
      telemetry.metrics.append(metric)
    }
    seen = [:]
    for id in tree.items("accessLog", of: spec) where tree[id].kind == .mapping {
      var log = LogDocument(position: place(of: "name", in: id))
      log.name = tree.text("name", of: id)
      log.when = expression("when", of: id)
      log.fields = namedExpressions("fields", of: id)
      log.backends = references("backends", of: id, from: identity)
      if let name = log.name { refuseDuplicate(name, "log", at: log.position, seen: &seen) }
      telemetry.accessLog.append(log)
    }
    documents.telemetries.append(telemetry)
  }

  private mutating func readMetric(_ id: NodeID, _ identity: DocumentIdentity) -> MetricDocument? {
    guard let name = tree.text("name", of: id), let kind = tree.word("kind", of: id, as: MetricKind.self)
    else { return nil }
    let position = place(of: "name", in: id)
    let given = expression("value", of: id)
    if given == nil, kind != .counter, tree.field("value", of: id) == nil {
      problems.error(at: tree.position(of: id), "a \(kind.rawValue) needs `value`")
    }
    var metric = MetricDocument(
      name: name, position: position, kind: kind,
      value: given ?? ExpressionSource(bytes: [UInt8(ascii: "1")], at: position))
    metric.help = tree.text("help", of: id)
    metric.unit = tree.text("unit", of: id)
    metric.when = expression("when", of: id)
    metric.labels = namedExpressions("labels", of: id)
    metric.buckets = readBuckets(id, kind)
    if let most = tree.integer("seriesMax", of: id) { metric.seriesMax = Int(truncatingIfNeeded: most) }
    metric.backends = references("backends", of: id, from: identity)
    // Prometheus' own names for a bucket's bound, and for the series that takes what is past the cap.
    for label in metric.labels
    where (label.name == "le" && kind == .distribution) || label.name == "otel_metric_overflow" {
      problems.error(at: label.position, "label `\(label.name)` is taken: choose another name")
    }
    return metric
  }

  private mutating func readBuckets(_ id: NodeID, _ kind: MetricKind) -> [Double] {
    guard let field = tree.field("buckets", of: id) else { return [] }
    if kind != .distribution {
      problems.error(at: tree.position(of: field), "`buckets` are only for a distribution")
    }
    var bounds: [Double] = []
    for item in tree.items("buckets", of: id) {
      guard let bound = tree.double(of: item) else { continue }
      if let last = bounds.last, bound <= last {
        problems.error(
          at: tree.position(of: item),
          "buckets must ascend: \(quoted(tree.string(of: item))) is not above the one before")
      }
      bounds.append(bound)
    }
    return bounds
  }
}
