// One tree, many bindings: what the compiled program gives against what the twin gives.

import CEL
import CELHost

package struct TwinComparison {
  /// Evaluations compared, and those that cost too much, of which the twin knows nothing.
  package private(set) var compared = 0
  package private(set) var spent = 0
  /// Of those compared, the ones that gave a value.
  package private(set) var valued = 0
  /// Trees that the checker took.
  package private(set) var checked = 0
  private let host = TwinVariables.host()
  /// Of the tree before, to be linked with the next one.
  private var fragment: CodeFragment?

  package init() {}

  /// How program and twin differ, or nil.
  package mutating func difference(
    _ tree: Tree, bindings: Int, _ choices: inout TwinChoices, needsCheck: Bool = false
  ) -> String? {
    guard let text = Printer.text(of: tree) else { return "the tree has no text" }
    var diagnostics = Diagnostics()
    let extensions = host.environment.extensions
    guard let parsed = Parser.parse(Array(text.utf8), extensions: extensions, diagnostics: &diagnostics) else {
      return "`\(text)` does not parse: \(words(diagnostics))"
    }
    guard Printer.text(of: parsed) == text else { return "`\(text)` is not printed as it is" }
    let resolved = Checker.resolve(parsed, in: host.environment)
    var programs: [(how: String, code: Code, number: UInt32)] = []
    for (how, candidate) in [
      ("unchecked", resolved), ("checked", Checker.check(parsed, in: host.environment, diagnostics: &diagnostics)),
    ] {
      guard let candidate else {
        if needsCheck { return "`\(text)` does not check: \(words(diagnostics))" }
        continue
      }
      if how == "checked" { checked += 1 }
      var builder = CodeBuilder(regex: regexLibrary)
      guard builder.add(candidate, diagnostics: &diagnostics) != nil else {
        guard let last = diagnostics.items.last, last.message.hasPrefix("expression may take too long") else {
          return "`\(text)` is refused: \(words(diagnostics))"
        }
        spent += 1
        continue
      }
      programs.append((how, builder.finish(), 0))
      guard let linked = link(candidate) else { return "`\(text)`, \(how), cannot be linked" }
      programs.append((how + " and linked", linked.code, linked.number))
    }
    for _ in 0..<bindings {
      let bound = TwinVariables.bindings(&choices)
      TwinVariables.bind(bound, in: host)
      let expected = Twin.evaluate(parsed, bound)
      for (how, code, number) in programs {
        guard let difference = difference(code, number, expected) else { continue }
        let read = bound.filter { text.contains($0.key) }.map { "\($0.key) = \($0.value)" }.sorted()
        return "`\(text)`, \(how): \(difference); with \(read.joined(separator: ", "))"
      }
    }
    return nil
  }

  /// The program among those of the tree before, whose slots, constants and patterns come first.
  private mutating func link(_ checked: CheckedTree) -> (code: Code, number: UInt32)? {
    var diagnostics = Diagnostics()
    var builder = CodeBuilder(regex: regexLibrary, sharing: CodeSharing())
    guard builder.add(checked, diagnostics: &diagnostics) != nil else { return nil }
    let next = builder.finishFragment()
    let linker = CodeLinker(regex: regexLibrary)
    if let fragment { _ = linker.add(fragment) }
    guard let place = linker.add(next) else { return nil }
    if let fragment { _ = linker.add(fragment) }
    fragment = next
    return (linker.finish(), place.programFirst)
  }

  private mutating func difference(_ code: Code, _ program: UInt32, _ expected: TwinValue?) -> String? {
    enum Result {
      case same(isValue: Bool)
      case spent
      case other(String)
    }
    let result: Result = host.evaluate(code, program: program) { value in
      if value.kind == .error {
        switch value.asError.code {
        case .stepBudgetSpent, .memorySpent: return .spent
        default: break
        }
        guard let expected else { return .same(isValue: false) }
        return .other("gave the error \(value.asError.code.text), the twin gave \(expected)")
      }
      guard let expected else { return .other("gave \(render(value)), the twin an error") }
      guard let given = TwinValue(value), given.isSame(as: expected) else {
        return .other("gave \(render(value)), the twin \(expected)")
      }
      return .same(isValue: true)
    }
    switch result {
    case .same(let isValue):
      compared += 1
      if isValue { valued += 1 }
      return nil
    case .spent:
      spent += 1
      return nil
    case .other(let difference): return difference
    }
  }

  private func words(_ diagnostics: Diagnostics) -> String {
    diagnostics.items.map(\.message).joined(separator: "; ")
  }
}
