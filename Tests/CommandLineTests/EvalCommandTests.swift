import Foundation
import Testing

@Suite struct EvalCommandTests {
  @Test func anAllowedRequestTellsItsRule() throws {
    let tool = try CommandLineTool()
    let json = try tool.eval(
      CommandLineTool.policy(
        """
            - name: readers
              action: ALLOW
              when: request.method == "GET"
              requestHeaders: {set: {x-caller: shop}, remove: [x-internal]}
        """), #"{"request.method": "GET"}"#)
    #expect(json["verdict"] as? String == "allow")
    #expect(json["status"] as? Int == 200)
    #expect(json["code"] as? Int == 0)
    #expect(json["policy"] as? String == "shop")
    #expect(json["namespace"] as? String == "default")
    #expect(json["rule"] as? String == "readers")
    #expect(json["shadowVerdict"] is NSNull)
    #expect((json["plan"] as? String)?.count == 64)
    let changes = try #require(json["requestHeaders"] as? [[String: String]])
    #expect(changes.contains(["operation": "set", "name": "x-caller", "value": "shop"]))
    #expect(changes.contains(["operation": "remove", "name": "x-internal"]))
  }

  @Test func aDenialHasWhatTheClientGets() throws {
    let tool = try CommandLineTool()
    let json = try tool.eval(
      CommandLineTool.policy(
        """
            - name: teapot
              action: DENY
              when: request.method == "BREW"
              response: {status: 418, headers: {x-reason: short and stout}, body: "no coffee\\n"}
            - name: marks
              action: AUDIT
              when: true
        """), #"{"request.method": "BREW"}"#)
    #expect(json["verdict"] as? String == "deny")
    #expect(json["status"] as? Int == 418)
    #expect(json["code"] as? Int == 7)
    #expect(json["rule"] as? String == "teapot")
    #expect(json["body"] as? String == "no coffee\n")
    #expect((json["headers"] as? [String: String])?["x-reason"] == "short and stout")
    #expect((json["audit"] as? [[String: String]])?.first?["rule"] == "marks")
    #expect((json["message"] as? String)?.isEmpty == false)
  }

  @Test func anErrorFailsClosedAndIsTold() throws {
    let tool = try CommandLineTool()
    let json = try tool.eval(
      CommandLineTool.policy(
        """
            - name: needs-user
              action: DENY
              when: request.headers["x-user"] == "mallory"
        """), #"{"request.headers": {}}"#)
    #expect(json["verdict"] as? String == "deny")
    let error = try #require((json["errors"] as? [[String: String]])?.first)
    #expect(error["rule"] == "needs-user")
    #expect(error["error"]?.contains("x-user") == true)
  }

  @Test func aShadowPolicyTellsWhatItWouldDo() throws {
    let tool = try CommandLineTool()
    let documents =
      CommandLineTool.allowing("true") + "---\n"
      + CommandLineTool.policy(
        """
            - name: no-posts
              action: DENY
              when: request.method == "POST"
        """, spec: "mode: Shadow"
      ).replacingOccurrences(of: "name: shop", with: "name: stricter")
    let json = try tool.eval(documents, #"{"request.method": "POST"}"#)
    #expect(json["verdict"] as? String == "allow")
    #expect(json["shadowVerdict"] as? String == "deny")
    #expect((json["shadowRules"] as? [[String: String]])?.first?["rule"] == "no-posts")
  }

  /// One attribute of each type, by name or alias, as the expression sees it.
  @Test(arguments: [
    (#"request.size == 9007199254740993"#, #"{"request.size": 9007199254740993}"#, "response"),
    (#"connection.id == 18446744073709551615u"#, #"{"connection.id": 18446744073709551615}"#, ""),
    (#"connection.mtls"#, #"{"connection.mtls": true}"#, ""),
    (#"request.time == timestamp("2026-01-02T03:04:05.5Z")"#, #"{"request.time": "2026-01-02T04:04:05.5+01:00"}"#, ""),
    (#"request.auth.audiences == ["a", "b"]"#, #"{"request.auth.audiences": ["a", "b"]}"#, ""),
    (
      #"request.headers["x-user"] == "a,b" && size(request.headers) == 1"#,
      #"{"request.headers": {"X-User": ["a", "b"]}}"#, ""
    ),
    (
      #"request.auth.claims["n"] == 1 && request.auth.claims["l"][1].k == null"#,
      #"{"request.auth.claims": {"n": 1, "l": ["x", {"k": null}]}}"#, ""
    ),
    (#"source.address == "10.0.0.1""#, #"{"source.ip": "10.0.0.1"}"#, ""),
    (#"request.url_path == "/b" && request.query == "x=1""#, #"{"request.path": "/a/../b?x=1"}"#, ""),
    (#"!has(source.principal)"#, #"{"source.principal": null}"#, ""),
  ])
  func valuesAreCoercedToTheAttributesType(expression: String, request: String, phase: String) throws {
    let tool = try CommandLineTool()
    // A rule cannot read what is known only with the response; that such a value is accepted is all there is to see.
    let documents = CommandLineTool.allowing(phase == "response" ? "true" : expression)
    #expect(try tool.eval(documents, request)["verdict"] as? String == "allow")
  }

  @Test func customAttributesHaveTheTypeOfTheirManifest() throws {
    let tool = try CommandLineTool()
    let documents =
      CommandLineTool.allowing(#"company.score > 5 && company.wait == duration("1.5s") && company.key == b"\x00\xff""#)
        + """
        ---
        apiVersion: purser.dev/v1alpha1
        kind: AttributeManifest
        metadata: {name: ours}
        spec:
          attributes:
            company.score: {type: int, phase: request}
            company.wait: {type: duration, phase: request}
            company.key: {type: bytes, phase: request}

        """
    let request = #"{"company.score": 6, "company.wait": "1500ms", "company.key": "AP8="}"#
    #expect(try tool.eval(documents, request)["verdict"] as? String == "allow")
    #expect(try tool.complaint(documents, #"{"company.score": "6"}"#).contains("`company.score`"))
    // Without the manifest nobody knows it.
    #expect(try tool.complaint(CommandLineTool.allowing("true"), request).contains("unknown attribute `company.score`"))
  }

  @Test func aBadRequestIsToldWithItsPlace() throws {
    let tool = try CommandLineTool()
    let documents = CommandLineTool.allowing("true")
    let cases: [(String, String)] = [
      (
        "{\"request.method\": \"GET\",\n \"request.methdo\": \"GET\"}",
        "<stdin>:2:2: error: unknown attribute `request.methdo`: did you mean `request.method`?"
      ),
      (#"{"request.size": 1.0}"#, "<stdin>:1:18: error: `request.size`: a whole number"),
      (#"{"request.method": "GET""#, "<stdin>:1:25: error:"),
      (#"{"source.ip": "a", "source.address": "b"}"#, "<stdin>:1:20: error: `source.address` is given twice"),
      ("[]", "<stdin>:1:1: error: a request is an object"),
      ("", "<stdin>:1:1: error:"),
      (#"{"zebra": 1}"#, "<stdin>:1:2: error: unknown attribute `zebra`\n"),
    ]
    for (request, message) in cases {
      let complaint = try tool.complaint(documents, request)
      #expect(complaint.contains(message), "\(request): \(complaint)")
    }
  }

  @Test func anExplanationHasEveryRule() throws {
    let tool = try CommandLineTool()
    let documents = CommandLineTool.policy(
      """
          - name: readers
            action: ALLOW
            when: request.method == "GET" && request.url_path.startsWith("/books")
          - name: never
            action: DENY
            when: request.method == "TRACE"
      """)
    let json = try tool.eval(documents, #"{"request.method": "GET", "request.path": "/toys"}"#, "--explain")
    #expect(json["verdict"] as? String == "deny")
    let text = String(describing: try #require(json["explain"]))
    #expect(text.contains("readers"))
    #expect(text.contains("never"))
    let path = try tool.write(documents, to: "policy.yaml")
    let request = try tool.write(#"{"request.method": "GET", "request.path": "/toys"}"#, to: "request.json")
    let words = try tool.run("eval", "--policy", path, "--request", request, "--explain")
    #expect(words.status == 0)
    #expect(words.output.hasPrefix("verdict   deny, status 403, code 7\n"))
    #expect(words.output.contains("readers"))
  }

  @Test func severalPoliciesAreOneSet() throws {
    let tool = try CommandLineTool()
    let first = try tool.write(CommandLineTool.allowing("true"), to: "first.yaml")
    let second = try tool.write(
      CommandLineTool.policy("    - {name: no, action: DENY, when: true}\n").replacingOccurrences(
        of: "shop", with: "door"),
      to: "second.yaml")
    let request = try tool.write("{}", to: "request.json")
    let result = try tool.run("eval", "--policy", first, "--policy", second, "--request", request)
    #expect(result.status == 0)
    #expect(result.output.contains("default/door/no"))
  }

  @Test func badDocumentsAndMissingFilesAreStatusOne() throws {
    let tool = try CommandLineTool()
    let bad = try tool.write("kind: [", to: "bad.yaml")
    let good = try tool.write(CommandLineTool.allowing("true"), to: "good.yaml")
    let broken = try tool.run("eval", "--policy", bad, "--request", "-", input: "{}")
    #expect(broken.status == 1)
    #expect(broken.errors.contains("bad.yaml:1:"))
    let missing = try tool.run("eval", "--policy", good, "--request", "nowhere.json")
    #expect(missing.status == 1)
    #expect(missing.errors.contains("nowhere.json"))
  }
}
