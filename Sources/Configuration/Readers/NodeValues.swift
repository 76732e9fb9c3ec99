// Values out of a tree that `ShapeCheck` has seen: each is there and well formed, or nil, and nothing is reported.

import CYAML

extension YamlTree {
  /// A mapping's value of this name.
  func field(_ name: String, of id: NodeID?) -> NodeID? {
    guard let id else { return nil }
    for (key, value) in entries(of: id) where bytes(of: key).elementsEqual(name.utf8) { return value }
    return nil
  }

  /// Where a mapping's field of this name is written.
  func fieldPosition(_ name: String, of id: NodeID) -> Position? {
    for (key, _) in entries(of: id) where bytes(of: key).elementsEqual(name.utf8) { return position(of: key) }
    return nil
  }

  func text(_ name: String, of id: NodeID?) -> String? { field(name, of: id).flatMap(text) }

  func text(_ id: NodeID) -> String? {
    guard self[id].kind == .scalar, case .text = meaning(of: id) else { return nil }
    return string(of: id)
  }

  func written(_ id: NodeID) -> WrittenText? {
    text(id).map { WrittenText(text: $0, position: position(of: id)) }
  }

  func word<Word: RawRepresentable>(_ name: String, of id: NodeID?, as type: Word.Type) -> Word?
  where Word.RawValue == String {
    text(name, of: id).flatMap { Word(rawValue: $0) }
  }

  func boolean(_ name: String, of id: NodeID?) -> Bool? {
    guard let id = field(name, of: id), case .boolean(let value) = meaning(of: id) else { return nil }
    return value
  }

  func integer(_ name: String, of id: NodeID?) -> Int64? { field(name, of: id).flatMap(integer) }

  func integer(of id: NodeID) -> Int64? {
    guard case .integer = meaning(of: id) else { return nil }
    let bytes = self.bytes(of: id)
    let isNegative = bytes.first == UInt8(ascii: "-")
    var value: Int64 = 0
    for byte in bytes where byte != UInt8(ascii: "-") && byte != UInt8(ascii: "+") {
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, sumOverflow) = product.subtractingReportingOverflow(Int64(byte &- 48))
      guard !overflow, !sumOverflow else { return nil }
      value = sum
    }
    // Counted down, since the least integer has no positive twin.
    if isNegative { return value }
    return value == Int64.min ? nil : 0 &- value
  }

  func double(of id: NodeID) -> Double? {
    switch meaning(of: id) {
    case .integer, .number: break
    default: return nil
    }
    var value = 0.0
    return bytes(of: id).withUnsafeBufferPointer { cyaml_double($0.baseAddress, $0.count, &value) } ? value : nil
  }

  func duration(_ name: String, of id: NodeID?) -> Int64? {
    field(name, of: id).flatMap { parsedDuration(bytes(of: $0)) }
  }

  func items(_ name: String, of id: NodeID?) -> [NodeID] {
    guard let id = field(name, of: id), self[id].kind == .sequence else { return [] }
    return Array(children(of: id))
  }

  func entries(_ name: String, of id: NodeID?) -> [(key: NodeID, value: NodeID)] {
    guard let id = field(name, of: id) else { return [] }
    return Array(entries(of: id))
  }
}
