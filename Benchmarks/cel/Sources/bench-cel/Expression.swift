// One compiled expression with everything an evaluation needs, as a worker keeps it.

import CEL

final class Expression {
  private let code: Code
  private let evaluation: Evaluation.Pointer
  private let table: UnsafeMutablePointer<Value>

  /// `values` are the variables' values by `Variable.id`. Nothing is freed: the process ends soon.
  init(_ text: String, _ environment: Environment, _ values: [Value], regex: RegexLibrary?) throws {
    var diagnostics = Diagnostics()
    var builder = CodeBuilder(regex: regex)
    guard let tree = Parser.parse(Array(text.utf8), diagnostics: &diagnostics),
      let checked = Checker.check(tree, in: environment, diagnostics: &diagnostics),
      builder.add(checked, diagnostics: &diagnostics) != nil
    else { throw Refusal(message: text + ": " + diagnostics.items.map(\.message).joined(separator: "; ")) }
    code = builder.finish()
    // What the host answers, by slot.
    table = .allocate(capacity: max(code.slots.count, 1))
    for (at, slot) in code.slots.enumerated() { table[at] = values[Int(slot.variable)] }
    let slots = UnsafeMutablePointer<Value>.allocate(capacity: max(code.slots.count, 1))
    slots.initialize(repeating: Value(kind: .unfetched), count: max(code.slots.count, 1))
    let registers = UnsafeMutablePointer<Value>.allocate(capacity: code.registersMax + 1)
    registers.initialize(repeating: Value(kind: .unfetched), count: code.registersMax + 1)
    evaluation = .allocate(capacity: 1)
    evaluation.initialize(
      to: Evaluation(
        code: code.image, slots: slots, registers: registers, arena: Arena(bytesMax: 1 << 20),
        owner: UnsafeMutableRawPointer(table),
        fetch: { raw, slot in
          let evaluation = raw.assumingMemoryBound(to: Evaluation.self)
          guard let table = evaluation.pointee.owner?.assumingMemoryBound(to: Value.self) else { return }
          evaluation.pointee.slots[Int(slot)] = table[Int(slot)]
        }, entry: { _, _, _, _ in }, whole: { _, _, _ in }, external: { _, _, _, _, _ in }))
  }

  @inline(__always)
  func evaluate() -> Value { runOnce(evaluation, code.slots.count) }

  /// The same, where a profiler can see it begin and end.
  func evaluateWatched() -> Value {
    var result = Value.null
    cel_benchmark_evaluate(evaluation, code.slots.count, &result)
    return result
  }

  /// Nanoseconds of so many evaluations.
  func time(_ iterations: Int) -> Double {
    let count = code.slots.count
    let evaluation = evaluation
    var kinds: UInt64 = 0
    let clock = ContinuousClock()
    let elapsed = clock.measure {
      for _ in 0..<iterations { kinds &+= runOnce(evaluation, count).payload }
    }
    if kinds == .max { print("never") }
    return Double(elapsed.components.seconds) * 1e9 + Double(elapsed.components.attoseconds) / 1e9
  }
}

/// A request: its slots are empty, its arena too.
@inline(__always)
private func runOnce(_ evaluation: Evaluation.Pointer, _ slotCount: Int) -> Value {
  var slot = evaluation.pointee.slots
  for _ in 0..<slotCount {
    slot.pointee = Value(kind: .unfetched)
    slot += 1
  }
  evaluation.pointee.arena.reset()
  return evaluate(0, evaluation)
}

@c(cel_benchmark_evaluate) @inline(never)
public func cel_benchmark_evaluate(
  _ evaluation: UnsafeMutableRawPointer, _ slotCount: Int, _ result: UnsafeMutableRawPointer
) {
  let value = runOnce(evaluation.assumingMemoryBound(to: Evaluation.self), slotCount)
  result.storeBytes(of: value, as: Value.self)
}
