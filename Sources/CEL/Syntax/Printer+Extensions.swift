// What extensions of the language add to the syntax: optionals, bindings, and names that no text can spell. The text
// parses where those extensions are on.

extension Printer {
  /// `a.?b` or `a[?b]`.
  mutating func writeOptional(_ function: String, _ operand: NodeID, _ key: NodeID) {
    write(operand, in: Binding.member)
    if function == "_[?_]" {
      write("[?")
      write(key, in: Binding.conditional)
      return write("]")
    }
    guard case .literal(.string(let name)) = tree[key].kind else { return refuse() }
    write(".?")
    writeField(String(decoding: name, as: UTF8.self))
  }

  /// The `?` before an element, a key or a field, if it has one; what to print for its value.
  mutating func writeOptionalMark(_ id: NodeID) -> NodeID {
    guard let value = tree.optionalEntry(id) else { return id }
    write("?")
    return value
  }

  mutating func writeBindings(_ bindings: Node.Bindings) {
    guard bindings.variables.count == bindings.values.count else { return refuse() }
    if bindings.isBlock {
      for (number, name) in bindings.variables.enumerated() where name != "@index\(number)" { return refuse() }
      write("cel.block([")
      writeList(bindings.values)
      write("]")
    } else {
      guard bindings.values.count == 1, let name = bindings.variables.first, let value = bindings.values.first else {
        return refuse()
      }
      write("cel.bind(")
      writeName(name, mayBeReserved: false)
      write(", ")
      write(value, in: Binding.conditional)
    }
    write(", ")
    write(bindings.result, in: Binding.conditional)
    write(")")
  }

  /// `cel.index(0)` for `@index0`, `cel.iterVar(0, 1)` for `@it:0:1`; false for a name like any other.
  mutating func writeHiddenName(_ name: String) -> Bool {
    guard name.utf8.first == UInt8(ascii: "@") else { return false }
    for (prefix, macro, count) in [("@index", "cel.index", 1), ("@it:", "cel.iterVar", 2), ("@ac:", "cel.accuVar", 2)] {
      guard name.utf8.starts(with: prefix.utf8) else { continue }
      let numbers = name.utf8.dropFirst(prefix.utf8.count)
        .split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
      guard numbers.count == count, numbers.allSatisfy({ !$0.isEmpty && $0.allSatisfy { Lexer.isDigit($0) } }) else {
        return false
      }
      bytes.append(contentsOf: Array(macro.utf8))
      for (at, number) in numbers.enumerated() {
        write(at == 0 ? "(" : ", ")
        bytes.append(contentsOf: Array(number))
      }
      write(")")
      return true
    }
    return false
  }
}
