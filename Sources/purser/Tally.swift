import CPurser

/// What a replay counts: decisions by service and cause, why requests were denied, where shadow policies differ.
struct Tally {
  /// One line of a table: what it is about and how often.
  private struct Group: Hashable {
    var service: String
    var verdict: String
    var cause: String
  }

  private struct Denial {
    var count = 0
    /// The first request of the group.
    var line: Int
    var request: String
  }

  /// Reasons may hold text of requests; past so many, further ones are counted as one.
  private static let reasonsMax = 1000

  private(set) var allowed = 0
  private(set) var denied = 0
  private(set) var shadowed = 0
  private var groups: [Group: Int] = [:]
  private var denials: [String: Denial] = [:]
  private var audits: [String: Int] = [:]
  private var errors: [String: Int] = [:]
  private var shadows: [String: Int] = [:]

  mutating func add(_ decision: Decision, of values: RequestValues, line: Int) {
    if decision.isAllowed { allowed += 1 } else { denied += 1 }
    let service = Self.service(of: values)
    groups[Group(service: service, verdict: decision.verdict, cause: decision.cause), default: 0] += 1
    if !decision.isAllowed {
      let reason =
        denials[decision.reason] == nil && denials.count >= Self.reasonsMax ? "other reasons" : decision.reason
      denials[reason, default: Denial(line: line, request: Self.summary(of: values))].count += 1
    }
    for rule in decision.audits { audits[rule.path, default: 0] += 1 }
    for error in decision.errors { errors[error.rule.path, default: 0] += 1 }
    if let shadow = decision.shadowIsAllowed, shadow != decision.isAllowed {
      shadowed += 1
      let change = shadow ? "deny would become allow" : "allow would become deny"
      shadows["\(change): \(decision.shadowCause)", default: 0] += 1
    }
  }

  var total: Int { allowed + denied }

  /// The tables, each under its heading.
  var text: String {
    var parts: [String] = []
    var decisions = Table(head: ["service", "verdict", "decided by", "count"], numbers: [3])
    let sorted = groups.sorted { left, right in
      (left.key.service, left.key.verdict, -left.value, left.key.cause)
        < (right.key.service, right.key.verdict, -right.value, right.key.cause)
    }
    for (group, count) in sorted {
      decisions.add([group.service, group.verdict, group.cause, String(count)])
    }
    parts.append("Decisions by service and rule\n\n" + decisions.text)
    if !denials.isEmpty {
      let lines = denials.sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }.map { reason, denial in
        "\(Self.column(denial.count))  \(reason)\n\(Self.column(nil))  first on line \(denial.line): \(denial.request)"
      }
      parts.append("Why requests were denied\n\n" + lines.joined(separator: "\n"))
    }
    for (heading, counts) in [
      ("AUDIT rules that hold", audits), ("Rules that erred", errors), ("What shadow policies would change", shadows),
    ] where !counts.isEmpty {
      let lines = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map {
        "\(Self.column($0.value))  \($0.key)"
      }
      parts.append(heading + "\n\n" + lines.joined(separator: "\n"))
    }
    return parts.joined(separator: "\n\n")
  }

  private static func column(_ count: Int?) -> String {
    let text = count.map { String($0) } ?? ""
    return String(repeating: " ", count: max(0, 6 - text.count)) + text
  }

  /// The service asked for, by the best name that the request has.
  private static func service(of values: RequestValues) -> String {
    for name in ["destination.service.host", "destination.service.name", "request.host", "destination.workload.name"] {
      if let text = values.text(of: name), !text.isEmpty { return text }
    }
    return "(no service)"
  }

  /// `GET /productpage from istio-ingressgateway for 198.51.100.7`
  private static func summary(of values: RequestValues) -> String {
    let method = values.text(of: "request.method") ?? "?"
    let path = values.text(of: "request.path") ?? values.text(of: "request.url_path") ?? "?"
    let peers = ["source.workload.name", "source.principal", "source.address"]
    let source = peers.lazy.compactMap { values.text(of: $0) }.first ?? "an unknown peer"
    let client = values.text(of: "client.address").map { " for \($0)" } ?? ""
    return "\(method) \(path) from \(source)\(client)"
  }
}
