// What introduces names: comprehensions, and the bindings of `cel.bind` and `cel.block`.

extension Checker {
  mutating func visitComprehension(_ comprehension: Node.Comprehension) -> TypeID {
    let range = visit(comprehension.range)
    let types = variableTypes(of: range, comprehension)
    scopes.append(Scope(variables: comprehension.variables, types: types))
    if let predicate = comprehension.predicate {
      let type = visit(predicate)
      if isTyped, !unification.isAssignable(type, to: .bool) {
        _ = fail(
          at: tree[predicate].span,
          "`\(comprehension.macro.rawValue)` needs a condition, a bool, found \(nameWithArticle(type))")
      }
    }
    var result = TypeID.dyn
    if let transform = comprehension.transform { result = visit(transform) }
    _ = scopes.popLast()
    guard isTyped else { return .dyn }
    switch comprehension.macro {
    case .all, .exists, .existsOne: return .bool
    case .filter: return unification.table.list(types.first ?? .dyn)
    case .map, .transformList: return unification.table.list(result)
    case .transformMap: return unification.table.map(types.first ?? .dyn, result)
    case .transformMapEntry: return entries(result, comprehension)
    case .optMap: return optional(result)
    case .optFlatMap: return flat(result, comprehension)
    case .sortBy: return sorted(range, by: result, comprehension)
    }
  }

  /// What one variable (element or key) or two (index and element, or key and value) have as types.
  private mutating func variableTypes(of range: TypeID, _ comprehension: Node.Comprehension) -> [TypeID] {
    let type = unification.resolve(range)
    let isPair = comprehension.variables.count == 2
    if comprehension.macro == .optMap || comprehension.macro == .optFlatMap {
      return [optionalValue(of: type, comprehension)]
    }
    switch unification.table[type] {
    case .list(let element): return isPair ? [.int, element] : [element]
    case .map(let key, let value): return isPair ? [key, value] : [key]
    default: break
    }
    if isTyped, type.index < 0 {
      _ = unification.isAssignable(.dyn, to: type)
    } else if isTyped, type != .dyn, type != .error {
      _ = fail(
        at: tree[comprehension.range].span,
        "`\(comprehension.macro.rawValue)` runs over a list or a map, found \(nameWithArticle(type))")
      return isPair ? [.error, .error] : [.error]
    }
    return isPair ? [.dyn, .dyn] : [.dyn]
  }

  private mutating func optionalValue(of range: TypeID, _ comprehension: Node.Comprehension) -> TypeID {
    let (value, isOptional) = unwrapped(range)
    if isOptional || !isTyped || value == .dyn || value == .error { return value }
    if value.index < 0 {
      _ = unification.isAssignable(.dyn, to: value)
      return .dyn
    }
    return fail(
      at: tree[comprehension.range].span,
      "`\(comprehension.macro.rawValue)` is called on an optional, found \(nameWithArticle(value))")
  }

  /// A map of what the transforms, maps themselves, have as entries.
  private mutating func entries(_ type: TypeID, _ comprehension: Node.Comprehension) -> TypeID {
    let key = unification.freshVariable()
    let value = unification.freshVariable()
    let map = unification.table.map(key, value)
    guard unification.isAssignable(type, to: map) else {
      let span = comprehension.transform.map { tree[$0].span } ?? Span(0, 0)
      return fail(at: span, "`transformMapEntry` needs a map such as `{key: value}`, found \(nameWithArticle(type))")
    }
    return map
  }

  private mutating func flat(_ type: TypeID, _ comprehension: Node.Comprehension) -> TypeID {
    let result = optional(unification.freshVariable())
    guard unification.isAssignable(type, to: result) else {
      let span = comprehension.transform.map { tree[$0].span } ?? Span(0, 0)
      return fail(at: span, "`optFlatMap` needs an optional as its result, found \(nameWithArticle(type))")
    }
    return result
  }

  /// Each value sees the ones before it.
  mutating func visitBindings(_ bindings: Node.Bindings) -> TypeID {
    scopes.append(Scope(variables: [], types: []))
    for (name, value) in zip(bindings.variables, bindings.values) {
      let type = visit(value)
      guard let last = scopes.indices.last else { break }
      scopes[last].variables.append(name)
      scopes[last].types.append(type)
    }
    let result = visit(bindings.result)
    _ = scopes.popLast()
    return result
  }
}
