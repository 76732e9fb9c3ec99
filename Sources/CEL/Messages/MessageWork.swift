// What making a message needs: memory, and a budget for work that grows with the data.

struct MessageWork {
  /// How deep messages, lists and maps may lie in one another where they are decoded or converted.
  static let depthMax = 64

  let arena: UnsafeMutablePointer<Arena>
  /// Units of work left; below zero everything fails.
  var left: Int

  static let unitsPerStep = 8

  /// False when the budget is spent.
  mutating func pay(_ units: Int) -> Bool {
    left = left &- units
    return left >= 0
  }

  mutating func makeRecord(_ descriptor: UnsafePointer<MessageDescriptor>) -> Record? {
    // A unit for four fields: clearing them is quick, but a wide message in two bytes of wire is not free.
    guard pay(1 &+ Int(descriptor.pointee.fieldCount) / 4) else { return nil }
    return Record(descriptor, &arena.pointee)
  }

  var failure: Value { .failure(left < 0 ? .stepBudgetSpent : .memorySpent) }

  mutating func text(_ text: ShortText) -> Value {
    guard let copy = text.copy(to: &arena.pointee) else { return .failure(.memorySpent) }
    return .string(copy)
  }
}

extension Evaluation {
  /// Runs `body` with this evaluation's arena, and takes the work from its budget.
  static func work(_ evaluation: Pointer, _ body: (inout MessageWork) -> Value) -> Value {
    let steps = max(0, Int(clamping: evaluation.pointee.stepsLeft))
    let units = min(steps, 1 << 40) &* MessageWork.unitsPerStep
    let (result, left) = withUnsafeMutablePointer(to: &evaluation.pointee.arena) { arena -> (Value, Int) in
      var work = MessageWork(arena: arena, left: units)
      return (body(&work), work.left)
    }
    spend(units &- left, evaluation)
    return result
  }
}

// MARK: What the instructions do

/// An empty record for a literal of this type.
func makeMessage(_ descriptor: UnsafePointer<MessageDescriptor>, _ evaluation: Evaluation.Pointer) -> Value {
  Evaluation.work(evaluation) { work in work.makeRecord(descriptor)?.value ?? work.failure }
}

/// Stores a field of the literal that `message` is; an error replaces it.
func setMessageField(_ message: inout Value, _ index: UInt32, _ value: Value, _ evaluation: Evaluation.Pointer) {
  guard let record = Record(message) else { return }
  if value.kind == .error {
    message = value
    return
  }
  guard index < record.descriptor.pointee.fieldCount else {
    message = .failure(.internalFailure)
    return
  }
  let field = record.descriptor.pointee.fields + Int(index)
  let converted = Evaluation.work(evaluation) { work in work.convert(value, for: field) }
  if converted.kind == .error {
    message = converted
  } else {
    record.set(field, converted)
  }
}

/// The value that a finished literal stands for.
func sealMessage(_ message: Value, _ evaluation: Evaluation.Pointer) -> Value {
  guard let record = Record(message) else { return message }
  return Evaluation.work(evaluation) { work in work.seal(record, depth: 0) }
}
