// Memory of one bound plan: copies of its tables that do not move.

import CEL
import PurserAttributes

struct PlanMemory {
  private var blocks: [UnsafeMutableRawPointer] = []

  /// A copy of the elements; an empty one has an address too.
  mutating func keep<Element: BitwiseCopyable>(_ elements: [Element]) -> UnsafePointer<Element> {
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: MemoryLayout<Element>.stride &* (elements.count &+ 1), alignment: 16)
    blocks.append(memory)
    let items = memory.bindMemory(to: Element.self, capacity: elements.count &+ 1)
    var index = 0
    for element in elements {
      (items + index).initialize(to: element)
      index &+= 1
    }
    return UnsafePointer(items)
  }

  /// `numbers` maps the plan's custom attribute numbers to the engine's.
  mutating func view(of part: CompiledPart, numbers: [UInt32: UInt32]) -> CodeView {
    let bindings = part.bindings.map { binding in
      var binding = binding
      if binding.source == .host || binding.source == .hostMap, let number = numbers[binding.number] {
        binding.number = number
      }
      return binding
    }
    return CodeView(
      code: part.code.image, bindings: keep(bindings), bindingCount: UInt32(truncatingIfNeeded: bindings.count),
      initialSlots: keep(bindings.map { initialValue(of: $0) }),
      slotNames: keep(part.slotNames), slotNameCount: UInt32(truncatingIfNeeded: part.slotNames.count))
  }

  private func initialValue(of binding: SlotBinding) -> Value {
    switch binding.source {
    case .constant: binding.value
    case .own where binding.number >= ListVariable.first: ListVariable.value(binding.number)
    default: Value(kind: .unfetched)
    }
  }

  mutating func free() {
    for block in blocks { block.deallocate() }
    blocks = []
  }
}
