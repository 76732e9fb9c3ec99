// What a question carries and an OPA document holds, in this module's own words: it knows no expressions and no engine.

/// A value. Text and map keys are UTF-8 without NUL where the protocol wants text; the encoders check that.
public indirect enum FieldValue: Equatable, Sendable {
  /// Not there: left out of a question.
  case absent
  case null
  case bool(Bool)
  case int(Int64)
  case uint(UInt64)
  case double(Double)
  case string([UInt8])
  case bytes([UInt8])
  case list([FieldValue])
  /// In the order in which they are written; keys that are no text are rendered by whoever makes the value.
  case map([FieldEntry])
  /// Since 1970 in UTC, `nanoseconds` within 0 ..< 1,000,000,000.
  case timestamp(seconds: Int64, nanoseconds: Int32)
  /// Both parts of the same sign, as protobuf has it.
  case duration(seconds: Int64, nanoseconds: Int32)

  /// Of text that is at hand as a string.
  public static func text(_ text: String) -> FieldValue { .string(Array(text.utf8)) }
}

/// One entry of a map.
public struct FieldEntry: Equatable, Sendable {
  public var key: [UInt8]
  public var value: FieldValue

  public init(key: [UInt8], value: FieldValue) {
    self.key = key
    self.value = value
  }
}

extension FieldValue {
  /// The member of a map that has this key, the first if there are several.
  public func member(_ key: String) -> FieldValue? {
    guard case .map(let entries) = self else { return nil }
    return entries.first { $0.key.elementsEqual(key.utf8) }?.value
  }

  /// As one run of text, for a header or a text field: a list's elements are separated by commas, a map is JSON. Nil
  /// when there is nothing to say (absent, null, or a map that JSON cannot hold).
  var plainText: [UInt8]? {
    switch self {
    case .absent, .null: return nil
    case .string(let bytes), .bytes(let bytes): return bytes
    case .list(let elements):
      var text: [UInt8] = []
      for element in elements {
        guard let part = element.plainText else { continue }
        if !text.isEmpty { text.append(UInt8(ascii: ",")) }
        text += part
      }
      return text
    case .timestamp(let seconds, let nanoseconds): return JSONWriter.timestamp(seconds, nanoseconds)
    case .duration(let seconds, let nanoseconds): return JSONWriter.duration(seconds, nanoseconds)
    case .bool, .int, .uint, .double, .map:
      var writer = JSONWriter()
      return writer.write(self) ? writer.text : nil
    }
  }
}
