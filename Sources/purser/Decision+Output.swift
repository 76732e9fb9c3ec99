// A decision as a person reads it, and as JSON.

import CPurser

extension Decision {
  var verdict: String { isAllowed ? "allow" : "deny" }

  /// What decided, in few words: a rule's path, or which default.
  var cause: String {
    if let rule { return rule.path }
    switch kind {
    case PURSER_REASON_NO_ALLOW_RULE: return "no ALLOW rule holds"
    case PURSER_REASON_NO_PLAN: return "no plan"
    default: return "default"
    }
  }

  /// What makes the shadow verdict another one. Without a rule that holds it is a default.
  var shadowCause: String {
    if !shadowRules.isEmpty { return shadowRules.map(\.path).joined(separator: ", ") }
    return shadowIsAllowed == true ? "no rule denies" : "no ALLOW rule holds"
  }

  /// The object that `eval -o json` prints; see docs/command-line.md.
  var json: JSON {
    .object([
      ("verdict", .string(verdict)),
      ("status", .number(httpStatus)),
      ("code", .number(code)),
      ("policy", rule.map { .string($0.policy) } ?? .null),
      ("namespace", rule.map { .string($0.namespace) } ?? .null),
      ("rule", rule.map { .string($0.name) } ?? .null),
      ("place", rule.map { .string($0.place) } ?? .null),
      ("reason", .string(reason)),
      ("message", .string(message)),
      ("headers", isAllowed ? .object([]) : .object(localHeaders)),
      ("requestHeaders", .array(requestHeaders.map(\.json))),
      ("responseHeaders", .array(responseHeaders.map(\.json))),
      ("body", .string(body)),
      ("cached", .bool(isCached)),
      ("shadowVerdict", shadowIsAllowed.map { .string($0 ? "allow" : "deny") } ?? .null),
      ("shadowRules", .array(shadowRules.map(\.json))),
      ("audit", .array(audits.map(\.json))),
      ("errors", .array(errors.map { .object($0.rule.members + [("error", .string($0.message))]) })),
      ("plan", plan.map { .string($0) } ?? .null),
    ])
  }

  /// The headers of the response that a denied client gets; values of one name are joined, as on the wire.
  private var localHeaders: [(String, JSON)] {
    var joined: [(name: String, value: String)] = []
    for header in responseHeaders where header.operation != PURSER_HEADER_REMOVE {
      if let index = joined.firstIndex(where: { $0.name == header.name }) {
        joined[index].value += ", " + header.value
      } else {
        joined.append((header.name, header.value))
      }
    }
    return joined.map { ($0.name, .string($0.value)) }
  }

  /// A few aligned lines for a person.
  var lines: String {
    var rows: [(String, String)] = []
    rows.append(("verdict", isAllowed ? "allow" : "deny, status \(httpStatus), code \(code)"))
    rows.append(("because", reason))
    if let rule {
      rows.append(("rule", rule.path + (rule.place.isEmpty ? "" : " at \(rule.place)")))
    }
    if !isAllowed {
      rows.append(("message", message))
      for header in localHeaders {
        rows.append(("header", "\(header.0): \(header.1.text ?? "")"))
      }
      if !body.isEmpty {
        rows.append(("body", JSONWriter.writeLine(.string(body))))
      }
    } else {
      for header in requestHeaders { rows.append(("request", header.line)) }
      for header in responseHeaders { rows.append(("response", header.line)) }
    }
    for rule in audits { rows.append(("audit", rule.path)) }
    for error in errors { rows.append(("error", "\(error.rule.path): \(error.message)")) }
    if let shadowIsAllowed {
      let verdict = shadowIsAllowed ? "allow" : "deny"
      rows.append(("shadow", shadowIsAllowed == isAllowed ? "\(verdict) as well" : "\(verdict): \(shadowCause)"))
    }
    return rows.map { name, value in
      name + String(repeating: " ", count: max(1, 10 - name.utf8.count)) + value
    }.joined(separator: "\n")
  }
}

extension Decision.Rule {
  var members: [(String, JSON)] {
    [
      ("policy", .string(policy)), ("namespace", .string(namespace)), ("rule", .string(name)),
      ("place", .string(place)),
    ]
  }

  var json: JSON { .object(members) }
}

extension Decision.HeaderChange {
  private var verb: String {
    switch operation {
    case PURSER_HEADER_APPEND: "append"
    case PURSER_HEADER_REMOVE: "remove"
    case PURSER_HEADER_SET_IF_ABSENT: "set if absent"
    case PURSER_HEADER_SET_IF_PRESENT: "set if present"
    default: "set"
    }
  }

  var json: JSON {
    var members: [(String, JSON)] = [("operation", .string(verb)), ("name", .string(name))]
    if operation != PURSER_HEADER_REMOVE { members.append(("value", .string(value))) }
    return .object(members)
  }

  /// `set x-caller: reviews`
  var line: String {
    operation == PURSER_HEADER_REMOVE ? "\(verb) \(name)" : "\(verb) \(name): \(value)"
  }
}
