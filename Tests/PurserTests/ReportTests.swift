import Foundation
import Purser
import Testing

@Suite struct ReportTests {
  @Test func aReportCountsWithWhatIsKnownOfRequestAndResponse() async throws {
    let set = try policies(readers + counting)
    for method in ["GET", "GET", "PUT"] {
      let decision = try await set.check(Request(method: method, path: "/"))
      await Task.yield()
      try decision.report(Response(code: decision.status))
    }
    #expect(try set.engine.sum(of: "requests_total", where: #"code="200""#) == 2)
    #expect(try set.engine.sum(of: "requests_total", where: #"verdict="deny""#) == 1)
    #expect(try set.engine.sum(of: "requests_total", where: #"method="PUT""#) == 1)
  }

  @Test func aRequestIsReportedOnce() async throws {
    let set = try policies(readers + counting)
    let decision = try await set.check(Request(method: "GET", path: "/"))
    let copy = decision
    try decision.report(Response(code: 200))
    #expect(throws: EngineError.alreadyReported) { try copy.report(Response(code: 500)) }
    #expect(try set.engine.sum(of: "requests_total") == 1)
    #expect(copy.isAllowed && copy.reason == decision.reason)
  }

  @Test func responseHeadersAndDurationsAreSeen() async throws {
    let text = """
      ---
      apiVersion: purser.dev/v1alpha1
      kind: Telemetry
      metadata: {name: more}
      spec:
        metrics:
        - name: cached_total
          kind: counter
          labels: {how: 'response.headers["x-cache"]', grpc: 'response.trailers["grpc-status"]'}
        - name: milliseconds
          kind: distribution
          value: double(request.duration.getMilliseconds())
          buckets: [1, 100]
          when: has(request.duration) && has(response.headers)

      """
    let set = try policies(readers + counting + text)
    var response = Response(code: 200, headers: ["X-Cache": "hit"])
    response.trailers = ["grpc-status": "0"]
    response[.requestDuration] = .milliseconds(42)
    try await set.check(Request(method: "GET", path: "/")).report(response)
    // Nothing known: the distribution is not recorded.
    try await set.check(Request(method: "GET", path: "/")).report()
    #expect(try set.engine.sum(of: "cached_total", where: #"how="hit""#) == 1)
    #expect(try set.engine.sum(of: "cached_total", where: #"grpc="0""#) == 1)
    #expect(try set.engine.sum(of: "milliseconds_count") == 1)
    #expect(try set.engine.sum(of: "milliseconds_sum") == 42)
  }

  @Test func accessLogsAreWrittenWhenTheEngineGoes() async throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString + ".jsonl")
    defer { try? FileManager.default.removeItem(at: file) }
    let text = """
      ---
      apiVersion: purser.dev/v1alpha1
      kind: Telemetry
      metadata: {name: log}
      spec: {accessLog: [{fields: {path: request.url_path, why: purser.reason}}]}
      ---
      apiVersion: purser.dev/v1alpha1
      kind: Backend
      metadata: {name: lines}
      spec: {lines: {path: "\(file.path)"}}

      """
    var last: Decision?
    do {
      let set = try policies(readers + text)
      for index in 0..<100 { try await set.check(Request(method: "GET", path: "/\(index)")).report() }
      last = try await set.check(Request(method: "PUT", path: "/last"))
    }
    // Engine and set have no owner any more; the decision keeps them.
    try last?.report()
    #expect(last?.verdict == .deny)
    last = nil
    let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
    #expect(lines.count == 101)
    #expect(lines.last?.contains("/last") == true || lines.contains { $0.contains("/last") })
  }
}
