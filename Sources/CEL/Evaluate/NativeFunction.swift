// A function that is neither an operator nor one of the language's own: an extension's, or a user's.
//
//   arguments   consecutive registers, none of them an error, every host map listed
//   body        a C function pointer, so that a call is a load and a jump: no closure, no retain, no release
//   context     what a Swift closure needs, kept alive by the compiled code
//
// One body may stand behind several overloads. It looks at the kinds of its arguments and answers `noSuchOverload`
// for those it does not know, and then the next candidate of the call, if there is one, is tried.

public struct NativeFunction: Sendable, Equatable {
  /// `arguments` points to `count` values, `evaluation` is an `Evaluation.Pointer`, and the value goes to `result`.
  public typealias Body =
    @convention(c) (
      _ arguments: UnsafeRawPointer, _ count: UInt32, _ evaluation: UnsafeMutableRawPointer,
      _ context: UnsafeMutableRawPointer?, _ result: UnsafeMutableRawPointer
    ) -> Void

  let body: Body
  /// The Swift closure behind `body`, if it is one.
  let closure: FunctionClosure?
  /// Equal arguments give equal values, always: a call of constants is made once, when the expression is compiled.
  let isPure: Bool
  /// The number of the argument that is a regular expression. Where that is constant it is compiled with the
  /// expression, and a bad one refused; see `FunctionCall.withRegex`.
  var patternArgument: Int?

  init(isPure: Bool = true, closure: FunctionClosure? = nil, _ body: @escaping Body) {
    self.body = body
    self.closure = closure
    self.isPure = isPure
  }

  public static func == (left: NativeFunction, right: NativeFunction) -> Bool {
    unsafeBitCast(left.body, to: UInt.self) == unsafeBitCast(right.body, to: UInt.self)
      && left.closure === right.closure
  }

  /// What the evaluator calls. The closure must be kept alive by somebody else.
  var entry: NativeEntry {
    NativeEntry(body: body, context: closure.map { Unmanaged.passUnretained($0).toOpaque() })
  }
}

/// A native function in a code's table.
struct NativeEntry {
  var body: NativeFunction.Body
  var context: UnsafeMutableRawPointer?

  /// The first of the arguments that is an error is the result.
  func call(
    _ arguments: UnsafeMutablePointer<Value>, count: Int, _ evaluation: Evaluation.Pointer
  ) -> Value {
    var number = 0
    while number < count {
      let argument = whole(arguments[number], evaluation)
      if argument.kind == .error { return argument }
      arguments[number] = argument
      number &+= 1
    }
    if evaluation.pointee.stepsLeft < 0 { return .failure(.stepBudgetSpent) }
    var result = Value.failure(.internalFailure)
    body(arguments, UInt32(truncatingIfNeeded: count), evaluation, context, &result)
    switch result.kind {
    case .unfetched, .absent, .hostMap: return .failure(.internalFailure)
    default: return result
    }
  }
}

/// A Swift closure, and what its arguments must be. Immutable.
final class FunctionClosure: @unchecked Sendable {
  let body: @Sendable (FunctionCall) -> Value
  /// The kind of each argument; nil for one that may be anything. Not an array: nothing is counted during a call.
  private let kinds: UnsafeMutableBufferPointer<Value.Kind?>

  init(kinds: [Value.Kind?], _ body: @escaping @Sendable (FunctionCall) -> Value) {
    self.kinds = .allocate(capacity: kinds.count)
    _ = self.kinds.initialize(from: kinds)
    self.body = body
  }

  deinit { kinds.deallocate() }

  func call(_ call: FunctionCall) -> Value {
    guard call.count == kinds.count else { return .failure(.noSuchOverload) }
    var number = 0
    while number < call.count {
      if let kind = kinds[number], call[number].kind != kind { return .failure(.noSuchOverload) }
      number &+= 1
    }
    return body(call)
  }
}

extension NativeFunction {
  /// A function written as a Swift closure.
  init(kinds: [Value.Kind?], isPure: Bool, _ body: @escaping @Sendable (FunctionCall) -> Value) {
    self.init(isPure: isPure, closure: FunctionClosure(kinds: kinds, body)) {
      arguments, count, evaluation, context, result in
      guard let context else { return }
      let closure = Unmanaged<FunctionClosure>.fromOpaque(context)
      let value = closure._withUnsafeGuaranteedRef {
        $0.call(FunctionCall(arguments, count, evaluation))
      }
      result.storeBytes(of: value, as: Value.self)
    }
  }
}
