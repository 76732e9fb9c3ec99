import CELHost
import Testing

@testable import CEL

@Suite struct TimeTests {
  @Test(arguments: [
    ("string(timestamp('2024-02-29T12:34:56Z'))", "\"2024-02-29T12:34:56Z\""),
    ("string(timestamp('2024-02-29T12:34:56.1Z'))", "\"2024-02-29T12:34:56.100Z\""),
    ("string(timestamp('2024-02-29T12:34:56.1234Z'))", "\"2024-02-29T12:34:56.123400Z\""),
    ("string(timestamp('2024-02-29T12:34:56.1234567891Z'))", "\"2024-02-29T12:34:56.123456789Z\""),
    ("string(timestamp('2024-03-01T01:00:00+02:00'))", "\"2024-02-29T23:00:00Z\""),
    ("string(timestamp('2024-02-29t12:00:60z'))", "\"2024-02-29T12:01:00Z\""),
    ("string(timestamp('0001-01-01T00:00:00Z'))", "\"0001-01-01T00:00:00Z\""),
    ("string(timestamp('9999-12-31T23:59:59.999999999Z'))", "\"9999-12-31T23:59:59.999999999Z\""),
    ("timestamp('0001-01-01T00:00:00+00:01')", "error: rangeError"),
    ("timestamp('9999-12-31T23:59:59-00:01')", "error: rangeError"),
    ("timestamp('0000-12-31T23:59:59Z')", "error: rangeError"),
    ("timestamp('2023-02-29T00:00:00Z')", "error: invalidArgument"),
    ("timestamp('2023-04-31T00:00:00Z')", "error: invalidArgument"),
    ("timestamp('2023-13-01T00:00:00Z')", "error: invalidArgument"),
    ("timestamp('2023-01-01T24:00:00Z')", "error: invalidArgument"),
    ("timestamp('2023-01-01T00:00:00')", "error: invalidArgument"),
    ("timestamp('2023-01-01 00:00:00Z')", "error: invalidArgument"),
    ("timestamp('2023-01-01T00:00:00.Z')", "error: invalidArgument"),
    ("timestamp('2023-01-01T00:00:00+0200')", "error: invalidArgument"),
    ("timestamp('2023-01-01T00:00:00Zx')", "error: invalidArgument"),
    ("timestamp('')", "error: invalidArgument"),
    ("timestamp(-62135596800)", "timestamp(\"0001-01-01T00:00:00Z\")"),
    ("timestamp(-62135596801)", "error: rangeError"),
    ("timestamp(253402300800)", "error: rangeError"),
    ("int(timestamp('1969-12-31T23:59:59.5Z'))", "-1"),
    ("int(timestamp('1970-01-01T00:00:00.5Z'))", "0"),
    ("timestamp('1969-12-31T23:59:59.5Z') + duration('1s')", "timestamp(\"1970-01-01T00:00:00.500Z\")"),
    ("timestamp('1970-01-01T00:00:00.5Z') - duration('1s')", "timestamp(\"1969-12-31T23:59:59.500Z\")"),
    ("timestamp('2024-01-01T00:00:00Z') - timestamp('2024-01-01T00:00:00.25Z')", "duration(\"-0.250s\")"),
    ("timestamp('2000-01-01T00:00:00Z') - timestamp('1700-01-01T00:00:00Z')", "error: rangeError"),
    ("timestamp('9999-12-31T23:59:59Z') + duration('1s')", "error: rangeError"),
    ("timestamp('1970-01-01T00:00:00Z') < timestamp('1970-01-01T00:00:00.000000001Z')", "true"),
  ])
  func timestampsHoldTheirRangeAndText(_ text: String, _ expected: String) {
    #expect(TestHost().evaluate(text) == expected)
  }

  @Test(arguments: [
    ("duration('1.5h')", "duration(\"5400s\")"),
    ("duration('-1m30s')", "duration(\"-90s\")"),
    ("duration('1ms1us1ns')", "duration(\"0.001001001s\")"),
    ("duration('0.000000001h')", "duration(\"0.000003600s\")"),
    ("duration('0')", "duration(\"0s\")"),
    ("duration('.5s')", "duration(\"0.500s\")"),
    ("duration('+2s')", "duration(\"2s\")"),
    ("duration('999999999999ns')", "duration(\"999.999999999s\")"),
    ("duration('-0.5s')", "duration(\"-0.500s\")"),
    ("duration('1500ms') - duration('2s')", "duration(\"-0.500s\")"),
    ("duration('-1.5s') + duration('1s')", "duration(\"-0.500s\")"),
    ("duration('1s') == duration('1000ms')", "true"),
    ("duration('-1.5s') < duration('-1.4s')", "true"),
    ("duration('1d')", "error: invalidArgument"), ("duration('1')", "error: invalidArgument"),
    ("duration('')", "error: invalidArgument"), ("duration('s')", "error: invalidArgument"),
    ("duration('1 s')", "error: invalidArgument"), ("duration('1s ')", "error: invalidArgument"),
    ("duration('--1s')", "error: invalidArgument"), ("duration('1u')", "error: invalidArgument"),
    ("duration('315576000000s')", "duration(\"315576000000s\")"),
    ("duration('315576000001s')", "error: rangeError"),
    ("duration('-315576000001s')", "error: rangeError"),
    ("duration('9223372036854775807h')", "error: rangeError"),
    ("duration('200000000000s') + duration('200000000000s')", "error: rangeError"),
    ("duration('90m').getHours()", "1"), ("duration('90m').getMinutes()", "90"),
    ("duration('90m').getSeconds()", "5400"), ("duration('1.25s').getMilliseconds()", "250"),
    ("duration('-90m').getHours()", "-1"),
  ])
  func durationsHoldTheirRangeAndText(_ text: String, _ expected: String) {
    #expect(TestHost().evaluate(text) == expected)
  }

  @Test(arguments: [
    ("getFullYear()", "2024"), ("getMonth()", "11"), ("getDate()", "31"), ("getDayOfMonth()", "30"),
    ("getDayOfYear()", "365"), ("getDayOfWeek()", "2"), ("getHours()", "23"), ("getMinutes()", "30"),
    ("getSeconds()", "59"), ("getMilliseconds()", "7"),
    ("getFullYear('+00:30')", "2025"), ("getDayOfYear('+01:00')", "0"), ("getMonth('+01:00')", "0"),
    ("getHours('-05:30')", "18"), ("getMinutes('-05:30')", "0"), ("getHours('02:00')", "1"),
    ("getHours('UTC')", "23"), ("getHours('Europe/Berlin')", "0"), ("getDate('America/New_York')", "31"),
    ("getHours('Nowhere/City')", "error: unknownTimeZone"), ("getHours('../../etc/passwd')", "error: unknownTimeZone"),
    ("getHours('/etc/localtime')", "error: unknownTimeZone"), ("getHours('')", "error: unknownTimeZone"),
    ("getHours('+24:00')", "error: unknownTimeZone"), ("getHours('+1:00')", "error: unknownTimeZone"),
    ("getHours('Europe')", "error: unknownTimeZone"),
  ])
  func gettersCountAsTheLanguageSays(_ call: String, _ expected: String) {
    let constant = "timestamp('2024-12-31T23:30:59.007Z').\(call)"
    #expect(TestHost().evaluate(constant) == expected)
    let host = TestHost()
    host.declare("t", .timestamp, .timestamp(seconds: 1_735_687_859, nanoseconds: 7_000_000))
    host.declare("z", .string, host.string("Europe/Berlin"))
    #expect(host.evaluate("t.\(call)") == expected)
    #expect(host.evaluate("t.getHours(z)") == "0")
  }

  @Test(arguments: [
    ("2024-03-31T00:59:59Z", "Europe/Berlin", "1"), ("2024-03-31T01:00:00Z", "Europe/Berlin", "3"),
    ("2024-10-27T00:59:59Z", "Europe/Berlin", "2"), ("2024-10-27T01:00:00Z", "Europe/Berlin", "2"),
    // Past the transitions that the file lists, by its rule.
    ("2150-07-01T12:00:00Z", "Europe/Berlin", "14"), ("2150-01-01T12:00:00Z", "Europe/Berlin", "13"),
    ("2150-01-01T12:00:00Z", "Australia/Sydney", "23"), ("2150-07-01T12:00:00Z", "Australia/Sydney", "22"),
    ("2150-07-01T12:00:00Z", "America/New_York", "8"), ("2150-07-01T12:00:00Z", "Asia/Kolkata", "17"),
    ("1800-01-01T12:00:00Z", "Etc/GMT+5", "7"),
  ])
  func zonesFollowTheSystemsDatabase(_ time: String, _ zone: String, _ hour: String) {
    #expect(TestHost().evaluate("timestamp('\(time)').getHours('\(zone)')") == hour)
  }

  @Test func calendarAgreesWithItselfOnEveryDay() {
    var previous: Int64 = CivilDate.days(year: 1, month: 1, day: 1) - 1
    for year in Int64(1)...2_100 {
      for month in Int64(1)...12 {
        for day in 1...CivilDate.daysInMonth(year: year, month: month) {
          let days = CivilDate.days(year: year, month: month, day: day)
          let back = CivilDate(days: days)
          guard days == previous + 1, back.year == year, back.month == month, back.day == day else {
            Issue.record("\(year)-\(month)-\(day) is \(days), reads back as \(back)")
            return
          }
          previous = days
        }
      }
    }
  }

  @Test func zoneFilesThatAreDamagedAreRefusedOrRead() throws {
    // Any bytes at all may lie there: nothing traps, whatever is read stays inside.
    var state: UInt64 = 7
    for size in 0..<300 {
      var bytes: [UInt8] = Array("TZif2".utf8)
      while bytes.count < size {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        bytes.append(state >> 33 & 3 == 0 ? UInt8(truncatingIfNeeded: state >> 40) & 7 : 0)
      }
      var arena = Arena(bytesMax: 1 << 20)
      defer { arena.free() }
      let zone = bytes.withUnsafeBufferPointer {
        TimeZone(file: Bytes($0.baseAddress, count: UInt32($0.count)), arena: &arena)
      }
      if let zone { _ = zone.offset(at: 1_700_000_000) }
    }
  }
}
