// The syntax tree of one expression: a flat array of nodes, children before their parent. Nothing in it is
// recursive, so releasing a tree never recurses; every walk is bounded by `Parser.Limits.depthMax`.

/// Half-open byte range of an expression's text.
public struct Span: Sendable, Equatable {
  public var start: UInt32
  public var end: UInt32

  public init(_ start: UInt32, _ end: UInt32) {
    self.start = start
    self.end = end
  }
}

public struct NodeID: Sendable, Hashable {
  public let index: Int32

  public init(_ index: Int32) { self.index = index }
}

/// A literal. Text is kept as UTF-8, because CEL's strings compare by code point and Swift's do not.
public enum Literal: Sendable, Equatable {
  case null
  case bool(Bool)
  case int(Int64)
  case uint(UInt64)
  case double(Double)
  case string([UInt8])
  case bytes([UInt8])
}

public struct Node: Sendable {
  public var span: Span
  /// Where a message about this node points: the operator, the field, the function's name.
  public var anchor: UInt32
  public var kind: Kind

  public enum Kind: Sendable {
    /// What stands where parsing failed; a tree with one is never evaluated.
    case invalid
    case literal(Literal)
    /// A leading dot (`.a`) asks for the root namespace.
    case identifier(name: String, isRooted: Bool)
    /// `operand.field`; with `isTest` it is `has(operand.field)`.
    case select(operand: NodeID, field: String, isTest: Bool)
    /// Operators are calls by their CEL names: `_==_`, `_+_`, `-_`, `!_`, `_[_]`, `@in`, …; `a.?b` is `_?._` of a and
    /// the string "b", `a[?k]` is `_[?_]`. What stands after the `?` of `[?e]`, `{?k: e}` and `T{?f: e}` is a call of
    /// `?_`, which occurs nowhere else: see `optionalEntry`.
    case call(function: String, target: NodeID?, arguments: [NodeID])
    /// `a && b && c` is one node: chains are long in policies and would otherwise be deep.
    case and([NodeID])
    case or([NodeID])
    case conditional(condition: NodeID, then: NodeID, otherwise: NodeID)
    case list([NodeID])
    case map([MapEntry])
    case message(type: String, fields: [MessageField])
    case comprehension(Comprehension)
    case bindings(Bindings)
  }

  public struct MapEntry: Sendable {
    public var key: NodeID
    public var value: NodeID

    public init(key: NodeID, value: NodeID) {
      self.key = key
      self.value = value
    }
  }

  public struct MessageField: Sendable {
    public var name: String
    public var anchor: UInt32
    public var value: NodeID

    public init(name: String, anchor: UInt32, value: NodeID) {
      self.name = name
      self.anchor = anchor
      self.value = value
    }
  }

  /// A macro over a list's elements or a map's keys. `variables` has one name (element, or key) or two (index and
  /// element, or key and value). `optMap` and `optFlatMap` run over an optional, at most once.
  public struct Comprehension: Sendable {
    public var macro: Macro
    public var range: NodeID
    public var variables: [String]
    /// The predicate of `all`, `exists`, `exists_one`, `filter` and of the three-argument `map`.
    public var predicate: NodeID?
    /// What `map` and its like yield.
    public var transform: NodeID?

    public init(macro: Macro, range: NodeID, variables: [String], predicate: NodeID?, transform: NodeID?) {
      self.macro = macro
      self.range = range
      self.variables = variables
      self.predicate = predicate
      self.transform = transform
    }
  }

  public enum Macro: String, Sendable {
    case all, exists, existsOne = "exists_one", filter, map
    case transformList, transformMap, transformMapEntry
    case optMap, optFlatMap
    /// What `map` yields is the key that the element is sorted by.
    case sortBy
  }

  /// `cel.bind` and `cel.block`: values with names for those after them and for the result. A value is computed when
  /// it is first read, at most once.
  public struct Bindings: Sendable {
    /// A block's are `@index0`, `@index1`, …, which no text can spell.
    public var variables: [String]
    /// Parallel to `variables`.
    public var values: [NodeID]
    public var result: NodeID
    public var isBlock: Bool

    public init(variables: [String], values: [NodeID], result: NodeID, isBlock: Bool) {
      self.variables = variables
      self.values = values
      self.result = result
      self.isBlock = isBlock
    }
  }

  public init(span: Span, anchor: UInt32, kind: Kind) {
    self.span = span
    self.anchor = anchor
    self.kind = kind
  }
}

public struct Tree: Sendable {
  public private(set) var nodes: [Node] = []
  public var root = NodeID(-1)

  public init() {}

  /// The node, or `invalid` for an id that is not of this tree.
  public subscript(id: NodeID) -> Node {
    guard nodes.indices.contains(Int(id.index)) else {
      return Node(span: Span(0, 0), anchor: 0, kind: .invalid)
    }
    return nodes[Int(id.index)]
  }

  /// The optional that an element, an entry's value or a field's value gives or leaves out: `e` of `[?e]`.
  public func optionalEntry(_ id: NodeID) -> NodeID? {
    guard case .call("?_", nil, let arguments) = self[id].kind else { return nil }
    return arguments.first
  }

  public mutating func append(_ node: Node) -> NodeID {
    let id = NodeID(Int32(truncatingIfNeeded: nodes.count))
    nodes.append(node)
    return id
  }

  mutating func takeBack(_ count: Int) {
    for _ in 0..<min(count, nodes.count) { _ = nodes.popLast() }
  }

  /// Gives a node another meaning: `has(a.b)` out of `a.b`, a namespaced function out of a method call. The
  /// children of `kind` come before `id`. An id that is not of this tree is ignored.
  mutating func replace(_ id: NodeID, kind: Node.Kind, span: Span? = nil) {
    let index = Int(id.index)
    guard nodes.indices.contains(index) else { return }
    nodes[index].kind = kind
    if let span { nodes[index].span = span }
  }
}
