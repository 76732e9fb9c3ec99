// bench-cel FILE names                    the expressions' names, one a line, each with its value after a tab
// bench-cel FILE time                     for each line `NUMBER ITERATIONS` of the input: nanoseconds
// bench-cel FILE allocations NUMBER       of 1,000 evaluations after a first one
// bench-cel FILE watched NUMBER COUNT     runs `cel_benchmark_evaluate` so often, after a few evaluations elsewhere
//
// FILE holds attributes and expressions; see run.sh.

import AllocationCount
import CEL
import Foundation
import RE2Shim

func run(_ arguments: [String]) throws {
  guard arguments.count >= 2,
    let object = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: arguments[0])))
      as? [String: Any], let items = object["expressions"] as? [[String: String]]
  else { throw Refusal(message: "usage: bench-cel FILE names|time|allocations|watched …") }
  let attributes = try Attributes(object["attributes"] as? [String: Any] ?? [:])
  let regex = RegexLibrary(
    compile: { pattern, size, error, errorSize in purser_re2_compile(pattern, size, error, errorSize) },
    match: { regex, text, size in purser_re2_match(regex, text, size) },
    free: { regex in purser_re2_free(regex) })
  let expressions = try items.map {
    try Expression($0["expr"] ?? "", attributes.environment, attributes.values, regex: regex)
  }
  func numbered(_ text: some StringProtocol) throws -> Expression {
    guard let number = Int(text), expressions.indices.contains(number) else {
      throw Refusal(message: "no expression \(text)")
    }
    return expressions[number]
  }

  switch arguments[1] {
  case "names":
    for (item, expression) in zip(items, expressions) {
      print("\(item["name"] ?? "")\t\(render(expression.evaluate()))")
    }
  case "time":
    while let line = readLine() {
      let words = line.split(separator: " ")
      guard words.count == 2, let iterations = Int(words[1]) else { throw Refusal(message: "not understood: \(line)") }
      print(try numbered(words[0]).time(iterations))
      fflush(nil)
    }
  case "allocations" where arguments.count == 3:
    let expression = try numbered(arguments[2])
    _ = expression.evaluate()
    allocation_count_start()
    for _ in 0..<1_000 { _ = expression.evaluate() }
    let count = allocation_count_stop()
    print(count)
  case "watched" where arguments.count == 4:
    let expression = try numbered(arguments[2])
    for _ in 0..<10 { _ = expression.evaluate() }
    for _ in 0..<(Int(arguments[3]) ?? 0) { _ = expression.evaluateWatched() }
  default: throw Refusal(message: "usage: bench-cel FILE names|time|allocations|watched …")
  }
}

do {
  try run(Array(CommandLine.arguments.dropFirst()))
} catch {
  FileHandle.standardError.write(Data("bench-cel: \(error)\n".utf8))
  exit(1)
}
