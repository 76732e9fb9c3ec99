// Names: what an identifier, or a chain of selections from one, stands for.
//
// `a.b.c` is looked up longest first: the variable `a.b.c`, then field c of the variable `a.b`, then field b of
// `a`; each in the container, the innermost namespace first. A comprehension's variable hides all of that, and
// a leading dot asks for the root, past comprehensions and container.

extension Checker {
  /// What a dotted name stands for in the container.
  enum Meaning {
    case variable(Variable)
    case type(String, TypeID)
    /// Of a strong enum.
    case constant(enumeration: String, number: Int32)
  }

  private func lookUp(_ name: String, isRooted: Bool) -> Meaning? {
    if !isRooted {
      for prefix in containerPrefixes {
        if let meaning = lookUpRoot(prefix + name) { return meaning }
      }
    }
    return lookUpRoot(name)
  }

  private func lookUpRoot(_ name: String) -> Meaning? {
    if let variable = environment.variables[name] { return .variable(variable) }
    if let type = environment.typeNames[name] { return .type(name, type) }
    return lookUpSchema(name)
  }

  private mutating func adopt(_ id: NodeID, _ meaning: Meaning) -> TypeID {
    switch meaning {
    case .variable(let variable):
      set(id, .variable(variable))
      return variable.type
    case .type(let name, let type):
      set(id, .type(name))
      return typeOfName(name, type)
    case .constant(let enumeration, let number):
      set(id, .enumeration(enumeration, number))
      return unification.table.enumeration(enumeration)
    }
  }

  private func local(_ name: String) -> (depth: Int, variable: Int, type: TypeID)? {
    var depth = 0
    for scope in scopes.reversed() {
      if let index = scope.variables.firstIndex(of: name), scope.types.indices.contains(index) {
        return (depth, index, scope.types[index])
      }
      depth &+= 1
    }
    return nil
  }

  mutating func visitIdentifier(_ id: NodeID, _ name: String, isRooted: Bool, _ span: Span) -> TypeID {
    if !isRooted, let (depth, variable, type) = local(name) {
      set(id, .local(depth: depth, variable: variable))
      return type
    }
    if let meaning = lookUp(name, isRooted: isRooted) { return adopt(id, meaning) }
    if name.utf8.first == UInt8(ascii: "@") {
      return fail(at: span, "there is no such value of a `cel.block`, nor such a variable of a macro, around this")
    }
    return failUndeclared([name], span: span, wholeName: name)
  }

  /// A chain of selections from an identifier that is no comprehension's variable.
  struct Chain {
    /// From the identifier outwards.
    var nodes: [NodeID]
    var names: [String]
    var isRooted: Bool

    /// `a`, `a.b`, `a.b.c`.
    var prefixes: [String] {
      var prefixes: [String] = []
      prefixes.reserveCapacity(names.count)
      var prefix = ""
      for name in names {
        if !prefix.isEmpty { prefix += "." }
        prefix += name
        prefixes.append(prefix)
      }
      return prefixes
    }
  }

  /// The chain that ends in `id`; nil if something else than names is in it.
  func chain(_ id: NodeID) -> Chain? {
    var nodes: [NodeID] = []
    var names: [String] = []
    var next = id
    while true {
      nodes.append(next)
      switch tree[next].kind {
      case .select(let operand, let field, let isTest):
        // A quoted field with a dot is one field, not two names.
        if (isTest && next != id) || field.utf8.contains(UInt8(ascii: ".")) { return nil }
        names.append(field)
        next = operand
      case .identifier(let name, let isRooted):
        if !isRooted, local(name) != nil { return nil }
        names.append(name)
        return Chain(nodes: nodes.reversed(), names: names.reversed(), isRooted: isRooted)
      default: return nil
      }
    }
  }

  /// The variable `operand.name`, if that is one and the operand has no value of its own to select from.
  func optionalVariable(_ operand: NodeID, _ name: String) -> Variable? {
    guard !name.utf8.contains(UInt8(ascii: ".")), let chain = chain(operand) else { return nil }
    for prefix in chain.prefixes where lookUp(prefix, isRooted: chain.isRooted) != nil { return nil }
    guard let prefix = chain.prefixes.last,
      case .variable(let variable)? = lookUp(prefix + "." + name, isRooted: chain.isRooted)
    else { return nil }
    return variable
  }

  mutating func visitSelect(_ id: NodeID) -> TypeID {
    guard case .select(let operand, _, let isTest) = tree[id].kind else { return .error }
    guard let chain = chain(id) else { return select(id, of: visit(operand)) }
    let prefixes = chain.prefixes
    for index in prefixes.indices.reversed() {
      guard let meaning = lookUp(prefixes[index], isRooted: chain.isRooted) else { continue }
      if isTest, index == prefixes.count &- 1 {
        // `has` of a type's name is no test: look for a shorter prefix with that field.
        guard case .variable(let variable) = meaning else { continue }
        set(id, .presence(variable))
        return .bool
      }
      var type = adopt(chain.nodes[index], meaning)
      set(chain.nodes[index], type)
      for node in chain.nodes[(index &+ 1)...] {
        type = select(node, of: type)
        set(node, type)
      }
      return type
    }
    return failUndeclared(chain.names, span: tree[id].span, chain: chain, wholeName: prefixes.last ?? "")
  }

  /// The type of a selection whose operand is no namespace.
  mutating func select(_ id: NodeID, of operandType: TypeID) -> TypeID {
    let node = tree[id]
    guard isTyped, case .select(_, let field, let isTest) = node.kind else { return .dyn }
    let (operand, isOptional) = unwrapped(operandType)
    let result = self.field(field, of: operand, node)
    if result == .error { return .error }
    if isTest { return .bool }
    return isOptional ? optional(result) : result
  }

  /// The type of the field, which `node` selects, of a value that is no optional.
  mutating func field(_ field: String, of operand: TypeID, _ node: Node) -> TypeID {
    switch unification.table[operand] {
    case .map(_, let value): return value
    case .message(let message): return fieldType(field, of: message, node)
    case .variable:
      _ = unification.isAssignable(.dyn, to: operand)
      return .dyn
    default:
      if operand == .dyn || operand == .error { return operand }
      return fail(
        at: Span(node.anchor, node.span.end),
        "\(nameWithArticle(operand)) has no fields: cannot select `\(Parser.shortened(field))`")
    }
  }
}

// What to say about a name that stands for nothing.
extension Checker {
  private mutating func failUndeclared(
    _ names: [String], span: Span, chain: Chain? = nil, wholeName: String
  ) -> TypeID {
    guard isTyped else { return .dyn }
    if diagnostics.isFull { return fail(at: span, "") }
    // The part of the chain that is a namespace is not what is wrong: `request` of `request.metod`.
    var known = 0
    var prefix = ""
    for name in names {
      let longer = prefix.isEmpty ? name : prefix + "." + name
      guard isNamespace(longer) else { break }
      prefix = longer
      known &+= 1
    }
    if known == names.count {
      var message = "`\(Parser.shortened(prefix))` is a namespace, not a value"
      if let example = exampleField(of: prefix) { message += ": name one of its fields, such as `\(example)`" }
      return fail(at: place(of: chain, upTo: known &- 1) ?? span, message)
    }
    let reported = prefix.isEmpty ? names.first ?? "" : prefix + "." + names[known]
    var message = "undeclared reference to `\(Parser.shortened(reported))`"
    if let suggestion = suggestion(for: reported, whole: wholeName) { message += ": did you mean `\(suggestion)`?" }
    return fail(at: place(of: chain, upTo: known) ?? span, message)
  }

  /// The text of a chain's first names. `has(…)` spans its call; the name in it does not.
  private func place(of chain: Chain?, upTo index: Int) -> Span? {
    guard let chain, chain.nodes.indices.contains(index), let first = chain.nodes.first else { return nil }
    let node = tree[chain.nodes[index]]
    var end = node.span.end
    if case .select(_, let field, true) = node.kind {
      end = node.anchor &+ UInt32(truncatingIfNeeded: field.utf8.count)
    }
    return Span(tree[first].span.start, end)
  }

  /// Whether some variable's or type's name starts with `name` and a dot.
  func isNamespace(_ name: String) -> Bool {
    if environment.indexedNamespaces.contains(name) { return true }
    let prefix = name + "."
    for container in containerPrefixes + [""] {
      let full = container + prefix
      for variable in environment.variables.keys where variable.utf8.starts(with: full.utf8) { return true }
      for type in environment.typeNames.keys where type.utf8.starts(with: full.utf8) { return true }
    }
    return false
  }

  /// The shortest, so that it reads well; ties by byte order, so that it is always the same.
  func exampleField(of namespace: String) -> String? {
    let prefix = namespace + "."
    var best: String?
    for name in environment.variables.keys where name.utf8.starts(with: prefix.utf8) {
      guard let current = best else {
        best = name
        continue
      }
      let (a, b) = (name.utf8.count, current.utf8.count)
      if a < b || (a == b && name.utf8.lexicographicallyPrecedes(current.utf8)) { best = name }
    }
    return best
  }

  private func suggestion(for reported: String, whole: String) -> String? {
    var locals: [String] = []
    for scope in scopes { locals += scope.variables.filter { $0.utf8.first != UInt8(ascii: "@") } }
    if !reported.utf8.contains(UInt8(ascii: ".")) {
      if let local = NearestName.find(reported, among: locals) { return local }
    }
    if let name = NearestName.find(reported, among: environment.variables.keys) { return name }
    if whole != reported, let name = NearestName.find(whole, among: environment.variables.keys) { return name }
    if let name = variable(endingIn: reported) { return name }
    return NearestName.find(reported, among: environment.typeNames.keys)
  }

  /// `request.headers` for `headers`, if only one variable ends so.
  private func variable(endingIn name: String) -> String? {
    let suffix = Array(("." + name).utf8)
    var found: String?
    for candidate in environment.variables.keys {
      let bytes = candidate.utf8
      guard bytes.count > suffix.count, bytes.suffix(suffix.count).elementsEqual(suffix) else { continue }
      if found != nil { return nil }
      found = candidate
    }
    return found
  }
}
