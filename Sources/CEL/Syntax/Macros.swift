// Macros: calls by name and number of arguments that become something else at parse time.
//
//   has(a.b)                           select with `isTest`
//   range.all(x, p)                    comprehension: `predicate` is p
//   range.exists(x, p), .exists_one(x, p), .existsOne(x, p), .filter(x, p)
//   range.map(x, t), .map(x, p, t)     comprehension: `transform` is t
//
// With another number of arguments they are ordinary calls.

extension Parser {
  static func isComprehension(_ name: String) -> Bool { macro(name) != nil }

  static func macro(_ name: String) -> Node.Macro? {
    switch name {
    case "all": .all
    case "exists": .exists
    case "exists_one", "existsOne": .existsOne
    case "filter": .filter
    case "map": .map
    default: nil
    }
  }

  /// `has`, or nil if this is no macro.
  mutating func expand(function name: String, at token: Token, _ arguments: [NodeID], from start: UInt32) -> NodeID? {
    guard name == "has", arguments.count == 1, let argument = arguments.first else { return nil }
    switch tree[argument].kind {
    case .select(let operand, let field, false):
      tree.replace(
        argument, kind: .select(operand: operand, field: field, isTest: true),
        span: Span(start, max(start, lastEnd)))
      return argument
    case .invalid: return argument
    default:
      var message = "`has` takes a field such as `a.b`"
      if isIndex(argument) { message += ": for a map's key write `\"key\" in map`" }
      diagnostics.error(at: tree[argument].span, message)
      return argument
    }
  }

  private func isInvalid(_ id: NodeID) -> Bool {
    if case .invalid = tree[id].kind { return true }
    return false
  }

  private func isIndex(_ id: NodeID) -> Bool {
    if case .call("_[_]", nil, _) = tree[id].kind { return true }
    return false
  }

  /// A comprehension, or nil if this is no macro. `variable` is the first argument where that is a plain name;
  /// `rest` are the other arguments, or all.
  mutating func expand(
    method name: String, at token: Token, of target: NodeID, variable: Token?, _ rest: [NodeID], from start: UInt32
  ) -> NodeID? {
    guard let macro = Parser.macro(name) else { return nil }
    let count = rest.count &+ (variable == nil ? 0 : 1)
    guard count == 2 || (count == 3 && macro == .map) else { return nil }
    guard let variable else {
      if let first = rest.first, !isInvalid(first) {
        diagnostics.error(
          at: tree[first].span, "the first argument of `\(name)` must be a plain name: the variable it introduces")
      }
      return target
    }
    guard let last = rest.last, let first = rest.first else { return nil }
    let comprehension = Node.Comprehension(
      macro: macro, range: target, variables: [spelling(variable)],
      predicate: macro != .map || count == 3 ? first : nil, transform: macro == .map ? last : nil)
    return append(
      .comprehension(comprehension), from: start, anchor: token.start, over: [target] + rest)
  }
}
