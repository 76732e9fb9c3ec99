// The library `strings`: cel-go's `ext.Strings` at its newest version, as cel-spec's string_ext tests it. Positions
// count code points. Nothing here knows a language: case is ASCII's, numbers have a point.

extension Environment {
  mutating func declareStrings() {
    let strings = types.list(.string)
    declareSearches()

    let join = NativeFunction { answer($0, $1, $2, $4, StringFunction.join) }
    declare("join", "list_join", [strings], .string, isMember: true, join)
    declare("join", "list_join_string", [strings, .string], .string, isMember: true, join)
    let split = NativeFunction { answer($0, $1, $2, $4, StringFunction.split) }
    declare("split", "string_split_string", [.string, .string], strings, isMember: true, split)
    declare("split", "string_split_string_int", [.string, .string, .int], strings, isMember: true, split)
    let replace = NativeFunction { answer($0, $1, $2, $4, StringFunction.replace) }
    declare(
      "replace", "string_replace_string_string", [.string, .string, .string], .string, isMember: true, replace)
    declare(
      "replace", "string_replace_string_string_int", [.string, .string, .string, .int], .string, isMember: true,
      replace)

    declare(
      "lowerAscii", "string_lower_ascii", [.string], .string, isMember: true,
      NativeFunction { answer($0, $1, $2, $4, StringFunction.lowerAscii) })
    declare(
      "upperAscii", "string_upper_ascii", [.string], .string, isMember: true,
      NativeFunction { answer($0, $1, $2, $4, StringFunction.upperAscii) })
    declare(
      "trim", "string_trim", [.string], .string, isMember: true,
      NativeFunction { answer($0, $1, $2, $4, StringFunction.trim) })
    declare(
      "reverse", "string_reverse", [.string], .string, isMember: true,
      NativeFunction { answer($0, $1, $2, $4, StringFunction.reverse) })
    declare(
      "strings.quote", "strings_quote", [.string], .string,
      NativeFunction { answer($0, $1, $2, $4, StringFunction.quote) })
    declare(
      "format", "string_format", [.string, types.list(.dyn)], .string, isMember: true,
      NativeFunction { answer($0, $1, $2, $4, Format.apply) })
  }

  private mutating func declareSearches() {
    declare(
      "charAt", "string_char_at_int", [.string, .int], .string, isMember: true,
      NativeFunction { answer($0, $1, $2, $4, StringFunction.charAt) })
    let indexOf = NativeFunction { answer($0, $1, $2, $4, StringFunction.indexOf) }
    declare("indexOf", "string_index_of_string", [.string, .string], .int, isMember: true, indexOf)
    declare("indexOf", "string_index_of_string_int", [.string, .string, .int], .int, isMember: true, indexOf)
    let lastIndexOf = NativeFunction { answer($0, $1, $2, $4, StringFunction.lastIndexOf) }
    declare("lastIndexOf", "string_last_index_of_string", [.string, .string], .int, isMember: true, lastIndexOf)
    declare(
      "lastIndexOf", "string_last_index_of_string_int", [.string, .string, .int], .int, isMember: true, lastIndexOf)
    let substring = NativeFunction { answer($0, $1, $2, $4, StringFunction.substring) }
    declare("substring", "string_substring_int", [.string, .int], .string, isMember: true, substring)
    declare("substring", "string_substring_int_int", [.string, .int, .int], .string, isMember: true, substring)
  }
}

/// The functions of `strings` that find or cut. What they cut out is not copied.
enum StringFunction {
  static func charAt(_ call: FunctionCall) -> Value {
    guard call.takes(.string, .int) else { return .failure(.noSuchOverload) }
    let text = call[0].asBytes
    spend(Int(text.count) &>> 3, call.evaluation)
    guard let start = text.offset(ofCodePoint: call[1].asInt) else { return .failure(.indexOutOfRange) }
    guard let base = text.base, start < Int(text.count) else { return .string(.empty) }
    return .string(text.slice(start, start &+ Bytes.codePointLength(base[start])))
  }

  static func substring(_ call: FunctionCall) -> Value {
    guard call.takes(.string, .int) || call.takes(.string, .int, .int) else { return .failure(.noSuchOverload) }
    let text = call[0].asBytes
    spend(Int(text.count) &>> 3, call.evaluation)
    guard let start = text.offset(ofCodePoint: call[1].asInt) else { return .failure(.indexOutOfRange) }
    if call.count == 2 { return .string(text.slice(start, Int(text.count))) }
    guard let end = text.offset(ofCodePoint: call[2].asInt) else { return .failure(.indexOutOfRange) }
    return start <= end ? .string(text.slice(start, end)) : .failure(.invalidArgument)
  }

  static func indexOf(_ call: FunctionCall) -> Value {
    guard call.takes(.string, .string) || call.takes(.string, .string, .int) else {
      return .failure(.noSuchOverload)
    }
    let text = call[0].asBytes
    let needle = call[1].asBytes
    spend(Int(text.count) &>> 2, call.evaluation)
    var start = 0
    if call.count == 3 {
      guard let offset = text.offset(ofCodePoint: call[2].asInt) else { return .failure(.indexOutOfRange) }
      start = offset
    }
    guard let found = text.firstOffset(of: needle, from: start) else { return .int(-1) }
    return .int(Int64(text.slice(0, found).codePointCount))
  }

  static func lastIndexOf(_ call: FunctionCall) -> Value {
    guard call.takes(.string, .string) || call.takes(.string, .string, .int) else {
      return .failure(.noSuchOverload)
    }
    let text = call[0].asBytes
    let needle = call[1].asBytes
    let size = Int(text.count)
    spend(size &>> 2, call.evaluation)
    var start = size
    if call.count == 3 {
      guard let offset = text.offset(ofCodePoint: call[2].asInt) else { return .failure(.indexOutOfRange) }
      start = offset
    }
    if needle.count == 0 { return .int(Int64(text.slice(0, start).codePointCount)) }
    guard needle.count <= text.count, let base = text.base, let sought = needle.base else { return .int(-1) }
    var at = min(start, size &- Int(needle.count))
    while at >= 0 {
      if base[at] == sought[0] {
        // A text that repeats itself makes this quadratic; the budget is what bounds it.
        spend(Int(needle.count) &>> 3, call.evaluation)
        if sameBytes(base + at, sought, Int(needle.count)) {
          return .int(Int64(text.slice(0, at).codePointCount))
        }
        if !call.hasSteps { return .failure(.stepBudgetSpent) }
      }
      at &-= 1
    }
    return .int(-1)
  }

  static func trim(_ call: FunctionCall) -> Value {
    guard call.takes(.string) else { return .failure(.noSuchOverload) }
    let text = call[0].asBytes
    guard let base = text.base else { return .string(.empty) }
    spend(Int(text.count) &>> 3, call.evaluation)
    var start = 0
    var end = Int(text.count)
    while start < end, isSpace(text.codePoint(at: start)) { start &+= Bytes.codePointLength(base[start]) }
    while end > start {
      var last = end &- 1
      while last > start, base[last] & 0xc0 == 0x80 { last &-= 1 }
      guard isSpace(text.codePoint(at: last)) else { break }
      end = last
    }
    return .string(text.slice(start, end))
  }

  /// Unicode's property White_Space.
  private static func isSpace(_ codePoint: UInt32) -> Bool {
    switch codePoint {
    case 0x09...0x0d, 0x20, 0x85, 0xa0, 0x1680, 0x2000...0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000: true
    default: false
    }
  }
}
