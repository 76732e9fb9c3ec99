// Telemetry and Backend documents: metrics, log records, and where they go.

import CEL
import PurserAttributes
import PurserEngine
import PurserTelemetry

struct TelemetryCompiler {
  private let documents: DocumentSet
  private(set) var metrics: [MetricPlan] = []
  private(set) var accessLogs: [AccessLogPlan] = []
  private(set) var backends: [BackendPlan] = []

  init(documents: DocumentSet) { self.documents = documents }

  mutating func compile(with compiler: ExpressionCompiler, _ problems: inout Problems) {
    backends = documents.backends.map(plan)
    // The reader has looked for duplicates within a document already.
    var seen: [String: Int] = [:]
    for (number, telemetry) in documents.telemetries.enumerated() {
      for metric in telemetry.metrics {
        if let other = seen[metric.name], other != number {
          problems.error(at: metric.position, "metric `\(metric.name)` is defined twice")
        }
        seen[metric.name] = number
        compile(metric, with: compiler, &problems)
      }
      for log in telemetry.accessLog { compile(log, with: compiler, &problems) }
    }
  }

  private mutating func compile(
    _ metric: MetricDocument, with compiler: ExpressionCompiler, _ problems: inout Problems
  ) {
    let definition = InstrumentDefinition(
      name: metric.name, kind: InstrumentDefinition.Kind(metric.kind), help: metric.help ?? "",
      unit: metric.unit ?? "", labelNames: metric.labels.map { $0.name },
      buckets: metric.buckets.isEmpty ? nil : metric.buckets, seriesMax: metric.seriesMax)
    if let problem = definition.problem { problems.error(at: metric.position, problem.text) }
    let value = compiler.compile(metric.value, for: purpose(.number), &problems)
    let when = metric.when.map { compiler.compile($0, for: purpose(.condition), &problems) }
    let labels = metric.labels.map { compiler.compile($0.expression, for: purpose(.any), &problems) ?? 0 }
    metrics.append(
      MetricPlan(
        definition: definition, value: isOne(metric.value) ? nil : value, when: when ?? nil, labels: labels,
        backends: resolve(metric.backends, &problems) { destination in
          if case .prometheus = destination { return nil }
          return "takes log records, not metrics"
        }))
  }

  private mutating func compile(
    _ log: LogDocument, with compiler: ExpressionCompiler, _ problems: inout Problems
  ) {
    let when = log.when.map { compiler.compile($0, for: purpose(.condition), &problems) }
    let fields = log.fields.map { field in
      (name: field.name, program: compiler.compile(field.expression, for: purpose(.any), &problems) ?? 0)
    }
    accessLogs.append(
      AccessLogPlan(
        when: when ?? nil, fields: fields,
        backends: resolve(log.backends, &problems) { destination in
          if case .lines = destination { return nil }
          return "takes metrics, not log records"
        }))
  }

  private enum Role { case condition, number, any }

  private func purpose(_ role: Role) -> ExpressionCompiler.Purpose {
    ExpressionCompiler.Purpose(
      phase: .response, subject: "the report", type: role == .condition ? .bool : nil, warnsOfUnguardedReads: false)
  }

  /// The plain `1` of a counter needs no program.
  private func isOne(_ source: ExpressionSource) -> Bool { source.bytes == [UInt8(ascii: "1")] }

  /// The labels of the backends; `refusal` says why one of that kind does not fit. Who names none means all that fit.
  private func resolve(
    _ references: [DocumentReference], _ problems: inout Problems,
    refusal: (BackendDocument.Destination) -> String?
  ) -> [String] {
    if references.isEmpty {
      return documents.backends.filter { refusal($0.destination) == nil }.map { label(of: $0.identity) }
    }
    var labels: [String] = []
    for reference in references {
      let path = reference.namespace + "/" + reference.name
      guard let backend = documents.backends.first(where: { $0.identity.path == path }) else {
        let hint = suggestion(for: reference.name, among: documents.backends.map { $0.identity.name })
        problems.error(at: reference.position, "there is no Backend `\(reference.name)`\(hint)")
        continue
      }
      if let refusal = refusal(backend.destination) {
        problems.error(at: reference.position, "Backend `\(reference.name)` \(refusal)")
      }
      labels.append(label(of: backend.identity))
    }
    return labels
  }

  private func plan(_ backend: BackendDocument) -> BackendPlan {
    switch backend.destination {
    case .prometheus(let listen):
      BackendPlan(
        name: label(of: backend.identity),
        kind: .prometheus(listen: listen.map { ListenPlan(host: $0.host, port: $0.port) }))
    case .lines(let path):
      BackendPlan(name: label(of: backend.identity), kind: .lines(path: path.text))
    }
  }

  private func label(of identity: DocumentIdentity) -> String {
    identity.namespace == DocumentIdentity.defaultNamespace ? identity.name : identity.path
  }
}

extension InstrumentDefinition.Kind {
  init(_ kind: MetricKind) {
    switch kind {
    case .counter: self = .counter
    case .gauge: self = .gauge
    case .distribution: self = .distribution
    }
  }
}
