// Compiled expressions that are still to be linked: what they read is numbered as if they were alone. Immutable, so any
// number of codes may be linked from one fragment, now and later.
//
//   one block     constants │ instructions │ programs │ offsets
//   its storage   the text that they point to, and whatever its maker kept with it

import CPlatform

public final class CodeFragment: @unchecked Sendable {
  let storage: CodeStorage
  let constants: UnsafeBufferPointer<Value>
  let instructions: UnsafeBufferPointer<Instruction>
  let programs: UnsafeBufferPointer<Program>
  /// Parallel to `instructions`.
  let offsets: UnsafePointer<UInt32>
  let sets: [StringSet]
  /// By the fragment's own numbers.
  public let slots: [SlotDefinition]

  /// What a time zone is may have changed since.
  public var readsTimeZones: Bool { !storage.zones.isEmpty }

  init(_ pool: CodePool) {
    storage = pool.storage
    sets = pool.sets
    slots = pool.slots
    let valueBytes = pool.constants.count &* MemoryLayout<Value>.stride
    let instructionBytes = pool.instructions.count &* MemoryLayout<Instruction>.stride
    let programBytes = pool.programs.count &* MemoryLayout<Program>.stride
    let offsetBytes = pool.offsets.count &* MemoryLayout<UInt32>.stride
    let block = UnsafeMutableRawPointer.allocate(
      byteCount: valueBytes &+ instructionBytes &+ programBytes &+ offsetBytes &+ 16, alignment: 16)
    storage.adopt(block)
    // Each begins aligned: the strides before it are multiples of its alignment.
    constants = CodeFragment.copy(pool.constants, to: block)
    instructions = CodeFragment.copy(pool.instructions, to: block + valueBytes)
    programs = CodeFragment.copy(pool.programs, to: block + valueBytes + instructionBytes)
    let offsets = CodeFragment.copy(pool.offsets, to: block + valueBytes + instructionBytes + programBytes)
    self.offsets = offsets.baseAddress ?? UnsafePointer(block.assumingMemoryBound(to: UInt32.self))
  }

  private static func copy<Element: BitwiseCopyable>(
    _ elements: [Element], to place: UnsafeMutableRawPointer
  ) -> UnsafeBufferPointer<Element> {
    elements.withUnsafeBytes { source in
      if let base = source.baseAddress { memcpy(place, base, source.count) }
    }
    return UnsafeBufferPointer(start: place.assumingMemoryBound(to: Element.self), count: elements.count)
  }
}
