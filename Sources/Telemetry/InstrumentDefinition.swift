// What a metric is, apart from anything recorded into it. Two equal definitions in one scope are one instrument: that
// is how series carry over a reload.

/// A metric: its name, shape and bounds. Plain data; `problem` says whether it can become an instrument.
public struct InstrumentDefinition: Equatable, Sendable {
  public enum Kind: UInt8, Sendable {
    /// Goes up only; its value is a sum.
    case counter
    /// Goes up and down; the latest recording wins, whichever worker made it.
    case gauge
    /// Recordings counted in buckets, with their sum.
    case distribution
  }

  public var name: String
  public var kind: Kind
  public var help: String
  public var unit: String
  public var labelNames: [String]
  /// Inclusive upper bounds, ascending. Past the last one comes a bucket without a bound. Empty unless `kind` is
  /// `distribution`.
  public var buckets: [Double]
  /// How many series, the overflow series apart.
  public var seriesMax: Int

  public init(
    name: String, kind: Kind, help: String = "", unit: String = "", labelNames: [String] = [], buckets: [Double]? = nil,
    seriesMax: Int = InstrumentDefinition.seriesMaxDefault
  ) {
    self.name = name
    self.kind = kind
    self.help = help
    self.unit = unit
    self.labelNames = labelNames
    self.buckets = kind == .distribution ? buckets ?? InstrumentDefinition.defaultBuckets : []
    self.seriesMax = seriesMax
  }

  /// Envoy's histogram bounds, which Istio's standard metrics use.
  public static var defaultBuckets: [Double] {
    [
      0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300_000, 600_000, 1_800_000,
      3_600_000,
    ]
  }

  public static var seriesMaxDefault: Int { 2000 }
  public static var seriesMaxLimit: Int { 1_000_000 }
  public static var labelsMax: Int { 64 }
  public static var bucketsMax: Int { 200 }
  /// Longer label values are cut, at a code point boundary.
  public static var labelValueBytesMax: Int { 256 }
  /// The one label of the series that takes what is past `seriesMax`, with the value `true` (OpenTelemetry's name).
  public static var overflowLabel: String { "otel.metric.overflow" }
}

/// Why a definition cannot become an instrument, or the registry cannot take it.
public enum InstrumentProblem: Error, Equatable, Sendable {
  /// Not a letter, `_` or `:` first, then also digits and `.`.
  case illegalName
  /// It begins with `purser_`, as the engine's own counters do.
  case reservedName
  /// Not a letter or `_` first, then also digits and `.`; or it begins with `__`.
  case illegalLabelName(String)
  /// A label name that Purser or a backend gives a meaning of its own.
  case reservedLabelName(String)
  /// Two label names are the same, perhaps only after a backend wrote `_` for `.`.
  case duplicateLabelName(String)
  case tooManyLabels
  /// Not finite, not ascending, or more than `bucketsMax`.
  case illegalBuckets
  /// Below 1 or above `seriesMaxLimit`.
  case illegalSeriesMax
  case tooManyInstruments
  case outOfMemory

  /// What a person reads.
  public var text: String {
    switch self {
    case .illegalName:
      "illegal metric name: it must begin with a letter, `_` or `:`, and continue with those, digits or `.`"
    case .reservedName: "metric names that begin with `purser_` are reserved"
    case .illegalLabelName(let name):
      "illegal label name `\(name)`: it must begin with a letter or `_`, not with `__`, and continue with those, digits or `.`"
    case .reservedLabelName(let name): "label name `\(name)` is reserved"
    case .duplicateLabelName(let name):
      "label name `\(name)` is used twice (`.` and `_` are the same to some backends)"
    case .tooManyLabels: "more than \(InstrumentDefinition.labelsMax) labels"
    case .illegalBuckets:
      "buckets must be finite, ascending, and at most \(InstrumentDefinition.bucketsMax)"
    case .illegalSeriesMax: "`seriesMax` must be from 1 to \(InstrumentDefinition.seriesMaxLimit)"
    case .tooManyInstruments: "too many instruments in one engine"
    case .outOfMemory: "out of memory"
    }
  }
}

extension InstrumentDefinition {
  /// Nil when the definition is sound.
  public var problem: InstrumentProblem? {
    guard InstrumentDefinition.isLegal(name, colon: true) else { return .illegalName }
    guard !InstrumentDefinition.withoutDots(name).starts(with: "purser_".utf8) else { return .reservedName }
    guard labelNames.count <= InstrumentDefinition.labelsMax else { return .tooManyLabels }
    var seen: [[UInt8]] = []
    for label in labelNames {
      guard InstrumentDefinition.isLegal(label, colon: false) else { return .illegalLabelName(label) }
      let written = InstrumentDefinition.withoutDots(label)
      if written.starts(with: "__".utf8) { return .illegalLabelName(label) }
      // `le` is the bucket bound of a histogram in Prometheus' text.
      if written == Array("le".utf8) && kind == .distribution { return .reservedLabelName(label) }
      if written == Array("otel_metric_overflow".utf8) { return .reservedLabelName(label) }
      if seen.contains(written) { return .duplicateLabelName(label) }
      seen.append(written)
    }
    guard buckets.count <= InstrumentDefinition.bucketsMax else { return .illegalBuckets }
    var last = -Double.infinity
    for bound in buckets {
      guard bound.isFinite, bound > last else { return .illegalBuckets }
      last = bound
    }
    guard seriesMax >= 1, seriesMax <= InstrumentDefinition.seriesMaxLimit else { return .illegalSeriesMax }
    return nil
  }

  private static func withoutDots(_ name: String) -> [UInt8] {
    name.utf8.map { $0 == UInt8(ascii: ".") ? UInt8(ascii: "_") : $0 }
  }

  private static func isLegal(_ name: String, colon: Bool) -> Bool {
    var first = true
    for byte in name.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"): break
      case UInt8(ascii: ":"): guard colon else { return false }
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."): guard !first else { return false }
      default: return false
      }
      first = false
    }
    return !first && name.utf8.count <= 255
  }
}
