// Operators, from the conditional down to the unary ones.

extension Parser {
  mutating func parseExpression() -> NodeID {
    guard enter() else { return appendInvalid() }
    defer { leave() }
    return parseConditional()
  }

  private mutating func parseConditional() -> NodeID {
    let start = current.start
    let condition = parseOr()
    guard current.kind == .question, !isPanicking else { return condition }
    let anchor = current.start
    advance()
    let then = parseOr()
    if current.kind == .question {
      fail(at: current.span, "a conditional inside a conditional's middle needs parentheses")
      return condition
    }
    guard accept(.colon) else {
      unexpected("`:` of the conditional")
      return condition
    }
    let otherwise = parseExpression()
    return append(
      .conditional(condition: condition, then: then, otherwise: otherwise), from: start, anchor: anchor,
      over: condition, then, otherwise)
  }

  private mutating func parseOr() -> NodeID {
    let start = current.start
    let first = parseAnd()
    guard current.kind == .or, !isPanicking else { return first }
    let anchor = current.start
    var operands = [first]
    while !isPanicking, accept(.or) { operands.append(parseAnd()) }
    return append(.or(operands), from: start, anchor: anchor, over: operands)
  }

  private mutating func parseAnd() -> NodeID {
    let start = current.start
    let first = parseBinary(above: 0)
    guard current.kind == .and, !isPanicking else { return first }
    let anchor = current.start
    var operands = [first]
    while !isPanicking, accept(.and) { operands.append(parseBinary(above: 0)) }
    return append(.and(operands), from: start, anchor: anchor, over: operands)
  }

  /// Relations bind at 1, sums at 2, products at 3; only operators that bind tighter than `level` are taken.
  private mutating func parseBinary(above level: Int) -> NodeID {
    let start = current.start
    var left = parseUnary()
    while !isPanicking, let (function, binding) = Parser.binaryOperator(current.kind), binding > level {
      let anchor = current.start
      advance()
      let right = parseBinary(above: binding)
      left = append(
        .call(function: function, target: nil, arguments: [left, right]), from: start, anchor: anchor,
        over: left, right)
    }
    return left
  }

  private static func binaryOperator(_ kind: Token.Kind) -> (function: String, binding: Int)? {
    switch kind {
    case .equal: ("_==_", 1)
    case .notEqual: ("_!=_", 1)
    case .less: ("_<_", 1)
    case .lessOrEqual: ("_<=_", 1)
    case .greater: ("_>_", 1)
    case .greaterOrEqual: ("_>=_", 1)
    case .in: ("@in", 1)
    case .plus: ("_+_", 2)
    case .minus: ("_-_", 2)
    case .times: ("_*_", 3)
    case .slash: ("_/_", 3)
    case .percent: ("_%_", 3)
    default: nil
    }
  }

  /// `!` and `-` repeat but do not mix (`!-x` is no CEL). The sign before a number belongs to the number.
  private mutating func parseUnary() -> NodeID {
    let kind = current.kind
    guard kind == .not || (kind == .minus && !startsNegativeNumber) else { return parseMember() }
    return parseUnaryRun(of: kind)
  }

  private mutating func parseUnaryRun(of kind: Token.Kind) -> NodeID {
    let first = position
    while current.kind == kind, !(kind == .minus && startsNegativeNumber) { advance() }
    let last = position
    if current.kind == .not || (current.kind == .minus && !startsNegativeNumber) {
      fail(at: current.span, "`!` and `-` do not follow one another: use parentheses")
      return appendInvalid()
    }
    var operand = parseMember()
    for index in (first..<last).reversed() {
      if isPanicking { break }
      let anchor = token(at: index).start
      operand = append(
        .call(function: kind == .not ? "!_" : "-_", target: nil, arguments: [operand]), from: anchor,
        anchor: anchor, over: operand)
    }
    return operand
  }

  var startsNegativeNumber: Bool {
    guard current.kind == .minus else { return false }
    let next = token(at: position &+ 1).kind
    return next == .int || next == .double
  }
}
