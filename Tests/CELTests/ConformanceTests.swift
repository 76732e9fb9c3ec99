// Runs the public conformance cases of core CEL that lie beside the project, if they do.
//
// conformance-failures.txt lists the ones known to fail, each with its reason. The list is exact in both
// directions: a case that fails and is not listed is a failure, and so is one that is listed and passes.

import Foundation
import Testing

@testable import CEL

@Suite struct ConformanceTests {
  private static let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent()

  @Test func coreCasesPassExceptTheListedOnes() throws {
    let folder = Self.here.appendingPathComponent("../../../shared/cel").standardizedFileURL
    guard let cases = ConformanceCase.load(folder: folder) else {
      print("conformance: skipped, there are no cases in \(folder.path)")
      return
    }
    let listed = try Self.listedFailures()
    var sections: [String: (passed: Int, failed: Int, skipped: Int)] = [:]
    var seen: Set<String> = []
    for item in cases {
      var counts = sections[item.file] ?? (0, 0, 0)
      defer { sections[item.file] = counts }
      guard item.isCore, regexLibrary != nil || !item.needs.contains("regex") else {
        counts.skipped += 1
        continue
      }
      seen.insert(item.id)
      let failure = Self.run(item)
      if failure == nil { counts.passed += 1 } else { counts.failed += 1 }
      switch (failure, listed[item.id]) {
      case (let failure?, nil): Issue.record("\(item.id): `\(item.expression)`: \(failure)")
      case (nil, let reason?): Issue.record("\(item.id) passes but is listed as failing (\(reason))")
      default: break
      }
    }
    for id in listed.keys.sorted() where !seen.contains(id) && regexLibrary != nil {
      Issue.record("\(id) is listed as failing but was not run")
    }
    Self.report(sections)
  }

  private static func listedFailures() throws -> [String: String] {
    let text = try String(contentsOf: here.appendingPathComponent("conformance-failures.txt"), encoding: .utf8)
    var listed: [String: String] = [:]
    for line in text.split(separator: "\n") where !line.hasPrefix("#") {
      let parts = line.split(separator: " ", maxSplits: 1)
      guard let id = parts.first else { continue }
      listed[String(id)] = parts.count > 1 ? String(parts[1]) : "no reason"
    }
    return listed
  }

  private static func report(_ sections: [String: (passed: Int, failed: Int, skipped: Int)]) {
    var total = (passed: 0, failed: 0, skipped: 0)
    func row(_ name: String, _ a: String, _ b: String, _ c: String) {
      let columns = [a, b, c].map { String(repeating: " ", count: max(0, 9 - $0.count)) + $0 }
      print(name.padding(toLength: 28, withPad: " ", startingAt: 0) + columns.joined())
    }
    row("section", "passed", "failed", "skipped")
    for (name, counts) in sections.sorted(by: { $0.key < $1.key }) {
      row(name, "\(counts.passed)", "\(counts.failed)", "\(counts.skipped)")
      total.passed += counts.passed
      total.failed += counts.failed
      total.skipped += counts.skipped
    }
    print("\(total.passed) passed, \(total.failed) failed, \(total.skipped) skipped")
  }

  /// Why the case fails, or nil.
  private static func run(_ item: ConformanceCase) -> String? {
    let host = TestHost()
    host.environment.container = item.container
    if let problem = declare(item, in: host) { return problem }
    let checked: CheckedTree
    do {
      checked = try host.check(item.expression, isChecked: item.isChecked, hasMacros: item.hasMacros)
    } catch {
      return "refused: \(error)"
    }
    if let expected = item.expectation["deduced_type"] {
      var table = checked.table
      let type = ConformanceJSON.type(expected, &table)
      if type != checked.resultType {
        return "deduced \(table.name(checked.resultType)), expected \(type.map { table.name($0) } ?? "\(expected)")"
      }
    }
    if item.isCheckOnly { return nil }
    let code: Code
    do {
      code = try compile(checked)
    } catch {
      // A mistake seen before evaluation is as good as one seen by it.
      return item.expectation["error"] != nil ? nil : "refused: \(error)"
    }
    return host.evaluate(code) { value in
      if item.expectation["error"] != nil {
        return value.kind == .error ? nil : "gave \(render(value)), expected an error"
      }
      guard let json = item.expectation["value"] else { return nil }
      guard let expected = ConformanceJSON.value(json, &host.arena) else {
        return "expectation not understood: \(json)"
      }
      return ConformanceJSON.isSame(value, expected) ? nil : "gave \(render(value)), expected \(render(expected))"
    }
  }

  private static func compile(_ checked: CheckedTree) throws -> Code {
    var builder = CodeBuilder(regex: regexLibrary)
    var diagnostics = Diagnostics()
    guard builder.add(checked, diagnostics: &diagnostics) != nil else {
      throw TestHost.Failure.refused(diagnostics.items.map(\.message).joined(separator: "; "))
    }
    return builder.finish()
  }

  private static func declare(_ item: ConformanceCase, in host: TestHost) -> String? {
    var types: [String: TypeID] = [:]
    for declaration in item.declarations {
      guard let name = declaration["name"] as? String else { return "declaration without a name" }
      if let json = declaration["type"] {
        guard let type = ConformanceJSON.type(json, &host.environment.types) else { return "unknown type \(json)" }
        types[name] = type
      }
      for overload in declaration["overloads"] as? [[String: Any]] ?? [] {
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
      }
    }
    for (name, binding) in item.bindings {
      guard let json = binding["value"], let value = ConformanceJSON.value(json, &host.arena) else {
        return "binding not understood: \(binding)"
      }
      host.declare(name, types.removeValue(forKey: name) ?? .dyn, value)
    }
    for (name, type) in types { host.declare(name, type) }
    return nil
  }
}
