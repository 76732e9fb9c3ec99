// The library `encoders`: base64 (RFC 4648, section 4). Decoding does not insist on padding and skips white space, as
// cel-cpp's does.

extension Environment {
  mutating func declareEncoders() {
    declare(
      "base64.encode", "base64_encode_bytes", [.bytes], .string,
      NativeFunction { answer($0, $1, $2, $4, Base64.encode) })
    declare(
      "base64.decode", "base64_decode_string", [.string], .bytes,
      NativeFunction { answer($0, $1, $2, $4, Base64.decode) })
  }
}

enum Base64 {
  static func encode(_ call: FunctionCall) -> Value {
    guard call.takes(.bytes) else { return .failure(.noSuchOverload) }
    let bytes = call[0].asBytes
    guard let base = bytes.base, bytes.count > 0 else { return .string(.empty) }
    let count = Int(bytes.count)
    let size = (count &+ 2) / 3 &* 4
    spend(size, call.evaluation)
    guard let length = UInt32(exactly: size), let memory = call.evaluation.pointee.arena.allocate(size) else {
      return .failure(.memorySpent)
    }
    var place = 0
    for start in stride(from: 0, to: count, by: 3) {
      var group: UInt32 = 0
      for at in start..<(start &+ 3) { group = group &<< 8 | (at < count ? UInt32(truncatingIfNeeded: base[at]) : 0) }
      for digit in 0..<4 {
        let isPadding = start &+ digit > count
        let code = isPadding ? UInt8(ascii: "=") : letter(group &>> UInt32(truncatingIfNeeded: 18 &- 6 &* digit) & 63)
        memory.storeBytes(of: code, toByteOffset: place, as: UInt8.self)
        place &+= 1
      }
    }
    return .string(Bytes(memory, count: length))
  }

  static func decode(_ call: FunctionCall) -> Value {
    guard call.takes(.string) else { return .failure(.noSuchOverload) }
    let text = call[0].asBytes
    spend(Int(text.count), call.evaluation)
    guard let memory = call.evaluation.pointee.arena.allocate(Int(text.count)) else { return .failure(.memorySpent) }
    var written = 0
    var group: UInt32 = 0
    var digits = 0
    var paddings = 0
    for code in text.buffer {
      if code == 0x20 || (code >= 0x09 && code <= 0x0d) { continue }
      if code == UInt8(ascii: "=") {
        paddings &+= 1
        continue
      }
      guard paddings == 0, let digit = value(code) else { return .failure(.invalidArgument) }
      group = group &<< 6 | digit
      digits &+= 1
      if digits & 3 == 0 {
        write(group &<< 8, 3, memory, &written)
        group = 0
      }
    }
    switch digits & 3 {
    case 0 where paddings == 0: break
    case 2 where paddings == 0 || paddings == 2: write(group &<< 20, 1, memory, &written)
    case 3 where paddings == 0 || paddings == 1: write(group &<< 14, 2, memory, &written)
    default: return .failure(.invalidArgument)
    }
    return .bytes(Bytes(memory, count: UInt32(truncatingIfNeeded: written)))
  }

  /// The upper bytes of `group`.
  private static func write(_ group: UInt32, _ count: Int, _ memory: UnsafeMutableRawPointer, _ written: inout Int) {
    for byte in 0..<count {
      let shift = UInt32(truncatingIfNeeded: 24 &- 8 &* byte)
      memory.storeBytes(of: UInt8(truncatingIfNeeded: group &>> shift), toByteOffset: written, as: UInt8.self)
      written &+= 1
    }
  }

  private static func letter(_ digit: UInt32) -> UInt8 {
    let digit = UInt8(truncatingIfNeeded: digit)
    switch digit {
    case 0..<26: return UInt8(ascii: "A") &+ digit
    case 26..<52: return UInt8(ascii: "a") &+ digit &- 26
    case 52..<62: return UInt8(ascii: "0") &+ digit &- 52
    default: return digit == 62 ? UInt8(ascii: "+") : UInt8(ascii: "/")
    }
  }

  private static func value(_ code: UInt8) -> UInt32? {
    switch code {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(truncatingIfNeeded: code &- UInt8(ascii: "A"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(truncatingIfNeeded: code &- UInt8(ascii: "a")) &+ 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(truncatingIfNeeded: code &- UInt8(ascii: "0")) &+ 52
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }
}
