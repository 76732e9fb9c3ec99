// The request as the evaluator sees it: borrowed from the host for the length of one call.
//
//   evaluator ── fetch(slot) ──► binding of the slot ──► host.get / host.entry, or other slots
//
// The three functions at the end are what an `Evaluation` calls; its `owner` is a `RequestView`.

import CEL
import CPurser

public struct RequestView {
  public var host: purser_host
  public var context: UnsafeMutableRawPointer?
  /// One for each slot of the code that is being evaluated, and hidden ones after those.
  public var bindings: UnsafePointer<SlotBinding>
  public var bindingCount: UInt32
  /// What the engine itself knows: `(this view, number) -> Value` written to the last argument.
  public var own: @convention(c) (UnsafeMutableRawPointer, _ number: UInt32, UnsafeMutableRawPointer) -> Void
  public var ownContext: UnsafeMutableRawPointer?

  public init(
    host: purser_host, context: UnsafeMutableRawPointer?, bindings: UnsafePointer<SlotBinding>,
    bindingCount: UInt32,
    own: @escaping @convention(c) (UnsafeMutableRawPointer, UInt32, UnsafeMutableRawPointer) -> Void,
    ownContext: UnsafeMutableRawPointer?
  ) {
    self.host = host
    self.context = context
    self.bindings = bindings
    self.bindingCount = bindingCount
    self.own = own
    self.ownContext = ownContext
  }
}

extension RequestView {
  public typealias Pointer = UnsafeMutablePointer<RequestView>

  /// The value of a slot, asked for now if nobody did before.
  @inline(never)
  static func value(_ slot: UInt32, _ view: Pointer, _ evaluation: Evaluation.Pointer) -> Value {
    guard slot < view.pointee.bindingCount else { return .absent }
    let known = evaluation.pointee.slots[Int(slot)]
    if known.kind != .unfetched { return known }
    let value = ask(slot, view, evaluation)
    evaluation.pointee.slots[Int(slot)] = value
    return value
  }

  @inline(__always)
  fileprivate static func ask(_ slot: UInt32, _ view: Pointer, _ evaluation: Evaluation.Pointer) -> Value {
    let binding = view.pointee.bindings + Int(slot)
    if binding.pointee.source == .host {
      return binding.pointee.key.address == 0
        ? attribute(binding, slot, view, evaluation)
        : entry(binding.pointee.number, binding.pointee.key, binding.pointee.type, slot, view, evaluation)
    }
    return derive(binding, slot, view, evaluation)
  }

  @inline(never)
  private static func derive(
    _ binding: UnsafePointer<SlotBinding>, _ slot: UInt32, _ view: Pointer, _ evaluation: Evaluation.Pointer
  ) -> Value {
    switch binding.pointee.source {
    case .host: return .absent
    case .constant: return binding.pointee.value
    case .hostMap:
      return map(binding, slot, view, evaluation)
    case .own:
      var result = Value.absent
      view.pointee.own(view, binding.pointee.number, &result)
      return result
    case .normalizedPath:
      return path(binding, slot, view, evaluation)
    case .query:
      let whole = value(binding.pointee.first, view, evaluation)
      if whole.kind == .absent { return value(binding.pointee.second, view, evaluation).about(slot) }
      guard whole.kind == .string else { return whole.about(slot) }
      guard let query = whole.asBytes.query else { return .absent }
      return .string(query)
    case .hostName:
      let host = value(binding.pointee.first, view, evaluation)
      guard host.kind == .string else { return host.about(slot) }
      switch HostName(host.asBytes, in: &evaluation.pointee.arena) {
      case .name(let name): return .string(name)
      case .malformed: return .error(EvaluationError(.notNormalizable, detail: slot))
      case .outOfMemory: return .error(EvaluationError(.memorySpent))
      }
    case .firstPresent:
      let first = value(binding.pointee.first, view, evaluation)
      guard first.kind == .absent else { return first.about(slot) }
      let second = value(binding.pointee.second, view, evaluation)
      // A host without headers has no User-Agent either: that is absence, not failure.
      if second.kind == .error, second.asError.code == .absentAttribute { return .absent }
      return second.about(slot)
    }
  }

  @inline(__always)
  private static func attribute(
    _ binding: UnsafePointer<SlotBinding>, _ slot: UInt32, _ view: Pointer, _ evaluation: Evaluation.Pointer
  ) -> Value {
    guard let get = view.pointee.host.get else { return .absent }
    var answer = purser_value()
    let presence = get(view.pointee.context, binding.pointee.number, OpaquePointer(evaluation), &answer)
    if presence == PURSER_PRESENT {
      return HostValue.read(answer, as: binding.pointee.type, slot: slot, in: &evaluation.pointee.arena)
    }
    switch presence {
    case PURSER_ABSENT, PURSER_NO_MAP: return .absent
    default: return .error(EvaluationError(.attributeUnavailable, detail: slot))
    }
  }

  fileprivate static func entry(
    _ number: UInt32, _ key: Bytes, _ type: TypeCode, _ slot: UInt32, _ view: Pointer,
    _ evaluation: Evaluation.Pointer
  ) -> Value {
    guard let entry = view.pointee.host.entry else {
      return .error(EvaluationError(.absentAttribute, detail: slot))
    }
    var answer = purser_value()
    let text = purser_text(data: UnsafePointer(bitPattern: UInt(truncatingIfNeeded: key.address)), size: Int(key.count))
    let presence = entry(view.pointee.context, number, text, OpaquePointer(evaluation), &answer)
    switch presence {
    case PURSER_PRESENT: return HostValue.read(answer, as: type, slot: slot, in: &evaluation.pointee.arena)
    case PURSER_ABSENT: return .absent
    case PURSER_NO_MAP: return .error(EvaluationError(.absentAttribute, detail: slot))
    default: return .error(EvaluationError(.attributeUnavailable, detail: slot))
    }
  }

  /// The whole map, listed once; from then on it is a map like any other. A host that cannot list has its entries asked
  /// one by one.
  private static func map(
    _ binding: UnsafePointer<SlotBinding>, _ slot: UInt32, _ view: Pointer, _ evaluation: Evaluation.Pointer
  ) -> Value {
    guard let iterate = view.pointee.host.iterate else {
      return view.pointee.host.entry == nil ? .absent : .hostMap(slot: slot)
    }
    var visit = MapVisit(evaluation: evaluation, type: binding.pointee.type.entry, slot: slot)
    let presence = withUnsafeMutablePointer(to: &visit) {
      iterate(view.pointee.context, binding.pointee.number, OpaquePointer(evaluation), OpaquePointer($0))
    }
    if visit.failure.kind == .error { return visit.failure }
    switch presence {
    case PURSER_PRESENT: return visit.collector.map
    case PURSER_ABSENT, PURSER_NO_MAP: return .absent
    default: return .error(EvaluationError(.attributeUnavailable, detail: slot))
    }
  }

  private static func path(
    _ binding: UnsafePointer<SlotBinding>, _ slot: UInt32, _ view: Pointer, _ evaluation: Evaluation.Pointer
  ) -> Value {
    var source = value(binding.pointee.first, view, evaluation)
    if source.kind == .absent { source = value(binding.pointee.second, view, evaluation) }
    guard source.kind == .string else { return source.about(slot) }
    switch binding.pointee.normalization.normalize(source.asBytes, in: &evaluation.pointee.arena) {
    case .normalized(let path): return .string(path)
    case .malformed: return .error(EvaluationError(.notNormalizable, detail: slot))
    case .outOfMemory: return .error(EvaluationError(.memorySpent))
    }
  }
}

extension Value {
  /// An attribute error found in a slot that this one is derived from is this one's error.
  @inline(__always)
  fileprivate func about(_ slot: UInt32) -> Value { kind == .error ? errorAbout(slot) : self }

  @inline(never)
  private func errorAbout(_ slot: UInt32) -> Value {
    var error = asError
    if error.code.isAboutAttribute { error.detail = slot }
    return .error(error)
  }
}

// What an `Evaluation` calls. The raw pointers are those it documents.

public func fetchSlot(_ raw: UnsafeMutableRawPointer, _ slot: UInt32) {
  let evaluation = raw.assumingMemoryBound(to: Evaluation.self)
  guard let owner = evaluation.pointee.owner else {
    evaluation.pointee.slots[Int(slot)] = .absent
    return
  }
  let view = owner.assumingMemoryBound(to: RequestView.self)
  guard slot < view.pointee.bindingCount else {
    evaluation.pointee.slots[Int(slot)] = .absent
    return
  }
  evaluation.pointee.slots[Int(slot)] = RequestView.ask(slot, view, evaluation)
}

public func fetchEntry(
  _ raw: UnsafeMutableRawPointer, _ mapSlot: UInt32, _ key: UnsafeRawPointer, _ result: UnsafeMutableRawPointer
) {
  let evaluation = raw.assumingMemoryBound(to: Evaluation.self)
  let out = result.assumingMemoryBound(to: Value.self)
  let key = key.load(as: Value.self)
  out.pointee = .absent
  guard let owner = evaluation.pointee.owner else { return }
  let view = owner.assumingMemoryBound(to: RequestView.self)
  // Only text can be a key here; any other value is no entry, as in a map of CEL's own.
  guard mapSlot < view.pointee.bindingCount, key.kind == .string else { return }
  let binding = view.pointee.bindings + Int(mapSlot)
  out.pointee = RequestView.entry(
    binding.pointee.number, key.asBytes, binding.pointee.type.entry, mapSlot, view, evaluation)
}

/// Only of a host that cannot list: a whole map is what its slot holds otherwise.
public func fetchWhole(_ raw: UnsafeMutableRawPointer, _ mapSlot: UInt32, _ result: UnsafeMutableRawPointer) {
  result.assumingMemoryBound(to: Value.self).pointee =
    .error(EvaluationError(.attributeUnavailable, detail: mapSlot))
}
