// The types that generated expressions have, and values of each.

package indirect enum TwinType: Equatable, Sendable {
  case null, bool, int, uint, double, string, bytes, timestamp, duration, type
  case list(TwinType)
  case map(TwinType, TwinType)

  static let scalars: [TwinType] = [.bool, .int, .uint, .double, .string, .bytes, .timestamp, .duration, .null, .type]
  static let keys: [TwinType] = [.bool, .int, .uint, .string]
  static let ordered: [TwinType] = [.bool, .int, .uint, .double, .string, .bytes, .timestamp, .duration]

  static func any(_ choices: inout TwinChoices, depth: Int = 2) -> TwinType {
    if depth == 0 || choices.number(below: 4) != 3 { return choices.pick(scalars) }
    if choices.happens(onceIn: 2) { return .map(choices.pick(keys), any(&choices, depth: depth - 1)) }
    return .list(any(&choices, depth: depth - 1))
  }
}

/// Values where something changes: ends of ranges, signs, rounding, code points, texts that convert and that do not.
enum TwinPool {
  static let ints: [Int64] = [
    0, 1, 2, -1, 3, 10, -7, 255, 1_000_000_007, .max, .min, .max - 1, .min + 1, 1 << 53, (1 << 53) + 1, 1 << 32,
    253_402_300_799, 253_402_300_800, -62_135_596_800, -62_135_596_801, 951_782_400,
  ]
  static let uints: [UInt64] = [0, 1, 2, 3, 10, 255, .max, .max - 1, 1 << 63, (1 << 63) - 1, (1 << 53) + 1]
  static let doubles: [Double] = [
    0, -0.0, 1, 2, -1, 0.5, -0.5, 1.5, 3, 10, 0.1, 1e-5, 1e-4, 123_456, 1_234_567, 1e6, 1e15, 1e21, 1e300,
    .leastNonzeroMagnitude,
    0x1p53, 0x1p63, -0x1p63, 0x1p64, 9_223_372_036_854_774_784, .infinity, -.infinity,
  ]
  static let strings = [
    "", "a", "ab", "ba", "abc", "b", "1", "-2", "1.5", " 12 ", "1e3", "1e400", "true", "FALSE", "t", "é", "e\u{301}",
    "\u{1F600}", "\u{FFFF}", "\u{10000}", "\r\n", "\u{0}", "k", "x-user", "18446744073709551615",
    "-9223372036854775808", "9223372036854775808", "inf", "nan", "0x10", "1h", "-1m30.5s", "1.5ms", "0", "7", "1us1ns",
    "2562047h", "87660000h", "87660001h", "2024-02-29T12:34:56.789Z", "1969-12-31T23:59:59.5-01:00",
    "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z", "2023-02-29T00:00:00Z", "2020-01-01T00:00:00",
    "0000-01-01T00:00:00Z", "9999-12-31T23:59:59-00:01", "2000-01-01T00:00:00.123456+05:30",
  ]
  static let patterns = ["", "a", "ab", "b", "1", "true", "é", "-2"]
  static let zones = ["UTC", "+05:30", "-08:00", "02:00", "-23:59", "+24:00", "5:00", ""]
  static let durations = [
    "0s", "1s", "-1s", "90m", "1.5s", "-0.5s", "1ns", "-1ns", "0.000001s", "3600s", "87660000h", "-87660000h", "1h1m1s",
    "2562047h", "0.001s",
  ]
  static let timestamps = [
    "1970-01-01T00:00:00Z", "2024-02-29T12:34:56.789Z", "1969-12-31T23:59:59.5Z", "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999999Z", "2000-12-31T00:00:00.000001Z", "1900-03-01T05:06:07+05:30",
  ]
  static let bytes: [[UInt8]] = [
    [], [0], [97], [97, 98], [0xC3, 0xA9], [0xFF], [0xED, 0xA0, 0x80], [0xF0, 0x9F, 0x98],
  ]

  static func value(of type: TwinType, _ choices: inout TwinChoices) -> TwinValue {
    switch type {
    case .null: return .null
    case .bool: return .bool(choices.happens(onceIn: 2))
    case .int: return .int(choices.pick(ints))
    case .uint: return .uint(choices.pick(uints))
    case .double: return .double(choices.happens(onceIn: 12) ? .nan : choices.pick(doubles))
    case .string: return .text(choices.pick(strings))
    case .bytes: return .bytes(choices.pick(bytes))
    case .timestamp: return (try? .timestamp(TwinTime.instant(Array(choices.pick(timestamps).utf8)))) ?? .null
    case .duration: return (try? .duration(TwinTime.span(Array(choices.pick(durations).utf8)))) ?? .null
    case .type: return .type(choices.pick(["int", "string", "list", "type"]))
    case .list(let element): return .list((0..<choices.number(below: 4)).map { _ in value(of: element, &choices) })
    case .map(let key, let element):
      var entries: [(key: TwinValue, value: TwinValue)] = []
      for _ in 0..<choices.number(below: 4) {
        let key = value(of: key, &choices)
        if TwinValue.map(entries).entry(key) == nil { entries.append((key, value(of: element, &choices))) }
      }
      return .map(entries)
    }
  }
}
