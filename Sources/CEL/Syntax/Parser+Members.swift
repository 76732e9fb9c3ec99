// Members and primaries: names, selections, calls, indexes, and the literals of lists, maps and messages.

extension Parser {
  mutating func parseMember() -> NodeID {
    let start = current.start
    let first = position
    var operand = parsePrimary()
    while !isPanicking {
      switch current.kind {
      case .dot:
        advance()
        let isOptional = acceptOptionalMark()
        operand =
          isOptional ? parseOptionalSelection(of: operand, from: start) : parseSelection(of: operand, from: start)
      case .openBracket:
        let anchor = current.start
        advance()
        let isOptional = acceptOptionalMark()
        let index = parseExpression()
        expectClosing(.closeBracket, "`]`")
        operand = append(
          .call(function: isOptional ? "_[?_]" : "_[_]", target: nil, arguments: [operand, index]), from: start, anchor: anchor,
          over: operand, index)
      case .openBrace:
        guard isPlainNames(from: first), let (type, nodeCount) = qualifiedName(operand) else {
          fail(at: current.span, "only a message type's name can stand before `{`")
          return operand
        }
        takeBack(nodeCount)
        operand = parseMessage(type, from: start)
      default:
        return operand
      }
    }
    return operand
  }

  private mutating func parseSelection(of operand: NodeID, from start: UInt32) -> NodeID {
    let name = current
    switch name.kind {
    case .identifier, .reserved:
      advance()
      let field = spelling(name)
      if current.kind == .openParenthesis { return parseMethod(field, at: name, of: operand, from: start) }
      return append(
        .select(operand: operand, field: field, isTest: false), from: start, anchor: name.start, over: operand)
    case .quotedIdentifier:
      advance()
      return append(
        .select(operand: operand, field: quotedName(name), isTest: false), from: start, anchor: name.start,
        over: operand)
    default:
      unexpected("a field's name after `.`")
      return operand
    }
  }

  private mutating func parsePrimary() -> NodeID {
    let token = current
    switch token.kind {
    case .openParenthesis:
      advance()
      let inner = parseExpression()
      expectClosing(.closeParenthesis, "`)`")
      return inner
    case .openBracket: return parseList()
    case .openBrace: return parseMap()
    case .identifier: return parseName(isRooted: false)
    case .dot:
      guard self.token(at: position &+ 1).kind == .identifier else {
        advance()
        unexpected("a name after `.`")
        return appendInvalid()
      }
      advance()
      return parseName(isRooted: true)
    case .reserved:
      fail(at: token.span, "`\(spelling(token))` is a reserved word")
      advance()
      return appendInvalid()
    case .quotedIdentifier:
      fail(at: token.span, "only a field's name can stand in backquotes, after `.`")
      advance()
      return appendInvalid()
    default:
      if let literal = parseLiteral() { return append(.literal(literal), from: token.start, anchor: token.start) }
      unexpected("an expression")
      return appendInvalid()
    }
  }

  /// Nil without taking anything where no literal starts. A literal that is wrong is reported and stands as null.
  private mutating func parseLiteral() -> Literal? {
    let reader = LiteralReader(text: text)
    let isNegative = startsNegativeNumber
    if isNegative { advance() }
    let token = current
    let literal: Literal?
    switch token.kind {
    case .null: literal = .null
    case .true: literal = .bool(true)
    case .false: literal = .bool(false)
    case .int: literal = reader.int(token, isNegative: isNegative).map { .int($0) }
    case .uint: literal = reader.magnitude(token).map { .uint($0) }
    case .double: literal = reader.double(token).map { .double(isNegative ? -$0 : $0) }
    case .string: literal = reader.quoted(token, diagnostics: &diagnostics).map { .string($0) }
    case .bytes: literal = reader.quoted(token, diagnostics: &diagnostics).map { .bytes($0) }
    default: return nil
    }
    advance()
    if let literal { return literal }
    if token.kind != .string, token.kind != .bytes {
      let type = token.kind == .int ? "an int" : token.kind == .uint ? "a uint" : "a double"
      diagnostics.error(
        at: token.span, "`\(isNegative ? "-" : "")\(Parser.shortened(spelling(token)))` does not fit \(type)")
    }
    return .null
  }

  private mutating func parseName(isRooted: Bool) -> NodeID {
    let token = current
    let start = isRooted ? self.token(at: position &- 1).start : token.start
    let name = spelling(token)
    advance()
    if current.kind == .openParenthesis { return parseFunction(name, at: token, isRooted: isRooted, from: start) }
    return append(.identifier(name: name, isRooted: isRooted), from: start, anchor: token.start)
  }

  private mutating func parseFunction(
    _ name: String, at token: Token, isRooted: Bool, from start: UInt32
  ) -> NodeID {
    advance()
    let arguments = parseArguments()
    if hasMacros, !isRooted, let expanded = expand(function: name, at: token, arguments, from: start) {
      return expanded
    }
    return append(
      .call(function: isRooted ? "." + name : name, target: nil, arguments: arguments), from: start,
      anchor: token.start, over: arguments)
  }

  private mutating func parseMethod(
    _ name: String, at token: Token, of target: NodeID, from start: UInt32
  ) -> NodeID {
    if hasMacros, let macro = namespaceMacro(name, of: target) {
      takeBack(1)
      advance()
      return parseNamespaceMacro(macro, at: token, from: start)
    }
    advance()
    let macro = hasMacros ? macro(name) : nil
    let variables = macro.map { acceptVariables(of: $0) } ?? []
    // The comma after a variable has an argument behind it.
    var arguments = parseArguments(mayBeEmpty: variables.isEmpty)
    if let macro {
      let expanded = expand(
        macro, method: name, at: token, of: target, variables: variables, arguments, from: start)
      if let expanded { return expanded }
      arguments = variables.map { appendVariable($0) } + arguments
    }
    return append(
      .call(function: name, target: target, arguments: arguments), from: start, anchor: token.start,
      over: [target] + arguments)
  }

  /// After the opening parenthesis, up to and with the closing one.
  mutating func parseArguments(mayBeEmpty: Bool = true) -> [NodeID] {
    var arguments: [NodeID] = []
    parseElements(.closeParenthesis, "`,` or `)`", allowsTrailingComma: false, mayBeEmpty: mayBeEmpty) {
      arguments.append($0.parseExpression())
    }
    return arguments
  }

  private mutating func parseList() -> NodeID {
    let start = current.start
    advance()
    var elements: [NodeID] = []
    parseElements(.closeBracket, "`,` or `]`", allowsTrailingComma: true) {
      let isOptional = $0.acceptOptionalMark()
      elements.append($0.parseValue(isOptional: isOptional))
    }
    return append(.list(elements), from: start, anchor: start, over: elements)
  }

  private mutating func parseMap() -> NodeID {
    let start = current.start
    advance()
    var entries: [Node.MapEntry] = []
    var children: [NodeID] = []
    parseElements(.closeBrace, "`,` or `}`", allowsTrailingComma: true) { parser in
      let isOptional = parser.acceptOptionalMark()
      let key = parser.parseExpression()
      guard parser.accept(.colon) else { return parser.unexpected("`:` after the key") }
      let value = parser.parseValue(isOptional: isOptional)
      entries.append(Node.MapEntry(key: key, value: value))
      children.append(key)
      children.append(value)
    }
    return append(.map(entries), from: start, anchor: start, over: children)
  }

  private mutating func parseMessage(_ type: String, from start: UInt32) -> NodeID {
    let anchor = start
    advance()
    var fields: [Node.MessageField] = []
    parseElements(.closeBrace, "`,` or `}`", allowsTrailingComma: true) { parser in
      let isOptional = parser.acceptOptionalMark()
      let token = parser.current
      let name: String
      switch token.kind {
      case .identifier, .reserved: name = parser.spelling(token)
      case .quotedIdentifier: name = parser.quotedName(token)
      default: return parser.unexpected("a field's name")
      }
      parser.advance()
      guard parser.accept(.colon) else { return parser.unexpected("`:` after the field's name") }
      let value = parser.parseValue(isOptional: isOptional)
      fields.append(Node.MessageField(name: name, anchor: token.start, value: value))
    }
    return append(.message(type: type, fields: fields), from: start, anchor: anchor, over: fields.map { $0.value })
  }

  /// Elements with commas between, up to and with `closing`. A faulty element is skipped.
  mutating func parseElements(
    _ closing: Token.Kind, _ expected: String, allowsTrailingComma: Bool, mayBeEmpty: Bool = true,
    _ parse: (inout Parser) -> Void
  ) {
    if mayBeEmpty, accept(closing) { return }
    // The grammar has the last comma apart from the elements: `[,]` is an empty list.
    if allowsTrailingComma, current.kind == .comma, token(at: position &+ 1).kind == closing {
      advance()
      advance()
      return
    }
    while true {
      parse(&self)
      if !isPanicking, current.kind != .comma, current.kind != closing { unexpected(expected) }
      if isPanicking { synchronize() }
      if accept(.comma) {
        if allowsTrailingComma, accept(closing) { return }
        continue
      }
      if !accept(closing) { unexpected(expected) }
      return
    }
  }

  mutating func expectClosing(_ kind: Token.Kind, _ name: String) {
    if !isPanicking, current.kind != kind { unexpected(name) }
    if isPanicking {
      // What is wrong inside the brackets need not hide what is wrong after them.
      synchronize()
      while current.kind == .comma {
        advance()
        synchronize()
      }
      if current.kind == kind {
        advance()
      } else {
        isPanicking = true
      }
      return
    }
    advance()
  }

  /// Whether from there to here are names and dots only: no parentheses, no backquotes.
  private func isPlainNames(from first: Int) -> Bool {
    for index in first..<max(first, position) {
      switch token(at: index).kind {
      case .dot, .identifier, .reserved: continue
      default: return false
      }
    }
    return true
  }

  /// `a.b.C` or `.a.b.C` of a node that is nothing but names, and of how many nodes it is made.
  private func qualifiedName(_ id: NodeID) -> (name: String, nodeCount: Int)? {
    var fields: [String] = []
    var next = id
    while true {
      switch tree[next].kind {
      case .select(let operand, let field, false):
        fields.append(field)
        next = operand
      case .identifier(let name, let isRooted):
        var result = isRooted ? "." + name : name
        for field in fields.reversed() { result += "." + field }
        return (result, fields.count &+ 1)
      default: return nil
      }
    }
  }
}
