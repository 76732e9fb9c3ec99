import Testing

@testable import PurserProviders

/// HTTP/2 as no gRPC server should speak it.
@Suite(.enabled(if: Servers.areThere, "PyPI could not be reached")) struct GRPCFaultTests {
  private func asker(_ authority: String) throws -> Asker {
    try Asker(.grpc(Servers.h2.get(), [], authority: authority))
  }

  @Test func anEmptyMessageAllows() throws { #expect(try asker("ok").ask().outcome == .allow) }

  @Test(arguments: [
    ("compressed", "compressed"), ("short-frame", "frame"), ("wrong-length", "frame"), ("two-frames", "frame"),
    ("no-frame", "frame"), ("no-status", "without a grpc-status"), ("odd-status", "no number"), ("no-grpc", "no gRPC"),
  ])
  func whatIsNoCallIsAProtocolError(kind: String, reason: String) throws {
    let asker = try asker(kind)
    let reply = try asker.ask()
    #expect(reply.failure == .protocolError)
    #expect(reply.text.contains(reason), "\(reply.text)")
    #expect(asker.statistics.failed(.protocolError) == 1)
  }

  @Test func aStatusWithoutAnythingElseIsRead() throws {
    let reply = try asker("trailers-only").ask()
    #expect(reply.failure == .provider)
    #expect(reply.grpcCode == 14)
    #expect(reply.text.contains("gone away\n"))
  }

  @Test func anotherHTTPStatusIsAFailure() throws {
    let reply = try asker("http-503").ask()
    #expect(reply.failure == .provider)
    #expect(reply.httpStatus == 503)
  }

  @Test func aStreamOrConnectionThatEndsIsReset() throws {
    for kind in ["reset-stream", "close"] {
      let reply = try asker(kind).ask()
      #expect(reply.failure == .reset, "\(kind): \(reply.text)")
    }
  }

  @Test(arguments: ["second-dies", "goaway"])
  func anOpenConnectionThatDiedIsReplacedOnce(kind: String) throws {
    let asker = try asker(kind)
    for number in 0..<4 {
      let reply = try asker.ask()
      #expect(reply.outcome == .allow, "\(number): \(reply)")
    }
    #expect(asker.statistics.connectionsOpened == 4)
  }

  @Test func aServerOfHTTP1IsNone() throws {
    let reply = try Asker(.grpc(Servers.faults.get(), [], authority: "x")).ask()
    #expect([.protocolError, .reset].contains(reply.failure), "\(reply)")
  }
}
