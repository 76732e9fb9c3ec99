// The JSON of an explanation; docs/explain.md describes it. Values of attributes that are secrets are masked.

import CEL
import CPlatform
import PurserPolicy
import PurserTelemetry

struct ExplanationWriter {
  let request: UnsafeMutablePointer<RequestState>
  let plan: UnsafePointer<PlanImage>
  let explainer: Explainer
  let view: CodeView
  let evaluation: Evaluation.Pointer
  private var out: [UInt8] = []

  init(
    request: UnsafeMutablePointer<RequestState>, plan: UnsafePointer<PlanImage>, explainer: Explainer, view: CodeView,
    evaluation: Evaluation.Pointer
  ) {
    self.request = request
    self.plan = plan
    self.explainer = explainer
    self.view = view
    self.evaluation = evaluation
  }

  mutating func write() -> [UInt8] {
    put("{\"verdict\":")
    put(quoted: Bytes(staticText: request.pointee.decision.allows ? "allow" : "deny"))
    put(",\"reason\":")
    put(quoted: RequestState.reason(of: request))
    put(",\"plan\":")
    put(quoted: plan.pointee.digest)
    put(",\"policies\":[")
    var policy: UInt32 = 0
    while policy < plan.pointee.policy.policyCount {
      if policy > 0 { put(",") }
      put(policy: policy)
      policy &+= 1
    }
    put("],\"attributes\":{")
    putAttributes()
    put("}}")
    return out
  }

  private mutating func put(policy number: UInt32) {
    let policy = plan.pointee.policy.policies[Int(number)]
    put("{\"policy\":")
    put(quoted: policy.name)
    put(",\"namespace\":")
    put(quoted: policy.namespace)
    put(policy.isShadow ? ",\"mode\":\"Shadow\"" : ",\"mode\":\"Enforce\"")
    put(policy.isConnectionPhase ? ",\"phase\":\"connection\"" : ",\"phase\":\"request\"")
    if explainer.matches.indices.contains(Int(number)), let match = explainer.matches[Int(number)] {
      put(",\"match\":{")
      _ = put(condition: match)
      put("}")
    }
    put(",\"rules\":[")
    var isFirst = true
    var rule: UInt32 = 0
    while rule < plan.pointee.policy.ruleCount {
      if plan.pointee.policy.rules[Int(rule)].policy == number {
        if !isFirst { put(",") }
        isFirst = false
        put(rule: rule)
      }
      rule &+= 1
    }
    put("]}")
  }

  private mutating func put(rule number: UInt32) {
    let rule = plan.pointee.policy.rules[Int(number)]
    put("{\"rule\":")
    put(quoted: rule.name)
    put(",\"action\":")
    put(quoted: Bytes(staticText: rule.action.name))
    put(",\"file\":")
    put(quoted: rule.file)
    put(",\"line\":")
    put(String(rule.line))
    put(",")
    if explainer.conditions.indices.contains(Int(number)), let condition = explainer.conditions[Int(number)] {
      let firstFalse = put(condition: condition)
      if rule.action == .allow, let firstFalse {
        put(",\"firstFalse\":")
        put(quoted: firstFalse)
      }
    } else {
      put("\"value\":\"true\",\"clauses\":[]")
    }
    #if !hasFeature(Embedded)
      if rule.action == .custom { put(answerTo: number) }
    #endif
    put("}")
  }

  #if !hasFeature(Embedded)
    /// What the provider said, or why it did not; nothing where it was not asked.
    private mutating func put(answerTo rule: UInt32) {
      var index: UInt32 = 0
      while request.pointee.isExternal, let item = RequestState.answer(index, of: request) {
        index &+= 1
        guard item.pointee.rule == rule else { continue }
        put(",\"answer\":")
        switch item.pointee.state {
        case .allows: put(quoted: Bytes(staticText: "allow"))
        case .denies: put(quoted: Bytes(staticText: "deny"))
        case .unknown: put(quoted: Bytes(staticText: "none"))
        case .erred: put(quoted: text(of: .error(item.pointee.error)))
        case .failed:
          put(quoted: Array("failed: ".utf8) + Array(Bytes(staticText: item.pointee.failure.text).buffer))
        }
        put(item.pointee.isCached ? ",\"cached\":true" : ",\"cached\":false")
        return
      }
    }
  #endif

  /// The condition's members; gives the first clause that does not hold.
  private mutating func put(condition: Explainer.Condition) -> [UInt8]? {
    var firstFalse: [UInt8]?
    var firstError: Value?
    var isFalse = false
    put("\"clauses\":[")
    for (index, clause) in condition.clauses.enumerated() {
      let value = evaluate(clause.program, evaluation)
      if index > 0 { put(",") }
      put("{\"text\":")
      put(quoted: clause.text)
      put(",\"value\":")
      put(quoted: text(of: value))
      put("}")
      if !value.isTrue, firstFalse == nil { firstFalse = clause.text }
      if value.isFalse { isFalse = true }
      if value.kind == .error, firstError == nil { firstError = value }
    }
    put("],\"value\":")
    // As `&&` has it: one false clause makes all of it false, whatever erred.
    put(quoted: isFalse ? Array("false".utf8) : firstError.map(text) ?? Array("true".utf8))
    return firstFalse
  }

  /// "true", "false", or "error: …".
  private func text(of value: Value) -> [UInt8] {
    if value.isTrue { return Array("true".utf8) }
    if value.isFalse { return Array("false".utf8) }
    let error = value.kind == .error ? value.asError : EvaluationError(.noSuchOverload)
    return [UInt8](unsafeUninitializedCapacity: 1024) { buffer, count in
      guard let base = buffer.baseAddress else { return }
      var text = TextSpan(base, capacity: 1024)
      text.append("error: ")
      Reason.append(error, view, &text)
      count = Int(text.bytes.count)
    }
  }

  /// Every attribute that was asked for, with its value.
  private mutating func putAttributes() {
    var isFirst = true
    var written: Set<String> = []
    var slot: UInt32 = 0
    while slot < view.bindingCount, slot < view.slotNameCount {
      let value = evaluation.pointee.slots[Int(slot)]
      let name = view.slotNames[Int(slot)]
      slot &+= 1
      guard value.kind != .unfetched, value.kind != .opaque, value.kind != .hostMap else { continue }
      guard written.insert(name.text).inserted else { continue }
      if !isFirst { put(",") }
      isFirst = false
      put(quoted: name)
      put(":")
      put(quoted: shown(value, of: name.text))
    }
  }

  private func shown(_ value: Value, of name: String) -> [UInt8] {
    switch value.kind {
    case .absent: return Array("absent".utf8)
    case .error: return text(of: value)
    default:
      if ExplanationWriter.isSecret(name) { return Array("***".utf8) }
      if value.kind == .map { return entries(of: value) }
      guard value.kind == .string else { return Array(render(value).utf8) }
      // A query may hold a token.
      let text = Array(value.asBytes.buffer)
      guard let query = text.firstIndex(of: UInt8(ascii: "?")) else { return text }
      return Array(text[...query]) + Array("***".utf8)
    }
  }

  /// A listed map, each entry masked by its key.
  private func entries(of map: Value) -> [UInt8] {
    var text = "{"
    var index = 0
    while let elements = map.elements, index < Int(map.count) {
      let key = elements[index &* 2]
      if index > 0 { text += ", " }
      text += render(key) + ": "
      let isSecret = key.kind == .string && ExplanationWriter.isSecret(key.asBytes.text)
      text += isSecret ? "***" : render(elements[index &* 2 &+ 1])
      index &+= 1
    }
    return Array((text + "}").utf8)
  }

  /// Credentials, cookies, claims, keys, and what earlier filters may have put their own into.
  static func isSecret(_ name: String) -> Bool {
    let words: [String] = [
      "auth", "cookie", "api_key", "api-key", "apikey", "token", "secret", "password", "session", "signature",
      "request.query", "metadata", "filter_state",
    ]
    let lower = Array(name.utf8.map { $0 >= UInt8(ascii: "A") && $0 <= UInt8(ascii: "Z") ? $0 | 0x20 : $0 })
    return words.contains { word in
      let word = Array(word.utf8)
      return lower.indices.contains { lower[$0...].starts(with: word) }
    }
  }

  private mutating func put(_ text: StaticString) {
    out.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  private mutating func put(_ text: String) { out.append(contentsOf: text.utf8) }

  private mutating func put(quoted text: Bytes) { put(quoted: Array(text.buffer)) }

  private mutating func put(quoted text: [UInt8]) {
    // A byte takes at most six as JSON.
    let capacity = text.count &* 6 &+ 2
    out.append(
      contentsOf: [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
        guard let base = buffer.baseAddress else { return }
        var span = TextSpan(base, capacity: capacity)
        _ = text.withUnsafeBufferPointer {
          span.append(
            quoted: Bytes($0.baseAddress, count: UInt32(truncatingIfNeeded: $0.count)), bytesMax: text.count)
        }
        count = Int(span.bytes.count)
      })
  }
}
