// CEL's standard functions (cel-spec, langdef, "Standard Definitions"): names, signatures, and which `Builtin`
// runs them. Overload ids are cel-spec's.

extension Environment {
  mutating func declareStandardFunctions() {
    declareLogic()
    declareArithmetic()
    declareOrdering()
    declareAggregates()
    declareText()
    declareConversions()
    declareTime()
  }

  private mutating func add(
    _ function: String, _ builtin: Builtin, _ id: String, _ parameters: [TypeID], _ result: TypeID,
    isMember: Bool = false
  ) {
    declare(
      function: function,
      Overload(
        id: id, isMember: isMember, parameters: parameters, result: result, implementation: .builtin(builtin)))
  }

  private mutating func declareLogic() {
    let a = types.intern(.parameter("A"))
    add("_==_", .equal, "equals", [a, a], .bool)
    add("_!=_", .notEqual, "not_equals", [a, a], .bool)
    add("!_", .not, "logical_not", [.bool], .bool)
  }

  private mutating func declareArithmetic() {
    let a = types.intern(.parameter("A"))
    let list = types.list(a)
    add("_+_", .add, "add_int64", [.int, .int], .int)
    add("_+_", .add, "add_uint64", [.uint, .uint], .uint)
    add("_+_", .add, "add_double", [.double, .double], .double)
    add("_+_", .add, "add_string", [.string, .string], .string)
    add("_+_", .add, "add_bytes", [.bytes, .bytes], .bytes)
    add("_+_", .add, "add_list", [list, list], list)
    add("_+_", .add, "add_timestamp_duration", [.timestamp, .duration], .timestamp)
    add("_+_", .add, "add_duration_timestamp", [.duration, .timestamp], .timestamp)
    add("_+_", .add, "add_duration_duration", [.duration, .duration], .duration)
    add("_-_", .subtract, "subtract_int64", [.int, .int], .int)
    add("_-_", .subtract, "subtract_uint64", [.uint, .uint], .uint)
    add("_-_", .subtract, "subtract_double", [.double, .double], .double)
    add("_-_", .subtract, "subtract_timestamp_timestamp", [.timestamp, .timestamp], .duration)
    add("_-_", .subtract, "subtract_timestamp_duration", [.timestamp, .duration], .timestamp)
    add("_-_", .subtract, "subtract_duration_duration", [.duration, .duration], .duration)
    for (type, suffix) in [(TypeID.int, "int64"), (.uint, "uint64"), (.double, "double")] {
      add("_*_", .multiply, "multiply_" + suffix, [type, type], type)
      add("_/_", .divide, "divide_" + suffix, [type, type], type)
      if type != .double { add("_%_", .modulo, "modulo_" + suffix, [type, type], type) }
    }
    add("-_", .negate, "negate_int64", [.int], .int)
    add("-_", .negate, "negate_double", [.double], .double)
  }

  private mutating func declareOrdering() {
    let operators: [(String, Builtin, String)] = [
      ("_<_", .less, "less"), ("_<=_", .lessOrEqual, "less_equals"), ("_>_", .greater, "greater"),
      ("_>=_", .greaterOrEqual, "greater_equals"),
    ]
    let same: [(TypeID, String)] = [
      (.bool, "bool"), (.int, "int64"), (.uint, "uint64"), (.double, "double"), (.string, "string"),
      (.bytes, "bytes"), (.timestamp, "timestamp"), (.duration, "duration"),
    ]
    let numbers: [(TypeID, String)] = [(.int, "int64"), (.uint, "uint64"), (.double, "double")]
    for (name, builtin, id) in operators {
      for (type, suffix) in same { add(name, builtin, id + "_" + suffix, [type, type], .bool) }
      // Numbers of unlike types are ordered on one number line, though they have no arithmetic.
      for (left, leftName) in numbers {
        for (right, rightName) in numbers where left != right {
          add(name, builtin, id + "_" + leftName + "_" + rightName, [left, right], .bool)
        }
      }
    }
  }

  private mutating func declareAggregates() {
    let a = types.intern(.parameter("A"))
    let b = types.intern(.parameter("B"))
    let list = types.list(a)
    let map = types.map(a, b)
    add("_[_]", .index, "index_list", [list, .int], a)
    add("_[_]", .index, "index_map", [map, a], b)
    add("@in", .isIn, "in_list", [a, list], .bool)
    add("@in", .isIn, "in_map", [a, map], .bool)
    for (type, name) in [(TypeID.string, "string"), (.bytes, "bytes"), (list, "list"), (map, "map")] {
      add("size", .size, "size_" + name, [type], .int)
      add("size", .size, name + "_size", [type], .int, isMember: true)
    }
  }

  private mutating func declareText() {
    add("contains", .contains, "contains_string", [.string, .string], .bool, isMember: true)
    add("startsWith", .startsWith, "starts_with_string", [.string, .string], .bool, isMember: true)
    add("endsWith", .endsWith, "ends_with_string", [.string, .string], .bool, isMember: true)
    add("matches", .matches, "matches_string", [.string, .string], .bool, isMember: true)
    add("matches", .matches, "matches", [.string, .string], .bool)
  }

  private mutating func declareConversions() {
    let a = types.intern(.parameter("A"))
    let conversions: [(String, Builtin, String, TypeID, [(TypeID, String)])] = [
      ("bool", .toBool, "bool", .bool, [(.bool, "bool"), (.string, "string")]),
      ("bytes", .toBytes, "bytes", .bytes, [(.bytes, "bytes"), (.string, "string")]),
      (
        "double", .toDouble, "double", .double,
        [(.double, "double"), (.int, "int64"), (.uint, "uint64"), (.string, "string")]
      ),
      (
        "int", .toInt, "int64", .int,
        [(.int, "int64"), (.uint, "uint64"), (.double, "double"), (.string, "string"), (.timestamp, "timestamp")]
      ),
      (
        "uint", .toUInt, "uint64", .uint,
        [(.uint, "uint64"), (.int, "int64"), (.double, "double"), (.string, "string")]
      ),
      (
        "string", .toString, "string", .string,
        [
          (.string, "string"), (.bool, "bool"), (.int, "int64"), (.uint, "uint64"), (.double, "double"),
          (.bytes, "bytes"), (.timestamp, "timestamp"), (.duration, "duration"),
        ]
      ),
      (
        "timestamp", .toTimestamp, "timestamp", .timestamp,
        [(.timestamp, "timestamp"), (.string, "string"), (.int, "int64")]
      ),
      ("duration", .toDuration, "duration", .duration, [(.duration, "duration"), (.string, "string")]),
    ]
    for (function, builtin, target, result, sources) in conversions {
      for (source, name) in sources { add(function, builtin, name + "_to_" + target, [source], result) }
    }
    add("dyn", .toDyn, "to_dyn", [a], .dyn)
    add("type", .toType, "type", [a], types.intern(.type(a)))
  }

  private mutating func declareTime() {
    let calendar: [(String, Builtin, String)] = [
      ("getFullYear", .getFullYear, "timestamp_to_year"),
      ("getMonth", .getMonth, "timestamp_to_month"),
      ("getDayOfYear", .getDayOfYear, "timestamp_to_day_of_year"),
      ("getDayOfMonth", .getDayOfMonth, "timestamp_to_day_of_month"),
      ("getDate", .getDate, "timestamp_to_day_of_month_1_based"),
      ("getDayOfWeek", .getDayOfWeek, "timestamp_to_day_of_week"),
      ("getHours", .getHours, "timestamp_to_hours"),
      ("getMinutes", .getMinutes, "timestamp_to_minutes"),
      ("getSeconds", .getSeconds, "timestamp_to_seconds"),
      ("getMilliseconds", .getMilliseconds, "timestamp_to_milliseconds"),
    ]
    for (name, builtin, id) in calendar {
      add(name, builtin, id, [.timestamp], .int, isMember: true)
      add(name, builtin, id + "_with_tz", [.timestamp, .string], .int, isMember: true)
    }
    let spans: [(String, Builtin, String)] = [
      ("getHours", .getHours, "duration_to_hours"), ("getMinutes", .getMinutes, "duration_to_minutes"),
      ("getSeconds", .getSeconds, "duration_to_seconds"),
      ("getMilliseconds", .getMilliseconds, "duration_to_milliseconds"),
    ]
    for (name, builtin, id) in spans { add(name, builtin, id, [.duration], .int, isMember: true) }
  }
}
