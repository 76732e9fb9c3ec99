import CEL
import CPurser
import Testing

@testable import PurserAttributes

/// What hosts may answer, and what becomes of it.
@Suite struct HostValueTests {
  private func with<Result>(_ bytes: [UInt8], _ body: (purser_text) -> Result) -> Result {
    bytes.withUnsafeBytes { body(purser_text(data: $0.bindMemory(to: CChar.self).baseAddress, size: $0.count)) }
  }

  private func value(_ type: purser_type, _ fill: (inout purser_value) -> Void = { _ in }) -> purser_value {
    var value = purser_value()
    value.type = type.rawValue
    fill(&value)
    return value
  }

  private func read(_ value: purser_value, as type: TypeCode, bytesMax: Int = 1 << 20) -> Value {
    var arena = Arena(bytesMax: bytesMax)
    defer { arena.free() }
    return HostValue.read(value, as: type, slot: 7, in: &arena)
  }

  private func error(_ value: purser_value, as type: TypeCode, bytesMax: Int = 1 << 20) -> EvaluationError? {
    let result = read(value, as: type, bytesMax: bytesMax)
    return result.kind == .error ? result.asError : nil
  }

  @Test func textIsUTF8AsSwiftHasIt() {
    var state: UInt64 = 99
    func next(_ below: UInt64) -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (state >> 33) % below
    }
    // Bytes at which the rules change.
    let edges: [UInt8] = [
      0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF,
      0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
    ]
    for _ in 0..<50_000 {
      var bytes: [UInt8] = []
      for _ in 0..<next(12) { bytes.append(edges[Int(next(UInt64(edges.count)))]) }
      let isValid = String(validating: bytes, as: UTF8.self) != nil
      let found = bytes.withUnsafeBufferPointer { Bytes($0.baseAddress, count: UInt32($0.count)).isUTF8 }
      #expect(found == isValid, "\(bytes)")
    }
    for text in ["", "abcdefgh", "abcdefghé", "aé日本🙂", "\u{10FFFF}\u{D7FF}\u{E000}"] {
      #expect(Array(text.utf8).withUnsafeBufferPointer { Bytes($0.baseAddress, count: UInt32($0.count)).isUTF8 })
    }
  }

  @Test func scalarsOfTheRightTypeAreTaken() {
    #expect(read(value(PURSER_TYPE_INT) { $0.as.integer = -5 }, as: .int).asInt == -5)
    #expect(read(value(PURSER_TYPE_UINT) { $0.as.unsigned_integer = .max }, as: .uint).payload == .max)
    #expect(read(value(PURSER_TYPE_BOOL) { $0.as.boolean = 7 }, as: .bool).isTrue)
    #expect(read(value(PURSER_TYPE_DOUBLE) { $0.as.number = .nan }, as: .double).kind == .double)
    with([0x61, 0x00, 0x62]) { text in
      let found = read(value(PURSER_TYPE_STRING) { $0.as.text = text }, as: .string)
      #expect(found.kind == .string && found.count == 3, "a NUL is a character like any other")
    }
    #expect(read(value(PURSER_TYPE_STRING), as: .string).count == 0, "empty text may have a NULL pointer")
  }

  @Test func anotherTypeThanTheDeclaredOneIsAnError() {
    let wrong: [(purser_value, TypeCode)] = [
      (value(PURSER_TYPE_INT), .string), (value(PURSER_TYPE_INT), .uint), (value(PURSER_TYPE_UINT), .int),
      (value(PURSER_TYPE_STRING), .bytes), (value(PURSER_TYPE_BYTES), .string), (value(PURSER_TYPE_NULL), .string),
      (value(PURSER_TYPE_LIST), .stringMap), (value(PURSER_TYPE_MAP), .stringList), (value(PURSER_TYPE_BOOL), .int),
      (value(PURSER_TYPE_DURATION), .timestamp),
    ]
    for (value, type) in wrong {
      #expect(error(value, as: type) == EvaluationError(.attributeWrongType, detail: 7), "\(value.type) as \(type)")
    }
    var unknown = purser_value()
    unknown.type = 4711
    #expect(error(unknown, as: .dyn)?.code == .attributeWrongType)
  }

  @Test func timesOutOfRangeAreErrors() {
    func time(_ type: purser_type, _ seconds: Int64, _ nanos: Int32) -> purser_value {
      value(type) {
        $0.as.seconds = seconds
        $0.nanos = nanos
      }
    }
    #expect(read(time(PURSER_TYPE_TIMESTAMP, 253_402_300_799, 999_999_999), as: .timestamp).kind == .timestamp)
    #expect(read(time(PURSER_TYPE_TIMESTAMP, -62_135_596_800, 0), as: .timestamp).kind == .timestamp)
    for (seconds, nanos) in [(253_402_300_800, 0), (-62_135_596_801, 0), (0, -1), (0, 1_000_000_000), (.max, 0), (.min, 0)]
      as [(Int64, Int32)]
    {
      #expect(error(time(PURSER_TYPE_TIMESTAMP, seconds, nanos), as: .timestamp) != nil)
    }
    #expect(read(time(PURSER_TYPE_DURATION, -1, -5), as: .duration).kind == .duration)
    for (seconds, nanos) in [(1, -1), (-1, 1), (.max, 0), (.min, 0), (0, .min), (0, .max)] as [(Int64, Int32)] {
      #expect(error(time(PURSER_TYPE_DURATION, seconds, nanos), as: .duration) != nil)
    }
  }

  @Test func aSizeWithoutAPointerIsAnError() {
    #expect(error(value(PURSER_TYPE_STRING) { $0.as.text = purser_text(data: nil, size: 4) }, as: .string)?.code == .attributeUnavailable)
    #expect(error(value(PURSER_TYPE_LIST) { $0.as.list = purser_list(items: nil, count: 4) }, as: .stringList)?.code == .attributeUnavailable)
    #expect(error(value(PURSER_TYPE_MAP) { $0.as.map = purser_map(entries: nil, count: 4) }, as: .stringMap)?.code == .attributeUnavailable)
  }

  @Test func absurdSizesAreErrors() {
    with([0x61]) { text in
      let long = purser_text(data: text.data, size: Int(UInt32.max) + 1)
      #expect(error(value(PURSER_TYPE_STRING) { $0.as.text = long }, as: .string)?.code == .attributeTooLarge)
    }
    let item = purser_value()
    withUnsafePointer(to: item) { items in
      let list = value(PURSER_TYPE_LIST) { $0.as.list = purser_list(items: items, count: .max) }
      #expect(error(list, as: .dyn)?.code == .attributeTooLarge)
    }
  }

  @Test func listsAndMapsHoldTheirElementTypeOnly() {
    var items = [value(PURSER_TYPE_STRING), value(PURSER_TYPE_INT)]
    items.withUnsafeMutableBufferPointer { buffer in
      let mixed = value(PURSER_TYPE_LIST) { $0.as.list = purser_list(items: buffer.baseAddress, count: 2) }
      #expect(error(mixed, as: .stringList)?.code == .attributeWrongType)
      #expect(read(mixed, as: .dyn).kind == .list)
      let strings = value(PURSER_TYPE_LIST) { $0.as.list = purser_list(items: buffer.baseAddress, count: 1) }
      #expect(read(strings, as: .stringList).count == 1)
    }
  }

  @Test func aLaterEntryOfAMapReplacesAnEarlierOne() {
    with(Array("k".utf8)) { key in
      let entries = [
        purser_entry(key: key, value: value(PURSER_TYPE_INT) { $0.as.integer = 1 }),
        purser_entry(key: key, value: value(PURSER_TYPE_INT) { $0.as.integer = 2 }),
      ]
      entries.withUnsafeBufferPointer { buffer in
        var arena = Arena(bytesMax: 1 << 20)
        defer { arena.free() }
        let map = value(PURSER_TYPE_MAP) { $0.as.map = purser_map(entries: buffer.baseAddress, count: 2) }
        let found = HostValue.read(map, as: .dynMap, slot: 0, in: &arena)
        #expect(found.kind == .map && found.count == 1)
        #expect(found.elements?[1].asInt == 2)
      }
    }
  }

  @Test func nestingIsBounded() {
    func nested(_ depth: Int, _ body: (purser_value) -> Void) {
      if depth == 0 { return body(value(PURSER_TYPE_INT)) }
      nested(depth - 1) { inner in
        withUnsafePointer(to: inner) { items in
          body(value(PURSER_TYPE_LIST) { $0.as.list = purser_list(items: items, count: 1) })
        }
      }
    }
    nested(32) { #expect(read($0, as: .dyn).kind == .list) }
    nested(33) { #expect(error($0, as: .dyn)?.code == .attributeTooLarge) }
    nested(500) { #expect(error($0, as: .dyn)?.code == .attributeTooLarge) }
  }

  @Test func whatDoesNotFitTheArenaIsAnError() {
    var items = [purser_value](repeating: purser_value(), count: 100_000)
    items.withUnsafeMutableBufferPointer { buffer in
      let list = value(PURSER_TYPE_LIST) { $0.as.list = purser_list(items: buffer.baseAddress, count: buffer.count) }
      #expect(error(list, as: .dyn, bytesMax: 1 << 16)?.code == .attributeTooLarge)
    }
  }
}
