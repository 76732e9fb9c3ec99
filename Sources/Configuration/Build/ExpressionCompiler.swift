// One expression from its text to a program, with everything that can be wrong with it said at its place in the YAML.

import CEL
import PurserAttributes
import PurserEngine

/// Adds to one builder. A class, so that what it holds is not copied with it.
final class ExpressionCompiler {
  /// What an expression is for: which attributes are known by then, and which type it must have.
  struct Purpose {
    var phase: Phase
    /// Whose phase that is, for messages.
    var subject: String
    var type: TypeID?
    /// Whether a read that can fail on ordinary requests deserves a warning: it decides something.
    var warnsOfUnguardedReads: Bool
  }

  var builder: CodeBuilder
  let environment: Environment
  let binder: SlotBinder
  /// Attributes that the host must supply, and where each is read first.
  private(set) var needs: [(attribute: UInt32, position: Position)] = []
  private var needed: Set<UInt32> = []
  /// As many as a load tells at most, and how many there were.
  private(set) var warnings: [(position: Position, message: String)] = []
  private(set) var warningCount = 0
  /// A time zone is named somewhere.
  private(set) var readsTimeZones = false

  init(environment: Environment, binder: SlotBinder, builder: CodeBuilder) {
    self.environment = environment
    self.binder = binder
    self.builder = builder
  }

  /// The program's number, or nil when `problems` says why not.
  func compile(_ source: ExpressionSource, for purpose: Purpose, _ problems: inout Problems) -> UInt32? {
    compileCondition(source, for: purpose, &problems).program
  }

  /// The same, and the clauses that can spare it.
  func compileCondition(
    _ source: ExpressionSource, for purpose: Purpose, _ problems: inout Problems
  ) -> (program: UInt32?, found: ClauseFinder.Found) {
    var diagnostics = Diagnostics()
    var program: UInt32?
    var found = ClauseFinder.Found()
    if let tree = Parser.parse(source.bytes, extensions: environment.extensions, diagnostics: &diagnostics),
      let checked = Checker.check(tree, in: environment, expecting: purpose.type, diagnostics: &diagnostics)
    {
      checkPhases(of: checked, purpose, &diagnostics)
      checkHeaderNames(in: checked, &diagnostics)
      refuseSlowCalls(in: checked, &diagnostics)
      if purpose.warnsOfUnguardedReads { warnOfUnguardedReads(in: checked, &diagnostics) }
      if !diagnostics.hasErrors {
        note(checked, source)
        found = ClauseFinder(checked: checked).find()
        program = builder.add(checked, diagnostics: &diagnostics)
      }
    }
    for item in diagnostics.items {
      let position = source.position(atByte: Int(item.span.start))
      switch item.severity {
      case .error: problems.error(at: position, item.message)
      case .warning:
        problems.warn(at: position, item.message)
        warningCount &+= 1
        if warnings.count < Problems.countMax { warnings.append((position, item.message)) }
      }
    }
    return diagnostics.hasErrors ? (nil, ClauseFinder.Found()) : (program, found)
  }

  /// What a sound expression reads, by itself.
  func slots(of source: ExpressionSource) -> [SlotDefinition] {
    var diagnostics = Diagnostics()
    var alone = CodeBuilder(regex: builder.regex)
    guard let tree = Parser.parse(source.bytes, extensions: environment.extensions, diagnostics: &diagnostics),
      let checked = Checker.check(tree, in: environment, diagnostics: &diagnostics),
      alone.add(checked, diagnostics: &diagnostics) != nil
    else { return [] }
    return alone.finish().slots
  }

  /// Whether a program holds for every request, or for none; nil where the request decides.
  func constant(_ program: UInt32) -> Bool? {
    guard let value = builder.constant(program), value.kind == .bool else { return nil }
    return value.isTrue
  }

  private func checkPhases(of checked: CheckedTree, _ purpose: Purpose, _ diagnostics: inout Diagnostics) {
    forEachVariable(in: checked) { variable, span in
      guard let attribute = binder.attribute(variable.id), attribute.phase > purpose.phase else { return }
      diagnostics.error(
        at: span,
        "attribute `\(attribute.name)` is known in the \(attribute.phase.name) phase only, after \(purpose.subject)")
    }
  }

  /// Header names come from hosts in lower case; any other would never match.
  private func checkHeaderNames(in checked: CheckedTree, _ diagnostics: inout Diagnostics) {
    for (index, node) in checked.tree.nodes.enumerated() {
      let map: CEL.NodeID
      let key: [UInt8]
      var span = node.span
      switch node.kind {
      case .select(let operand, let field, _):
        if checked.references.indices.contains(index), case .none = checked.references[index] {
          map = operand
          key = Array(field.utf8)
        } else {
          continue
        }
      case .call("_[_]", _, let arguments), .call("_[?_]", _, let arguments), .call("_?._", _, let arguments):
        guard arguments.count == 2, case .literal(.string(let text)) = checked.tree[arguments[1]].kind else { continue }
        map = arguments[0]
        key = text
        span = checked.tree[arguments[1]].span
      case .call("@in", _, let arguments):
        guard arguments.count == 2, case .literal(.string(let text)) = checked.tree[arguments[0]].kind else { continue }
        map = arguments[1]
        key = text
        span = checked.tree[arguments[0]].span
      default: continue
      }
      guard case .variable(let variable) = checked.reference(map), isHeaders(variable.name),
        key.contains(where: { $0 >= UInt8(ascii: "A") && $0 <= UInt8(ascii: "Z") })
      else { continue }
      let lower = key.map { $0 >= UInt8(ascii: "A") && $0 <= UInt8(ascii: "Z") ? $0 | 0x20 : $0 }
      diagnostics.error(
        at: span,
        "header names are in lower case: write `\(String(decoding: lower, as: UTF8.self))`")
    }
  }

  /// A pattern or a time zone that only the request knows would be compiled, or read from a file, for each request.
  private func refuseSlowCalls(in checked: CheckedTree, _ diagnostics: inout Diagnostics) {
    for node in checked.tree.nodes {
      guard case .call(let function, let target, let arguments) = node.kind else { continue }
      let isGetter = ExpressionCompiler.zoneFunctions.contains(function) && target != nil
      if isGetter, !arguments.isEmpty { readsTimeZones = true }
      let isOfLibrary = ExpressionCompiler.patternFunctions.contains(function)
      guard isGetter || isOfLibrary || function == "matches",
        let known = isOfLibrary ? arguments.dropFirst().first : arguments.last, !isLiteral(known, in: checked)
      else { continue }
      diagnostics.error(
        at: checked.tree[known].span,
        isGetter
          ? "the time zone must be written as a literal" : "the pattern of `\(function)` must be written as a literal")
    }
  }

  private func isLiteral(_ id: CEL.NodeID, in checked: CheckedTree) -> Bool {
    if case .literal = checked.tree[id].kind { return true }
    if case .variable(let variable) = checked.reference(id) { return variable.constant != nil }
    return false
  }

  /// Of the library `regex`; the pattern is their second argument.
  private static let patternFunctions: Set<String> = ["regex.extract", "regex.extractAll", "regex.replace"]

  private static let zoneFunctions: Set<String> = [
    "getFullYear", "getMonth", "getDayOfYear", "getDayOfMonth", "getDate", "getDayOfWeek", "getHours", "getMinutes",
    "getSeconds", "getMilliseconds",
  ]

  private func isHeaders(_ name: String) -> Bool {
    name == "request.headers" || name == "response.headers" || name == "response.trailers"
  }

  private func warnOfUnguardedReads(in checked: CheckedTree, _ diagnostics: inout Diagnostics) {
    for read in unguardedReads(in: checked) {
      let entry = "\(read.variable.name)[\"\(String(decoding: read.key, as: UTF8.self))\"]"
      diagnostics.warn(
        at: read.span,
        "`\(entry)` may be absent, and then this rule errs; test for it first: `\(read.test) && …`")
    }
  }

  /// Remembers which attributes the host must supply.
  private func note(_ checked: CheckedTree, _ source: ExpressionSource) {
    var found: [(UInt32, Span)] = []
    forEachVariable(in: checked) { variable, span in
      if variable.constant == nil, binder.constants[variable.id] == nil { found.append((variable.id, span)) }
    }
    for (number, span) in found where needed.insert(number).inserted {
      guard binder.attribute(number) != nil else { continue }
      needs.append((number, source.position(atByte: Int(span.start))))
    }
  }

  private func forEachVariable(in checked: CheckedTree, _ body: (Variable, Span) -> Void) {
    for (index, reference) in checked.references.enumerated() {
      switch reference {
      case .variable(let variable), .presence(let variable), .optional(let variable):
        body(variable, checked.tree[CEL.NodeID(Int32(truncatingIfNeeded: index))].span)
      default: continue
      }
    }
  }
}
