// A length of time as CEL and Go write it: `30s`, `1m30s`, `1.5h`, `250ms`. Without a sign, above zero.

/// Nanoseconds, or nil when the text is no duration or does not fit.
func parsedDuration(_ bytes: ArraySlice<UInt8>) -> Int64? {
  var rest = bytes
  var total: Int64 = 0
  guard !rest.isEmpty, rest.count <= 64 else { return nil }
  while !rest.isEmpty {
    guard let (amount, scale) = takeDecimal(&rest), let unit = takeUnit(&rest) else { return nil }
    let (product, overflow) = amount.multipliedReportingOverflow(by: unit)
    guard !overflow else { return nil }
    let (sum, sumOverflow) = total.addingReportingOverflow(product / scale)
    guard !sumOverflow else { return nil }
    total = sum
  }
  return total > 0 ? total : nil
}

/// `1.25` as 125 and 100. At most 9 digits after the point: no unit has more.
private func takeDecimal(_ rest: inout ArraySlice<UInt8>) -> (amount: Int64, scale: Int64)? {
  var amount: Int64 = 0
  var scale: Int64 = 1
  var hasPoint = false
  var digits = 0
  while let byte = rest.first {
    if byte == UInt8(ascii: "."), !hasPoint {
      hasPoint = true
    } else if byte >= 48, byte <= 57 {
      let (product, overflow) = amount.multipliedReportingOverflow(by: 10)
      let (sum, sumOverflow) = product.addingReportingOverflow(Int64(byte &- 48))
      guard !overflow, !sumOverflow, scale < 1_000_000_000 else { return nil }
      amount = sum
      if hasPoint { scale &*= 10 }
      digits &+= 1
    } else {
      break
    }
    rest = rest.dropFirst()
  }
  return digits > 0 ? (amount, scale) : nil
}

private func takeUnit(_ rest: inout ArraySlice<UInt8>) -> Int64? {
  let letters = rest.prefix { $0 >= 97 && $0 <= 122 }
  rest = rest.dropFirst(letters.count)
  switch String(decoding: letters, as: UTF8.self) {
  case "ns": return 1
  case "us": return 1_000
  case "ms": return 1_000_000
  case "s": return 1_000_000_000
  case "m": return 60_000_000_000
  case "h": return 3_600_000_000_000
  default: return nil
  }
}
