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
  /// Where the host writes what it is asked for; used by nobody else while it does.
  var answer = purser_value()

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

  /// Where the value of a slot is, asked for now if nobody did before; nil where there is no such slot.
  @inline(__always)
  static func filled(
    _ slot: UInt32, _ view: Pointer, _ evaluation: Evaluation.Pointer
  ) -> UnsafeMutablePointer<Value>? {
    guard slot < view.pointee.bindingCount else { return nil }
    let place = evaluation.pointee.slots + Int(slot)
    if place.pointee.kind == .unfetched { fetchSlot(evaluation, slot) }
    return place
  }

  /// The value of a slot, asked for now if nobody did before; `absent` where there is no such slot. The evaluation's owner is a
  /// `RequestView`.
  public static func value(_ slot: UInt32, _ evaluation: Evaluation.Pointer) -> Value {
    guard let owner = evaluation.pointee.owner,
      let place = filled(slot, owner.assumingMemoryBound(to: RequestView.self), evaluation)
    else { return .absent }
    return place.pointee
  }

  /// The host's answer to a question for slot `slot`, where it is not simply text. The value is written where it belongs
  /// and not returned: it has more parts than there are registers for it.
  @inline(never)
  fileprivate static func take(
    _ presence: purser_presence, _ slot: UInt32, _ view: Pointer, _ evaluation: Evaluation.Pointer
  ) {
    let place = evaluation.pointee.slots + Int(slot)
    let binding = view.pointee.bindings + Int(slot)
    switch presence {
    case PURSER_PRESENT:
      place.pointee = HostValue.read(
        view.pointee.answer, as: binding.pointee.type, slot: slot, in: &evaluation.pointee.arena)
    case PURSER_NO_MAP where binding.pointee.key.address != 0:
      place.pointee = .error(EvaluationError(.absentAttribute, detail: slot))
    case PURSER_ABSENT, PURSER_NO_MAP:
      place.pointee = .absent
      guard let second = filled(binding.pointee.second, view, evaluation) else { return }
      // A host without headers has no User-Agent either: that is absence, not failure.
      if second.pointee.kind == .error, second.pointee.asError.code == .absentAttribute { return }
      take(second, to: place, slot)
    default: place.pointee = .error(EvaluationError(.attributeUnavailable, detail: slot))
    }
  }

  @inline(never)
  fileprivate static func derive(
    _ place: UnsafeMutablePointer<Value>, _ binding: UnsafePointer<SlotBinding>, _ slot: UInt32, _ view: Pointer,
    _ evaluation: Evaluation.Pointer
  ) {
    place.pointee = .absent
    switch binding.pointee.source {
    case .host: return
    case .constant: place.pointee = binding.pointee.value
    case .hostMap: map(place, binding, slot, view, evaluation)
    case .own: view.pointee.own(view, binding.pointee.number, place)
    case .normalizedPath: path(place, binding, slot, view, evaluation)
    case .query: query(place, binding, slot, view, evaluation)
    case .hostName: hostName(place, binding, slot, view, evaluation)
    }
  }

  @inline(never)
  private static func hostName(
    _ place: UnsafeMutablePointer<Value>, _ binding: UnsafePointer<SlotBinding>, _ slot: UInt32, _ view: Pointer,
    _ evaluation: Evaluation.Pointer
  ) {
    guard let host = filled(binding.pointee.first, view, evaluation) else { return }
    guard host.pointee.kind == .string else { return take(host, to: place, slot) }
    switch HostName(host.pointee.asBytes, in: &evaluation.pointee.arena) {
    case .name(let name): place.pointee = .string(name)
    case .malformed: place.pointee = .error(EvaluationError(.notNormalizable, detail: slot))
    case .outOfMemory: place.pointee = .error(EvaluationError(.memorySpent))
    }
  }

  /// Where the value of a slot is, unless it is absent.
  @inline(__always)
  private static func present(
    _ slot: UInt32, _ view: Pointer, _ evaluation: Evaluation.Pointer
  ) -> UnsafeMutablePointer<Value>? {
    guard let place = filled(slot, view, evaluation), place.pointee.kind != .absent else { return nil }
    return place
  }

  /// An attribute error found in a slot that this one is derived from is this one's error.
  @inline(__always)
  private static func take(
    _ from: UnsafeMutablePointer<Value>, to place: UnsafeMutablePointer<Value>, _ slot: UInt32
  ) {
    place.pointee = from.pointee
    if from.pointee.kind == .error {
      var error = from.pointee.asError
      if error.code.isAboutAttribute { error.detail = slot }
      place.pointee = .error(error)
    }
  }

  fileprivate static func entry(
    _ number: UInt32, _ key: Bytes, _ type: TypeCode, _ slot: UInt32, _ view: Pointer,
    _ evaluation: Evaluation.Pointer
  ) -> Value {
    guard let entry = view.pointee.host.entry else {
      return .error(EvaluationError(.absentAttribute, detail: slot))
    }
    view.pointee.answer = purser_value()
    let presence = withUnsafeMutablePointer(to: &view.pointee.answer) {
      entry(view.pointee.context, number, key.asHostText, OpaquePointer(evaluation), $0)
    }
    switch presence {
    case PURSER_PRESENT: return HostValue.read(view.pointee.answer, as: type, slot: slot, in: &evaluation.pointee.arena)
    case PURSER_ABSENT: return .absent
    case PURSER_NO_MAP: return .error(EvaluationError(.absentAttribute, detail: slot))
    default: return .error(EvaluationError(.attributeUnavailable, detail: slot))
    }
  }

  /// The whole map, listed once; from then on it is a map like any other. A host that cannot list has its entries asked
  /// one by one.
  @inline(never)
  private static func map(
    _ place: UnsafeMutablePointer<Value>, _ binding: UnsafePointer<SlotBinding>, _ slot: UInt32, _ view: Pointer,
    _ evaluation: Evaluation.Pointer
  ) {
    guard let iterate = view.pointee.host.iterate else {
      if view.pointee.host.entry != nil { place.pointee = .hostMap(slot: slot) }
      return
    }
    var visit = MapVisit(evaluation: evaluation, type: binding.pointee.type.entry, slot: slot)
    let presence = withUnsafeMutablePointer(to: &visit) {
      iterate(view.pointee.context, binding.pointee.number, OpaquePointer(evaluation), OpaquePointer($0))
    }
    if visit.failure.kind == .error {
      place.pointee = visit.failure
    } else if presence == PURSER_PRESENT {
      place.pointee = visit.collector.map
    } else if presence != PURSER_ABSENT, presence != PURSER_NO_MAP {
      place.pointee = .error(EvaluationError(.attributeUnavailable, detail: slot))
    }
  }

  @inline(never)
  private static func path(
    _ place: UnsafeMutablePointer<Value>, _ binding: UnsafePointer<SlotBinding>, _ slot: UInt32, _ view: Pointer,
    _ evaluation: Evaluation.Pointer
  ) {
    guard
      let source = present(binding.pointee.first, view, evaluation)
        ?? filled(binding.pointee.second, view, evaluation)
    else { return }
    guard source.pointee.kind == .string else { return take(source, to: place, slot) }
    switch binding.pointee.normalization.normalize(source.pointee.asBytes, in: &evaluation.pointee.arena) {
    case .normalized(let path): place.pointee = .string(path)
    case .malformed: place.pointee = .error(EvaluationError(.notNormalizable, detail: slot))
    case .outOfMemory: place.pointee = .error(EvaluationError(.memorySpent))
    }
  }

  @inline(never)
  private static func query(
    _ place: UnsafeMutablePointer<Value>, _ binding: UnsafePointer<SlotBinding>, _ slot: UInt32, _ view: Pointer,
    _ evaluation: Evaluation.Pointer
  ) {
    guard let whole = present(binding.pointee.first, view, evaluation) else {
      guard let query = filled(binding.pointee.second, view, evaluation) else { return }
      return take(query, to: place, slot)
    }
    guard whole.pointee.kind == .string else { return take(whole, to: place, slot) }
    guard let query = whole.pointee.asBytes.query else { return }
    place.pointee = .string(query)
  }
}

// What an `Evaluation` calls. The raw pointers are those it documents.

/// Fills an unfetched slot; one that does not exist is absent.
public func fetchSlot(_ raw: UnsafeMutableRawPointer, _ slot: UInt32) {
  let evaluation = raw.assumingMemoryBound(to: Evaluation.self)
  let place = evaluation.pointee.slots + Int(slot)
  guard let owner = evaluation.pointee.owner else {
    place.pointee = .absent
    return
  }
  let view = owner.assumingMemoryBound(to: RequestView.self)
  guard slot < view.pointee.bindingCount else {
    place.pointee = .absent
    return
  }
  let binding = view.pointee.bindings + Int(slot)
  guard binding.pointee.source == .host else { return RequestView.derive(place, binding, slot, view, evaluation) }
  view.pointee.answer = purser_value()
  let answer = withUnsafeMutablePointer(to: &view.pointee.answer) { $0 }
  let presence: purser_presence
  if binding.pointee.key.address == 0 {
    presence = view.pointee.host.get?(
      view.pointee.context, binding.pointee.number, OpaquePointer(evaluation), answer) ?? PURSER_ABSENT
  } else {
    presence = view.pointee.host.entry?(
      view.pointee.context, binding.pointee.number, binding.pointee.key.asHostText, OpaquePointer(evaluation), answer)
      ?? PURSER_NO_MAP
  }
  if presence == PURSER_PRESENT, binding.pointee.type == .string, let text = HostValue.plainText(answer) {
    place.pointee = .string(text)
  } else {
    RequestView.take(presence, slot, view, evaluation)
  }
}

extension Bytes {
  @inline(__always)
  fileprivate var asHostText: purser_text {
    purser_text(data: UnsafePointer(bitPattern: UInt(truncatingIfNeeded: address)), size: Int(count))
  }
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
