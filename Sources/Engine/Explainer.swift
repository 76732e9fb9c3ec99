// A decision told in full: every rule with the value of each of its clauses. Compiled when it is first asked for, kept
// with the plan; evaluated with the host of the request, so attributes are asked for again.

import CEL
import CPlatform
import PurserPolicy
import PurserTelemetry

/// Conditions of a plan cut into their clauses: the operands of the outermost `&&`.
final class Explainer: Sendable {
  struct Clause: Sendable {
    var text: [UInt8]
    var program: UInt32
  }

  struct Condition: Sendable {
    var text: [UInt8]
    var clauses: [Clause]
  }

  let part: CompiledPart
  /// By policy and by rule number; nil always holds.
  let matches: [Condition?]
  let conditions: [Condition?]

  /// Compiles on a large stack where there is a thread to be had: the caller's may be small.
  static func make(_ source: ExplainSource) -> Explainer {
    var call: (source: ExplainSource, made: Explainer?) = (source, nil)
    _ = withUnsafeMutablePointer(to: &call) { call in
      platform_run_on_large_stack(
        1 << 20,
        { raw in
          guard let call = raw?.assumingMemoryBound(to: (source: ExplainSource, made: Explainer?).self) else { return }
          call.pointee.made = Explainer(call.pointee.source)
        }, call)
    }
    return call.made ?? Explainer(source)
  }

  private init(_ source: ExplainSource) {
    var builder = CodeBuilder(regex: source.regex)
    var matches: [Condition?] = []
    var conditions: [Condition?] = []
    for unit in source.units {
      matches.append(Explainer.cut(unit.matchText, source.environment, &builder))
      for rule in unit.rules { conditions.append(Explainer.cut(rule.condition, source.environment, &builder)) }
    }
    self.matches = matches
    self.conditions = conditions
    part = source.bind(builder.finish())
  }

  private static func cut(
    _ written: Bytes?, _ environment: Environment, _ builder: inout CodeBuilder
  ) -> Condition? {
    guard let written else { return nil }
    let text = Array(written.buffer)
    var diagnostics = Diagnostics()
    // The plan was made of this text, so it is sound; were it not, the condition would have no clauses.
    guard let tree = Parser.parse(text, extensions: environment.extensions, diagnostics: &diagnostics),
      var checked = Checker.check(tree, in: environment, expecting: .bool, diagnostics: &diagnostics)
    else { return Condition(text: text, clauses: []) }
    let root = checked.tree.root
    var operands = [root]
    if case .and(let clauses) = checked.tree[root].kind { operands = clauses }
    var clauses: [Clause] = []
    for operand in operands {
      checked.tree.root = operand
      guard let program = builder.add(checked, diagnostics: &diagnostics) else { continue }
      let span = checked.tree[operand].span
      clauses.append(Clause(text: slice(text, span), program: program))
    }
    return Condition(text: text, clauses: clauses)
  }

  private static func slice(_ text: [UInt8], _ span: Span) -> [UInt8] {
    guard span.start < span.end, Int(span.end) <= text.count else { return text }
    return Array(text[Int(span.start)..<Int(span.end)])
  }
}

extension RequestState {
  /// The decision and everything about it as a JSON object; nil without a plan. The worker is entered and the request
  /// checked; the decision stays what it was.
  public static func explain(_ request: UnsafeMutablePointer<RequestState>) -> [UInt8]? {
    guard let plan = request.pointee.plan else { return nil }
    let worker = request.pointee.worker
    let bound = plan.pointee.owner.takeUnretainedValue()
    let explainer = bound.explainer
    var memory = PlanMemory()
    let view = memory.view(of: explainer.part, numbers: bound.numbers)
    let slots = UnsafeMutablePointer<Value>.allocate(capacity: Int(view.bindingCount) &+ 1)
    let registers = UnsafeMutablePointer<Value>.allocate(capacity: explainer.part.code.registersMax &+ 1)
    registers.initialize(repeating: .null, count: explainer.part.code.registersMax &+ 1)
    let before = (worker.pointee.evaluation.slots, worker.pointee.evaluation.registers)
    worker.pointee.evaluation.slots = slots
    worker.pointee.evaluation.registers = registers
    worker.pointee.plan = plan
    WorkerState.aim(worker, at: view, of: request)

    var writer = ExplanationWriter(
      request: request, plan: plan, explainer: explainer, view: view, evaluation: WorkerState.evaluation(worker))
    let text = writer.write()

    worker.pointee.evaluation.slots = before.0
    worker.pointee.evaluation.registers = before.1
    WorkerState.rest(worker)
    slots.deallocate()
    registers.deallocate()
    memory.free()
    return text
  }
}
