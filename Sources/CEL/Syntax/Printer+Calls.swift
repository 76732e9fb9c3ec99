// Calls: operators by their symbols, functions and methods by their names.

extension Printer {
  static func unaryOperator(_ function: String) -> StaticString? {
    switch function {
    case "!_": "!"
    case "-_": "-"
    default: nil
    }
  }

  static func binaryOperator(_ function: String) -> (symbol: StaticString, binding: Int)? {
    switch function {
    case "_==_": (" == ", Binding.relation)
    case "_!=_": (" != ", Binding.relation)
    case "_<_": (" < ", Binding.relation)
    case "_<=_": (" <= ", Binding.relation)
    case "_>_": (" > ", Binding.relation)
    case "_>=_": (" >= ", Binding.relation)
    case "@in": (" in ", Binding.relation)
    case "_+_": (" + ", Binding.sum)
    case "_-_": (" - ", Binding.sum)
    case "_*_": (" * ", Binding.product)
    case "_/_": (" / ", Binding.product)
    case "_%_": (" % ", Binding.product)
    default: nil
    }
  }

  mutating func writeCall(_ function: String, _ target: NodeID?, _ arguments: [NodeID]) {
    if let target {
      write(target, in: Binding.member)
      write(".")
      writeName(function, mayBeReserved: true)
    } else if arguments.count == 1, let first = arguments.first, let symbol = Printer.unaryOperator(function) {
      write(symbol)
      return writeOperand(first, of: function)
    } else if arguments.count == 2, let first = arguments.first, let second = arguments.last {
      if let (symbol, binding) = Printer.binaryOperator(function) {
        // Left associative: the right side binds tighter.
        write(first, in: binding)
        write(symbol)
        return write(second, in: binding &+ 1)
      }
      if function == "_?._" || function == "_[?_]" { return writeOptional(function, first, second) }
      if function == "_[_]" {
        write(first, in: Binding.member)
        write("[")
        write(second, in: Binding.conditional)
        return write("]")
      }
      writeDotted(function)
    } else {
      writeDotted(function)
    }
    write("(")
    writeList(arguments)
    write(")")
  }

  /// `!` and `-` repeat, but do not follow one another. A minus before digits would become the number's sign.
  private mutating func writeOperand(_ operand: NodeID, of function: String) {
    var isRun = false
    if case .call(function, nil, let arguments) = tree[operand].kind, arguments.count == 1 { isRun = true }
    if function == "-_", startsWithDigit(operand) {
      write("(")
      write(operand, in: Binding.conditional)
      return write(")")
    }
    write(operand, in: isRun ? Binding.unary : Binding.member)
  }

  /// Whether the text of a member begins with an int or double that has no sign.
  private func startsWithDigit(_ id: NodeID) -> Bool {
    var next = id
    for _ in 0..<limits.depthMax {
      switch tree[next].kind {
      case .literal(.int(let value)): return value >= 0
      case .literal(.double(let value)): return value.sign == .plus
      case .select(let operand, _, false): next = operand
      case .call(_, let target?, _): next = target
      case .call("_[_]", nil, let arguments), .call("_[?_]", nil, let arguments), .call("_?._", nil, let arguments):
        guard let first = arguments.first else { return false }
        next = first
      case .comprehension(let comprehension): next = comprehension.range
      default: return false
      }
    }
    return false
  }
}
