// What parses is printed, and the printed text parses to a tree that prints the same.

import CEL

@c(LLVMFuzzerTestOneInput)
public func fuzz(_ data: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
  let forms: [(macros: Bool, extensions: Set<Extension>)] = [(true, []), (false, []), (true, Set(Extension.allCases))]
  for (macros, extensions) in forms {
    var diagnostics = Diagnostics()
    guard
      let tree = Parser.parse(
        Array(UnsafeBufferPointer(start: data, count: size)), macros: macros, extensions: extensions,
        diagnostics: &diagnostics)
    else { continue }
    guard let text = Printer.text(of: tree) else { preconditionFailure("a tree of the parser has no text") }
    guard let again = Parser.parse(Array(text.utf8), macros: macros, extensions: extensions, diagnostics: &diagnostics)
    else {
      preconditionFailure("`\(text)` does not parse: \(diagnostics.items.map(\.message))")
    }
    precondition(Array(TreeText(again).text.utf8) == Array(TreeText(tree).text.utf8), "`\(text)` is another tree")
  }
  return 0
}
