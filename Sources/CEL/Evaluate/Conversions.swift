// int(…), uint(…), double(…), string(…), bytes(…), bool(…), timestamp(…), duration(…), type(…).
//
// Where cel-go and cel-cpp differ these follow cel-cpp: blanks around numbers are skipped, `1e400` is infinite,
// timestamps print in UTC with fractions of 3, 6 or 9 digits.

import CPlatform

/// Towards zero; nil outside the range. (`rounded` and `init(exactly:)` would need libm.)
func truncatedToInt(_ number: Double) -> Int64? {
  // NaN is within no bounds.
  guard number >= -9_223_372_036_854_775_808.0, number < 9_223_372_036_854_775_808.0 else { return nil }
  return platform_truncate_int(number)
}

/// Towards zero; nil outside the range and for everything negative, however small.
func truncatedToUInt(_ number: Double) -> UInt64? {
  guard number >= 0, number < 18_446_744_073_709_551_616.0 else { return nil }
  return platform_truncate_uint(number)
}

func convertToInt(_ value: Value) -> Value {
  switch value.kind {
  case .int: return value
  case .uint: return value.asUInt <= UInt64(Int64.max) ? .int(value.asInt) : .failure(.rangeError)
  case .double:
    // Both ends are refused, even -2^63 exactly.
    guard value.asDouble > -9_223_372_036_854_775_808.0, let number = truncatedToInt(value.asDouble) else {
      return .failure(.rangeError)
    }
    return .int(number)
  case .string: return NumberText.int(value.asBytes).map { .int($0) } ?? .failure(.invalidArgument)
  case .timestamp: return .int(value.seconds)
  case .enumeration: return .int(value.enumNumber)
  default: return .failure(.noSuchOverload)
  }
}

func convertToUInt(_ value: Value) -> Value {
  switch value.kind {
  case .uint: return value
  case .int: return value.asInt >= 0 ? .uint(value.asUInt) : .failure(.rangeError)
  case .double:
    guard let number = truncatedToUInt(value.asDouble) else { return .failure(.rangeError) }
    return .uint(number)
  case .string: return NumberText.uint(value.asBytes).map { .uint($0) } ?? .failure(.invalidArgument)
  default: return .failure(.noSuchOverload)
  }
}

func convertToDouble(_ value: Value) -> Value {
  switch value.kind {
  case .double, .int, .uint: return .double(value.numberAsDouble)
  case .string: return NumberText.double(value.asBytes).map { .double($0) } ?? .failure(.invalidArgument)
  default: return .failure(.noSuchOverload)
  }
}

func convertToString(_ value: Value, _ evaluation: Evaluation.Pointer) -> Value {
  var text = ShortText()
  switch value.kind {
  case .string: return value
  case .bytes:
    spend(Int(value.count) &>> 3, evaluation)
    return value.asBytes.isUTF8 ? .string(value.asBytes) : .failure(.invalidUTF8)
  case .bool: return .string(value.payload != 0 ? Bytes("true") : Bytes("false"))
  case .int: text.append(value.asInt)
  case .uint: text.append(value.asUInt)
  case .double: text.append(value.asDouble)
  case .timestamp: Instant.write(value, to: &text)
  case .duration: TimeSpan.write(value, to: &text)
  default: return .failure(.noSuchOverload)
  }
  guard let copy = text.copy(to: &evaluation.pointee.arena) else { return .failure(.memorySpent) }
  return .string(copy)
}

func convertToBytes(_ value: Value) -> Value {
  switch value.kind {
  case .bytes: return value
  case .string: return .bytes(value.asBytes)
  default: return .failure(.noSuchOverload)
  }
}

func convertToBool(_ value: Value) -> Value {
  switch value.kind {
  case .bool: return value
  case .string:
    let text = value.asBytes
    if text.equals("true") || text.equals("1") || text.equals("t") || text.equals("TRUE") || text.equals("True") {
      return .bool(true)
    }
    if text.equals("false") || text.equals("0") || text.equals("f") || text.equals("FALSE") || text.equals("False") {
      return .bool(false)
    }
    return .failure(.invalidArgument)
  default: return .failure(.noSuchOverload)
  }
}

func convertToTimestamp(_ value: Value) -> Value {
  switch value.kind {
  case .timestamp: return value
  case .int: return Instant.make(seconds: value.asInt, nanoseconds: 0)
  case .string: return Instant.parse(value.asBytes)
  default: return .failure(.noSuchOverload)
  }
}

func convertToDuration(_ value: Value) -> Value {
  switch value.kind {
  case .duration: return value
  case .string: return TimeSpan.parse(value.asBytes)
  default: return .failure(.noSuchOverload)
  }
}

func typeOf(_ value: Value) -> Value {
  let name: Bytes
  switch value.kind {
  case .null: name = Bytes("null_type")
  case .bool: name = Bytes("bool")
  case .int: name = Bytes("int")
  case .uint: name = Bytes("uint")
  case .double: name = Bytes("double")
  case .string: name = Bytes("string")
  case .bytes: name = Bytes("bytes")
  case .timestamp: name = Bytes("google.protobuf.Timestamp")
  case .duration: name = Bytes("google.protobuf.Duration")
  case .list: name = Bytes("list")
  case .map, .hostMap: name = Bytes("map")
  case .type: name = Bytes("type")
  case .ip: name = Bytes("net.IP")
  case .cidr: name = Bytes("net.CIDR")
  case .enumeration: name = value.enumType?.pointee.name ?? .empty
  case .message:
    guard let record = Record(value) else { return .failure(.internalFailure) }
    name = record.descriptor.pointee.name
  case .optional: name = Bytes("optional_type")
  case .unfetched, .absent, .error, .opaque: return .failure(.noSuchOverload)
  }
  return Value(kind: .type, payload: name.address, count: name.count)
}
