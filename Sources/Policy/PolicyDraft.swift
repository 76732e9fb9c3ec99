// Policies as they come from whoever compiled them. Drafts own nothing: text, clauses and header changes lie where they were
// compiled, and a store's records go on pointing there. Whoever keeps the store keeps that memory.

import CEL

public struct PolicyDraft {
  /// `namespace/name`.
  public var path: Bytes
  public var namespace: Bytes
  public var name: Bytes
  public var match: UInt32
  /// The text of `match`: policies that have the same are asked once.
  public var matchText: Bytes?
  /// What can be told of `match` without its program, the most telling first.
  public var matchClauses = UnsafeBufferPointer<ClauseDraft>(start: nil, count: 0)
  /// What `match` is for every request, where that is known at load.
  public var matchConstant: Bool?
  public var isConnectionPhase: Bool
  public var isShadow: Bool
  /// The path of the policy that this Shadow policy stands in for.
  public var replaces: Bytes?
  public var file: Bytes
  public var rules: [RuleDraft]

  /// - Parameter path: `namespace/name`.
  public init(
    path: Bytes, match: UInt32, isConnectionPhase: Bool, isShadow: Bool, replaces: Bytes?, file: Bytes,
    rules: [RuleDraft]
  ) {
    self.path = path
    let slash = path.buffer.firstIndex(of: UInt8(ascii: "/")) ?? 0
    namespace = Bytes(address: path.address, count: UInt32(truncatingIfNeeded: slash))
    name = Bytes(
      address: path.address &+ UInt64(truncatingIfNeeded: slash &+ 1),
      count: path.count &- min(path.count, UInt32(truncatingIfNeeded: slash &+ 1)))
    self.match = match
    self.isConnectionPhase = isConnectionPhase
    self.isShadow = isShadow
    self.replaces = replaces
    self.file = file
    self.rules = rules
  }

  /// What reasons call it: the namespace `default` is left out.
  var label: Bytes { namespace.equals(Bytes("default")) ? name : path }

  /// By namespace, then by name, in byte order, which is not Swift's order of text.
  public static func precedes(_ a: PolicyDraft, _ b: PolicyDraft) -> Bool {
    let order = a.namespace.compare(b.namespace)
    return order != 0 ? order < 0 : a.name.compare(b.name) < 0
  }
}

public struct RuleDraft: BitwiseCopyable, @unchecked Sendable {
  public var name: Bytes
  public var action: Action
  public var skipsOnError = false
  /// `when` is the conjunction of its clauses and nothing else.
  public var isCovered = false
  /// What `when` is for every request, where that is known at load.
  public var whenConstant: Bool?
  public var when: UInt32
  public var line: UInt32
  public var status: UInt32 = 0
  /// The text of `when`; nil where the rule always holds.
  public var condition: Bytes?
  /// What can be told of `when` without its program, the most telling first.
  public var whenClauses = UnsafeBufferPointer<ClauseDraft>(start: nil, count: 0)
  public var body = Bytes.empty
  public var requestHeaders = UnsafeBufferPointer<HeaderChange>(start: nil, count: 0)
  public var responseHeaders = UnsafeBufferPointer<HeaderChange>(start: nil, count: 0)
  /// See `RuleRecord`.
  public var denialHeaders = UnsafeBufferPointer<HeaderChange>(start: nil, count: 0)
  public var external = RuleRecord.noExternal

  public init(name: Bytes, action: Action, when: UInt32, line: UInt32) {
    self.name = name
    self.action = action
    self.when = when
    self.line = line
  }
}
