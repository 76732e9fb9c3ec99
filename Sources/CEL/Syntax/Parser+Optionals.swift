// The question marks of optionals: `a.?b`, `a[?k]`, `[?e]`, `{?k: v}`, `T{?f: v}`.

extension Parser {
  /// Takes a `?`, which is reported where optionals are not enabled.
  mutating func acceptOptionalMark() -> Bool {
    guard current.kind == .question else { return false }
    if !extensions.contains(.optionals) {
      fail(at: current.span, "`?` here needs the extension `optionals`, which is not enabled")
    }
    advance()
    return true
  }

  /// After `.?`.
  mutating func parseOptionalSelection(of operand: NodeID, from start: UInt32) -> NodeID {
    let token = current
    let name: String
    switch token.kind {
    case .identifier, .reserved: name = spelling(token)
    case .quotedIdentifier: name = quotedName(token)
    default:
      unexpected("a field's name after `.?`")
      return operand
    }
    advance()
    if current.kind == .openParenthesis {
      fail(at: current.span, "`.?` selects a field: a method is called with `.`")
      return operand
    }
    let field = append(.literal(.string(Array(name.utf8))), from: token.start, anchor: token.start)
    return append(
      .call(function: "_?._", target: nil, arguments: [operand, field]), from: start, anchor: token.start,
      over: operand, field)
  }

  /// An element, or what stands after a colon; with `isOptional` wrapped as `Tree.optionalEntry` finds it.
  mutating func parseValue(isOptional: Bool) -> NodeID {
    let start = current.start
    let value = parseExpression()
    guard isOptional, !isPanicking else { return value }
    return append(.call(function: "?_", target: nil, arguments: [value]), from: start, anchor: start, over: value)
  }

  /// A name without its backquotes.
  func quotedName(_ token: Token) -> String {
    let (first, last) = (Int(token.start) &+ 1, Int(token.end) &- 1)
    return first <= last ? String(decoding: text[first..<last], as: UTF8.self) : ""
  }
}
