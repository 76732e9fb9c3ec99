// Names that an expression introduces, where their values are, and the code of `cel.bind` and `cel.block`.
//
// A bound value is computed when it is first read. Its code stands once, before the result's, and is called:
//
//        clear v0; clear v1
//        jump body
//   t0:  …value 0 into v0; go back to where r0 says
//   t1:  …value 1 into v1 (may `force v0`); go back to where r1 says
//   body …force v1 → t1, unless v1 is there…
//
// It may be called from anywhere in the result, so that its registers are its own until the bindings end. Values that
// cost nothing to read again, constants and variables, get no code.

/// The variables that one comprehension or one `bindings` introduces.
struct LocalScope {
  var places: [LocalPlace]

  init(_ places: [LocalPlace]) { self.places = places }
}

enum LocalPlace {
  case register(UInt16)
  /// Computed on demand by the code at the label; the register after it says where to go on.
  case lazy(UInt16, Label)
  case operand(Operand)
}

extension Compiler {
  func local(_ depth: Int, _ variable: Int) -> LocalPlace? {
    let (place, overflow) = scopes.count.subtractingReportingOverflow(depth)
    guard !overflow, place >= 1, place <= scopes.count, scopes[place - 1].places.indices.contains(variable) else {
      return nil
    }
    return scopes[place - 1].places[variable]
  }

  mutating func read(_ place: LocalPlace, _ node: Node) -> Operand {
    switch place {
    case .register(let register): return .register(register)
    case .operand(let operand): return operand
    case .lazy(let register, let label):
      emit(Instruction(.force, destination: register, jump: label.number), at: node.anchor)
      return .register(register)
    }
  }

  mutating func computeBindings(_ node: Node, _ bindings: Node.Bindings) -> Operand {
    let destination = makeRegister()
    let released = openBindings(bindings)
    let operand = compute(bindings.result)
    closeBindings(released)
    emit(Instruction(.move, destination: destination), a: operand, at: node.anchor)
    free = destination
    return .register(makeRegister())
  }

  /// Code that makes the values readable; until `closeBindings` gets what this gives, and the registers are freed.
  mutating func openBindings(_ bindings: Node.Bindings) -> [UInt16] {
    var registers: [UInt16?] = []
    for value in bindings.values {
      if isReadable(value) {
        registers.append(nil)
        continue
      }
      let register = makeRegister()
      _ = makeRegister()
      emit(Instruction(.clear, destination: register), at: 0)
      registers.append(register)
    }
    scopes.append(LocalScope([]))
    let body = makeLabel()
    var released: [UInt16] = []
    if registers.contains(where: { $0 != nil }) { emitJump(body) }
    for (value, register) in zip(bindings.values, registers) {
      let place: LocalPlace
      if let register {
        let label = makeLabel()
        place = .lazy(register, label)
        self.place(label)
        released += computeApart(value, into: register)
      } else {
        place = .operand(compute(value))
      }
      if let last = scopes.indices.last { scopes[last].places.append(place) }
    }
    self.place(body)
    return released
  }

  mutating func closeBindings(_ released: [UInt16]) {
    _ = scopes.popLast()
    releasedErrors += released
  }

  /// Whether reading it again costs nothing, and needs no code.
  private func isReadable(_ id: NodeID) -> Bool {
    if analysis.value(id) != nil { return true }
    if case .variable = checked.reference(id) { return true }
    return false
  }

  /// Code that is called. No register that it uses is used by what follows; its error registers are given back.
  private mutating func computeApart(_ value: NodeID, into register: UInt16) -> [UInt16] {
    let errorsBefore = releasedErrors
    let highBefore = registerHigh
    releasedErrors = []
    registerHigh = free
    let operand = compute(value)
    let anchor = checked.tree[value].anchor
    emit(Instruction(.move, destination: register), a: operand, at: anchor)
    emit(Instruction(.goBack, a: UInt32(truncatingIfNeeded: register) &+ 1), at: anchor)
    free = max(free, registerHigh)
    registerHigh = max(highBefore, registerHigh)
    let released = releasedErrors
    releasedErrors = errorsBefore
    return released
  }
}
