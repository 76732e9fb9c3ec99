// Documents to the model, and every mistake a document can have at its place.

import Testing

@testable import PurserConfiguration

@Suite struct ReaderPolicyTests {
  @Test func everyFieldOfARuleIsRead() throws {
    let loaded = Loaded(
      document(
        "Policy",
        """
        mode: Shadow
        phase: request
        match: destination.service.host == "a"
        replaces: other/b
        rules:
        - name: let-in
          action: ALLOW
          when: source.principal == "p"
          requestHeaders: {set: {x-a: "1"}, append: {x-b: two}, remove: [x-c]}
          responseHeaders: {set: {x-d: e}}
        - name: keep-out
          action: DENY
          onError: skip
          response: {status: 451, headers: {x-reason: law}, body: "no\\n"}
        - {name: mark, action: AUDIT, when: true}
        """))
    #expect(loaded.lines == [])
    let policy = try #require(loaded.documents.policies.first)
    #expect(policy.identity.path == "default/a" && policy.identity.position.line == 3)
    #expect(policy.mode == .shadow && policy.phase == .request)
    #expect(policy.replaces.map { $0.namespace + " " + $0.name } == "other b")
    #expect(policy.match.map { String(decoding: $0.bytes, as: UTF8.self) } == "destination.service.host == \"a\"")
    #expect(policy.rules.map { $0.name } == ["let-in", "keep-out", "mark"])
    #expect(policy.rules.map { $0.action } == [.allow, .deny, .audit])
    #expect(policy.rules.map { $0.position.line } == [10, 15, 19])
    let (letIn, keepOut, mark) = (policy.rules[0], policy.rules[1], policy.rules[2])
    #expect(letIn.requestHeaders.set.map { $0.name + "=" + $0.value } == ["x-a=1"])
    #expect(letIn.requestHeaders.append.map { $0.name + "=" + $0.value } == ["x-b=two"])
    #expect(letIn.requestHeaders.remove.map { $0.text } == ["x-c"])
    #expect(letIn.responseHeaders.set.map { $0.name + "=" + $0.value } == ["x-d=e"])
    #expect(letIn.when?.position.line == 12 && letIn.onError == .deny && letIn.response == nil)
    #expect(keepOut.when == nil && keepOut.onError == .skip)
    #expect(keepOut.response?.status == 451 && keepOut.response?.body == "no\n")
    #expect(keepOut.response?.headers.map { $0.name + "=" + $0.value } == ["x-reason=law"])
    #expect(mark.when.map { String(decoding: $0.bytes, as: UTF8.self) } == "true")
  }

  @Test func actionsToComeAreParsedAndRefused() throws {
    let loaded = Loaded(
      document(
        "Policy",
        """
        rules:
        - name: ask
          action: CUSTOM
          provider: opa
          cache: {ttl: 30s, denyTTL: 5s, staleIfError: 1m30s, headers: [x-a], purgeBy: [source.principal]}
        - name: count
          action: LIMIT
          quota: {key: ['request.headers["x-user"]', source.principal], limit: 100, per: 250ms, burst: 20}
        """))
    #expect(
      loaded.lines == [
        "11:13: error: action `LIMIT` is not yet supported"
      ])
    let rules = try #require(loaded.documents.policies.first?.rules)
    #expect(rules[0].provider?.name == "opa" && rules[0].cache?.ttl == 30_000_000_000)
    #expect(rules[0].cache?.denyTTL == 5_000_000_000 && rules[0].cache?.staleIfError == 90_000_000_000)
    #expect(rules[0].cache?.headers.map { $0.text } == ["x-a"])
    #expect(rules[0].cache?.purgeBy.map { $0.text } == ["source.principal"])
    #expect(rules[1].quota?.limit == 100 && rules[1].quota?.per == 250_000_000 && rules[1].quota?.burst == 20)
    #expect(
      rules[1].quota?.key.map { String(decoding: $0.bytes, as: UTF8.self) } == [
        "request.headers[\"x-user\"]", "source.principal",
      ])
  }

  @Test(arguments: [
    ("name: r\naction: deny", "7:13: error: unknown action `deny`, did you mean `DENY`?"),
    ("name: r\naction: BLOCK", "7:13: error: unknown action `BLOCK`: it is one of `ALLOW`, `DENY`, `AUDIT`, `CUSTOM`"),
    ("name: r\naction: ALLOW\nwhem: true", "8:5: error: unknown field `whem` in a rule, did you mean `when`?"),
    ("action: ALLOW", "6:5: error: a rule needs `name`"),
    ("name: r", "6:5: error: a rule needs `action`"),
    ("name: 5\naction: DENY", "6:11: error: expected text for `name`, found a number: quote it"),
    ("name: a b\naction: DENY", "6:11: error: `a b` is no rule name: letters, digits, `-`, `.` and `_`, at most 253"),
    ("name: r\naction: ALLOW\nonError: skip", "8:5: error: `onError` is not for ALLOW: one that errs does not hold"),
    ("name: r\naction: DENY\nonError: pass", "8:14: error: unknown onError `pass`: it is one of `deny`, `skip`"),
    (
      "name: r\naction: ALLOW\nresponse: {status: 403}",
      "8:5: error: `response` is only for DENY or CUSTOM or LIMIT, and this rule's action is ALLOW"
    ),
    (
      "name: r\naction: AUDIT\nrequestHeaders: {}",
      "8:5: error: `requestHeaders` is only for ALLOW or CUSTOM, and this rule's action is AUDIT"
    ),
    ("name: r\naction: DENY\nprovider: x", "8:5: error: `provider` is only for CUSTOM, and this rule's action is DENY"),
    ("name: r\naction: DENY\nresponse: {status: 600}", "8:24: error: `600` is out of range for `status`: 200 to 599"),
    (
      "name: r\naction: DENY\nresponse: {status: 99999999999999999999}",
      "8:24: error: `99999999999999999999` is out of range for `status`: 200 to 599"
    ),
    (
      "name: r\naction: DENY\nresponse: {status: 4.5}",
      "8:24: error: expected a whole number for `status`, found a number"
    ),
    (
      "name: r\naction: DENY\nresponse: {headers: {X-Reason: a}}",
      "8:26: error: `X-Reason` is no header name: write it in lower case, `x-reason`"
    ),
    (
      "name: r\naction: DENY\nresponse: {headers: {\":path\": a}}",
      "8:26: error: `:path` is no header name: pseudo-headers cannot be changed"
    ),
    (
      "name: r\naction: DENY\nresponse: {headers: {x: \"a\\r\\nb: c\"}}",
      "8:29: error: `a??b: c` is no header value: it has a line break or a NUL"
    ),
    (
      "name: r\naction: DENY\nresponse: {headers: {content-length: \"0\"}}",
      "8:26: error: header `content-length` cannot be changed: the host sets it"
    ),
    (
      "name: r\naction: ALLOW\nrequestHeaders: {set: {x: a}, remove: [x]}",
      "8:44: error: header `x` is in `set` and in `remove`"
    ),
    ("name: r\naction: DENY\nwhen:", "8:10: error: `when` has no value: an expression is missing"),
    ("name: r\naction: DENY\nwhen: ''", "8:11: error: `when` has no value: an expression is missing"),
    ("name: r\naction: DENY\nresponse:", "8:14: error: `response` has no value: write `{}` when it has no fields"),
    ("name: r\naction: DENY\nresponse: 5", "8:15: error: expected a map for `response`, found a number"),
  ])
  func aMistakeInARuleIsNamedAtItsPlace(text: String, expected: String) {
    #expect(Loaded(rule(text)).lines == [expected])
  }

  @Test func anExpressionThatYamlTookForAListOrAMapSaysToQuoteIt() {
    let list = Loaded(rule("name: r\naction: DENY\nwhen: [a]")).lines
    #expect(
      list.count == 1 && list.first?.hasPrefix("8:11: error: expected an expression for `when`, found a list") == true)
    #expect(list.first?.contains("quote the expression") == true)
    let map = Loaded(rule("name: r\naction: DENY\nwhen: {a: b}")).lines
    #expect(
      map.count == 1 && map.first?.hasPrefix("8:11: error: expected an expression for `when`, found a map") == true)
  }

  @Test func policyFieldsAreHeldTogether() {
    #expect(Loaded(document("Policy", "rules: []")).lines == ["5:10: error: `rules` needs at least 1"])
    #expect(Loaded(document("Policy", "mode: Enforce")).lines == ["5:3: error: a policy needs `rules`"])
    #expect(
      Loaded(document("Policy", "phase: response\nrules: [{name: a, action: DENY}]")).lines
        == ["5:10: error: unknown phase `response`: it is one of `connection`, `request`"])
    #expect(
      Loaded(document("Policy", "replaces: b\nrules: [{name: a, action: DENY}]")).lines
        == ["5:13: error: `replaces` needs `mode: Shadow`"])
    #expect(
      Loaded(document("Policy", "rules: [{name: a, action: DENY}, {name: a, action: AUDIT}]")).lines
        == ["5:43: error: duplicate rule name `a`: it is also in line 5"])
  }
}

@Suite struct ReaderTelemetryTests {
  @Test func everyFieldIsRead() throws {
    let loaded = Loaded(
      document(
        "Telemetry",
        """
        metrics:
        - name: requests_total
          kind: counter
          help: requests
          unit: "1"
          when: true
          labels: {b: response.code, a: purser.verdict}
          seriesMax: 10
          backends: [prom, other/lines]
        - {name: size, kind: distribution, value: request.size, buckets: [1, 2.5, 1e3]}
        - {name: now, kind: gauge, value: 3}
        accessLog:
        - name: denied
          when: response.code >= 400
          fields: {method: request.method, why: purser.reason}
          backends: [lines]
        """))
    #expect(loaded.lines == [])
    let telemetry = try #require(loaded.documents.telemetries.first)
    let metrics = telemetry.metrics
    #expect(metrics.map { $0.name } == ["requests_total", "size", "now"])
    #expect(metrics.map { $0.kind } == [.counter, .distribution, .gauge])
    #expect(metrics.map { String(decoding: $0.value.bytes, as: UTF8.self) } == ["1", "request.size", "3"])
    #expect(metrics[0].value.position.line == 6 && metrics[1].value.position.column > 0)
    #expect(metrics[0].labels.map { $0.name } == ["b", "a"])
    #expect(metrics[0].help == "requests" && metrics[0].unit == "1" && metrics[0].when != nil)
    #expect(metrics.map { $0.seriesMax } == [10, 2000, 2000])
    #expect(metrics[0].backends.map { $0.namespace + "/" + $0.name } == ["default/prom", "other/lines"])
    #expect(metrics[1].buckets == [1, 2.5, 1000])
    let log = try #require(telemetry.accessLog.first)
    #expect(log.name == "denied" && log.when != nil && log.fields.map { $0.name } == ["method", "why"])
    #expect(log.backends.map { $0.name } == ["lines"])
  }

  @Test(arguments: [
    (
      "{name: 9a, kind: counter}",
      "6:12: error: `9a` is no metric name: letters, digits, `_` and `:`, not beginning with a digit"
    ),
    (
      "{name: a, kind: histogram}",
      "6:21: error: unknown kind `histogram`: it is one of `counter`, `gauge`, `distribution`"
    ),
    ("{name: a, kind: gauge}", "6:5: error: a gauge needs `value`"),
    (
      "{name: a, kind: distribution, value: 1, buckets: [2, 1]}",
      "6:58: error: buckets must ascend: `1` is not above the one before"
    ),
    (
      "{name: a, kind: distribution, value: 1, buckets: [a]}",
      "6:55: error: expected a number for `buckets`, found text"
    ),
    ("{name: a, kind: distribution, value: 1, buckets: [1e999]}", "6:55: error: `1e999` is no finite number"),
    ("{name: a, kind: counter, buckets: [1]}", "6:39: error: `buckets` are only for a distribution"),
    ("{name: a, kind: counter, seriesMax: 0}", "6:41: error: `0` is out of range for `seriesMax`: 1 to 1000000"),
    (
      "{name: a, kind: counter, labels: {a-b: c}}",
      "6:39: error: `a-b` is no label name: letters, digits and `_`, not beginning with a digit"
    ),
    (
      "{name: a, kind: counter, labels: {__a: c}}",
      "6:39: error: `__a` is no label name: a leading `__` is Prometheus' own"
    ),
    (
      "{name: a, kind: distribution, value: 1, labels: {le: c}}",
      "6:54: error: label `le` is taken: choose another name"
    ),
    (
      "{name: a, kind: counter, labels: {x: size(a, b)}}",
      "6:50: error: `b)` has no value: inside `{ }`, quote an expression that has a comma"
    ),
  ])
  func aMistakeInAMetricIsNamedAtItsPlace(text: String, expected: String) {
    let lines = Loaded(document("Telemetry", "metrics:\n- \(text)")).lines
    #expect(lines.contains(expected), "\(lines)")
  }

  @Test func namesAreUniqueInADocument() {
    let metrics = "metrics: [{name: a, kind: counter}, {name: a, kind: counter}]"
    #expect(
      Loaded(document("Telemetry", metrics)).lines == ["5:46: error: duplicate metric name `a`: it is also in line 5"])
  }
}

@Suite struct ReaderOtherKindsTests {
  @Test func backends() throws {
    func destination(_ spec: String) -> String {
      let loaded = Loaded(document("Backend", spec))
      guard loaded.lines.isEmpty, let backend = loaded.documents.backends.first else {
        return loaded.lines.joined(separator: "|")
      }
      switch backend.destination {
      case .prometheus(let listen): return "prometheus " + (listen.map { "\($0.host) \($0.port)" } ?? "-")
      case .lines(let path): return "lines " + path.text
      }
    }
    #expect(destination("prometheus: {listen: \"127.0.0.1:15090\"}") == "prometheus 127.0.0.1 15090")
    #expect(destination("prometheus: {listen: \"[::1]:0\"}") == "prometheus ::1 0")
    #expect(destination("prometheus: {}") == "prometheus -")
    #expect(destination("lines: {path: /var/log/x}") == "lines /var/log/x")
    #expect(destination("{}") == "5:3: error: a backend needs exactly one of `prometheus` or `lines`")
    #expect(
      destination("prometheus: {}\nlines: {path: a}")
        == "5:3: error: a backend needs exactly one of `prometheus` or `lines`")
    #expect(destination("otlp: {endpoint: x}") == "5:3: error: backend `otlp` is not yet supported")
    #expect(destination("promtheus: {}").contains("did you mean `prometheus`?"))
    for bad in ["127.0.0.1", ":80", "a:b", "a:99999", "[::1]", "::1:80", "a:", "[]:1", "[x]:1"] {
      #expect(destination("prometheus: {listen: \"\(bad)\"}").contains("is no address to listen at"), "\(bad)")
    }
  }

  @Test func attributeManifests() throws {
    let loaded = Loaded(
      document(
        "AttributeManifest",
        "attributes:\n  company.user: {type: string, phase: connection}\n  company.tags: {type: \"map(string,dyn)\"}"))
    #expect(loaded.lines == [])
    let attributes = try #require(loaded.documents.attributeManifests.first?.attributes)
    #expect(attributes.map { $0.name } == ["company.user", "company.tags"])
    #expect(attributes.map { $0.type } == [.string, .dynMap])
    #expect(attributes.map { $0.phase } == [.connection, .request])
    #expect(attributes[0].position.line == 6)
    #expect(
      Loaded(document("AttributeManifest", "attributes: {a.b: {type: text}}")).lines.first?
        .hasPrefix("5:28: error: unknown type `text`") == true)
    #expect(
      Loaded(document("AttributeManifest", "attributes: {a-b: {type: int}}")).lines
        == ["5:16: error: `a-b` is no attribute name: words of letters, digits and `_`, joined by dots"])
    #expect(
      Loaded(document("AttributeManifest", "attributes: {a: {}}")).lines == ["5:19: error: an attribute needs `type`"])
  }

  @Test func policySets() throws {
    let loaded = Loaded(
      document(
        "PolicySet", "default: DENY\nallowEmpty: true\nmode: Shadow\npathNormalization: DECODE_AND_MERGE_SLASHES"))
    #expect(loaded.lines == [])
    let set = try #require(loaded.documents.policySet)
    #expect(set.defaultVerdict == .deny && set.allowEmpty && set.mode == .shadow)
    #expect(set.pathNormalization == .decodeAndMergeSlashes)
    let plain = try #require(Loaded(document("PolicySet", "{}")).documents.policySet)
    #expect(plain.defaultVerdict == .allow && !plain.allowEmpty && plain.mode == .enforce)
    #expect(plain.pathNormalization == .mergeSlashes)
    #expect(
      Loaded(document("PolicySet", "allowEmpty: \"true\"")).lines
        == ["5:15: error: expected `true` or `false` for `allowEmpty`, found text"])
    let two = document("PolicySet", name: "a", "{}") + "---\n" + document("PolicySet", name: "b", "{}")
    #expect(
      Loaded(two).lines == ["9:18: error: a second PolicySet: there is at most one, and the first is at t.yaml:3:18"])
  }

  @Test func aProviderIsOneServiceWithItsLimits() throws {
    let loaded = Loaded(
      document(
        "Provider",
        """
        extAuthzGrpc:
          address: unix:/run/authz.sock
          timeout: 50ms
          tls: {caFile: /ca.pem, serverName: authz}
          attributes: [request.method]
          headers: [x-user]
          contextExtensions: {tenant: '"a"'}
        failureMode: allow
        maxInFlight: 3
        circuitBreaker: {failures: 2, openFor: 1s}
        """))
    #expect(loaded.lines == [])
    let provider = try #require(loaded.documents.providers.first)
    #expect(provider.endpoint.unixPath == "/run/authz.sock" && provider.endpoint.url == "https://localhost")
    #expect(provider.endpoint.authorityFile == "/ca.pem" && provider.endpoint.serverName == "authz")
    #expect(provider.limits.timeout == 50_000_000 && provider.limits.inFlightMax == 3)
    #expect(provider.limits.failuresMax == 2 && provider.limits.openFor == 1_000_000_000)
    #expect(provider.failureAllows)
  }

  @Test(arguments: [
    ("failureMode: deny", "5:3: error: a provider needs exactly one of `extAuthzGrpc`, `extAuthzHttp`, `opa`"),
    (
      "opa: {url: \"http://a/v1\", input: {}, decision: true}\nextAuthzHttp: {url: \"http://a/\"}",
      "5:3: error: a provider needs exactly one of `extAuthzGrpc`, `extAuthzHttp`, `opa`"
    ),
    (
      "extAuthzHttp: {url: \"ftp://a\"}",
      "5:23: error: `ftp://a` is no address of a provider: write `http://host:port/path`, without user, query or fragment"
    ),
    (
      "extAuthzHttp: {url: \"http://a/\", tls: {caFile: a}}",
      "5:41: error: `tls` needs a `url` that begins with `https:`"
    ),
    (
      "extAuthzGrpc: {address: \"a:1\", tls: {certFile: a}}",
      "5:39: error: `certFile` and `keyFile` come together"
    ),
    ("extAuthzGrpc: {address: \"a:1\", timeout: 2m}", "5:43: error: `timeout` is at most `1m`"),
    ("opa: {url: \"http://a/v1\", decision: true}", "5:8: error: an opa provider needs `input`"),
  ])
  func whatIsWrongWithAProviderIsSaid(_ spec: String, _ line: String) {
    #expect(Loaded(document("Provider", spec)).lines == [line])
  }
}

@Suite struct ReaderDocumentTests {
  @Test func whatKubernetesAddsIsAccepted() {
    let loaded = Loaded(
      """
      apiVersion: purser.dev/v1alpha1
      kind: PolicySet
      metadata:
        name: edge.one
        namespace: prod
        labels: {a: b}
        annotations: {kubectl.kubernetes.io/last-applied-configuration: "{}"}
        uid: 0b9f
        resourceVersion: "1"
        generation: 2
        creationTimestamp: null
        deletionTimestamp: 2026-01-01T00:00:00Z
        deletionGracePeriodSeconds: 3
        managedFields: [{manager: x, fieldsV1: {f:spec: {}}}]
        ownerReferences: []
        finalizers: [x]
        generateName: e
        selfLink: /x
      spec: {}
      status: {conditions: []}
      """)
    #expect(loaded.lines == [])
    #expect(loaded.documents.policySet?.identity.path == "prod/edge.one")
  }

  @Test func jsonIsRead() {
    let loaded = Loaded(
      "{\"apiVersion\": \"purser.dev/v1alpha1\", \"kind\": \"Policy\",\n\t\"metadata\": {\"name\": \"a\"},\n"
        + "\t\"spec\": {\"rules\": [{\"name\": \"r\", \"action\": \"DENY\", \"when\": \"a == \\\"b\\\"\"}]}}\n")
    #expect(loaded.lines == [])
    #expect(loaded.documents.policies.count == 1)
  }

  @Test(arguments: [
    ("a", "1:1: error: expected a document with `apiVersion`, `kind`, `metadata` and `spec`"),
    ("[]", "1:1: error: expected a document with `apiVersion`, `kind`, `metadata` and `spec`"),
    ("kind: Policy", "1:1: error: a document needs `apiVersion: purser.dev/v1alpha1`"),
    ("apiVersion: v1\nkind: ConfigMap", "1:13: error: unknown apiVersion `v1`, expected `purser.dev/v1alpha1`"),
    ("apiVersion: purser.dev/v1alpha1", "1:1: error: a document needs `kind`"),
    ("apiVersion: purser.dev/v1alpha1\nkind: Polcy", "2:7: error: unknown kind `Polcy`, did you mean `Policy`?"),
    (
      "apiVersion: purser.dev/v1alpha1\nkind: PolicySet\nmetadata: {name: A}\nspec: {}",
      "3:18: error: `A` is no name: lower-case letters, digits, `-` and `.`, at most 253, as Kubernetes has it"
    ),
    (
      "apiVersion: purser.dev/v1alpha1\nkind: PolicySet\nmetadata: {name: a, namespace: b.c}\nspec: {}",
      "3:32: error: `b.c` is no namespace: lower-case letters, digits and `-`, at most 63, as Kubernetes has it"
    ),
    (
      "apiVersion: purser.dev/v1alpha1\nkind: PolicySet\nmetadata: {}\nspec: {}",
      "3:11: error: a document's metadata needs `name`"
    ),
    ("apiVersion: purser.dev/v1alpha1\nkind: PolicySet\nmetadata: {name: a}", "1:1: error: a document needs `spec`"),
    (
      "apiVersion: purser.dev/v1alpha1\nkind: PolicySet\nmetadata: {name: a}\nspec: {}\nspecs: {}",
      "5:1: error: unknown field `specs` in a document, did you mean `spec`?"
    ),
    (
      "apiVersion: purser.dev/v1alpha1\nkind: Gadget\n",
      "2:7: error: unknown kind `Gadget`: it is one of `Policy`, `Telemetry`, `Backend`, `ValueList`, `AttributeManifest`, `PolicySet`, `Provider`"
    ),
  ])
  func aMistakeInADocumentIsNamedAtItsPlace(text: String, expected: String) {
    #expect(Loaded(text).lines == [expected])
  }

  @Test func twoDocumentsOfOneIdentityNameBothPlaces() {
    let text = rule("name: r\naction: DENY") + "---\n" + rule("name: r\naction: DENY")
    #expect(Loaded(text).lines == ["11:18: error: Policy `default/a` is defined twice, first at t.yaml:3:18"])
  }

  @Test func allProblemsOfALoadAreReportedAtOnce() {
    let text =
      rule("name: r\naction: DNEY\nwhen: [a]\nx: 1") + "---\n" + document("Backend", "{}") + "---\na: [\n---\n"
      + document("Nothing", "{}")
    #expect(Loaded(text).problems.sorted().map { $0.position.line } == [7, 8, 9, 15, 18, 20])
  }

  @Test func nothingDependsOnTheOrderOfDocuments() {
    let texts = ["c", "a", "b"].map { document("Policy", name: $0, "rules: [{name: r, action: DENY}]") }
    let forward = Loaded(texts.joined(separator: "---\n"))
    let backward = Loaded(texts.reversed().joined(separator: "---\n"))
    #expect(forward.documents.policies.map { $0.identity.name } == ["a", "b", "c"])
    #expect(backward.documents.policies.map { $0.identity.name } == ["a", "b", "c"])
  }

  @Test func aFileWithoutDocumentsIsWarnedOf() {
    for text in ["", "# nothing\n", "---\n", "\u{FEFF}"] {
      let loaded = Loaded(text)
      #expect(loaded.rendered == "t.yaml: warning: there is no document in this file\n")
    }
  }

  @Test func durations() {
    func nanoseconds(_ text: String) -> Int64? { parsedDuration(Array(text.utf8)[...]) }
    #expect(nanoseconds("30s") == 30_000_000_000)
    #expect(nanoseconds("1h1m1.5s") == 3_661_500_000_000)
    #expect(nanoseconds("250ms") == 250_000_000)
    #expect(nanoseconds("7us3ns") == 7003)
    for bad in ["", "5", "s", "-1s", "0s", "1d", "1.s.", "1 s", "9999999h", "99999999999999999999s", "1.0000000000s"] {
      #expect(nanoseconds(bad) == nil, "\(bad)")
    }
  }
}
