import Glibc

/// Times as text: RFC 3339 for timestamps, `1.5s`, `250ms`, `1h30m` for durations.
/// Both are seconds and nanoseconds, as `purser_value` holds them.
struct TimeSpan: Equatable {
  var seconds: Int64
  var nanos: Int32
}

extension TimeSpan {
  /// A length of time as documents write it: `1m30s`, `250ms`.
  static func words(nanoseconds: Int64) -> String {
    let units: [(String, Int64)] = [
      ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000),
      ("ns", 1),
    ]
    var rest = nanoseconds
    var words = ""
    for (name, size) in units where rest >= size {
      words += "\(rest / size)\(name)"
      rest %= size
    }
    return words.isEmpty ? "0s" : words
  }

  /// Nanoseconds since the Unix epoch.
  static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  /// The time between two moments, to the second.
  static func age(of earlier: Int64, _ later: Int64) -> String {
    words(nanoseconds: max(0, later &- earlier) / 1_000_000_000 * 1_000_000_000)
  }

  /// RFC 3339, years 1 to 9999, up to nine digits of a second, `Z` or an offset.
  static func timestamp(_ text: String) -> TimeSpan? {
    var reader = DigitReader(text)
    guard let year = reader.number(digits: 4), reader.take("-"), let month = reader.number(digits: 2), reader.take("-"),
      let day = reader.number(digits: 2), reader.take("T") || reader.take("t") || reader.take(" "),
      let hour = reader.number(digits: 2), reader.take(":"), let minute = reader.number(digits: 2), reader.take(":"),
      let second = reader.number(digits: 2)
    else { return nil }
    guard year >= 1, (1...12).contains(month), day >= 1, day <= days(inMonth: month, of: year), hour < 24, minute < 60,
      second < 60
    else { return nil }
    var nanos: Int64 = 0
    if reader.take(".") {
      guard let fraction = reader.fraction() else { return nil }
      nanos = fraction
    }
    var offset: Int64 = 0
    if !(reader.take("Z") || reader.take("z")) {
      let sign: Int64
      if reader.take("+") { sign = 1 } else if reader.take("-") { sign = -1 } else { return nil }
      guard let hours = reader.number(digits: 2), reader.take(":"), let minutes = reader.number(digits: 2), hours < 24,
        minutes < 60
      else { return nil }
      offset = sign * (hours * 3600 + minutes * 60)
    }
    guard reader.isAtEnd else { return nil }
    let seconds = daysSinceEpoch(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset
    return TimeSpan(seconds: seconds, nanos: Int32(truncatingIfNeeded: nanos))
  }

  /// As CEL's `duration("…")`: a sign, then numbers with units `h`, `m`, `s`, `ms`, `us` (`µs`), `ns`; or `0`.
  static func duration(_ text: String) -> TimeSpan? {
    var reader = DigitReader(text)
    let negative = reader.take("-")
    if !negative { _ = reader.take("+") }
    if reader.rest == "0" { return TimeSpan(seconds: 0, nanos: 0) }
    // 128 bits: ten thousand years in nanoseconds need 69.
    var total: Int128 = 0
    guard !reader.isAtEnd else { return nil }
    while !reader.isAtEnd {
      var whole: Int64 = 0
      var fraction: Int64 = 0
      let hasWhole = reader.isAtDigit
      if hasWhole {
        guard let digits = reader.wholeNumber() else { return nil }
        whole = digits
      }
      let hasPoint = reader.take(".")
      let hasFraction = hasPoint && reader.isAtDigit
      if hasFraction {
        guard let digits = reader.fraction() else { return nil }
        fraction = digits
      }
      guard hasWhole || hasFraction, let unit = reader.unit() else { return nil }
      total += Int128(whole) * unit + Int128(fraction) * unit / 1_000_000_000
      // The bound of google.protobuf.Duration.
      guard total <= 315_576_000_000 * 1_000_000_000 else { return nil }
    }
    if negative { total = -total }
    return TimeSpan(
      seconds: Int64(truncatingIfNeeded: total / 1_000_000_000), nanos: Int32(truncatingIfNeeded: total % 1_000_000_000)
    )
  }

  private static func days(inMonth month: Int64, of year: Int64) -> Int64 {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  /// Days from 1970-01-01 in the proleptic Gregorian calendar; years count from March so that the leap day comes last.
  private static func daysSinceEpoch(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let era = shifted / 400
    let yearOfEra = shifted % 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }
}

/// Takes numbers and signs off the front of a short text.
private struct DigitReader {
  var rest: Substring

  init(_ text: String) {
    rest = text[...]
  }

  var isAtEnd: Bool { rest.isEmpty }
  var isAtDigit: Bool { rest.first.map { $0 >= "0" && $0 <= "9" } ?? false }

  mutating func take(_ character: Character) -> Bool {
    guard rest.first == character else { return false }
    rest.removeFirst()
    return true
  }

  private mutating func digit() -> Int64? {
    guard let character = rest.first, character.isASCII, let value = character.wholeNumberValue else { return nil }
    rest.removeFirst()
    return Int64(value)
  }

  /// Exactly that many digits.
  mutating func number(digits: Int) -> Int64? {
    var value: Int64 = 0
    for _ in 0..<digits {
      guard let next = digit() else { return nil }
      value = value * 10 + next
    }
    return value
  }

  /// One or more digits; nil when there are none or the number is past what a duration may be.
  mutating func wholeNumber() -> Int64? {
    var value: Int64?
    while let next = digit() {
      let grown = (value ?? 0).multipliedReportingOverflow(by: 10)
      let sum = grown.partialValue.addingReportingOverflow(next)
      if grown.overflow || sum.overflow { return nil }
      value = sum.partialValue
    }
    return value
  }

  /// One to nine digits, as billionths.
  mutating func fraction() -> Int64? {
    var value: Int64 = 0
    var count = 0
    while let next = digit() {
      count += 1
      if count > 9 { return nil }
      value = value * 10 + next
    }
    guard count > 0 else { return nil }
    for _ in count..<9 { value *= 10 }
    return value
  }

  /// A unit, in nanoseconds.
  mutating func unit() -> Int128? {
    let units: [(String, Int128)] = [
      ("ns", 1), ("us", 1000), ("µs", 1000), ("μs", 1000), ("ms", 1_000_000), ("s", 1_000_000_000),
      ("m", 60 * 1_000_000_000), ("h", 3600 * 1_000_000_000),
    ]
    for (name, nanos) in units where rest.hasPrefix(name) {
      rest.removeFirst(name.count)
      return nanos
    }
    return nil
  }
}
