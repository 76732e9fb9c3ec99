// Text and values of a plan at addresses that do not move; equal text is kept once.

import CEL

public final class TextStore: @unchecked Sendable {
  private var kept: [[UInt8]: Bytes] = [:]
  private var blocks: [UnsafeMutablePointer<UInt8>] = []
  private var valueBlocks: [UnsafeMutablePointer<Value>] = []

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

  /// Forgets which texts it has, which takes more memory than the texts: what is kept from now on is kept again.
  public func seal() { kept = [:] }

  /// A copy of the values, which may point to text kept here.
  public func keep(_ values: [Value]) -> UnsafePointer<Value> {
    let memory = UnsafeMutablePointer<Value>.allocate(capacity: values.count &+ 1)
    var index = 0
    for value in values {
      memory[index] = value
      index &+= 1
    }
    valueBlocks.append(memory)
    return UnsafePointer(memory)
  }

  deinit {
    for block in blocks { block.deallocate() }
    for block in valueBlocks { block.deallocate() }
  }
}
