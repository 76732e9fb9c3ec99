import Foundation
import Testing

@testable import PurserProviders

/// nginx as the authorisation service, over Unix sockets.
@Suite(.enabled(if: Servers.areThere, "PyPI could not be reached")) struct ExtAuthzHTTPTests {
  private static let folder = Result { try Folder() }
  private static let nginx = Result { try Servers.nginx(in: try folder.get()) }

  private func asker(
    _ settings: ExtAuthzHTTPSettings, _ socket: String = "plain.sock", _ tls: ProviderTLS? = nil
  ) throws -> Asker {
    _ = try Self.nginx.get()
    return try Asker(
      ProviderSettings(
        interface: .extAuthzHTTP(settings), endpoint: .unix(path: try Self.folder.get().path + "/" + socket), tls: tls
      ).patient)
  }

  private let settings = ExtAuthzHTTPSettings(
    fields: [.header("authorization"), .method, .path, .host], pathPrefix: "/auth",
    upstreamHeaders: ["X-User", "x-asked", "connection", "content-length"], clientHeadersOnAllow: ["set-*"])

  @Test func whatAllowsChangesTheHeadersThatAreNamed() throws {
    let asker = try asker(settings)
    let reply = try asker.ask(.text("Bearer ann"), .text("GET"), .text("/books?id=1&q=a%20b"), .text("books.example"))
    #expect(reply.outcome == .allow)
    #expect(
      reply.changes == [
        "upstream remove authorization", "upstream set x-user: ann",
        "upstream set x-asked: GET /auth/books?id=1&q=a%20b books.example", "client set set-cookie: a=1",
        "client append set-cookie: b=2",
      ])
    // `host`, which may not be removed.
    #expect(reply.headersRefused == 1)
    #expect(asker.statistics.headersRefused == 1)
  }

  @Test func whatDeniesComesWithItsStatusBodyAndHeaders() throws {
    let reply = try asker(settings).ask(.absent, .absent, .text("/books"))
    #expect(reply.outcome == .deny)
    #expect(reply.httpStatus == 401)
    #expect(reply.grpcCode == 7)
    #expect(reply.body == Array("who are you?\n".utf8))
    #expect(reply.changes.contains("client set www-authenticate: Bearer realm=books"))
    #expect(reply.changes.contains("client set x-internal: secret"))
    #expect(!reply.changes.contains { $0.contains("content-length") || $0.contains("connection") })
  }

  @Test func aListOfHeadersForTheClientLeavesOutTheRest() throws {
    var settings = settings
    settings.clientHeadersOnDeny = []
    let reply = try asker(settings).ask()
    #expect(reply.changes == ["client set www-authenticate: Bearer realm=books"])
  }

  @Test func theMethodIsTheRequestsOwn() throws {
    let asker = try asker(settings)
    #expect(try asker.ask(.text("Bearer ann"), .text("HEAD")).outcome == .allow)
    let post = try asker.ask(.text("Bearer ann"), .text("POST"))
    #expect(post.httpStatus == 403)
    #expect(post.body == Array("read only\n".utf8))
    #expect(try asker.ask(.text("Bearer ann"), .text("GET")).outcome == .allow)
    #expect(asker.statistics.connectionsOpened == 1)
    #expect(asker.statistics.connectionsReused == 2)
  }

  @Test func fiveHundredsAreFailures() throws {
    var settings = settings
    settings.pathPrefix = "/failed"
    let asker = try asker(settings)
    let reply = try asker.ask()
    #expect(reply.failure == .provider)
    #expect(reply.httpStatus == 502)
  }

  @Test func whatWouldBeAnotherRequestIsNotAsked() throws {
    let asker = try asker(settings)
    let requests: [(FieldValue, FieldValue, FieldValue)] = [
      (.text("a\r\nx-user: root"), .absent, .absent), (.absent, .text("GET / HTTP/1.1\r\n"), .absent),
      (.absent, .absent, .text("/ HTTP/1.1\r\nx: ")), (.absent, .absent, .text("/a b")),
      (.absent, .absent, .string([0x2f, 0])),
    ]
    for (authorization, method, path) in requests {
      #expect(try asker.ask(authorization, method, path).failure == .question)
    }
    #expect(asker.statistics.connectionsOpened == 0)
  }

  @Test func aMapOfHeadersLeavesOutWhatBelongsToTheConnection() throws {
    let settings = ExtAuthzHTTPSettings(
      fields: [.headers, .header("x-own")], pathPrefix: "/echo",
      headers: [ProviderHeader(name: "x-fixed", value: "1")])
    let asker = try Asker(
      ProviderSettings(
        interface: .extAuthzHTTP(settings), endpoint: .tcp(host: "127.0.0.1", port: try Servers.faults.get().port)
      ).patient)
    let map = FieldValue.map(
      [
        ("X-One", "1"), ("Connection", "x-one"), ("transfer-encoding", "chunked"), ("content-length", "9"),
        (":path", "/evil"), ("host", "evil"), ("x-own", "map"), ("x-fixed", "map"), ("x-empty", ""),
      ].map { FieldEntry(key: Array($0.utf8), value: .text($1)) })
    let seen = String(decoding: try asker.ask(map, .text("own")).body, as: UTF8.self)
    let lines = seen.components(separatedBy: "\r\n").filter { !$0.isEmpty }
    #expect(lines.first == "GET /echo/ HTTP/1.1")
    #expect(
      Set(lines.dropFirst()) == [
        "Host: 127.0.0.1:\(try Servers.faults.get().port)", "Accept: */*", "x-one: 1", "x-own: own", "x-fixed: 1",
        "x-empty:",
      ])
  }

  /// A client must not choose which of the provider's answers it gets.
  @Test(arguments: [
    ("/a/../b", false), ("/a/b/../../c", false), ("/..a/.b", false), ("/a?x=/../..", false), ("/a/./b", false),
    ("/%2e%2", false), ("/..", true), ("/../healthz", true), ("/a/../../b", true), ("/a//../../b", true),
    ("/..%2fhealthz", true), ("/admin/..%2F..%5chealthz", true), ("/%2e%2E/healthz", true), ("/%252e%252e/x", true),
    ("/..;a=1/healthz", true), ("/..\\healthz", true), ("/./../x", true), ("/a/%2e%2e/%2e%2e/x", true),
    ("/%%32%65%%32%65/x", true), ("/a%2", false), ("/%", false),
    // Escaped twenty thousand times over: it must not take the square of that.
    ("/%" + String(repeating: "25", count: 20_000) + "2e./x", true),
    ("/%" + String(repeating: "25", count: 20_000) + "2e/x", false),
  ])
  func aPathThatLeadsOutOfThePrefixIsNotAsked(_ path: String, _ isRefused: Bool) throws {
    let question = ProviderQuestion(values: [.text(path)])
    for prefix in ["/auth", ""] {
      let settings = ExtAuthzHTTPSettings(fields: [.path], pathPrefix: prefix)
      if isRefused, !prefix.isEmpty {
        #expect(throws: ProviderError.self, "\(path.prefix(40))") { try ExtAuthzHTTP.message(settings, question) }
      } else {
        #expect(try ExtAuthzHTTP.message(settings, question).target == Array((prefix + path).utf8))
      }
    }
  }

  @Test func anAnswersHeadersAreCheckedOneByOne() throws {
    let asker = try Asker(.http(try Servers.faults.get(), "/smuggle"))
    let reply = try asker.ask()
    #expect(reply.outcome == .allow)
    #expect(reply.changes == ["upstream set x-user: ann", "upstream append x-user: bob"])
  }

  @Test func anInterimAnswerIsNoAnswer() throws {
    let reply = try Asker(.http(try Servers.faults.get(), "/interim")).ask()
    #expect(reply.outcome == .allow)
    #expect(reply.changes == ["upstream set x-late: 1"])
  }

  @Test func anAnswerSaysHowLongItMayBeKept() throws {
    #expect(try Asker(.http(try Servers.faults.get(), "/cached")).ask().maxAgeNanoseconds == 50_000_000_000)
    #expect(try Asker(.http(try Servers.faults.get(), "/ok")).ask().maxAgeNanoseconds == nil)
  }

  // MARK: TLS over a Unix socket

  private func tls(_ client: String?, authority: String = "authority", name: String = "localhost") throws
    -> ProviderTLS
  {
    ProviderTLS(
      caFile: try Servers.certificate(authority + ".pem"),
      certificateFile: try client.map { try Servers.certificate($0 + ".pem") },
      keyFile: try client.map { try Servers.certificate($0 + ".key") }, serverName: name)
  }

  private let certificate = ExtAuthzHTTPSettings(
    fields: [], pathPrefix: "/certificate", upstreamHeaders: ["x-client"])

  @Test func aClientsCertificateIsShown() throws {
    let reply = try asker(certificate, "tls.sock", try tls("client")).ask()
    #expect(reply.changes == ["upstream set x-client: CN=client"])
    #expect(try asker(certificate, "tls.sock", try tls(nil)).ask().httpStatus == 403)
  }

  @Test func aServerThatNobodyVouchesForIsNotAsked() throws {
    for settings in [try tls("client", authority: "stranger"), try tls("client", name: "elsewhere.example")] {
      let asker = try asker(certificate, "tls.sock", settings)
      let reply = try asker.ask()
      #expect(reply.failure == .tls, "\(reply.text)")
      #expect(asker.statistics.failed(.tls) == 1)
    }
    #expect(try asker(certificate, "tls.sock", ProviderTLS(serverName: "localhost")).ask().failure == .tls)
  }

  @Test func aCertificateFileThatIsNotThereIsNamed() throws {
    var settings = try tls("client")
    settings.caFile = "/nowhere/ca.pem"
    let reply = try asker(certificate, "tls.sock", settings).ask()
    #expect(reply.failure == .tls)
    #expect(reply.text.contains("/nowhere/ca.pem"), "\(reply.text)")
  }
}
