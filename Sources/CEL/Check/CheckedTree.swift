// A tree whose names are resolved and whose nodes have types: what the compiler takes.

/// What a node turned out to mean, where its syntax does not say so by itself.
public enum Reference: Sendable {
  case none
  /// The node, and the selects and identifiers below it, is this variable.
  case variable(Variable)
  /// `has(…)` of that variable.
  case presence(Variable)
  /// An optional of that variable: `a.?b` where `a.b` is one.
  case optional(Variable)
  /// A type's name, such as `int` or `google.protobuf.Timestamp`.
  case type(String)
  /// An enum's constant, or with no number, at a call, the conversion to that enum; only where enums are strong.
  case enumeration(String, Int32?)
  /// A variable of an enclosing comprehension: how many comprehensions out, 0 being the innermost.
  case local(depth: Int, variable: Int)
  /// A call whose overload is known.
  case overload(Overload.Implementation)
  /// A call that only the arguments' kinds at run time decide; any of these may be meant.
  case dynamic([Overload.Implementation])
}

public struct CheckedTree: Sendable {
  public var tree: Tree
  /// Parallel to `tree.nodes`.
  public var references: [Reference]
  public var types: [TypeID]
  /// What `types` are numbers of.
  public var table: TypeTable
  /// What the names of messages in the tree mean.
  public var schema: Schema

  public init(
    tree: Tree, references: [Reference], types: [TypeID], table: TypeTable, schema: Schema = .wellKnown
  ) {
    self.schema = schema
    self.tree = tree
    self.references = references
    self.types = types
    self.table = table
  }

  public func reference(_ id: NodeID) -> Reference {
    references.indices.contains(Int(id.index)) ? references[Int(id.index)] : .none
  }

  public func type(_ id: NodeID) -> TypeID {
    types.indices.contains(Int(id.index)) ? types[Int(id.index)] : .error
  }

  public var resultType: TypeID { type(tree.root) }
}
