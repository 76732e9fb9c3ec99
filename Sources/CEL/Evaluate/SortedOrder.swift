// Sorting during an evaluation: numbers of elements are put in order, the elements stay where they are.

/// The numbers 0 ..< `count` so that no element is before one that is less; equal ones keep their order. Nil when
/// the arena is full. The comparisons are charged to the budget; when that is spent the order is of no use.
func sortedOrder(
  _ count: Int, _ evaluation: Evaluation.Pointer, isLess: (Int, Int) -> Bool
) -> UnsafePointer<UInt32>? {
  guard count >= 0, count <= 1 << 26, let memory = evaluation.pointee.arena.allocate(max(count, 1) &* 8) else {
    return nil
  }
  var from = memory.bindMemory(to: UInt32.self, capacity: max(count, 1) &* 2)
  var to = from + count
  var number = 0
  while number < count {
    from[number] = UInt32(truncatingIfNeeded: number)
    number &+= 1
  }
  // Runs of `width` are in order; two and two are merged from one half of the memory into the other.
  var width = 1
  while width < count {
    spend(count &* 2, evaluation)
    if evaluation.pointee.stepsLeft < 0 { break }
    var start = 0
    while start < count {
      let middle = min(start &+ width, count)
      let end = min(middle &+ width, count)
      var left = start
      var right = middle
      var place = start
      while place < end {
        if left < middle, right >= end || !isLess(Int(from[right]), Int(from[left])) {
          to[place] = from[left]
          left &+= 1
        } else {
          to[place] = from[right]
          right &+= 1
        }
        place &+= 1
      }
      start = end
    }
    swap(&from, &to)
    width &*= 2
  }
  return UnsafePointer(from)
}
