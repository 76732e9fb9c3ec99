// The name in a Host header: lower case, without port and without the dot that ends a fully qualified name, so that
// one host has one spelling.

import CEL
import CPlatform

enum HostName {
  case name(Bytes)
  case malformed
  case outOfMemory

  /// Of `name`, `name:port`, `[v6]`, `[v6]:port`, or a bare IPv6 address.
  init(_ text: Bytes, in arena: inout Arena) {
    guard let base = text.base, text.count > 0 else {
      self = .name(.empty)
      return
    }
    guard var end = HostName.length(base, Int(text.count)) else {
      self = .malformed
      return
    }
    if end > 1, base[end &- 1] == UInt8(ascii: ".") { end &-= 1 }
    var index = 0
    while index < end, !HostName.isUpper(base[index]) { index &+= 1 }
    if index == end {
      self = .name(Bytes(address: text.address, count: UInt32(truncatingIfNeeded: end)))
      return
    }
    guard let memory = arena.allocate(end) else {
      self = .outOfMemory
      return
    }
    let out = memory.assumingMemoryBound(to: UInt8.self)
    index = 0
    while index < end {
      out[index] = HostName.isUpper(base[index]) ? base[index] | 0x20 : base[index]
      index &+= 1
    }
    self = .name(Bytes(out, count: UInt32(truncatingIfNeeded: end)))
  }

  /// Bytes of the host without its port; nil when this is no authority.
  private static func length(_ text: UnsafePointer<UInt8>, _ count: Int) -> Int? {
    var colons = 0
    var colon = count
    var bracket = count
    var index = 0
    while index < count {
      switch text[index] {
      case UInt8(ascii: ":"):
        colons &+= 1
        colon = index
      case UInt8(ascii: "["):
        if index > 0 { return nil }
      case UInt8(ascii: "]"):
        if bracket != count || text[0] != UInt8(ascii: "[") { return nil }
        bracket = index
        colons = 0
        colon = count
      default: break
      }
      index &+= 1
    }
    if text[0] == UInt8(ascii: "[") {
      guard bracket != count else { return nil }
      let end = bracket &+ 1
      return end == count || (colons == 1 && colon == end) ? end : nil
    }
    if colons <= 1 { return colon }
    var high: UInt64 = 0
    var low: UInt64 = 0
    return platform_parse_address(text, count, &high, &low) == 1 ? count : nil
  }

  private static func isUpper(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") }
}
