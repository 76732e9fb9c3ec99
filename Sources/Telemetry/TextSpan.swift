// Text written into memory that somebody else owns: the worker's scratch, a log record being built. It never grows.
// What does not fit is cut and `isFull` is set; the writer then decides what that means.

import CEL
import CPlatform

public struct TextSpan {
  public let base: UnsafeMutablePointer<UInt8>
  public let capacity: Int
  public internal(set) var count: Int
  /// Something did not fit.
  public internal(set) var isFull: Bool

  /// Writes to `capacity` bytes at `base`.
  public init(_ base: UnsafeMutablePointer<UInt8>, capacity: Int) {
    self.base = base
    self.capacity = capacity < 0 ? 0 : capacity
    self.count = 0
    self.isFull = false
  }

  public var bytes: Bytes { Bytes(UnsafeRawPointer(base), count: UInt32(truncatingIfNeeded: count)) }

  @inline(__always)
  public mutating func append(_ byte: UInt8) {
    guard count < capacity else {
      isFull = true
      return
    }
    base[count] = byte
    count &+= 1
  }

  @inline(__always)
  public mutating func append(_ source: UnsafePointer<UInt8>, count length: Int) {
    let room = capacity &- count
    if length > room { isFull = true }
    let taken = length > room ? room : length
    guard taken > 0 else { return }
    memcpy(base + count, source, taken)
    count &+= taken
  }

  public mutating func append(_ bytes: Bytes) {
    guard let source = bytes.base else { return }
    append(source, count: Int(bytes.count))
  }

  @inline(__always)
  public mutating func append(_ text: StaticString) {
    append(Bytes(text))
  }

  /// Cuts back to `length`, to the start of the code point that `length` falls into.
  mutating func cut(to length: Int) {
    guard length < count else { return }
    count = TextSpan.boundary(base, length)
  }

  /// The largest code point boundary at or before `length` in UTF-8 text that has at least `length + 1` bytes.
  @inline(__always)
  static func boundary(_ text: UnsafePointer<UInt8>, _ length: Int) -> Int {
    var cut = length < 0 ? 0 : length
    // A code point has at most three continuation bytes: text that has more is not UTF-8 and is cut where it is.
    var back = 0
    while cut > 0, back < 3, text[cut] & 0xC0 == 0x80 {
      cut &-= 1
      back &+= 1
    }
    return text[cut] & 0xC0 == 0x80 ? length : cut
  }
}

// Numbers.
extension TextSpan {
  @inline(__always)
  public mutating func append(decimal value: UInt64) {
    if value < 10 {
      append(UInt8(truncatingIfNeeded: value &+ 48))
      return
    }
    var digits = 0
    var rest = value
    while rest > 0 {
      digits &+= 1
      rest /= 10
    }
    guard digits <= capacity &- count else {
      isFull = true
      return
    }
    var position = count &+ digits
    count = position
    rest = value
    while rest > 0 {
      position &-= 1
      let next = rest / 10
      base[position] = UInt8(truncatingIfNeeded: rest &- next &* 10 &+ 48)
      rest = next
    }
  }

  @inline(__always)
  public mutating func append(decimal value: Int64) {
    if value < 0 { append(UInt8(ascii: "-")) }
    append(decimal: value.magnitude)
  }

  /// The shortest text that reads back as the same number: plain from 1e-6 to 1e21, else with an exponent. Not finite:
  /// `NaN`, `+Inf`, `-Inf`, as Prometheus writes them.
  public mutating func append(_ value: Double) {
    guard value.isFinite else {
      append(value.isNaN ? "NaN" : value > 0 ? "+Inf" : "-Inf")
      return
    }
    if value.sign == .minus { append(UInt8(ascii: "-")) }
    let magnitude = value.magnitude
    // Most numbers that people meet have few decimals. Below 2^53 the quotient of two exact numbers is rounded once,
    // so equality proves that the text reads back.
    var power = 1.0
    var decimals = 0
    while decimals <= 17 {
      let scaled = magnitude * power
      guard scaled < 9_007_199_254_740_992 else { break }
      let digits = platform_truncate(scaled + 0.5).magnitude
      if Double(digits) / power == magnitude, digits > 0 ? magnitude >= 1e-6 : magnitude == 0 {
        append(digits: digits, decimals: decimals)
        return
      }
      power *= 10
      decimals &+= 1
    }
    appendSlowly(magnitude)
  }

  private mutating func append(digits value: UInt64, decimals: Int) {
    var unit: UInt64 = 1
    var places = 0
    while places < decimals {
      unit &*= 10
      places &+= 1
    }
    // Ten to the seventeenth at most.
    guard unit != 0 else { return }
    append(decimal: value / unit)
    guard decimals > 0 else { return }
    append(UInt8(ascii: "."))
    append(fraction: value % unit, width: decimals)
  }

  /// `value` with leading zeros, `width` digits.
  mutating func append(fraction value: UInt64, width: Int) {
    var unit: UInt64 = 1
    for _ in 1..<max(width, 1) { unit &*= 10 }
    var rest = value
    while unit > 0 {
      append(UInt8(truncatingIfNeeded: rest / unit % 10 &+ 48))
      rest %= unit
      unit /= 10
    }
  }

  @inline(never)
  private mutating func appendSlowly(_ magnitude: Double) {
    // 18 bytes and more; a temporary allocation comes with an error path that counts references.
    var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
    withUnsafeMutableBytes(of: &digits) { raw in
      guard let start = raw.baseAddress?.assumingMemoryBound(to: CChar.self) else { return }
      var exponent: Int32 = 0
      let count = Int(platform_shortest_digits(magnitude, start, &exponent))
      let point = Int(exponent)
      func digit(_ index: Int) -> UInt8 { index < count && index < 18 ? UInt8(bitPattern: start[index]) : 48 }
      if point > -6, point <= 21 {
        if point <= 0 {
          append("0.")
          var zeros = point
          while zeros < 0 {
            append(UInt8(ascii: "0"))
            zeros &+= 1
          }
          var index = 0
          while index < count {
            append(digit(index))
            index &+= 1
          }
        } else {
          var index = 0
          while index < max(point, count) {
            if index == point { append(UInt8(ascii: ".")) }
            append(digit(index))
            index &+= 1
          }
        }
      } else {
        append(digit(0))
        if count > 1 {
          append(UInt8(ascii: "."))
          var index = 1
          while index < count {
            append(digit(index))
            index &+= 1
          }
        }
        append(UInt8(ascii: "e"))
        if point > 0 { append(UInt8(ascii: "+")) }
        append(decimal: Int64(point &- 1))
      }
    }
  }
}
