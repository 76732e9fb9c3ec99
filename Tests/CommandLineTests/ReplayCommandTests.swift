import Foundation
import Testing

@Suite struct ReplayCommandTests {
  private static let documents =
    CommandLineTool.policy(
      """
          - name: readers
            action: ALLOW
            when: request.method == "GET"
          - name: no-robots
            action: DENY
            when: has(request.useragent) && request.useragent.contains("bot")
      """) + """
      ---
      apiVersion: purser.dev/v1alpha1
      kind: Telemetry
      metadata: {name: mesh}
      spec:
        metrics:
        - name: requests_total
          kind: counter
          value: 1
          labels: {code: response.code, verdict: purser.verdict}

      """

  @Test func decisionsLatenciesAndMetricsAreShown() throws {
    let tool = try CommandLineTool()
    try tool.write(Self.documents, to: "policy.yaml")
    let requests = """
      {"request.method": "GET", "request.path": "/a", "request.host": "shop.example", "response.code": 200}
      {"request.method": "GET", "request.path": "/b", "request.host": "shop.example", "response.code": 200}

      {"request.method": "POST", "request.path": "/c", "request.host": "shop.example", "response.code": 200}
      {"request.method": "GET", "request.path": "/d", "request.useragent": "a bot", "response.code": 200}
      """
    let result = try tool.run("replay", "--policy", "policy.yaml", "-", input: requests)
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.errors.isEmpty)
    #expect(result.output.contains(/shop\.example +allow +default\/shop\/readers +2\n/))
    #expect(result.output.contains(/shop\.example +deny +no ALLOW rule holds +1\n/))
    #expect(result.output.contains(/\(no service\) +deny +default\/shop\/no-robots +1\n/))
    #expect(result.output.contains("first on line 5: GET /d"))
    #expect(result.output.contains("4 requests: 2 allowed, 2 denied (50.0 %)\n"))
    #expect(result.output.contains(/check( +\d+){5}\n/))
    #expect(result.output.contains(/report( +\d+){5}\n/))
    // The client of a denied request got the denial, whatever the recording says.
    #expect(result.output.contains(#"requests_total{code="200",verdict="allow"} 2"#))
    #expect(result.output.contains(#"requests_total{code="403",verdict="deny"} 2"#))
  }

  @Test func badLinesAreToldAndCounted() throws {
    let tool = try CommandLineTool()
    try tool.write(Self.documents, to: "policy.yaml")
    let requests = try tool.write(
      """
      {"request.method": "GET"}
      {"request.method": 7}
      {"request.method": "GET"
      """, to: "requests.jsonl")
    let result = try tool.run("replay", "--policy", "policy.yaml", requests)
    #expect(result.status == 1)
    #expect(
      result.errors.contains("requests.jsonl:2:20: error: `request.method`: a string is expected, not the number 7\n"))
    #expect(result.errors.contains("requests.jsonl:3:25: error: "))
    #expect(result.errors.hasSuffix("error: 2 bad lines\n"))
    #expect(result.output.contains("1 requests: 1 allowed, 0 denied (0.0 %); 2 bad lines\n"))
  }

  @Test func nothingToReplayIsNoError() throws {
    let tool = try CommandLineTool()
    try tool.write(Self.documents, to: "policy.yaml")
    let result = try tool.run("replay", "--policy", "policy.yaml", "-")
    #expect(result.status == 0)
    #expect(result.output.contains("0 requests"))
  }
}
