// `"%s is %.2f".format([name, share])`: a text with clauses, each replaced by the list's next element.
//
//   %s   anything but messages and the like, lists and maps included     %d  numbers
//   %f   numbers, %.nf with n digits after the point (6 if not said)     %e  the same with an exponent
//   %b   integers and bools, base 2   %o  integers, base 8   %x %X  integers, texts and bytes, base 16   %%  a %
//
// As cel-spec's string_ext tests and cel-go's second version of it: NaN, Infinity and -Infinity by these names,
// elements of lists without quotes, a map's entries in the order of their keys' texts. Elements that no clause asks for
// are ignored.

import CPlatform

enum Format {
  static let precisionMax = 1_000
  private static let precisionDefault = 6

  static func apply(_ call: FunctionCall) -> Value {
    guard call.takes(.string, .list) else { return .failure(.noSuchOverload) }
    let format = call[0].asBytes
    let items = call[1].items
    guard let base = format.base else { return .string(.empty) }
    var formatter = Formatter(call.evaluation, capacity: Int(format.count))
    let size = Int(format.count)
    var next = 0
    var at = 0
    var plain = 0
    while at < size {
      guard base[at] == UInt8(ascii: "%") else {
        at &+= 1
        continue
      }
      formatter.text.append(format.slice(plain, at))
      at &+= 1
      guard at < size else { return .failure(.invalidArgument) }
      if base[at] == UInt8(ascii: "%") {
        formatter.text.append(UInt8(ascii: "%"))
      } else {
        guard let precision = parsePrecision(format, &at) else { return .failure(.invalidArgument) }
        guard next < items.count else { return .failure(.indexOutOfRange) }
        if let error = formatter.append(items[next], verb: base[at], precision: precision) { return .failure(error) }
        next &+= 1
        if !call.hasSteps { return .failure(.stepBudgetSpent) }
      }
      at &+= 1
      plain = at
    }
    formatter.text.append(format.slice(plain, size))
    let result = formatter.text.finish()
    // `%s` of bytes may have put anything into it.
    if formatter.hasBytes, result.kind == .string, !result.asBytes.isUTF8 { return .failure(.invalidUTF8) }
    return result
  }

  /// Moves `at` to the verb, which there is then.
  private static func parsePrecision(_ format: Bytes, _ at: inout Int) -> Int? {
    guard let base = format.base else { return nil }
    if base[at] != UInt8(ascii: ".") { return precisionDefault }
    at &+= 1
    let start = at
    var precision = 0
    while at < Int(format.count), base[at] &- UInt8(ascii: "0") <= 9 {
      precision = min(precision &* 10 &+ Int(base[at] &- UInt8(ascii: "0")), precisionMax &+ 1)
      at &+= 1
    }
    return at > start && at < Int(format.count) && precision <= precisionMax ? precision : nil
  }
}

/// Writes one clause after the other.
struct Formatter {
  var text: TextBuilder
  private(set) var hasBytes = false
  private let evaluation: Evaluation.Pointer

  init(_ evaluation: Evaluation.Pointer, capacity: Int) {
    self.evaluation = evaluation
    text = TextBuilder(evaluation, capacity: capacity &+ 32)
  }

  /// What is wrong, or nil.
  mutating func append(_ value: Value, verb: UInt8, precision: Int) -> EvaluationError.Code? {
    switch verb {
    case UInt8(ascii: "s"): return appendString(value, depth: 0)
    case UInt8(ascii: "d"):
      guard value.isNumber else { return .invalidArgument }
      return appendString(value, depth: 0)
    case UInt8(ascii: "f"), UInt8(ascii: "e"):
      guard value.isNumber else { return .invalidArgument }
      append(value.numberAsDouble, verb, precision)
      return nil
    case UInt8(ascii: "b"):
      if value.kind == .bool {
        text.append(value.payload != 0 ? UInt8(ascii: "1") : UInt8(ascii: "0"))
        return nil
      }
      return appendInteger(value, bits: 1, isUpper: false)
    case UInt8(ascii: "o"): return appendInteger(value, bits: 3, isUpper: false)
    case UInt8(ascii: "x"), UInt8(ascii: "X"):
      let isUpper = verb == UInt8(ascii: "X")
      guard value.kind == .string || value.kind == .bytes else {
        return appendInteger(value, bits: 4, isUpper: isUpper)
      }
      spend(Int(value.count), evaluation)
      for byte in value.asBytes.buffer {
        text.append(Formatter.digit(byte &>> 4, isUpper))
        text.append(Formatter.digit(byte & 15, isUpper))
      }
      return nil
    default: return .invalidArgument
    }
  }

  private static func digit(_ digit: UInt8, _ isUpper: Bool) -> UInt8 {
    digit < 10 ? UInt8(ascii: "0") &+ digit : (isUpper ? UInt8(ascii: "A") : UInt8(ascii: "a")) &+ digit &- 10
  }

  /// In base 2, 8 or 16; a negative number is a minus sign and its magnitude.
  private mutating func appendInteger(_ value: Value, bits: UInt64, isUpper: Bool) -> EvaluationError.Code? {
    var magnitude: UInt64
    switch value.kind {
    case .uint: magnitude = value.asUInt
    case .int:
      magnitude = value.asInt.magnitude
      if value.asInt < 0 { text.append(UInt8(ascii: "-")) }
    default: return .invalidArgument
    }
    var shift: UInt64 = 0
    while shift &+ bits < 64, magnitude &>> (shift &+ bits) != 0 { shift &+= bits }
    let mask = (UInt64(1) &<< bits) &- 1
    while true {
      text.append(Formatter.digit(UInt8(truncatingIfNeeded: magnitude &>> shift & mask), isUpper))
      if shift == 0 { return nil }
      magnitude &= (UInt64(1) &<< shift) &- 1
      shift &-= bits
    }
  }

  /// `%f` and `%e`.
  private mutating func append(_ number: Double, _ verb: UInt8, _ precision: Int) {
    guard number.isFinite else { return appendNotFinite(number) }
    // The greatest double has 309 digits before the point.
    let size = 400 &+ precision
    text.append(atMost: size) { room in
      Int(platform_format_double(number, CChar(bitPattern: verb), Int32(truncatingIfNeeded: precision), room, size))
    }
  }

  private mutating func appendNotFinite(_ number: Double) {
    text.append(number.isNaN ? "NaN" : number.sign == .minus ? "-Infinity" : "Infinity")
  }

  // MARK: %s

  private mutating func appendString(_ value: Value, depth: Int) -> EvaluationError.Code? {
    if depth > comparisonDepthMax { return .nestedTooDeeply }
    if text.hasFailed || evaluation.pointee.stepsLeft < 0 { return nil }
    switch value.kind {
    case .null: text.append("null")
    case .bool: text.append(value.payload != 0 ? "true" : "false")
    case .string, .type: text.append(value.asBytes)
    case .bytes:
      hasBytes = true
      text.append(value.asBytes)
    case .int, .uint:
      var short = ShortText()
      if value.kind == .int { short.append(value.asInt) } else { short.append(value.asUInt) }
      text.append(short)
    case .double: appendShortest(value.asDouble)
    case .timestamp, .duration: appendTime(value)
    case .list:
      text.append(UInt8(ascii: "["))
      spend(Int(value.count) &* 8, evaluation)
      for (number, item) in value.items.enumerated() {
        if number > 0 { text.append(", ") }
        if let error = appendString(item, depth: depth &+ 1) { return error }
      }
      text.append(UInt8(ascii: "]"))
    case .map: return appendMap(value, depth)
    default: return .invalidArgument
    }
    return nil
  }

  private mutating func appendMap(_ map: Value, _ depth: Int) -> EvaluationError.Code? {
    text.append(UInt8(ascii: "{"))
    let count = Int(map.count)
    spend(count &* 8, evaluation)
    if evaluation.pointee.stepsLeft < 0 { return .stepBudgetSpent }
    if let entries = map.elements, count > 0 {
      guard let keys = evaluation.pointee.arena.allocateValues(count) else { return .memorySpent }
      for number in 0..<count {
        var key = Formatter(evaluation, capacity: 0)
        if let error = key.appendString(entries[number &* 2], depth: depth &+ 1) { return error }
        keys[number] = key.text.finish()
        if keys[number].kind == .error { return .memorySpent }
      }
      let order = sortedOrder(count, evaluation) { keys[$0].asBytes.compare(keys[$1].asBytes) < 0 }
      guard let order else { return .memorySpent }
      var place = 0
      while place < count {
        let number = Int(order[place])
        if place > 0 { text.append(", ") }
        text.append(keys[number].asBytes)
        text.append(": ")
        if let error = appendString(entries[number &* 2 &+ 1], depth: depth &+ 1) { return error }
        place &+= 1
      }
    }
    text.append(UInt8(ascii: "}"))
    return nil
  }

  /// The shortest digits that read back as the same number, never with an exponent.
  private mutating func appendShortest(_ number: Double) {
    guard number.isFinite else { return appendNotFinite(number) }
    if number.sign == .minus { text.append(UInt8(ascii: "-")) }
    text.append(atMost: 400) { room in Int(platform_plain_digits(number, room, 400)) }
  }

  /// A timestamp in UTC, a duration in seconds; with as many digits after the point as it has.
  private mutating func appendTime(_ value: Value) {
    var short = ShortText()
    if value.kind == .timestamp { Instant.write(value, to: &short) } else { TimeSpan.write(value, to: &short) }
    guard let copy = short.copy(to: &evaluation.pointee.arena), let base = copy.base else { return text.append(short) }
    // The zone or unit at the end stays; zeros before it go, if they are a fraction's.
    let unit = Int(copy.count) &- 1
    guard unit > 0, copy.buffer.contains(UInt8(ascii: ".")) else { return text.append(copy) }
    var end = unit
    while end > 0, base[end &- 1] == UInt8(ascii: "0") { end &-= 1 }
    text.append(copy.slice(0, end))
    text.append(base[unit])
  }
}
