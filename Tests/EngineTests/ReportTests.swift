import CPurser
import Foundation
import Testing

/// Metrics and log records of finished requests, through the whole engine.
@Suite struct ReportTests {
  static let shop = """
    apiVersion: purser.dev/v1alpha1
    kind: Policy
    metadata: {name: shop}
    spec:
      rules:
      - {name: banned, action: DENY, when: source.principal == "mallory"}
      - {name: readers, action: ALLOW, when: request.method == "GET"}
      - {name: seen, action: AUDIT, when: request.path.startsWith("/a")}
      - {name: twice, action: AUDIT, when: request.path == "/ab"}
    """
  static let stricter = """
    apiVersion: purser.dev/v1alpha1
    kind: Policy
    metadata: {name: stricter}
    spec: {mode: Shadow, rules: [{name: no-b, action: DENY, when: request.path == "/b"}]}
    """
  static let prom = "apiVersion: purser.dev/v1alpha1\nkind: Backend\nmetadata: {name: prom}\nspec: {prometheus: {}}\n"

  static func telemetry(metrics: String = "[]", accessLog: String = "[]") -> String {
    """
    apiVersion: purser.dev/v1alpha1
    kind: Telemetry
    metadata: {name: mesh}
    spec:
      metrics: \(metrics)
      accessLog: \(accessLog)
    """
  }

  /// From begin to end, with a report.
  private func run(_ worker: TestWorker, _ set: TestSet, _ attributes: [String: JSON], now: Int64 = 1) throws {
    let request = try TestRequest(worker, set, attributes)
    try request.check()
    try request.report(now: now)
  }

  private func get(_ path: String, _ more: [String: JSON] = [:]) -> [String: JSON] {
    ["request.method": "GET", "request.path": .string(path), "source.principal": "ann"].merging(more) { $1 }
  }

  /// Lines of the text that begin with the name and a blank or a brace.
  private func series(_ name: String, in text: String) -> [String] {
    text.split(separator: "\n").map(String.init).filter { $0.hasPrefix(name + "{") || $0.hasPrefix(name + " ") }
  }

  private func temporaryFolder() throws -> URL {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("purser-" + UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder
  }

  @Test func labelsAreExpressionsOverAllPhasesAndTheDecision() throws {
    let set = try TestSet(
      loading: Self.shop, Self.stricter, Self.prom,
      Self.telemetry(
        metrics: """
          [{name: requests_total, kind: counter, labels: {code: response.code, verdict: purser.verdict,
            policy: purser.policy, rule: purser.rule, audit: purser.audit, cached: purser.cached,
            shadow: purser.shadow_verdict, path: request.url_path}}]
          """))
    let worker = try TestWorker(set.engine)
    try run(worker, set, get("//ab", ["response.code": 200]))
    try run(worker, set, get("/ab", ["response.code": 200]))
    try run(worker, set, get("/b", ["response.code": 404]))
    try run(worker, set, get("/c", ["response.code": 403, "source.principal": "mallory"]))
    try run(worker, set, get("/c", ["response.code": 403, "request.method": "PUT"]))
    let found = series("requests_total", in: try set.engine.metrics())
    #expect(
      Set(found) == [
        #"requests_total{code="200",verdict="allow",policy="shop",rule="readers",audit="",cached="false",shadow="allow",path="/ab"} 1"#,
        #"requests_total{code="200",verdict="allow",policy="shop",rule="readers",audit="shop/seen,shop/twice",cached="false",shadow="allow",path="/ab"} 1"#,
        #"requests_total{code="404",verdict="allow",policy="shop",rule="readers",audit="",cached="false",shadow="deny",path="/b"} 1"#,
        #"requests_total{code="403",verdict="deny",policy="shop",rule="banned",audit="",cached="false",shadow="deny",path="/c"} 1"#,
        #"requests_total{code="403",verdict="deny",policy="",rule="",audit="",cached="false",shadow="deny",path="/c"} 1"#,
      ])
  }

  @Test func reasonAndPlanAreLabelsToo() throws {
    let set = try TestSet(
      loading: Self.shop,
      Self.telemetry(metrics: "[{name: why_total, kind: counter, labels: {reason: purser.reason, plan: purser.plan}}]"))
    let worker = try TestWorker(set.engine)
    try run(worker, set, get("/a"))
    let digest = try #require(set.digest)
    #expect(
      series("why_total", in: try set.engine.metrics())
        == ["why_total{reason=\"ALLOW rule `readers` of policy `shop` holds\",plan=\"\(digest)\"} 1"])
  }

  @Test func anErringLabelIsUnknownAndCounted() throws {
    let set = try TestSet(
      loading: Self.shop,
      Self.telemetry(
        metrics: #"[{name: r_total, kind: counter, labels: {user: 'request.headers["x-user"]', code: response.code}}]"#)
    )
    let worker = try TestWorker(set.engine)
    try run(worker, set, get("/", ["request.headers": [:], "response.code": 200]))
    try run(worker, set, get("/", ["request.headers": ["x-user": "ann"]]))
    let text = try set.engine.metrics()
    #expect(
      Set(series("r_total", in: text)) == [
        #"r_total{user="unknown",code="200"} 1"#, #"r_total{user="ann",code="unknown"} 1"#,
      ])
    #expect(text.contains(#"purser_evaluation_errors_total{part="label"} 2"#))
  }

  @Test func anErringValueRecordsNothingAndIsCounted() throws {
    let set = try TestSet(
      loading: Self.shop,
      Self.telemetry(
        metrics: """
          [{name: sizes, kind: distribution, value: response.size, buckets: [10, 100]},
           {name: last, kind: gauge, value: response.size / response.code},
           {name: filtered_total, kind: counter, when: response.code >= 500}]
          """))
    let worker = try TestWorker(set.engine)
    try run(worker, set, get("/", ["response.code": 500]))
    try run(worker, set, get("/", ["response.size": 50, "response.code": 0]))
    try run(worker, set, get("/", ["response.size": 5]))
    let text = try set.engine.metrics()
    #expect(
      series("sizes_bucket", in: text) == [
        #"sizes_bucket{le="10"} 1"#, #"sizes_bucket{le="100"} 2"#, #"sizes_bucket{le="+Inf"} 2"#,
      ])
    #expect(series("sizes_sum", in: text) == ["sizes_sum 55"])
    #expect(series("last", in: text) == [])
    #expect(series("filtered_total", in: text) == ["filtered_total 1"], "an erring `when` of a metric records nothing")
    // Values: one of `sizes`, three of `last`, one `when`.
    #expect(text.contains(#"purser_evaluation_errors_total{part="value"} 5"#), "\(text)")
  }

  @Test func pastTheCapSeriesFallIntoOne() throws {
    let set = try TestSet(
      loading: Self.shop,
      Self.telemetry(metrics: "[{name: paths_total, kind: counter, seriesMax: 3, labels: {path: request.url_path}}]"))
    let workers = [try TestWorker(set.engine), try TestWorker(set.engine)]
    for index in 0..<40 { try run(workers[index % 2], set, get("/p\(index % 10)")) }
    let text = try set.engine.metrics()
    let found = series("paths_total", in: text)
    let overflow = found.filter { $0.contains("otel_metric_overflow=\"true\"") }
    #expect(overflow.count == 1)
    #expect(found.count - overflow.count <= 3)
    let total = found.compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }.reduce(0, +)
    #expect(total == 40, "every recording is somewhere")
    let spilled = overflow.first.flatMap { $0.split(separator: " ").last.map(String.init) } ?? ""
    #expect(text.contains("purser_series_overflow_total \(spilled)\n"))
  }

  @Test func countersCarryOverAReloadThatKeepsTheirDefinition() throws {
    let metrics = "[{name: r_total, kind: counter, labels: {method: request.method}}]"
    let set = try TestSet(loading: Self.shop, Self.telemetry(metrics: metrics))
    let worker = try TestWorker(set.engine)
    try run(worker, set, get("/"))
    try set.load(Self.shop.replacing("mallory", with: "eve"), Self.telemetry(metrics: metrics))
    try run(worker, set, get("/"))
    #expect(series("r_total", in: try set.engine.metrics()) == [#"r_total{method="GET"} 2"#])
    // Another definition begins anew, and the old one is gone.
    try set.load(Self.shop, Self.telemetry(metrics: "[{name: r_total, kind: counter, labels: {path: request.path}}]"))
    try run(worker, set, get("/"))
    #expect(series("r_total", in: try set.engine.metrics()) == [#"r_total{path="/"} 1"#])
  }

  @Test func aReportUsesThePlanOfItsCheck() throws {
    let old = Self.telemetry(metrics: "[{name: old_total, kind: counter, labels: {plan: purser.plan}}]")
    let new = Self.telemetry(metrics: "[{name: new_total, kind: counter}]")
    let set = try TestSet(loading: Self.shop, old)
    let oldDigest = try #require(set.digest)
    let worker = try TestWorker(set.engine)
    let request = try TestRequest(worker, set, get("/"))
    try request.check()
    try set.load(Self.shop, new)
    #expect(set.digest != oldDigest)
    try request.report(now: 1)
    let text = try set.engine.metrics()
    #expect(series("old_total", in: text) == ["old_total{plan=\"\(oldDigest)\"} 1"])
    #expect(series("new_total", in: text) == [])
    try request.end()
    try run(worker, set, get("/"))
    #expect(series("new_total", in: try set.engine.metrics()) == ["new_total 1"])
    #expect(series("old_total", in: try set.engine.metrics()) == [])
  }

  @Test func metricsGoToTheBackendsTheyNameOrToAll() throws {
    let other = Self.prom.replacing("prom}", with: "other}")
    let set = try TestSet(
      loading: Self.shop, Self.prom, other,
      Self.telemetry(
        metrics: "[{name: one_total, kind: counter, backends: [other]}, {name: both_total, kind: counter}]"))
    let worker = try TestWorker(set.engine)
    try run(worker, set, get("/"))
    let prom = try set.engine.metrics("prom")
    #expect(series("one_total", in: prom) == [])
    #expect(series("both_total", in: prom) == ["both_total 1"], "a metric that names no backend goes to all")
    let second = try set.engine.metrics("other")
    #expect(series("one_total", in: second) == ["one_total 1"])
    #expect(series("both_total", in: second) == ["both_total 1"])
    #expect(prom.contains("purser_checks_total{verdict=\"allow\"} 1"))
    #expect(throws: Refused.self) { try set.engine.metrics("none") }
  }

  @Test func checksAndReportsAreCounted() throws {
    let set = try TestSet(loading: Self.shop, Self.stricter)
    let worker = try TestWorker(set.engine)
    try run(worker, set, get("/b"))
    try run(worker, set, get("/a"))
    try run(worker, set, get("/a", ["source.principal": nil]))
    _ = try worker.decide(set, get("/a", ["source.principal": "mallory"]))
    let text = try set.engine.metrics()
    #expect(text.contains("purser_checks_total{verdict=\"allow\"} 2\n"))
    #expect(text.contains("purser_checks_total{verdict=\"deny\"} 2\n"))
    #expect(text.contains("purser_reports_total 3\n"))
    #expect(text.contains("purser_shadow_differences_total 1\n"))
    #expect(text.contains("purser_evaluation_errors_total{part=\"rule\"} 1\n"))
  }

  @Test func aRequestIsReportedOnceAndOnlyAfterItsCheck() throws {
    let set = try TestSet(loading: Self.shop)
    let worker = try TestWorker(set.engine)
    let request = try TestRequest(worker, set, get("/"))
    #expect(throws: Refused.self) { try request.report() }
    try request.check()
    try request.report()
    #expect(throws: Refused.self) { try request.report() }
    #expect(try set.engine.metrics().contains("purser_reports_total 1\n"))
  }

  @Test func logRecordsAreJSONLinesInAFile() throws {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("access.jsonl")
    let lines = """
      apiVersion: purser.dev/v1alpha1
      kind: Backend
      metadata: {name: lines}
      spec: {lines: {path: \(file.path)}}
      """
    let set = try TestSet(
      loading: Self.shop, lines,
      Self.telemetry(
        accessLog: """
          [{when: response.code >= 400, fields: {method: request.method, path: request.url_path, why: purser.reason,
            code: response.code, took: request.duration, mtls: connection.mtls, missing: request.id}, backends: [lines]}]
          """))
    let worker = try TestWorker(set.engine)
    try run(worker, set, get("/kept", ["response.code": 404, "request.duration": "1.5s", "connection.mtls": true]))
    try run(worker, set, get("/dropped", ["response.code": 200]))
    try run(worker, set, get("/erring\"\n"))
    try set.engine.flush()
    let text = try String(contentsOf: file, encoding: .utf8)
    let records = try text.split(separator: "\n").map { try JSON.parse(String($0)) }
    #expect(
      records == [
        [
          "method": "GET", "path": "/kept", "why": "ALLOW rule `readers` of policy `shop` holds", "code": 404,
          "took": "1.5s", "mtls": true, "missing": nil,
        ],
        [
          "method": "GET", "path": "/erring\"\n", "why": "ALLOW rule `readers` of policy `shop` holds", "code": nil,
          "took": nil, "mtls": nil, "missing": nil,
        ],
      ])
    #expect(text.hasSuffix("\n"))
    #expect(try set.engine.metrics().contains("purser_evaluation_errors_total{part=\"log_when\"} 1\n"))
    #expect(try set.engine.metrics().contains("purser_log_records_total 2\n"))
  }

  @Test func recordsOfAReplacedPlanReachTheirFile() throws {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    func documents(_ name: String) -> [Inline] {
      let lines = """
        apiVersion: purser.dev/v1alpha1
        kind: Backend
        metadata: {name: lines}
        spec: {lines: {path: \(folder.appendingPathComponent(name).path)}}
        """
      return [Self.shop, lines, Self.telemetry(accessLog: "[{fields: {path: request.path}}]")].map { Inline($0) }
    }
    let set = try TestSet(TestEngine())
    try set.load(documents("first.jsonl"))
    let worker = try TestWorker(set.engine)
    try run(worker, set, get("/1"))
    let open = try TestRequest(worker, set, get("/2"))
    try open.check()
    try set.load(documents("second.jsonl"))
    try run(worker, set, get("/3"))
    try open.report(now: 1)
    try open.end()
    try set.engine.flush()
    func text(_ name: String) throws -> String {
      try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
    }
    #expect(try text("first.jsonl") == "{\"path\":\"/1\"}\n{\"path\":\"/2\"}\n")
    #expect(try text("second.jsonl") == "{\"path\":\"/3\"}\n")
  }

  @Test func prometheusScrapesTheListener() async throws {
    let listener = Self.prom.replacing("{prometheus: {}}", with: "{prometheus: {listen: \"127.0.0.1:0\"}}")
    let set = try TestSet(
      loading: Self.shop, listener,
      Self.telemetry(metrics: "[{name: r_total, kind: counter, labels: {method: request.method}, backends: [prom]}]"))
    try run(TestWorker(set.engine), set, get("/"))
    let address = try set.engine.address(of: "prom")
    #expect(address.hasPrefix("127.0.0.1:"))
    let text = try scrape(address)
    #expect(text.hasPrefix("HTTP/1.1 200"))
    #expect(text.contains("text/plain; version=0.0.4"))
    #expect(text.contains("r_total{method=\"GET\"} 1\n"))
    // Without the backend nobody listens any more.
    try set.load(Self.shop)
    #expect(throws: Refused.self) { try set.engine.address(of: "prom") }
    #expect(throws: (any Error).self) { try scrape(address) }
  }

  /// One GET of /metrics, the whole answer.
  private func scrape(_ address: String) throws -> String {
    struct Unreachable: Error {}
    let port = try #require(address.split(separator: ":").last.flatMap { UInt16($0) })
    let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(socket) }
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_port = port.bigEndian
    name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let connected = withUnsafePointer(to: &name) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard connected == 0 else { throw Unreachable() }
    let question = Array("GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".utf8)
    guard send(socket, question, question.count, Int32(MSG_NOSIGNAL)) == question.count else {
      throw Unreachable()
    }
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = recv(socket, &buffer, buffer.count, 0)
      guard count > 0 else { break }
      answer += buffer[..<count]
    }
    return String(decoding: answer, as: UTF8.self)
  }

  @Test func aBackendThatCannotBeHadLeavesTheOldPlanServing() throws {
    let set = try TestSet(loading: Self.shop)
    let digest = set.digest
    let lines = """
      apiVersion: purser.dev/v1alpha1
      kind: Backend
      metadata: {name: lines}
      spec: {lines: {path: /nowhere/at/all/access.jsonl}}
      """
    do throws(Refused) {
      try set.load(Self.shop, lines)
      Issue.record("loaded")
    } catch {
      #expect(error.status == PURSER_UNAVAILABLE)
      #expect(error.problems.contains("Backend `lines`"))
    }
    #expect(set.digest == digest)
  }

  @Test func setsThatShareAMetricAddUpAndKeepTheirOwnPart() throws {
    let engine = try TestEngine()
    let sets = [try TestSet(engine, "inbound"), try TestSet(engine, "outbound")]
    let worker = try TestWorker(engine)
    for set in sets {
      try set.load(Self.shop, Self.telemetry(metrics: "[{name: r_total, kind: counter, labels: {m: request.method}}]"))
    }
    try run(worker, sets[0], get("/"))
    try run(worker, sets[1], get("/"))
    try run(worker, sets[1], get("/"))
    // No series is written twice: a scrape with duplicates is refused whole.
    #expect(series("r_total", in: try engine.metrics()) == [#"r_total{m="GET"} 3"#])
    try sets[1].load(Self.shop)
    #expect(series("r_total", in: try engine.metrics()) == [#"r_total{m="GET"} 1"#])
  }

  @Test func whatAFreedWorkerRecordedIsKept() throws {
    let set = try TestSet(loading: Self.shop, Self.telemetry(metrics: "[{name: r_total, kind: counter}]"))
    do {
      let worker = try TestWorker(set.engine)
      try run(worker, set, get("/"))
    }
    try run(TestWorker(set.engine), set, get("/"))
    #expect(series("r_total", in: try set.engine.metrics()) == ["r_total 2"])
  }
}
