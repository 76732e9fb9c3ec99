import Testing

/// Places that look like traps and are none: path, the line's text, why. Tab between them.
private struct Allowance: Hashable {
  var path: String
  var text: String

  static func all() throws -> [Allowance] {
    try House.lines("Tests/HouseTests/traps-allowed.txt").filter { !$0.isEmpty && !$0.hasPrefix("#") }.map { line in
      let cells = line.split(separator: "\t", omittingEmptySubsequences: true).map(String.init)
      #expect(cells.count == 3, "path, text and reason, with tabs between: \(line)")
      return Allowance(path: cells.first ?? "", text: cells.dropFirst().first ?? "")
    }
  }
}

@Suite struct TrapTests {
  @Test func nothingInTheLibraryCanTrapThatALexerCanSee() throws {
    let allowed = Set(try Allowance.all())
    var used: Set<Allowance> = []
    for path in House.files(in: "Sources", endings: [".swift", ".c", ".cc", ".h"])
    where !path.hasPrefix("Sources/purser/") {
      let lines = try House.lines(path)
      for trap in TrapFinder.traps(in: try House.text(path)) {
        let text = lines[trap.line - 1].trimmingCharacters(in: .whitespaces)
        let place = Allowance(path: path, text: text)
        if allowed.contains(place) {
          used.insert(place)
        } else {
          Issue.record("\(path):\(trap.line): \(trap.kind.rawValue): \(text)")
        }
      }
    }
    for stale in allowed.subtracting(used) {
      Issue.record("traps-allowed.txt allows what is not there: \(stale.path): \(stale.text)")
    }
  }

  @Test(arguments: [
    ("let a = b!", Trap.Kind.forcedUnwrap), ("b!.c()", .forcedUnwrap), ("f(x)!", .forcedUnwrap),
    ("a[0]![1]", .forcedUnwrap), ("let x: String!", .forcedUnwrap), ("let x: Array<Int>!", .forcedUnwrap),
    ("\"\\(x!)\"", .forcedUnwrap), ("list.first!", .forcedUnwrap), ("x.unsafelyUnwrapped", .forcedUnwrap),
    ("b! + 1", .forcedUnwrap), ("if a!{", .forcedUnwrap), ("{ $0 }!", .forcedUnwrap),
    ("try! f()", .forcedTry), ("x as! Y", .forcedCast),
    ("fatalError()", .assertion), ("precondition(a > 1)", .assertion), ("preconditionFailure()", .assertion),
    ("assert(a)", .assertion), ("assertionFailure(\"no\")", .assertion), ("Swift.fatalError(\"x\")", .assertion),
    ("unowned let a: B", .unowned), ("{ [unowned self] in }", .unowned),
    ("UInt32(count)", .narrowing), ("Int8(a.b)", .narrowing), ("UInt16(a[1] + 2)", .narrowing),
    ("Int(value.rounded())", .fromFloat), ("Int64(Double(a) * b)", .fromFloat), ("UInt32(x * 0.5)", .fromFloat),
    ("list.removeLast()", .emptyRemoval), ("list.removeFirst(2)", .emptyRemoval),
    ("Dictionary(uniqueKeysWithValues: pairs)", .uniqueKeys),
    ("exit(1)", .processCall), ("abort()", .processCall), ("print(x)", .processCall), ("getenv(\"A\")", .processCall),
    ("fprintf(stderr, \"x\");", .processCall),
  ])
  func aPlantedTrapIsFound(text: String, kind: Trap.Kind) {
    let planted = "let before = 1\n/* ! */ \(text)\n// \(text)\n"
    #expect(TrapFinder.traps(in: planted) == [Trap(kind: kind, line: 2)])
  }

  @Test func everyKindIsPlanted() {
    let text =
      "a! ; try! b ; c as! D ; assert(e) ; unowned f ; UInt8(g) ; Int(1.5) ; h.removeLast() ; abort()"
      + " ; Dictionary(uniqueKeysWithValues: i)"
    #expect(Set(TrapFinder.traps(in: text).map(\.kind)) == Set(Trap.Kind.allCases))
  }

  @Test(arguments: [
    "if !a { }", "a != b", "a!=b", "f(!x)", "[!a, !b]", "return !a", "a ?? !b", "a && !b", "x !== y", "{ !$0 }",
    "// b!", "/* try! /* as! */ x! */", "\"b!\"", "#\"x! \\(y!)\"#", "\"\"\"\n a!\n \"\"\"", "#if !DEBUG",
    "@objc let a = 1",
    "UInt32(truncatingIfNeeded: a)", "UInt8(ascii: \"a\")", "UInt16(7)", "Int(exactly: d)", "Int(x)", "UInt64(x)",
    "Int(\"12\")", "UInt8()", "list.popLast()", "func print(_ a: Int) {}", "text.print()", "\"fatalError()\"",
    "let assertion = 1", "Int32(clamping: a)", "while a<b, !c { }", "x = y ? !a : b",
  ])
  func whatOnlyLooksLikeATrapIsNone(text: String) {
    #expect(TrapFinder.traps(in: text) == [])
  }

  @Test func linesAreCountedThroughStringsAndComments() {
    let text = "let a = \"\"\"\n  one\n  \\(b\n  )\n  \"\"\"\n/*\n*/\nc!\n"
    #expect(TrapFinder.traps(in: text) == [Trap(kind: .forcedUnwrap, line: 8)])
  }
}
