// Macros: calls by name and number of arguments that become something else at parse time.
//
//   has(a.b)                           select with `isTest`
//   range.all(x, p)                    comprehension: `predicate` is p
//   range.exists(x, p), .exists_one(x, p), .existsOne(x, p), .filter(x, p)
//   range.map(x, t), .map(x, p, t)     comprehension: `transform` is t
//
// and with the extensions for them
//
//   range.all(i, x, p), .exists(i, x, p), .existsOne(i, x, p), .exists_one(i, x, p)
//   range.transformList(i, x, t), .transformList(i, x, p, t); transformMap and transformMapEntry likewise
//   value.optMap(x, t), .optFlatMap(x, t)
//   list.sortBy(x, t)
//
// With another number of arguments they are ordinary calls. The macros of the name `cel` are in Macros+Namespace.

/// A name that a macro introduces. It becomes no node: nothing in the finished tree would point to it.
struct MacroVariable {
  var name: String
  var span: Span
}

extension Node.Macro {
  /// The macro and the extension it belongs to, if it is not of core CEL.
  init?(name: String) {
    switch name {
    case "all": self = .all
    case "exists": self = .exists
    case "exists_one", "existsOne": self = .existsOne
    case "filter": self = .filter
    case "map": self = .map
    case "transformList": self = .transformList
    case "transformMap": self = .transformMap
    case "transformMapEntry": self = .transformMapEntry
    case "optMap": self = .optMap
    case "optFlatMap": self = .optFlatMap
    case "sortBy": self = .sortBy
    default: return nil
    }
  }

  /// What must be enabled for the macro; nil for those of core CEL.
  var owner: Extension? {
    switch self {
    case .all, .exists, .existsOne, .filter, .map: nil
    case .transformList, .transformMap, .transformMapEntry: .twoVariableComprehensions
    case .optMap, .optFlatMap: .optionals
    case .sortBy: .lists
    }
  }

  var isQuantifier: Bool { self == .all || self == .exists || self == .existsOne }

  /// Of so many arguments, how many are names; nil if that makes no macro.
  func variableCount(ofArguments count: Int, _ extensions: Set<Extension>) -> Int? {
    switch self {
    case .filter, .optMap, .optFlatMap, .sortBy: count == 2 ? 1 : nil
    case .map: count == 2 || count == 3 ? 1 : nil
    case .all, .exists, .existsOne:
      count == 2 ? 1 : count == 3 && extensions.contains(.twoVariableComprehensions) ? 2 : nil
    case .transformList, .transformMap, .transformMapEntry: count == 3 || count == 4 ? 2 : nil
    }
  }

  /// What the arguments are, for a message.
  var form: String {
    switch self {
    case .all, .exists, .existsOne, .filter: "a name and a condition"
    case .map: "a name and a result, or a name, a condition and a result"
    case .transformList, .transformMap: "two names and a result, or two names, a condition and a result"
    case .transformMapEntry: "two names and a map, or two names, a condition and a map"
    case .optMap: "a name and a result"
    case .optFlatMap: "a name and an optional"
    case .sortBy: "a name and a key"
    }
  }
}

extension Parser {
  func macro(_ name: String) -> Node.Macro? {
    guard let macro = Node.Macro(name: name) else { return nil }
    if let owner = macro.owner, !extensions.contains(owner) { return nil }
    return macro
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

  /// The names at the start of a macro's arguments, each taken with its comma. Only as many as the macro can have:
  /// in `a.map(x, y, z)` y is a condition.
  mutating func acceptVariables(of macro: Node.Macro) -> [MacroVariable] {
    var variables: [MacroVariable] = []
    let takesTwo =
      macro.owner == .twoVariableComprehensions
      || (macro.isQuantifier && extensions.contains(.twoVariableComprehensions))
    while variables.count < (takesTwo ? 2 : 1), let variable = acceptVariable() { variables.append(variable) }
    return variables
  }

  private mutating func acceptVariable() -> MacroVariable? {
    if let variable = acceptIterationVariable() { return variable }
    guard current.kind == .identifier, token(at: position &+ 1).kind == .comma else { return nil }
    let variable = MacroVariable(name: spelling(current), span: current.span)
    advance()
    advance()
    return variable
  }

  /// What turned out to be an argument like any other.
  mutating func appendVariable(_ variable: MacroVariable) -> NodeID {
    append(
      .identifier(name: variable.name, isRooted: false), from: variable.span.start, anchor: variable.span.start)
  }

  /// A comprehension, or nil if so many arguments make no macro. `rest` are the arguments after the `variables`.
  mutating func expand(
    _ macro: Node.Macro, method name: String, at token: Token, of target: NodeID, variables: [MacroVariable],
    _ rest: [NodeID], from start: UInt32
  ) -> NodeID? {
    let count = variables.count &+ rest.count
    guard let wanted = macro.variableCount(ofArguments: count, extensions) else { return nil }
    guard variables.count == wanted else {
      if let first = rest.first, !isInvalid(first) {
        let place = variables.isEmpty ? "first" : "second"
        diagnostics.error(
          at: tree[first].span, "the \(place) argument of `\(name)` must be a plain name: the variable it introduces")
      }
      return target
    }
    if wanted == 2, variables[0].name == variables[1].name {
      diagnostics.error(at: variables[1].span, "the two variables of `\(name)` must have different names")
    }
    guard let last = rest.last, let first = rest.first else { return nil }
    let hasTransform = !macro.isQuantifier && macro != .filter
    let comprehension = Node.Comprehension(
      macro: macro, range: target, variables: variables.map { $0.name },
      predicate: !hasTransform || rest.count == 2 ? first : nil, transform: hasTransform ? last : nil)
    return append(
      .comprehension(comprehension), from: start, anchor: token.start, over: [target] + rest)
  }
}
