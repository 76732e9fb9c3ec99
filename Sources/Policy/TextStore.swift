// Text of a plan at addresses that do not move; equal text is kept once.

import CEL

public final class TextStore: @unchecked Sendable {
  private var kept: [[UInt8]: Bytes] = [:]
  private var blocks: [UnsafeMutablePointer<UInt8>] = []

  public init() {}

  public func keep(_ text: String) -> Bytes { keep(Array(text.utf8)) }

  public func keep(_ text: [UInt8]) -> Bytes {
    if text.isEmpty { return .empty }
    if let known = kept[text] { return known }
    let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: text.count)
    var index = 0
    for byte in text {
      memory[index] = byte
      index &+= 1
    }
    blocks.append(memory)
    let bytes = Bytes(memory, count: UInt32(truncatingIfNeeded: text.count))
    kept[text] = bytes
    return bytes
  }

  deinit {
    for block in blocks { block.deallocate() }
  }
}
