// What has been recorded, at one moment, in plain data: what backends encode and tests compare.

/// One instrument with all its series, merged over the workers.
public struct InstrumentSnapshot: Equatable, Sendable {
  public var scope: String
  public var definition: InstrumentDefinition
  /// By label values, in byte order; the overflow series last.
  public var series: [SeriesSnapshot]

  public init(scope: String = "", definition: InstrumentDefinition, series: [SeriesSnapshot]) {
    self.scope = scope
    self.definition = definition
    self.series = series
  }
}

public struct SeriesSnapshot: Equatable, Sendable {
  /// One for each of the instrument's label names; empty for the overflow series.
  public var labelValues: [String]
  public var isOverflow: Bool
  public var value: SeriesValue
  /// Of the last recording, in nanoseconds.
  public var recordedAt: Int64

  public init(labelValues: [String], isOverflow: Bool = false, value: SeriesValue, recordedAt: Int64 = 0) {
    self.labelValues = labelValues
    self.isOverflow = isOverflow
    self.value = value
    self.recordedAt = recordedAt
  }
}

public enum SeriesValue: Equatable, Sendable {
  /// The sum is `whole + rest`. Whole increments are kept apart, so that they stay exact.
  case counter(whole: Int64, rest: Double)
  case gauge(Double)
  /// Recordings in each bucket (not cumulative), one more than there are bounds.
  case distribution(bucketCounts: [UInt64], sum: Double)
}

extension SeriesValue {
  /// Adds another series' value of the same shape; nothing when the shapes differ. A gauge takes the other's value.
  public mutating func merge(_ other: SeriesValue) {
    switch (self, other) {
    case (.counter(let whole, let rest), .counter(let otherWhole, let otherRest)):
      let (sum, overflow) = whole.addingReportingOverflow(otherWhole)
      self =
        overflow
        ? .counter(whole: whole, rest: rest + otherRest + Double(otherWhole))
        : .counter(whole: sum, rest: rest + otherRest)
    case (.gauge, .gauge): self = other
    case (.distribution(let counts, let sum), .distribution(let otherCounts, let otherSum)):
      guard counts.count == otherCounts.count else { return }
      var merged: [UInt64] = []
      merged.reserveCapacity(counts.count)
      for (count, otherCount) in zip(counts, otherCounts) { merged.append(count &+ otherCount) }
      self = .distribution(bucketCounts: merged, sum: sum + otherSum)
    default: return
    }
  }
}

/// Byte order of UTF-8 text: the same on every machine, in every locale.
func precedes(_ a: String, _ b: String) -> Bool { a.utf8.lexicographicallyPrecedes(b.utf8) }

func precedes(_ a: [String], _ b: [String]) -> Bool {
  for (left, right) in zip(a, b) {
    if precedes(left, right) { return true }
    if precedes(right, left) { return false }
  }
  return a.count < b.count
}
