// What ends a host and can be told from the text: a forced unwrap, an assertion, a conversion that does not fit. A
// lexer cannot decide whether `a + b` overflows or `a[i]` is in bounds; reviews and hostile tests are for those.

struct Trap: Equatable {
  enum Kind: String, CaseIterable {
    case forcedUnwrap = "forced unwrap `!`"
    case forcedTry = "`try!`"
    case forcedCast = "`as!`"
    case assertion = "an assertion ends the host"
    case unowned = "`unowned` ends the host when its object is gone"
    case narrowing = "a narrowing conversion; say truncatingIfNeeded, clamping or exactly"
    case fromFloat = "a conversion from a floating-point number; say exactly, or bound it first"
    case emptyRemoval = "ends the host when the collection is empty; see popLast and popFirst"
    case uniqueKeys = "ends the host on a repeated key; see uniquingKeysWith"
    case processCall = "a library does not end, signal, configure itself from, or talk over its process"
  }

  var kind: Kind
  var line: Int
}

enum TrapFinder {
  private static let assertions: Set = [
    "fatalError", "precondition", "preconditionFailure", "assert", "assertionFailure", "dispatchPrecondition",
  ]
  private static let processCalls: Set = [
    "abort", "exit", "_exit", "quick_exit", "signal", "sigaction", "raise", "getenv", "secure_getenv", "setenv",
    "putenv", "print", "debugPrint", "dump", "printf", "fprintf", "vprintf", "puts", "putchar", "perror",
  ]
  private static let removals: Set = ["removeFirst", "removeLast"]
  private static let narrow: Set = ["Int8", "Int16", "Int32", "UInt8", "UInt16", "UInt32"]
  private static let wide: Set = ["Int", "Int64", "UInt", "UInt64"]
  private static let floatWords: Set = ["Double", "Float", "rounded", "floor", "ceil", "round", "trunc"]
  private static let keywordsBeforePrefix: Set = ["return", "in", "case", "where", "if", "guard", "while", "else"]

  /// In the order of their lines.
  static func traps(in text: String) -> [Trap] {
    let tokens = Lexer.tokens(of: text)
    var traps: [Trap] = []
    for (index, token) in tokens.enumerated() {
      let previous = index > 0 ? tokens[index - 1] : nil
      let next = index + 1 < tokens.count ? tokens[index + 1] : nil
      let isCalled = next?.text == "("
      func found(_ kind: Trap.Kind) { traps.append(Trap(kind: kind, line: token.line)) }

      switch token.kind {
      case .sign:
        if isForcing(token, after: previous) {
          switch previous?.text {
          case "try": found(.forcedTry)
          case "as": found(.forcedCast)
          default: found(.forcedUnwrap)
          }
        }
      case .word:
        if assertions.contains(token.text), isCalled, previous?.text != "func" { found(.assertion) }
        if processCalls.contains(token.text), isCalled, previous?.text != "func", previous?.text != "." {
          found(.processCall)
        }
        if token.text == "unowned" { found(.unowned) }
        if token.text == "unsafelyUnwrapped" { found(.forcedUnwrap) }
        if removals.contains(token.text), isCalled, previous?.text == "." { found(.emptyRemoval) }
        if token.text == "uniqueKeysWithValues" { found(.uniqueKeys) }
        if isCalled, narrow.contains(token.text) || wide.contains(token.text), previous?.text != "func" {
          let argument = Array(tokens[(index + 2)...].prefix { _ in true })
          if let kind = conversion(to: token.text, argument) { found(kind) }
        }
      case .number, .string, .mark: break
      }
    }
    return traps
  }

  /// A postfix `!`: it touches what is before it, and that can be a value or a type.
  private static func isForcing(_ sign: Token, after previous: Token?) -> Bool {
    guard sign.touchesPrevious, let previous, sign.text.hasSuffix("!") else { return false }
    guard sign.text.allSatisfy({ $0 == "!" || $0 == "?" || $0 == ">" }) else { return false }
    switch previous.kind {
    case .word: return !keywordsBeforePrefix.contains(previous.text)
    case .number, .string: return true
    case .mark: return previous.text == ")" || previous.text == "]" || previous.text == "}" || previous.text == "`"
    case .sign: return false
    }
  }

  /// What is wrong with `Type(argument…`; the tokens begin after the parenthesis.
  private static func conversion(to type: String, _ rest: [Token]) -> Trap.Kind? {
    var depth = 1
    var argument: [Token] = []
    for token in rest {
      if token.text == "(" || token.text == "[" || token.text == "{" { depth += 1 }
      if token.text == ")" || token.text == "]" || token.text == "}" { depth -= 1 }
      if depth == 0 { break }
      argument.append(token)
    }
    // A label says how: truncatingIfNeeded, clamping, exactly, bitPattern, ascii, littleEndian.
    if argument.isEmpty || argument.count >= 2 && argument[0].kind == .word && argument[1].text == ":" { return nil }
    if argument.allSatisfy({ $0.kind == .number && !$0.text.contains(".") }) { return nil }
    // `Int("12")` gives an Optional.
    if argument[0].kind == .string { return nil }
    let isFloat = argument.contains {
      floatWords.contains($0.text) || $0.kind == .number && $0.text.contains(".") && !$0.text.hasPrefix("0x")
    }
    if isFloat { return .fromFloat }
    return narrow.contains(type) ? .narrowing : nil
  }
}
