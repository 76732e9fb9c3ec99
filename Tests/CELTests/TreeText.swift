// The printed form of a tree, for golden tests: operators and calls are written (function argument …), a method's
// receiver stands before the dot.

import CEL

struct TreeText {
  let tree: Tree

  init(_ tree: Tree) { self.tree = tree }

  var text: String { text(tree.root) }

  func text(_ id: NodeID) -> String {
    switch tree[id].kind {
    case .invalid: "<invalid>"
    case .literal(let literal): TreeText.text(literal)
    case .identifier(let name, let isRooted): (isRooted ? "." : "") + name
    case .select(let operand, let field, let isTest): (isTest ? "has:" : "") + text(operand) + "." + field
    case .call(let function, let target, let arguments):
      "(" + (target.map { text($0) + "." } ?? "") + join([function] + arguments.map { text($0) }) + ")"
    case .and(let operands): "(" + join(["&&"] + operands.map { text($0) }) + ")"
    case .or(let operands): "(" + join(["||"] + operands.map { text($0) }) + ")"
    case .conditional(let condition, let then, let otherwise):
      "(" + join(["?", text(condition), text(then), text(otherwise)]) + ")"
    case .list(let elements): "[" + join(elements.map { text($0) }) + "]"
    case .map(let entries): "{" + join(entries.map { text($0.key) + ":" + text($0.value) }) + "}"
    case .message(let type, let fields): type + "{" + join(fields.map { $0.name + ":" + text($0.value) }) + "}"
    case .bindings(let it):
      "(" + (it.isBlock ? "block" : "bind") + " "
        + join(zip(it.variables, it.values).map { $0 + "=" + text($1) } + ["in", text(it.result)]) + ")"
    case .comprehension(let it):
      "("
        + join(
          [it.macro.rawValue, text(it.range)] + it.variables
            + [it.predicate.map { "if:" + text($0) }, it.transform.map { "to:" + text($0) }].compactMap { $0 })
        + ")"
    }
  }

  private func join(_ parts: [String]) -> String { parts.joined(separator: " ") }

  static func text(_ literal: Literal) -> String {
    switch literal {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .int(let value): "\(value)"
    case .uint(let value): "\(value)u"
    case .double(let value): "\(value)"
    case .string(let bytes): "'" + String(decoding: bytes, as: UTF8.self) + "'"
    case .bytes(let bytes): "b\(bytes)"
    }
  }
}

/// A problem as `start-end message`.
func problems(_ diagnostics: Diagnostics) -> [String] {
  diagnostics.items.map { "\($0.span.start)-\($0.span.end) \($0.message)" }
}

/// The printed tree, or the problems joined by `; `.
func parsed(
  _ text: String, limits: Parser.Limits = Parser.Limits(), macros: Bool = true, extensions: Set<Extension> = []
) -> String {
  var diagnostics = Diagnostics()
  guard
    let tree = Parser.parse(
      Array(text.utf8), limits: limits, macros: macros, extensions: extensions, diagnostics: &diagnostics)
  else {
    return problems(diagnostics).joined(separator: "; ")
  }
  return TreeText(tree).text
}
