// The request path of telemetry: one value with its labels into one instrument, in one worker's shard.
//
// After warm-up (each series and page touched once) nothing here locks, allocates, counts references or calls the
// kernel. Label texts stay where they lie and are hashed and compared there.

import CEL
import CPlatform

/// What became of a recording.
@frozen public enum RecordOutcome: UInt8, Sendable {
  case recorded
  /// Into the overflow series: the instrument has all the series it may have.
  case overflowed
  /// Nothing: the value's expression erred, or the value is absent.
  case valueError
  /// Nothing: no number, not a number, infinite, or a counter's increment below zero.
  case illegalValue
  /// Nothing: no memory for a new series or page.
  case outOfMemory
}

/// Records `value` (int, uint, double, or a duration in seconds) into the series of `labels`, one CEL value for each of
/// the instrument's label names. A label that erred or is absent reads `unknown`. `now` is in nanoseconds of the clock
/// that `InstrumentRegistry.expire` is asked with. Only from the shard's worker.
@discardableResult
public func record(
  _ value: Value, to instrument: UnsafeMutablePointer<InstrumentState>, in shard: UnsafeMutablePointer<Shard>,
  labels: UnsafePointer<Value>?, now: Int64
) -> RecordOutcome {
  guard let amount = Amount(value, kind: instrument.pointee.kind) else { return refuse(value, shard) }
  let sequence = shard.pointee.words
  platform_enter(sequence)
  defer { platform_leave(sequence) }

  let texts = shard.pointee.labels
  var hash = instrument.pointee.hashKey
  let labelCount = instrument.pointee.labelCount
  if let labels {
    var index = 0
    while index < labelCount {
      let label = labels[index]
      var text: Bytes
      if label.kind == .string {
        text = LabelText.clip(label.asBytes)
      } else {
        text = LabelText.render(label, scratch: shard.pointee.scratch + index &* LabelText.bytesMax)
        if label.kind.rawValue <= Value.Kind.error.rawValue { Shard.count(shard, .labelErrors) }
      }
      texts[index] = text
      hash = LabelHash.mix(hash, text)
      index &+= 1
    }
  } else {
    var index = 0
    while index < labelCount {
      texts[index] = LabelText.unknown
      hash = LabelHash.mix(hash, LabelText.unknown)
      index &+= 1
    }
  }

  guard
    let id = InstrumentState.series(instrument, labels: texts, hash: hash),
    let cell = Shard.cell(shard, instrument, id: id)
  else {
    Shard.count(shard, .recordingsWithoutMemory)
    return .outOfMemory
  }
  switch amount {
  case .whole(let increment):
    Cell.add(whole: increment, cell)
  case .real(let real):
    switch instrument.pointee.kind {
    case .counter: Cell.add(rest: real, cell)
    case .gauge: Cell.set(real, cell)
    case .distribution:
      Cell.observe(real, cell, bounds: instrument.pointee.bounds, boundCount: instrument.pointee.boundCount)
    }
  }
  platform_store_release(cell, Cell.stamp(now))
  if id == 0 {
    Shard.count(shard, .seriesOverflow)
    return .overflowed
  }
  return .recorded
}

/// A value that may be recorded: a counter's whole increment, or a number for everything else.
private enum Amount {
  case whole(Int64)
  case real(Double)

  @inline(__always)
  init?(_ value: Value, kind: InstrumentDefinition.Kind) {
    let real: Double
    switch value.kind {
    case .int:
      if kind == .counter {
        guard value.asInt >= 0 else { return nil }
        self = .whole(value.asInt)
        return
      }
      real = Double(value.asInt)
    case .uint:
      if kind == .counter, value.asUInt <= UInt64(Int64.max) {
        self = .whole(Int64(bitPattern: value.asUInt))
        return
      }
      real = Double(value.asUInt)
    case .double: real = value.asDouble
    case .duration: real = Double(value.seconds) + Double(value.nanoseconds) / 1e9
    default: return nil
    }
    switch kind {
    case .counter:
      guard real >= 0, real.isFinite else { return nil }
      // Whole increments stay exact, whatever type they come in.
      let whole = platform_truncate(real)
      if real < 9_007_199_254_740_992, Double(whole) == real {
        self = .whole(whole)
        return
      }
    case .gauge: guard !real.isNaN else { return nil }
    // One infinite observation would make the sum useless for good.
    case .distribution: guard real.isFinite else { return nil }
    }
    self = .real(real)
  }
}

@inline(never)
private func refuse(_ value: Value, _ shard: UnsafeMutablePointer<Shard>) -> RecordOutcome {
  if value.kind.rawValue <= Value.Kind.error.rawValue {
    Shard.count(shard, .valueErrors)
    return .valueError
  }
  Shard.count(shard, .illegalValues)
  return .illegalValue
}
