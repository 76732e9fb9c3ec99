// The library `network`: Kubernetes' and cel-go's functions on IP addresses and ranges (CIDR, RFC 4632). The types are
// `net.IP` and `net.CIDR`; addresses of the two families are never equal and never within each other's ranges.

extension Environment {
  mutating func declareNetwork() {
    let ip = types.intern(.opaque("net.IP", []))
    let cidr = types.intern(.opaque("net.CIDR", []))
    declareType("net.IP", ip)
    declareType("net.CIDR", cidr)
    declare("isIP", "is_ip", [.string], .bool, NativeFunction { answer($0, $1, $2, $4, NetworkFunction.isIP) })
    declare("isCIDR", "is_cidr", [.string], .bool, NativeFunction { answer($0, $1, $2, $4, NetworkFunction.isCIDR) })
    declare("ip", "string_to_ip", [.string], ip, NativeFunction { answer($0, $1, $2, $4, NetworkFunction.ip) })
    declare("cidr", "string_to_cidr", [.string], cidr, NativeFunction { answer($0, $1, $2, $4, NetworkFunction.cidr) })
    declare(
      "ip.isCanonical", "ip_is_canonical", [.string], .bool,
      NativeFunction { answer($0, $1, $2, $4, NetworkFunction.isCanonical) })
    let string = NativeFunction { answer($0, $1, $2, $4, NetworkFunction.string) }
    declare("string", "ip_to_string", [ip], .string, string)
    declare("string", "cidr_to_string", [cidr], .string, string)

    declare(
      "family", "ip_family", [ip], .int, isMember: true,
      NativeFunction { answer($0, $1, $2, $4, NetworkFunction.family) })
    let tests: [(String, String, NativeFunction)] = [
      ("isUnspecified", "ip_is_unspecified", NativeFunction { answer($0, $1, $2, $4, NetworkFunction.isUnspecified) }),
      ("isLoopback", "ip_is_loopback", NativeFunction { answer($0, $1, $2, $4, NetworkFunction.isLoopback) }),
      (
        "isGlobalUnicast", "ip_is_global_unicast",
        NativeFunction { answer($0, $1, $2, $4, NetworkFunction.isGlobalUnicast) }
      ),
      (
        "isLinkLocalMulticast", "ip_is_link_local_multicast",
        NativeFunction { answer($0, $1, $2, $4, NetworkFunction.isLinkLocalMulticast) }
      ),
      (
        "isLinkLocalUnicast", "ip_is_link_local_unicast",
        NativeFunction { answer($0, $1, $2, $4, NetworkFunction.isLinkLocalUnicast) }
      ),
    ]
    for (function, id, native) in tests { declare(function, id, [ip], .bool, isMember: true, native) }

    let containsIP = NativeFunction { answer($0, $1, $2, $4, NetworkFunction.containsIP) }
    declare("containsIP", "cidr_contains_ip", [cidr, ip], .bool, isMember: true, containsIP)
    declare("containsIP", "cidr_contains_ip_string", [cidr, .string], .bool, isMember: true, containsIP)
    let containsCIDR = NativeFunction { answer($0, $1, $2, $4, NetworkFunction.containsCIDR) }
    declare("containsCIDR", "cidr_contains_cidr", [cidr, cidr], .bool, isMember: true, containsCIDR)
    declare("containsCIDR", "cidr_contains_cidr_string", [cidr, .string], .bool, isMember: true, containsCIDR)
    declare(
      "ip", "cidr_ip", [cidr], ip, isMember: true,
      NativeFunction { answer($0, $1, $2, $4, NetworkFunction.ipOfRange) })
    declare(
      "masked", "cidr_masked", [cidr], cidr, isMember: true,
      NativeFunction { answer($0, $1, $2, $4, NetworkFunction.masked) })
    declare(
      "prefixLength", "cidr_prefix_length", [cidr], .int, isMember: true,
      NativeFunction { answer($0, $1, $2, $4, NetworkFunction.prefixLength) })
  }
}

enum NetworkFunction {
  // MARK: From text

  /// `address/bits`, the bits without a sign or a leading zero.
  private static func parseRange(_ text: Bytes) -> (address: NetworkAddress, prefix: Int)? {
    guard let base = text.base else { return nil }
    var slash = Int(text.count)
    while slash > 0, base[slash &- 1] != UInt8(ascii: "/") { slash &-= 1 }
    let digits = text.slice(slash, Int(text.count))
    guard slash > 1, digits.count >= 1, digits.count <= 3, let first = digits.base else { return nil }
    if first[0] == UInt8(ascii: "0"), digits.count > 1 { return nil }
    var prefix = 0
    for digit in digits.buffer {
      guard digit &- UInt8(ascii: "0") <= 9 else { return nil }
      prefix = prefix &* 10 &+ Int(digit &- UInt8(ascii: "0"))
    }
    let name = text.slice(0, slash &- 1)
    guard let address = NetworkAddress(name), prefix <= address.bits else { return nil }
    // The bits of an IPv4 address within IPv6 would be counted from two ends.
    if address.isV4, name.buffer.contains(UInt8(ascii: ":")) { return nil }
    return (address, prefix)
  }

  static func isIP(_ call: FunctionCall) -> Value {
    call.takes(.string) ? .bool(NetworkAddress(call[0].asBytes) != nil) : .failure(.noSuchOverload)
  }

  static func isCIDR(_ call: FunctionCall) -> Value {
    call.takes(.string) ? .bool(parseRange(call[0].asBytes) != nil) : .failure(.noSuchOverload)
  }

  static func ip(_ call: FunctionCall) -> Value {
    guard call.takes(.string) else { return .failure(.noSuchOverload) }
    return NetworkAddress(call[0].asBytes)?.value(call.evaluation) ?? .failure(.notAnAddress)
  }

  static func cidr(_ call: FunctionCall) -> Value {
    guard call.takes(.string) else { return .failure(.noSuchOverload) }
    guard let range = parseRange(call[0].asBytes) else { return .failure(.notAnAddress) }
    return range.address.value(prefix: range.prefix, call.evaluation)
  }

  /// Whether the text is just as RFC 5952 wants it.
  static func isCanonical(_ call: FunctionCall) -> Value {
    guard call.takes(.string) else { return .failure(.noSuchOverload) }
    guard let address = NetworkAddress(call[0].asBytes) else { return .failure(.notAnAddress) }
    var text = ShortText()
    address.write(to: &text)
    return .bool(text.isSame(as: call[0].asBytes))
  }

  static func string(_ call: FunctionCall) -> Value {
    guard call.takes(.ip) || call.takes(.cidr) else { return .failure(.noSuchOverload) }
    var text = ShortText()
    NetworkAddress.write(call[0], to: &text)
    guard let copy = text.copy(to: &call.evaluation.pointee.arena) else { return .failure(.memorySpent) }
    return .string(copy)
  }

  // MARK: Of an address

  private static func test(_ call: FunctionCall, _ condition: (NetworkAddress) -> Bool) -> Value {
    guard call.takes(.ip), let address = NetworkAddress(call[0]) else { return .failure(.noSuchOverload) }
    return .bool(condition(address))
  }

  static func family(_ call: FunctionCall) -> Value {
    guard call.takes(.ip), let address = NetworkAddress(call[0]) else { return .failure(.noSuchOverload) }
    return .int(address.isV4 ? 4 : 6)
  }

  static func isUnspecified(_ call: FunctionCall) -> Value { test(call) { $0.isUnspecified } }
  static func isLoopback(_ call: FunctionCall) -> Value { test(call) { $0.isLoopback } }
  static func isGlobalUnicast(_ call: FunctionCall) -> Value { test(call) { $0.isGlobalUnicast } }
  static func isLinkLocalMulticast(_ call: FunctionCall) -> Value { test(call) { $0.isLinkLocalMulticast } }
  static func isLinkLocalUnicast(_ call: FunctionCall) -> Value { test(call) { $0.isLinkLocalUnicast } }

  // MARK: Of a range

  static func ipOfRange(_ call: FunctionCall) -> Value {
    guard call.takes(.cidr), let address = NetworkAddress(call[0]) else { return .failure(.noSuchOverload) }
    return address.value(call.evaluation)
  }

  static func masked(_ call: FunctionCall) -> Value {
    guard call.takes(.cidr), let address = NetworkAddress(call[0]) else { return .failure(.noSuchOverload) }
    let prefix = Int(call[0].extra)
    return address.masked(prefix).value(prefix: prefix, call.evaluation)
  }

  static func prefixLength(_ call: FunctionCall) -> Value {
    call.takes(.cidr) ? .int(Int64(call[0].extra)) : .failure(.noSuchOverload)
  }

  static func containsIP(_ call: FunctionCall) -> Value {
    guard call.count == 2, call[0].kind == .cidr, let range = NetworkAddress(call[0]) else {
      return .failure(.noSuchOverload)
    }
    let address: NetworkAddress
    switch call[1].kind {
    case .ip:
      guard let value = NetworkAddress(call[1]) else { return .failure(.noSuchOverload) }
      address = value
    case .string:
      guard let parsed = NetworkAddress(call[1].asBytes) else { return .failure(.notAnAddress) }
      address = parsed
    default: return .failure(.noSuchOverload)
    }
    return .bool(contains(range, Int(call[0].extra), address))
  }

  static func containsCIDR(_ call: FunctionCall) -> Value {
    guard call.count == 2, call[0].kind == .cidr, let range = NetworkAddress(call[0]) else {
      return .failure(.noSuchOverload)
    }
    let inner: (address: NetworkAddress, prefix: Int)
    switch call[1].kind {
    case .cidr:
      guard let value = NetworkAddress(call[1]) else { return .failure(.noSuchOverload) }
      inner = (value, Int(call[1].extra))
    case .string:
      guard let parsed = parseRange(call[1].asBytes) else { return .failure(.notAnAddress) }
      inner = parsed
    default: return .failure(.noSuchOverload)
    }
    let prefix = Int(call[0].extra)
    return .bool(prefix <= inner.prefix && contains(range, prefix, inner.address))
  }

  private static func contains(_ range: NetworkAddress, _ prefix: Int, _ address: NetworkAddress) -> Bool {
    range.isV4 == address.isV4 && range.masked(prefix).isSame(as: address.masked(prefix))
  }
}

// The classes of addresses, as Go's `net/netip` draws them.
extension NetworkAddress {
  var isUnspecified: Bool { high == 0 && low == 0 }

  /// 127.0.0.0/8 and ::1.
  var isLoopback: Bool { isV4 ? low &>> 24 == 127 : high == 0 && low == 1 }

  private var isMulticast: Bool { isV4 ? low &>> 28 == 0xe : high &>> 56 == 0xff }

  /// 224.0.0.0/24 and ff02::/16, whatever the flags.
  var isLinkLocalMulticast: Bool { isV4 ? low &>> 8 == 0xe0_0000 : high &>> 48 & 0xff0f == 0xff02 }

  /// 169.254.0.0/16 and fe80::/10.
  var isLinkLocalUnicast: Bool { isV4 ? low &>> 16 == 0xa9fe : high &>> 54 == 0x3fa }

  /// Private addresses are; the broadcast address is not.
  var isGlobalUnicast: Bool {
    !isUnspecified && !isLoopback && !isMulticast && !isLinkLocalUnicast && !(isV4 && low == 0xffff_ffff)
  }
}
