// What is recorded of a finished request: metrics and log records.

public struct TelemetryDocument: Sendable {
  public var identity: DocumentIdentity
  public var metrics: [MetricDocument] = []
  public var accessLog: [LogDocument] = []

  public init(identity: DocumentIdentity) { self.identity = identity }
}

public enum MetricKind: String, Sendable, CaseIterable {
  case counter, gauge, distribution
}

public struct MetricDocument: Sendable {
  public static let seriesMaxDefault = 2000

  public var name: String
  /// Where the name is written.
  public var position: Position
  public var kind: MetricKind
  public var help: String?
  public var unit: String?
  /// What one request adds; 1 for a counter that says nothing.
  public var value: ExpressionSource
  /// Nil records every request.
  public var when: ExpressionSource?
  public var labels: [NamedExpression] = []
  /// Upper bounds of a distribution's buckets, ascending and finite; empty leaves the choice to the instrument.
  public var buckets: [Double] = []
  public var seriesMax = MetricDocument.seriesMaxDefault
  public var backends: [DocumentReference] = []

  public init(name: String, position: Position, kind: MetricKind, value: ExpressionSource) {
    self.name = name
    self.position = position
    self.kind = kind
    self.value = value
  }
}

public struct LogDocument: Sendable {
  /// Nil for a log without a name.
  public var name: String?
  public var position: Position
  /// Nil keeps a record of every request.
  public var when: ExpressionSource?
  public var fields: [NamedExpression] = []
  public var backends: [DocumentReference] = []

  public init(position: Position) { self.position = position }
}
