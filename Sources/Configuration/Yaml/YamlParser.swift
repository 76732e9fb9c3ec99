// Text to tree, by libyaml's events. A document that is no YAML is reported and left out; reading goes on at the
// next line that begins with `---`, so that one bad document does not hide what is wrong with the others.

import CEL
import CYAML

struct YamlParser {
  private let text: UnsafeBufferPointer<UInt8>
  private var tree: YamlTree
  private var problems: Problems

  /// Collections begun and not ended; their children so far are the tail of `pending` from `pendingFirst`.
  private struct Open {
    var node: YamlNode
    var pendingFirst: Int
    var anchor: [UInt8]?
  }
  private var open: [Open] = []
  private var pending: [NodeID] = []
  /// Of the documents so far.
  private var weight: UInt32 = 0
  /// A limit of the whole file is passed: nothing more is read of it.
  private var isExhausted = false
  private var anchors: [[UInt8]: NodeID] = [:]
  private var openAnchors: Set<[UInt8]> = []
  /// Follows libyaml's character counts through the text; `base` is where the present parser began.
  private var cursor: TextCursor
  private var base: TextCursor

  /// What is wrong goes to `problems`; what could be read is in the tree. The tree's lines count from `line`, its offsets
  /// from the start of `text`.
  static func parse(
    _ text: UnsafeBufferPointer<UInt8>, line: UInt32 = 1, source: Int32, problems: inout Problems
  ) -> YamlTree {
    var parser = YamlParser(text, line: line, source: source, problems: problems)
    parser.run()
    problems = parser.problems
    return parser.tree
  }

  private init(_ text: UnsafeBufferPointer<UInt8>, line: UInt32, source: Int32, problems: Problems) {
    self.text = text
    self.problems = problems
    tree = YamlTree(source: source)
    cursor = TextCursor(offset: byteOrderMarkLength(text), line: line)
    base = cursor
  }

  private mutating func run() {
    while !parseDocuments(), !isExhausted, !problems.isFull, skipToNextDocument() {}
  }

  /// True at the end of the text, false after a problem that ended a document before its end.
  private mutating func parseDocuments() -> Bool {
    base = cursor
    open = []
    pending = []
    forgetAnchors()
    let rest = UnsafeBufferPointer(rebasing: text[min(cursor.offset, text.count)...])
    guard let parser = cyaml_parser_create(rest.baseAddress, rest.count) else {
      problems.error(at: .whole(tree.source), "out of memory")
      return true
    }
    defer { cyaml_parser_free(parser) }
    var event = cyaml_event()
    while true {
      guard cyaml_parser_next(parser, &event) else {
        var error = cyaml_error()
        cyaml_parser_error(parser, &error)
        report(error)
        return false
      }
      if event.kind == UInt8(truncatingIfNeeded: CYAML_STREAM_END) { return true }
      if event.kind == UInt8(truncatingIfNeeded: CYAML_OTHER) { continue }
      moveCursor(to: event.start)
      guard accept(event) else { return false }
    }
  }

  private mutating func moveCursor(to index: Int) {
    cursor.advance(toIndex: base.index &+ index, in: text)
  }

  private mutating func forgetAnchors() {
    anchors = [:]
    openAnchors = []
  }

  // MARK: events

  private mutating func accept(_ event: cyaml_event) -> Bool {
    switch Int(event.kind) {
    case CYAML_DOCUMENT_END:
      // libyaml gives every document a root.
      if let root = pending.first {
        // INVARIANT: `weight` stays under twice `weightMax`.
        weight &+= tree[root].weight
        guard weight <= YamlTree.weightMax else {
          return exhaust("aliases make this more than \(YamlTree.weightMax) values")
        }
        tree.documents.append(root)
        tree.weight = weight
      }
      pending = []
      forgetAnchors()
      return true
    case CYAML_ALIAS: return acceptAlias(event)
    case CYAML_SCALAR: return acceptScalar(event)
    case CYAML_SEQUENCE_START: return begin(.sequence, event)
    case CYAML_MAPPING_START: return begin(.mapping, event)
    default: return endCollection()
    }
  }

  private mutating func acceptAlias(_ event: cyaml_event) -> Bool {
    let name = [UInt8](UnsafeBufferPointer(start: event.anchor, count: event.anchor_length))
    let word = String(decoding: name, as: UTF8.self)
    guard let id = anchors[name] else {
      if openAnchors.contains(name) {
        return fail("alias `*\(printable(word))` stands inside the value that its anchor names")
      }
      return fail(
        "alias `*\(printable(word))` has no anchor before it; to begin an expression with `*`, quote it")
    }
    // A new name for an old node: its weight counts again for the collection it is in.
    pending.append(id)
    return true
  }

  private mutating func acceptScalar(_ event: cyaml_event) -> Bool {
    guard acceptTag(event, for: .scalar) else { return false }
    var node = begun(.scalar, event)
    // `!!str` makes a plain scalar text, as quotes do.
    if event.tag_length > 0, node.style == .plain { node.style = .singleQuoted }
    let value = UnsafeBufferPointer(start: event.value, count: event.value == nil ? 0 : event.value_length)
    node.first = UInt32(truncatingIfNeeded: tree.text.count)
    node.count = UInt32(truncatingIfNeeded: value.count)
    node.weight = 1 &+ UInt32(truncatingIfNeeded: value.count / 64)
    tree.text.append(contentsOf: value)
    moveCursor(to: event.end)
    node.end = UInt32(truncatingIfNeeded: max(cursor.offset, Int(node.offset)))
    return finish(node, anchor: anchorName(event))
  }

  private mutating func begin(_ kind: YamlNode.Kind, _ event: cyaml_event) -> Bool {
    guard acceptTag(event, for: kind) else { return false }
    guard open.count < YamlTree.depthMax else {
      return fail("nested more than \(YamlTree.depthMax) levels deep")
    }
    let anchor = anchorName(event)
    if let anchor {
      anchors[anchor] = nil
      openAnchors.insert(anchor)
    }
    open.append(Open(node: begun(kind, event), pendingFirst: pending.count, anchor: anchor))
    return true
  }

  private mutating func endCollection() -> Bool {
    guard var ended = open.popLast(), ended.pendingFirst <= pending.count else { return true }
    let children = pending[ended.pendingFirst...]
    ended.node.first = UInt32(truncatingIfNeeded: tree.children.count)
    ended.node.count = UInt32(truncatingIfNeeded: children.count)
    ended.node.weight = 1
    for child in children {
      // INVARIANT: a weight stays under twice `weightMax`, so the sum cannot wrap.
      ended.node.weight &+= tree[child].weight
      guard ended.node.weight <= YamlTree.weightMax else {
        return fail("aliases make this more than \(YamlTree.weightMax) values")
      }
    }
    tree.children.append(contentsOf: children)
    pending.removeSubrange(ended.pendingFirst...)
    if ended.node.kind == .mapping, !acceptKeys(of: ended.node) { return false }
    if let anchor = ended.anchor { openAnchors.remove(anchor) }
    return finish(ended.node, anchor: ended.anchor)
  }

  private mutating func finish(_ node: YamlNode, anchor: [UInt8]?) -> Bool {
    guard tree.nodes.count < YamlTree.nodesMax else {
      return exhaust("more than \(YamlTree.nodesMax) values in one file")
    }
    let id = NodeID(index: UInt32(truncatingIfNeeded: tree.nodes.count))
    tree.nodes.append(node)
    pending.append(id)
    if let anchor { anchors[anchor] = id }
    return true
  }

  private func anchorName(_ event: cyaml_event) -> [UInt8]? {
    event.anchor == nil ? nil : [UInt8](UnsafeBufferPointer(start: event.anchor, count: event.anchor_length))
  }

  private func begun(_ kind: YamlNode.Kind, _ event: cyaml_event) -> YamlNode {
    var start = cursor
    if event.anchor != nil || event.tag != nil { skipProperties(&start) }
    return YamlNode(
      kind: kind, style: YamlNode.Style(rawValue: event.style) ?? .plain,
      offset: UInt32(truncatingIfNeeded: start.offset), line: start.line, column: start.column,
      end: UInt32(truncatingIfNeeded: start.offset), first: 0, count: 0, weight: 1)
  }

  /// Moves over `&anchor` and `!!tag` to the node they belong to.
  private func skipProperties(_ start: inout TextCursor) {
    func byte(_ cursor: TextCursor) -> UInt8? { cursor.offset < text.count ? text[cursor.offset] : nil }
    func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || isLineEnd(byte) }
    while let first = byte(start), first == UInt8(ascii: "&") || first == UInt8(ascii: "!") {
      while let next = byte(start), !isSpace(next), next != UInt8(ascii: ","), next != UInt8(ascii: "]"),
        next != UInt8(ascii: "}")
      {
        start.step(text)
      }
      while let next = byte(start), isSpace(next) { start.step(text) }
    }
  }

  // MARK: rules of our own

  private mutating func acceptTag(_ event: cyaml_event, for kind: YamlNode.Kind) -> Bool {
    guard event.tag != nil else { return true }
    let tag = String(decoding: UnsafeBufferPointer(start: event.tag, count: event.tag_length), as: UTF8.self)
    let core = kind == .scalar ? "str" : kind == .sequence ? "seq" : "map"
    if tag == "tag:yaml.org,2002:" + core { return true }
    return fail(
      "an unquoted `!` begins a YAML tag, and tags are not supported: quote the expression, or write it as a block"
        + " with `|`")
  }

  private mutating func acceptKeys(of mapping: YamlNode) -> Bool {
    var keys: [NodeID] = []
    keys.reserveCapacity(Int(mapping.count) / 2)
    var index = Int(mapping.first)
    let end = index &+ Int(mapping.count)
    while index < end, index < tree.children.count {
      let key = tree.children[index]
      guard tree[key].kind == .scalar else {
        return fail("a key must be text", at: tree.position(of: key))
      }
      keys.append(key)
      index &+= 2
    }
    if areFewAndGood(keys) { return true }
    // Equal keys stand side by side once sorted, in the order of the text, so the later one is blamed.
    keys = keys.ordered { tree.bytes(of: $0).lexicographicallyPrecedes(tree.bytes(of: $1)) }
    for (earlier, later) in zip(keys, keys.dropFirst()) where tree.bytes(of: earlier) == tree.bytes(of: later) {
      problems.error(
        at: tree.position(of: later),
        "duplicate key \(quoted(tree.string(of: later))): it is also in line \(tree[earlier].line)")
    }
    if let merge = keys.first(where: { tree[$0].style == .plain && tree.bytes(of: $0).elementsEqual([0x3C, 0x3C]) }) {
      problems.error(at: tree.position(of: merge), "merge keys (`<<`) are not supported: write the fields out")
    }
    return true
  }

  /// Most mappings: a handful of keys that differ.
  private func areFewAndGood(_ keys: [NodeID]) -> Bool {
    guard keys.count <= 12 else { return false }
    var index = 0
    while index < keys.count {
      let text = tree.bytes(of: keys[index])
      // It may be a merge key.
      if text.first == 0x3C { return false }
      var before = 0
      while before < index {
        if tree.bytes(of: keys[before]) == text { return false }
        before &+= 1
      }
      index &+= 1
    }
    return true
  }

  // MARK: failure

  /// Ends the document.
  private mutating func fail(_ message: String, at position: Position? = nil) -> Bool {
    problems.error(at: position ?? cursor.position(in: tree.source), message)
    return false
  }

  private mutating func exhaust(_ message: String) -> Bool {
    isExhausted = true
    return fail(message)
  }

  private mutating func report(_ error: cyaml_error) {
    guard !error.is_memory else {
      problems.error(at: .whole(tree.source), "out of memory")
      return
    }
    var place = base
    if error.is_reader {
      place.advance(toOffset: characterStart(base.offset &+ error.offset), in: text)
    } else {
      place.advance(toIndex: base.index &+ error.problem_index, in: text)
    }
    var context = base
    context.advance(toIndex: base.index &+ error.context_index, in: text)
    let complaint = YamlComplaint(
      problem: String(cString: error.problem), isReader: error.is_reader, at: place, context: context, in: text)
    problems.error(at: complaint.cursor.position(in: tree.source), complaint.message)
    if place.offset > cursor.offset { cursor = place }
  }

  /// Where the character begins whose bytes libyaml gave up in.
  private func characterStart(_ offset: Int) -> Int {
    var start = min(offset, text.count)
    for _ in 0..<3 where start > 0 && start < text.count && text[start] < 0xC0 && text[start &- 1] >= 0x80 {
      start &-= 1
    }
    return start
  }

  /// Moves the cursor to the next line that begins a document; false when there is none.
  private mutating func skipToNextDocument() -> Bool {
    // Always forward, or a document that fails at its first line would be read for ever.
    if cursor.offset == base.offset { cursor.step(text) }
    while cursor.offset < text.count {
      if cursor.column == 1, cursor.offset &+ 2 < text.count, text[cursor.offset] == UInt8(ascii: "-"),
        text[cursor.offset &+ 1] == UInt8(ascii: "-"), text[cursor.offset &+ 2] == UInt8(ascii: "-")
      {
        return true
      }
      cursor.step(text)
    }
    return false
  }
}
