// One merge sort for all that is set up or rendered: as the standard library's, and equal ones keep their order.

import Testing

@testable import CEL

@Suite struct OrderingTests {
  @Test func agreesWithTheStandardLibrary() {
    var generator = SystemRandomNumberGenerator()
    for count in 0..<200 {
      let numbers = (0..<count).map { _ in Int.random(in: 0..<50, using: &generator) }
      #expect(numbers.ordered(by: <) == numbers.sorted())
    }
  }

  @Test func equalOnesKeepTheirOrder() {
    let pairs = (0..<1000).map { (key: $0 * 7919 % 13, number: $0) }
    let ordered = pairs.ordered { $0.key < $1.key }
    for (a, b) in zip(ordered, ordered.dropFirst()) {
      #expect(a.key < b.key || (a.key == b.key && a.number < b.number))
    }
  }

  @Test func anOrderThatContradictsItselfEndsAllTheSame() {
    for count in 0..<50 {
      #expect(orderedPlaces(count) { _, _ in true }.sorted() == Array(0..<count))
      #expect(orderedPlaces(count) { _, _ in false } == Array(0..<count))
    }
    #expect(orderedPlaces(-1) { _, _ in true } == [])
  }
}
