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
    #expect(asker.statistics.retried <= 3)
  }

  @Test func aConnectionThatRetiresTakesNoAnswerWithIt() throws {
    // It says goodbye and closes right after its second answer, whose trailers may be lost on the way.
    let asker = try asker("retires")
    for number in 0..<10 {
      let reply = try asker.ask()
      #expect(reply.outcome == .allow, "\(number): \(reply)")
    }
  }

  @Test func nobodyListeningIsToldToAllWhoWait() throws {
    let gone = try Servers.python("fault_server.py")
    gone.stop()
    let asker = try Asker(.grpc(gone, []))
    let answers = Answers()
    answers.expect(50)
    for _ in 0..<50 { asker.pool.ask(asker.client, ProviderQuestion(values: [])) { answers.take($0) } }
    #expect(answers.wait().filter { $0.failure == .connect }.count == 50)
    #expect(asker.statistics.inFlight == 0)
  }

  @Test func aConnectionThatIsNeverMadeEndsWithTheTime() throws {
    // It listens, and nobody takes what comes: the handshake of HTTP/2 or TLS is never answered.
    let asker = try Asker(
      ProviderSettings.grpc(Servers.faults.get(), [], authority: "x").with {
        $0.tls = ProviderTLS()
        $0.timeoutNanoseconds = 150_000_000
        $0.circuit = CircuitSettings(failures: 1)
      })
    let answers = Answers()
    answers.expect(3)
    for _ in 0..<3 { asker.pool.ask(asker.client, ProviderQuestion(values: [])) { answers.take($0) } }
    #expect(answers.wait().allSatisfy { [.timeout, .tls, .reset].contains($0.failure) })
    #expect(asker.statistics.circuit == .open)
  }

  @Test func aServerOfHTTP1IsNone() throws {
    let reply = try Asker(.grpc(Servers.faults.get(), [], authority: "x")).ask()
    #expect([.protocolError, .reset].contains(reply.failure), "\(reply)")
  }
}
