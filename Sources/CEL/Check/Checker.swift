// The type checker: gives every name of a tree its meaning and every node its type.
//
//   tree ──► visit, from the root down ──► references, types (parallel to the tree's nodes)
//
// Types flow upwards. Where one is not known yet (the element of `[]`) a variable stands for it, which
// `Unification` decides later; at the end what nothing has decided is dyn. A node that was reported has the type
// `error`, which fits everywhere, so that one mistake gives one message.
//
// `resolve` is the same walk without types, for expressions that are evaluated unchecked: what has no meaning
// keeps the reference `none`, and is an error when it is evaluated.

public struct Checker {
  let environment: Environment
  let isTyped: Bool
  var tree: Tree
  var references: [Reference]
  var types: [TypeID]
  var unification: Unification
  var diagnostics = Diagnostics()
  /// The comprehensions around the node being visited, the innermost last.
  var scopes: [Scope] = []
  /// What is put before a name to look it up in the container, the innermost first: `a.b.`, `a.`.
  let containerPrefixes: [String]

  struct Scope {
    var variables: [String]
    /// Parallel to `variables`.
    var types: [TypeID]
  }

  /// The checked tree, or nil with at least one error in `diagnostics`. The result must have the type `expecting`,
  /// if that is given.
  public static func check(
    _ tree: Tree, in environment: Environment, expecting: TypeID? = nil, diagnostics: inout Diagnostics
  ) -> CheckedTree? {
    var checker = Checker(tree, environment, isTyped: true)
    let result = checker.visit(tree.root)
    if checker.unification.isExhausted {
      checker.diagnostics.error(at: tree[tree.root].span, "the types of this expression are too complicated")
    } else if let expecting, !checker.unification.isAssignable(result, to: expecting) {
      let found = checker.unification.finish(result)
      let table = checker.unification.table
      checker.diagnostics.error(
        at: tree[tree.root].span,
        "expected \(table.nameWithArticle(expecting)), found \(table.nameWithArticle(found))")
    }
    checker.diagnostics.sort()
    diagnostics.add(checker.diagnostics)
    return checker.diagnostics.hasErrors ? nil : checker.finished()
  }

  /// The tree with its names resolved and every type dyn. Nothing is refused.
  public static func resolve(_ tree: Tree, in environment: Environment) -> CheckedTree {
    var checker = Checker(tree, environment, isTyped: false)
    _ = checker.visit(tree.root)
    return checker.finished()
  }

  private init(_ tree: Tree, _ environment: Environment, isTyped: Bool) {
    self.environment = environment
    self.isTyped = isTyped
    self.tree = tree
    references = [Reference](repeating: .none, count: tree.nodes.count)
    types = [TypeID](repeating: .dyn, count: tree.nodes.count)
    unification = Unification(table: environment.types, nodeCount: tree.nodes.count)
    containerPrefixes = Checker.prefixes(of: environment.container)
  }

  private static func prefixes(of container: String) -> [String] {
    if container.isEmpty { return [] }
    var prefixes: [String] = []
    var prefix = ""
    for part in container.utf8.split(separator: UInt8(ascii: ".")) {
      prefix += String(decoding: part, as: UTF8.self) + "."
      prefixes.append(prefix)
    }
    return prefixes.reversed()
  }

  private mutating func finished() -> CheckedTree {
    for index in types.indices { types[index] = unification.finish(types[index]) }
    return CheckedTree(
      tree: tree, references: references, types: types, table: unification.table, schema: environment.schema)
  }
}

extension Checker {
  mutating func set(_ id: NodeID, _ reference: Reference) {
    let index = Int(id.index)
    if references.indices.contains(index) { references[index] = reference }
  }

  mutating func set(_ id: NodeID, _ type: TypeID) {
    let index = Int(id.index)
    if types.indices.contains(index) { types[index] = type }
  }

  /// Reports, in the typed walk; the type of what was reported.
  mutating func fail(at span: Span, _ message: String) -> TypeID {
    guard isTyped else { return .dyn }
    diagnostics.error(at: span, message)
    return .error
  }

  mutating func name(_ type: TypeID) -> String {
    let type = unification.substitute(type)
    return unification.table.name(type)
  }

  mutating func nameWithArticle(_ type: TypeID) -> String {
    let type = unification.substitute(type)
    return unification.table.nameWithArticle(type)
  }

  /// Bounded by the tree's height, which the parser bounds.
  mutating func visit(_ id: NodeID) -> TypeID {
    var type = typeOfNode(id)
    if !isTyped { type = .dyn }
    set(id, type)
    return type
  }

  private mutating func typeOfNode(_ id: NodeID) -> TypeID {
    let node = tree[id]
    switch node.kind {
    case .invalid: return fail(at: node.span, "expression is incomplete")
    case .literal(let literal): return Checker.type(of: literal)
    case .identifier(let name, let isRooted): return visitIdentifier(id, name, isRooted: isRooted, node.span)
    case .select: return visitSelect(id)
    case .call(let function, let target, let arguments):
      return visitCall(id, node, function: function, target: target, arguments: arguments)
    case .and(let operands): return visitLogic(operands, "&&")
    case .or(let operands): return visitLogic(operands, "||")
    case .conditional(let condition, let then, let otherwise):
      return visitConditional(node, condition, then, otherwise)
    case .list(let elements):
      return visitList(elements)
    case .map(let entries): return visitMap(entries)
    case .message(let type, let fields):
      return visitMessage(id, type, fields, node.span)
    case .comprehension(let comprehension): return visitComprehension(comprehension)
    case .bindings(let bindings): return visitBindings(bindings)
    }
  }

  private static func type(of literal: Literal) -> TypeID {
    switch literal {
    case .null: .null
    case .bool: .bool
    case .int: .int
    case .uint: .uint
    case .double: .double
    case .string: .string
    case .bytes: .bytes
    }
  }

  mutating func visit(_ ids: [NodeID]) -> [TypeID] {
    var types: [TypeID] = []
    types.reserveCapacity(ids.count)
    for id in ids { types.append(visit(id)) }
    return types
  }

  private mutating func visitList(_ elements: [NodeID]) -> TypeID {
    var types: [TypeID] = []
    types.reserveCapacity(elements.count)
    for element in elements { types.append(visitEntry(element)) }
    let element = join(types)
    return isTyped ? unification.table.list(element) : .dyn
  }

  /// The type that all of `types` have; of none, one that is decided later.
  mutating func join(_ types: [TypeID]) -> TypeID {
    guard isTyped else { return .dyn }
    guard var joined = types.first else { return unification.freshVariable() }
    for type in types.dropFirst() { joined = unification.join(joined, type) }
    return joined
  }

  private mutating func visitMap(_ entries: [Node.MapEntry]) -> TypeID {
    var keys: [TypeID] = []
    var values: [TypeID] = []
    for entry in entries {
      let key = visit(entry.key)
      warnAboutKey(key, at: tree[entry.key].span)
      keys.append(key)
      values.append(visitEntry(entry.value))
    }
    guard isTyped else { return .dyn }
    let key = join(keys)
    let value = join(values)
    return unification.table.map(key, value)
  }

  /// Evaluating such a map always fails, but CEL's checker lets it pass.
  private mutating func warnAboutKey(_ type: TypeID, at span: Span) {
    switch unification.resolve(type) {
    case .bool, .int, .uint, .string, .dyn, .error: return
    case let type where type.index < 0: return
    case let type:
      // One that is null fails, but that is for evaluation to say.
      if case .wrapper(let of) = unification.table[type], of != .double, of != .bytes { return }
      if isTyped { diagnostics.warn(at: span, "a map's key cannot be \(nameWithArticle(type))") }
    }
  }

  private mutating func visitLogic(_ operands: [NodeID], _ symbol: String) -> TypeID {
    for operand in operands {
      let type = visit(operand)
      if isTyped, !unification.isAssignable(type, to: .bool) {
        _ = fail(at: tree[operand].span, "`\(symbol)` needs bools, found \(nameWithArticle(type))")
      }
    }
    return .bool
  }

  private mutating func visitConditional(
    _ node: Node, _ condition: NodeID, _ then: NodeID, _ otherwise: NodeID
  ) -> TypeID {
    let conditionType = visit(condition)
    if isTyped, !unification.isAssignable(conditionType, to: .bool) {
      _ = fail(at: tree[condition].span, "a condition must be a bool, found \(nameWithArticle(conditionType))")
    }
    let thenType = visit(then)
    let otherwiseType = visit(otherwise)
    guard isTyped else { return .dyn }
    guard unification.isAssignable(otherwiseType, to: thenType) else {
      return fail(
        at: node.span,
        "the two results of a conditional must have one type, found \(name(thenType)) and \(name(otherwiseType))"
          + ": wrap one in `dyn()` if that is meant")
    }
    return unification.mostGeneral(otherwiseType, thenType)
  }
}
