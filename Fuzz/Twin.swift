// The input is a generator's decisions: an expression that fits or not, and what its variables are. The compiled
// program and the twin agree on it.

import CELTwin

nonisolated(unsafe) private var comparison = TwinComparison()

@c(LLVMFuzzerTestOneInput)
public func fuzz(_ data: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
  let bytes = Array(UnsafeBufferPointer(start: data, count: size))
  guard let first = bytes.first else { return 0 }
  var generator = TwinGenerator(TwinChoices(bytes: Array(bytes.dropFirst())), isStrict: first & 1 == 0)
  let tree = generator.expression(depth: 2 + Int(first >> 1) % 4)
  var choices = generator.choices
  if let difference = comparison.difference(tree, bindings: 2, &choices) { preconditionFailure(difference) }
  return 0
}
