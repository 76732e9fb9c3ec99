/// What `purser_explain` tells, for a person; docs/explain.md describes the JSON.
struct Explanation {
  private let json: JSON

  init(_ json: JSON) {
    self.json = json
  }

  var lines: String {
    var lines: [String] = []
    var others: [String] = []
    for policy in json["policies"]?.items ?? [] {
      let name = Self.path(of: policy)
      if policy["match"]?["value"]?.text == "false" {
        others.append(name)
        continue
      }
      let shadow = policy["mode"]?.text == "Shadow" ? ", shadow" : ""
      let phase = policy["phase"]?.text == "connection" ? ", connection phase" : ""
      lines.append("policy \(name)\(shadow)\(phase)")
      // A `match` that holds says nothing more; one that errs says why its rules err.
      if let match = policy["match"]?["value"]?.text, match != "true" {
        lines.append("  match: \(match)")
      }
      for rule in policy["rules"]?.items ?? [] {
        lines.append(contentsOf: Self.lines(of: rule))
      }
    }
    if !others.isEmpty {
      lines.append("not for this request: " + others.joined(separator: ", "))
    }
    if case .object(let attributes) = json["attributes"]?.content ?? .null, !attributes.isEmpty {
      lines.append("attributes that were read")
      let width = attributes.map(\.key.count).max() ?? 0
      for attribute in attributes {
        let space = String(repeating: " ", count: width - attribute.key.count)
        lines.append("  \(attribute.key)\(space)  \(attribute.value.text ?? "")")
      }
    }
    return lines.joined(separator: "\n")
  }

  private static func path(of policy: JSON) -> String {
    let namespace = policy["namespace"]?.text ?? ""
    return (namespace.isEmpty ? "" : namespace + "/") + (policy["policy"]?.text ?? "")
  }

  /// The rule's outcome, then its clauses.
  private static func lines(of rule: JSON) -> [String] {
    let outcome =
      switch rule["value"]?.text {
      case "true": "holds"
      case "false": "does not hold"
      default: "errs"
      }
    var lines = ["  \(rule["action"]?.text ?? "") \(rule["rule"]?.text ?? "") \(outcome)"]
    if let answer = rule["answer"]?.text {
      var isKept = false
      if case .bool(true) = rule["cached"]?.content ?? .null { isKept = true }
      lines.append("    provider: \(answer)\(isKept ? ", from the cache" : "")")
    }
    for clause in rule["clauses"]?.items ?? [] {
      let value = clause["value"]?.text ?? ""
      // Conditions may be written over several lines; here each clause has one.
      let text = (clause["text"]?.text ?? "").split(whereSeparator: \.isWhitespace).joined(separator: " ")
      let short = value.hasPrefix("error") ? "error" : value
      lines.append("    \(short)\(String(repeating: " ", count: max(1, 7 - short.count)))\(text)")
      if value.hasPrefix("error: ") {
        lines.append("           \(value.dropFirst(7))")
      }
    }
    return lines
  }
}
