// Texts that JSON makes of messages and bytes.

extension MessageWork {
  mutating func joined(_ a: Bytes, _ b: Bytes) -> Bytes? {
    let count = Int(a.count) &+ Int(b.count)
    guard let memory = arena.pointee.allocate(count) else { return nil }
    if let base = a.base { memory.copyMemory(from: base, byteCount: Int(a.count)) }
    if let base = b.base { (memory + Int(a.count)).copyMemory(from: base, byteCount: Int(b.count)) }
    return Bytes(UnsafeRawPointer(memory), count: UInt32(truncatingIfNeeded: count))
  }

  /// `paths` in lower camel case, with commas between.
  mutating func fieldMask(_ record: Record) -> Value {
    let paths = record.fields[0]
    guard paths.kind == .list, let elements = paths.elements else { return .string(.empty) }
    var size = Int(paths.count)
    for at in 0..<Int(paths.count) { size = size &+ Int(elements[at].count) }
    guard pay(size / 8 &+ Int(paths.count)), size <= Int(UInt32.max), let memory = arena.pointee.allocate(size) else {
      return failure
    }
    var used = 0
    for at in 0..<Int(paths.count) {
      if at > 0 {
        memory.storeBytes(of: UInt8(ascii: ","), toByteOffset: used, as: UInt8.self)
        used &+= 1
      }
      var isRaised = false
      for byte in elements[at].asBytes.buffer {
        if byte == UInt8(ascii: "_") {
          isRaised = true
          continue
        }
        memory.storeBytes(
          of: isRaised && byte &- 0x61 < 26 ? byte &- 32 : byte, toByteOffset: used, as: UInt8.self)
        used &+= 1
        isRaised = false
      }
    }
    return .string(Bytes(UnsafeRawPointer(memory), count: UInt32(truncatingIfNeeded: used)))
  }

  mutating func base64(_ bytes: Bytes) -> Value {
    guard bytes.count > 0, let source = bytes.base else { return .string(.empty) }
    let groups = (Int(bytes.count) &+ 2) / 3
    guard pay(groups), groups <= Int(UInt32.max) / 4, let memory = arena.pointee.allocate(groups &* 4) else {
      return failure
    }
    func digit(_ value: UInt32) -> UInt8 {
      let value = UInt8(truncatingIfNeeded: value & 63)
      return switch value {
      case 0..<26: 65 &+ value
      case 26..<52: 71 &+ value
      case 52..<62: value &- 4
      case 62: UInt8(ascii: "+")
      default: UInt8(ascii: "/")
      }
    }
    var group = 0
    while group < groups {
      let start = group &* 3
      let has = min(3, Int(bytes.count) &- start)
      var word: UInt32 = 0
      for at in 0..<3 {
        word = word << 8 | (at < has ? UInt32(truncatingIfNeeded: source[start &+ at]) : 0)
      }
      let place = group &* 4
      memory.storeBytes(of: digit(word >> 18), toByteOffset: place, as: UInt8.self)
      memory.storeBytes(of: digit(word >> 12), toByteOffset: place &+ 1, as: UInt8.self)
      memory.storeBytes(
        of: has > 1 ? digit(word >> 6) : UInt8(ascii: "="), toByteOffset: place &+ 2, as: UInt8.self)
      memory.storeBytes(of: has > 2 ? digit(word) : UInt8(ascii: "="), toByteOffset: place &+ 3, as: UInt8.self)
      group &+= 1
    }
    return .string(Bytes(UnsafeRawPointer(memory), count: UInt32(truncatingIfNeeded: groups &* 4)))
  }
}
