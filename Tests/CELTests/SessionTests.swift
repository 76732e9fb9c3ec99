// Sessions: what a Swift program sees of the library, and the page that shows it.

import CEL
import Foundation
import Testing

@Suite struct SessionTests {
  @Test func thePageShowsThisProgram() throws {
    // Documented in docs/cel.md, word for word.
    var environment = Environment()
    environment.enable(.strings)
    let groups = environment.types.list(.string)
    environment.declare(Variable(name: "user.name", type: .string, id: 0))
    environment.declare(Variable(name: "user.groups", type: groups, id: 1))
    environment.declare(function: "initials", isMember: true, parameters: [.string], result: .string) { call in
      let words = call[0].asBytes.text.split(separator: " ")
      return call.string(words.map { String($0.prefix(1)) }.joined())
    }

    let session = try Session(
      "'admin' in user.groups && user.name.initials().lowerAscii() == 'gh'", in: environment)
    session.set(0, session.string("Grace Hopper"))
    session.set(1, session.list([session.string("dev"), session.string("admin")]))
    let value = session.evaluate()
    #expect(value.isTrue)

    session.set(1, nil)
    let error = session.evaluate().asError
    #expect("\(error.code)" == "absentAttribute")
    // End of what is documented.

    let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
      .deletingLastPathComponent()
      .deletingLastPathComponent()
    let page = try String(contentsOf: root.appendingPathComponent("docs/cel.md"), encoding: .utf8)
    let shown = try #require(
      page.components(separatedBy: "```swift\nimport CEL\n\n").last?.components(separatedBy: "```").first)
    let source = try String(contentsOfFile: #filePath, encoding: .utf8)
    func words(_ text: String) -> [String] {
      text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
        .filter { !$0.isEmpty && !$0.hasPrefix("#expect") }.map { $0.components(separatedBy: "  //")[0] }
    }
    let all = words(source)
    let first = try #require(all.firstIndex(of: "// Documented in docs/cel.md, word for word."))
    let last = try #require(all.firstIndex(of: "// End of what is documented."))
    #expect(words(shown) == Array(all[(first + 1)..<last]))
  }

  @Test func variablesAreSetTakenAwayAndSetAgain() throws {
    var environment = Environment()
    environment.declare(Variable(name: "n", type: .int, id: 7))
    environment.declare(
      Variable(name: "headers", type: environment.types.map(.string, .string), id: 8, isEntrywise: true))
    let session = try Session("headers['a'] == 'b' && n + 1 == 3 && size(headers) == 1", in: environment)
    #expect(session.evaluate().kind == .error)
    for _ in 0..<3 {
      session.set(7, .int(2))
      session.set(8, session.map([(session.string("a"), session.string("b"))]))
      #expect(session.evaluate().isTrue)
      #expect(session.evaluate().isTrue)
      session.set(7, .int(3))
      #expect(session.evaluate().isFalse)
      session.reset()
      #expect(session.evaluate().asError.code == .absentAttribute)
    }
    // What nothing reads is no mistake, and what has the wrong type is an error.
    session.set(99, .null)
    session.set(7, session.bytes([1]))
    session.set(8, .int(1))
    #expect(session.evaluate().kind == .error)
  }

  @Test func valuesThatAreTooLargeAreErrors() throws {
    var environment = Environment()
    environment.declare(Variable(name: "s", type: .string, id: 0))
    let session = try Session("s == ''", in: environment, bytesMax: 32 << 10)
    session.set(0, session.string(String(repeating: "x", count: 64 << 10)))
    #expect(session.evaluate().asError.code == .memorySpent)
  }

  @Test func aRefusalPointsAtEachMistake() {
    var environment = Environment()
    environment.declare(Variable(name: "é.name", type: .string, id: 0))
    func refusal(_ text: String) -> String {
      do {
        _ = try Session(text, in: environment)
        return "taken"
      } catch {
        return error.description
      }
    }
    #expect(
      refusal("1 +\n\t'é' +\n  2u")
        == """
        1:3: error: no matching overload for `+`: found (int, string), candidates are (int, int), (uint, uint), \
        (double, double), (string, string), (bytes, bytes), (list(A), list(A)) and 3 more
          1 +
            ^
        """)
    #expect(refusal("'é\u{301}' == x") == "1:9: error: undeclared reference to `x`\n  'é\u{301}' == x\n          ^")
    #expect(refusal("[1,\n 2") == "2:3: error: expected `,` or `]`, but the expression ends here\n   2\n    ^")
    let long = refusal(String(repeating: "1 + ", count: 100) + "x")
    #expect(long.hasPrefix("1:401: error: undeclared reference to `x`\n"))
    #expect(long.split(separator: "\n").allSatisfy { $0.utf8.count < 120 })
    #expect(refusal("").hasPrefix("1:1: error: expression is empty"))
  }
}
