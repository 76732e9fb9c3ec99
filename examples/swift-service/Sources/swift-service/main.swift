// A service that decides in-process: an engine, policies in the program itself, some requests at once, and what was
// decided and counted. `swift run` in this folder.

import Purser

let documents = """
  apiVersion: purser.dev/v1alpha1
  kind: Policy
  metadata: {name: books, namespace: shop}
  spec:
    rules:
    - name: readers
      action: ALLOW
      when: request.method == "GET" && request.url_path.startsWith("/books/")
      requestHeaders: {set: {x-caller: reader}}
    - name: members
      action: ALLOW
      when: shop.member && request.method in ["GET", "POST"]
    - name: no-traversal
      action: DENY
      when: request.url_path.startsWith("/internal/")
      response: {status: 404, body: "no such page"}
  ---
  apiVersion: purser.dev/v1alpha1
  kind: AttributeManifest
  metadata: {name: shop}
  spec: {attributes: {shop.member: {type: bool, phase: request}}}
  ---
  apiVersion: purser.dev/v1alpha1
  kind: Telemetry
  metadata: {name: shop}
  spec:
    metrics:
    - name: requests_total
      kind: counter
      labels: {method: request.method, verdict: purser.verdict, code: response.code}
  ---
  apiVersion: purser.dev/v1alpha1
  kind: Backend
  metadata: {name: prometheus}
  spec: {prometheus: {}}

  """

// An attribute of the service's own, declared by the AttributeManifest above.
let member = Attribute<Bool>("shop.member")

/// What the service does with a request: decide, serve, report.
func serve(_ request: Request, with policies: PolicySet) async throws -> String {
  let started = ContinuousClock.now
  let decision = try await policies.check(request)
  var request = request
  request.headers.apply(decision.requestHeaders)
  // … the service's own work comes here, and may take its time: the decision may be held …
  var response = Response(code: decision.status)
  response[.requestDuration] = started.duration(to: .now)
  try decision.report(response)
  let method = request[.requestMethod] ?? ""
  let path = request[.requestPath] ?? ""
  return "\(decision.isAllowed ? "allowed" : "denied ") \(decision.status)  \(method) \(path): \(decision.reason)"
}

do {
  let engine = try Engine()
  let policies = try PolicySet(in: engine)
  for warning in try policies.load(documents: [Document(name: "books.yaml", text: documents)]) {
    print("warning: \(warning)")
  }

  var requests: [Request] = []
  for (method, path, isMember) in [
    ("GET", "/books/7?lang=en", false), ("POST", "/books/", true), ("POST", "/books/", false),
    ("GET", "/account", true),
    ("GET", "/books/../internal/keys", true), ("DELETE", "/books/7", true),
  ] {
    var request = Request(
      method: method, path: path, host: "shop.example", headers: ["x-request-id": "\(requests.count)"])
    request[member] = isMember
    requests.append(request)
  }

  let lines = try await withThrowingTaskGroup(of: (Int, String).self) { group in
    for (index, request) in requests.enumerated() {
      group.addTask { (index, try await serve(request, with: policies)) }
    }
    var lines = [String](repeating: "", count: requests.count)
    for try await (index, line) in group { lines[index] = line }
    return lines
  }
  for line in lines { print(line) }

  print("\nmetrics")
  for line in try engine.metrics(backend: "prometheus").split(separator: "\n") where line.hasPrefix("requests_total") {
    print("  \(line)")
  }

  // Documents with errors change nothing, and say where the errors are.
  do throws(LoadError) {
    try policies.load(documents: [Document(name: "books.yaml", text: documents.replacing("url_path", with: "urlpath"))])
  } catch {
    print(
      "\nrefused, with \(error.problems.count) problems; the first\n  \(error.problems.first.map { "\($0)" } ?? "")")
  }
} catch {
  print("error: \(error)")
}
