import Glibc

/// Nanoseconds of many calls, and what part of them the clock itself takes.
struct Latencies {
  private var samples: [Int64] = []

  /// Nanoseconds of a clock that only goes forward.
  static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  /// What two readings of the clock with nothing between them say: the median of many.
  static func clockOverhead() -> Int64 {
    var empty = Latencies()
    for _ in 0..<1000 {
      let start = now()
      empty.add(now() - start)
    }
    return empty.row?.p50 ?? 0
  }

  mutating func add(_ nanoseconds: Int64) {
    samples.append(nanoseconds)
  }

  struct Row {
    var min, p50, p90, p99, max: Int64
  }

  /// Nearest-rank percentiles; nil without samples.
  var row: Row? {
    let sorted = samples.sorted()
    guard let first = sorted.first, let last = sorted.last else { return nil }
    func percentile(_ percent: Int) -> Int64 {
      sorted[max(0, (sorted.count * percent + 99) / 100 - 1)]
    }
    return Row(min: first, p50: percentile(50), p90: percentile(90), p99: percentile(99), max: last)
  }
}
