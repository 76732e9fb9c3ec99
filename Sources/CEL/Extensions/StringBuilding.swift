// The functions of `strings` that make new texts, and lists of texts.

import CPlatform

extension StringFunction {
  static func join(_ call: FunctionCall) -> Value {
    guard call.takes(.list) || call.takes(.list, .string) else { return .failure(.noSuchOverload) }
    let separator = call.count == 2 ? call[1].asBytes : .empty
    let items = call[0].items
    spend(items.count, call.evaluation)
    if items.count == 1, let only = items.first, only.kind == .string { return only }
    var text = TextBuilder(call.evaluation)
    var isFirst = true
    for item in items {
      guard item.kind == .string else { return .failure(.noSuchOverload) }
      if !isFirst { text.append(separator) }
      isFirst = false
      text.append(item.asBytes)
      if text.hasFailed { break }
    }
    return text.finish()
  }

  /// Without a separator between code points. A limit says how many pieces at most, negative: any number; the last
  /// piece is what is left.
  static func split(_ call: FunctionCall) -> Value {
    guard call.takes(.string, .string) || call.takes(.string, .string, .int) else {
      return .failure(.noSuchOverload)
    }
    let text = call[0].asBytes
    let separator = call[1].asBytes
    let limit = call.count == 3 ? call[2].asInt : -1
    if limit == 0 { return .list(nil, count: 0) }
    let piecesMax = limit < 0 ? Int(text.count) &+ 1 : Int(min(limit, Int64(text.count) &+ 1))
    spend(Int(text.count), call.evaluation)
    guard call.hasSteps else { return .failure(.stepBudgetSpent) }
    // Twice over the text: the first time counts.
    var pieces = 1
    var at = 0
    while pieces < piecesMax, let next = nextPiece(text, separator, from: at) {
      at = next.begin
      pieces &+= 1
    }
    spend(pieces &* 2, call.evaluation)
    guard call.hasSteps else { return .failure(.stepBudgetSpent) }
    guard let memory = call.evaluation.pointee.arena.allocateValues(pieces) else { return .failure(.memorySpent) }
    at = 0
    var number = 0
    while number < pieces &- 1 {
      guard let next = nextPiece(text, separator, from: at) else { return .failure(.internalFailure) }
      memory[number] = .string(text.slice(at, next.end))
      at = next.begin
      number &+= 1
    }
    memory[pieces &- 1] = .string(text.slice(at, Int(text.count)))
    return .list(memory, count: UInt32(truncatingIfNeeded: pieces))
  }

  /// Where the piece that begins at `start` ends and the next one begins; nil for the last.
  private static func nextPiece(_ text: Bytes, _ separator: Bytes, from start: Int) -> (end: Int, begin: Int)? {
    if separator.count == 0 {
      guard let base = text.base, start < Int(text.count) else { return nil }
      let end = start &+ Bytes.codePointLength(base[start])
      return end < Int(text.count) ? (end, end) : nil
    }
    guard let end = text.firstOffset(of: separator, from: start) else { return nil }
    return (end, end &+ Int(separator.count))
  }

  /// An empty text to be replaced is found before every code point and at the end.
  static func replace(_ call: FunctionCall) -> Value {
    guard call.takes(.string, .string, .string) || call.takes(.string, .string, .string, .int) else {
      return .failure(.noSuchOverload)
    }
    let text = call[0].asBytes
    let old = call[1].asBytes
    let new = call[2].asBytes
    var left = call.count == 4 ? call[3].asInt : -1
    if left < 0 { left = .max }
    spend(Int(text.count) &>> 2, call.evaluation)
    guard left > 0, text.firstOffset(of: old, from: 0) != nil else { return call[0] }
    let size = Int(text.count)
    var result = TextBuilder(call.evaluation, capacity: size)
    var at = 0
    while left > 0, !result.hasFailed {
      if old.count == 0 {
        result.append(new)
        guard at < size, let base = text.base else { break }
        let end = at &+ Bytes.codePointLength(base[at])
        result.append(text.slice(at, end))
        at = end
      } else {
        guard let found = text.firstOffset(of: old, from: at) else { break }
        result.append(text.slice(at, found))
        result.append(new)
        at = found &+ Int(old.count)
      }
      spend(8, call.evaluation)
      if !call.hasSteps { return .failure(.stepBudgetSpent) }
      left &-= 1
    }
    result.append(text.slice(at, size))
    return result.finish()
  }

  static func lowerAscii(_ call: FunctionCall) -> Value { mapped(call, from: UInt8(ascii: "A")) }

  static func upperAscii(_ call: FunctionCall) -> Value { mapped(call, from: UInt8(ascii: "a")) }

  /// The other case of the 26 letters from `first` on.
  private static func mapped(_ call: FunctionCall, from first: UInt8) -> Value {
    guard call.takes(.string) else { return .failure(.noSuchOverload) }
    let text = call[0].asBytes
    guard let base = text.base else { return call[0] }
    let size = Int(text.count)
    spend(size, call.evaluation)
    guard let memory = call.evaluation.pointee.arena.allocate(size) else { return .failure(.memorySpent) }
    for at in 0..<size {
      let byte = base[at]
      memory.storeBytes(of: byte &- first < 26 ? byte ^ 0x20 : byte, toByteOffset: at, as: UInt8.self)
    }
    return .string(Bytes(memory, count: text.count))
  }

  static func reverse(_ call: FunctionCall) -> Value {
    guard call.takes(.string) else { return .failure(.noSuchOverload) }
    let text = call[0].asBytes
    guard let base = text.base else { return call[0] }
    let size = Int(text.count)
    spend(size, call.evaluation)
    guard let memory = call.evaluation.pointee.arena.allocate(size) else { return .failure(.memorySpent) }
    var at = 0
    while at < size {
      let length = min(Bytes.codePointLength(base[at]), size &- at)
      memcpy(memory + (size &- at &- length), base + at, length)
      at &+= length
    }
    return .string(Bytes(memory, count: text.count))
  }

  /// In double quotes, with CEL's escapes, so that it could be read back.
  static func quote(_ call: FunctionCall) -> Value {
    guard call.takes(.string) else { return .failure(.noSuchOverload) }
    let text = call[0].asBytes
    var result = TextBuilder(call.evaluation, capacity: Int(text.count) &+ 2)
    spend(Int(text.count), call.evaluation)
    result.append(UInt8(ascii: "\""))
    for byte in text.buffer {
      if let letter = escape(byte) {
        result.append(UInt8(ascii: "\\"))
        result.append(letter)
      } else {
        result.append(byte)
      }
    }
    result.append(UInt8(ascii: "\""))
    return result.finish()
  }

  private static func escape(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x07: UInt8(ascii: "a")
    case 0x08: UInt8(ascii: "b")
    case 0x0c: UInt8(ascii: "f")
    case 0x0a: UInt8(ascii: "n")
    case 0x0d: UInt8(ascii: "r")
    case 0x09: UInt8(ascii: "t")
    case 0x0b: UInt8(ascii: "v")
    case UInt8(ascii: "\\"), UInt8(ascii: "\""): byte
    default: nil
    }
  }
}
