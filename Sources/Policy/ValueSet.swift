// A ValueList at run time: is this value in it? Immutable; owned by a plan.
//
//   STRING                    hash table of the bytes
//   STRING_CASE_INSENSITIVE   the same, ASCII letters folded on both sides
//   CIDR                      disjoint ranges in ascending order, binary search
//   REGEX                     RE2 patterns, one after the other

import CEL
import CPlatform

public final class ValueSet: @unchecked Sendable {
  public enum Kind: UInt8, Sendable { case string, stringIgnoringCase, addresses, patterns }

  public let kind: Kind
  private let texts = TextStore()
  private let table: UnsafeMutablePointer<Bytes>
  private let mask: UInt64
  private let ranges: UnsafeMutablePointer<AddressRange>
  private let rangeCount: Int
  private let patterns: UnsafeMutablePointer<OpaquePointer>
  private let patternCount: Int
  private let regex: RegexLibrary?

  public init(strings: [[UInt8]], ignoringCase: Bool) {
    kind = ignoringCase ? .stringIgnoringCase : .string
    var capacity = 16
    while capacity < strings.count &* 2, capacity < 1 << 40 { capacity &*= 2 }
    mask = UInt64(capacity) &- 1
    table = .allocate(capacity: capacity)
    table.initialize(repeating: Bytes(address: 0, count: UInt32.max), count: capacity)
    ranges = .allocate(capacity: 1)
    rangeCount = 0
    patterns = .allocate(capacity: 1)
    patternCount = 0
    regex = nil
    for string in strings {
      let folded = ignoringCase ? string.map(lowered) : string
      insert(texts.keep(folded))
    }
  }

  public init(ranges unsorted: [AddressRange]) {
    kind = .addresses
    var merged: [AddressRange] = []
    for range in unsorted.ordered(by: { $0.first < $1.first }) {
      if let last = merged.last, !(last.last < range.first) {
        if last.last < range.last { merged[merged.count &- 1].last = range.last }
      } else {
        merged.append(range)
      }
    }
    ranges = .allocate(capacity: merged.count &+ 1)
    var index = 0
    for range in merged {
      ranges[index] = range
      index &+= 1
    }
    rangeCount = merged.count
    table = .allocate(capacity: 1)
    mask = 0
    patterns = .allocate(capacity: 1)
    patternCount = 0
    regex = nil
  }

  /// Takes over `compiled`, which `regex` made and frees.
  public init(patterns compiled: [OpaquePointer], regex: RegexLibrary) {
    kind = .patterns
    patterns = .allocate(capacity: compiled.count &+ 1)
    var index = 0
    for pattern in compiled {
      patterns[index] = pattern
      index &+= 1
    }
    patternCount = compiled.count
    self.regex = regex
    table = .allocate(capacity: 1)
    mask = 0
    ranges = .allocate(capacity: 1)
    rangeCount = 0
  }

  deinit {
    table.deallocate()
    ranges.deallocate()
    var index = 0
    while index < patternCount {
      regex?.free(patterns[index])
      index &+= 1
    }
    patterns.deallocate()
  }

  /// `true`, `false`, or an error: the value is no text, or no address for a list of addresses.
  public func contains(_ value: Value) -> Value {
    if value.kind == .error { return value }
    guard value.kind == .string else { return .error(EvaluationError(.noSuchOverload)) }
    switch kind {
    case .string: return .bool(holds(value.asBytes, folding: false))
    case .stringIgnoringCase: return .bool(holds(value.asBytes, folding: true))
    case .addresses:
      guard let address = Address(value.asBytes) else { return .error(EvaluationError(.notAnAddress)) }
      return .bool(holds(address))
    case .patterns: return matchesAny(value.asBytes)
    }
  }

  @inline(__always)
  private func holds(_ address: Address) -> Bool {
    var low = 0
    var high = rangeCount
    while low < high {
      let middle = (low &+ high) / 2
      if ranges[middle].last < address { low = middle &+ 1 } else { high = middle }
    }
    return low < rangeCount && !(address < ranges[low].first)
  }

  private func matchesAny(_ text: Bytes) -> Value {
    guard let regex else { return .bool(false) }
    var index = 0
    while index < patternCount {
      switch regex.match(patterns[index], text.base, Int(text.count)) {
      case 1: return .bool(true)
      case 0: index &+= 1
      default: return .error(EvaluationError(.invalidPattern))
      }
    }
    return .bool(false)
  }
}

// The table of strings: open addressing; a free place has the length UInt32.max.
extension ValueSet {
  private func insert(_ text: Bytes) {
    var place = hash(text, folding: false) & mask
    while table[Int(truncatingIfNeeded: place)].count != UInt32.max {
      if isSame(table[Int(truncatingIfNeeded: place)], text, folding: false) { return }
      place = (place &+ 1) & mask
    }
    table[Int(truncatingIfNeeded: place)] = text
  }

  private func holds(_ text: Bytes, folding: Bool) -> Bool {
    var place = hash(text, folding: folding) & mask
    while table[Int(truncatingIfNeeded: place)].count != UInt32.max {
      if isSame(table[Int(truncatingIfNeeded: place)], text, folding: folding) { return true }
      place = (place &+ 1) & mask
    }
    return false
  }

  private func hash(_ text: Bytes, folding: Bool) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    var index = 0
    while let base = text.base, index < Int(text.count) {
      hash = (hash ^ UInt64(folding ? lowered(base[index]) : base[index])) &* 0x100_0000_01b3
      index &+= 1
    }
    return hash ^ (hash >> 29)
  }

  /// `kept` is folded already when `folding`.
  private func isSame(_ kept: Bytes, _ text: Bytes, folding: Bool) -> Bool {
    guard kept.count == text.count else { return false }
    guard let a = kept.base, let b = text.base else { return true }
    if !folding { return memcmp(a, b, Int(kept.count)) == 0 }
    var index = 0
    while index < Int(kept.count) {
      if a[index] != lowered(b[index]) { return false }
      index &+= 1
    }
    return true
  }
}

private func lowered(_ byte: UInt8) -> UInt8 {
  byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
}
