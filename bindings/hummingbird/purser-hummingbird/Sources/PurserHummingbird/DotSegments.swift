// Policies decide on the path with its dot segments resolved; Hummingbird's router takes them as names. A path that means
// one thing to the one and another to the other is answered before either sees it.

/// Whether a request target has a segment `.` or `..`, written as such or escaped. `\` counts as `/`.
func hasDotSegments(_ target: String) -> Bool {
  var segment: [UInt8] = []
  var bytes = Array(target.utf8)[...]
  func isDots() -> Bool { segment == [UInt8(ascii: ".")] || segment == [UInt8(ascii: "."), UInt8(ascii: ".")] }
  while let byte = bytes.popFirst() {
    switch byte {
    case UInt8(ascii: "?"), UInt8(ascii: "#"): return isDots()
    case UInt8(ascii: "/"), UInt8(ascii: "\\"):
      if isDots() { return true }
      segment.removeAll(keepingCapacity: true)
    case UInt8(ascii: "%") where bytes.starts(with: Array("2e".utf8)) || bytes.starts(with: Array("2E".utf8)):
      bytes = bytes.dropFirst(2)
      segment.append(UInt8(ascii: "."))
    default: segment.append(byte)
    }
  }
  return isDots()
}
