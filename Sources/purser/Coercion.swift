import CPurser

/// Turns JSON values into attribute values of the declared type. `1`, `1.0`, `"1"` and `true` are different values; nothing is
/// converted silently.
struct Coercion {
  let memory: HostMemory
  /// Keys of a header map are written in lower case, as hosts give them.
  var lowersKeys = false

  /// Throws when the JSON value does not fit the type; the error stands at the value.
  func value(of json: JSON, as type: AttributeType) throws(JSONError) -> purser_value {
    switch (type, json.content) {
    case (.bool, .bool(let value)):
      return make(PURSER_TYPE_BOOL) { $0.boolean = value ? 1 : 0 }
    case (.int, .number(let text)):
      guard let value = Int64(text) else { break }
      return make(PURSER_TYPE_INT) { $0.integer = value }
    case (.uint, .number(let text)):
      guard let value = UInt64(text) else { break }
      return make(PURSER_TYPE_UINT) { $0.unsigned_integer = value }
    case (.double, .number(let text)):
      guard let value = Double(text), value.isFinite else { break }
      return make(PURSER_TYPE_DOUBLE) { $0.number = value }
    case (.string, .string(let text)):
      return make(PURSER_TYPE_STRING) { $0.text = memory.text(text) }
    case (.bytes, .string(let text)):
      guard let bytes = Base64.decode(text) else { break }
      return make(PURSER_TYPE_BYTES) { $0.text = memory.text(bytes) }
    case (.timestamp, .string(let text)):
      guard let time = TimeSpan.timestamp(text) else { break }
      return make(PURSER_TYPE_TIMESTAMP, nanos: time.nanos) { $0.seconds = time.seconds }
    case (.duration, .string(let text)):
      guard let time = TimeSpan.duration(text) else { break }
      return make(PURSER_TYPE_DURATION, nanos: time.nanos) { $0.seconds = time.seconds }
    case (.list(let element), .array(let items)):
      return try list(of: items, as: element)
    case (.map(let element), .object(let members)):
      return try map(of: members, as: element)
    case (.dyn, _):
      return try dynamicValue(of: json)
    default:
      break
    }
    throw JSONError(offset: json.offset, message: "\(type.expectation) is expected, not \(json.description)")
  }

  /// A value whose type is decided by the JSON: a number without fraction and exponent is an int (a uint if it is too large),
  /// any other a double.
  private func dynamicValue(of json: JSON) throws(JSONError) -> purser_value {
    switch json.content {
    case .null: return purser_value()
    case .bool: return try value(of: json, as: .bool)
    case .string: return try value(of: json, as: .string)
    case .array(let items): return try list(of: items, as: .dyn)
    case .object(let members): return try map(of: members, as: .dyn)
    case .number(let text):
      if Int64(text) != nil { return try value(of: json, as: .int) }
      if UInt64(text) != nil { return try value(of: json, as: .uint) }
      return try value(of: json, as: .double)
    }
  }

  private func list(of items: [JSON], as type: AttributeType) throws(JSONError) -> purser_value {
    var values: [purser_value] = []
    for item in items {
      values.append(try value(of: item, as: type))
    }
    let pointer = memory.array(of: values)
    return make(PURSER_TYPE_LIST) { $0.list = purser_list(items: pointer, count: values.count) }
  }

  private func map(of members: [JSON.Member], as type: AttributeType) throws(JSONError) -> purser_value {
    var entries: [purser_entry] = []
    var keys: Set<String> = []
    for member in members {
      let key = lowersKeys ? member.key.lowercased() : member.key
      guard keys.insert(key).inserted else {
        throw JSONError(offset: member.offset, message: "the key `\(key)` is given twice")
      }
      let value = try value(of: lowersKeys ? joined(member.value) : member.value, as: type)
      entries.append(purser_entry(key: memory.text(key), value: value))
    }
    let pointer = memory.array(of: entries)
    return make(PURSER_TYPE_MAP) { $0.map = purser_map(entries: pointer, count: entries.count) }
  }

  /// A header with several values, written as an array, is joined by a comma, as hosts do.
  private func joined(_ json: JSON) -> JSON {
    guard case .array(let items) = json.content, !items.isEmpty else { return json }
    let texts = items.compactMap(\.text)
    return texts.count == items.count ? JSON(.string(texts.joined(separator: ",")), at: json.offset) : json
  }

  private func make(
    _ type: purser_type, nanos: Int32 = 0, _ fill: (inout purser_value.__Unnamed_union_as) -> Void
  ) -> purser_value {
    var value = purser_value()
    value.type = type.rawValue
    value.nanos = nanos
    fill(&value.as)
    return value
  }
}

/// RFC 4648 base64, either alphabet, padding optional.
enum Base64 {
  static func decode(_ text: String) -> [UInt8]? {
    var bytes: [UInt8] = []
    var bits: UInt32 = 0
    var bitCount = 0
    var characters = 0
    var padding = 0
    for character in text.utf8 {
      if character == UInt8(ascii: "=") {
        padding += 1
        continue
      }
      guard padding == 0, let digit = digit(character) else { return nil }
      bits = bits << 6 | UInt32(digit)
      bitCount += 6
      characters += 1
      if bitCount >= 8 {
        bitCount -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(bitCount)))
      }
    }
    guard characters % 4 != 1, padding == 0 || (characters + padding) % 4 == 0, padding <= 2 else { return nil }
    return bytes
  }

  private static func digit(_ character: UInt8) -> UInt8? {
    switch character {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): character - UInt8(ascii: "A")
    case UInt8(ascii: "a")...UInt8(ascii: "z"): character - UInt8(ascii: "a") + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0") + 52
    case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
    case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
    default: nil
    }
  }
}
