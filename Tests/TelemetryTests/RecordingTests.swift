import CEL
import Testing

@testable import PurserTelemetry

@Suite struct RecordingTests {
  @Test func countersAddUpBySeries() throws {
    let it = try Fixture()
    let shard = try it.shard()
    let instrument = try it.counter(labels: ["method", "code"])
    let get = it.text.string("GET")
    for _ in 0..<3 { #expect(it.add(to: instrument, in: shard, [get, .int(200)]) == .recorded) }
    it.add(.uint(5), to: instrument, in: shard, [get, .int(404)])
    it.add(.double(0.5), to: instrument, in: shard, [get, .int(404)])
    let series = it.series("requests_total")
    #expect(series.map(\.labelValues) == [["GET", "200"], ["GET", "404"]])
    #expect(series.map(\.value) == [.counter(whole: 3, rest: 0), .counter(whole: 5, rest: 0.5)])
  }

  @Test func wholeIncrementsStayExactPastWhatADoubleHolds() throws {
    let it = try Fixture()
    let shard = try it.shard()
    let instrument = try it.counter()
    it.add(.int(1 << 53), to: instrument, in: shard)
    it.add(.int(1), to: instrument, in: shard)
    it.add(.double(1), to: instrument, in: shard)
    #expect(it.series("requests_total").first?.value == .counter(whole: (1 << 53) + 2, rest: 0))
  }

  @Test func counterBeyond64BitsGoesOnAsADouble() throws {
    let it = try Fixture()
    let shard = try it.shard()
    let instrument = try it.counter()
    it.add(.int(.max), to: instrument, in: shard)
    it.add(.int(.max), to: instrument, in: shard)
    it.add(.uint(.max), to: instrument, in: shard)
    let rest = Double(Int64.max) + Double(UInt64.max)
    #expect(it.series("requests_total").first?.value == .counter(whole: .max, rest: rest))
  }

  @Test func whatIsNoIncrementRecordsNothingAndIsCounted() throws {
    let it = try Fixture()
    let shard = try it.shard()
    let instrument = try it.counter()
    for value: Value in [
      .int(-1), .double(-0.5), .double(.nan), .double(.infinity), .duration(seconds: -1, nanoseconds: 0), .bool(true),
      .null, it.text.string("1"), .timestamp(seconds: 1, nanoseconds: 0),
    ] {
      #expect(it.add(value, to: instrument, in: shard) == .illegalValue)
    }
    for value: Value in [.absent, .error(EvaluationError(.divisionByZero)), Value(kind: .unfetched)] {
      #expect(it.add(value, to: instrument, in: shard) == .valueError)
    }
    #expect(it.series("requests_total").isEmpty)
    #expect(it.registry.counters()[.illegalValues] == 9)
    #expect(it.registry.counters()[.valueErrors] == 3)
  }

  @Test func gaugesKeepTheLatestOfAllWorkers() throws {
    let it = try Fixture()
    let (a, b) = (try it.shard(), try it.shard())
    let instrument = try it.registry.acquire(scope: "", InstrumentDefinition(name: "g", kind: .gauge))
    it.add(.double(-1), to: instrument, in: a, now: 10)
    it.add(.int(7), to: instrument, in: b, now: 30)
    it.add(.int(5), to: instrument, in: a, now: 20)
    #expect(it.series("g").first?.value == .gauge(7))
    #expect(it.series("g").first?.recordedAt == 30)
    it.registry.freeShard(b)
    #expect(it.series("g").first?.value == .gauge(7))
    it.add(.double(.infinity), to: instrument, in: a, now: 40)
    #expect(it.series("g").first?.value == .gauge(.infinity))
    #expect(it.add(.double(.nan), to: instrument, in: a, now: 50) == .illegalValue)
  }

  @Test func distributionsCountInclusiveUpperBounds() throws {
    let it = try Fixture()
    let shard = try it.shard()
    let instrument = try it.registry.acquire(
      scope: "", InstrumentDefinition(name: "d", kind: .distribution, buckets: [1, 5, 10]))
    let values: [Value] = [
      .double(-3), .int(1), .double(1.0001), .int(5), .uint(10), .double(10.5),
      .duration(seconds: 2, nanoseconds: 500_000_000),
    ]
    for value in values { #expect(it.add(value, to: instrument, in: shard) == .recorded) }
    #expect(it.add(.double(.infinity), to: instrument, in: shard) == .illegalValue)
    let sum = -3 + 1 + 1.0001 + 5 + 10 + 10.5 + 2.5
    #expect(it.series("d").first?.value == .distribution(bucketCounts: [2, 3, 1, 1], sum: sum))
  }

  @Test func bucketSearchIsTheSlowOne() throws {
    let it = try Fixture()
    let shard = try it.shard()
    for boundCount in [0, 1, 2, 3, 19, 200] {
      let bounds = (0..<boundCount).map { Double($0 * 2) }
      let instrument = try it.registry.acquire(
        scope: "", InstrumentDefinition(name: "d\(boundCount)", kind: .distribution, buckets: bounds))
      var expected = [UInt64](repeating: 0, count: boundCount + 1)
      for value in stride(from: -1.0, through: 401, by: 0.5) {
        it.add(.double(value), to: instrument, in: shard)
        expected[bounds.firstIndex { value <= $0 } ?? boundCount] += 1
      }
      guard case .distribution(let counts, _)? = it.series("d\(boundCount)").first?.value else {
        Issue.record("no distribution")
        continue
      }
      #expect(counts == expected)
    }
  }

  @Test func labelsReadAsText() throws {
    let it = try Fixture()
    let shard = try it.shard()
    let instrument = try it.counter(labels: ["l"])
    let elements = [Value.int(1), it.text.string("a\"b")]
    elements.withUnsafeBufferPointer { list in
      let cases: [(Value, String)] = [
        (it.text.string(""), ""), (it.text.string("zürich"), "zürich"), (.int(.min), "-9223372036854775808"),
        (.uint(.max), "18446744073709551615"), (.bool(true), "true"), (.bool(false), "false"), (.double(0.1), "0.1"),
        (.double(3), "3"), (.double(.nan), "NaN"), (.null, "null"), (.absent, "unknown"),
        (.duration(seconds: 1, nanoseconds: 500_000_000), "1.5s"),
        (.timestamp(seconds: 0, nanoseconds: 0), "1970-01-01T00:00:00Z"), (.bytes(it.text.bytes("abcd")), "YWJjZA=="),
        (.list(list.baseAddress, count: 2), #"[1,"a\"b"]"#), (Value(kind: .opaque), "unknown"),
      ]
      for (value, text) in cases {
        it.add(to: instrument, in: shard, [value])
        #expect(it.series("requests_total").contains { $0.labelValues == [text] }, "\(text)")
      }
    }
    it.add(to: instrument, in: shard, [.error(EvaluationError(.noSuchKey))])
    #expect(it.registry.counters()[.labelErrors] == 2)
  }

  @Test func valuesThatReadTheSameAreOneSeries() throws {
    let it = try Fixture()
    let shard = try it.shard()
    let instrument = try it.counter(labels: ["code"])
    for value in [.int(200), .uint(200), .double(200), it.text.string("200")] {
      it.add(to: instrument, in: shard, [value])
    }
    #expect(it.series("requests_total").map(\.value) == [.counter(whole: 4, rest: 0)])
  }

  @Test func longLabelsAreCutAtACodePoint() throws {
    let it = try Fixture()
    let shard = try it.shard()
    let instrument = try it.counter(labels: ["l"])
    it.add(to: instrument, in: shard, [it.text.string(String(repeating: "x", count: 255) + "é and more")])
    it.add(to: instrument, in: shard, [it.text.string(String(repeating: "y", count: 256))])
    let many = (0..<40).map { _ in it.text.string("€€€") }
    _ = many.withUnsafeBufferPointer { it.add(to: instrument, in: shard, [.list($0.baseAddress, count: 40)]) }
    let values = it.series("requests_total").map { $0.labelValues[0] }
    #expect(values.contains(String(repeating: "x", count: 255)))
    #expect(values.contains(String(repeating: "y", count: 256)))
    #expect(values.allSatisfy { $0.utf8.count <= 256 && !$0.unicodeScalars.contains("\u{FFFD}") })
  }

  @Test func labelBoundariesAreNotMixedUp() throws {
    let it = try Fixture()
    let shard = try it.shard()
    let instrument = try it.counter(labels: ["a", "b"])
    for (a, b) in [("ab", "c"), ("a", "bc"), ("", "abc"), ("abc", "")] {
      it.add(to: instrument, in: shard, [it.text.string(a), it.text.string(b)])
    }
    #expect(it.series("requests_total").count == 4)
  }

  /// Every length around the widths in which text is hashed and compared, equal but for one byte.
  @Test func textsThatDifferInOneByteAreDifferentSeries() throws {
    let it = try Fixture()
    let shard = try it.shard()
    let instrument = try it.counter(labels: ["l"], seriesMax: 20_000)
    var expected = 0
    for length in 1...40 {
      for position in 0..<length {
        var bytes = [UInt8](repeating: UInt8(ascii: "a"), count: length)
        bytes[position] = UInt8(ascii: "b")
        let text = String(decoding: bytes, as: UTF8.self)
        for _ in 0..<2 { it.add(to: instrument, in: shard, [it.text.string(text)]) }
        expected += 1
      }
    }
    let series = it.series("requests_total")
    #expect(series.count == expected)
    #expect(series.allSatisfy { $0.value == .counter(whole: 2, rest: 0) })
  }

  @Test func missingLabelsAreUnknown() throws {
    let it = try Fixture()
    let shard = try it.shard()
    let instrument = try it.counter(labels: ["a"])
    #expect(record(.int(1), to: instrument, in: shard, labels: nil, now: -5) == .recorded)
    #expect(it.series("requests_total").first?.labelValues == ["unknown"])
  }
}
