// Text across the door.

import CEL
import CPlatform
import CPurser

extension purser_text {
  /// Borrowed.
  init(_ bytes: Bytes) {
    self.init(
      data: UnsafeRawPointer(bitPattern: UInt(truncatingIfNeeded: bytes.address))?.assumingMemoryBound(to: CChar.self),
      size: Int(bytes.count))
  }

  /// A copy for the caller, NUL-terminated past its size; `purser_text_free` frees it. Nil without memory.
  init?(copying text: [UInt8]) {
    guard let memory = malloc(text.count &+ 1) else { return nil }
    let bytes = memory.assumingMemoryBound(to: UInt8.self)
    var index = 0
    for byte in text {
      bytes[index] = byte
      index &+= 1
    }
    bytes[index] = 0
    self.init(data: UnsafePointer(memory.assumingMemoryBound(to: CChar.self)), size: text.count)
  }

  /// The bytes, copied; nil when the pointer is missing.
  var bytes: [UInt8]? {
    guard size != 0 else { return [] }
    // A size past half of the address space is a mistake, not text.
    guard let data, size > 0 else { return nil }
    return Array(UnsafeRawBufferPointer(start: data, count: size))
  }

  /// As text; nil when the pointer is missing or it is not UTF-8.
  var string: String? {
    guard let bytes else { return nil }
    return bytes.withUnsafeBufferPointer {
      Bytes($0.baseAddress, count: UInt32(truncatingIfNeeded: $0.count)).isUTF8
        ? String(decoding: $0, as: UTF8.self) : nil
    }
  }
}

@c @implementation
public func purser_text_free(_ text: UnsafeMutablePointer<purser_text>?) {
  guard let text else { return }
  free(UnsafeMutableRawPointer(mutating: text.pointee.data))
  text.pointee = purser_text(data: nil, size: 0)
}

/// Hands a copy of text to the caller.
func give(_ text: [UInt8], to out: UnsafeMutablePointer<purser_text>) -> purser_status {
  guard let copy = purser_text(copying: text) else { return PURSER_UNAVAILABLE }
  out.pointee = copy
  return PURSER_OK
}
