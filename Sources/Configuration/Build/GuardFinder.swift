// Finds in a checked condition the clause that a `Guard` can try: an attribute against texts, a flag, a presence.

import CEL
import PurserEngine
import PurserPolicy

struct GuardFinder {
  /// A guard whose slot has no number yet.
  struct Clause {
    var test: Guard.Test
    var variable: UInt32
    var key: [UInt8]?
    var texts: [[UInt8]] = []
    /// Of `isInList`: the list's variable.
    var list: UInt32?
    var isWhole = false
  }

  /// More texts than these are the program's, which has a hash table for them.
  private static let textsMax = 8

  let checked: CheckedTree

  /// The most telling of the condition's clauses: what compares text first, presence last.
  func find() -> Clause? {
    let root = checked.tree.root
    guard case .and(let operands) = checked.tree[root].kind else {
      var whole = clause(root)
      whole?.isWhole = true
      return whole
    }
    let clauses = operands.compactMap { clause($0) }
    return clauses.first { !$0.texts.isEmpty } ?? clauses.first { $0.test != .isPresent } ?? clauses.first
  }

  private func clause(_ id: CEL.NodeID) -> Clause? {
    if case .presence(let variable) = checked.reference(id) {
      return variable.constant == nil ? Clause(test: .isPresent, variable: variable.id) : nil
    }
    if let clause = flag(id, .isTrue) { return clause }
    switch checked.tree[id].kind {
    case .select(let operand, let field, true):
      return entry(of: operand, key: Array(field.utf8)).map { Clause(test: .isPresent, variable: $0.id, key: $0.key) }
    case .call("!_", nil, let arguments):
      return arguments.first.flatMap { flag($0, .isFalse) }
    case .call("_==_", nil, let arguments):
      guard arguments.count == 2, let first = arguments.first, let last = arguments.last else { return nil }
      return comparison(.isOneOf, of: first, with: [last]) ?? comparison(.isOneOf, of: last, with: [first])
    case .call("@in", nil, let arguments):
      guard arguments.count == 2, let first = arguments.first, let last = arguments.last else { return nil }
      if case .list(let items) = checked.tree[last].kind { return comparison(.isOneOf, of: first, with: items) }
      if let clause = membership(id, of: first, in: last) { return clause }
      guard let key = text(first) else { return nil }
      return entry(of: last, key: key).map { Clause(test: .isPresent, variable: $0.id, key: $0.key) }
    case .call("startsWith", let target?, let arguments): return comparison(.startsWith, of: target, with: arguments)
    case .call("endsWith", let target?, let arguments): return comparison(.endsWith, of: target, with: arguments)
    default: return nil
    }
  }

  private func flag(_ id: CEL.NodeID, _ test: Guard.Test) -> Clause? {
    guard case .variable(let variable) = checked.reference(id), variable.type == .bool, variable.constant == nil else {
      return nil
    }
    return Clause(test: test, variable: variable.id)
  }

  private func membership(_ id: CEL.NodeID, of subject: CEL.NodeID, in list: CEL.NodeID) -> Clause? {
    guard case .overload(.external(ListVariable.function)) = checked.reference(id),
      case .variable(let list) = checked.reference(list), var clause = subjectClause(.isInList, subject)
    else { return nil }
    clause.list = list.id
    return clause
  }

  private func comparison(_ test: Guard.Test, of subject: CEL.NodeID, with others: [CEL.NodeID]) -> Clause? {
    let texts = others.compactMap { text($0) }
    guard texts.count == others.count, !texts.isEmpty, texts.count <= GuardFinder.textsMax else { return nil }
    var clause = subjectClause(test, subject)
    clause?.texts = texts
    return clause
  }

  /// A test of an attribute that is text, or of an entry.
  private func subjectClause(_ test: Guard.Test, _ subject: CEL.NodeID) -> Clause? {
    if case .variable(let variable) = checked.reference(subject) {
      guard variable.type == .string, variable.constant == nil else { return nil }
      return Clause(test: test, variable: variable.id)
    }
    let found: (id: UInt32, key: [UInt8])?
    switch checked.tree[subject].kind {
    case .select(let operand, let field, false): found = entry(of: operand, key: Array(field.utf8))
    case .call("_[_]", nil, let arguments):
      guard arguments.count == 2, let map = arguments.first, let key = arguments.last.flatMap({ text($0) }) else {
        return nil
      }
      found = entry(of: map, key: key)
    default: found = nil
    }
    return found.map { Clause(test: test, variable: $0.id, key: $0.key) }
  }

  /// An entry that has a slot of its own.
  private func entry(of map: CEL.NodeID, key: [UInt8]) -> (id: UInt32, key: [UInt8])? {
    guard case .variable(let variable) = checked.reference(map), variable.isEntrywise, variable.constant == nil else {
      return nil
    }
    return (variable.id, key)
  }

  private func text(_ id: CEL.NodeID) -> [UInt8]? {
    guard case .none = checked.reference(id), case .literal(.string(let text)) = checked.tree[id].kind else {
      return nil
    }
    return text
  }
}
