// Enums as types of their own, where a schema says so (langdef, "Enum Types"); elsewhere an enum is an int, as
// cel-go and cel-cpp have it.
//
// With strong enums a constant, and what a field holds, is a value of kind `enumeration`. `pkg.Enum(2)` and
// `pkg.Enum("NAME")` make one, `int(e)` is its number, and `type(e)` is `pkg.Enum`.

extension Value {
  static func enumeration(_ type: UnsafePointer<EnumDescriptor>, _ number: Int32) -> Value {
    Value(kind: .enumeration, payload: UInt64(UInt(bitPattern: type)), count: UInt32(bitPattern: number))
  }

  /// Of an enumeration.
  var enumType: UnsafePointer<EnumDescriptor>? {
    kind == .enumeration ? UnsafePointer(bitPattern: UInt(truncatingIfNeeded: payload)) : nil
  }

  var enumNumber: Int64 { Int64(Int32(bitPattern: count)) }
}

/// A number or a name as a value of the enum that `zero` is of.
func convertToEnum(_ value: Value, _ zero: Value) -> Value {
  guard let type = zero.enumType else { return .failure(.internalFailure) }
  switch value.kind {
  case .int:
    guard let number = Int32(exactly: value.asInt) else { return .failure(.rangeError) }
    return .enumeration(type, number)
  case .string:
    guard let number = type.pointee.number(of: value.asBytes) else { return .failure(.invalidArgument) }
    return .enumeration(type, number)
  default: return .failure(.noSuchOverload)
  }
}

extension Schema {
  /// The value of an enum's number: an int, or an enumeration if this schema's enums are strong. Nil for an enum
  /// that is not there. It points into the schema.
  public func enumeration(_ type: String, _ number: Int32) -> Value? {
    guard let descriptor = enumeration(named: type) else { return nil }
    return hasStrongEnums ? .enumeration(descriptor, number) : .int(Int64(number))
  }
}

extension Environment {
  /// `pkg.Enum(…)` and `int(…)` for the enums of a schema in which they are strong.
  mutating func declareStrongEnums() {
    guard schema.hasStrongEnums else { return }
    for name in schema.enumNames where name != WellKnown.nullValue.name && functions[name] == nil {
      let type = types.enumeration(name)
      let conversions: [(String, TypeID, TypeID, Builtin, String)] = [
        (name, .int, type, .toEnum, "int64_to_"), (name, .string, type, .toEnum, "string_to_"),
        ("int", type, .int, .toInt, "to_int64_"),
      ]
      for (function, parameter, result, builtin, id) in conversions {
        declare(
          function: function,
          Overload(
            id: id + name, isMember: false, parameters: [parameter], result: result,
            implementation: .builtin(builtin)))
      }
    }
  }
}

extension TypeTable {
  mutating func enumeration(_ name: String) -> TypeID { intern(.opaque(name, [])) }
}
