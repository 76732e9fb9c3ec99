// Timestamps and durations, counted in nanoseconds, with a calendar that counts year by year.

enum TwinTime {
  static let second: Int128 = 1_000_000_000
  private static let day: Int128 = 86_400 * second

  static func timestamp(_ time: Int128) throws -> TwinValue {
    guard time >= midnight(1, 1, 1), time < midnight(10_000, 1, 1) else { throw TwinError("range") }
    return .timestamp(time)
  }

  static func duration(_ span: Int128) throws -> TwinValue {
    guard span.magnitude <= UInt128(315_576_000_000 * second) else { throw TwinError("range") }
    return .duration(span)
  }

  // MARK: Calendar

  private static func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

  private static func days(inMonth month: Int, of year: Int) -> Int {
    [31, isLeap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
  }

  private static func midnight(_ year: Int, _ month: Int, _ day: Int) -> Int128 {
    var days = 0
    for passed in stride(from: 1970, to: year, by: 1) { days += isLeap(passed) ? 366 : 365 }
    for coming in stride(from: year, to: 1970, by: 1) { days -= isLeap(coming) ? 366 : 365 }
    for passed in stride(from: 1, to: month, by: 1) { days += self.days(inMonth: passed, of: year) }
    return Int128(days + day - 1) * self.day
  }

  private struct Date {
    var year = 1970
    var month = 1
    /// From 0.
    var day = 0
    var dayOfYear = 0
    var dayOfWeek = 0
    var ofDay: Int128 = 0

    init(_ time: Int128) {
      ofDay = (time % TwinTime.day + TwinTime.day) % TwinTime.day
      var days = Int((time - ofDay) / TwinTime.day)
      // 1970-01-01 was a Thursday.
      dayOfWeek = ((days + 4) % 7 + 7) % 7
      while days < 0 {
        year -= 1
        days += isLeap(year) ? 366 : 365
      }
      while days >= (isLeap(year) ? 366 : 365) {
        days -= isLeap(year) ? 366 : 365
        year += 1
      }
      dayOfYear = days
      while days >= TwinTime.days(inMonth: month, of: year) {
        days -= TwinTime.days(inMonth: month, of: year)
        month += 1
      }
      day = days
    }
  }

  static func field(_ function: String, of value: TwinValue, zone: [UInt8]?) throws -> Int64 {
    switch value {
    case .timestamp(let time):
      let date = Date(time + (try zone.map { try offset($0) } ?? 0))
      switch function {
      case "getFullYear": return Int64(date.year)
      case "getMonth": return Int64(date.month - 1)
      case "getDate": return Int64(date.day + 1)
      case "getDayOfMonth": return Int64(date.day)
      case "getDayOfYear": return Int64(date.dayOfYear)
      case "getDayOfWeek": return Int64(date.dayOfWeek)
      case "getHours": return Int64(date.ofDay / second / 3_600)
      case "getMinutes": return Int64(date.ofDay / second / 60 % 60)
      case "getSeconds": return Int64(date.ofDay / second % 60)
      case "getMilliseconds": return Int64(date.ofDay % second / 1_000_000)
      default: throw TwinError.noSuchOverload
      }
    case .duration(let span):
      switch function {
      case "getHours": return Int64(span / second / 3_600)
      case "getMinutes": return Int64(span / second / 60)
      case "getSeconds": return Int64(span / second)
      case "getMilliseconds": return Int64(span % second / 1_000_000)
      default: throw TwinError.noSuchOverload
      }
    default: throw TwinError.noSuchOverload
    }
  }

  /// UTC and offsets only: the time zone database is not the twin's.
  private static func offset(_ zone: [UInt8]) throws -> Int128 {
    let text = String(decoding: zone, as: UTF8.self)
    if text == "UTC" { return 0 }
    let isWest = text.hasPrefix("-")
    let digits = isWest || text.hasPrefix("+") ? String(text.dropFirst()) : text
    let parts = digits.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy({ isNumber($0, digits: 2) }), let hours = Int128(parts[0]), hours < 24,
      let minutes = Int128(parts[1]), minutes < 60
    else { throw TwinError("no zone") }
    return (hours * 60 + minutes) * 60 * second * (isWest ? -1 : 1)
  }

  // MARK: Text

  private static func isNumber(_ text: Substring, digits: Int? = nil) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { (48...57).contains($0) } && (digits.map { text.utf8.count == $0 } ?? true)
  }

  /// `2024-02-29T12:34:56.789+01:00`
  static func instant(_ bytes: [UInt8]) throws -> Int128 {
    let text = String(decoding: bytes, as: UTF8.self)
    let halves = text.split(separator: "T", omittingEmptySubsequences: false)
    guard halves.count == 2 else { throw TwinError("no timestamp") }
    let date = halves[0].split(separator: "-", omittingEmptySubsequences: false)
    guard date.count == 3, isNumber(date[0], digits: 4), isNumber(date[1], digits: 2), isNumber(date[2], digits: 2),
      let year = Int(date[0]), let month = Int(date[1]), let day = Int(date[2]), (1...12).contains(month),
      day >= 1, day <= days(inMonth: month, of: year)
    else { throw TwinError("no timestamp") }
    var rest = halves[1]
    var offset: Int128 = 0
    if rest.hasSuffix("Z") {
      rest.removeLast()
    } else {
      guard let sign = rest.lastIndex(where: { $0 == "+" || $0 == "-" }) else { throw TwinError("no timestamp") }
      offset = try self.offset(Array(rest[sign...].utf8))
      rest = rest[..<sign]
    }
    let fraction = rest.split(separator: ".", omittingEmptySubsequences: false)
    let clock = fraction[0].split(separator: ":", omittingEmptySubsequences: false)
    guard fraction.count <= 2, clock.count == 3, clock.allSatisfy({ isNumber($0, digits: 2) }),
      let hours = Int128(clock[0]), hours < 24, let minutes = Int128(clock[1]), minutes < 60,
      let seconds = Int128(clock[2]), seconds <= 60
    else { throw TwinError("no timestamp") }
    var time = midnight(year, month, day) + ((hours * 60 + minutes) * 60 + seconds) * second - offset
    if fraction.count == 2 {
      guard isNumber(fraction[1]), let nanoseconds = Int128((fraction[1] + "000000000").prefix(9)) else {
        throw TwinError("no timestamp")
      }
      time += nanoseconds
    }
    return time
  }

  /// `-1m30.5s`; every number is taken to whole nanoseconds.
  static func span(_ bytes: [UInt8]) throws -> Int128 {
    var text = Substring(String(decoding: bytes, as: UTF8.self))
    let isNegative = text.hasPrefix("-")
    if isNegative || text.hasPrefix("+") { text.removeFirst() }
    if text == "0" { return 0 }
    if text.isEmpty { throw TwinError("no duration") }
    let units: [(name: String, length: Int128)] = [
      ("ms", 1_000_000), ("us", 1_000), ("ns", 1), ("h", 3_600 * second), ("m", 60 * second), ("s", second),
    ]
    var total: Int128 = 0
    while !text.isEmpty {
      let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
      text = text.dropFirst(number.count)
      let parts = number.split(separator: ".", omittingEmptySubsequences: false)
      guard let unit = units.first(where: { text.hasPrefix($0.name) }), parts.count <= 2,
        parts.contains(where: { !$0.isEmpty })
      else { throw TwinError("no duration") }
      text = text.dropFirst(unit.name.count)
      guard parts[0].count < 19, let whole = Int128("0" + parts[0]) else { throw TwinError("range") }
      total += whole * unit.length
      if parts.count == 2, let fraction = Int128((parts[1] + "000000000000").prefix(12)) {
        total += fraction * unit.length / 1_000_000_000_000
      }
    }
    return isNegative ? -total : total
  }

  private static func padded(_ number: Int128, _ width: Int) -> String {
    let digits = "\(number)"
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }

  /// Nothing, or three, six or nine digits.
  private static func fraction(_ nanoseconds: Int128) -> String {
    if nanoseconds == 0 { return "" }
    if nanoseconds % 1_000_000 == 0 { return "." + padded(nanoseconds / 1_000_000, 3) }
    if nanoseconds % 1_000 == 0 { return "." + padded(nanoseconds / 1_000, 6) }
    return "." + padded(nanoseconds, 9)
  }

  static func text(timestamp time: Int128) -> String {
    let date = Date(time)
    let seconds = date.ofDay / second
    return padded(Int128(date.year), 4) + "-" + padded(Int128(date.month), 2) + "-" + padded(Int128(date.day + 1), 2)
      + "T" + padded(seconds / 3_600, 2) + ":" + padded(seconds / 60 % 60, 2) + ":" + padded(seconds % 60, 2)
      + fraction(date.ofDay % second) + "Z"
  }

  static func text(duration span: Int128) -> String {
    let magnitude = span < 0 ? -span : span
    return (span < 0 ? "-" : "") + "\(magnitude / second)" + fraction(magnitude % second) + "s"
  }
}
