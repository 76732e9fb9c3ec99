import Foundation
import Testing

@Suite struct FileTests {
  static let code = [".swift", ".c", ".cc", ".h", ".sh"]

  @Test func aFileHasOneNounAndSoIsShort() throws {
    for path in House.files(in: "", endings: Self.code) {
      let count = try House.lines(path).count
      // The header is the manual and stays in one piece; what a script makes, nobody reads.
      if path != "include/purser.h", !path.contains("/generated/") { #expect(count < 600, "\(path) has \(count) lines") }
    }
  }

  @Test func aSourceFileBeginsByTellingWhatItIs() throws {
    for path in House.files(in: "Sources", endings: [".swift", ".c", ".cc", ".h"])
      + House.files(in: "include", endings: [".h"]) + House.files(in: "Tests/ABI", endings: [".c", ".h"])
    {
      // Imports may come first.
      let first = try House.lines(path).first { line in
        !line.isEmpty && !["import ", "#include", "#define", "#if"].contains { line.hasPrefix($0) }
      }
      #expect(
        first?.hasPrefix("//") == true || first?.hasPrefix("/*") == true,
        "\(path) does not begin with a comment that tells what it is")
    }
  }

  @Test func scriptsStopAtErrorsAndSayWhatTheyDo() throws {
    for path in House.files(in: "", endings: [".sh"]) + [".ci/run"] {
      let lines = try House.lines(path)
      #expect(lines.first == "#!/usr/bin/env bash", "\(path)")
      #expect(lines.dropFirst().first?.hasPrefix("# ") == true, "\(path) does not say what it does")
      #expect(lines.contains { $0.hasPrefix("set -") && $0.contains("u") && $0.contains("pipefail") }, "\(path)")
      let mode = try FileManager.default.attributesOfItem(atPath: House.root.appendingPathComponent(path).path)
      #expect((mode[.posixPermissions] as? Int ?? 0) & 0o111 != 0, "\(path) cannot be executed")
    }
  }

  /// Paths of somebody's machine.
  @Test func noTextNamesAMachine() throws {
    let roots = ["work", "root", "Users", "opt/swift", "home/runner", "home/user"].map { "/" + $0 + "/" }
    for path in House.files(in: "", endings: []) {
      guard let text = try? House.text(path) else { continue }
      for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
        for root in roots where line.contains(root) {
          Issue.record("\(path):\(number + 1) names \(root): \(line.prefix(120))")
        }
      }
    }
  }

  @Test func noLineEndsInWhiteSpaceAndEveryFileInANewline() throws {
    for path in House.files(in: "", endings: Self.code + [".md", ".txt", ".yaml"]) {
      // Some cases are bytes that are no text, on purpose.
      guard let text = try? House.text(path) else { continue }
      #expect(text.isEmpty || text.hasSuffix("\n"), "\(path) does not end in a newline")
      for (number, line) in try House.lines(path).enumerated() where line.hasSuffix(" ") || line.hasSuffix("\t") {
        Issue.record("\(path):\(number + 1) ends in white space")
      }
    }
  }
}
