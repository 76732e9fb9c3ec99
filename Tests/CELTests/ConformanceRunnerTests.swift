// The runner over a folder that is not the public one: what is no case, or expects what cannot be read, fails with
// its place instead of vanishing from the count.

import CELConformance
import Foundation
import Testing

@Suite struct ConformanceRunnerTests {
  private static func report(_ lines: [String]) throws -> ConformanceReport? {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("cases-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try Data(lines.joined(separator: "\n").utf8).write(to: folder.appendingPathComponent("a.jsonl"))
    return try ConformanceCase.load(folder: folder).map { try ConformanceReport(running: $0, expectedFailures: nil) }
  }

  private static func line(_ expression: String, _ expect: String, _ more: String = "") -> String {
    #"{"id": "a/s/\#(expression)", "file": "a", "section": "s", "expr": "\#(expression)", "expect": \#(expect)\#(more)}"#
  }

  @Test func everyStageIsKnown() throws {
    let report = try Self.report([
      Self.line("1 + 1", #"{"value": {"int": "2"}}"#, #", "unheard": [1]"#), "", "\r",
      Self.line("1 +", #"{"error": "", "phase": "parse"}"#), Self.line("1 + 'a'", #"{"error": "", "phase": "check"}"#),
      Self.line("1 / 0", #"{"error": "", "phase": "eval"}"#),
      Self.line("true", #"{"value": {"bool": true}}"#, #", "needs": ["ext:none"]"#),
      Self.line("2", #"{"error": "", "phase": "eval"}"#),
    ])
    #expect(report?.text.hasSuffix("\n4 passed, 1 failed, 1 skipped") == true, "\(report?.text ?? "")")
  }

  @Test func whatIsNoCaseFails() throws {
    let report = try Self.report([
      "no JSON", "[]", #"{"id": "a/s/x", "expr": "1"}"#, #"{"id": "a/s/y", "expect": {"value": {"null": null}}}"#,
      Self.line("true", "{}"), Self.line("[1]", #"{"value": {"list": [{"int": "1"}, {"what": "2"}]}}"#),
      Self.line("{1: 2}", #"{"value": {"map": [[{"int": "1"}, {"int": "2"}], [{"int": "3"}]]}}"#),
    ])
    #expect(report?.text.hasSuffix("\n0 passed, 7 failed, 0 skipped") == true, "\(report?.text ?? "")")
    #expect(report?.unlistedFailures.first?.contains("line 1 of a.jsonl") == true)
  }
}
