// One file of YAML as a flat tree with positions. Nodes stand in one array, children before their parent; a
// collection's children are a run in `children`; a scalar's text is a run in `text`. An alias is not a node: it is
// the number of the node it stands for, which was complete before it, so that the tree can have no cycle.
//
//   nodes:     [a] [1] [b] [x] [y] [seq] [map]          children:  3 4 | 0 1 2 5
//                           └──────┘ first 0, count 2              seq   map (key, value, key, value)

struct NodeID: Sendable, Hashable {
  let index: UInt32
}

struct YamlNode: Sendable {
  enum Kind: UInt8, Sendable { case scalar, sequence, mapping }
  enum Style: UInt8, Sendable { case plain, singleQuoted, doubleQuoted, literal, folded, block, flow }

  var kind: Kind
  var style: Style
  /// Where the node itself begins, after its anchor and tag.
  var offset: UInt32
  var line: UInt32
  var column: UInt32
  /// The byte after a scalar as it is written, quotes included.
  var end: UInt32
  /// The run in `text` or in `children`. A mapping's count is that of keys and values together.
  var first: UInt32
  var count: UInt32
  /// What a reader that follows every alias would meet: nodes, and text by the 64 bytes.
  var weight: UInt32
}

struct YamlTree: Sendable {
  /// Nesting deeper than this is refused.
  static let depthMax = 128
  static let nodesMax = 4_000_000
  /// What the aliases of one file may expand to.
  static let weightMax: UInt32 = 8_000_000

  let source: Int32
  var nodes: [YamlNode] = []
  var children: [NodeID] = []
  var text: [UInt8] = []
  /// The root of each document that is complete, in the order of the file.
  var documents: [NodeID] = []
  /// Of all documents.
  var weight: UInt32 = 0

  init(source: Int32) { self.source = source }

  subscript(id: NodeID) -> YamlNode {
    let index = Int(id.index)
    guard index < nodes.count else {
      return YamlNode(
        kind: .scalar, style: .plain, offset: 0, line: 0, column: 0, end: 0, first: 0, count: 0, weight: 1)
    }
    return nodes[index]
  }

  func position(of id: NodeID) -> Position {
    let node = self[id]
    return Position(source: source, line: node.line, column: node.column)
  }

  /// A scalar's decoded text; empty for a collection.
  func bytes(of id: NodeID) -> ArraySlice<UInt8> {
    let node = self[id]
    let (first, count) = (Int(node.first), Int(node.count))
    guard node.kind == .scalar, first <= text.count, count <= text.count &- first else { return [] }
    return text[first..<(first &+ count)]
  }

  func string(of id: NodeID) -> String { String(decoding: bytes(of: id), as: UTF8.self) }

  /// A collection's children; empty for a scalar.
  func children(of id: NodeID) -> ArraySlice<NodeID> {
    let node = self[id]
    let (first, count) = (Int(node.first), Int(node.count))
    guard node.kind != .scalar, first <= children.count, count <= children.count &- first else { return [] }
    return children[first..<(first &+ count)]
  }

  func entries(of id: NodeID) -> Entries {
    guard self[id].kind == .mapping else { return Entries(children: []) }
    return Entries(children: children(of: id))
  }

  /// The keys and values of a mapping, in the order of the file.
  struct Entries: Sequence, IteratorProtocol {
    fileprivate let children: ArraySlice<NodeID>
    private var position: Int

    fileprivate init(children: ArraySlice<NodeID>) {
      self.children = children
      position = children.startIndex
    }

    mutating func next() -> (key: NodeID, value: NodeID)? {
      guard position &+ 1 < children.endIndex else { return nil }
      defer { position &+= 2 }
      return (children[position], children[position &+ 1])
    }
  }

  // What a plain scalar means, by YAML 1.2's core schema.
  enum Meaning {
    case null
    case boolean(Bool)
    case integer, number, text
  }

  func meaning(of id: NodeID) -> Meaning {
    let node = self[id]
    guard node.kind == .scalar, node.style == .plain else { return .text }
    let bytes = self.bytes(of: id)
    if bytes.count <= 5 {
      switch string(of: id) {
      case "", "~", "null", "Null", "NULL": return .null
      case "true", "True", "TRUE": return .boolean(true)
      case "false", "False", "FALSE": return .boolean(false)
      default: break
      }
    }
    return numeral(bytes)
  }

  /// `[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`
  private func numeral(_ bytes: ArraySlice<UInt8>) -> Meaning {
    var rest = bytes
    func isDigit(_ byte: UInt8?) -> Bool { byte.map { $0 >= 0x30 && $0 <= 0x39 } ?? false }
    func takeDigits() -> Int {
      let count = rest.prefix { isDigit($0) }.count
      rest = rest.dropFirst(count)
      return count
    }
    if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
    var digits = takeDigits()
    if digits > 0, rest.isEmpty { return .integer }
    if rest.first == UInt8(ascii: ".") {
      rest = rest.dropFirst()
      digits &+= takeDigits()
    }
    guard digits > 0 else { return .text }
    if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
      rest = rest.dropFirst()
      if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
      guard takeDigits() > 0 else { return .text }
    }
    return rest.isEmpty ? .number : .text
  }
}
