import Testing

@testable import PurserTelemetry

@Suite struct InstrumentDefinitionTests {
  @Test func defaultsAreEnvoysBuckets() {
    let definition = InstrumentDefinition(name: "d", kind: .distribution)
    #expect(definition.buckets.count == 19)
    #expect(definition.buckets.first == 0.5)
    #expect(definition.buckets.last == 3_600_000)
    #expect(definition.problem == nil)
    #expect(InstrumentDefinition(name: "c", kind: .counter, buckets: [1]).buckets.isEmpty)
  }

  @Test(arguments: ["", "1a", "a-b", "a b", "ä", ".a", String(repeating: "a", count: 256)])
  func illegalNamesAreRefused(name: String) {
    #expect(InstrumentDefinition(name: name, kind: .counter).problem == .illegalName)
  }

  @Test func namesOfOurOwnAreReserved() {
    #expect(InstrumentDefinition(name: "purser_x", kind: .counter).problem == .reservedName)
    #expect(InstrumentDefinition(name: "purser.x", kind: .counter).problem == .reservedName)
  }

  @Test func labelNamesAreCheckedAsABackendWouldWriteThem() {
    func problem(_ labels: [String], _ kind: InstrumentDefinition.Kind = .counter) -> InstrumentProblem? {
      InstrumentDefinition(name: "m", kind: kind, labelNames: labels).problem
    }
    #expect(problem(["a", "http.method", "_x1"]) == nil)
    #expect(problem(["a:b"]) == .illegalLabelName("a:b"))
    #expect(problem(["__name"]) == .illegalLabelName("__name"))
    #expect(problem(["a", "a"]) == .duplicateLabelName("a"))
    #expect(problem(["a_b", "a.b"]) == .duplicateLabelName("a.b"))
    #expect(problem(["le"]) == nil)
    #expect(problem(["le"], .distribution) == .reservedLabelName("le"))
    #expect(problem(["otel.metric.overflow"]) == .reservedLabelName("otel.metric.overflow"))
    #expect(problem((0..<65).map { "l\($0)" }) == .tooManyLabels)
  }

  @Test(arguments: [[2, 1], [1, 1], [.nan], [.infinity], [-.infinity]] as [[Double]])
  func illegalBucketsAreRefused(buckets: [Double]) {
    #expect(InstrumentDefinition(name: "d", kind: .distribution, buckets: buckets).problem == .illegalBuckets)
  }

  @Test(arguments: [0, -1, 1_000_001, Int.min, Int.max])
  func illegalCapsAreRefused(cap: Int) {
    #expect(InstrumentDefinition(name: "c", kind: .counter, seriesMax: cap).problem == .illegalSeriesMax)
  }
}
