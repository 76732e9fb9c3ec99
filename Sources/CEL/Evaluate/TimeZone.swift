// Time zones: fixed offsets, and the system's tz database, read by our own code: the C library's way to a zone
// is the process's environment, which belongs to the host.
//
//   file (RFC 8536)   header, 32-bit data, header, 64-bit data: transition times and the offset after each,
//                     then a rule for all later times as POSIX TZ writes it: CET-1CEST,M3.5.0,M10.5.0/3

import CPlatform

struct TimeZone: BitwiseCopyable {
  /// Ascending; and the offset in seconds east of Greenwich from then on.
  private var times: UnsafePointer<Int64>?
  private var offsets: UnsafePointer<Int32>?
  private var count = 0
  private var before: Int32
  private var rule = ZoneRule()

  static let fileBytesMax = 64 * 1024
  static let nameBytesMax = 64

  init(offset: Int32) { before = offset }

  /// Nil when there is no such zone. What it reads lies in `arena`.
  static func load(_ name: Bytes, arena: inout Arena) -> TimeZone? {
    if let offset = fixedOffset(name) { return TimeZone(offset: offset) }
    if name.equals("UTC") || name.equals("GMT") { return TimeZone(offset: 0) }
    let folder = Bytes("/usr/share/zoneinfo/")
    guard isPath(name), let nameBase = name.base, let folderBase = folder.base else { return nil }
    // The file, and behind it its path. No Swift array: nothing is counted and nothing can trap while requests run.
    guard let buffer = malloc(fileBytesMax &+ Int(folder.count) &+ nameBytesMax &+ 1) else { return nil }
    defer { free(buffer) }
    let bytes = buffer.assumingMemoryBound(to: UInt8.self)
    let path = buffer + fileBytesMax
    memcpy(path, folderBase, Int(folder.count))
    memcpy(path + Int(folder.count), nameBase, Int(name.count))
    path.storeBytes(of: 0, toByteOffset: Int(folder.count) &+ Int(name.count), as: UInt8.self)
    let size = platform_read_file(path.assumingMemoryBound(to: CChar.self), bytes, fileBytesMax)
    guard size > 0 else { return nil }
    return TimeZone(file: Bytes(bytes, count: UInt32(truncatingIfNeeded: size)), arena: &arena)
  }

  func offset(at time: Int64) -> Int32 {
    guard count > 0, let times, let offsets, time >= times[0] else {
      return count == 0 && rule.isPresent ? rule.offset(at: time) : before
    }
    if time >= times[count &- 1], rule.isPresent { return rule.offset(at: time) }
    var low = 0
    var high = count
    while high &- low > 1 {
      let middle = (low &+ high) / 2
      if times[middle] <= time { low = middle } else { high = middle }
    }
    return offsets[low]
  }

  /// `+02:00`, `-08:00`, `02:00`.
  private static func fixedOffset(_ name: Bytes) -> Int32? {
    var reader = TimeReader(name)
    let isWest = reader.take("-")
    if !isWest { _ = reader.take("+") }
    guard let hours = reader.number(digits: 2), reader.take(":"), let minutes = reader.number(digits: 2),
      reader.isAtEnd, hours <= 23, minutes <= 59
    else { return nil }
    let seconds = Int32(truncatingIfNeeded: (hours &* 60 &+ minutes) &* 60)
    return isWest ? 0 &- seconds : seconds
  }

  /// A name is letters, digits, `_ + - /`: it never leaves the database's folder.
  private static func isPath(_ name: Bytes) -> Bool {
    guard name.count > 0, name.count <= nameBytesMax, let base = name.base, base[0] != UInt8(ascii: "/") else {
      return false
    }
    for byte in name.buffer {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "+"), UInt8(ascii: "-"),
        UInt8(ascii: "/"):
        break
      default: return false
      }
    }
    return true
  }

  // MARK: The file

  init?(file: Bytes, arena: inout Arena) {
    guard let first = ZoneHeader(file, at: 0), first.version >= 2,
      let header = ZoneHeader(file, at: first.end(timeBytes: 4)), header.typeCount > 0
    else { return nil }
    let end = header.end(timeBytes: 8)
    guard end <= Int(file.count), let base = file.base else { return nil }
    let timesAt = header.start
    let numbersAt = timesAt &+ header.timeCount &* 8
    let typesAt = numbersAt &+ header.timeCount
    func offset(ofType type: Int) -> Int32? {
      guard type < header.typeCount else { return nil }
      return Int32(truncatingIfNeeded: ZoneHeader.integer(base + (typesAt &+ type &* 6), bytes: 4))
    }
    guard let initial = offset(ofType: 0) else { return nil }
    before = initial
    if header.timeCount > 0 {
      guard let times = arena.allocate(header.timeCount &* 8)?.assumingMemoryBound(to: Int64.self),
        let offsets = arena.allocate(header.timeCount &* 4)?.assumingMemoryBound(to: Int32.self)
      else { return nil }
      for number in 0..<header.timeCount {
        guard let offset = offset(ofType: Int(base[numbersAt &+ number])) else { return nil }
        times[number] = ZoneHeader.integer(base + (timesAt &+ number &* 8), bytes: 8)
        offsets[number] = offset
      }
      self.times = UnsafePointer(times)
      self.offsets = UnsafePointer(offsets)
      count = header.timeCount
    }
    if end &+ 1 < Int(file.count), base[end] == UInt8(ascii: "\n") {
      rule = ZoneRule(Bytes(base + (end &+ 1), count: file.count &- UInt32(truncatingIfNeeded: end &+ 1)))
    }
  }
}

/// One of the two headers of a zone's file.
private struct ZoneHeader {
  var version: Int
  var start: Int
  var timeCount: Int
  var typeCount: Int
  private var others: (isUTC: Int, isStandard: Int, leap: Int, characters: Int)

  init?(_ file: Bytes, at position: Int) {
    guard position >= 0, position &+ 44 <= Int(file.count), let all = file.base else { return nil }
    let base = all + position
    guard base[0] == UInt8(ascii: "T"), base[1] == UInt8(ascii: "Z"), base[2] == UInt8(ascii: "i"),
      base[3] == UInt8(ascii: "f")
    else { return nil }
    version = base[4] == 0 ? 1 : Int(base[4] &- UInt8(ascii: "0"))
    func number(_ place: Int) -> Int {
      Int(truncatingIfNeeded: ZoneHeader.integer(base + (20 &+ place &* 4), bytes: 4)) & 0xffff_ffff
    }
    start = position &+ 44
    others = (number(0), number(1), number(2), number(5))
    timeCount = number(3)
    typeCount = number(4)
    // None can be larger than the file, so none of the sums overflows.
    let largest = max(others.isUTC, others.isStandard, others.leap, others.characters, timeCount, typeCount)
    guard largest <= Int(file.count) else { return nil }
  }

  func end(timeBytes: Int) -> Int {
    start &+ timeCount &* (timeBytes &+ 1) &+ typeCount &* 6 &+ others.characters
      &+ others.leap &* (timeBytes &+ 4) &+ others.isStandard &+ others.isUTC
  }

  /// Big-endian and signed.
  static func integer(_ bytes: UnsafePointer<UInt8>, bytes count: Int) -> Int64 {
    var result: Int64 = Int64(Int8(bitPattern: bytes[0]))
    for at in 1..<count { result = result &<< 8 | Int64(bytes[at]) }
    return result
  }
}

/// What holds after a file's last transition: standard time, and perhaps summer time between two days of a year.
struct ZoneRule: BitwiseCopyable {
  private(set) var isPresent = false
  private var hasSummer = false
  private var standard: Int32 = 0
  private var summer: Int32 = 0
  private var start = Day()
  private var end = Day()

  /// A day of any year and the second of that day.
  struct Day: BitwiseCopyable {
    enum Kind: UInt8, BitwiseCopyable { case julian, zeroBased, weekday }

    var kind = Kind.zeroBased
    var month: Int64 = 1
    var week: Int64 = 1
    /// The weekday, or the day of the year.
    var day: Int64 = 0
    var second: Int64 = 7_200

    func seconds(in year: Int64) -> Int64 {
      let newYear = CivilDate.days(year: year, month: 1, day: 1)
      var days: Int64
      switch kind {
      case .zeroBased: days = newYear &+ day
      case .julian:
        // 29 February is never counted.
        days = newYear &+ day &- 1 &+ (CivilDate.isLeap(year) && day >= 60 ? 1 : 0)
      case .weekday:
        let first = CivilDate.days(year: year, month: month, day: 1)
        let ahead = (day &- CivilDate.weekday(first) &+ 7) % 7
        var ofMonth = ahead &+ (week &- 1) &* 7
        let length = CivilDate.daysInMonth(year: year, month: month)
        while ofMonth >= length { ofMonth &-= 7 }
        days = first &+ ofMonth
      }
      return days &* 86_400 &+ second
    }
  }

  init() {}

  /// POSIX TZ as far as the database uses it; a rule that is something else is not present.
  init(_ text: Bytes) {
    var reader = RuleReader(text)
    guard reader.name(), let west = reader.time() else { return }
    standard = Int32(truncatingIfNeeded: 0 &- west)
    if reader.isAtEnd {
      isPresent = true
      return
    }
    guard reader.name() else { return }
    summer = standard &+ 3_600
    if !reader.isAt(",") {
      guard let west = reader.time() else { return }
      summer = Int32(truncatingIfNeeded: 0 &- west)
    }
    guard reader.take(","), let first = reader.day(), reader.take(","), let last = reader.day() else { return }
    start = first
    end = last
    hasSummer = true
    isPresent = true
  }

  func offset(at time: Int64) -> Int32 {
    guard hasSummer else { return standard }
    let year = CivilDate(days: CivilDate.split(time &+ Int64(standard)).days).year
    let begins = start.seconds(in: year) &- Int64(standard)
    let ends = end.seconds(in: year) &- Int64(summer)
    let isSummer = begins < ends ? time >= begins && time < ends : !(time >= ends && time < begins)
    return isSummer ? summer : standard
  }
}

private struct RuleReader {
  private let text: Bytes
  private var at = 0

  init(_ text: Bytes) { self.text = text }

  private var byte: UInt8 {
    guard at < Int(text.count), let base = text.base else { return UInt8(ascii: "\n") }
    return base[at]
  }

  var isAtEnd: Bool { byte == UInt8(ascii: "\n") }

  func isAt(_ character: Unicode.Scalar) -> Bool { UInt32(truncatingIfNeeded: byte) == character.value }

  mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard isAt(character) else { return false }
    at &+= 1
    return true
  }

  /// `CEST` or `<+0330>`.
  mutating func name() -> Bool {
    let start = at
    if take("<") {
      while !isAtEnd, !isAt(">") { at &+= 1 }
      return take(">")
    }
    while (byte | 0x20) >= UInt8(ascii: "a"), (byte | 0x20) <= UInt8(ascii: "z") { at &+= 1 }
    return at > start
  }

  private mutating func number() -> Int64? {
    var result: Int64 = 0
    var digits = 0
    while byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9"), digits < 4 {
      result = result &* 10 &+ Int64(byte &- UInt8(ascii: "0"))
      at &+= 1
      digits &+= 1
    }
    return digits > 0 ? result : nil
  }

  /// `[+-]hh[:mm[:ss]]` in seconds.
  mutating func time() -> Int64? {
    let isNegative = take("-")
    if !isNegative { _ = take("+") }
    guard let hours = number() else { return nil }
    var seconds = hours &* 3_600
    if take(":") {
      guard let minutes = number() else { return nil }
      seconds &+= minutes &* 60
      if take(":") {
        guard let rest = number() else { return nil }
        seconds &+= rest
      }
    }
    return isNegative ? 0 &- seconds : seconds
  }

  /// `M3.5.0/2`, `J60`, `59`.
  mutating func day() -> ZoneRule.Day? {
    var result = ZoneRule.Day()
    if take("M") {
      guard let month = number(), take("."), let week = number(), take("."), let day = number(), month >= 1,
        month <= 12, week >= 1, week <= 5, day <= 6
      else { return nil }
      result.kind = .weekday
      result.month = month
      result.week = week
      result.day = day
    } else {
      result.kind = take("J") ? .julian : .zeroBased
      guard let day = number(), day <= 366 else { return nil }
      result.day = day
    }
    if take("/") {
      guard let second = time() else { return nil }
      result.second = second
    }
    return result
  }
}
