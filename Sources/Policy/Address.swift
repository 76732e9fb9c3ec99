// IP addresses as 128 bits. An IPv4 address is its IPv4-mapped IPv6 form, so `10.0.0.1` and `::ffff:10.0.0.1` are
// the same address.

import CEL
import CPlatform

public struct Address: BitwiseCopyable, Sendable, Comparable, Hashable {
  public var high: UInt64
  public var low: UInt64

  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  public static func < (a: Address, b: Address) -> Bool {
    a.high == b.high ? a.low < b.low : a.high < b.high
  }

  /// Nil for anything but a bare address: no port, no brackets, no zone, no blanks.
  @inline(__always)
  public init?(_ text: Bytes) {
    guard let base = text.base, text.count > 0, text.count < 46 else { return nil }
    var address = Address(high: 0, low: 0)
    guard platform_parse_address(base, Int(text.count), &address.high, &address.low) == 1 else { return nil }
    self = address
  }
}

/// The addresses from `first` to `last`.
public struct AddressRange: BitwiseCopyable, Sendable {
  public var first: Address
  public var last: Address

  /// `10.0.0.0/8`, `2001:db8::/32`, or a bare address. Bits past the prefix may be set; they are ignored.
  public init?(_ text: [UInt8]) {
    let parts = text.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    guard let name = parts.first, parts.count <= 2 else { return nil }
    let bytes = Array(name)
    let isIPv4 = !bytes.contains(UInt8(ascii: ":"))
    let parsed = bytes.withUnsafeBufferPointer {
      Address(Bytes($0.baseAddress, count: UInt32(truncatingIfNeeded: $0.count)))
    }
    guard let address = parsed else { return nil }
    var length = 128
    if parts.count == 2, let digits = parts.last {
      guard digits.count >= 1, digits.count <= 3 else { return nil }
      var number = 0
      for digit in digits {
        guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") else { return nil }
        number = number &* 10 &+ Int(digit &- UInt8(ascii: "0"))
      }
      if digits.count > 1, digits.first == UInt8(ascii: "0") { return nil }
      guard number <= (isIPv4 ? 32 : 128) else { return nil }
      length = isIPv4 ? number &+ 96 : number
    }
    let highMask: UInt64 = length >= 64 ? ~0 : length == 0 ? 0 : ~0 << UInt64(64 &- length)
    let lowMask: UInt64 = length <= 64 ? 0 : ~0 << UInt64(128 &- length)
    first = Address(high: address.high & highMask, low: address.low & lowMask)
    last = Address(high: first.high | ~highMask, low: first.low | ~lowMask)
  }
}
