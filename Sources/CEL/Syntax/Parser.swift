// Tokens to a tree, by recursive descent over CEL's grammar (cel-spec, langdef, "Syntax"):
//
//   Expr            conditional, right associative; its middle is no conditional itself
//     binary        ||  &&  relations  + -  * / %     each left associative, by precedence
//       unary       a run of ! or of -
//         member    .field  .call()  [index]  {fields}
//           primary
//
// Two things are bounded by `depthMax`: how deep this recursion goes, and the height of every node, so that
// a chain (`a + b + c …`, a tall tree of little text depth) cannot overflow the stack of later walks either.
//
// After an error the parser is silent (`isPanicking`) until the next comma or closing bracket of a list it is in;
// from there it goes on, so that one faulty element does not hide the next.

public struct Parser {
  public struct Limits: Sendable {
    public var depthMax = 128
    /// Of the expression's text.
    public var bytesMax = 100_000
    public var nodesMax = 50_000

    public init(depthMax: Int = 128, bytesMax: Int = 100_000, nodesMax: Int = 50_000) {
      self.depthMax = depthMax
      self.bytesMax = bytesMax
      self.nodesMax = nodesMax
    }
  }

  let text: UnsafeBufferPointer<UInt8>
  let tokens: [Token]
  let limits: Limits
  let hasMacros: Bool
  let extensions: Set<Extension>
  var position = 0
  var tree = Tree()
  var diagnostics: Diagnostics
  var isPanicking = false
  /// Parallel to `tree.nodes`.
  private var heights: [Int32] = []
  private var depth = 0
  /// A limit was passed: nothing more is parsed.
  private var isExhausted = false

  /// The tree of `text`, or nil with at least one error in `diagnostics`. `macros` off leaves `has`, `all`, `map`
  /// and so on as calls. `extensions` are those with syntax or macros of their own.
  public static func parse(
    _ text: [UInt8], limits: Limits = Limits(), macros: Bool = true, extensions: Set<Extension> = [],
    diagnostics: inout Diagnostics
  ) -> Tree? {
    guard text.count <= limits.bytesMax, text.count <= Int(UInt32.max) else {
      diagnostics.error(at: Span(0, 0), "expression is longer than \(limits.bytesMax) bytes")
      return nil
    }
    return text.withUnsafeBufferPointer { bytes in
      // Checked once, before lexing, so that strings taken out of the text need no further check.
      if let offset = Bytes(bytes.baseAddress, count: UInt32(truncatingIfNeeded: bytes.count)).firstInvalidUTF8 {
        let start = UInt32(truncatingIfNeeded: offset)
        diagnostics.error(at: Span(start, start &+ 1), "expression is not valid UTF-8")
        return nil
      }
      // The caller's earlier errors are not this expression's.
      var own = Diagnostics()
      let tokens = Lexer.lex(bytes, diagnostics: &own)
      var parser = Parser(
        text: bytes, tokens: tokens, limits: limits, hasMacros: macros, extensions: extensions, diagnostics: own)
      parser.parseWhole()
      parser.diagnostics.sort()
      diagnostics.add(parser.diagnostics)
      return parser.diagnostics.hasErrors ? nil : parser.tree
    }
  }

  private init(
    text: UnsafeBufferPointer<UInt8>, tokens: [Token], limits: Limits, hasMacros: Bool,
    extensions: Set<Extension>, diagnostics: Diagnostics
  ) {
    self.text = text
    self.tokens = tokens
    self.limits = limits
    self.hasMacros = hasMacros
    self.extensions = extensions
    self.diagnostics = diagnostics
  }

  private mutating func parseWhole() {
    if current.kind == .end, !diagnostics.hasErrors {
      diagnostics.error(at: current.span, "expression is empty")
      return
    }
    tree.root = parseExpression()
    if current.kind != .end { unexpected("the end of the expression") }
  }
}

// Tokens.
extension Parser {
  var current: Token { token(at: position) }

  /// The last token is `end`, for every position from there on.
  func token(at index: Int) -> Token {
    if index < tokens.count { return tokens[index] }
    return tokens.last ?? Token(kind: .end, start: 0, end: 0)
  }

  /// Where the token before the current one ends.
  var lastEnd: UInt32 { position > 0 ? token(at: position &- 1).end : 0 }

  func spelling(_ token: Token) -> String {
    String(decoding: text[Int(token.start)..<Int(token.end)], as: UTF8.self)
  }

  mutating func advance() { position &+= 1 }

  mutating func accept(_ kind: Token.Kind) -> Bool {
    guard current.kind == kind else { return false }
    advance()
    return true
  }

  /// Reports that `expected` should stand here, once, and starts panicking.
  mutating func unexpected(_ expected: String) {
    let token = current
    defer { isPanicking = true }
    if isPanicking || token.kind == .invalid { return }
    if token.kind == .end {
      diagnostics.error(at: token.span, "expected \(expected), but the expression ends here")
      return
    }
    var message = "expected \(expected), found `\(Parser.shortened(spelling(token)))`"
    if token.kind == .identifier {
      switch spelling(token) {
      case "and", "AND": message += ": write `&&`"
      case "or", "OR": message += ": write `||`"
      case "not", "NOT": message += ": write `!`"
      default: break
      }
    }
    diagnostics.error(at: token.span, message)
  }

  mutating func fail(at span: Span, _ message: String) {
    if !isPanicking { diagnostics.error(at: span, message) }
    isPanicking = true
  }

  static func shortened(_ text: String) -> String {
    text.utf8.count <= 40 ? text : String(text.unicodeScalars.prefix(30)) + "…"
  }

  /// Moves to the next comma, or closing bracket of the list the parser is in, and stops panicking.
  mutating func synchronize() {
    var open = 0
    while true {
      switch current.kind {
      case .end: return
      case .openParenthesis, .openBracket, .openBrace: open &+= 1
      case .closeParenthesis, .closeBracket, .closeBrace:
        if open == 0 {
          isPanicking = isExhausted
          return
        }
        open &-= 1
      case .comma where open == 0:
        isPanicking = isExhausted
        return
      default: break
      }
      advance()
    }
  }

  /// Passes a limit: reports it and ends the parse.
  private mutating func exhaust(at span: Span, _ message: String) {
    if !isExhausted { fail(at: span, message) }
    isExhausted = true
    position = max(position, tokens.count &- 1)
  }
}

// Nodes.
extension Parser {
  mutating func append(_ kind: Node.Kind, from start: UInt32, anchor: UInt32, over children: NodeID...) -> NodeID {
    append(kind, from: start, anchor: anchor, over: children)
  }

  /// Adds a node that spans from `start` to the last token taken. `children` are all of its children.
  mutating func append(_ kind: Node.Kind, from start: UInt32, anchor: UInt32, over children: [NodeID]) -> NodeID {
    var height: Int32 = 0
    for child in children where heights.indices.contains(Int(child.index)) {
      height = max(height, heights[Int(child.index)])
    }
    height &+= 1
    let span = Span(start, max(start, lastEnd))
    if height > limits.depthMax { exhaustDepth(at: Span(anchor, anchor &+ 1)) }
    if tree.nodes.count >= limits.nodesMax {
      exhaust(at: Span(anchor, anchor), "expression has more than \(limits.nodesMax) parts")
    }
    // Past a limit the tree is thrown away; a flat node keeps what is left of the parse harmless.
    heights.append(isExhausted ? 0 : height)
    return tree.append(Node(span: span, anchor: anchor, kind: isExhausted ? .invalid : kind))
  }

  /// Takes back the last nodes: names that turned out to be a type's, and are no expression.
  mutating func takeBack(_ count: Int) {
    tree.takeBack(count)
    for _ in 0..<min(count, heights.count) { _ = heights.popLast() }
  }

  mutating func appendInvalid() -> NodeID { append(.invalid, from: current.start, anchor: current.start) }

  private mutating func exhaustDepth(at span: Span) {
    exhaust(at: span, "expression is nested deeper than \(limits.depthMax) levels")
  }

  /// One level down, with `leave` on the way back; false past the limit.
  mutating func enter() -> Bool {
    guard depth < limits.depthMax else {
      exhaustDepth(at: current.span)
      return false
    }
    depth &+= 1
    return true
  }

  mutating func leave() { depth &-= 1 }
}
