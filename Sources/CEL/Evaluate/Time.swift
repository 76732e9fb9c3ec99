// Timestamps and durations.
//
//   timestamp   seconds since 1970-01-01T00:00:00Z and nanoseconds from 0 up; years 1 to 9999
//   duration    seconds and nanoseconds of the same sign; at most 10,000 years either way

let nanosecondsPerSecond: Int64 = 1_000_000_000

enum Instant {
  static let secondsLeast: Int64 = -62_135_596_800
  static let secondsMost: Int64 = 253_402_300_799

  static func make(seconds: Int64, nanoseconds: Int32) -> Value {
    guard seconds >= secondsLeast, seconds <= secondsMost else { return .failure(.rangeError) }
    return .timestamp(seconds: seconds, nanoseconds: nanoseconds)
  }

  static func add(_ time: Value, _ duration: Value) -> Value {
    // Neither side comes near overflow: both are bounded where they are made.
    var seconds = time.seconds &+ duration.seconds
    var nanoseconds = Int64(time.nanoseconds) &+ Int64(duration.nanoseconds)
    if nanoseconds < 0 {
      nanoseconds &+= nanosecondsPerSecond
      seconds &-= 1
    } else if nanoseconds >= nanosecondsPerSecond {
      nanoseconds &-= nanosecondsPerSecond
      seconds &+= 1
    }
    return make(seconds: seconds, nanoseconds: Int32(truncatingIfNeeded: nanoseconds))
  }

  /// Refused when it does not fit 64 bits of nanoseconds, some 292 years.
  static func difference(_ a: Value, _ b: Value) -> Value {
    let seconds = a.seconds &- b.seconds
    let nanoseconds = Int64(a.nanoseconds) &- Int64(b.nanoseconds)
    let (scaled, overflow) = seconds.multipliedReportingOverflow(by: nanosecondsPerSecond)
    let (total, overflows) = scaled.addingReportingOverflow(nanoseconds)
    if overflow || overflows { return .failure(.rangeError) }
    return .duration(
      seconds: total / nanosecondsPerSecond, nanoseconds: Int32(truncatingIfNeeded: total % nanosecondsPerSecond))
  }

  // MARK: Text

  /// RFC 3339. Lower case `t` and `z` and second 60 are taken, digits beyond nanoseconds dropped.
  static func parse(_ text: Bytes) -> Value {
    var reader = TimeReader(text)
    guard let year = reader.number(digits: 4), reader.take("-"), let month = reader.number(digits: 2),
      reader.take("-"), let day = reader.number(digits: 2), reader.take("T") || reader.take("t"),
      let hour = reader.number(digits: 2), reader.take(":"), let minute = reader.number(digits: 2),
      reader.take(":"), let second = reader.number(digits: 2)
    else { return .failure(.invalidArgument) }
    var nanoseconds: Int64 = 0
    if reader.take(".") {
      guard let fraction = reader.fraction() else { return .failure(.invalidArgument) }
      nanoseconds = fraction
    }
    var offset: Int64 = 0
    if !(reader.take("Z") || reader.take("z")) {
      let isWest = reader.take("-")
      guard isWest || reader.take("+"), let hours = reader.number(digits: 2), reader.take(":"),
        let minutes = reader.number(digits: 2), hours <= 23, minutes <= 59
      else { return .failure(.invalidArgument) }
      offset = (hours &* 60 &+ minutes) &* (isWest ? -60 : 60)
    }
    guard reader.isAtEnd, month >= 1, month <= 12, day >= 1,
      day <= CivilDate.daysInMonth(year: year, month: month), hour <= 23, minute <= 59, second <= 60
    else { return .failure(.invalidArgument) }
    let days = CivilDate.days(year: year, month: month, day: day)
    let seconds = days &* 86_400 &+ hour &* 3_600 &+ minute &* 60 &+ second &- offset
    return make(seconds: seconds, nanoseconds: Int32(truncatingIfNeeded: nanoseconds))
  }

  /// In UTC.
  static func write(_ time: Value, to text: inout ShortText) {
    let (days, second) = CivilDate.split(time.seconds)
    let date = CivilDate(days: days)
    text.append(UInt64(clamping: date.year), digitsLeast: 4)
    text.append("-")
    text.append(UInt64(clamping: date.month), digitsLeast: 2)
    text.append("-")
    text.append(UInt64(clamping: date.day), digitsLeast: 2)
    text.append("T")
    text.append(UInt64(clamping: second / 3_600), digitsLeast: 2)
    text.append(":")
    text.append(UInt64(clamping: second / 60 % 60), digitsLeast: 2)
    text.append(":")
    text.append(UInt64(clamping: second % 60), digitsLeast: 2)
    text.append(fraction: UInt32(bitPattern: time.nanoseconds))
    text.append("Z")
  }
}

enum TimeSpan {
  static let secondsMost: Int64 = 315_576_000_000

  static func negated(_ duration: Value) -> Value {
    .duration(seconds: 0 &- duration.seconds, nanoseconds: 0 &- duration.nanoseconds)
  }

  static func add(_ a: Value, _ b: Value) -> Value {
    make(seconds: a.seconds &+ b.seconds, nanoseconds: Int64(a.nanoseconds) &+ Int64(b.nanoseconds))
  }

  /// Seconds and nanoseconds of any signs, the latter within ±2 seconds.
  private static func make(seconds: Int64, nanoseconds: Int64) -> Value {
    var seconds = seconds &+ nanoseconds / nanosecondsPerSecond
    var nanoseconds = nanoseconds % nanosecondsPerSecond
    if seconds > 0, nanoseconds < 0 {
      seconds &-= 1
      nanoseconds &+= nanosecondsPerSecond
    } else if seconds < 0, nanoseconds > 0 {
      seconds &+= 1
      nanoseconds &-= nanosecondsPerSecond
    }
    let isBeyond = seconds.magnitude == secondsMost.magnitude && nanoseconds != 0
    guard seconds.magnitude <= secondsMost.magnitude, !isBeyond else { return .failure(.rangeError) }
    return .duration(seconds: seconds, nanoseconds: Int32(truncatingIfNeeded: nanoseconds))
  }

  /// `1.5h`, `-1m30s`, `0`: units h, m, s, ms, us, ns.
  static func parse(_ text: Bytes) -> Value {
    var reader = TimeReader(text)
    let isNegative = reader.take("-")
    if !isNegative { _ = reader.take("+") }
    if reader.isAtEnd { return .failure(.invalidArgument) }
    if reader.isLast("0") { return .duration(seconds: 0, nanoseconds: 0) }
    var seconds: Int64 = 0
    var nanoseconds: Int64 = 0
    while !reader.isAtEnd {
      guard let (number, fraction) = reader.decimal() else { return .failure(.invalidArgument) }
      let unit: Int64
      if reader.take("h") {
        unit = 3_600 * nanosecondsPerSecond
      } else if reader.take("m") {
        unit = reader.take("s") ? 1_000_000 : 60 * nanosecondsPerSecond
      } else if reader.take("s") {
        unit = nanosecondsPerSecond
      } else if reader.take("u"), reader.take("s") {
        unit = 1_000
      } else if reader.take("n"), reader.take("s") {
        unit = 1
      } else {
        return .failure(.invalidArgument)
      }
      var whole: Int64
      var rest: Int64 = 0
      if unit >= nanosecondsPerSecond {
        let (scaled, overflow) = number.multipliedReportingOverflow(by: unit / nanosecondsPerSecond)
        if overflow { return .failure(.rangeError) }
        whole = scaled
      } else {
        let perSecond = nanosecondsPerSecond / unit
        whole = number / perSecond
        rest = number % perSecond &* unit
      }
      // Twelve digits of the fraction, six at a time: nothing overflows, nothing above a nanosecond is lost.
      let high = fraction.high &* unit
      let low = fraction.low &* unit
      rest &+= high / 1_000_000 &+ (high % 1_000_000 &* 1_000_000 &+ low) / 1_000_000_000_000
      whole = whole.addingReportingOverflow(rest / nanosecondsPerSecond).partialValue
      nanoseconds &+= rest % nanosecondsPerSecond
      let (sum, overflow) = seconds.addingReportingOverflow(whole)
      if overflow || sum > secondsMost { return .failure(.rangeError) }
      seconds = sum &+ nanoseconds / nanosecondsPerSecond
      nanoseconds %= nanosecondsPerSecond
    }
    return make(
      seconds: isNegative ? 0 &- seconds : seconds, nanoseconds: isNegative ? 0 &- nanoseconds : nanoseconds)
  }

  /// Seconds: `3600s`, `-0.500s`.
  static func write(_ duration: Value, to text: inout ShortText) {
    if duration.seconds < 0 || duration.nanoseconds < 0 { text.append("-") }
    text.append(duration.seconds.magnitude)
    text.append(fraction: duration.nanoseconds.magnitude)
    text.append("s")
  }
}

/// The proleptic Gregorian calendar.
struct CivilDate {
  var year: Int64
  /// 1 to 12.
  var month: Int64
  /// 1 to 31.
  var day: Int64

  /// Days since 1970-01-01 to a date, by eras of 400 years that begin in March.
  init(days: Int64) {
    let shifted = days &+ 719_468
    let era = (shifted >= 0 ? shifted : shifted &- 146_096) / 146_097
    let ofEra = shifted &- era &* 146_097
    let yearOfEra = (ofEra &- ofEra / 1_460 &+ ofEra / 36_524 &- ofEra / 146_096) / 365
    let ofYear = ofEra &- (365 &* yearOfEra &+ yearOfEra / 4 &- yearOfEra / 100)
    let shiftedMonth = (5 &* ofYear &+ 2) / 153
    day = ofYear &- (153 &* shiftedMonth &+ 2) / 5 &+ 1
    month = shiftedMonth < 10 ? shiftedMonth &+ 3 : shiftedMonth &- 9
    year = yearOfEra &+ era &* 400 &+ (month <= 2 ? 1 : 0)
  }

  static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
    let shiftedYear = month <= 2 ? year &- 1 : year
    let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear &- 399) / 400
    let yearOfEra = shiftedYear &- era &* 400
    let ofYear = (153 &* (month > 2 ? month &- 3 : month &+ 9) &+ 2) / 5 &+ day &- 1
    let ofEra = yearOfEra &* 365 &+ yearOfEra / 4 &- yearOfEra / 100 &+ ofYear
    return era &* 146_097 &+ ofEra &- 719_468
  }

  static func isLeap(_ year: Int64) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

  static func daysInMonth(year: Int64, month: Int64) -> Int64 {
    switch month {
    case 2: isLeap(year) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  /// Days and the second of the day, rounding down.
  static func split(_ seconds: Int64) -> (days: Int64, second: Int64) {
    var days = seconds / 86_400
    var second = seconds % 86_400
    if second < 0 {
      second &+= 86_400
      days &-= 1
    }
    return (days, second)
  }

  /// 0 is Sunday; 1970-01-01 was a Thursday.
  static func weekday(_ days: Int64) -> Int64 {
    let day = (days &+ 4) % 7
    return day < 0 ? day &+ 7 : day
  }
}

/// Takes a time's text apart, byte by byte.
struct TimeReader {
  private let text: Bytes
  private var at = 0

  init(_ text: Bytes) { self.text = text }

  var isAtEnd: Bool { at >= Int(text.count) }

  private var byte: UInt8? {
    guard !isAtEnd, let base = text.base else { return nil }
    return base[at]
  }

  mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard let byte, UInt32(truncatingIfNeeded: byte) == character.value else { return false }
    at &+= 1
    return true
  }

  func isLast(_ character: Unicode.Scalar) -> Bool {
    guard let byte else { return false }
    return UInt32(truncatingIfNeeded: byte) == character.value && at &+ 1 == Int(text.count)
  }

  private mutating func digit() -> Int64? {
    guard let byte, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
    at &+= 1
    return Int64(byte &- UInt8(ascii: "0"))
  }

  /// Exactly so many digits.
  mutating func number(digits: Int) -> Int64? {
    var result: Int64 = 0
    for _ in 0..<digits {
      guard let digit = digit() else { return nil }
      result = result &* 10 &+ digit
    }
    return result
  }

  /// One digit or more after a point, as nanoseconds.
  mutating func fraction() -> Int64? {
    var result: Int64 = 0
    var count = 0
    while let digit = digit() {
      if count < 9 { result = result &* 10 &+ digit }
      count &+= 1
    }
    if count == 0 { return nil }
    for _ in stride(from: count, to: 9, by: 1) { result = result &* 10 }
    return result
  }

  /// `12`, `12.5`, `.5`, `12.`: the integer and the first twelve digits of the fraction.
  mutating func decimal() -> (number: Int64, fraction: (high: Int64, low: Int64))? {
    var number: Int64 = 0
    var digits = 0
    while let digit = digit() {
      let (scaled, overflow) = number.multipliedReportingOverflow(by: 10)
      let (sum, overflows) = scaled.addingReportingOverflow(digit)
      if overflow || overflows { return nil }
      number = sum
      digits &+= 1
    }
    var fraction: (high: Int64, low: Int64) = (0, 0)
    if take(".") {
      var scale: Int64 = 100_000
      var position = 0
      while let digit = digit() {
        if position < 6 {
          fraction.high &+= digit &* scale
        } else if position < 12 {
          fraction.low &+= digit &* scale
        }
        position &+= 1
        digits &+= 1
        scale = position == 6 ? 100_000 : scale / 10
      }
    }
    return digits > 0 ? (number, fraction) : nil
  }
}
