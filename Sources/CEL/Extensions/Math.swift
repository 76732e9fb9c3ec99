// The library `math`: cel-go's `ext.Math` at its newest version. Rounding and signs of doubles, the greatest and the
// least of mixed numbers, and bits. Nothing here needs the C mathematics library.

import CPlatform

extension Environment {
  mutating func declareMath() {
    declareExtremes(
      "math.greatest", "math_@max", NativeFunction { answer($0, $1, $2, $4, MathFunction.greatest) })
    declareExtremes("math.least", "math_@min", NativeFunction { answer($0, $1, $2, $4, MathFunction.least) })
    declareDoubles()
    declareBits()
  }

  /// One or two numbers, a list of them, or three and more, which are checked as if they were in a list.
  private mutating func declareExtremes(_ function: String, _ id: String, _ native: NativeFunction) {
    let numbers: [(TypeID, String)] = [(.double, "_double"), (.int, "_int"), (.uint, "_uint")]
    for (type, name) in numbers {
      declare(function, id + name, [type], type, native)
      declare(function, id + "_list" + name, [types.list(type)], type, isVariadic: true, native)
      for (other, otherName) in numbers {
        declare(function, id + name + otherName, [type, other], type == other ? type : .dyn, native)
      }
    }
  }

  private mutating func declareDoubles() {
    let roundings: [(String, String, NativeFunction)] = [
      ("math.ceil", "math_ceil_double", NativeFunction { answer($0, $1, $2, $4, MathFunction.ceil) }),
      ("math.floor", "math_floor_double", NativeFunction { answer($0, $1, $2, $4, MathFunction.floor) }),
      ("math.round", "math_round_double", NativeFunction { answer($0, $1, $2, $4, MathFunction.round) }),
      ("math.trunc", "math_trunc_double", NativeFunction { answer($0, $1, $2, $4, MathFunction.trunc) }),
    ]
    for (function, id, native) in roundings { declare(function, id, [.double], .double, native) }
    let tests: [(String, String, NativeFunction)] = [
      ("math.isInf", "math_isInf_double", NativeFunction { answer($0, $1, $2, $4, MathFunction.isInf) }),
      ("math.isNaN", "math_isNaN_double", NativeFunction { answer($0, $1, $2, $4, MathFunction.isNaN) }),
      ("math.isFinite", "math_isFinite_double", NativeFunction { answer($0, $1, $2, $4, MathFunction.isFinite) }),
    ]
    for (function, id, native) in tests { declare(function, id, [.double], .bool, native) }
    let abs = NativeFunction { answer($0, $1, $2, $4, MathFunction.abs) }
    let sign = NativeFunction { answer($0, $1, $2, $4, MathFunction.sign) }
    let sqrt = NativeFunction { answer($0, $1, $2, $4, MathFunction.sqrt) }
    for (type, name) in [(TypeID.double, "double"), (.int, "int"), (.uint, "uint")] {
      declare("math.abs", "math_abs_" + name, [type], type, abs)
      declare("math.sign", "math_sign_" + name, [type], type, sign)
      declare("math.sqrt", "math_sqrt_" + name, [type], .double, sqrt)
    }
  }

  private mutating func declareBits() {
    let pairs: [(String, String, NativeFunction)] = [
      ("math.bitAnd", "math_bitAnd", NativeFunction { answer($0, $1, $2, $4, MathFunction.bitAnd) }),
      ("math.bitOr", "math_bitOr", NativeFunction { answer($0, $1, $2, $4, MathFunction.bitOr) }),
      ("math.bitXor", "math_bitXor", NativeFunction { answer($0, $1, $2, $4, MathFunction.bitXor) }),
    ]
    for (function, id, native) in pairs {
      declare(function, id + "_int_int", [.int, .int], .int, native)
      declare(function, id + "_uint_uint", [.uint, .uint], .uint, native)
    }
    let not = NativeFunction { answer($0, $1, $2, $4, MathFunction.bitNot) }
    declare("math.bitNot", "math_bitNot_int_int", [.int], .int, not)
    declare("math.bitNot", "math_bitNot_uint_uint", [.uint], .uint, not)
    let shifts: [(String, String, NativeFunction)] = [
      ("math.bitShiftLeft", "math_bitShiftLeft", NativeFunction { answer($0, $1, $2, $4, MathFunction.shiftLeft) }),
      ("math.bitShiftRight", "math_bitShiftRight", NativeFunction { answer($0, $1, $2, $4, MathFunction.shiftRight) }),
    ]
    for (function, id, native) in shifts {
      declare(function, id + "_int_int", [.int, .int], .int, native)
      declare(function, id + "_uint_int", [.uint, .int], .uint, native)
    }
  }
}

enum MathFunction {
  // MARK: The greatest and the least

  static func greatest(_ call: FunctionCall) -> Value { extreme(call, sign: 1) }

  static func least(_ call: FunctionCall) -> Value { extreme(call, sign: -1) }

  /// Of equal ones the first; a NaN replaces nothing and is replaced by nothing.
  private static func extreme(_ call: FunctionCall, sign: Int) -> Value {
    if call.takes(.list) {
      guard let elements = call[0].elements, call[0].count > 0 else { return .failure(.invalidArgument) }
      spend(Int(call[0].count) &* 8, call.evaluation)
      return extreme(elements, Int(call[0].count), sign: sign)
    }
    return call.count > 0 ? extreme(call.arguments, call.count, sign: sign) : .failure(.noSuchOverload)
  }

  private static func extreme(_ values: UnsafePointer<Value>, _ count: Int, sign: Int) -> Value {
    var best = values[0]
    var number = 0
    while number < count {
      guard values[number].isNumber else { return .failure(.noSuchOverload) }
      if let order = compareNumbers(values[number], best), order &* sign > 0 { best = values[number] }
      number &+= 1
    }
    return best
  }

  // MARK: Doubles

  /// From here on a double has no fraction.
  private static let wholeFrom = 4_503_599_627_370_496.0

  private static func truncated(_ number: Double) -> Double {
    // NaN is not below it either.
    guard number.magnitude < wholeFrom else { return number }
    return Double(signOf: number, magnitudeOf: Double(platform_truncate_int(number)))
  }

  static func trunc(_ call: FunctionCall) -> Value {
    call.takes(.double) ? .double(truncated(call[0].asDouble)) : .failure(.noSuchOverload)
  }

  static func floor(_ call: FunctionCall) -> Value {
    guard call.takes(.double) else { return .failure(.noSuchOverload) }
    let number = call[0].asDouble
    let whole = truncated(number)
    return .double(whole > number ? whole - 1 : whole)
  }

  static func ceil(_ call: FunctionCall) -> Value {
    guard call.takes(.double) else { return .failure(.noSuchOverload) }
    let number = call[0].asDouble
    let whole = truncated(number)
    return .double(whole < number ? whole + 1 : whole)
  }

  /// Halves away from zero.
  static func round(_ call: FunctionCall) -> Value {
    guard call.takes(.double) else { return .failure(.noSuchOverload) }
    let number = call[0].asDouble
    let whole = truncated(number)
    guard (number - whole).magnitude >= 0.5 else { return .double(whole) }
    return .double(number < 0 ? whole - 1 : whole + 1)
  }

  static func isNaN(_ call: FunctionCall) -> Value {
    call.takes(.double) ? .bool(call[0].asDouble.isNaN) : .failure(.noSuchOverload)
  }

  static func isInf(_ call: FunctionCall) -> Value {
    call.takes(.double) ? .bool(call[0].asDouble.isInfinite) : .failure(.noSuchOverload)
  }

  static func isFinite(_ call: FunctionCall) -> Value {
    call.takes(.double) ? .bool(call[0].asDouble.isFinite) : .failure(.noSuchOverload)
  }

  static func abs(_ call: FunctionCall) -> Value {
    guard call.count == 1 else { return .failure(.noSuchOverload) }
    switch call[0].kind {
    case .double: return .double(call[0].asDouble.magnitude)
    case .uint: return call[0]
    case .int:
      guard let magnitude = Int64(exactly: call[0].asInt.magnitude) else { return .failure(.integerOverflow) }
      return .int(magnitude)
    default: return .failure(.noSuchOverload)
    }
  }

  static func sign(_ call: FunctionCall) -> Value {
    guard call.count == 1 else { return .failure(.noSuchOverload) }
    switch call[0].kind {
    case .double:
      let number = call[0].asDouble
      return .double(number > 0 ? 1 : number < 0 ? -1 : number.isNaN ? number : 0)
    case .uint: return .uint(call[0].asUInt > 0 ? 1 : 0)
    case .int: return .int(call[0].asInt.signum())
    default: return .failure(.noSuchOverload)
    }
  }

  /// NaN of what is negative.
  static func sqrt(_ call: FunctionCall) -> Value {
    guard call.count == 1, call[0].isNumber else { return .failure(.noSuchOverload) }
    return .double(call[0].numberAsDouble.squareRoot())
  }

  // MARK: Bits

  static func bitAnd(_ call: FunctionCall) -> Value { bits(call) { $0 & $1 } }

  static func bitOr(_ call: FunctionCall) -> Value { bits(call) { $0 | $1 } }

  static func bitXor(_ call: FunctionCall) -> Value { bits(call) { $0 ^ $1 } }

  private static func bits(_ call: FunctionCall, _ combine: (UInt64, UInt64) -> UInt64) -> Value {
    guard call.takes(.int, .int) || call.takes(.uint, .uint) else { return .failure(.noSuchOverload) }
    return Value(kind: call[0].kind, payload: combine(call[0].payload, call[1].payload))
  }

  static func bitNot(_ call: FunctionCall) -> Value {
    guard call.takes(.int) || call.takes(.uint) else { return .failure(.noSuchOverload) }
    return Value(kind: call[0].kind, payload: ~call[0].payload)
  }

  static func shiftLeft(_ call: FunctionCall) -> Value { shift(call) { $0 &<< $1 } }

  /// Zeros come in from the left, even for a negative int.
  static func shiftRight(_ call: FunctionCall) -> Value { shift(call) { $0 &>> $1 } }

  private static func shift(_ call: FunctionCall, _ shift: (UInt64, UInt64) -> UInt64) -> Value {
    guard call.takes(.int, .int) || call.takes(.uint, .int) else { return .failure(.noSuchOverload) }
    let places = call[1].asInt
    if places < 0 { return .failure(.invalidArgument) }
    return Value(kind: call[0].kind, payload: places > 63 ? 0 : shift(call[0].payload, UInt64(places)))
  }
}
