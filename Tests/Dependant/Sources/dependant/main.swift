// The least that a dependant does: load, decide, report, scrape.

import Purser

let policies = try PolicySet(in: Engine())
try policies.load(documents: [
  Document(
    name: "inline",
    text: """
      apiVersion: purser.dev/v1alpha1
      kind: Policy
      metadata: {name: readers}
      spec: {rules: [{name: get, action: ALLOW, when: request.method == "GET"}]}
      """)
])
for method in ["GET", "PUT"] {
  let decision = try await policies.check(Request(method: method, path: "/"))
  try decision.report(Response(code: decision.status))
  print(method, decision.verdict, decision.status)
}
let checks = try policies.engine.metrics().split(separator: "\n").filter {
  $0.hasPrefix("purser_checks_total{") && !$0.hasSuffix(" 0")
}
print(checks.sorted().joined(separator: "\n"))
