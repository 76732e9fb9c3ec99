// The type variables of one check, and whether a value of one type can stand where another is expected.
//
// The rules are cel-go's: a variable takes the first type it meets and is widened to `dyn` where it later meets
// dyn; dyn stands for everything; null stands for what may be absent. A test that fails leaves nothing behind:
// every binding is logged, and undone from the log.

struct Unification {
  var table: TypeTable
  /// By a variable's number; `unbound` where nothing is known yet.
  private var bindings: [TypeID] = []
  private var log: [(variable: Int, before: TypeID)] = []
  /// The variables that stand for the parameters of the overload being tried.
  private var instantiation: [(parameter: TypeID, variable: TypeID)] = []

  /// Work left, and how deep the walk over a type is. Types share their parts, so that a small expression can
  /// have one that is astronomically large when written out.
  private var stepsLeft: Int
  private var depth = 0
  /// A bound was passed: the answers since then are worth nothing.
  private(set) var isExhausted = false

  private static let unbound = TypeID(Int32.min)
  private static let depthMax = 256

  init(table: TypeTable, nodeCount: Int) {
    self.table = table
    stepsLeft = 500_000 &+ nodeCount &* 100
  }

  mutating func freshVariable() -> TypeID {
    bindings.append(Unification.unbound)
    return TypeID(~Int32(truncatingIfNeeded: bindings.count &- 1))
  }

  /// Tries a call: `arguments` against an overload's `parameters`; its result type if they fit.
  mutating func match(_ arguments: [TypeID], _ parameters: [TypeID], result: TypeID) -> TypeID? {
    guard arguments.count == parameters.count else { return nil }
    instantiation.removeAll(keepingCapacity: true)
    let mark = log.count
    for (argument, parameter) in zip(arguments, parameters) where !fits(argument, parameter) {
      undo(to: mark)
      return nil
    }
    return substitute(result)
  }

  mutating func isAssignable(_ type: TypeID, to expected: TypeID) -> Bool {
    let mark = log.count
    if fits(type, expected) { return true }
    undo(to: mark)
    return false
  }

  /// The type of elements that are `first` and `second`; dyn if they have nothing in common.
  mutating func join(_ first: TypeID, _ second: TypeID) -> TypeID {
    isAssignable(first, to: second) ? mostGeneral(first, second) : .dyn
  }

  mutating func mostGeneral(_ first: TypeID, _ second: TypeID) -> TypeID {
    // What may be null has the type that says more.
    if second == .null { return first }
    return isAtLeastAsGeneral(first, second) ? first : second
  }

  /// The type behind a bound variable; other types are themselves.
  func resolve(_ type: TypeID) -> TypeID {
    var type = type
    while type.index < 0, let next = binding(type) { type = next }
    return type
  }

  /// The type with all that is known put in; free variables stay.
  mutating func substitute(_ type: TypeID) -> TypeID { rewrite(type, freeToDyn: false) }

  /// The type as the rest of the world sees it: what nothing has decided is dyn.
  mutating func finish(_ type: TypeID) -> TypeID { rewrite(type, freeToDyn: true) }
}

extension Unification {
  /// One level down, with `leave` on the way back; false past a bound.
  private mutating func enter() -> Bool {
    stepsLeft &-= 1
    if depth >= Unification.depthMax || stepsLeft < 0 { isExhausted = true }
    if isExhausted { return false }
    depth &+= 1
    return true
  }

  private mutating func leave() { depth &-= 1 }

  private func binding(_ variable: TypeID) -> TypeID? {
    let number = Int(~variable.index)
    guard number < bindings.count, bindings[number] != Unification.unbound else { return nil }
    return bindings[number]
  }

  private mutating func bind(_ variable: TypeID, to type: TypeID) {
    let number = Int(~variable.index)
    guard bindings.indices.contains(number) else { return }
    log.append((number, bindings[number]))
    bindings[number] = type
  }

  private mutating func undo(to mark: Int) {
    while log.count > mark, let (variable, before) = log.popLast() { bindings[variable] = before }
  }

  /// The variable that stands for `type` if that is a parameter of the overload being tried.
  private mutating func instantiate(_ type: TypeID) -> TypeID {
    if table.isGround(type) || type.index < 0 { return type }
    guard case .parameter = table[type] else { return type }
    for (parameter, variable) in instantiation where parameter == type { return variable }
    let variable = freshVariable()
    instantiation.append((type, variable))
    return variable
  }

  /// The last variable of a chain of variables.
  private func last(_ variable: TypeID) -> TypeID {
    var variable = variable
    while let next = binding(variable), next.index < 0 { variable = next }
    return variable
  }

  private mutating func fits(_ left: TypeID, _ right: TypeID) -> Bool {
    if left == right, table.isGround(left) { return true }
    let left = instantiate(left)
    let right = instantiate(right)
    if left == right { return true }
    guard enter() else { return true }
    defer { leave() }
    if right.index < 0 {
      let variable = last(right)
      let (fits, wasBound) = substitutes(left, for: variable)
      if fits { return true }
      if wasBound { return false }
    }
    if left.index < 0 { return substitutes(right, for: last(left)).fits }
    if left == .dyn || right == .dyn || left == .error || right == .error { return true }
    if left == .null { return isNullable(right) }
    if right == .null { return isNullable(left) }
    switch (table[left], table[right]) {
    case (.list(let a), .list(let b)): return fits(a, b)
    case (.map(let key, let value), .map(let otherKey, let otherValue)):
      return fits(key, otherKey) && fits(value, otherValue)
    case (.wrapper(let a), .wrapper(let b)): return a == b
    case (.wrapper(let a), _): return a == right
    case (_, .wrapper(let b)): return left == b
    // Types are values, and any two of them can be compared; an overload's `A` in `type(A)` still gets bound.
    case (.type, .type): return true
    case (.opaque(let name, let arguments), .opaque(let other, let others)):
      guard name == other, arguments.count == others.count else { return false }
      for (a, b) in zip(arguments, others) where !fits(a, b) { return false }
      return true
    default: return false
    }
  }

  private mutating func substitutes(_ type: TypeID, for variable: TypeID) -> (fits: Bool, wasBound: Bool) {
    if type.index < 0, last(type) == variable { return (true, true) }
    guard let bound = binding(variable) else {
      if occurs(variable, in: type) { return (false, false) }
      bind(variable, to: rewrite(type, freeToDyn: false))
      return (true, false)
    }
    if bound == type { return (true, true) }
    guard fits(type, bound) else { return (false, true) }
    let general = mostGeneral(type, bound)
    if general != bound, !occurs(variable, in: general) {
      bind(variable, to: rewrite(general, freeToDyn: false))
    }
    return (true, true)
  }

  private func isNullable(_ type: TypeID) -> Bool {
    if type == .timestamp || type == .duration || type == .null { return true }
    switch table[type] {
    case .message, .opaque, .wrapper: return true
    default: return false
    }
  }

  private mutating func isAtLeastAsGeneral(_ first: TypeID, _ second: TypeID) -> Bool {
    if first == second { return true }
    guard enter() else { return true }
    defer { leave() }
    let first = resolve(first)
    let second = resolve(second)
    if first == .dyn || first == .error || first.index < 0 { return true }
    if second == .dyn || second == .error || second.index < 0 { return false }
    switch (table[first], table[second]) {
    case (.list(let a), .list(let b)): return isAtLeastAsGeneral(a, b)
    case (.map(let key, let value), .map(let otherKey, let otherValue)):
      return isAtLeastAsGeneral(key, otherKey) && isAtLeastAsGeneral(value, otherValue)
    case (.type, .type): return true
    case (.wrapper(let a), _): return a == second
    case (.opaque(let name, let arguments), .opaque(let other, let others)):
      guard name == other, arguments.count == others.count else { return false }
      for (a, b) in zip(arguments, others) where !isAtLeastAsGeneral(a, b) { return false }
      return true
    default: return first == second
    }
  }

  private mutating func occurs(_ variable: TypeID, in type: TypeID) -> Bool {
    if table.isGround(type) { return false }
    guard enter() else { return true }
    defer { leave() }
    if type.index < 0 {
      if type == variable { return true }
      guard let bound = binding(type) else { return false }
      return occurs(variable, in: bound)
    }
    switch table[type] {
    case .list(let element): return occurs(variable, in: element)
    case .map(let key, let value): return occurs(variable, in: key) || occurs(variable, in: value)
    case .type(let of): return occurs(variable, in: of)
    case .opaque(_, let arguments):
      for argument in arguments where occurs(variable, in: argument) { return true }
      return false
    default: return false
    }
  }

  private mutating func rewrite(_ type: TypeID, freeToDyn: Bool) -> TypeID {
    if table.isGround(type) { return type }
    guard enter() else { return .dyn }
    defer { leave() }
    let type = resolve(instantiate(type))
    if type.index < 0 { return freeToDyn ? .dyn : type }
    if table.isGround(type) { return type }
    switch table[type] {
    case .list(let element):
      let element = rewrite(element, freeToDyn: freeToDyn)
      return table.list(element)
    case .map(let key, let value):
      let key = rewrite(key, freeToDyn: freeToDyn)
      let value = rewrite(value, freeToDyn: freeToDyn)
      return table.map(key, value)
    case .type(let of):
      let of = rewrite(of, freeToDyn: freeToDyn)
      return table.intern(.type(of))
    case .opaque(let name, let arguments):
      let arguments = arguments.map { rewrite($0, freeToDyn: freeToDyn) }
      return table.intern(.opaque(name, arguments))
    default: return type
    }
  }
}
