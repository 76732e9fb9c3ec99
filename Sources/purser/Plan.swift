import CPurser

/// Documents, loaded and compiled by the library.
final class Plan {
  let handle: OpaquePointer
  /// Warnings, as the library writes them; empty when there are none.
  let warnings: ProblemList

  /// Loads files and directories. Throws the problems, all of them, as `file:line:column: error: …`.
  init(paths: [String]) throws(PlanFailure) {
    let memory = HostMemory()
    var options = purser_load_options()
    options.size = MemoryLayout<purser_load_options>.size
    options.paths = UnsafePointer(memory.array(of: paths.map { memory.text($0) }))
    options.paths_count = paths.count
    var plan: OpaquePointer?
    var problems: OpaquePointer?
    let status = purser_plan_load(&options, &plan, &problems)
    let list = ProblemList(taking: problems)
    guard status == PURSER_OK, let plan else {
      throw PlanFailure(status: status, problems: list)
    }
    handle = plan
    warnings = list
  }

  deinit {
    purser_plan_free(handle)
  }

  var summary: purser_plan_summary {
    var summary = purser_plan_summary()
    summary.size = MemoryLayout<purser_plan_summary>.size
    _ = purser_plan_summarize(handle, &summary)
    return summary
  }

  /// Those that every check looks at, in words.
  var unindexedRules: [String] {
    var count = 0
    guard purser_plan_unindexed_count(handle, &count) == PURSER_OK else { return [] }
    return (0..<count).compactMap { index in
      var rule = purser_rule_reference()
      guard purser_plan_unindexed_rule(handle, index, &rule) == PURSER_OK else { return nil }
      return "rule `\(String(rule.rule))` of policy `\(String(rule.policy))`, \(String(rule.file)):\(rule.line)"
    }
  }

  /// `namespace/policy/rule` of the rules that ask providers, by their own numbers.
  var externalRuleNames: [String] {
    var count = 0
    guard purser_plan_externals_count(handle, &count) == PURSER_OK else { return [] }
    return (0..<count).map { index -> String in
      var external = purser_external_rule()
      external.size = MemoryLayout<purser_external_rule>.size
      guard purser_plan_external(handle, index, &external) == PURSER_OK else { return "?" }
      let rule = external.rule
      return "\(String(rule.policy_namespace))/\(String(rule.policy))/\(String(rule.rule))"
    }
  }

  /// The rules that ask providers, each with its key, in words.
  var externalRules: [String] {
    var count = 0
    guard purser_plan_externals_count(handle, &count) == PURSER_OK else { return [] }
    return (0..<count).compactMap { index -> String? in
      var external = purser_external_rule()
      external.size = MemoryLayout<purser_external_rule>.size
      guard purser_plan_external(handle, index, &external) == PURSER_OK else { return nil }
      let rule = external.rule
      let head =
        "rule `\(String(rule.rule))` of policy `\(String(rule.policy))`, \(String(rule.file)):\(rule.line), asks `\(String(external.provider))`"
      guard external.is_cached != 0 else { return head + "; answers are not kept" }
      var lines = [head]
      lines.append(
        "  kept for \(TimeSpan.words(nanoseconds: external.ttl_ns)), denials for \(TimeSpan.words(nanoseconds: external.deny_ttl_ns))"
          + (external.stale_if_error_ns > 0
            ? "; \(TimeSpan.words(nanoseconds: external.stale_if_error_ns)) more if the provider fails" : ""))
      let parts = (0..<external.key_count).compactMap { part -> String? in
        var name = purser_text()
        return purser_plan_external_key(handle, index, part, &name) == PURSER_OK ? String(name) : nil
      }
      lines.append(
        parts.isEmpty ? "  key: the same for all requests" : "  key: " + parts.joined(separator: ", "))
      return lines.joined(separator: "\n")
    }
  }

  var digest: String {
    var digest = purser_text()
    return purser_plan_digest(handle, &digest) == PURSER_OK ? String(digest) : ""
  }
}

/// Why there is no plan.
struct PlanFailure: Error {
  var status: purser_status
  var problems: ProblemList

  /// The problems, or the status in words when there are none.
  var text: String {
    problems.text.isEmpty ? "error: \(String(cString: purser_status_text(status)))" : problems.text
  }
}

/// What is wrong with documents, copied out of the library.
struct ProblemList {
  var errors = 0
  var warnings = 0
  /// All of them, each with its source line and a caret, without a line feed at the end.
  var text = ""

  /// Copies and frees; nil is an empty list.
  init(taking problems: OpaquePointer?) {
    guard let problems else { return }
    defer { purser_problems_free(problems) }
    var count = 0
    guard purser_problems_count(problems, &count) == PURSER_OK else { return }
    for index in 0..<count {
      var problem = purser_problem()
      guard purser_problems_get(problems, index, &problem) == PURSER_OK else { continue }
      if problem.severity == PURSER_SEVERITY_WARNING { warnings += 1 } else { errors += 1 }
    }
    var all = purser_text()
    if purser_problems_text(problems, &all) == PURSER_OK {
      text = String(all)
      while text.last == "\n" { text.removeLast() }
    }
  }
}
