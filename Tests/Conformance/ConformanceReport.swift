// What came of a folder of cases: a table by section, the failures, and the totals.
//
// A list of expected failures has a line a case: its id, a blank, the reason. It is exact in both directions: a case
// that fails and is not listed is wrong, and so is one that is listed and passes.

import Foundation

package struct ConformanceReport {
  private var results: [(item: ConformanceCase, outcome: ConformanceOutcome)] = []
  private var listed: [String: String] = [:]

  package init(running cases: [ConformanceCase], expectedFailures: URL?) throws {
    if let expectedFailures {
      let text = try String(contentsOf: expectedFailures, encoding: .utf8)
      for line in text.split(separator: "\n") where !line.hasPrefix("#") {
        let parts = line.split(separator: " ", maxSplits: 1)
        guard let id = parts.first else { continue }
        listed[String(id)] = parts.count > 1 ? String(parts[1]) : "no reason"
      }
    }
    for item in cases { results.append((item, ConformanceRun.outcome(of: item))) }
  }

  /// Failures that nobody expects, worded.
  package var unlistedFailures: [String] {
    results.compactMap { item, outcome in listed[item.id] == nil ? Self.words(item, outcome) : nil }
  }

  /// Listed cases that do not fail, worded.
  package var staleListings: [String] {
    var outcomes: [String: ConformanceOutcome] = [:]
    for (item, outcome) in results { outcomes[item.id] = outcome }
    return listed.keys.sorted().compactMap { id in
      switch outcomes[id] {
      case .failed: nil
      case .passed: "\(id) passes but is listed as failing (\(listed[id] ?? ""))"
      case .skipped(let need): "\(id) is listed as failing but is skipped: it needs \(need)"
      case nil: "\(id) is listed as failing but is no case"
      }
    }
  }

  /// The table, the failures with what was wanted and what came, and as the last line the totals.
  package var text: String {
    var lines = table
    let failures = results.compactMap { item, outcome in Self.words(item, outcome).map { (item.id, $0) } }
    if !failures.isEmpty { lines.append("") }
    for (id, words) in failures { lines.append(words + (listed[id].map { "\n  expected: \($0)" } ?? "")) }
    var needs: [String: Int] = [:]
    for case .skipped(let need) in results.map(\.outcome) { needs[need, default: 0] += 1 }
    if !needs.isEmpty {
      lines.append("")
      lines.append(
        "skipped for what they need: " + needs.sorted { $0.key < $1.key }.map { "\($0) \($1)" }.joined(separator: ", "))
    }
    let total = Counts(results.map(\.outcome))
    lines.append("")
    lines.append("\(total.passed) passed, \(total.failed) failed, \(total.skipped) skipped")
    return lines.joined(separator: "\n")
  }

  private struct Counts {
    var passed = 0
    var failed = 0
    var skipped = 0

    init(_ outcomes: [ConformanceOutcome]) {
      for outcome in outcomes {
        switch outcome {
        case .passed: passed += 1
        case .failed: failed += 1
        case .skipped: skipped += 1
        }
      }
    }
  }

  private var table: [String] {
    var sections: [String: [ConformanceOutcome]] = [:]
    var order: [String] = []
    for (item, outcome) in results {
      let name = item.file + "/" + item.section
      if sections[name] == nil { order.append(name) }
      sections[name, default: []].append(outcome)
    }
    let width = order.map(\.count).max() ?? 0
    func row(_ name: String, _ columns: [String]) -> String {
      name + String(repeating: " ", count: max(0, width - name.count))
        + columns.map { String(repeating: " ", count: max(1, 9 - $0.count)) + $0 }.joined()
    }
    return [row("section", ["passed", "failed", "skipped"])]
      + order.map { name in
        let counts = Counts(sections[name] ?? [])
        return row(name, ["\(counts.passed)", "\(counts.failed)", "\(counts.skipped)"])
      }
  }

  private static func words(_ item: ConformanceCase, _ outcome: ConformanceOutcome) -> String? {
    guard case .failed(let want, let got) = outcome else { return nil }
    return "FAIL \(item.id)\n  expression: \(item.expression)\n  want: \(want)\n  got: \(got)"
  }
}
