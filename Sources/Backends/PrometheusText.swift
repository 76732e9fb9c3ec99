// Snapshots as Prometheus' text exposition format, version 0.0.4. A pure function: the same input gives the same bytes.
//
// Names are written as they are, apart from `.`, which becomes `_`: nothing is appended, so a counter that should end in
// `_total` is named so. The overflow series' label `otel.metric.overflow` is written `otel_metric_overflow`, since the
// format allows no dots. Instruments of the same name in several scopes are one family; series with equal labels are
// added up (of gauges the latest is taken). A family has one shape: an instrument of another kind or with other buckets
// than the first of its name is left out, and a comment says so.

import CEL
import PurserTelemetry

public enum PrometheusText {
  public static var contentType: StaticString { "text/plain; version=0.0.4; charset=utf-8" }

  public static func encode(_ instruments: [InstrumentSnapshot], counters: SelfCounterSnapshot? = nil) -> [UInt8] {
    var text = PrometheusWriter()
    var rest = instruments[...]
    var families: [PrometheusFamily] = []
    while let instrument = rest.popFirst() {
      let name = PrometheusWriter.legal(instrument.definition.name)
      if let position = families.firstIndex(where: { $0.name == name }) {
        families[position].add(instrument)
      } else {
        families.append(PrometheusFamily(name: name, first: instrument))
      }
    }
    families = families.ordered { $0.name.lexicographicallyPrecedes($1.name) }
    for family in families { text.append(family) }
    if let counters { text.append(counters) }
    return text.bytes
  }
}

/// All series that share a name.
struct PrometheusFamily {
  struct Series {
    /// `a="x",b="y"`, without braces.
    var labels: [UInt8]
    var value: SeriesValue
    var recordedAt: Int64
  }

  let name: [UInt8]
  let definition: InstrumentDefinition
  var series: [Series] = []
  private(set) var isMerged = false
  private(set) var leftOut = 0

  init(name: [UInt8], first: InstrumentSnapshot) {
    self.name = name
    self.definition = first.definition
    append(first)
  }

  mutating func add(_ instrument: InstrumentSnapshot) {
    guard instrument.definition.kind == definition.kind, instrument.definition.buckets == definition.buckets else {
      leftOut &+= 1
      return
    }
    isMerged = true
    append(instrument)
  }

  private mutating func append(_ instrument: InstrumentSnapshot) {
    let names = instrument.definition.labelNames.map { PrometheusWriter.legal($0) }
    for series in instrument.series {
      var text = PrometheusWriter()
      if series.isOverflow {
        text.bytes += PrometheusWriter.legal(InstrumentDefinition.overflowLabel)
        text.append("=\"true\"")
      } else {
        for (position, (name, value)) in zip(names, series.labelValues).enumerated() {
          if position > 0 { text.append(",") }
          text.bytes += name
          text.append("=\"")
          text.append(escaped: value.utf8, quote: true)
          text.append("\"")
        }
      }
      self.series.append(Series(labels: text.bytes, value: series.value, recordedAt: series.recordedAt))
    }
  }

  /// In the snapshot's order; when several instruments met, by label text, with equal ones merged.
  var merged: [Series] {
    guard isMerged else { return series }
    var result: [Series] = []
    let order = orderedPlaces(series.count) { a, b in
      if series[a].labels == series[b].labels { return series[a].recordedAt < series[b].recordedAt }
      return series[a].labels.lexicographicallyPrecedes(series[b].labels)
    }
    for index in order {
      let next = series[index]
      if var last = result.last, last.labels == next.labels {
        last.value.merge(next.value)
        _ = result.popLast()
        result.append(last)
      } else {
        result.append(next)
      }
    }
    return result
  }
}

struct PrometheusWriter {
  var bytes: [UInt8] = []

  /// `.` and whatever else the format does not allow in a name becomes `_`.
  static func legal(_ name: String) -> [UInt8] {
    name.utf8.map { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: ":"):
        byte
      default: UInt8(ascii: "_")
      }
    }
  }

  mutating func append(_ text: StaticString) {
    bytes += UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
  }

  mutating func append(escaped text: String.UTF8View, quote: Bool) {
    for byte in text {
      switch byte {
      case UInt8(ascii: "\\"): append("\\\\")
      case UInt8(ascii: "\n"): append("\\n")
      case UInt8(ascii: "\"") where quote: append("\\\"")
      default: bytes.append(byte)
      }
    }
  }

  mutating func append(number: Double) { appendSpan { $0.append(number) } }
  mutating func append(decimal: Int64) { appendSpan { $0.append(decimal: decimal) } }
  mutating func append(decimal: UInt64) { appendSpan { $0.append(decimal: decimal) } }

  private mutating func appendSpan(_ write: (inout TextSpan) -> Void) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64) { memory in
      guard let base = memory.baseAddress else { return }
      var span = TextSpan(base, capacity: 64)
      write(&span)
      bytes += UnsafeBufferPointer(start: base, count: span.count)
    }
  }

  mutating func append(_ family: PrometheusFamily) {
    if !family.definition.help.utf8.isEmpty {
      append("# HELP ")
      bytes += family.name
      append(" ")
      append(escaped: family.definition.help.utf8, quote: false)
      append("\n")
    }
    append("# TYPE ")
    bytes += family.name
    switch family.definition.kind {
    case .counter: append(" counter\n")
    case .gauge: append(" gauge\n")
    case .distribution: append(" histogram\n")
    }
    if family.leftOut > 0 {
      append("# ")
      append(decimal: Int64(family.leftOut))
      append(" more of this name left out: another kind or other buckets\n")
    }
    for series in family.merged {
      switch series.value {
      case .counter(let whole, let rest):
        line(family.name, "", series.labels) {
          if rest == 0 { $0.append(decimal: whole) } else { $0.append(number: Double(whole) + rest) }
        }
      case .gauge(let value): line(family.name, "", series.labels) { $0.append(number: value) }
      case .distribution(let counts, let sum):
        histogram(family.name, series.labels, family.definition.buckets, counts, sum)
      }
    }
  }

  private mutating func histogram(
    _ name: [UInt8], _ labels: [UInt8], _ bounds: [Double], _ counts: [UInt64], _ sum: Double
  ) {
    var total: UInt64 = 0
    for (position, count) in counts.enumerated() {
      total &+= count
      var bucket = PrometheusWriter(bytes: labels)
      bucket.append(labels.isEmpty ? "le=\"" : ",le=\"")
      bucket.append(number: bounds.indices.contains(position) ? bounds[position] : .infinity)
      bucket.append("\"")
      line(name, "_bucket", bucket.bytes) { $0.append(decimal: total) }
    }
    line(name, "_sum", labels) { $0.append(number: sum) }
    line(name, "_count", labels) { $0.append(decimal: total) }
  }

  private mutating func line(
    _ name: [UInt8], _ suffix: StaticString, _ labels: [UInt8], _ value: (inout PrometheusWriter) -> Void
  ) {
    bytes += name
    append(suffix)
    if !labels.isEmpty {
      append("{")
      bytes += labels
      append("}")
    }
    append(" ")
    value(&self)
    append("\n")
  }

  /// The engine's own, after the user's, in the order of their declaration.
  mutating func append(_ counters: SelfCounterSnapshot) {
    var last: UnsafePointer<UInt8>?
    for counter in SelfCounter.allCases {
      // Counters that differ only in a label stand side by side and share one name, the very same text.
      if counter.name.utf8Start != last {
        append("# HELP ")
        append(counter.name)
        append(" ")
        append(counter.help)
        append("\n# TYPE ")
        append(counter.name)
        append(" counter\n")
        last = counter.name.utf8Start
      }
      append(counter.name)
      if let label = counter.label {
        append("{")
        append(label.name)
        append("=\"")
        append(label.value)
        append("\"}")
      }
      append(" ")
      append(decimal: counters[counter])
      append("\n")
    }
  }
}
