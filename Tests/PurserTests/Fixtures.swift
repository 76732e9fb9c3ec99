// Documents that several tests load.

import Purser

/// An engine with one set that has loaded `text`.
func policies(_ text: String, _ options: Engine.Options = Engine.Options()) throws -> PolicySet {
  let set = try PolicySet(in: Engine(options))
  try set.load(documents: [Document(name: "test.yaml", text: text)])
  return set
}

/// One enforced policy named `shop` with these rules, each indented by two spaces.
func policy(_ rules: String, match: String? = nil) -> String {
  """
  apiVersion: purser.dev/v1alpha1
  kind: Policy
  metadata: {name: shop}
  spec:
    \(match.map { "match: '\($0)'" } ?? "phase: request")
    rules:
    \(rules)

  """
}

let readers = policy("- {name: readers, action: ALLOW, when: 'request.method == \"GET\"'}")

/// A document of one custom attribute.
func declaring(_ name: String, _ type: String) -> String {
  """
  ---
  apiVersion: purser.dev/v1alpha1
  kind: AttributeManifest
  metadata: {name: ours}
  spec: {attributes: {\(name): {type: "\(type)", phase: request}}}

  """
}

let counting = """
  ---
  apiVersion: purser.dev/v1alpha1
  kind: Telemetry
  metadata: {name: mesh}
  spec:
    metrics:
    - name: requests_total
      kind: counter
      labels: {code: response.code, verdict: purser.verdict, method: request.method}
  ---
  apiVersion: purser.dev/v1alpha1
  kind: Backend
  metadata: {name: prom}
  spec: {prometheus: {}}

  """

extension Engine {
  /// The sum of the samples of one metric whose labels contain `labels`.
  func sum(of metric: String, where labels: String = "") throws -> Double {
    try metrics().split(separator: "\n").filter { $0.hasPrefix(metric) && (labels.isEmpty || $0.contains(labels)) }
      .compactMap { $0.split(separator: " ").last.flatMap { Double($0) } }.reduce(0, +)
  }
}
