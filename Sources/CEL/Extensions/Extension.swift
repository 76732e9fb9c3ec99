// The extension libraries: functions, macros and syntax beyond CEL's own, by the names that cel-go and Kubernetes give
// them. None of them is there until an environment enables it; what it has enabled, `environment.extensions`, is what
// its expressions are parsed with.

public enum Extension: String, CaseIterable, Sendable {
  /// `charAt`, `indexOf`, `split`, `format` and others on strings (cel-go `ext.Strings`).
  case strings
  /// `math.greatest`, `math.ceil`, `math.bitAnd` and others (cel-go `ext.Math`).
  case math
  /// `base64.encode` and `base64.decode` (cel-go `ext.Encoders`).
  case encoders
  /// `slice`, `flatten`, `sort`, `sortBy`, `distinct`, `lists.range` and others (cel-go `ext.Lists`).
  case lists
  /// `sets.contains`, `sets.equivalent`, `sets.intersects` (cel-go `ext.Sets`).
  case sets
  /// `regex.replace`, `regex.extract`, `regex.extractAll` (cel-go `ext.Regex`).
  case regex
  /// `ip`, `cidr` and their members (Kubernetes, cel-go `ext.Network`).
  case network
  /// `proto.getExt(m, name)` and `proto.hasExt(m, name)`, which select extension fields (cel-go `ext.Protos`).
  case protos
  /// `a.?b`, `a[?k]`, `[?e]`, `{?k: v}`, `optional.of(…)` and its methods, `optMap`, `optFlatMap` (cel-go
  /// `cel.OptionalTypes`).
  case optionals
  /// `all`, `exists`, `existsOne` with two variables; `transformList`, `transformMap`, `transformMapEntry` (cel-go
  /// `ext.TwoVarComprehensions`).
  case twoVariableComprehensions = "two-var-comprehensions"
  /// `cel.bind(name, value, result)` (cel-go `ext.Bindings`).
  case bindings
  /// `cel.block([values], result)` with `cel.index`, `cel.iterVar` and `cel.accuVar`: what optimisers write.
  case block
}

extension Extension {
  /// Whether the library has a function of that name.
  func declares(_ function: String) -> Bool {
    var environment = Environment(standardFunctions: false)
    environment.enable(self)
    return environment.functions[function] != nil
  }
}

extension Environment {
  /// Declares the library's functions; once is as good as twice.
  public mutating func enable(_ library: Extension) {
    guard extensions.insert(library).inserted else { return }
    switch library {
    case .strings: declareStrings()
    case .math: declareMath()
    case .encoders: declareEncoders()
    case .lists: declareLists()
    case .sets: declareSets()
    case .regex: declareRegex()
    case .network: declareNetwork()
    case .protos: break
    case .optionals: declareOptionals()
    // Macros only: these concern the parser.
    case .twoVariableComprehensions, .bindings, .block: break
    }
  }

  /// One overload of a native function.
  mutating func declare(
    _ function: String, _ id: String, _ parameters: [TypeID], _ result: TypeID, isMember: Bool = false,
    isVariadic: Bool = false, _ native: NativeFunction
  ) {
    var overload = Overload(
      id: id, isMember: isMember, parameters: parameters, result: result, implementation: .native(native))
    overload.isVariadic = isVariadic
    declare(function: function, overload)
  }
}

/// What the body of a native function does: reads a call, writes a value.
@inline(__always)
func answer(
  _ arguments: UnsafeRawPointer, _ count: UInt32, _ evaluation: UnsafeMutableRawPointer,
  _ result: UnsafeMutableRawPointer, _ function: (FunctionCall) -> Value
) {
  result.storeBytes(of: function(FunctionCall(arguments, count, evaluation)), as: Value.self)
}
