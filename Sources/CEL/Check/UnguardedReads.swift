// Reads that fail on ordinary requests: an entry of a host's map, by a key that nobody has tested for.
//
//   request.headers["x"] == "a"                                  unguarded
//   "x" in request.headers && request.headers["x"] == "a"        guarded, on either side of &&
//   !("x" in request.headers) || request.headers["x"] == "a"     guarded: || absorbs the error
//   has(request.headers.x) ? request.headers.x : "none"          guarded
//
// The walk carries the entries known to be present where a node's value matters. It knows only these forms, so
// it may report a read that some cleverer condition guards; it reports none that these forms guard.

public struct UnguardedRead: Sendable {
  public var span: Span
  public var variable: Variable
  public var key: [UInt8]
  /// The test to write, as CEL text: `"x" in request.headers`.
  public var test: String
}

/// The unguarded reads of `checked`, in the order of the text, each entry once.
public func unguardedReads(in checked: CheckedTree) -> [UnguardedRead] {
  var finder = UnguardedReadFinder(checked: checked)
  finder.walk(checked.tree.root)
  return finder.reads
}

private struct UnguardedReadFinder {
  let checked: CheckedTree
  var reads: [UnguardedRead] = []
  private var present: [Entry] = []

  struct Entry: Equatable {
    var variable: UInt32
    var key: [UInt8]
  }

  init(checked: CheckedTree) { self.checked = checked }

  mutating func walk(_ id: NodeID) {
    switch checked.reference(id) {
    case .variable, .presence, .optional, .type, .local: return
    default: break
    }
    switch checked.tree[id].kind {
    case .invalid, .literal, .identifier: return
    case .select(let operand, let field, let isTest):
      if !isTest, let variable = map(operand) { return read(id, variable, Array(field.utf8)) }
      walk(operand)
    case .call("_[_]", nil, let operands):
      if operands.count == 2, let variable = map(operands[0]), let key = text(operands[1]) {
        return read(id, variable, key)
      }
      for operand in operands { walk(operand) }
    case .call(_, let target, let arguments):
      if let target { walk(target) }
      for argument in arguments { walk(argument) }
    case .and(let operands):
      walk(operands, knowing: operands.flatMap { entries($0, when: true) })
    case .or(let operands):
      walk(operands, knowing: operands.flatMap { entries($0, when: false) })
    case .conditional(let condition, let then, let otherwise):
      walk(condition)
      walk([then], knowing: entries(condition, when: true))
      walk([otherwise], knowing: entries(condition, when: false))
    case .list(let elements):
      for element in elements { walk(element) }
    case .map(let entries):
      for entry in entries {
        walk(entry.key)
        walk(entry.value)
      }
    case .message(_, let fields):
      for field in fields { walk(field.value) }
    case .bindings(let bindings):
      for value in bindings.values { walk(value) }
      walk(bindings.result)
    case .comprehension(let comprehension):
      walk(comprehension.range)
      if let predicate = comprehension.predicate { walk(predicate) }
      guard let transform = comprehension.transform else { return }
      walk([transform], knowing: comprehension.predicate.map { entries($0, when: true) } ?? [])
    }
  }

  private mutating func walk(_ nodes: [NodeID], knowing entries: [Entry]) {
    let count = present.count
    present += entries
    for node in nodes { walk(node) }
    while present.count > count { _ = present.popLast() }
  }

  private mutating func read(_ id: NodeID, _ variable: Variable, _ key: [UInt8]) {
    if present.contains(Entry(variable: variable.id, key: key)) { return }
    if reads.contains(where: { $0.variable.id == variable.id && $0.key == key }) { return }
    reads.append(
      UnguardedRead(
        span: checked.tree[id].span, variable: variable, key: key,
        test: UnguardedReadFinder.quoted(key) + " in " + variable.name))
  }

  /// The entries that are present if `id` has the value `outcome`.
  private func entries(_ id: NodeID, when outcome: Bool) -> [Entry] {
    switch checked.tree[id].kind {
    case .call("!_", nil, let operands):
      return operands.count == 1 ? entries(operands[0], when: !outcome) : []
    case .and(let operands):
      return outcome ? operands.flatMap { entries($0, when: true) } : []
    case .or(let operands):
      return outcome ? [] : operands.flatMap { entries($0, when: false) }
    case .call("@in", nil, let operands):
      guard outcome, operands.count == 2, let key = text(operands[0]), let variable = map(operands[1]) else {
        return []
      }
      return [Entry(variable: variable.id, key: key)]
    case .select(let operand, let field, true):
      guard outcome, case .none = checked.reference(id), let variable = map(operand) else { return [] }
      return [Entry(variable: variable.id, key: Array(field.utf8))]
    default: return []
    }
  }

  /// The entrywise variable that a node is.
  private func map(_ id: NodeID) -> Variable? {
    guard case .variable(let variable) = checked.reference(id), variable.isEntrywise else { return nil }
    return variable
  }

  private func text(_ id: NodeID) -> [UInt8]? {
    guard case .literal(.string(let bytes)) = checked.tree[id].kind else { return nil }
    return bytes
  }

  private static func quoted(_ key: [UInt8]) -> String {
    var text: [UInt8] = [UInt8(ascii: "\"")]
    for byte in key {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): text += [UInt8(ascii: "\\"), byte]
      case 0x0A: text += Array("\\n".utf8)
      case 0x0D: text += Array("\\r".utf8)
      case 0x09: text += Array("\\t".utf8)
      default: text.append(byte)
      }
    }
    text.append(UInt8(ascii: "\""))
    return String(decoding: text, as: UTF8.self)
  }
}
