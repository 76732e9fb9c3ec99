import CPlatform
import PurserProviders
import Testing

/// Each fault has its name, its counter, and an end.
@Suite(.enabled(if: Servers.areThere, "PyPI could not be reached")) struct HTTPFaultTests {
  private func asker(_ path: String, _ change: (inout ProviderSettings) -> Void = { _ in }) throws -> Asker {
    try Asker(ProviderSettings.opa(Servers.faults.get(), path).with(change))
  }

  private func expectFailure(_ path: String, _ failure: ProviderFailure, _ text: String = "") throws {
    let asker = try asker(path)
    let reply = try asker.ask()
    #expect(reply.failure == failure, "\(path): \(reply.text)")
    #expect(text.isEmpty || reply.text.contains(text), "\(path): \(reply.text)")
    #expect(asker.statistics.failed(failure) == 1)
    #expect(asker.statistics.inFlight == 0)
  }

  @Test(arguments: ["/hang", "/slow"])
  func whoDoesNotAnswerInTimeIsNotWaitedFor(path: String) throws {
    let asker = try asker(path) { $0.timeoutNanoseconds = 150_000_000 }
    let began = platform_monotonic_nanoseconds()
    let reply = try asker.ask()
    let took = platform_monotonic_nanoseconds() - began
    #expect(reply.failure == .timeout)
    #expect(took >= 150_000_000)
    #expect(took < 10_000_000_000)
    #expect(asker.statistics.failed(.timeout) == 1)
  }

  @Test func anAskersOwnDeadlineComesFirst() throws {
    let asker = try asker("/hang")
    let reply = try asker.ask(deadline: platform_monotonic_nanoseconds() + 50_000_000)
    #expect(reply.failure == .timeout)
    #expect(try asker.ask(deadline: 1).failure == .timeout)
    #expect(asker.statistics.failed(.timeout) == 2)
  }

  @Test func aConnectionThatEndsBeforeTheAnswerIsReset() throws {
    try expectFailure("/reset", .reset)
    try expectFailure("/close", .reset)
    try expectFailure("/half", .reset)
  }

  @Test func whatIsNoHTTPIsAProtocolError() throws { try expectFailure("/garbage", .protocolError) }

  @Test func anAnswerHasAnEnd() throws {
    try expectFailure("/huge", .tooLarge)
    try expectFailure("/endless-headers", .tooLarge)
  }

  @Test func aRedirectIsNotFollowed() throws {
    let reply = try asker("/redirect").ask()
    #expect(reply.failure == .provider)
    #expect(reply.httpStatus == 302)
  }

  @Test(arguments: [
    ("empty", "empty"), ("cut", "line 1"), ("twice", "duplicate"), ("more", "end of file"), ("list", "no JSON object"),
    ("latin", "decode byte 0xe9"), ("deep", "deeper"), ("large", "too big"),
  ])
  func whatIsNoJSONDocumentIsAProtocolError(kind: String, reason: String) throws {
    try expectFailure("/json/\(kind)", .unusable, reason)
  }

  @Test func aDocumentIsReadAsItIs() throws {
    let document = try #require(try asker("/json/nul").ask().document)
    #expect(document.member("result") == .text("a\0b"))
    #expect(document.member("n") == .int(-5))
    #expect(document.member("x") == .double(1.5))
    #expect(document.member("y") == .list([.null, .bool(true), .map([])]))
  }

  @Test func whoIsNotThereCannotBeConnected() throws {
    // A port that was free a moment ago.
    let gone = try Servers.python("fault_server.py")
    gone.stop()
    let asker = try Asker(.opa(gone, "/ok"))
    let reply = try asker.ask()
    #expect(reply.failure == .connect)
    #expect(reply.text.contains("\(gone.port)"), "\(reply.text)")
  }

  @Test func aNameThatNobodyHasCannotBeConnected() throws {
    let asker = try asker("/ok") { $0.endpoint = .tcp(host: "nobody.invalid", port: 80) }
    #expect(try asker.ask().failure == .connect)
  }

  @Test(arguments: ["/second-dies", "/closes-after"])
  func anOpenConnectionThatDiedIsReplaced(path: String) throws {
    let asker = try asker(path)
    for _ in 0..<4 { #expect(try asker.ask().document?.member("result") == .bool(true)) }
    // The first question opens a connection, the second finds it dead and opens the next, and so on.
    #expect(asker.statistics.documents == 4)
    #expect(asker.statistics.connectionsOpened == 4)
  }
}
