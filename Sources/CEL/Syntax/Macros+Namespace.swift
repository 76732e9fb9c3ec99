// The macros of the name `cel`.
//
//   cel.bind(x, v, r)                  bindings of one: r with x for v
//   cel.block([v0, v1, …], r)          bindings of many, each for those after it and for r
//   cel.index(n)                       the block's value number n: an identifier `@index‹n›`
//   cel.iterVar(d, n), cel.accuVar(d, n)
//                                      identifiers that no text can spell, also as a macro's variables; optimisers
//                                      write them for variables that they renamed
//
// Here the form of the call alone decides: where one of these is enabled, its name is never an ordinary method's of
// `cel`, and wrong arguments are reported.

extension Parser {
  enum NamespaceMacro: String {
    case bind, block, index, iterVar, accuVar
  }

  func namespaceMacro(_ name: String, of target: NodeID) -> NamespaceMacro? {
    guard let macro = NamespaceMacro(rawValue: name), extensions.contains(macro == .bind ? .bindings : .block),
      case .identifier("cel", isRooted: false) = tree[target].kind, Int(target.index) == tree.nodes.count &- 1
    else { return nil }
    return macro
  }

  /// After the opening parenthesis.
  mutating func parseNamespaceMacro(_ macro: NamespaceMacro, at token: Token, from start: UInt32) -> NodeID {
    switch macro {
    case .bind: return parseBind(at: token, from: start)
    case .block: return parseBlock(at: token, from: start)
    case .index:
      guard let numbers = acceptNumbers(1), let number = numbers.first else {
        return refuse("`cel.index` takes the number of a value of the block", at: token)
      }
      return append(.identifier(name: "@index\(number)", isRooted: false), from: start, anchor: token.start)
    case .iterVar, .accuVar:
      guard let numbers = acceptNumbers(2), let name = Parser.variableName(macro, numbers) else {
        return refuse("`cel.\(macro.rawValue)` takes two numbers", at: token)
      }
      return append(.identifier(name: name, isRooted: false), from: start, anchor: token.start)
    }
  }

  private mutating func refuse(_ message: String, at token: Token) -> NodeID {
    fail(at: token.span, message)
    return appendInvalid()
  }

  private mutating func parseBind(at token: Token, from start: UInt32) -> NodeID {
    guard current.kind == .identifier, self.token(at: position &+ 1).kind == .comma else {
      return refuse("`cel.bind` takes a plain name, its value and a result", at: token)
    }
    let name = spelling(current)
    advance()
    advance()
    let arguments = parseArguments()
    guard arguments.count == 2, let value = arguments.first, let result = arguments.last else {
      return refuse("`cel.bind` takes a plain name, its value and a result", at: token)
    }
    let bindings = Node.Bindings(variables: [name], values: [value], result: result, isBlock: false)
    return append(.bindings(bindings), from: start, anchor: token.start, over: value, result)
  }

  private mutating func parseBlock(at token: Token, from start: UInt32) -> NodeID {
    guard accept(.openBracket) else { return refuse("`cel.block` takes a list of values and a result", at: token) }
    var values: [NodeID] = []
    parseElements(.closeBracket, "`,` or `]`", allowsTrailingComma: true) { values.append($0.parseExpression()) }
    guard !isPanicking, accept(.comma) else {
      return refuse("`cel.block` takes a list of values and a result", at: token)
    }
    let result = parseExpression()
    expectClosing(.closeParenthesis, "`)`")
    let variables = values.indices.map { "@index\($0)" }
    let bindings = Node.Bindings(variables: variables, values: values, result: result, isBlock: true)
    return append(.bindings(bindings), from: start, anchor: token.start, over: values + [result])
  }

  private static func variableName(_ macro: NamespaceMacro, _ numbers: [UInt64]) -> String? {
    guard numbers.count == 2, let depth = numbers.first, let number = numbers.last else { return nil }
    return (macro == .iterVar ? "@it:" : "@ac:") + "\(depth):\(number)"
  }

  /// `3, 4)`: so many integers and the closing parenthesis, or nil.
  private mutating func acceptNumbers(_ count: Int) -> [UInt64]? {
    let numbers = numbers(count, from: position)
    if numbers != nil { position &+= count &* 2 }
    return numbers
  }

  private func numbers(_ count: Int, from first: Int) -> [UInt64]? {
    let reader = LiteralReader(text: text)
    var numbers: [UInt64] = []
    var position = first
    while true {
      guard token(at: position).kind == .int, let number = reader.magnitude(token(at: position)),
        number <= UInt64(Int64.max)
      else { return nil }
      numbers.append(number)
      position &+= 1
      if numbers.count == count { return token(at: position).kind == .closeParenthesis ? numbers : nil }
      guard token(at: position).kind == .comma else { return nil }
      position &+= 1
    }
  }

  /// `cel.iterVar(0, 1),` or `cel.accuVar(0, 1),` where a macro's variable can stand; taken with its comma.
  mutating func acceptIterationVariable() -> MacroVariable? {
    guard extensions.contains(.block), current.kind == .identifier, spelling(current) == "cel",
      token(at: position &+ 1).kind == .dot, token(at: position &+ 2).kind == .identifier,
      let macro = NamespaceMacro(rawValue: spelling(token(at: position &+ 2))), macro == .iterVar || macro == .accuVar,
      token(at: position &+ 3).kind == .openParenthesis, let numbers = numbers(2, from: position &+ 4),
      let name = Parser.variableName(macro, numbers), token(at: position &+ 8).kind == .comma
    else { return nil }
    let start = current.start
    position &+= 9
    return MacroVariable(name: name, span: Span(start, token(at: position &- 2).end))
  }
}
