import CEL
import Testing

@testable import PurserTelemetry

@Suite struct TextSpanTests {
  @Test(
    arguments: [
      (0.0, "0"), (-0.0, "-0"), (1, "1"), (-2.5, "-2.5"), (0.1, "0.1"), (0.05, "0.05"), (1e-6, "0.000001"),
      (1e-7, "1e-7"),
      (123456.789, "123456.789"), (0.1 + 0.2, "0.30000000000000004"), (1.0 / 3, "0.3333333333333333"),
      (1e15, "1000000000000000"), (1e20, "100000000000000000000"), (1e21, "1e+21"), (1.5e300, "1.5e+300"),
      (.leastNonzeroMagnitude, "5e-324"), (.greatestFiniteMagnitude, "1.7976931348623157e+308"),
      (9_007_199_254_740_992, "9007199254740992"),
      (.nan, "NaN"), (.infinity, "+Inf"), (-.infinity, "-Inf"),
    ] as [(Double, String)])
  func numbersAreShortAndReadBack(value: Double, text: String) {
    #expect(written { $0.append(value) } == text)
  }

  @Test func everyNumberReadsBack() {
    var state: UInt64 = 42
    for _ in 0..<20_000 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let value = Double(bitPattern: state)
      guard value.isFinite else { continue }
      let text = written { $0.append(value) }
      #expect(Double(text) == value)
      let short = Double(Int64(truncatingIfNeeded: state >> 30)) / 1000
      #expect(Double(written { $0.append(short) }) == short)
    }
  }

  @Test(arguments: [0, 9, 10, 99, 100, .max, .min, -1] as [Int64])
  func integersAreWhole(value: Int64) {
    #expect(written { $0.append(decimal: value) } == String(value))
  }

  @Test(
    arguments: [
      (0, 0, "1970-01-01T00:00:00Z"), (951_782_400, 0, "2000-02-29T00:00:00Z"),
      (-1, 999_000_000, "1969-12-31T23:59:59.999Z"),
      (1_767_323_045, 6_000, "2026-01-02T03:04:05.000006Z"), (1_767_323_045, 1, "2026-01-02T03:04:05.000000001Z"),
      (-62_135_596_800, 0, "0001-01-01T00:00:00Z"), (253_402_300_799, 0, "9999-12-31T23:59:59Z"),
      (-2_203_891_200, 0, "1900-03-01T00:00:00Z"), (4_107_542_400, 0, "2100-03-01T00:00:00Z"),
    ] as [(Int64, Int32, String)])
  func timestampsAreRFC3339(seconds: Int64, nanoseconds: Int32, text: String) {
    var isWritten = false
    let result = written { isWritten = $0.append(timestamp: seconds, nanoseconds: nanoseconds) }
    #expect(result == text)
    #expect(isWritten)
  }

  @Test func timestampsNobodyCanWriteAreRefused() {
    for (seconds, nanoseconds) in [
      (Int64.min, Int32(0)), (.max, 0), (253_402_300_800, 0), (-62_135_596_801, 0), (0, -1), (0, 1_000_000_000),
    ] {
      var isWritten = true
      let result = written { isWritten = $0.append(timestamp: seconds, nanoseconds: nanoseconds) }
      #expect(result == "")
      #expect(!isWritten)
    }
  }

  @Test(
    arguments: [
      (1, 500_000_000, "1.5s"), (0, 0, "0s"), (-1, -500_000_000, "-1.5s"), (0, -1, "-0.000000001s"),
    ] as [(Int64, Int32, String)])
  func durationsAreSeconds(seconds: Int64, nanoseconds: Int32, text: String) {
    #expect(written { $0.append(duration: seconds, nanoseconds: nanoseconds) } == text)
  }

  @Test func jsonIsRFC8259() throws {
    let store = TextStore()
    func json(_ value: Value) -> String { written { $0.append(json: value, textBytesMax: 100) } }
    #expect(json(store.string("plain text of some length")) == #""plain text of some length""#)
    #expect(
      json(store.string("a\"b\\c\nd\re\tf\u{0}g\u{1F}h\u{7F}/é😀"))
        == "\"a\\\"b\\\\c\\nd\\re\\tf\\u0000g\\u001fh\u{7F}/é😀\"")
    #expect(json(.double(.nan)) == "null")
    #expect(json(.double(-.infinity)) == "null")
    #expect(json(.double(1)) == "1")
    #expect(json(.int(.min)) == "-9223372036854775808")
    #expect(json(.bytes(store.bytes(""))) == "\"\"")
    #expect(json(.bytes(store.bytes("f"))) == "\"Zg==\"")
    #expect(json(.bytes(store.bytes("fo"))) == "\"Zm8=\"")
    #expect(json(.bytes(store.bytes("foob?>"))) == "\"Zm9vYj8+\"")
    #expect(json(.timestamp(seconds: .max, nanoseconds: 0)) == "null")
    for value: Value in [
      .null, .absent, .error(EvaluationError(.noSuchKey)), .hostMap(slot: 1), Value(kind: .unfetched),
    ] {
      #expect(json(value) == "null")
    }
    let entries: [Value] = [
      store.string("a"), .int(1), .int(2), .bool(true), .bool(false), .null, .double(1), .uint(3),
    ]
    entries.withUnsafeBufferPointer { entries in
      #expect(json(.map(entries.baseAddress, count: 4)) == #"{"a":1,"2":true,"false":null,"unknown":3}"#)
      #expect(json(.list(entries.baseAddress, count: 3)) == #"["a",1,2]"#)
      #expect(json(.list(nil, count: 0)) == "[]")
      #expect(json(.map(nil, count: 0)) == "{}")
    }
  }

  @Test func controlsAndQuotesAreFoundAtEveryPosition() {
    let store = TextStore()
    for special in ["\"", "\\", "\n", "\u{1}"] {
      for position in 0..<20 {
        var text = [Character](repeating: "é", count: 20)
        text[position] = Character(special)
        let written = written { $0.append(json: store.string(String(text)), textBytesMax: 1000) }
        #expect(written.utf8.filter { $0 == UInt8(ascii: "\\") }.count >= 1)
        #expect(!written.utf8.contains { $0 < 0x20 })
      }
    }
  }

  @Test func deepValuesEndInNull() {
    var value = Value.int(1)
    var blocks: [UnsafeMutablePointer<Value>] = []
    for _ in 0..<10_000 {
      let block = UnsafeMutablePointer<Value>.allocate(capacity: 1)
      block.initialize(to: value)
      blocks.append(block)
      value = .list(block, count: 1)
    }
    defer { for block in blocks { block.deallocate() } }
    var isCut = false
    let result = written { isCut = $0.append(json: value, textBytesMax: 10) }
    #expect(result == String(repeating: "[", count: 128) + "null" + String(repeating: "]", count: 128))
    #expect(isCut)
  }

  @Test func whatDoesNotFitIsCutAndNoted() {
    for capacity in 0..<12 {
      let text = written(capacity: capacity) { span in
        span.append("123456")
        span.append(decimal: Int64(789))
        #expect(span.isFull == (capacity < 9))
      }
      #expect("123456789".hasPrefix(text))
    }
  }
}
