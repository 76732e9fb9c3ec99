// Holds a document to its shape and reports everything that differs: unknown fields, missing ones, wrong types.
// After it the kind's reader takes what is there and says nothing about shape again.

struct ShapeCheck {
  let tree: YamlTree
  var problems: Problems

  /// `name` is the field, for messages.
  mutating func check(_ id: NodeID, is shape: Shape, called name: String) {
    // Nothing more would be shown.
    guard !problems.isFull else { return }
    let node = tree[id]
    if node.kind == .scalar, case .null = tree.meaning(of: id) {
      if case .anything = shape { return }
      let hint = ShapeCheck.emptyHint(shape)
      problems.error(at: tree.position(of: id), "`\(printable(name))` has no value\(hint)")
      return
    }
    switch shape {
    case .anything: return
    case .object(let object): checkObject(id, object, called: name)
    case .list(let item, let countMin): checkList(id, item, countMin, called: name)
    case .map(let rule, let value): checkMap(id, rule, value, called: name)
    case .expression: checkExpression(id, called: name)
    case .text, .word, .boolean, .integer, .number, .duration: checkScalar(id, shape, called: name)
    }
  }

  private static func emptyHint(_ shape: Shape) -> String {
    switch shape {
    case .object, .map: return ": write `{}` when it has no fields"
    case .list: return ": write `[]` when it has no items"
    case .expression: return ": an expression is missing"
    default: return ""
    }
  }

  private mutating func checkObject(_ id: NodeID, _ object: ObjectShape, called name: String) {
    guard expect(.mapping, id, called: name) else { return }
    var found: [String] = []
    for (key, value) in tree.entries(of: id) {
      let word = tree.string(of: key)
      guard let field = object.field(word) else {
        problems.error(at: tree.position(of: key), ShapeCheck.unknownField(word, in: object))
        continue
      }
      found.append(word)
      if field.support == .refused {
        problems.error(at: tree.position(of: key), "\(object.noun) `\(word)` is not yet supported")
        continue
      }
      check(value, is: field.shape, called: word)
    }
    for field in object.fields where field.isRequired && !found.contains(field.name) {
      problems.error(at: tree.position(of: id), "\(article(object.noun)) needs `\(field.name)`")
    }
    if object.takesExactlyOneField, found.count != 1 {
      let names = object.fields.filter { $0.support == .full }.map { "`\($0.name)`" }.joined(separator: " or ")
      problems.error(at: tree.position(of: id), "\(article(object.noun)) needs exactly one of \(names)")
    }
  }

  private static func unknownField(_ word: String, in object: ObjectShape) -> String {
    let names = object.fields.map { $0.name }
    let start = "unknown field \(quoted(word)) in \(article(object.noun))"
    let hint = suggestion(for: word, among: names)
    if !hint.isEmpty { return start + hint }
    return start + ": it has " + names.map { "`\($0)`" }.joined(separator: ", ")
  }

  private mutating func checkList(_ id: NodeID, _ item: Shape, _ countMin: Int, called name: String) {
    guard expect(.sequence, id, called: name) else { return }
    let items = tree.children(of: id)
    if items.count < countMin {
      problems.error(at: tree.position(of: id), "`\(printable(name))` needs at least \(countMin)")
    }
    for child in items { check(child, is: item, called: name) }
  }

  private mutating func checkMap(_ id: NodeID, _ rule: TextRule, _ value: Shape, called name: String) {
    guard expect(.mapping, id, called: name) else { return }
    let isFlow = tree[id].style == .flow
    for (key, entry) in tree.entries(of: id) {
      // `{x: size(a, b)}` is two entries, and the second has no value.
      if isFlow, case .expression = value, case .null = tree.meaning(of: entry), tree.bytes(of: entry).isEmpty {
        problems.error(
          at: tree.position(of: key),
          "\(quoted(tree.string(of: key))) has no value: inside `{ }`, quote an expression that has a comma")
        continue
      }
      checkText(key, rule)
      check(entry, is: value, called: tree.string(of: key))
    }
  }

  private mutating func checkExpression(_ id: NodeID, called name: String) {
    switch tree[id].kind {
    case .scalar:
      if tree.bytes(of: id).allSatisfy({ $0 == 0x20 || $0 == 0x09 || isLineEnd($0) }) {
        problems.error(at: tree.position(of: id), "`\(printable(name))` has no value: an expression is missing")
      }
    case .sequence:
      problems.error(
        at: tree.position(of: id),
        "expected an expression for \(quoted(name)), found a list: YAML takes a leading `[` or `-` for a list, so"
          + " quote the expression, or write it as a block with `|`")
    case .mapping:
      problems.error(
        at: tree.position(of: id),
        "expected an expression for \(quoted(name)), found a map: YAML takes a leading `{` or a `: ` for a map, so"
          + " quote the expression, or write it as a block with `|`")
    }
  }

  private mutating func checkScalar(_ id: NodeID, _ shape: Shape, called name: String) {
    guard tree[id].kind == .scalar else {
      problems.error(
        at: tree.position(of: id),
        "expected \(ShapeCheck.wanted(shape)) for \(quoted(name)), found \(tree[id].kind == .sequence ? "a list" : "a map")"
      )
      return
    }
    let meaning = tree.meaning(of: id)
    switch (shape, meaning) {
    case (.text(let rule), .text): checkText(id, rule)
    case (.word(let words, let later), .text): checkWord(id, words, later, called: name)
    case (.duration, .text):
      if parsedDuration(tree.bytes(of: id)) == nil {
        problems.error(
          at: tree.position(of: id),
          "\(quoted(tree.string(of: id))) is no duration: write it like `30s`, `1m30s` or `250ms`, above zero")
      }
    case (.boolean, .boolean): return
    case (.integer(let range), .integer):
      if !(tree.integer(of: id).map { range.contains($0) } ?? false) {
        problems.error(
          at: tree.position(of: id),
          "\(quoted(tree.string(of: id))) is out of range for \(quoted(name)): \(range.lowerBound) to \(range.upperBound)"
        )
      }
    case (.number, .integer), (.number, .number):
      if tree.double(of: id) == nil {
        problems.error(at: tree.position(of: id), "\(quoted(tree.string(of: id))) is no finite number")
      }
    default:
      let cure: String
      if case .text = shape { cure = ": quote it" } else { cure = "" }
      problems.error(
        at: tree.position(of: id),
        "expected \(ShapeCheck.wanted(shape)) for \(quoted(name)), found \(ShapeCheck.found(meaning))\(cure)")
    }
  }

  private mutating func checkText(_ id: NodeID, _ rule: TextRule) {
    guard let fault = rule.fault(in: tree.bytes(of: id)) else { return }
    problems.error(at: tree.position(of: id), "\(quoted(tree.string(of: id))) \(fault)")
  }

  private mutating func checkWord(_ id: NodeID, _ words: [String], _ later: [String], called name: String) {
    let word = tree.string(of: id)
    if words.contains(word) { return }
    if later.contains(word) {
      problems.error(at: tree.position(of: id), "\(printable(name)) `\(word)` is not yet supported")
      return
    }
    var message = "unknown \(printable(name)) \(quoted(word))"
    let hint = suggestion(for: word, among: words + later)
    message += hint.isEmpty ? ": it is one of " + words.map { "`\($0)`" }.joined(separator: ", ") : hint
    problems.error(at: tree.position(of: id), message)
  }

  private mutating func expect(_ kind: YamlNode.Kind, _ id: NodeID, called name: String) -> Bool {
    let node = tree[id]
    guard node.kind != kind else { return true }
    let wanted = kind == .mapping ? "a map" : "a list"
    let found =
      node.kind == .mapping ? "a map" : node.kind == .sequence ? "a list" : ShapeCheck.found(tree.meaning(of: id))
    problems.error(at: tree.position(of: id), "expected \(wanted) for \(quoted(name)), found \(found)")
    return false
  }

  private static func wanted(_ shape: Shape) -> String {
    switch shape {
    case .boolean: return "`true` or `false`"
    case .integer: return "a whole number"
    case .number: return "a number"
    case .duration: return "a duration such as `30s`"
    case .word(let words, _): return "one of " + words.map { "`\($0)`" }.joined(separator: ", ")
    default: return "text"
    }
  }

  private static func found(_ meaning: YamlTree.Meaning) -> String {
    switch meaning {
    case .null: return "nothing"
    case .boolean(let value): return value ? "`true`" : "`false`"
    case .integer, .number: return "a number"
    case .text: return "text"
    }
  }
}

func article(_ noun: String) -> String {
  guard let first = noun.utf8.first else { return noun }
  return ("aeiou".utf8.contains(first) ? "an " : "a ") + noun
}
