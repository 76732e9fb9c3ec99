// How long an HTTP answer says that it may be kept (RFC 9111, 5.2.2).

enum CacheControl {
  /// Nanoseconds; nil when the values say nothing about it. `age` is what the Age header says, if there is one.
  static func maxAge(_ values: [[UInt8]], age: [UInt8]?) -> Int64? {
    var seconds: Int64?
    for value in values {
      for part in value.split(separator: UInt8(ascii: ",")) {
        let directive = HeaderNames.lowercased(trimmed(part))
        let name = directive.prefix { $0 != UInt8(ascii: "=") }
        switch String(decoding: name, as: UTF8.self) {
        case "no-store", "no-cache": return 0
        case "max-age":
          let found = number(directive.dropFirst(name.count &+ 1))
          // The smallest of several; one that cannot be read is a reason not to keep anything.
          seconds = min(seconds ?? Int64.max, found ?? 0)
        default: break
        }
      }
    }
    guard let seconds else { return nil }
    let left = max(0, seconds &- (age.flatMap { number($0[...]) } ?? 0))
    return left &* 1_000_000_000
  }

  private static func trimmed(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
    return Array(Array(bytes.drop(while: isBlank)).reversed().drop(while: isBlank).reversed())
  }

  /// At most ten years: what is beyond is as good as for ever.
  private static func number(_ digits: ArraySlice<UInt8>) -> Int64? {
    let limit: Int64 = 315_360_000
    let text = digits.filter { $0 != UInt8(ascii: "\"") }
    guard !text.isEmpty, text.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }) else { return nil }
    var number: Int64 = 0
    for digit in text { number = min(limit, number &* 10 &+ Int64(digit &- UInt8(ascii: "0"))) }
    return number
  }
}
