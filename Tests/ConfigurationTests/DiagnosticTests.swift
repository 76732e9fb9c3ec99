// How problems look: order, caps, lines and carets.

import Testing

@testable import PurserConfiguration

@Suite struct DiagnosticTests {
  private func excerpt(_ text: String, line: UInt32, column: UInt32) -> String {
    var sources = SourceSet()
    let source = sources.append(name: "t.yaml", bytes: Array(text.utf8))
    var problems = Problems()
    problems.error(at: Position(source: source, line: line, column: column), "m")
    return problems.rendered(with: sources)
  }

  @Test func aProblemShowsItsLineAndACaret() {
    #expect(
      excerpt("a: 1\nwhen: request.methd\n", line: 2, column: 7)
        == "t.yaml:2:7: error: m\nwhen: request.methd\n      ^\n")
    #expect(excerpt("a", line: 1, column: 2) == "t.yaml:1:2: error: m\na\n ^\n")
    #expect(excerpt("", line: 1, column: 1) == "t.yaml:1:1: error: m\n\n^\n")
    #expect(excerpt("a\r\nb\r\n", line: 2, column: 1) == "t.yaml:2:1: error: m\nb\n^\n")
    #expect(excerpt("\u{FEFF}ab: c", line: 1, column: 5) == "t.yaml:1:5: error: m\nab: c\n    ^\n")
  }

  @Test func caretsStandUnderTabsAndWideCharacters() {
    #expect(excerpt("\ta\tb", line: 1, column: 4) == "t.yaml:1:4: error: m\n\ta\tb\n\t \t^\n")
    #expect(excerpt("日本: x", line: 1, column: 5) == "t.yaml:1:5: error: m\n日本: x\n      ^\n")
    #expect(excerpt("e\u{301}: x", line: 1, column: 5) == "t.yaml:1:5: error: m\ne\u{301}: x\n   ^\n")
    #expect(excerpt("äö: x", line: 1, column: 5) == "t.yaml:1:5: error: m\näö: x\n    ^\n")
  }

  @Test func longLinesAreCutAroundTheCaret() {
    let text = String(repeating: "a", count: 200) + "X" + String(repeating: "b", count: 200)
    let rendered = excerpt(text, line: 1, column: 201)
    let expected =
      "t.yaml:1:201: error: m\n…" + String(repeating: "a", count: 64) + "X" + String(repeating: "b", count: 47) + "…\n"
      + String(repeating: " ", count: 65) + "^\n"
    #expect(rendered == expected)
  }

  @Test func whatSteersATerminalIsNotPassedOn() {
    let loaded = Loaded(bytes: Array("a: \u{1B}[2J\u{07}\n".utf8), name: "t\u{1B}.yaml")
    #expect(!loaded.rendered.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" })
    let named = Loaded("apiVersion: purser.dev/v1alpha1\nkind: \"Po\\x1b[2Jlicy\"\n")
    #expect(named.lines.first?.hasPrefix("2:7: error: unknown kind `Po?[2Jlicy`") == true)
    let broken = Loaded(bytes: [0x61, 0x3A, 0x20, 0xFF, 0xFE])
    #expect(broken.rendered == "t.yaml:1:4: error: not UTF-8: save the file as UTF-8 text\na: ??\n   ^\n")
  }

  @Test func problemsAreSortedAndCapped() {
    var sources = SourceSet()
    let source = sources.append(name: "t", bytes: [])
    var problems = Problems()
    for line in (1...150).reversed() {
      problems.warn(at: Position(source: source, line: UInt32(line), column: 1), "w\(line)")
    }
    #expect(problems.items.count == 100 && problems.omittedCount == 50 && !problems.hasErrors)
    for line in 1...120 { problems.error(at: Position(source: source, line: UInt32(line), column: 1), "e\(line)") }
    #expect(problems.items.count == 100)
    #expect(problems.items.allSatisfy { $0.severity == .error })
    #expect(problems.errorCount == 120 && problems.warningCount == 150 && problems.omittedCount == 170)
    #expect(problems.sorted().map { $0.position.line } == Array(1...100))
    #expect(problems.rendered(with: sources).hasSuffix("and 170 more\n"))
  }

  @Test func aFileFullOfMistakesIsRefusedQuickly() {
    var text = "apiVersion: purser.dev/v1alpha1\nkind: Policy\nmetadata: {name: a}\nspec:\n"
    for index in 0..<50_000 { text += "  field\(index): 1\n" }
    let loaded = Loaded(text)
    #expect(loaded.problems.items.count == 100)
    #expect(loaded.problems.hasErrors)
  }

  @Test func aDamagedPositionShowsNothing() {
    var problems = Problems()
    problems.error(at: Position(source: 7, line: 3, column: 9), "m")
    problems.error(at: .none, "n")
    #expect(problems.rendered(with: SourceSet()) == "error: n\n:3:9: error: m\n")
  }
}
