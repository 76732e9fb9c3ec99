// Is this UTF-8? Shortest forms only, no surrogates, nothing past U+10FFFF.

import CEL

extension Bytes {
  public var isUTF8: Bool {
    guard let base else { return true }
    let end = Int(count)
    let raw = UnsafeRawPointer(base)
    // Most text is ASCII: eight bytes at a time, the last eight overlapping those before.
    if end >= 8 {
      var high = raw.loadUnaligned(fromByteOffset: end &- 8, as: UInt64.self)
      var offset = 0
      while offset &+ 8 < end {
        high |= raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        offset &+= 8
      }
      if high & 0x8080_8080_8080_8080 == 0 { return true }
    } else if end >= 4 {
      let high =
        raw.loadUnaligned(as: UInt32.self) | raw.loadUnaligned(fromByteOffset: end &- 4, as: UInt32.self)
      if high & 0x8080_8080 == 0 { return true }
    }
    return isUTF8(base, end)
  }

  private func isUTF8(_ base: UnsafePointer<UInt8>, _ end: Int) -> Bool {
    var index = 0
    while index < end {
      let byte = base[index]
      if byte < 0x80 {
        index &+= 1
        continue
      }
      let size: Int
      var lowest: UInt8 = 0x80
      var highest: UInt8 = 0xBF
      switch byte {
      case 0xC2...0xDF: size = 2
      case 0xE0:
        size = 3
        lowest = 0xA0
      case 0xED:
        size = 3
        highest = 0x9F
      case 0xE1...0xEF: size = 3
      case 0xF0:
        size = 4
        lowest = 0x90
      case 0xF4:
        size = 4
        highest = 0x8F
      case 0xF1...0xF3: size = 4
      default: return false
      }
      guard end &- index >= size, base[index &+ 1] >= lowest, base[index &+ 1] <= highest else { return false }
      var next = index &+ 2
      while next < index &+ size {
        guard base[next] & 0xC0 == 0x80 else { return false }
        next &+= 1
      }
      index &+= size
    }
    return true
  }
}
