// Whatever parses can be checked, compiled and evaluated, checked or not, and gives a value or an error.

import CEL
import CELHost
import CELTwin

nonisolated(unsafe) private let host = TwinVariables.host()

@c(LLVMFuzzerTestOneInput)
public func fuzz(_ data: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
  var diagnostics = Diagnostics()
  let text = Array(UnsafeBufferPointer(start: data, count: size))
  guard let tree = Parser.parse(text, extensions: host.environment.extensions, diagnostics: &diagnostics) else {
    return 0
  }
  var choices = TwinChoices(seed: UInt64(size))
  TwinVariables.bind(TwinVariables.bindings(&choices), in: host)
  for checked in [
    Checker.check(tree, in: host.environment, diagnostics: &diagnostics), Checker.resolve(tree, in: host.environment),
  ] {
    guard let checked else { continue }
    var builder = CodeBuilder(regex: regexLibrary)
    guard builder.add(checked, diagnostics: &diagnostics) != nil else {
      precondition(diagnostics.hasErrors, "refused without a word")
      continue
    }
    host.evaluate(builder.finish()) { value in
      precondition(value.kind != .unfetched && value.kind != .absent, "no value")
      _ = render(value)
    }
  }
  return 0
}
