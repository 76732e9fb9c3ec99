import Foundation
import Glibc
import PurserTelemetry
import Testing

@testable import PurserBackends

@Suite(.serialized) struct PrometheusListenerTests {
  @Test func aScrapeGetsThePage() throws {
    let page = "a 1\n" + String(repeating: "# filler\n", count: 200_000)
    let listener = try PrometheusListener("127.0.0.1:0") { Array(page.utf8) }
    #expect(listener.address.hasPrefix("127.0.0.1:") && !listener.address.hasSuffix(":0"))
    let answer = try request(listener, "GET /metrics?x=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
    #expect(answer.contains("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"))
    #expect(answer.hasSuffix("\r\n\r\n" + page))
    let head = try request(listener, "HEAD /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    #expect(head.contains("Content-Length: \(page.utf8.count)\r\n"))
    #expect(head.hasSuffix("\r\n\r\n"))
  }

  @Test func twoRequestsOnOneConnection() throws {
    let listener = try PrometheusListener("127.0.0.1:0") { Array("a 1\n".utf8) }
    let answer = try request(
      listener,
      "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\nGET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    #expect(answer.components(separatedBy: "HTTP/1.1 200 OK").count == 3)
  }

  @Test func otherPathsAndMethodsAreRefused() throws {
    let listener = try PrometheusListener("127.0.0.1:0") { Array("a 1\n".utf8) }
    for path in ["/", "/metrics/", "/metricsx", "/../metrics", "/%00"] {
      let answer = try request(listener, "GET \(path) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
      #expect(answer.hasPrefix("HTTP/1.1 404 "), "\(path)")
    }
    for method in ["PUT", "DELETE", "OPTIONS", "PATCH", "NONSENSE"] {
      let answer = try request(listener, "\(method) /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
      #expect(answer.hasPrefix("HTTP/1.1 405 "), "\(method)")
      #expect(answer.contains("Allow: GET, HEAD\r\n"), "\(method)")
    }
    let post = try request(listener, "POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
    #expect(post.hasPrefix("HTTP/1.1 405 "))
  }

  @Test func garbageHarmsNobody() throws {
    let listener = try PrometheusListener("127.0.0.1:0") { Array("a 1\n".utf8) }
    let long = String(repeating: "x", count: 100_000)
    for text in [
      "\0\0\0\0", "\u{16}\u{03}\u{01}\u{02}\u{00}", "GET\r\n\r\n", "\r\n\r\n\r\n", "GET /\(long) HTTP/1.1\r\n\r\n",
      "GET /metrics HTTP/9.9\r\nHost: a\r\n\r\n", "GET /metrics HTTP/1.1\r\nContent-Length: -1\r\nHost: a\r\n\r\n",
      "GET /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
      "GET /metrics HTTP/1.1\r\nx: \(long)\r\n\r\n",
      "GET /metrics HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
      _ = try request(listener, text, closing: true)
    }
    // Connections that say nothing, or hang up at once, even in the middle of an answer.
    for _ in 0..<100 {
      let socket = try connect(listener)
      _ = send(socket, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", 37, Int32(MSG_NOSIGNAL))
      var linger = Glibc.linger(l_onoff: 1, l_linger: 0)
      setsockopt(socket, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
      close(socket)
    }
    let answer = try request(listener, "GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    #expect(answer.hasSuffix("a 1\n"))
  }

  @Test func noSignalHandlerIsInstalledAndThePortIsGivenBack() throws {
    func handlers() -> [UInt] {
      (1..<32).map { number in
        var action = sigaction()
        sigaction(Int32(number), nil, &action)
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: UInt.self)
      }
    }
    let before = handlers()
    let listener = try PrometheusListener("127.0.0.1:0") { [] }
    #expect(handlers() == before)
    let address = listener.address
    #expect(throws: BackendError("cannot listen on `\(address)`: Address already in use")) {
      try PrometheusListener(address) { [] }
    }
    listener.stop()
    listener.stop()
    let again = try PrometheusListener(address) { [] }
    #expect(again.address == address)
    #expect(handlers() == before)
  }

  @Test func itsThreadsBlockEverySignal() throws {
    let before = Set(try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task"))
    let listener = try PrometheusListener("127.0.0.1:0") { Array("a 1\n".utf8) }
    _ = try request(listener, "GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    let after = Set(try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task"))
    var blocking = 0
    for task in after.subtracting(before) {
      guard let status = try? String(contentsOfFile: "/proc/self/task/\(task)/status", encoding: .utf8) else {
        continue
      }
      // SIGKILL, SIGSTOP and glibc's own two are not blockable.
      if status.contains("SigBlk:\tfffffffe7ffbfeff") || status.contains("SigBlk:\tfffffffc7ffbfeff") { blocking += 1 }
    }
    #expect(blocking >= 1)
    listener.stop()
  }

  @Test(arguments: [
    "", "x", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1", "::1:80", "[::1:80", ":99999",
  ])
  func whatIsNoAddressIsRefused(address: String) {
    #expect(throws: BackendError.self) { try PrometheusListener(address) { [] } }
    #expect(PrometheusListener.split(address) == nil)
  }

  @Test func addressesAreTakenApart() throws {
    func host(_ listen: String) -> String? { PrometheusListener.split(listen)?.host.map { textOf($0) } }
    #expect(host("127.0.0.1:80") == "127.0.0.1")
    #expect(host("[::1]:80") == "::1")
    #expect(host("localhost:0") == "localhost")
    #expect(host(":80") == nil && PrometheusListener.split(":80")?.port == 80)
    #expect(host("*:65535") == nil && PrometheusListener.split("*:65535")?.port == 65535)
  }

  @Test func anAddressThatIsNotOursIsAnError() {
    #expect(throws: BackendError("cannot listen on `192.0.2.1:0`: Cannot assign requested address")) {
      try PrometheusListener("192.0.2.1:0") { [] }
    }
  }

  // MARK: A client that sends what it likes

  private func connect(_ listener: PrometheusListener) throws -> Int32 {
    let (_, port) = try #require(PrometheusListener.split(listener.address))
    let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(client, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    #expect(result == 0)
    return client
  }

  /// Sends `text` and reads until the other side closes.
  private func request(_ listener: PrometheusListener, _ text: String, closing: Bool = false) throws -> String {
    let client = try connect(listener)
    defer { close(client) }
    var limit = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    let bytes = Array(text.utf8)
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        send(client, $0.baseAddress?.advanced(by: sent), bytes.count - sent, Int32(MSG_NOSIGNAL))
      }
      if count <= 0 { break }
      sent += count
    }
    if closing { shutdown(client, Int32(SHUT_WR)) }
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = recv(client, &buffer, buffer.count, 0)
      if count <= 0 { break }
      answer += buffer.prefix(count)
    }
    return String(decoding: answer, as: UTF8.self)
  }
}
