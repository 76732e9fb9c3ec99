// What is lent to the library as pointers while it is called, and what comes back as text.
//
//   attribute values ─► LentMemory (options, constants)  ─► purser_value
//   attribute values ─► scratch of the call (callbacks)  ─► purser_value

import CPlatform
import CPurser

/// Where the bytes of lent values are put.
protocol Lender {
  /// Uninitialised memory, aligned to 16 bytes; nil when there is no more.
  func allocate(bytes: Int) -> UnsafeMutableRawPointer?
}

/// Memory that lives as long as this object.
final class LentMemory: Lender {
  private var blocks: [UnsafeMutableRawPointer] = []

  deinit {
    for block in blocks { block.deallocate() }
  }

  func allocate(bytes: Int) -> UnsafeMutableRawPointer? {
    let block = UnsafeMutableRawPointer.allocate(byteCount: max(bytes, 1), alignment: 16)
    blocks.append(block)
    return block
  }

  /// Of structs of C, which need no end.
  func array<Element>(_ elements: [Element]) -> UnsafePointer<Element>? {
    guard let memory = allocate(bytes: elements.count &* MemoryLayout<Element>.stride) else { return nil }
    let pointer = memory.bindMemory(to: Element.self, capacity: elements.count)
    pointer.initialize(from: elements, count: elements.count)
    return UnsafePointer(pointer)
  }

  /// Here memory does not run out, so there is always a text.
  func text(_ string: String) -> purser_text { lend(string) ?? purser_text() }
}

/// The memory of one call, which the engine bounds.
struct Scratch: Lender {
  let handle: OpaquePointer?

  @inline(__always)
  func allocate(bytes: Int) -> UnsafeMutableRawPointer? { purser_scratch_allocate(handle, bytes) }
}

/// One level more than the engine reads.
private let depthMax = 33

extension Lender {
  @inline(__always)
  func lend(_ string: String) -> purser_text? {
    var string = string
    return string.withUTF8 { lend($0) }
  }

  @inline(__always)
  func lend(_ bytes: UnsafeBufferPointer<UInt8>) -> purser_text? {
    guard let source = bytes.baseAddress, bytes.count > 0 else { return purser_text() }
    guard let memory = allocate(bytes: bytes.count) else { return nil }
    memory.copyMemory(from: source, byteCount: bytes.count)
    return purser_text(data: UnsafePointer(memory.assumingMemoryBound(to: CChar.self)), size: bytes.count)
  }

  /// Nil when there is no more memory.
  @inline(__always)
  func lend(_ value: AttributeValue, depth: Int = 0) -> purser_value? {
    if case .string(let string) = value {
      guard let text = lend(string) else { return nil }
      return purser_value(string: text)
    }
    return lendOther(value, depth)
  }

  @inline(never)
  private func lendOther(_ value: AttributeValue, _ depth: Int) -> purser_value? {
    var lent = purser_value()
    // The engine refuses what is nested this deep, whatever is below.
    if depth > depthMax { return lent }
    switch value {
    case .null: lent.type = PURSER_TYPE_NULL.rawValue
    case .bool(let value):
      lent.type = PURSER_TYPE_BOOL.rawValue
      lent.as.boolean = value ? 1 : 0
    case .int(let value):
      lent.type = PURSER_TYPE_INT.rawValue
      lent.as.integer = Int64(value)
    case .uint(let value):
      lent.type = PURSER_TYPE_UINT.rawValue
      lent.as.unsigned_integer = UInt64(value)
    case .double(let value):
      lent.type = PURSER_TYPE_DOUBLE.rawValue
      lent.as.number = value
    case .string(let value): return lend(value).map(purser_value.init(string:))
    case .bytes(let value):
      guard let text = value.withUnsafeBufferPointer({ lend($0) }) else { return nil }
      lent.type = PURSER_TYPE_BYTES.rawValue
      lent.as.text = text
    case .timestamp(let value):
      lent.type = PURSER_TYPE_TIMESTAMP.rawValue
      lent.nanos = value.nanoseconds
      lent.as.seconds = value.seconds
    case .duration(let value):
      let parts = value.components
      lent.type = PURSER_TYPE_DURATION.rawValue
      lent.nanos = Int32(truncatingIfNeeded: parts.attoseconds / 1_000_000_000)
      lent.as.seconds = parts.seconds
    case .list(let items):
      guard let list = lend(items, depth) else { return nil }
      lent.type = PURSER_TYPE_LIST.rawValue
      lent.as.list = list
    case .map(let entries):
      guard let map = lend(entries, depth) else { return nil }
      lent.type = PURSER_TYPE_MAP.rawValue
      lent.as.map = map
    }
    return lent
  }

  private func lend(_ items: [AttributeValue], _ depth: Int) -> purser_list? {
    guard let memory = allocate(bytes: items.count &* MemoryLayout<purser_value>.stride) else { return nil }
    let out = memory.bindMemory(to: purser_value.self, capacity: items.count)
    var next = out
    for item in items {
      guard let value = lend(item, depth: depth &+ 1) else { return nil }
      next.initialize(to: value)
      next += 1
    }
    return purser_list(items: out, count: items.count)
  }

  private func lend(_ entries: [String: AttributeValue], _ depth: Int) -> purser_map? {
    guard let memory = allocate(bytes: entries.count &* MemoryLayout<purser_entry>.stride) else { return nil }
    let out = memory.bindMemory(to: purser_entry.self, capacity: entries.count)
    var next = out
    for (key, value) in entries {
      guard let key = lend(key), let value = lend(value, depth: depth &+ 1) else { return nil }
      next.initialize(to: purser_entry(key: key, value: value))
      next += 1
    }
    return purser_map(entries: out, count: entries.count)
  }
}

extension purser_value {
  @inline(__always)
  init(string text: purser_text) {
    self.init()
    type = PURSER_TYPE_STRING.rawValue
    self.as.text = text
  }
}

extension String {
  /// Copies text of the library.
  init(_ text: purser_text) {
    self.init(
      decoding: UnsafeRawBufferPointer(start: text.data, count: text.data == nil ? 0 : text.size), as: UTF8.self)
  }

  /// Copies text that the library gave away, and frees it.
  init(taking text: inout purser_text) {
    self.init(text)
    purser_text_free(&text)
  }

  @inline(__always)
  func isSame(as text: purser_text) -> Bool {
    guard utf8.count == text.size else { return false }
    guard text.size > 0, let data = text.data else { return text.size == 0 }
    if let isSame = utf8.withContiguousStorageIfAvailable({ bytes in
      bytes.baseAddress.map { memcmp($0, data, text.size) == 0 } ?? false
    }) {
      return isSame
    }
    return self == String(text)
  }
}
