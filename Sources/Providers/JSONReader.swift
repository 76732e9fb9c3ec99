// JSON text to a field value, by jansson. A document that holds a key twice, or says more after its end, is refused:
// two readers must not find different answers in it.

import CJansson
import CPlatform

enum JSONReader {
  /// Far above what a decision needs; the reader's recursion stays within a small stack.
  static let depthMax = 64

  /// The value of the whole text, or what is wrong with it and where.
  static func read(_ text: [UInt8]) -> Result<FieldValue, ProviderError> {
    var reason = [CChar](repeating: 0, count: 256)
    let root = text.withUnsafeBufferPointer { text in
      reason.withUnsafeMutableBufferPointer { reason in
        json_node_read(text.baseAddress, text.count, depthMax, reason.baseAddress, reason.count)
      }
    }
    guard let root else { return .failure(ProviderError("no JSON: \(text.isEmpty ? "it is empty" : textOf(reason))")) }
    defer { json_node_free(root) }
    return .success(value(of: root))
  }

  private static func value(of node: OpaquePointer) -> FieldValue {
    switch json_node_kind_of(node) {
    case JSON_NODE_FALSE: return .bool(false)
    case JSON_NODE_TRUE: return .bool(true)
    case JSON_NODE_INTEGER: return .int(json_node_integer(node))
    case JSON_NODE_REAL: return .double(json_node_real(node))
    case JSON_NODE_STRING:
      var size = 0
      let bytes = json_node_string(node, &size)
      return .string(Array(UnsafeBufferPointer(start: bytes, count: bytes == nil ? 0 : size)))
    case JSON_NODE_ARRAY:
      var elements: [FieldValue] = []
      for index in 0..<json_node_count(node) {
        guard let element = json_node_element(node, index) else { break }
        elements.append(value(of: element))
      }
      return .list(elements)
    case JSON_NODE_OBJECT:
      var entries: [FieldEntry] = []
      var key: UnsafePointer<UInt8>?
      var size = 0
      var member: OpaquePointer?
      var at = json_node_member(node, nil, &key, &size, &member)
      while let here = at {
        guard let name = key, let child = member else { break }
        entries.append(FieldEntry(key: Array(UnsafeBufferPointer(start: name, count: size)), value: value(of: child)))
        at = json_node_member(node, here, &key, &size, &member)
      }
      return .map(entries)
    default: return .null
    }
  }
}
