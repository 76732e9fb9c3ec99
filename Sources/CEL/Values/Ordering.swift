// Sorting of whatever is set up or rendered: one merge sort of places serves all types of element. The standard
// library's sort is compiled again for each type and comparison, 4 KB a time, which the embedded flavour cannot spare.
// An evaluation sorts in its arena and within its budget instead: `sortedOrder`.

/// The places 0 ..< `count` so that none stands before one that precedes it; equal ones keep their order.
@inline(never)
package func orderedPlaces(_ count: Int, by precedes: (Int, Int) -> Bool) -> [Int] {
  var from = Array(0..<max(0, count))
  var to = from
  // Runs of `width` are in order; two and two are merged from one array into the other.
  var width = 1
  while width < count {
    var start = 0
    while start < count {
      let middle = min(start &+ width, count)
      let end = min(middle &+ width, count)
      var left = start
      var right = middle
      for place in start..<end {
        if left < middle, right >= end || !precedes(from[right], from[left]) {
          to[place] = from[left]
          left &+= 1
        } else {
          to[place] = from[right]
          right &+= 1
        }
      }
      start = end
    }
    swap(&from, &to)
    width &*= 2
  }
  return from
}

extension Array {
  /// None stands before one that precedes it; equal ones keep their order.
  package func ordered(by precedes: (Element, Element) -> Bool) -> [Element] {
    orderedPlaces(count) { precedes(self[$0], self[$1]) }.map { self[$0] }
  }
}
