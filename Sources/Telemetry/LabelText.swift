// A label's value as text. Strings are borrowed where they lie; everything else is rendered into the worker's scratch.
//
// Two values that read the same are the same label value (the int 200 and the string "200"), because a backend sees
// text only.

import CEL

enum LabelText {
  static var bytesMax: Int { 256 }

  /// What takes the place of a value that has no text: an error, an absent attribute.
  @inline(__always)
  static var unknown: Bytes { constant("unknown") }

  /// The text of a label value of any kind but string. `scratch` has room for `bytesMax`.
  @inline(never)
  static func render(_ value: Value, scratch: UnsafeMutablePointer<UInt8>) -> Bytes {
    var text = TextSpan(scratch, capacity: bytesMax)
    switch value.kind {
    case .int: text.append(decimal: value.asInt)
    case .uint: text.append(decimal: value.asUInt)
    case .bool: return constant(value.isTrue ? "true" : "false")
    case .null: return constant("null")
    case .double: text.append(value.asDouble)
    case .type: return clip(value.asBytes)
    case .timestamp:
      guard text.append(timestamp: value.seconds, nanoseconds: value.nanoseconds) else { return unknown }
    case .duration: text.append(duration: value.seconds, nanoseconds: value.nanoseconds)
    case .bytes:
      guard let source = value.asBytes.base else { return .empty }
      text.append(base64: source, count: Int(value.count))
    case .list, .map:
      text.append(json: value, textBytesMax: bytesMax)
      if text.isFull { cutInsideCodePoint(&text) }
    case .string: return clip(value.asBytes)
    case .ip, .cidr: value.forEachByteOfAddress { text.append($0) }
    case .unfetched, .absent, .error, .hostMap, .opaque, .message, .enumeration: return unknown
    case .optional: return unknown
    }
    return text.bytes
  }

  @inline(__always)
  static func clip(_ text: Bytes) -> Bytes {
    guard Int(text.count) > bytesMax, let base = text.base else { return text }
    return Bytes(
      address: text.address, count: UInt32(truncatingIfNeeded: TextSpan.boundary(base, bytesMax)))
  }

  /// Whatever did not fit was cut at a byte: takes away the start of a code point that lost its end.
  private static func cutInsideCodePoint(_ text: inout TextSpan) {
    var lead = text.count &- 1
    var continuations = 0
    while lead >= 0, continuations < 3, text.base[lead] & 0xC0 == 0x80 {
      lead &-= 1
      continuations &+= 1
    }
    guard lead >= 0 else { return }
    let byte = text.base[lead]
    let needed = byte < 0x80 ? 0 : byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3
    if continuations < needed { text.count = lead }
  }

  @inline(__always)
  private static func constant(_ text: StaticString) -> Bytes {
    Bytes(text)
  }
}
