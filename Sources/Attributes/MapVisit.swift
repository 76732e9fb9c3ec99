// One `iterate` of the host: what `purser_visitor` points to.

import CEL
import CPurser

public struct MapVisit {
  let evaluation: Evaluation.Pointer
  let type: TypeCode
  let slot: UInt32
  var collector = MapCollector()
  /// The first thing that went wrong, else `absent`.
  var failure = Value.absent

  init(evaluation: Evaluation.Pointer, type: TypeCode, slot: UInt32) {
    self.evaluation = evaluation
    self.type = type
    self.slot = slot
  }

  /// False when there is no room for more.
  public mutating func add(_ key: purser_text, _ value: purser_value) -> Bool {
    guard failure.kind != .error else { return false }
    var name = purser_value()
    name.type = PURSER_TYPE_STRING.rawValue
    name.as.text = key
    let keyValue = HostValue.read(name, as: .string, slot: slot, in: &evaluation.pointee.arena)
    let entry = HostValue.read(value, as: type, slot: slot, in: &evaluation.pointee.arena)
    if keyValue.kind == .error {
      failure = keyValue
    } else if entry.kind == .error {
      failure = entry
    } else if !collector.set(keyValue, entry, in: &evaluation.pointee.arena) {
      failure = .error(EvaluationError(.attributeTooLarge, detail: slot))
      return false
    }
    return true
  }
}
