// A tree to CEL's text: as few parentheses as the tree needs, macros as macros, one blank around operators. What is
// printed parses to the same tree.
//
// Each construct has a binding, and stands in a place that asks for one; where the place asks for more, the construct
// gets parentheses:
//
//   conditional 0   ||  1   &&  2   relations 3   + - 4   * / % 5   ! - 6   member and primary 7
//
// Not every tree has a text: one with an `invalid` node, a NaN, a name that is none, or an operator with a wrong number
// of operands has not, nor has one that is deeper or whose text is longer than a limit. No text comes of these.

public struct Printer {
  public struct Limits: Sendable {
    public var depthMax = 256
    /// Of the printed text.
    public var bytesMax = 1_000_000

    public init(depthMax: Int = 256, bytesMax: Int = 1_000_000) {
      self.depthMax = depthMax
      self.bytesMax = bytesMax
    }
  }

  let tree: Tree
  let limits: Limits
  var bytes: [UInt8] = []
  /// The tree has no text.
  var isRefused = false
  private var depth = 0

  /// The text of the whole tree, or nil if it has none.
  public static func text(of tree: Tree, limits: Limits = Limits()) -> String? {
    text(of: tree.root, in: tree, limits: limits)
  }

  /// The text of a node and what is below it, as an expression of its own.
  public static func text(of node: NodeID, in tree: Tree, limits: Limits = Limits()) -> String? {
    var printer = Printer(tree: tree, limits: limits)
    printer.write(node, in: Binding.conditional)
    return printer.isRefused ? nil : String(decoding: printer.bytes, as: UTF8.self)
  }

  private init(tree: Tree, limits: Limits) {
    self.tree = tree
    self.limits = limits
  }

  enum Binding {
    static var conditional: Int { 0 }
    static var or: Int { 1 }
    static var and: Int { 2 }
    static var relation: Int { 3 }
    static var sum: Int { 4 }
    static var product: Int { 5 }
    static var unary: Int { 6 }
    static var member: Int { 7 }
  }

  mutating func write(_ text: StaticString) {
    for at in 0..<text.utf8CodeUnitCount { bytes.append(text.utf8Start[at]) }
  }

  mutating func refuse() { isRefused = true }

  /// Prints `id` where a construct of binding `least` or more may stand.
  mutating func write(_ id: NodeID, in least: Int) {
    if isRefused { return }
    if depth >= limits.depthMax || bytes.count > limits.bytesMax { return refuse() }
    depth &+= 1
    defer { depth &-= 1 }
    let kind = tree[id].kind
    let needsParentheses = binding(kind) < least
    if needsParentheses { write("(") }
    write(kind)
    if needsParentheses { write(")") }
  }

  private func binding(_ kind: Node.Kind) -> Int {
    switch kind {
    case .conditional: Binding.conditional
    case .or: Binding.or
    case .and: Binding.and
    case .call(let function, nil, let arguments):
      arguments.count == 1 && Printer.unaryOperator(function) != nil
        ? Binding.unary
        : arguments.count == 2 ? Printer.binaryOperator(function)?.binding ?? Binding.member : Binding.member
    default: Binding.member
    }
  }

  private mutating func write(_ kind: Node.Kind) {
    switch kind {
    case .invalid: refuse()
    case .literal(let literal): write(literal)
    case .identifier(let name, let isRooted):
      if isRooted { write(".") }
      if isRooted || !writeHiddenName(name) { writeName(name, mayBeReserved: false) }
    case .select(let operand, let field, let isTest):
      if isTest { write("has(") }
      write(operand, in: Binding.member)
      write(".")
      writeField(field)
      if isTest { write(")") }
    case .call(let function, let target, let arguments): writeCall(function, target, arguments)
    case .and(let operands): write(operands, between: " && ", in: Binding.and)
    case .or(let operands): write(operands, between: " || ", in: Binding.or)
    case .conditional(let condition, let then, let otherwise):
      write(condition, in: Binding.or)
      write(" ? ")
      write(then, in: Binding.or)
      write(" : ")
      write(otherwise, in: Binding.conditional)
    case .list(let elements):
      write("[")
      for (at, element) in elements.enumerated() {
        if at > 0 { write(", ") }
        let value = writeOptionalMark(element)
        write(value, in: Binding.conditional)
      }
      write("]")
    case .map(let entries):
      write("{")
      for (at, entry) in entries.enumerated() {
        if at > 0 { write(", ") }
        let value = writeOptionalMark(entry.value)
        write(entry.key, in: Binding.conditional)
        write(": ")
        write(value, in: Binding.conditional)
      }
      write("}")
    case .message(let type, let fields): writeMessage(type, fields)
    case .comprehension(let comprehension): writeMacro(comprehension)
    case .bindings(let bindings): writeBindings(bindings)
    }
  }

  /// `a && b && c`: the parser makes one node of a chain, so an operand of the same kind was in parentheses.
  private mutating func write(_ operands: [NodeID], between symbol: StaticString, in binding: Int) {
    if operands.count < 2 { return refuse() }
    for (at, operand) in operands.enumerated() {
      if at > 0 { write(symbol) }
      write(operand, in: binding &+ 1)
    }
  }

  mutating func writeList(_ elements: [NodeID]) {
    for (at, element) in elements.enumerated() {
      if at > 0 { write(", ") }
      write(element, in: Binding.conditional)
    }
  }

  private mutating func writeMessage(_ type: String, _ fields: [Node.MessageField]) {
    writeDotted(type)
    write("{")
    for (at, field) in fields.enumerated() {
      if at > 0 { write(", ") }
      let value = writeOptionalMark(field.value)
      writeField(field.name)
      write(": ")
      write(value, in: Binding.conditional)
    }
    write("}")
  }

  private mutating func writeMacro(_ comprehension: Node.Comprehension) {
    write(comprehension.range, in: Binding.member)
    write(".")
    bytes.append(contentsOf: Array(comprehension.macro.rawValue.utf8))
    write("(")
    for (at, variable) in comprehension.variables.enumerated() {
      if at > 0 { write(", ") }
      if !writeHiddenName(variable) { writeName(variable, mayBeReserved: false) }
    }
    for part in [comprehension.predicate, comprehension.transform] {
      guard let part else { continue }
      write(", ")
      write(part, in: Binding.conditional)
    }
    write(")")
  }
}
