// `list.sortBy(x, key)`: the keys are computed as `map` would, and then the list is put into their order.
//
//   r: the list, r+1: the keys          two arguments of the native function that sorts

extension Checker {
  /// The list's type, which is also the result's; reports what has no order.
  mutating func sorted(_ range: TypeID, by key: TypeID, _ comprehension: Node.Comprehension) -> TypeID {
    if case .map = unification.table[unification.resolve(range)] {
      return fail(at: tree[comprehension.range].span, "`sortBy` sorts a list, found \(nameWithArticle(range))")
    }
    let type = unification.resolve(key)
    let isSortable =
      type.index < 0 || type == .dyn || type == .error || Environment.sortable.contains { $0.0 == type }
    guard isSortable else {
      let span = comprehension.transform.map { tree[$0].span } ?? Span(0, 0)
      return fail(at: span, "`sortBy` needs a key that has an order, found \(nameWithArticle(type))")
    }
    if case .list = unification.table[unification.resolve(range)] { return range }
    return unification.table.list(.dyn)
  }
}

extension Compiler {
  mutating func computeSorted(_ node: Node, _ comprehension: Node.Comprehension) -> Operand {
    guard let key = comprehension.transform else {
      refuse(node.span, "macro without a result")
      return .register(0)
    }
    let list = makeRegister()
    compute(comprehension.range, into: list)
    let keys = makeRegister()
    let iterator = makeRegister()
    _ = makeRegister()
    let step = makeLabel()
    let end = makeLabel()
    emit(
      Instruction(.iterate, destination: iterator, b: UInt32(truncatingIfNeeded: keys), error: end.number),
      a: .register(list), at: checked.tree[comprehension.range].anchor)
    emit(Instruction(.makeListFor, destination: keys, a: UInt32(truncatingIfNeeded: iterator)), at: node.anchor)
    place(step)
    emitNext(
      node, comprehension, iterator, done: end, errors: Sink(register: keys, keepsFirst: false, label: end))
    scopes.append(variables(of: comprehension, iterator))
    let mark = free
    let operand = compute(key)
    free = mark
    emit(
      Instruction(.append, destination: keys, error: end.number), a: operand, at: checked.tree[key].anchor)
    _ = scopes.popLast()
    emitJump(step)
    place(end)
    emit(
      Instruction(
        .native, destination: list, a: UInt32(truncatingIfNeeded: list), b: pool.native(ListFunction.sorting), jump: 2),
      at: node.anchor)
    free = list
    return .register(makeRegister())
  }
}
