// ValueLists as the sets that expressions search.

import CEL
import PurserPolicy

enum ValueSetBuilder {
  static func kind(of type: ValueListType) -> ValueSet.Kind {
    switch type {
    case .string: .string
    case .stringCaseInsensitive: .stringIgnoringCase
    case .cidr: .addresses
    case .regex: .patterns
    }
  }

  /// The set; values that are not what the list's type says are problems, and left out.
  static func build(_ list: ValueListDocument, regex: RegexLibrary?, _ problems: inout Problems) -> ValueSet {
    switch list.type {
    case .string, .stringCaseInsensitive:
      return ValueSet(
        strings: list.values.map { Array($0.text.utf8) }, ignoringCase: list.type == .stringCaseInsensitive)
    case .cidr:
      var ranges: [AddressRange] = []
      for value in list.values {
        if let range = AddressRange(Array(value.text.utf8)) {
          ranges.append(range)
        } else {
          problems.error(
            at: value.position,
            "`\(value.text)` is no IP address and no range such as `10.0.0.0/8` or `2001:db8::/32`")
        }
      }
      return ValueSet(ranges: ranges)
    case .regex:
      guard let regex else { return ValueSet(strings: [], ignoringCase: false) }
      var patterns: [OpaquePointer] = []
      for value in list.values {
        if let pattern = compile(value, regex, &problems) { patterns.append(pattern) }
      }
      return ValueSet(patterns: patterns, regex: regex)
    }
  }

  /// The ranges of a short list of addresses, for the index; nil for any other.
  static func fewRanges(of list: ValueListDocument) -> [AddressRange]? {
    guard list.type == .cidr, list.values.count <= 64 else { return nil }
    let ranges = list.values.compactMap { AddressRange(Array($0.text.utf8)) }
    return ranges.count == list.values.count ? ranges : nil
  }

  private static func compile(
    _ value: WrittenText, _ regex: RegexLibrary, _ problems: inout Problems
  ) -> OpaquePointer? {
    let bytes = Array(value.text.utf8)
    let (pattern, message): (OpaquePointer?, String) = bytes.withUnsafeBufferPointer { bytes in
      withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
        guard let base = buffer.baseAddress else { return (nil, "") }
        base.pointee = 0
        let pattern = regex.compile(bytes.baseAddress, bytes.count, base, 256)
        return (pattern, pattern == nil ? String(cString: base) : "")
      }
    }
    if pattern == nil { problems.error(at: value.position, "invalid regular expression: \(message)") }
    return pattern
  }
}
