// Reading while workers record: series are copied out of each shard, cell by cell, and merged.
//
// A worker that is recording is not stopped, so a snapshot is no single instant: of two recordings it may see the later
// one only if they are of different series. No recording that ended before the snapshot began is missed.

import CEL
import CPlatform

extension InstrumentRegistry {
  /// Every instrument that `include` takes, by name, then scope, then age. Not on the request path.
  public func snapshot(
    where include: (_ scope: String, _ definition: InstrumentDefinition) -> Bool = { _, _ in true }
  ) -> [InstrumentSnapshot] {
    var result: [InstrumentSnapshot] = []
    platform_lock_acquire(lock)
    for instrument in instruments {
      guard let instrument, include(instrument.scope, instrument.definition) else { continue }
      result.append(
        InstrumentSnapshot(scope: instrument.scope, definition: instrument.definition, series: series(instrument.state))
      )
    }
    platform_lock_release(lock)
    for index in result.indices { result[index].series = result[index].series.ordered(by: SeriesSnapshot.precedes) }
    return result.ordered { precedes([$0.definition.name, $0.scope], [$1.definition.name, $1.scope]) }
  }

  private func series(_ state: UnsafeMutablePointer<InstrumentState>) -> [SeriesSnapshot] {
    var result: [SeriesSnapshot] = []
    let words = state.pointee.cellWords
    withUnsafeTemporaryAllocation(of: UInt64.self, capacity: words) { memory in
      guard let merged = memory.baseAddress else { return }
      for id in InstrumentState.ids(state) {
        let address = platform_load_acquire(state.pointee.seriesByID + id)
        guard id == 0 || address != 0 else { continue }
        merged.initialize(repeating: 0, count: words)
        if let cell = Shard.touchedCell(base, state, id: id) {
          Cell.fold(cell, into: merged, kind: state.pointee.kind, words: words)
        }
        for shard in shards {
          guard let cell = Shard.touchedCell(shard, state, id: id) else { continue }
          Cell.fold(cell, into: merged, kind: state.pointee.kind, words: words)
        }
        // Made, but not yet recorded into.
        guard merged[0] != 0 else { continue }
        var labelValues: [String] = []
        if let series = UnsafePointer<Series>(bitPattern: UInt(address)) {
          labelValues = Series.labelValues(series, count: state.pointee.labelCount)
        }
        result.append(
          SeriesSnapshot(
            labelValues: labelValues, isOverflow: id == 0,
            value: SeriesValue(merged, kind: state.pointee.kind, boundCount: state.pointee.boundCount),
            recordedAt: Int64(bitPattern: merged[0] &- 1)))
      }
    }
    return result
  }
}

extension SeriesSnapshot {
  static func precedes(_ a: SeriesSnapshot, _ b: SeriesSnapshot) -> Bool {
    if a.isOverflow != b.isOverflow { return b.isOverflow }
    return PurserTelemetry.precedes(a.labelValues, b.labelValues)
  }
}

extension SeriesValue {
  init(_ cell: UnsafePointer<UInt64>, kind: InstrumentDefinition.Kind, boundCount: Int) {
    switch kind {
    case .counter: self = .counter(whole: Int64(bitPattern: cell[1]), rest: Double(bitPattern: cell[2]))
    case .gauge: self = .gauge(Double(bitPattern: cell[1]))
    case .distribution:
      self = .distribution(
        bucketCounts: Array(UnsafeBufferPointer(start: cell + 2, count: boundCount &+ 1)),
        sum: Double(bitPattern: cell[1]))
    }
  }
}
