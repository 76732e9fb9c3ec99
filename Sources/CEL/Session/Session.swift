// Evaluation for Swift programs that keep no memory of their own: an expression, its variables' values, and a result.
//
//   environment ─► Session(text) ─► set variables ─► evaluate ─► value
//                                        ▲              │
//                                        └── again ◄────┘
//
// A host that asks for attributes only when they are read, or that runs many programs over one request, uses
// `Evaluation` itself, as the engine does. A session is for one thread at a time; any number of sessions may share a
// `Code`.

public final class Session {
  public let code: Code
  private let evaluation: Evaluation.Pointer
  /// What each slot is, until a variable is set again.
  private let answers: UnsafeMutablePointer<Value>
  private var inputs: Arena

  /// A session over compiled code. A value that is set and a value that is built may each take `bytesMax`.
  public init(_ code: Code, bytesMax: Int = 16 << 20) {
    self.code = code
    let slotCount = max(code.slots.count, 1)
    let registerCount = max(code.registersMax, 1)
    inputs = Arena(bytesMax: bytesMax)
    answers = .allocate(capacity: slotCount)
    answers.initialize(repeating: .absent, count: slotCount)
    let slots = UnsafeMutablePointer<Value>.allocate(capacity: slotCount)
    slots.initialize(repeating: Value(kind: .unfetched), count: slotCount)
    let registers = UnsafeMutablePointer<Value>.allocate(capacity: registerCount)
    registers.initialize(repeating: Value(kind: .unfetched), count: registerCount)
    evaluation = .allocate(capacity: 1)
    evaluation.initialize(
      to: Evaluation(
        code: code.image, slots: slots, registers: registers, arena: Arena(bytesMax: bytesMax),
        owner: UnsafeMutableRawPointer(answers),
        fetch: { raw, slot in
          let evaluation = raw.assumingMemoryBound(to: Evaluation.self)
          guard let answers = evaluation.pointee.owner?.assumingMemoryBound(to: Value.self) else { return }
          evaluation.pointee.slots[Int(slot)] = answers[Int(slot)]
        },
        // A session has whole maps, and functions that are closures.
        entry: { _, _, _, _ in }, whole: { _, _, _ in }, external: { _, _, _, _, _ in }))
  }

  deinit {
    evaluation.pointee.slots.deallocate()
    evaluation.pointee.registers.deallocate()
    evaluation.pointee.arena.free()
    evaluation.deinitialize(count: 1)
    evaluation.deallocate()
    answers.deallocate()
    inputs.free()
  }

  /// Parses, checks and compiles `text`. Without a regex library, expressions with `matches` are refused.
  public convenience init(
    _ text: String, in environment: Environment, regex: RegexLibrary? = nil, bytesMax: Int = 16 << 20
  ) throws(ExpressionRefusal) {
    var diagnostics = Diagnostics()
    var builder = CodeBuilder(regex: regex)
    guard
      let tree = Parser.parse(Array(text.utf8), extensions: environment.extensions, diagnostics: &diagnostics),
      let checked = Checker.check(tree, in: environment, diagnostics: &diagnostics),
      builder.add(checked, diagnostics: &diagnostics) != nil
    else { throw ExpressionRefusal(text: text, diagnostics: diagnostics) }
    self.init(builder.finish(), bytesMax: bytesMax)
  }

  /// Evaluates a program of the code. The value, which may be an error, is good until the next evaluation.
  public func evaluate(_ program: UInt32 = 0) -> Value {
    for slot in 0..<code.slots.count { evaluation.pointee.slots[slot] = Value(kind: .unfetched) }
    evaluation.pointee.arena.reset()
    return CEL.evaluate(program, evaluation)
  }

  // MARK: Variables

  /// Gives the variable with this `Variable.id` a value, or takes it away: reading it is then an error, and `has` of it
  /// false. What no expression reads costs nothing.
  public func set(_ variable: UInt32, _ value: Value?) {
    for (number, slot) in code.slots.enumerated() where slot.variable == variable {
      answers[number] = slot.key.map { Session.entry(value ?? .absent, $0) } ?? value ?? .absent
    }
  }

  /// Takes all variables away, and with them the memory of their values.
  public func reset() {
    for slot in 0..<code.slots.count { answers[slot] = .absent }
    inputs.reset()
  }

  private static func entry(_ map: Value, _ key: [UInt8]) -> Value {
    guard map.kind == .map else { return map.kind == .absent || map.kind == .error ? map : .failure(.noSuchOverload) }
    for number in 0..<Int(map.count) {
      if let (candidate, value) = map.entry(number), candidate.kind == .string,
        candidate.asBytes.buffer.elementsEqual(key)
      {
        return value
      }
    }
    return .absent
  }

  // MARK: Values with parts. They live until `reset`.

  public func string(_ text: String) -> Value {
    var text = text
    let copy = text.withUTF8 { inputs.copy(Bytes($0.baseAddress, count: UInt32(clamping: $0.count))) }
    return copy.map { .string($0) } ?? .failure(.memorySpent)
  }

  public func bytes(_ bytes: [UInt8]) -> Value {
    let copy = bytes.withUnsafeBufferPointer {
      inputs.copy(Bytes($0.baseAddress, count: UInt32(clamping: $0.count)))
    }
    return copy.map { .bytes($0) } ?? .failure(.memorySpent)
  }

  public func list(_ elements: [Value]) -> Value {
    guard let count = UInt32(exactly: elements.count), let memory = copy(elements) else {
      return .failure(.memorySpent)
    }
    return .list(memory, count: count)
  }

  /// Keys are bools, ints, uints or strings, each once.
  public func map(_ entries: [(key: Value, value: Value)]) -> Value {
    var values: [Value] = []
    for entry in entries {
      values.append(entry.key)
      values.append(entry.value)
    }
    guard let count = UInt32(exactly: entries.count), let memory = copy(values) else { return .failure(.memorySpent) }
    return .map(memory, count: count)
  }

  private func copy(_ values: [Value]) -> UnsafePointer<Value>? {
    guard let memory = inputs.allocateValues(max(values.count, 1)) else { return nil }
    var place = memory
    for value in values {
      place.pointee = value
      place += 1
    }
    return UnsafePointer(memory)
  }
}
