import Testing

@testable import PurserProviders

/// What needs no server.
@Suite struct EncodingTests {
  private func json(_ value: FieldValue) -> String {
    var writer = JSONWriter()
    return writer.write(value) ? String(decoding: writer.text, as: UTF8.self) : "no: \(writer.problem)"
  }

  @Test func numbersKeepTheirValue() {
    for number: Double in [
      0, -0.5, 1, 1.5, 123_456_789.25, 1e17, 1e21, .leastNonzeroMagnitude, .greatestFiniteMagnitude, -2.5e-7, 0.1 + 0.2,
    ] {
      #expect(Double(json(.double(number))) == number)
    }
    #expect(json(.double(100)) == "100")
    #expect(json(.uint(UInt64.max)) == "18446744073709551615")
    #expect(json(.double(.infinity)).hasPrefix("no: "))
  }

  @Test func textIsEscaped() {
    #expect(json(.text("a\"\\\n\u{0}\u{7f}é")) == "\"a\\\"\\\\\\u000a\\u0000\\u007fé\"")
    #expect(json(.map([FieldEntry(key: [0xff], value: .null)])).hasPrefix("no: "))
  }

  @Test func whatIsWrittenIsReadAgain() throws {
    let value = FieldValue.map([
      FieldEntry(key: Array("a\"b".utf8), value: .list([.null, .bool(false), .int(-1), .double(0.25), .text("x\0y")])),
      FieldEntry(key: [], value: .map([])),
    ])
    #expect(try JSONReader.read(Array(json(value).utf8)).get() == value)
  }

  @Test func nestingHasAnEnd() {
    var value = FieldValue.null
    for _ in 0..<100 { value = .list([value]) }
    #expect(json(value).hasPrefix("no: "))
  }

  @Test func timesAreRFC3339() {
    #expect(json(.timestamp(seconds: 0, nanoseconds: 0)) == "\"1970-01-01T00:00:00Z\"")
    #expect(json(.timestamp(seconds: 951_782_400, nanoseconds: 1)) == "\"2000-02-29T00:00:00.000000001Z\"")
    #expect(json(.timestamp(seconds: -1, nanoseconds: 0)) == "\"1969-12-31T23:59:59Z\"")
    #expect(json(.timestamp(seconds: -62_135_596_800, nanoseconds: 0)) == "\"0001-01-01T00:00:00Z\"")
    #expect(json(.timestamp(seconds: 253_402_300_799, nanoseconds: 0)) == "\"9999-12-31T23:59:59Z\"")
  }

  @Test func cacheControlIsReadCautiously() {
    func maxAge(_ values: String..., age: String? = nil) -> Int64? {
      CacheControl.maxAge(values.map { Array($0.utf8) }, age: age.map { Array($0.utf8) })
    }
    #expect(maxAge() == nil)
    #expect(maxAge("private") == nil)
    #expect(maxAge("private, Max-Age=5") == 5_000_000_000)
    #expect(maxAge("max-age=5", "max-age=3") == 3_000_000_000)
    #expect(maxAge("max-age=5, no-store") == 0)
    #expect(maxAge("max-age=abc") == 0)
    #expect(maxAge("max-age=5", age: "7") == 0)
    #expect(maxAge("max-age=99999999999999999999") == 315_360_000_000_000_000)
  }

  @Test func patternsHaveOneStar() {
    let name = Array("x-user-id".utf8)
    for pattern in ["X-User-Id", "x-user*", "*-ID", "*"] { #expect(HeaderNames.matches(pattern, name)) }
    for pattern in ["x-user", "user*", "*user", ""] { #expect(!HeaderNames.matches(pattern, name)) }
  }

  @Test func timeoutsAreAtMostEightDigits() {
    #expect(GRPCCall.timeout(1) == "1u")
    #expect(GRPCCall.timeout(200_000_000) == "200000u")
    #expect(GRPCCall.timeout(600_000_000_000) == "600000m")
  }

  @Test func percentDecodingLeavesTheRest() {
    #expect(GRPCCall.percentDecoded(Array("a%20b%zz%4".utf8)) == Array("a b%zz%4".utf8))
  }

  @Test func addressesAreTakenApart() throws {
    let url = try ProviderURL(parsing: "https://[::1]:8181/v1/data/x?y=1")
    #expect(url.isTLS)
    #expect(url.endpoint == .tcp(host: "::1", port: 8_181))
    #expect(url.path == "/v1/data/x?y=1")
    #expect(try ProviderURL(parsing: "http://opa").endpoint == .tcp(host: "opa", port: 80))
    #expect(try ProviderURL(parsing: "http://opa").path == "/")
    #expect(try ProviderEndpoint(parsing: "unix:/run/x") == .unix(path: "/run/x"))
    #expect(try ProviderEndpoint(parsing: "a.b:9000") == .tcp(host: "a.b", port: 9_000))
    for text in ["ftp://x/", "http://", "http://a@b/", "http://a:0/", "http://a:b/", "http://::1/"] {
      #expect(throws: ProviderError.self, "\(text)") { try ProviderURL(parsing: text) }
    }
    for text in ["a", "a:", ":1", "a:70000", "unix:x"] {
      #expect(throws: ProviderError.self, "\(text)") { try ProviderEndpoint(parsing: text) }
    }
  }

  /// Bytes of a real answer with some changed: an answer or an error, never the end of the process.
  @Test func changedBytesOfACheckResponseAreNoTrap() {
    var answer = HTTPAnswer(status: 200, isVersion2: true)
    answer.headers = [
      .init(name: Array("content-type".utf8), value: Array("application/grpc".utf8)),
      .init(name: Array("grpc-status".utf8), value: [0x30], isTrailer: true),
    ]
    // status {code 7, message "no"}, denied_response {status 401, header a: b, body "x"}
    let message: [UInt8] = [
      0x0a, 6, 0x08, 7, 0x12, 2, 0x6e, 0x6f, 0x12, 18, 0x0a, 3, 0x08, 0x91, 3, 0x12, 8, 0x0a, 6, 0x0a, 1, 0x61, 0x12,
      1, 0x62, 0x1a, 1, 0x78,
    ]
    func reply(_ message: [UInt8]) -> ProviderReply {
      var frame: [UInt8] = [0, 0, 0, 0, 0] + message
      GRPCCall.close(frame: &frame, messageBytes: message.count)
      answer.body = frame
      return ExtAuthzGRPC.reply(answer)
    }
    #expect(reply(message).httpStatus == 401)
    var random = SystemRandomNumberGenerator()
    var outcomes: Set<String> = []
    for _ in 0..<20_000 {
      var changed = message
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let at = Int.random(in: 0..<changed.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: changed[at] = UInt8.random(in: 0...255, using: &random)
        case 1: changed.remove(at: at)
        default: changed.insert(UInt8.random(in: 0...255, using: &random), at: at)
        }
      }
      let reply = reply(changed)
      outcomes.insert(reply.failure == nil ? "\(reply.outcome)" : "failure")
    }
    #expect(outcomes == ["allow", "deny", "failure"])
  }
}
