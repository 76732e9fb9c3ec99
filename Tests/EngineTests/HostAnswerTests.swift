import CPurser
import Testing

/// What the engine asks a host, and what it makes of the answers.
@Suite struct HostAnswerTests {
  private func policy(_ rules: String...) -> String {
    """
    apiVersion: purser.dev/v1alpha1
    kind: Policy
    metadata: {name: shop}
    spec:
      rules:

    """ + rules.map { "  - \($0)\n" }.joined()
  }

  private func value(_ type: purser_type, _ fill: (inout purser_value) -> Void = { _ in }) -> purser_value {
    var value = purser_value()
    value.type = type.rawValue
    fill(&value)
    return value
  }

  @Test func eachAttributeAndEntryIsAskedForOnceAndOnlyWhenNeeded() throws {
    let set = try TestSet(
      loading: policy(
        #"{name: a, action: DENY, when: request.method == "X" && source.port == 1}"#,
        #"{name: b, action: DENY, when: '"x" in request.headers && request.headers["x"] == "1"'}"#,
        #"{name: c, action: DENY, when: 'request.headers["x"] == "2"'}"#,
        #"{name: d, action: AUDIT, when: 'request.method == "GET" && request.headers["x"] == "0"'}"#,
        #"{name: e, action: AUDIT, when: request.url_path == "/" && request.query == ""}"#,
        #"{name: f, action: DENY, when: request.url_path == "/f" && destination.service.host == "a"}"#))
    let table = try HostTable(["request.method": "GET", "request.headers": ["x": "0"], "request.path": "/?"])
    let found = try TestRequest(TestWorker(set.engine), set, table).check()
    #expect(found.audits == ["default/shop/d", "default/shop/e"])
    #expect(table.asked.sorted() == ["entry 8 x", "get 1", "get 2"])
  }

  @Test func aReportAsksAgainForItsOwn() throws {
    let set = try TestSet(
      loading: policy("{name: all, action: ALLOW}"),
      ReportTests.telemetry(
        metrics:
          "[{name: a_total, kind: counter, labels: {m: request.method}}, {name: b_total, kind: counter, labels: {m: request.method, c: response.code}}]"
      ))
    let table = try HostTable(["request.method": "GET", "response.code": 200])
    let request = try TestRequest(TestWorker(set.engine), set, table)
    try request.check()
    #expect(table.asked == [])
    try request.report(now: 1)
    #expect(table.asked.sorted() == ["get 1", "get 23"])
  }

  @Test func theReasonTellsFileAndLine() throws {
    let set = try TestSet(loading: policy("{name: a, action: DENY, when: \"false\"}", "{name: b, action: DENY}"))
    let request = try TestRequest(TestWorker(set.engine), set)
    #expect(try request.check().line == 7)
    var rule = purser_rule_reference()
    try demand(purser_decision_rule(request.handle, &rule))
    #expect(String(rule.file) == "policy.yaml")
  }

  @Test func whatTheHostCannotSupplyFailsClosed() throws {
    let set = try TestSet(
      loading: policy(
        "{name: port, action: DENY, when: source.port == 1}",
        #"{name: entry, action: DENY, when: '"x" in request.headers'}"#,
        "{name: map, action: DENY, when: size(request.headers) > 5}",
        "{name: has, action: DENY, when: has(source.principal)}"))
    let table = try HostTable([:])
    for name in ["source.port", "request.headers", "source.principal"] { try table.set(name, .failed) }
    let found = try TestRequest(TestWorker(set.engine), set, table).check()
    #expect(found.kindName == "rule-error")
    #expect(
      found.errorTexts == [
        "attribute `source.port` could not be supplied by the host",
        #"attribute `request.headers["x"]` could not be supplied by the host"#,
        "attribute `request.headers` could not be supplied by the host",
        "attribute `source.principal` could not be supplied by the host",
      ])
  }

  @Test func answersOfTheWrongTypeFailClosed() throws {
    let set = try TestSet(
      loading: policy(
        "{name: port, action: DENY, when: source.port == 1}",
        "{name: method, action: DENY, when: request.method == \"\"}",
        "{name: audience, action: DENY, when: 'size(request.auth.audiences) == 9'}",
        "{name: time, action: DENY, when: request.time == timestamp(\"2026-01-01T00:00:00Z\")}"))
    let table = try HostTable([:])
    try table.set("source.port", .value(value(PURSER_TYPE_STRING)))
    try table.set("request.method", .value(value(PURSER_TYPE_NULL)))
    try table.set("request.auth.audiences", .value(value(PURSER_TYPE_MAP)))
    try table.set("request.time", .value(value(PURSER_TYPE_TIMESTAMP) { $0.as.seconds = .max }))
    let found = try TestRequest(TestWorker(set.engine), set, table).check()
    #expect(!found.allows)
    #expect(
      found.errorTexts
        == ["source.port", "request.method", "request.auth.audiences", "request.time"].map {
          "attribute `\($0)` has the wrong type"
        })
  }

  @Test func textThatIsNotUTF8IsAnErrorOfThatAttribute() throws {
    let set = try TestSet(
      loading: policy(
        "{name: method, action: DENY, when: request.method == \"a\"}",
        "{name: host, action: DENY, when: request.host == \"a\"}",
        "{name: service, action: DENY, when: destination.service.host == \"a\"}"))
    let table = try HostTable([:])
    let bad = table.memory.text([0x61, 0xC3])
    try table.set("request.method", .value(value(PURSER_TYPE_STRING) { $0.as.text = bad }))
    try table.set("request.host", .value(value(PURSER_TYPE_STRING) { $0.as.text = bad }))
    let found = try TestRequest(TestWorker(set.engine), set, table).check()
    #expect(
      found.errorTexts
        == ["request.method", "request.host", "destination.service.host"].map {
          "attribute `\($0)` is not valid UTF-8"
        })
  }

  @Test func embeddedNULsArePartOfTheText() throws {
    let set = try TestSet(
      loading: policy(
        #"{name: equal, action: AUDIT, when: 'request.method == "GET"'}"#,
        #"{name: prefix, action: AUDIT, when: 'request.method.startsWith("GET")'}"#,
        #"{name: size, action: AUDIT, when: size(request.method) == 5}"#))
    let found = try TestWorker(set.engine).decide(set, ["request.method": "GET\0X"])
    #expect(found.audits == ["default/shop/prefix", "default/shop/size"])
  }

  @Test func aConditionThatCostsTooMuchFailsClosed() throws {
    let set = try TestSet(
      loading: policy(
        #"{name: costly, action: DENY, when: 'metadata["l"].all(a, metadata["l"].all(b, a + b >= 0))'}"#))
    let items = JSON.array((0..<4000).map { .int($0) })
    let worker = try TestWorker(set.engine)
    let found = try worker.decide(set, ["metadata": ["l": items]])
    #expect(!found.allows)
    #expect(found.errorTexts == ["step budget spent"])
    // The next one has a budget of its own.
    #expect(try worker.decide(set, ["metadata": ["l": [-1]]]).allows)
  }

  @Test func aHostMayAnswerADeepValueOnlyWithinBounds() throws {
    let set = try TestSet(loading: policy(#"{name: deep, action: DENY, when: 'metadata["l"] == 1'}"#))
    var deep = JSON.int(1)
    for _ in 0..<100 { deep = .array([deep]) }
    let found = try TestWorker(set.engine).decide(set, ["metadata": ["l": deep]])
    #expect(!found.allows)
    #expect(found.errorTexts == [#"attribute `metadata["l"]` is too large"#])
  }

  @Test func aCallbackThatCallsTheEngineIsTurnedAway() throws {
    let set = try TestSet(loading: policy("{name: get, action: ALLOW, when: request.method == \"GET\"}"))
    let worker = try TestWorker(set.engine)
    let table = try HostTable(["request.method": "GET"])
    let request = try TestRequest(worker, set, table)
    let other = try TestRequest(worker, set, ["request.method": "GET"])
    var statuses: [purser_status] = []
    table.whenAsked = {
      statuses.append(purser_check(other.handle, 0, nil))
      statuses.append(purser_request_end(request.handle))
      statuses.append(purser_worker_free(worker.handle))
    }
    #expect(try request.check().allows)
    #expect(statuses == [PURSER_BUSY, PURSER_BUSY, PURSER_BUSY])
    table.whenAsked = nil
    #expect(try other.check().allows)
  }
}
