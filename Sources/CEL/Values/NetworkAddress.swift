// IP addresses and ranges as values, after Kubernetes' `ip()` and `cidr()`.
//
//   kind ip       flags 4: payload is the address                 flags 6: payload points to two words, high and low
//   kind cidr     the same, and `extra` is the prefix's length in bits
//
// A range keeps the address that it was written with: `192.168.1.5/24` is not `192.168.1.0/24`, though they hold the
// same addresses.

import CPlatform

struct NetworkAddress {
  /// An IPv4 address is the lower 32 bits of `low`.
  var high: UInt64
  var low: UInt64
  var isV4: Bool

  var bits: Int { isV4 ? 32 : 128 }

  private init(high: UInt64, low: UInt64, isV4: Bool) {
    self.high = high
    self.low = low
    self.isV4 = isV4
  }

  /// Dotted decimal, or IPv6 without a zone. An IPv4 address within IPv6 (`::ffff:0:0/96`) is refused when its end is
  /// written in decimal, and is the IPv4 address when it is written in hexadecimal: so cel-spec's network_ext.
  init?(_ text: Bytes) {
    var words: (UInt64, UInt64) = (0, 0)
    guard let base = text.base, platform_parse_address(base, Int(text.count), &words.0, &words.1) == 1 else {
      return nil
    }
    let isMapped = words.0 == 0 && words.1 &>> 32 == 0xffff
    let hasColon = text.buffer.contains(UInt8(ascii: ":"))
    if isMapped {
      if hasColon, text.buffer.contains(UInt8(ascii: ".")) { return nil }
      self.init(high: 0, low: words.1 & 0xffff_ffff, isV4: true)
    } else {
      self.init(high: words.0, low: words.1, isV4: false)
    }
  }

  /// The address of an `ip` or `cidr` value.
  init?(_ value: Value) {
    guard value.kind == .ip || value.kind == .cidr else { return nil }
    if value.flags == 6 {
      guard let words = UnsafePointer<UInt64>(bitPattern: UInt(truncatingIfNeeded: value.payload)) else { return nil }
      self.init(high: words[0], low: words[1], isV4: false)
    } else {
      self.init(high: 0, low: value.payload & 0xffff_ffff, isV4: true)
    }
  }

  /// The value in the evaluation's arena: an address, or the range of that many bits.
  func value(prefix: Int? = nil, _ evaluation: Evaluation.Pointer) -> Value {
    var value = Value(kind: prefix == nil ? .ip : .cidr, payload: low)
    value.flags = isV4 ? 4 : 6
    value.extra = UInt16(truncatingIfNeeded: prefix ?? 0)
    if !isV4 {
      guard let memory = evaluation.pointee.arena.allocate(16) else { return .failure(.memorySpent) }
      memory.storeBytes(of: high, as: UInt64.self)
      memory.storeBytes(of: low, toByteOffset: 8, as: UInt64.self)
      value.payload = UInt64(UInt(bitPattern: memory))
    }
    return value
  }

  /// The address with all but its first `prefix` bits cleared.
  func masked(_ prefix: Int) -> NetworkAddress {
    var copy = self
    if isV4 {
      copy.low &= ~NetworkAddress.ones(32 &- prefix)
    } else {
      copy.high &= ~NetworkAddress.ones(64 &- prefix)
      copy.low &= ~NetworkAddress.ones(128 &- prefix)
    }
    return copy
  }

  private static func ones(_ count: Int) -> UInt64 {
    count <= 0 ? 0 : count >= 64 ? .max : (UInt64(1) &<< UInt64(count)) &- 1
  }

  func isSame(as other: NetworkAddress) -> Bool { isV4 == other.isV4 && high == other.high && low == other.low }

  // MARK: Text

  /// As RFC 5952 writes it.
  func write(to text: inout ShortText) {
    if isV4 {
      for byte in 0..<4 {
        if byte > 0 { text.append(UInt8(ascii: ".")) }
        text.append(low &>> UInt64(24 &- 8 &* byte) & 255)
      }
      return
    }
    let zeros = longestZeros
    var group = 0
    while group < 8 {
      if group == zeros.start, zeros.count > 1 {
        text.append("::")
        group &+= zeros.count
        continue
      }
      if group > 0, group != zeros.start &+ zeros.count || zeros.count < 2 { text.append(UInt8(ascii: ":")) }
      write(hexadecimal: self.group(group), to: &text)
      group &+= 1
    }
  }

  private func group(_ number: Int) -> UInt64 {
    (number < 4 ? high : low) &>> UInt64(48 &- 16 &* (number & 3)) & 0xffff
  }

  /// The first of the longest runs of groups that are zero.
  private var longestZeros: (start: Int, count: Int) {
    var best = (start: 0, count: 0)
    var start = 0
    for end in 0..<8 {
      if group(end) != 0 {
        start = end &+ 1
      } else if end &+ 1 &- start > best.count {
        best = (start, end &+ 1 &- start)
      }
    }
    return best
  }

  private func write(hexadecimal number: UInt64, to text: inout ShortText) {
    var shift: UInt64 = 12
    while shift > 0, number &>> shift == 0 { shift &-= 4 }
    while true {
      let digit = UInt8(truncatingIfNeeded: number &>> shift & 15)
      text.append(digit < 10 ? UInt8(ascii: "0") &+ digit : UInt8(ascii: "a") &+ digit &- 10)
      if shift == 0 { return }
      shift &-= 4
    }
  }

  /// The text of an `ip` or `cidr` value.
  static func write(_ value: Value, to text: inout ShortText) {
    guard let address = NetworkAddress(value) else { return }
    address.write(to: &text)
    if value.kind == .cidr {
      text.append(UInt8(ascii: "/"))
      text.append(UInt64(value.extra))
    }
  }

  /// Equality of two values of one of these kinds.
  static func areEqual(_ a: Value, _ b: Value) -> Bool {
    guard a.kind == b.kind, a.extra == b.extra, let left = NetworkAddress(a), let right = NetworkAddress(b) else {
      return false
    }
    return left.isSame(as: right)
  }
}

extension Value {
  /// The text of an `ip` or `cidr` value, byte by byte.
  public func forEachByteOfAddress(_ body: (UInt8) -> Void) {
    var text = ShortText()
    NetworkAddress.write(self, to: &text)
    text.forEach(body)
  }
}
