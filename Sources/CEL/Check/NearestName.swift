// "did you mean": the known name closest to one that is not known, by Damerau-Levenshtein distance (insertions,
// deletions, replacements, and two neighbours swapped, each once), and only if it is close.

public enum NearestName {
  /// Longer names are not compared: the work is quadratic, and nobody means them.
  private static let bytesMax = 80

  /// The candidate nearest to `name`, ties by byte order; nil if none is close.
  public static func find(_ name: String, among candidates: some Sequence<String>) -> String? {
    let wanted = Array(name.utf8)
    guard !wanted.isEmpty, wanted.count <= bytesMax else { return nil }
    var limit = distanceMax(wanted.count)
    var best: (name: String, bytes: [UInt8])?
    var rows = Rows()
    for candidate in candidates {
      let count = candidate.utf8.count
      guard count <= bytesMax, abs(count &- wanted.count) <= limit else { continue }
      let bytes = Array(candidate.utf8)
      guard bytes != wanted else { continue }
      let distance = rows.distance(wanted, bytes, limit: limit)
      guard distance <= limit else { continue }
      if let best, distance == limit, !bytes.lexicographicallyPrecedes(best.bytes) { continue }
      limit = distance
      best = (candidate, bytes)
    }
    return best?.name
  }

  private static func distanceMax(_ count: Int) -> Int {
    count <= 2 ? 0 : count <= 5 ? 1 : count <= 9 ? 2 : 3
  }

  /// The last three rows of the distance matrix.
  private struct Rows {
    private var older: [Int] = []
    private var previous: [Int] = []
    private var current: [Int] = []

    /// The distance of `a` and `b`, or some number above `limit`.
    mutating func distance(_ a: [UInt8], _ b: [UInt8], limit: Int) -> Int {
      let width = b.count &+ 1
      older = [Int](repeating: 0, count: width)
      previous = Array(0..<width)
      current = older
      var row = 0
      while row < a.count {
        current[0] = row &+ 1
        var least = current[0]
        var column = 0
        while column < b.count {
          let isSame = lower(a[row]) == lower(b[column])
          var cost = min(
            previous[column &+ 1] &+ 1, current[column] &+ 1, previous[column] &+ (isSame ? 0 : 1))
          if row > 0, column > 0, a[row] == b[column &- 1], a[row &- 1] == b[column] {
            cost = min(cost, older[column &- 1] &+ 1)
          }
          current[column &+ 1] = cost
          least = min(least, cost)
          column &+= 1
        }
        if least > limit { return least }
        (older, previous, current) = (previous, current, older)
        row &+= 1
      }
      return previous[width &- 1]
    }

    /// A difference of case alone is no difference.
    private func lower(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }
  }
}
