import PurserTelemetry
import Testing

@testable import PurserBackends

@Suite struct PrometheusTextTests {
  func text(_ instruments: [InstrumentSnapshot], counters: SelfCounterSnapshot? = nil) -> String {
    String(decoding: PrometheusText.encode(instruments, counters: counters), as: UTF8.self)
  }

  func counter(
    _ name: String, help: String = "", labels: [String] = [], scope: String = "", _ series: [([String], Int64)]
  ) -> InstrumentSnapshot {
    InstrumentSnapshot(
      scope: scope, definition: InstrumentDefinition(name: name, kind: .counter, help: help, labelNames: labels),
      series: series.map { SeriesSnapshot(labelValues: $0.0, value: .counter(whole: $0.1, rest: 0)) })
  }

  @Test func everyKindHasItsForm() {
    let gauge = InstrumentSnapshot(
      definition: InstrumentDefinition(name: "open.connections", kind: .gauge, labelNames: ["net.peer"]),
      series: [
        SeriesSnapshot(labelValues: ["a"], value: .gauge(.nan)),
        SeriesSnapshot(labelValues: ["b"], value: .gauge(.infinity)),
        SeriesSnapshot(labelValues: ["c"], value: .gauge(-.infinity)),
        SeriesSnapshot(labelValues: ["d"], value: .gauge(-1.5)),
      ])
    let distribution = InstrumentSnapshot(
      definition: InstrumentDefinition(name: "seconds", kind: .distribution, labelNames: ["code"], buckets: [0.5, 10]),
      series: [
        SeriesSnapshot(labelValues: ["200"], value: .distribution(bucketCounts: [1, 2, 4], sum: 52.25)),
        SeriesSnapshot(labelValues: [], isOverflow: true, value: .distribution(bucketCounts: [0, 1, 0], sum: 3)),
      ])
    let whole = InstrumentSnapshot(
      definition: InstrumentDefinition(name: "bytes_total", kind: .counter),
      series: [SeriesSnapshot(labelValues: [], value: .counter(whole: 9_007_199_254_740_993, rest: 0))])
    let real = InstrumentSnapshot(
      definition: InstrumentDefinition(name: "cost", kind: .counter),
      series: [SeriesSnapshot(labelValues: [], value: .counter(whole: 2, rest: 0.25))])
    #expect(
      text([distribution, gauge, whole, real]) == """
        # TYPE bytes_total counter
        bytes_total 9007199254740993
        # TYPE cost counter
        cost 2.25
        # TYPE open_connections gauge
        open_connections{net_peer="a"} NaN
        open_connections{net_peer="b"} +Inf
        open_connections{net_peer="c"} -Inf
        open_connections{net_peer="d"} -1.5
        # TYPE seconds histogram
        seconds_bucket{code="200",le="0.5"} 1
        seconds_bucket{code="200",le="10"} 3
        seconds_bucket{code="200",le="+Inf"} 7
        seconds_sum{code="200"} 52.25
        seconds_count{code="200"} 7
        seconds_bucket{otel_metric_overflow="true",le="0.5"} 0
        seconds_bucket{otel_metric_overflow="true",le="10"} 1
        seconds_bucket{otel_metric_overflow="true",le="+Inf"} 1
        seconds_sum{otel_metric_overflow="true"} 3
        seconds_count{otel_metric_overflow="true"} 1

        """)
  }

  @Test func helpAndLabelsAreEscaped() {
    let it = counter("a", help: "back\\slash\nline \"quoted\"", labels: ["l"], [(["a\\b\"c\nd{}é"], 1)])
    #expect(
      text([it]) == """
        # HELP a back\\\\slash\\nline "quoted"
        # TYPE a counter
        a{l="a\\\\b\\"c\\nd{}é"} 1

        """)
  }

  @Test func oneNameInTwoScopesIsOneFamily() {
    let a = counter("m", help: "first", labels: ["l"], scope: "a", [(["x"], 1), (["y"], 2)])
    let b = counter("m", help: "second", labels: ["l"], scope: "b", [(["a"], 8), (["x"], 16)])
    #expect(
      text([a, b]) == """
        # HELP m first
        # TYPE m counter
        m{l="a"} 8
        m{l="x"} 17
        m{l="y"} 2

        """)
  }

  @Test func anotherShapeOfTheSameNameIsLeftOut() {
    let other = InstrumentSnapshot(
      definition: InstrumentDefinition(name: "m", kind: .gauge),
      series: [SeriesSnapshot(labelValues: [], value: .gauge(1))])
    #expect(
      text([counter("m", [([], 1)]), other]) == """
        # TYPE m counter
        # 1 more of this name left out: another kind or other buckets
        m 1

        """)
  }

  @Test func nothingRecordedIsStillAFamily() {
    #expect(text([counter("m", [])]) == "# TYPE m counter\n")
    #expect(text([]) == "")
  }

  @Test func theEnginesOwnCountersAreAllThere() throws {
    let registry = try #require(InstrumentRegistry())
    registry.count(.checksDenied, 3)
    registry.count(.reloads)
    let lines = text([], counters: registry.counters()).split(separator: "\n")
    #expect(lines.contains("purser_checks_total{verdict=\"deny\"} 3"))
    #expect(lines.contains("purser_checks_total{verdict=\"allow\"} 0"))
    #expect(lines.contains("purser_reloads_total{result=\"ok\"} 1"))
    let types = lines.filter { $0.hasPrefix("# TYPE") }
    #expect(Set(types).count == types.count)
    #expect(lines.filter { !$0.hasPrefix("#") }.count == SelfCounter.count)
  }
}
