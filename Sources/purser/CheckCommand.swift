import ArgumentParser
import CPurser

/// `purser check PATH…`
struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Load documents and print every problem.",
    discussion: """
      Reads files and directories (*.yaml, *.yml, *.json) as one set. Opens no socket and writes no file. \
      Exit status: 0 when the set can be used, perhaps with warnings; 1 when it has errors.
      """)

  @Argument(help: ArgumentHelp("Files or directories.", valueName: "path"))
  var paths: [String]

  @Flag(help: "Say which rules every check looks at, whatever the request: the cost grows with their number.")
  var stats = false

  @Flag(help: "Say which rules ask providers, and what the keys are made of under which answers are kept.")
  var explainCache = false

  func run() throws {
    let plan: Plan
    do {
      plan = try Plan(paths: paths)
    } catch {
      Console.say(error.text)
      Console.say("")
      throw Failure(Self.counts(error.problems) + ": not usable")
    }
    if !plan.warnings.text.isEmpty {
      Console.say(plan.warnings.text)
      Console.say("")
    }
    let summary = plan.summary
    let parts: [(Int, String, String)] = [
      (summary.policies, "policy", "policies"), (summary.rules, "rule", "rules"),
      (summary.metrics, "metric", "metrics"),
      (summary.access_logs, "access log", "access logs"), (summary.backends, "backend", "backends"),
      (summary.value_lists, "value list", "value lists"),
    ]
    let words = parts.filter { $0.0 > 0 }.map { "\($0.0) \($0.0 == 1 ? $0.1 : $0.2)" }.joined(separator: ", ")
    let warnings = plan.warnings.warnings > 0 ? " (\(Self.counts(plan.warnings)))" : ""
    Console.say("ok: \(words.isEmpty ? "nothing that decides or records" : words)\(warnings)")
    Console.say("plan \(plan.digest)")
    if stats { Self.sayStatistics(of: plan) }
    if explainCache {
      let rules = plan.externalRules
      Console.say(rules.isEmpty ? "no rule asks a provider" : rules.joined(separator: "\n"))
    }
  }

  private static func sayStatistics(of plan: Plan) {
    let left = plan.unindexedRules
    Console.say("\(plan.summary.rules - left.count) of \(plan.summary.rules) rules are indexed")
    for rule in left { Console.say("not indexed: \(rule)") }
  }

  /// `2 errors, 1 warning`
  private static func counts(_ problems: ProblemList) -> String {
    var words: [String] = []
    if problems.errors > 0 { words.append("\(problems.errors) error\(problems.errors == 1 ? "" : "s")") }
    if problems.warnings > 0 { words.append("\(problems.warnings) warning\(problems.warnings == 1 ? "" : "s")") }
    return words.isEmpty ? "no plan" : words.joined(separator: ", ")
  }
}
