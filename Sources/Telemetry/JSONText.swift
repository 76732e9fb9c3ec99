// CEL values as JSON (RFC 8259), written straight into a record.
//
//   null, error, absent, not finite → null        timestamp → "2026-01-02T03:04:05Z"     bytes → "base64"
//   bool, int, uint, double → as they are         duration → "1.5s"                      type → its name
//   string → escaped                              list, map → array, object
//
// 64-bit integers are written in full, as numbers. A map key that is no string is written as its text in quotes.

import CEL
import CPlatform

extension TextSpan {
  /// Deeper lists and maps are written as null. CEL's own values cannot be deeper.
  static var depthMax: Int { 128 }

  /// Text longer than `textBytesMax` is cut; the result says whether any was.
  @discardableResult
  mutating func append(json value: Value, textBytesMax: Int, depth: Int = 0) -> Bool {
    switch value.kind {
    case .bool: append(value.isTrue ? "true" : "false")
    case .int: append(decimal: value.asInt)
    case .uint: append(decimal: value.asUInt)
    case .double:
      if value.asDouble.isFinite { append(value.asDouble) } else { append("null") }
    case .string, .type: return append(quoted: value.asBytes, bytesMax: textBytesMax)
    case .bytes: return append(base64: value.asBytes, bytesMax: textBytesMax)
    case .timestamp:
      let start = count
      append(UInt8(ascii: "\""))
      if append(timestamp: value.seconds, nanoseconds: value.nanoseconds) {
        append(UInt8(ascii: "\""))
      } else {
        count = start
        append("null")
      }
    case .duration:
      append(UInt8(ascii: "\""))
      append(duration: value.seconds, nanoseconds: value.nanoseconds)
      append(UInt8(ascii: "\""))
    case .list, .map:
      guard depth < TextSpan.depthMax else {
        append("null")
        return true
      }
      return append(collection: value, textBytesMax: textBytesMax, depth: depth)
    case .ip, .cidr:
      append(UInt8(ascii: "\""))
      value.forEachByteOfAddress { append($0) }
      append(UInt8(ascii: "\""))
    case .optional:
      guard let content = value.elements, depth < TextSpan.depthMax else {
        append("null")
        return false
      }
      return append(json: content.pointee, textBytesMax: textBytesMax, depth: depth &+ 1)
    case .unfetched, .absent, .error, .null, .hostMap, .opaque, .message, .enumeration: append("null")
    }
    return false
  }

  private mutating func append(collection value: Value, textBytesMax: Int, depth: Int) -> Bool {
    let isMap = value.kind == .map
    var cut = false
    append(UInt8(ascii: isMap ? "{" : "["))
    if let elements = value.elements {
      for index in 0..<Int(value.count) {
        // What no longer fits is rewound by the caller: no need to walk the rest.
        if isFull { return true }
        if index > 0 { append(UInt8(ascii: ",")) }
        if isMap {
          cut = append(key: elements[index &* 2], bytesMax: textBytesMax) || cut
          append(UInt8(ascii: ":"))
        }
        let element = elements[isMap ? index &* 2 &+ 1 : index]
        cut = append(json: element, textBytesMax: textBytesMax, depth: depth &+ 1) || cut
      }
    }
    append(UInt8(ascii: isMap ? "}" : "]"))
    return cut
  }

  private mutating func append(key: Value, bytesMax: Int) -> Bool {
    switch key.kind {
    case .string: return append(quoted: key.asBytes, bytesMax: bytesMax)
    case .bool, .int, .uint:
      append(UInt8(ascii: "\""))
      append(json: key, textBytesMax: bytesMax)
      append(UInt8(ascii: "\""))
    default: append("\"unknown\"")
    }
    return false
  }

  /// A JSON string of UTF-8 text, cut at a code point boundary when longer than `bytesMax`; true when it was.
  @discardableResult
  public mutating func append(quoted text: Bytes, bytesMax: Int) -> Bool {
    var length = Int(text.count)
    let cut = length > bytesMax
    append(UInt8(ascii: "\""))
    if let source = text.base {
      if cut { length = TextSpan.boundary(source, bytesMax) }
      append(escaped: source, count: length)
    }
    append(UInt8(ascii: "\""))
    return cut
  }

  private mutating func append(escaped source: UnsafePointer<UInt8>, count length: Int) {
    let raw = UnsafeRawPointer(source)
    var index = 0
    while index < length {
      // Eight bytes at a time while none of them is below 0x20, `"` or `\`.
      while index &+ 8 <= length, count &+ 8 <= capacity {
        let word = raw.loadUnaligned(fromByteOffset: index, as: UInt64.self)
        guard TextSpan.isPlain(word) else { break }
        UnsafeMutableRawPointer(base).storeBytes(of: word, toByteOffset: count, as: UInt64.self)
        count &+= 8
        index &+= 8
      }
      guard index < length else { return }
      let byte = source[index]
      index &+= 1
      switch byte {
      case UInt8(ascii: "\""): append("\\\"")
      case UInt8(ascii: "\\"): append("\\\\")
      case 0x0A: append("\\n")
      case 0x0D: append("\\r")
      case 0x09: append("\\t")
      case 0..<0x20:
        append("\\u00")
        append(TextSpan.hexadecimal(byte >> 4))
        append(TextSpan.hexadecimal(byte & 15))
      default: append(byte)
      }
    }
  }

  @inline(__always)
  private static func isPlain(_ word: UInt64) -> Bool {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let tops: UInt64 = 0x8080_8080_8080_8080
    let quote = word ^ (ones &* 0x22)
    let backslash = word ^ (ones &* 0x5C)
    let control = (word &- ones &* 0x20) & ~word
    return (control | ((quote &- ones) & ~quote) | ((backslash &- ones) & ~backslash)) & tops == 0
  }

  @inline(__always)
  private static func hexadecimal(_ digit: UInt8) -> UInt8 { digit < 10 ? digit &+ 48 : digit &+ 87 }

  /// In quotes, RFC 4648 §4 with padding; true when cut.
  private mutating func append(base64 value: Bytes, bytesMax: Int) -> Bool {
    append(UInt8(ascii: "\""))
    // Whole groups only, so that what is left still decodes.
    let groups = bytesMax / 4
    let cut = (Int(value.count) &+ 2) / 3 > groups
    if let source = value.base { append(base64: source, count: cut ? groups &* 3 : Int(value.count)) }
    append(UInt8(ascii: "\""))
    return cut
  }

  mutating func append(base64 source: UnsafePointer<UInt8>, count length: Int) {
    func letter(_ six: UInt32) -> UInt8 {
      let index = UInt8(truncatingIfNeeded: six & 63)
      switch index {
      case 0..<26: return index &+ 65
      case 26..<52: return index &+ 71
      case 52..<62: return index &- 4
      case 62: return 43
      default: return 47
      }
    }
    var index = 0
    while index < length, !isFull {
      let left = length &- index
      var group = UInt32(truncatingIfNeeded: source[index]) << 16
      if left > 1 { group |= UInt32(truncatingIfNeeded: source[index &+ 1]) << 8 }
      if left > 2 { group |= UInt32(truncatingIfNeeded: source[index &+ 2]) }
      append(letter(group >> 18))
      append(letter(group >> 12))
      append(left > 1 ? letter(group >> 6) : UInt8(ascii: "="))
      append(left > 2 ? letter(group) : UInt8(ascii: "="))
      index &+= 3
    }
  }
}
