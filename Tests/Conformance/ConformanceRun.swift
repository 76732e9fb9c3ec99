// Runs one case: parse, check unless the case says no, compile, evaluate, and compare with what is expected.

import CEL
import CELHost

package enum ConformanceOutcome: Equatable {
  case passed
  case failed(want: String, got: String)
  /// Something that the case needs is not there.
  case skipped(need: String)
}

package struct ConformanceRun {
  let item: ConformanceCase
  let host = TestHost()

  package static func outcome(of item: ConformanceCase) -> ConformanceOutcome {
    if let problem = item.problem { return .failed(want: "a case that can be read", got: problem) }
    var run = ConformanceRun(item: item)
    run.host.environment.schema = item.schema
    for need in item.needs.sorted() where !ConformanceSupport.enable(need, in: run.host) {
      return .skipped(need: need)
    }
    run.host.environment.container = item.container
    if let problem = run.declare() { return .failed(want: "a case that can be read", got: problem) }
    return run.outcome()
  }

  private init(item: ConformanceCase) { self.item = item }

  /// The stage that must fail, where the case names one.
  private var failingStage: String? { item.expectation["phase"] as? String }
  private var expectsError: Bool { item.expectation["error"] != nil || failingStage != nil }

  private mutating func outcome() -> ConformanceOutcome {
    var diagnostics = Diagnostics()
    guard
      let tree = Parser.parse(
        Array(item.expression.utf8), macros: item.hasMacros, extensions: host.environment.extensions,
        diagnostics: &diagnostics)
    else { return refused(at: "parse", diagnostics) }
    if failingStage == "parse" { return failed(got: "it parses") }

    let checked: CheckedTree
    if item.isChecked {
      guard let tree = Checker.check(tree, in: host.environment, diagnostics: &diagnostics) else {
        return refused(at: "check", diagnostics)
      }
      checked = tree
    } else {
      checked = Checker.resolve(tree, in: host.environment)
    }
    if failingStage == "check" { return failed(got: "it checks") }
    if let expected = item.expectation["deduced_type"] {
      var table = checked.table
      let type = ConformanceJSON.type(expected, &table)
      if type != checked.resultType {
        return .failed(
          want: "type " + (type.map { table.name($0) } ?? "\(expected)"),
          got: "type " + table.name(checked.resultType))
      }
    }
    if item.isCheckOnly { return .passed }

    var builder = CodeBuilder(regex: regexLibrary)
    guard builder.add(checked, diagnostics: &diagnostics) != nil else { return refused(at: "compile", diagnostics) }
    return host.evaluate(builder.finish()) { compare($0) }
  }

  private func compare(_ value: Value) -> ConformanceOutcome {
    if value.kind == .error {
      let isWanted = expectsError || item.expectation["unknown"] != nil
      return isWanted ? .passed : failed(got: "error: \(value.asError.code.text)")
    }
    guard let json = item.expectation["value"], !expectsError,
      let expected = ConformanceJSON.value(json, item.schema, &host.arena)
    else { return failed(got: render(value)) }
    return ConformanceJSON.isSame(value, expected) ? .passed : failed(got: render(value))
  }

  private func failed(got: String) -> ConformanceOutcome {
    var want = "anything"
    if expectsError {
      want = "an error" + (failingStage.map { " of the stage \($0)" } ?? "")
    } else if let json = item.expectation["value"] {
      want = ConformanceJSON.value(json, item.schema, &host.arena).map { render($0) } ?? "\(json)"
    } else if item.expectation["unknown"] != nil {
      want = "unknown"
    }
    return .failed(want: want, got: got)
  }

  /// A mistake that the compiler sees is as good as one seen by evaluation. In the network library so is one that
  /// the checker sees, says the suite.
  private func refused(at stage: String, _ diagnostics: Diagnostics) -> ConformanceOutcome {
    let isWanted =
      switch failingStage {
      case let wanted?: stage == wanted || (stage == "compile" && wanted == "eval")
      case nil: expectsError && (stage == "compile" || (stage == "check" && item.file == "network_ext"))
      }
    if isWanted { return .passed }
    return failed(got: "\(stage): " + diagnostics.items.map(\.message).joined(separator: "; "))
  }
}

// The case's environment.
extension ConformanceRun {
  /// What cannot be understood, or nil.
  private func declare() -> String? {
    var types: [String: TypeID] = [:]
    for declaration in item.declarations {
      guard let name = declaration["name"] as? String else { return "declaration without a name" }
      if let json = declaration["type"] {
        guard let type = ConformanceJSON.type(json, &host.environment.types) else { return "unknown type \(json)" }
        types[name] = type
      }
      for overload in declaration["overloads"] as? [[String: Any]] ?? [] {
        if let problem = declare(function: name, overload) { return problem }
      }
    }
    for (name, binding) in item.bindings {
      let value: Value
      if binding["error"] != nil || binding["unknown"] != nil {
        // What is unknown is an error of the host: `&&` and `||` treat both alike where the other side decides.
        value = .error(EvaluationError(.attributeUnavailable))
      } else if let json = binding["value"], let read = ConformanceJSON.value(json, item.schema, &host.arena) {
        value = read
      } else {
        return "binding not understood: \(binding)"
      }
      host.declare(name, types.removeValue(forKey: name) ?? .dyn, value)
    }
    for (name, type) in types { host.declare(name, type) }
    return nil
  }

  private func declare(function name: String, _ overload: [String: Any]) -> String? {
    var parameters: [TypeID] = []
    for json in overload["params"] as? [Any] ?? [] {
      guard let type = ConformanceJSON.type(json, &host.environment.types) else { return "unknown type \(json)" }
      parameters.append(type)
    }
    guard let result = overload["result"].flatMap({ ConformanceJSON.type($0, &host.environment.types) }) else {
      return "overload without a result"
    }
    host.environment.declare(
      function: name,
      Overload(
        id: overload["id"] as? String ?? name, isMember: overload["member"] as? Bool == true,
        parameters: parameters, result: result, implementation: .external(0)))
    return nil
  }
}
