import PurserProviders
import Testing

/// A real Rego engine behind OPA's REST shape; servers/opa_server.py says why it is no OPA.
@Suite(.enabled(if: Servers.areThere, "PyPI could not be reached")) struct OPATests {
  private func asker(_ path: String) throws -> Asker {
    try Asker(.opa(Servers.opa.get(), path, ["user", "method", "extra"]))
  }

  @Test func aDecisionIsADocument() throws {
    let asker = try asker("/v1/data/mesh/allow")
    let ann = try asker.ask(.text("ann"), .text("GET"))
    #expect(ann.outcome == .document(.map([FieldEntry(key: Array("result".utf8), value: .bool(true))])))
    #expect(ann.httpStatus == 200)
    let bob = try asker.ask(.text("bob"), .text("GET"))
    #expect(bob.document?.member("result") == .bool(false))
    #expect(asker.statistics.documents == 2)
    #expect(asker.statistics.connectionsOpened == 1)
    #expect(asker.statistics.connectionsReused == 1)
  }

  @Test func anUndefinedDecisionIsADocumentWithoutResult() throws {
    let reply = try asker("/v1/data/nobody/wrote/this").ask(.text("ann"))
    #expect(reply.document == .map([]))
  }

  @Test func everyKindOfValueReachesTheInput() throws {
    let value = FieldValue.map([
      FieldEntry(key: Array("none".utf8), value: .absent), FieldEntry(key: Array("null".utf8), value: .null),
      FieldEntry(key: Array("int".utf8), value: .int(-7)),
      FieldEntry(key: Array("list".utf8), value: .list([.double(1.5), .bool(true)])),
      FieldEntry(key: Array("text".utf8), value: .text("a b é")),
      FieldEntry(key: Array("bytes".utf8), value: .bytes([0, 255, 16, 9])),
      FieldEntry(key: Array("time".utf8), value: .timestamp(seconds: 1_700_000_000, nanoseconds: 500_000_000)),
      FieldEntry(key: Array("lasts".utf8), value: .duration(seconds: -1, nanoseconds: -500_000_000)),
    ])
    let input = try #require(
      try asker("/v1/data/mesh/who").ask(.absent, .text("PUT"), value).document?.member("result"))
    #expect(input.member("user") == nil)
    #expect(input.member("method") == .text("PUT"))
    let extra = try #require(input.member("extra"))
    #expect(extra.member("none") == nil)
    #expect(extra.member("null") == .null)
    #expect(extra.member("int") == .int(-7))
    #expect(extra.member("list") == .list([.double(1.5), .bool(true)]))
    #expect(extra.member("text") == .text("a b é"))
    #expect(extra.member("bytes") == .text("AP8QCQ=="))
    #expect(extra.member("time") == .text("2023-11-14T22:13:20.500Z"))
    #expect(extra.member("lasts") == .text("-1.500s"))
  }

  @Test func aStatusThatIsNoAnswerIsTheProvidersFailure() throws {
    let reply = try asker("/v2/elsewhere").ask(.text("ann"))
    #expect(reply.failure == .provider)
    #expect(reply.httpStatus == 400)
  }

  @Test func whatJSONCannotHoldIsNotAsked() throws {
    let asker = try asker("/v1/data/mesh/allow")
    #expect(try asker.ask(.double(.nan)).failure == .question)
    #expect(try asker.ask(.string([0xff])).failure == .question)
    #expect(asker.statistics.failed(.question) == 2)
    #expect(asker.statistics.connectionsOpened == 0)
  }
}
