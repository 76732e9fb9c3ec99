// What an expression may name: variables, functions, and the container in which short names are looked up.

/// A variable. Its name may be dotted (`request.method`); then it is a field of an open struct: `request` by
/// itself has no value, and `has(request.method)` asks whether the variable is present.
public struct Variable: Sendable {
  public var name: String
  public var type: TypeID
  /// The owner's own number: what the evaluator asks its host for.
  public var id: UInt32
  /// A map that is read entry by entry from the host: `m["k"]` with a literal key is a slot of its own.
  public var isEntrywise: Bool
  /// The variable has this value in every evaluation; the compiler folds it.
  public var constant: Literal?
  /// The same for a variable of an opaque type: its payload, which takes no slot.
  public var opaque: UInt64?

  public init(name: String, type: TypeID, id: UInt32, isEntrywise: Bool = false, constant: Literal? = nil) {
    self.name = name
    self.type = type
    self.id = id
    self.isEntrywise = isEntrywise
    self.constant = constant
  }
}

/// One signature of a function. Builtin overloads of one function share an implementation that looks at its
/// arguments' kinds when it runs, so that `dyn` arguments mean the same as typed ones.
public struct Overload: Sendable {
  public enum Implementation: Sendable, Equatable {
    case builtin(Builtin)
    /// The host's function of this number; see `Evaluation.external`.
    case external(UInt32)
    case native(NativeFunction)
  }

  public var id: String
  public var isMember: Bool
  /// A member's receiver is the first parameter.
  public var parameters: [TypeID]
  public var result: TypeID
  public var implementation: Implementation
  /// The only parameter is a list, and three or more arguments are checked as the list of them (`math.least(a, b, c)`).
  var isVariadic = false

  public init(
    id: String, isMember: Bool, parameters: [TypeID], result: TypeID, implementation: Implementation
  ) {
    self.id = id
    self.isMember = isMember
    self.parameters = parameters
    self.result = result
    self.implementation = implementation
  }
}

public struct Environment: Sendable {
  public var types = TypeTable()
  public var container = ""
  /// The messages and enums that may be named.
  public var schema = Schema.wellKnown {
    didSet { declareStrongEnums() }
  }
  public private(set) var variables: [String: Variable] = [:]
  public private(set) var functions: [String: [Overload]] = [:]
  /// What a type's name stands for where a value is expected: `int` is a value of type `type(int)`.
  private(set) var typeNames: [String: TypeID] = [:]
  /// Whether any function's name is dotted (`math.least`): then a method call may be one of those.
  var hasDottedFunctions: Bool { !functionNamespaces.isEmpty }
  /// What stands before a dot of such a name.
  private(set) var functionNamespaces: Set<String> = []
  /// The extension libraries whose functions are declared.
  public internal(set) var extensions: Set<Extension> = []
  /// Names whose index by a literal string is the dotted variable: `lists["office"]` is `lists.office`.
  public var indexedNamespaces: Set<String> = []

  /// An environment with CEL's standard functions, or with none.
  public init(standardFunctions: Bool = true) {
    declareTypeNames()
    if standardFunctions { declareStandardFunctions() }
  }

  public mutating func declare(_ variable: Variable) { variables[variable.name] = variable }

  /// `alias` names the same variable. Unknown `name`s are ignored.
  public mutating func declare(alias: String, of name: String) {
    if let variable = variables[name] { variables[alias] = variable }
  }

  public mutating func declare(function: String, _ overload: Overload) {
    functions[function, default: []].append(overload)
    var prefix: [UInt8] = []
    for byte in function.utf8 {
      if byte == UInt8(ascii: ".") { functionNamespaces.insert(String(decoding: prefix, as: UTF8.self)) }
      prefix.append(byte)
    }
  }

  /// A type that is named where a value is expected.
  mutating func declareType(_ name: String, _ type: TypeID) { typeNames[name] = types.intern(.type(type)) }

  private mutating func declareTypeNames() {
    let list = types.list(.dyn)
    let map = types.map(.dyn, .dyn)
    let names: [(String, TypeID)] = [
      ("bool", .bool), ("int", .int), ("uint", .uint), ("double", .double), ("string", .string),
      ("bytes", .bytes), ("null_type", .null), ("list", list), ("map", map), ("type", types.intern(.type(.dyn))),
      ("google.protobuf.Timestamp", .timestamp), ("google.protobuf.Duration", .duration),
    ]
    for (name, type) in names { typeNames[name] = types.intern(.type(type)) }
  }
}
