// Finds in a checked condition the clauses that can be told from an attribute's value alone: what a `Guard` tries and
// the index looks up. A condition is a conjunction of clauses, of which those that are anything else are left out.

import CEL
import PurserEngine
import PurserPolicy

struct ClauseFinder {
  /// A clause whose slot has no number yet, and whose list is only a variable.
  struct Clause {
    var test: ClauseDraft.Test
    var variable: UInt32
    var key: [UInt8]?
    var texts: [(relation: TextTest.Relation, text: [UInt8])] = []
    /// Of `isInList`: the list's variable.
    var list: UInt32?
    var isNegated = false
    var isWhole = false
    var failsIfAbsent = false

    func isAboutTheSame(as other: Clause) -> Bool { variable == other.variable && key == other.key }
  }

  /// More alternatives than these are left to the program.
  private static let textsMax = 32

  let checked: CheckedTree

  /// What was found in one condition.
  struct Found {
    /// The most telling first: what compares text, then what is in a list, then flags, presence, and what only excludes.
    var clauses: [Clause] = []
    /// The condition is the conjunction of the clauses and nothing else.
    var isCovered = false
  }

  func find() -> Found {
    let root = checked.tree.root
    guard case .and(let operands) = checked.tree[root].kind else {
      guard var whole = clause(root) else { return Found() }
      whole.isWhole = !isPrefixOfPattern(root)
      return Found(clauses: [whole], isCovered: whole.isWhole)
    }
    var clauses = operands.compactMap { clause($0) }
    let isCovered = clauses.count == operands.count && !operands.contains { isPrefixOfPattern($0) }
    let presences = clauses.filter { $0.test == .isPresent && !$0.isNegated }
    for index in clauses.indices where presences.contains(where: { $0.isAboutTheSame(as: clauses[index]) }) {
      clauses[index].failsIfAbsent = true
    }
    return Found(clauses: clauses.ordered { rank($0) < rank($1) }, isCovered: isCovered)
  }

  private func rank(_ clause: Clause) -> Int {
    if clause.isNegated { return 4 }
    switch clause.test {
    case .isText: return 0
    case .isInList: return 1
    case .isTrue: return 2
    case .isPresent, .none: return 3
    }
  }

  private func clause(_ id: CEL.NodeID) -> Clause? {
    if case .presence(let variable) = checked.reference(id) {
      return variable.constant == nil ? Clause(test: .isPresent, variable: variable.id) : nil
    }
    if case .variable(let variable) = checked.reference(id) {
      guard variable.type == .bool, variable.constant == nil else { return nil }
      return Clause(test: .isTrue, variable: variable.id)
    }
    switch checked.tree[id].kind {
    case .or(let operands): return disjunction(operands)
    case .select(let operand, let field, true): return entry(.isPresent, of: operand, key: Array(field.utf8))
    case .call(let function, let target, let arguments): return call(id, function, target, arguments)
    default: return nil
    }
  }

  private func call(
    _ id: CEL.NodeID, _ function: String, _ target: CEL.NodeID?, _ arguments: [CEL.NodeID]
  ) -> Clause? {
    let operands = (target.map { [$0] } ?? []) + arguments
    guard let first = operands.first, let last = operands.last, isStandard(id) else {
      return function == "@in" ? membership(id, arguments) : nil
    }
    switch (function, operands.count) {
    case ("!_", 1):
      guard var clause = clause(first), !isPrefixOfPattern(first) else { return nil }
      clause.isNegated.toggle()
      return clause
    case ("_==_", 2): return comparison(.equals, first, [last]) ?? comparison(.equals, last, [first])
    case ("_!=_", 2):
      guard var clause = comparison(.equals, first, [last]) ?? comparison(.equals, last, [first]) else { return nil }
      clause.isNegated = true
      return clause
    case ("@in", 2):
      if case .list(let items) = checked.tree[last].kind { return comparison(.equals, first, items) }
      return text(first).flatMap { entry(.isPresent, of: last, key: $0) }
    case ("startsWith", 2): return comparison(.startsWith, first, [last])
    case ("endsWith", 2): return comparison(.endsWith, first, [last])
    case ("matches", 2):
      guard let prefix = text(last).flatMap(literalPrefix), var clause = subject(.isText, first) else { return nil }
      clause.texts = [(.startsWith, prefix)]
      return clause
    default: return nil
    }
  }

  /// A pattern says more than the prefix that it begins with.
  private func isPrefixOfPattern(_ id: CEL.NodeID) -> Bool {
    switch checked.tree[id].kind {
    case .call("matches", _, _): return true
    case .call("!_", nil, let arguments): return arguments.contains { isPrefixOfPattern($0) }
    case .or(let operands): return operands.contains { isPrefixOfPattern($0) }
    default: return false
    }
  }

  /// Alternatives for one attribute's text.
  private func disjunction(_ operands: [CEL.NodeID]) -> Clause? {
    guard let first = operands.first, var whole = clause(first), whole.test == .isText, !whole.isNegated else {
      return nil
    }
    for operand in operands.dropFirst() {
      guard let next = clause(operand), next.test == .isText, !next.isNegated, next.isAboutTheSame(as: whole) else {
        return nil
      }
      whole.texts += next.texts
    }
    return whole.texts.count <= ClauseFinder.textsMax ? whole : nil
  }

  private func isStandard(_ id: CEL.NodeID) -> Bool {
    switch checked.reference(id) {
    case .overload(.builtin), .none: return true
    case .dynamic(let candidates):
      return candidates.allSatisfy { if case .builtin = $0 { return true } else { return false } }
    default: return false
    }
  }

  private func membership(_ id: CEL.NodeID, _ arguments: [CEL.NodeID]) -> Clause? {
    guard case .overload(.external(ListVariable.function)) = checked.reference(id), arguments.count == 2,
      let first = arguments.first, let last = arguments.last, case .variable(let list) = checked.reference(last),
      var clause = subject(.isInList, first)
    else { return nil }
    clause.list = list.id
    return clause
  }

  private func comparison(
    _ relation: TextTest.Relation, _ subject: CEL.NodeID, _ others: [CEL.NodeID]
  ) -> Clause? {
    let texts = others.compactMap { text($0) }
    guard texts.count == others.count, !texts.isEmpty, texts.count <= ClauseFinder.textsMax,
      var clause = self.subject(.isText, subject)
    else { return nil }
    clause.texts = texts.map { (relation, $0) }
    return clause
  }

  /// A test of an attribute that is text, or of an entry.
  private func subject(_ test: ClauseDraft.Test, _ id: CEL.NodeID) -> Clause? {
    if case .variable(let variable) = checked.reference(id) {
      guard variable.type == .string, variable.constant == nil else { return nil }
      return Clause(test: test, variable: variable.id)
    }
    switch checked.tree[id].kind {
    case .select(let operand, let field, false): return entry(test, of: operand, key: Array(field.utf8))
    case .call("_[_]", nil, let arguments):
      guard arguments.count == 2, let map = arguments.first, let key = arguments.last.flatMap({ text($0) }) else {
        return nil
      }
      return entry(test, of: map, key: key)
    default: return nil
    }
  }

  /// An entry that has a slot of its own.
  private func entry(_ test: ClauseDraft.Test, of map: CEL.NodeID, key: [UInt8]) -> Clause? {
    guard case .variable(let variable) = checked.reference(map), variable.isEntrywise, variable.constant == nil else {
      return nil
    }
    return Clause(test: test, variable: variable.id, key: key)
  }

  private func text(_ id: CEL.NodeID) -> [UInt8]? {
    guard case .none = checked.reference(id), case .literal(.string(let text)) = checked.tree[id].kind else {
      return nil
    }
    return text
  }

  /// What every text that an RE2 pattern matches begins with: the plain bytes after `^`. Nil for none.
  private func literalPrefix(_ pattern: [UInt8]) -> [UInt8]? {
    guard pattern.first == UInt8(ascii: "^"), !pattern.contains(UInt8(ascii: "|")) else { return nil }
    var prefix = Array(pattern.dropFirst().prefix { isPlain($0) })
    // What follows the last of them may make it optional.
    let after = pattern.dropFirst(prefix.count + 1).first
    if let after, [UInt8(ascii: "*"), UInt8(ascii: "?"), UInt8(ascii: "{")].contains(after) { _ = prefix.popLast() }
    return prefix.isEmpty ? nil : prefix
  }

  private func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "-"), UInt8(ascii: "_"),
      UInt8(ascii: ":"), UInt8(ascii: "@"), UInt8(ascii: "="), UInt8(ascii: " "):
      return true
    default: return false
    }
  }
}
