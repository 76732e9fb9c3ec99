// Functions of one's own: a signature, and a Swift closure that computes the value.

extension Environment {
  /// Declares one overload of a function that is written in Swift.
  ///
  ///     environment.declare(function: "initials", isMember: true, parameters: [.string], result: .string) { call in
  ///       let words = call[0].asBytes.text.split(separator: " ")
  ///       return call.string(words.map { String($0.prefix(1)) }.joined())
  ///     }
  ///
  /// and `user.name.initials() == "GH"` can be written. The closure is called only with arguments of the declared types
  /// (of a list or map, whatever its elements; anything for `dyn` and type parameters); an argument that is an error is
  /// the call's value without a call. It returns a value, built by the methods of `FunctionCall` where it does not fit
  /// two words, or `call.failure(…)`, which the expression treats like any error of evaluation. It may be called by many
  /// threads at once and must not keep the call or its values.
  ///
  /// - Parameters:
  ///   - name: What expressions call. It may be dotted: `geo.distance`.
  ///   - isMember: The first parameter is the receiver: `a.f(b)` instead of `f(a, b)`.
  ///   - parameters: At most 255. Types with parts come from `environment.types`.
  ///   - isPure: Equal arguments always give equal values. Calls with constant arguments are then made once, when the
  ///     expression is compiled.
  ///   - id: What diagnostics call this overload; made from the types if it is not given.
  public mutating func declare(
    function name: String, isMember: Bool = false, parameters: [TypeID], result: TypeID, isPure: Bool = false,
    id: String? = nil, _ body: @escaping @Sendable (FunctionCall) -> Value
  ) {
    let native = NativeFunction(kinds: parameters.map { kind(of: $0) }, isPure: isPure, body)
    declare(name, id ?? overloadID(name, parameters), parameters, result, isMember: isMember, native)
  }

  /// The same for a C function: nothing is between it and the evaluator, and it looks at its arguments' kinds itself.
  /// See `NativeFunction.Body`.
  public mutating func declare(
    function name: String, isMember: Bool = false, parameters: [TypeID], result: TypeID, isPure: Bool = false,
    id: String? = nil, body: @escaping NativeFunction.Body
  ) {
    declare(
      name, id ?? overloadID(name, parameters), parameters, result, isMember: isMember,
      NativeFunction(isPure: isPure, body))
  }

  /// The kind that every value of the type has; nil where there is more than one.
  private func kind(of type: TypeID) -> Value.Kind? {
    switch type {
    case .null: return .null
    case .bool: return .bool
    case .int: return .int
    case .uint: return .uint
    case .double: return .double
    case .string: return .string
    case .bytes: return .bytes
    case .timestamp: return .timestamp
    case .duration: return .duration
    default: break
    }
    switch types[type] {
    case .list: return .list
    case .map: return .map
    case .type: return .type
    case .opaque(TypeTable.optionalName, _): return .optional
    case .opaque("net.IP", _): return .ip
    case .opaque("net.CIDR", _): return .cidr
    default: return nil
    }
  }

  private func overloadID(_ name: String, _ parameters: [TypeID]) -> String {
    var id = name
    for parameter in parameters { id += "_" + types.name(parameter) }
    return id
  }
}
