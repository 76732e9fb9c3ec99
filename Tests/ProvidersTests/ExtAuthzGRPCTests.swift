import Foundation
import Testing

@testable import PurserProviders

/// grpcio as the server, with Python code made of the same .proto files.
@Suite(.enabled(if: Servers.areThere, "PyPI could not be reached")) struct ExtAuthzGRPCTests {
  private func ask(_ path: String) throws -> ProviderReply {
    try Asker(.grpc(Servers.grpc.get())).ask(.text(path))
  }

  @Test func aStatusOfZeroAllows() throws {
    let asker = try Asker(.grpc(Servers.grpc.get()))
    #expect(try asker.ask(.text("/allow")).outcome == .allow)
    #expect(try asker.ask(.text("/allow")).outcome == .allow)
    #expect(asker.statistics.allowed == 2)
    #expect(asker.statistics.connectionsOpened == 1)
    #expect(asker.statistics.connectionsReused == 1)
  }

  @Test func everyFieldReachesItsPlace() throws {
    let fields: [(ExtAuthzField, FieldValue)] = [
      (.requestPath, .text("/echo")), (.sourceAddress, .text("10.0.0.1")), (.sourcePort, .int(4_000)),
      (.sourceService, .text("a")), (.sourcePrincipal, .text("spiffe://a")), (.sourceCertificate, .text("pem")),
      (.sourceLabel("app"), .text("x")), (.sourceLabel("tier"), .text("y")),
      (.destinationAddress, .text("/run/b.sock")), (.destinationPort, .int(1)), (.destinationService, .text("b")),
      (.destinationPrincipal, .text("spiffe://b")), (.destinationLabel("app"), .text("z")),
      (.requestTime, .timestamp(seconds: 1_700_000_000, nanoseconds: 500_000_000)), (.requestID, .text("id-1")),
      (.requestMethod, .text("GET")), (.requestHost, .text("h")), (.requestScheme, .text("https")),
      (.requestQuery, .text("q=1")), (.requestFragment, .text("f")), (.requestSize, .int(-1)),
      (.requestProtocol, .text("HTTP/2")), (.requestBody, .text("body")), (.requestRawBody, .bytes([0, 255])),
      (.requestHeader("X-One"), .list([.text("1"), .int(2)])), (.requestHeader("x-none"), .absent),
      (
        .requestHeaders,
        .map([
          FieldEntry(key: Array("x-one".utf8), value: .text("map")),
          FieldEntry(key: Array("X-Two".utf8), value: .text("é")),
        ])
      ),
      (.contextExtension("route"), .bool(true)), (.serverName, .text("sni.example")),
    ]
    let question = ProviderQuestion(values: fields.map(\.1))
    let asker = try Asker(.grpc(Servers.grpc.get(), fields.map(\.0)))
    let answers = Answers()
    answers.expect(1)
    asker.pool.ask(asker.client, question) { answers.take($0) }
    let reply = try #require(answers.wait().first)
    let echo = try #require(reply.changes.first { $0.hasPrefix("upstream set x-echo: ") })
    let seen = try JSONSerialization.jsonObject(with: Data(echo.dropFirst("upstream set x-echo: ".utf8.count).utf8))
    let wanted = """
      {"source": {"address": {"socketAddress": {"address": "10.0.0.1", "portValue": 4000}}, "service": "a",
        "principal": "spiffe://a", "certificate": "pem", "labels": {"app": "x", "tier": "y"}},
       "destination": {"address": {"pipe": {"path": "/run/b.sock"}}, "service": "b", "principal": "spiffe://b",
        "labels": {"app": "z"}},
       "request": {"time": "2023-11-14T22:13:20.500Z", "http": {"id": "id-1", "method": "GET", "path": "/echo",
        "host": "h", "scheme": "https", "query": "q=1", "fragment": "f", "size": "-1", "protocol": "HTTP/2",
        "body": "body", "rawBody": "AP8=", "headers": {"x-one": "1,2", "x-two": "é"}}},
       "contextExtensions": {"route": "true"}, "tlsSession": {"sni": "sni.example"}}
      """
    let expected = try JSONSerialization.jsonObject(with: Data(wanted.utf8))
    #expect(seen as? NSDictionary == expected as? NSDictionary)
  }

  @Test func whatAllowsChangesHeadersAsEnvoyDoes() throws {
    let reply = try ask("/changes")
    #expect(reply.outcome == .allow)
    #expect(reply.message == Array("welcome".utf8))
    #expect(
      reply.changes.filter { !$0.contains("x-raw") } == [
        "upstream remove authorization", "upstream set x-user: ann", "upstream append x-group: a",
        "upstream set x-set: b", "upstream addIfAbsent x-absent: c", "upstream overwriteIfExists x-there: d",
        "upstream set x-over: e", "client append x-seen: 1", "client set x-one: 2",
      ])
    #expect(reply.headerChanges.contains { $0.name == Array("x-raw".utf8) && $0.value == [255, 1] })
    #expect(reply.headersRefused == 5)
    #expect(
      reply.queryChanges == [
        .set(name: Array("q".utf8), value: Array("v".utf8)), .remove(name: Array("debug".utf8)),
      ])
  }

  @Test func whatDeniesComesWithItsStatusBodyAndHeaders() throws {
    let reply = try ask("/deny")
    #expect(reply.outcome == .deny)
    #expect(reply.httpStatus == 401)
    #expect(reply.grpcCode == 7)
    #expect(reply.message == Array("no ann here".utf8))
    #expect(reply.body == Array("go away\0\n".utf8))
    #expect(
      reply.changes == [
        "client set set-cookie: a=1", "client append set-cookie: b=2", "client set www-authenticate: Basic",
      ])
  }

  @Test func aDenialWithoutAStatusIsForbidden() throws {
    let reply = try ask("/deny-plain")
    #expect(reply.outcome == .deny)
    #expect(reply.httpStatus == 403)
    #expect(reply.grpcCode == 16)
  }

  @Test func anErrorResponseIsAFailure() throws { #expect(try ask("/error").failure == .provider) }

  @Test func aGRPCStatusIsAFailureWithItsWords() throws {
    let reply = try ask("/unavailable")
    #expect(reply.failure == .provider)
    #expect(reply.grpcCode == 14)
    #expect(reply.text.contains("being restarted: 100% down\n"), "\(reply.text)")
  }

  @Test func whatIsNoCheckResponseIsAProtocolError() throws {
    #expect(try ask("/garbage").failure == .unusable)
    #expect(try ask("/deny-strange").failure == .unusable)
    let split = try ask("/split-header")
    #expect(split.failure == .unusable)
    #expect(split.headerChanges.isEmpty)
  }

  @Test func anAnswerHasAnEnd() throws {
    #expect(try ask("/huge").failure == .tooLarge)
    #expect(try ask("/many").failure == .tooLarge)
  }

  @Test func aServerThatHangsIsNotWaitedForAndItsConnectionServesOthers() throws {
    let asker = try Asker(
      ProviderSettings.grpc(Servers.grpc.get()).with { $0.timeoutNanoseconds = 2_000_000_000 })
    #expect(try asker.ask(.text("/allow")).outcome == .allow)
    let deadline = platformNow() + 100_000_000
    #expect(try asker.ask(.text("/hang"), deadline: deadline).failure == .timeout)
    #expect(try asker.ask(.text("/allow")).outcome == .allow)
    #expect(asker.statistics.connectionsOpened == 1)
  }

  @Test func manyQuestionsGoOverOneConnection() throws {
    let asker = try Asker(.grpc(Servers.grpc.get()))
    let answers = Answers()
    answers.expect(50)
    for number in 0..<50 {
      let path = number % 2 == 0 ? "/allow" : "/deny"
      asker.pool.ask(asker.client, ProviderQuestion(values: [.text(path)])) { answers.take($0) }
    }
    #expect(answers.wait().count == 50)
    #expect(asker.statistics.allowed == 25)
    #expect(asker.statistics.denied == 25)
    #expect(asker.statistics.connectionsOpened == 1)
  }

  @Test func valuesThatHaveNoPlaceAreNotAsked() throws {
    let asker = try Asker(.grpc(Servers.grpc.get(), [.requestPath, .sourcePort, .requestTime, .requestHeaders]))
    #expect(try asker.ask(.string([0xff])).failure == .question)
    #expect(try asker.ask(.absent, .int(70_000)).failure == .question)
    #expect(try asker.ask(.absent, .text("80")).failure == .question)
    #expect(try asker.ask(.absent, .absent, .text("now")).failure == .question)
    #expect(try asker.ask(.absent, .absent, .absent, .text("x")).failure == .question)
    // The next one is asked all the same.
    #expect(try asker.ask(.text("/allow")).outcome == .allow)
  }

  @Test func aUnixSocketIsAsked() throws {
    let folder = try Folder()
    let server = try Servers.python("grpc_server.py", [Servers.stubs(), "--unix", folder.path + "/s"])
    let asker = try Asker(
      ProviderSettings.grpc(server).with { $0.endpoint = .unix(path: folder.path + "/s") })
    #expect(try asker.ask(.text("/deny")).outcome == .deny)
    #expect(try asker.ask(.text("/allow")).outcome == .allow)
    #expect(asker.statistics.connectionsOpened == 1)
  }

  // MARK: TLS

  private static let secure = Result {
    try Servers.python(
      "grpc_server.py",
      [Servers.stubs(), "--tls"] + ["server.pem", "server.key", "authority.pem"].map(Servers.certificate))
  }

  private func secured(_ client: String?, authority: String = "authority", name: String = "localhost") throws -> Asker {
    let tls = ProviderTLS(
      caFile: try Servers.certificate(authority + ".pem"),
      certificateFile: try client.map { try Servers.certificate($0 + ".pem") },
      keyFile: try client.map { try Servers.certificate($0 + ".key") }, serverName: name)
    return try Asker(ProviderSettings.grpc(Self.secure.get()).with { $0.tls = tls })
  }

  @Test func bothSidesShowTheirCertificates() throws {
    let asker = try secured("client")
    #expect(try asker.ask(.text("/allow")).outcome == .allow)
    #expect(try asker.ask(.text("/deny")).outcome == .deny)
    #expect(asker.statistics.connectionsOpened == 1)
  }

  @Test(arguments: [nil, "intruder"])
  func aServerThatDoesNotKnowTheClientAnswersNothing(client: String?) throws {
    let asker = try secured(client)
    let reply = try asker.ask(.text("/allow"))
    // With TLS 1.3 the server says so after the handshake, and its close may come before its words are read.
    #expect([.tls, .reset].contains(reply.failure), "\(reply.text)")
    #expect(asker.statistics.failed(.tls) + asker.statistics.failed(.reset) == 1)
  }

  @Test func aServerThatNobodyVouchesForIsNotAsked() throws {
    #expect(try secured("client", authority: "stranger").ask(.text("/allow")).failure == .tls)
    #expect(try secured("client", name: "other.example").ask(.text("/allow")).failure == .tls)
    #expect(try secured("client", name: "127.0.0.1").ask(.text("/allow")).failure == .tls)
  }

  @Test func plainTextToATLSServerFails() throws {
    let reply = try Asker(.grpc(Self.secure.get())).ask(.text("/allow"))
    #expect([.reset, .protocolError, .tls].contains(reply.failure))
  }
}
