// Any bytes parse or are refused with at least one message, within the limits; macros on and off, and extensions.

import CEL

@c(LLVMFuzzerTestOneInput)
public func fuzz(_ data: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
  let text = Array(UnsafeBufferPointer(start: data, count: size))
  let forms: [(macros: Bool, extensions: Set<Extension>)] = [(true, []), (false, []), (true, Set(Extension.allCases))]
  for (macros, extensions) in forms {
    var diagnostics = Diagnostics()
    let tree = Parser.parse(text, macros: macros, extensions: extensions, diagnostics: &diagnostics)
    precondition((tree == nil) == diagnostics.hasErrors, "refused without a word, or taken with errors")
    for item in diagnostics.items {
      precondition(item.span.start <= item.span.end, "a span that ends before it starts")
      precondition(Int(item.span.end) <= size + 1, "a span past the text")
      precondition(!item.message.isEmpty)
    }
  }
  return 0
}
