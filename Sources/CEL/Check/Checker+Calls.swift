// Calls: which function a name means, and which of its overloads fit the arguments.
//
// Every overload that fits is kept. If all of them are run by one implementation the call is decided; else the
// arguments' kinds decide when it runs, and the call's type is dyn unless the results agree.

extension Checker {
  mutating func visitCall(
    _ id: NodeID, _ node: Node, function: String, target: NodeID?, arguments: [NodeID]
  ) -> TypeID {
    if function == "_[_]", !environment.indexedNamespaces.isEmpty,
      let type = visitIndexedNamespace(id, node, arguments)
    {
      return type
    }
    if let target, let type = visitExtensionField(id, node, function, target, arguments) { return type }
    if function == "_?._", let type = visitOptionalSelection(id, node, arguments) { return type }
    if let target { return visitMethod(id, node, function, target, arguments) }
    let (name, overloads) = globalFunction(function)
    return call(id, node, name, overloads, isMember: false, arguments)
  }

  private mutating func visitMethod(
    _ id: NodeID, _ node: Node, _ function: String, _ target: NodeID, _ arguments: [NodeID]
  ) -> TypeID {
    if environment.hasDottedFunctions {
      if let dotted = dottedFunction(function, target: target) {
        // `math.least(a, b)` looked like a method of `math`.
        tree.replace(id, kind: .call(function: dotted, target: nil, arguments: arguments))
        return call(id, node, dotted, environment.functions[dotted] ?? [], isMember: false, arguments)
      }
      if isTyped, let namespace = functionNamespace(target) {
        _ = visit(arguments)
        return failUnknownFunction(
          namespace + "." + function, at: Span(node.span.start, node.anchor &+ width(function)))
      }
    }
    return call(
      id, node, function, environment.functions[function] ?? [], isMember: true, [target] + arguments)
  }

  private func dottedFunction(_ function: String, target: NodeID) -> String? {
    guard let chain = chain(target), let prefix = chain.prefixes.last else { return nil }
    let name = prefix + "." + function
    if !chain.isRooted {
      for container in containerPrefixes where environment.functions[container + name] != nil {
        return container + name
      }
    }
    return environment.functions[name] == nil ? nil : name
  }

  /// The dotted name that `id` is, if functions are named so and nothing else is.
  private func functionNamespace(_ id: NodeID) -> String? {
    guard let chain = chain(id), let name = chain.prefixes.last, let first = chain.names.first else { return nil }
    guard environment.functionNamespaces.contains(name) else { return nil }
    return isNamespace(first) || environment.variables[first] != nil ? nil : name
  }

  private func width(_ function: String) -> UInt32 { UInt32(truncatingIfNeeded: function.utf8.count) }

  private func globalFunction(_ function: String) -> (name: String, overloads: [Overload]) {
    if function.utf8.first == UInt8(ascii: ".") {
      let name = String(function.unicodeScalars.dropFirst())
      return (name, environment.functions[name] ?? [])
    }
    for container in containerPrefixes {
      if let overloads = environment.functions[container + function] { return (container + function, overloads) }
    }
    return (function, environment.functions[function] ?? [])
  }

  private mutating func call(
    _ id: NodeID, _ node: Node, _ function: String, _ overloads: [Overload], isMember: Bool, _ operands: [NodeID]
  ) -> TypeID {
    if isTyped, overloads.isEmpty {
      let result = failUnknownFunction(function, at: Span(node.anchor, node.anchor &+ width(function)))
      // The arguments of what was meant as a macro have names of their own.
      if Node.Macro(name: nearestFunction(function) ?? function) == nil { _ = visit(operands) }
      return result
    }
    let types = visit(operands)
    var implementations: [Overload.Implementation] = []
    var result: TypeID?
    for overload in overloads where overload.isMember == isMember {
      let isList = overload.isVariadic && operands.count > 2
      if isTyped {
        let types = isList ? [unification.table.list(join(types))] : types
        guard let type = unification.match(types, overload.parameters, result: overload.result) else { continue }
        if let known = result {
          if known != type { result = .dyn }
        } else {
          result = type
        }
      } else if !isList, overload.parameters.count != operands.count {
        continue
      }
      if !implementations.contains(overload.implementation) { implementations.append(overload.implementation) }
    }
    if implementations == [.builtin(.toEnum)] {
      set(id, .enumeration(function, nil))
    } else if implementations.count == 1, let only = implementations.first {
      set(id, .overload(only))
    } else if !implementations.isEmpty {
      set(id, .dynamic(implementations))
    }
    guard isTyped else { return .dyn }
    if result == nil, types.contains(.error) { return .error }
    return result ?? failCall(node, function, overloads, isMember: isMember, types)
  }

  /// `lists["office"]`, which is the variable `lists.office`; nil if this is an index like any other.
  private mutating func visitIndexedNamespace(_ id: NodeID, _ node: Node, _ operands: [NodeID]) -> TypeID? {
    guard operands.count == 2, let chain = chain(operands[0]), let namespace = chain.prefixes.last,
      environment.indexedNamespaces.contains(namespace), environment.variables[namespace] == nil
    else { return nil }
    guard case .literal(.string(let key)) = tree[operands[1]].kind else {
      _ = visit(operands[1])
      return fail(
        at: tree[operands[1]].span, "`\(namespace)` is indexed by a name in quotes, such as `\(namespace)[\"name\"]`")
    }
    let name = namespace + "." + String(decoding: key, as: UTF8.self)
    if let variable = environment.variables[name] {
      set(id, .variable(variable))
      return variable.type
    }
    let prefix = Array((namespace + ".").utf8)
    var members: [String] = []
    for variable in environment.variables.keys where variable.utf8.starts(with: prefix) {
      members.append(String(decoding: variable.utf8.dropFirst(prefix.count), as: UTF8.self))
    }
    let shown = String(decoding: key, as: UTF8.self)
    var message = "`\(namespace)` has no `\(Parser.shortened(shown))`"
    if let nearest = NearestName.find(shown, among: members) { message += ": did you mean `\(nearest)`?" }
    return fail(at: tree[operands[1]].span, message)
  }
}

// What to say about a call that means nothing.
extension Checker {
  private static let candidatesMax = 6

  private mutating func failCall(
    _ node: Node, _ function: String, _ overloads: [Overload], isMember: Bool, _ types: [TypeID]
  ) -> TypeID {
    let symbol = Checker.symbol(function)
    let place = Span(node.anchor, node.anchor &+ (function == "_[_]" ? 1 : width(symbol)))
    if diagnostics.isFull { return fail(at: place, "") }
    var candidates: [String] = []
    var otherCounts = 0
    for overload in overloads where overload.isMember == isMember {
      if overload.parameters.count == types.count {
        candidates.append(signature(overload))
      } else {
        otherCounts &+= 1
      }
    }
    if candidates.isEmpty, otherCounts == 0 {
      let form = isMember ? "called as a function: `\(symbol)(a)`" : "called on a value: `a.\(symbol)()`"
      return fail(at: place, "`\(symbol)` is \(form)")
    }
    let found = signature(types, isMember: isMember)
    if candidates.isEmpty {
      for overload in overloads where overload.isMember == isMember { candidates.append(signature(overload)) }
    }
    var message = "no matching overload for `\(symbol)`: found \(found), "
    if function == "_==_" || function == "_!=_" {
      message += "but both sides must have one type"
    } else {
      message += "candidates are \(Checker.list(candidates))"
    }
    return fail(at: place, message)
  }

  private mutating func failUnknownFunction(_ function: String, at place: Span) -> TypeID {
    if let macro = Node.Macro(name: function) {
      if let owner = macro.owner, !environment.extensions.contains(owner) {
        return fail(at: place, "`\(function)` needs the extension `\(owner.rawValue)`, which is not enabled")
      }
      return fail(at: place, "`\(function)` takes \(macro.form)")
    }
    if function == "has" { return fail(at: place, "`has` takes one field such as `a.b`") }
    var message = "undeclared function `\(Parser.shortened(function))`"
    if let library = Extension.allCases.first(where: { !environment.extensions.contains($0) && $0.declares(function) })
    {
      message += ": it needs the extension `\(library.rawValue)`, which is not enabled"
    } else if let nearest = nearestFunction(function) {
      message += ": did you mean `\(nearest)`?"
    }
    return fail(at: place, message)
  }

  private func nearestFunction(_ function: String) -> String? {
    if diagnostics.isFull { return nil }
    let names = environment.functions.keys.filter { name in
      name.utf8.first.map { Lexer.isLetter($0) && $0 != UInt8(ascii: "_") } ?? false
    }
    return NearestName.find(function, among: names + ["has", "all", "exists", "exists_one", "filter", "map"])
  }

  private mutating func signature(_ types: [TypeID], isMember: Bool) -> String {
    let names = types.map { name($0) }
    guard isMember, let receiver = names.first else { return "(" + Checker.joined(names[...]) + ")" }
    return receiver + ".(" + Checker.joined(names.dropFirst()) + ")"
  }

  private func signature(_ overload: Overload) -> String {
    let names = overload.parameters.map { unification.table.name($0) }
    guard overload.isMember, let receiver = names.first else { return "(" + Checker.joined(names[...]) + ")" }
    return receiver + ".(" + Checker.joined(names.dropFirst()) + ")"
  }

  private static func joined(_ names: ArraySlice<String>) -> String {
    var text = ""
    for name in names { text += (text.isEmpty ? "" : ", ") + name }
    return text
  }

  private static func list(_ candidates: [String]) -> String {
    let shown = joined(candidates.prefix(candidatesMax))
    return candidates.count > candidatesMax ? shown + " and \(candidates.count &- candidatesMax) more" : shown
  }

  /// How a function looks in the text: `==` for `_==_`.
  private static func symbol(_ function: String) -> String {
    switch function {
    case "@in": "in"
    case "_[_]": "[]"
    case "!_", "-_": String(function.unicodeScalars.prefix(1))
    default:
      function.utf8.first == UInt8(ascii: "_") && function.utf8.last == UInt8(ascii: "_")
        && function.utf8.count > 2 && !Lexer.isLetter(function.utf8.dropFirst().first ?? 0)
        ? String(function.unicodeScalars.dropFirst().dropLast()) : function
    }
  }
}
