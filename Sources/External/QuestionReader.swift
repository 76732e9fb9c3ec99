// The values of a question, from the bytes that the worker wrote (`CanonicalWriter`).

import CEL
import PurserProviders

struct QuestionReader {
  private var rest: ArraySlice<UInt8>

  private static let depthMax = 40

  init(_ bytes: [UInt8]) { rest = bytes[...] }

  /// All of them; nil where the bytes are something else.
  static func values(of bytes: [UInt8], count: Int) -> [FieldValue]? {
    var reader = QuestionReader(bytes)
    var values: [FieldValue] = []
    for _ in 0..<count {
      guard let value = reader.value(depth: 0) else { return nil }
      values.append(value)
    }
    return reader.rest.isEmpty ? values : nil
  }

  private mutating func value(depth: Int) -> FieldValue? {
    guard depth < QuestionReader.depthMax, let tag = rest.popFirst(), let kind = Value.Kind(rawValue: tag) else {
      return nil
    }
    switch kind {
    case .absent: return .absent
    case .null: return .null
    case .bool: return rest.popFirst().map { .bool($0 != 0) }
    case .int: return word().map { .int(Int64(bitPattern: $0)) }
    case .uint: return word().map { .uint($0) }
    case .double: return word().map { .double(Double(bitPattern: $0)) }
    case .string: return run().map { .string($0) }
    case .bytes: return run().map { .bytes($0) }
    case .timestamp, .duration:
      guard let seconds = word(), let nanoseconds = length() else { return nil }
      return kind == .timestamp
        ? .timestamp(seconds: Int64(bitPattern: seconds), nanoseconds: Int32(bitPattern: nanoseconds))
        : .duration(seconds: Int64(bitPattern: seconds), nanoseconds: Int32(bitPattern: nanoseconds))
    case .list:
      guard let count = length() else { return nil }
      var elements: [FieldValue] = []
      for _ in 0..<count {
        guard let element = value(depth: depth &+ 1) else { return nil }
        elements.append(element)
      }
      return .list(elements)
    case .map:
      guard let count = length() else { return nil }
      var entries: [FieldEntry] = []
      for _ in 0..<count {
        guard let key = value(depth: depth &+ 1), let element = value(depth: depth &+ 1) else { return nil }
        entries.append(FieldEntry(key: QuestionReader.text(of: key), value: element))
      }
      return .map(entries)
    case .unfetched, .error, .hostMap, .type, .opaque, .optional, .ip, .cidr, .message, .enumeration: return nil
    }
  }

  /// Keys of messages are texts.
  private static func text(of key: FieldValue) -> [UInt8] {
    switch key {
    case .string(let bytes): return bytes
    case .int(let number): return Array(String(number).utf8)
    case .uint(let number): return Array(String(number).utf8)
    case .bool(let value): return Array((value ? "true" : "false").utf8)
    default: return []
    }
  }

  private mutating func word() -> UInt64? {
    guard rest.count >= 8 else { return nil }
    var word: UInt64 = 0
    for byte in rest.prefix(8).reversed() { word = word << 8 | UInt64(truncatingIfNeeded: byte) }
    rest = rest.dropFirst(8)
    return word
  }

  private mutating func length() -> UInt32? {
    guard rest.count >= 4 else { return nil }
    var word: UInt32 = 0
    for byte in rest.prefix(4).reversed() { word = word << 8 | UInt32(truncatingIfNeeded: byte) }
    rest = rest.dropFirst(4)
    return word
  }

  private mutating func run() -> [UInt8]? {
    guard let count = length(), rest.count >= Int(count) else { return nil }
    let run = Array(rest.prefix(Int(count)))
    rest = rest.dropFirst(Int(count))
    return run
  }
}
