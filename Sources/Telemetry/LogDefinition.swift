// What a kind of log record looks like: its field names, rendered once as the JSON that goes before each value.

import CEL
import CPlatform

public final class LogDefinition: @unchecked Sendable {
  public let fieldNames: [String]
  /// For each field, `"name":` with JSON escapes. Lives as long as the definition.
  public let keys: UnsafeMutablePointer<Bytes>
  public var fieldCount: Int { fieldNames.count }
  private let text: UnsafeMutablePointer<UInt8>

  /// Nil without memory.
  public init?(fieldNames: [String]) {
    // A byte takes at most six as JSON; then quotes and a colon.
    var capacity = 1
    for name in fieldNames { capacity &+= name.utf8.count &* 6 &+ 3 }
    guard let keys = calloc(fieldNames.count &+ 1, MemoryLayout<Bytes>.stride) else { return nil }
    guard let memory = malloc(capacity) else {
      free(keys)
      return nil
    }
    self.fieldNames = fieldNames
    self.keys = keys.bindMemory(to: Bytes.self, capacity: fieldNames.count &+ 1)
    self.text = memory.bindMemory(to: UInt8.self, capacity: capacity)
    var span = TextSpan(text, capacity: capacity)
    for (index, name) in fieldNames.enumerated() {
      let start = span.count
      var copy = name
      copy.withUTF8 { utf8 in
        let bytes = Bytes(UnsafeRawPointer(utf8.baseAddress), count: UInt32(truncatingIfNeeded: utf8.count))
        span.append(quoted: bytes, bytesMax: utf8.count)
      }
      span.append(UInt8(ascii: ":"))
      self.keys[index] = Bytes(UnsafeRawPointer(text + start), count: UInt32(truncatingIfNeeded: span.count &- start))
    }
  }

  deinit {
    free(keys)
    free(text)
  }
}
