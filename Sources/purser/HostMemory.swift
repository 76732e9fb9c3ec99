import CPurser

/// Memory for what is lent to the library as pointers: it neither moves nor goes before `reset` or the end of this object.
final class HostMemory {
  private var blocks: [UnsafeMutableRawPointer] = []
  private var blockBytes = 0
  private var used = 0
  /// Requests of ordinary size need one block of this many bytes.
  private static let blockBytesMin = 16384

  deinit {
    for block in blocks { block.deallocate() }
  }

  /// Forgets all; the last block is kept for what comes next.
  func reset() {
    while blocks.count > 1 {
      blocks.removeFirst().deallocate()
    }
    used = 0
  }

  /// Uninitialised memory, aligned to 16 bytes.
  func allocate(bytes: Int) -> UnsafeMutableRawPointer {
    let rounded = (max(bytes, 1) + 15) & ~15
    if let block = blocks.last, used + rounded <= blockBytes {
      defer { used += rounded }
      return block + used
    }
    blockBytes = max(rounded, Self.blockBytesMin)
    let block = UnsafeMutableRawPointer.allocate(byteCount: blockBytes, alignment: 16)
    blocks.append(block)
    used = rounded
    return block
  }

  func array<Element>(of elements: [Element]) -> UnsafeMutablePointer<Element> {
    let pointer = allocate(bytes: elements.count * MemoryLayout<Element>.stride)
      .bindMemory(to: Element.self, capacity: elements.count)
    for (index, element) in elements.enumerated() {
      (pointer + index).initialize(to: element)
    }
    return pointer
  }

  func text(_ string: String) -> purser_text {
    text(Array(string.utf8))
  }

  func text(_ bytes: [UInt8]) -> purser_text {
    let copy = array(of: bytes)
    return purser_text(data: UnsafeRawPointer(copy).assumingMemoryBound(to: CChar.self), size: bytes.count)
  }
}

extension String {
  /// Copies text of the library.
  init(_ text: purser_text) {
    let bytes = UnsafeRawBufferPointer(start: text.data, count: text.data == nil ? 0 : text.size)
    self.init(decoding: bytes, as: UTF8.self)
  }

  /// Copies text that the library gave away, and frees it.
  init(taking text: inout purser_text) {
    self.init(text)
    purser_text_free(&text)
  }
}
