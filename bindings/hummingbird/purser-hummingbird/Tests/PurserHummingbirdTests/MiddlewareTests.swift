import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Purser
import PurserHummingbird
import Testing

private let documents = """
  apiVersion: purser.dev/v1alpha1
  kind: Policy
  metadata: {name: shop}
  spec:
    rules:
    - name: readers
      action: ALLOW
      when: request.method in ["GET", "HEAD"] && request.host == "localhost" && request.scheme == "http"
      requestHeaders: {set: {x-caller: policy}, remove: [x-internal]}
      responseHeaders: {set: {x-decided: "yes"}, append: {x-seen: b}}
    - name: writers
      action: ALLOW
      when: request.method == "POST" && request.headers["x-roles"] == "reader,writer"
    - name: local
      action: ALLOW
      when: request.method == "OPTIONS" && source.address.startsWith("127.") && source.port > 0
    - name: cookies
      action: ALLOW
      when: request.method == "TRACE" && request.headers["cookie"] == "a=1; b=2" && request.headers["host"] != ""
    - name: hidden
      action: DENY
      when: request.url_path.startsWith("/internal")
      response: {status: 404, body: "no such page", headers: {x-why: hidden}}
    - name: robots
      action: DENY
      when: has(request.useragent) && request.useragent.startsWith("robot")
  ---
  apiVersion: purser.dev/v1alpha1
  kind: Telemetry
  metadata: {name: mesh}
  spec:
    metrics:
    - name: requests_total
      kind: counter
      labels: {code: response.code, verdict: purser.verdict, route: api.operation}
    - {name: response_bytes, kind: counter, value: double(response.size)}
    - {name: timed_total, kind: counter, when: request.duration > duration("0s")}
  ---
  apiVersion: purser.dev/v1alpha1
  kind: Backend
  metadata: {name: prom}
  spec: {prometheus: {}}

  """

/// A folder with the documents above, for the length of `body`.
private func withPolicies<Result>(_ text: String = documents, _ body: (String) async throws -> Result) async throws
  -> Result
{
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  try text.write(to: folder.appendingPathComponent("shop.yaml"), atomically: true, encoding: .utf8)
  return try await body(folder.path)
}

private struct Teapot: Error {}

/// A server over loopback with every kind of answer behind the middleware.
private func withServer(_ body: @escaping @Sendable (any TestClientProtocol, PolicySet) async throws -> Void)
  async throws
{
  try await withPolicies { folder in
    let middleware = try PurserMiddleware<PurserRequestContext>(PurserConfiguration(policies: [folder]))
    let router = Router(context: PurserRequestContext.self)
    router.add(middleware: middleware)
    router.get("echo") { request, _ in
      "\(request.headers[HTTPField.Name("x-caller")!] ?? "none") \(request.headers[HTTPField.Name("x-internal")!] ?? "none")"
    }
    router.get("stream") { _, _ in
      Response(
        status: .ok, headers: [HTTPField.Name("x-seen")!: "a"],
        body: ResponseBody { writer in
          for _ in 0..<10 { try await writer.write(ByteBuffer(string: String(repeating: "x", count: 100))) }
          try await writer.finish(nil)
        })
    }
    router.get("teapot") { _, _ -> String in throw HTTPError(.init(code: 418), message: "short and stout") }
    router.get("broken") { _, _ -> String in throw Teapot() }
    router.post("items") { request, _ in
      let body = try await request.body.collect(upTo: 1 << 20)
      return "\(body.readableBytes)"
    }
    router.on("any", method: .options) { _, _ in "local" }
    router.on("any", method: .trace) { _, _ in "cookies" }
    let app = Application(router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)))
    try await app.test(.live) { client in try await body(client, middleware.policies) }
  }
}

extension Engine {
  /// The sample whose line begins with `metric` and contains all of `labels`.
  fileprivate func sample(_ metric: String, _ labels: String...) throws -> Double? {
    try metrics().split(separator: "\n").filter { line in
      line.hasPrefix(metric) && labels.allSatisfy { line.contains($0) }
    }.compactMap { $0.split(separator: " ").last.flatMap { Double($0) } }.reduce(nil) { ($0 ?? 0) + $1 }
  }
}

extension HTTPField.Name {
  fileprivate static func named(_ name: String) -> Self { Self(name)! }
}

@Suite struct MiddlewareTests {
  @Test func anAllowedRequestIsServedWithItsHeadersChanged() async throws {
    try await withServer { client, policies in
      try await client.execute(uri: "/echo?q=1", method: .get, headers: [.named("x-internal"): "secret"]) { response in
        #expect(response.status == .ok)
        #expect(String(buffer: response.body) == "policy none")
        #expect(response.headers[.named("x-decided")] == "yes")
      }
      #expect(try policies.engine.sample("requests_total", #"code="200""#, #"verdict="allow""#, #"route="/echo""#) == 1)
      #expect(try policies.engine.sample("timed_total") == 1)
      #expect(try policies.engine.sample("response_bytes") == 11)
    }
  }

  @Test func aDeniedRequestIsAnsweredAsTheRuleSays() async throws {
    try await withServer { client, policies in
      try await client.execute(uri: "/a/../internal/x", method: .get) { response in
        #expect(response.status == .notFound)
        #expect(String(buffer: response.body) == "no such page")
        #expect(response.headers[.contentLength] == "12")
        #expect(response.headers[.named("x-why")] == "hidden")
        #expect(response.headers[.named("x-decided")] == nil)
      }
      try await client.execute(uri: "/echo", method: .get, headers: [.userAgent: "robot/1"]) { response in
        #expect(response.status == .forbidden)
        #expect(response.body.readableBytes == 0)
      }
      try await client.execute(uri: "/echo", method: .delete) { #expect($0.status == .forbidden) }
      #expect(try policies.engine.sample("requests_total", #"code="404""#, #"verdict="deny""#) == 1)
      #expect(try policies.engine.sample("requests_total", #"code="403""#) == 2)
    }
  }

  /// The router resolves no dot segments, so what was decided on would not be what is served.
  @Test func anAllowedPathWithDotSegmentsIsNotServed() async throws {
    try await withServer { client, _ in
      for path in ["/items/../echo", "/items/%2e%2E/echo", "/./echo", "/echo/..%2fx/../../echo"] {
        try await client.execute(uri: path, method: .get) { #expect($0.status == .badRequest, "\(path)") }
      }
      try await client.execute(uri: "/echo?next=/../x", method: .get) { #expect($0.status == .ok) }
    }
  }

  @Test func valuesOfOneHeaderAreJoined() async throws {
    try await withServer { client, _ in
      var headers: HTTPFields = [:]
      headers[values: .named("x-roles")] = ["reader", "writer"]
      let body = ByteBuffer(string: String(repeating: "y", count: 50_000))
      try await client.execute(uri: "/items", method: .post, headers: headers, body: body) { response in
        #expect(response.status == .ok)
        #expect(String(buffer: response.body) == "50000")
      }
      try await client.execute(uri: "/items", method: .post, headers: [.named("x-roles"): "reader"]) {
        #expect($0.status == .forbidden)
      }
      headers = [:]
      headers[values: .cookie] = ["a=1", "b=2"]
      try await client.execute(uri: "/any", method: .trace, headers: headers) { #expect($0.status == .ok) }
    }
  }

  @Test func theClientsAddressIsKnown() async throws {
    try await withServer { client, _ in
      try await client.execute(uri: "/any", method: .options) { #expect($0.status == .ok) }
    }
  }

  @Test func aStreamIsReportedWhenItIsWritten() async throws {
    try await withServer { client, policies in
      try await client.execute(uri: "/stream", method: .get) { response in
        #expect(response.body.readableBytes == 1000)
        #expect(response.headers[values: .named("x-seen")] == ["a", "b"])
      }
      #expect(try policies.engine.sample("response_bytes") == 1000)
      try await client.execute(uri: "/stream", method: .head) { #expect($0.body.readableBytes == 0) }
      #expect(try policies.engine.sample("requests_total") == 2)
      #expect(try policies.engine.sample("response_bytes") == 1000)
    }
  }

  @Test func errorsOfRoutesAreReportedAndTheirHeadersChanged() async throws {
    try await withServer { client, policies in
      try await client.execute(uri: "/teapot", method: .get) { response in
        #expect(response.status.code == 418)
        #expect(String(buffer: response.body).contains("short and stout"))
        #expect(response.headers[.named("x-decided")] == "yes")
      }
      try await client.execute(uri: "/broken", method: .get) { #expect($0.status == .internalServerError) }
      try await client.execute(uri: "/none", method: .get) { #expect($0.status == .notFound) }
      #expect(try policies.engine.sample("requests_total", #"code="418""#) == 1)
      #expect(try policies.engine.sample("requests_total", #"code="500""#) == 1)
      #expect(try policies.engine.sample("requests_total", #"code="404""#, #"verdict="allow""#) == 1)
    }
  }

  @Test func policiesChangeWhileTheServerRuns() async throws {
    try await withServer { client, policies in
      try await client.execute(uri: "/echo", method: .get) { #expect($0.status == .ok) }
      let text = documents.replacing(#"["GET", "HEAD"]"#, with: #"["HEAD"]"#)
      try policies.load(documents: [Document(name: "new.yaml", text: text)])
      try await client.execute(uri: "/echo", method: .get) { #expect($0.status == .forbidden) }
    }
  }

  @Test func manyRequestsAtOnceAreAllCounted() async throws {
    try await withServer { client, policies in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<8 {
          group.addTask {
            for round in 0..<50 {
              try await client.execute(uri: "/echo", method: round % 2 == 0 ? .get : .delete) {
                #expect($0.status == (round % 2 == 0 ? .ok : .forbidden))
              }
            }
          }
        }
        try await group.waitForAll()
      }
      #expect(try policies.engine.sample("requests_total", #"code="200""#) == 200)
      #expect(try policies.engine.sample("requests_total", #"code="403""#) == 200)
    }
  }
}

@Suite struct ConfigurationTests {
  @Test func aConfigurationIsDecodedFromJSON() async throws {
    let json = #"{"policies": ["a", "b"], "constants": {"destination.workload.name": "orders"}}"#
    let configuration = try JSONDecoder().decode(PurserConfiguration.self, from: Data(json.utf8))
    #expect(configuration.policies == ["a", "b"])
    #expect(configuration.constants == ["destination.workload.name": "orders"])
    #expect(configuration.attributes == [])
  }

  @Test func aPolicyThatReadsWhatIsNotSuppliedIsRefused() async throws {
    let text = """
      apiVersion: purser.dev/v1alpha1
      kind: Policy
      metadata: {name: peers}
      spec: {rules: [{name: mtls, action: ALLOW, when: 'source.principal == "spiffe://a/b"'}]}

      """
    try await withPolicies(text) { folder in
      let error = #expect(throws: LoadError.self) {
        try PurserMiddleware<PurserRequestContext>(PurserConfiguration(policies: [folder]))
      }
      #expect(error?.description.contains("source.principal") == true)
      #expect(throws: Never.self) {
        try PurserMiddleware<BasicRequestContext>(
          PurserConfiguration(policies: [folder], attributes: ["source.principal"]))
      }
    }
  }

  @Test func theServiceAddsWhatOnlyItKnows() async throws {
    let text = """
      apiVersion: purser.dev/v1alpha1
      kind: Policy
      metadata: {name: users}
      spec: {rules: [{name: mia, action: ALLOW, when: 'company.user == "mia" && destination.workload.name == "orders"'}]}
      ---
      apiVersion: purser.dev/v1alpha1
      kind: AttributeManifest
      metadata: {name: ours}
      spec: {attributes: {company.user: {type: string, phase: request}}}

      """
    try await withPolicies(text) { folder in
      let user = Attribute<String>("company.user")
      let configuration = PurserConfiguration(
        policies: [folder], constants: ["destination.workload.name": "orders"], attributes: ["company.user"])
      let router = Router()
      router.add(
        middleware: try PurserMiddleware(configuration) { request, _, known in
          known[user] = request.headers[.named("x-token")] == "token of mia" ? "mia" : nil
        })
      router.get("/") { _, _ in "hello" }
      try await Application(router: router).test(.live) { client in
        try await client.execute(uri: "/", method: .get, headers: [.named("x-token"): "token of mia"]) {
          #expect($0.status == .ok)
        }
        try await client.execute(uri: "/", method: .get) { #expect($0.status == .forbidden) }
      }
    }
  }

  @Test func withoutAPlanTheServerIsUnavailable() async throws {
    let router = Router()
    router.add(middleware: PurserMiddleware(policies: try PolicySet(in: Engine())))
    router.get("/") { _, _ in "hello" }
    try await Application(router: router).test(.live) { client in
      try await client.execute(uri: "/", method: .get) { #expect($0.status == .serviceUnavailable) }
    }
  }
}
