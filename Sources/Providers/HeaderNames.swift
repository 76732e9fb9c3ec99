// Which headers may be asked with, and which of a provider's may be taken over (RFC 9110, 5.1, 5.5, 7.6.1).

enum HeaderNames {
  /// A token.
  static func isName(_ bytes: [UInt8]) -> Bool {
    guard !bytes.isEmpty, bytes.count <= 1_024 else { return false }
    return bytes.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        return true
      case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"),
        UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
        UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
        return true
      default: return false
      }
    }
  }

  static func isValue(_ bytes: [UInt8]) -> Bool { !bytes.contains { $0 == 0 || $0 == 10 || $0 == 13 } }

  static func lowercased(_ bytes: [UInt8]) -> [UInt8] {
    bytes.map { $0 >= UInt8(ascii: "A") && $0 <= UInt8(ascii: "Z") ? $0 | 0x20 : $0 }
  }

  /// Of a name in lower case: it belongs to one connection, or to the message's frame, or is a pseudo-header.
  static func isReserved(_ name: [UInt8]) -> Bool {
    if name.first == UInt8(ascii: ":") { return true }
    switch String(decoding: name, as: UTF8.self) {
    case "host", "content-length", "connection", "keep-alive", "proxy-connection", "proxy-authenticate",
      "proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade", "http2-settings", "expect":
      return true
    default: return false
    }
  }

  /// Whether a pattern has the name, which is in lower case: the same, or what a `*` at one end leaves.
  static func matches(_ pattern: String, _ name: [UInt8]) -> Bool {
    let bytes = lowercased(Array(pattern.utf8))
    if bytes == [UInt8(ascii: "*")] { return true }
    if bytes.last == UInt8(ascii: "*") { return name.starts(with: bytes.dropLast()) }
    if bytes.first == UInt8(ascii: "*") {
      let ending = bytes.dropFirst()
      return name.count >= ending.count && name.suffix(ending.count) == ending
    }
    return bytes == name
  }
}
