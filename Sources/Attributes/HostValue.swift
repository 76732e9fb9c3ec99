// From the host's values to CEL's. Scalars and text are taken as they are, without a copy; lists and maps are
// rebuilt in the arena. Text is verified to be UTF-8 here, so that nothing behind this door need ask again.

import CEL
import CPurser

public enum HostValue {
  /// Lists and maps of the host nest at most this deep.
  static var depthMax: Int { 32 }

  /// `value` as `type`, or an error about `slot`.
  @inline(__always)
  public static func read(
    _ value: purser_value, as type: TypeCode, slot: UInt32, in arena: inout Arena
  ) -> Value {
    if type == .string, value.type == PURSER_TYPE_STRING.rawValue {
      return text(value.as.text, slot)
    }
    return readSlow(value, as: type, slot: slot, in: &arena)
  }

  /// Text that is there, not empty and not too long, and ASCII; nil leaves the answer to `read`.
  @inline(__always)
  static func plainText(_ answer: UnsafePointer<purser_value>) -> Bytes? {
    let size = answer.pointee.as.text.size
    guard answer.pointee.type == PURSER_TYPE_STRING.rawValue, let data = answer.pointee.as.text.data,
      UInt(bitPattern: size) &- 1 < UInt(UInt32.max)
    else { return nil }
    let bytes = Bytes(data, count: UInt32(truncatingIfNeeded: size))
    return bytes.isPlain ? bytes : nil
  }

  @inline(never)
  static func readSlow(
    _ value: purser_value, as type: TypeCode, slot: UInt32, in arena: inout Arena
  ) -> Value {
    let result = dyn(value, slot, &arena, depth: 0)
    guard result.kind != .error else { return result }
    let fits =
      switch type {
      case .dyn: true
      case .string: result.kind == .string
      case .bytes: result.kind == .bytes
      case .int: result.kind == .int
      case .uint: result.kind == .uint
      case .double: result.kind == .double
      case .bool: result.kind == .bool
      case .timestamp: result.kind == .timestamp
      case .duration: result.kind == .duration
      case .stringList: result.kind == .list && holdsOnlyStrings(result.elements, result.count, stride: 1, first: 0)
      case .stringMap: result.kind == .map && holdsOnlyStrings(result.elements, result.count, stride: 2, first: 1)
      case .dynMap: result.kind == .map
      }
    return fits ? result : .error(EvaluationError(.attributeWrongType, detail: slot))
  }

  private static func holdsOnlyStrings(
    _ values: UnsafePointer<Value>?, _ count: UInt32, stride: Int, first: Int
  ) -> Bool {
    guard let values else { return count == 0 }
    var index = 0
    while index < Int(count) {
      if values[index &* stride &+ first].kind != .string { return false }
      index &+= 1
    }
    return true
  }

  @inline(__always)
  private static func text(_ text: purser_text, _ slot: UInt32) -> Value {
    guard text.size != 0 else { return .string(.empty) }
    guard let data = text.data else { return .error(EvaluationError(.attributeUnavailable, detail: slot)) }
    guard text.size > 0, text.size <= Int(UInt32.max) else { return .error(EvaluationError(.attributeTooLarge, detail: slot)) }
    let bytes = Bytes(data, count: UInt32(truncatingIfNeeded: text.size))
    guard bytes.isUTF8 else { return .error(EvaluationError(.attributeNotUTF8, detail: slot)) }
    return .string(bytes)
  }

  private static func dyn(_ value: purser_value, _ slot: UInt32, _ arena: inout Arena, depth: Int) -> Value {
    guard depth <= depthMax else { return .error(EvaluationError(.attributeTooLarge, detail: slot)) }
    switch value.type {
    case PURSER_TYPE_NULL.rawValue: return .null
    case PURSER_TYPE_BOOL.rawValue: return .bool(value.as.boolean != 0)
    case PURSER_TYPE_INT.rawValue: return .int(value.as.integer)
    case PURSER_TYPE_UINT.rawValue: return .uint(value.as.unsigned_integer)
    case PURSER_TYPE_DOUBLE.rawValue: return .double(value.as.number)
    case PURSER_TYPE_STRING.rawValue: return text(value.as.text, slot)
    case PURSER_TYPE_BYTES.rawValue: return bytes(value.as.text, slot)
    case PURSER_TYPE_TIMESTAMP.rawValue: return timestamp(value, slot)
    case PURSER_TYPE_DURATION.rawValue: return duration(value, slot)
    case PURSER_TYPE_LIST.rawValue: return list(value.as.list, slot, &arena, depth: depth)
    case PURSER_TYPE_MAP.rawValue: return map(value.as.map, slot, &arena, depth: depth)
    default: return .error(EvaluationError(.attributeWrongType, detail: slot))
    }
  }

  private static func bytes(_ text: purser_text, _ slot: UInt32) -> Value {
    guard text.size != 0 else { return .bytes(.empty) }
    guard let data = text.data else { return .error(EvaluationError(.attributeUnavailable, detail: slot)) }
    guard text.size > 0, text.size <= Int(UInt32.max) else { return .error(EvaluationError(.attributeTooLarge, detail: slot)) }
    return .bytes(Bytes(data, count: UInt32(truncatingIfNeeded: text.size)))
  }

  private static func timestamp(_ value: purser_value, _ slot: UInt32) -> Value {
    guard isTimestamp(value) else { return .error(EvaluationError(.attributeWrongType, detail: slot)) }
    return .timestamp(seconds: value.as.seconds, nanoseconds: value.nanos)
  }

  private static func duration(_ value: purser_value, _ slot: UInt32) -> Value {
    guard isDuration(value) else { return .error(EvaluationError(.attributeWrongType, detail: slot)) }
    return .duration(seconds: value.as.seconds, nanoseconds: value.nanos)
  }

  /// 0001-01-01T00:00:00Z to 9999-12-31T23:59:59.999999999Z, as CEL has it.
  public static func isTimestamp(_ value: purser_value) -> Bool {
    value.as.seconds >= -62_135_596_800 && value.as.seconds <= 253_402_300_799 && value.nanos >= 0
      && value.nanos <= 999_999_999
  }

  /// Up to ten thousand years, both parts of one sign.
  public static func isDuration(_ value: purser_value) -> Bool {
    let seconds = value.as.seconds
    let nanos = value.nanos
    return seconds >= -315_576_000_000 && seconds <= 315_576_000_000 && nanos >= -999_999_999 && nanos <= 999_999_999
      && (seconds == 0 || nanos == 0 || (seconds < 0) == (nanos < 0))
  }

  private static func list(_ list: purser_list, _ slot: UInt32, _ arena: inout Arena, depth: Int) -> Value {
    guard list.count != 0 else { return .list(nil, count: 0) }
    guard let items = list.items else { return .error(EvaluationError(.attributeUnavailable, detail: slot)) }
    guard let out = arena.allocateValues(list.count) else {
      return .error(EvaluationError(.attributeTooLarge, detail: slot))
    }
    var index = 0
    while index < list.count {
      let element = dyn(items[index], slot, &arena, depth: depth &+ 1)
      if element.kind == .error { return element }
      out[index] = element
      index &+= 1
    }
    return .list(out, count: UInt32(truncatingIfNeeded: list.count))
  }

  private static func map(_ map: purser_map, _ slot: UInt32, _ arena: inout Arena, depth: Int) -> Value {
    guard map.count != 0 else { return .map(nil, count: 0) }
    guard map.count > 0, map.count <= MapCollector.countMax else {
      return .error(EvaluationError(.attributeTooLarge, detail: slot))
    }
    guard let entries = map.entries else { return .error(EvaluationError(.attributeUnavailable, detail: slot)) }
    var collector = MapCollector()
    var index = 0
    while index < map.count {
      let key = text(entries[index].key, slot)
      if key.kind == .error { return key }
      let value = dyn(entries[index].value, slot, &arena, depth: depth &+ 1)
      if value.kind == .error { return value }
      guard collector.set(key, value, in: &arena) else {
        return .error(EvaluationError(.attributeTooLarge, detail: slot))
      }
      index &+= 1
    }
    return collector.map
  }
}
