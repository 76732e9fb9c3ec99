import Testing

@testable import purser

@Suite struct TimeSpanTests {
  @Test func timestampsAreReadInAllTheirForms() {
    let cases: [(String, Int64, Int32)] = [
      ("1970-01-01T00:00:00Z", 0, 0),
      ("2026-01-02T03:04:05Z", 1_767_323_045, 0),
      ("2026-01-02t03:04:05.25z", 1_767_323_045, 250_000_000),
      ("2026-01-02T04:34:05+01:30", 1_767_323_045, 0),
      ("2026-01-01T23:04:05.000000001-04:00", 1_767_323_045, 1),
      ("1969-12-31T23:59:59.5Z", -1, 500_000_000),
      ("2024-02-29T12:00:00Z", 1_709_208_000, 0),
      ("0001-01-01T00:00:00Z", -62_135_596_800, 0),
      ("9999-12-31T23:59:59.999999999Z", 253_402_300_799, 999_999_999),
    ]
    for (text, seconds, nanos) in cases {
      #expect(TimeSpan.timestamp(text) == TimeSpan(seconds: seconds, nanos: nanos), "\(text)")
    }
  }

  @Test func whatIsNoTimestampIsRefused() {
    for text in [
      "", "2026-01-02", "2026-01-02T03:04:05", "2026-13-02T03:04:05Z", "2026-02-29T03:04:05Z", "2026-01-00T03:04:05Z",
      "2026-01-02T24:00:00Z", "2026-01-02T03:60:05Z", "2026-01-02T03:04:60Z", "2026-01-02T03:04:05.Z",
      "2026-01-02T03:04:05.1234567890Z", "2026-01-02T03:04:05Zx", "2026-01-02T03:04:05+24:00", "0000-01-01T00:00:00Z",
      "26-01-02T03:04:05Z", "2026-01-02T03:04:05+0100", "２026-01-02T03:04:05Z",
    ] {
      #expect(TimeSpan.timestamp(text) == nil, "\(text)")
    }
  }

  @Test func durationsAreReadInAllTheirUnits() {
    let cases: [(String, Int64, Int32)] = [
      ("0", 0, 0), ("-0", 0, 0), ("1.5s", 1, 500_000_000), ("250ms", 0, 250_000_000), ("1h30m", 5400, 0),
      ("-1.5s", -1, -500_000_000), ("+2s", 2, 0), ("3us", 0, 3000), ("3µs", 0, 3000), ("7ns", 0, 7),
      (".5s", 0, 500_000_000),
      ("1.s", 1, 0), ("22.730ms", 0, 22_730_000), ("87600000h", 315_360_000_000, 0),
    ]
    for (text, seconds, nanos) in cases {
      #expect(TimeSpan.duration(text) == TimeSpan(seconds: seconds, nanos: nanos), "\(text)")
    }
  }

  @Test func whatIsNoDurationIsRefused() {
    for text in [
      "", "-", "1", "s", ".s", "1.5", "1x", "1s2", "1 s", "--1s", "99999999999999999999s", "9999999999h",
      "1.1234567890s", "99999999999999999999.5s",
    ] {
      #expect(TimeSpan.duration(text) == nil, "\(text)")
    }
  }
}
