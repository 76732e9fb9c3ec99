// conformance [--expected-failures FILE] FOLDER
//
// Runs a folder of conformance cases and prints what came of them. Exits with 1 when a case fails that FILE does not
// list, and with 2 when there is nothing to run.

import CELConformance
import Foundation

func fail(_ message: String) -> Never {
  FileHandle.standardError.write(Data((message + "\n").utf8))
  exit(2)
}

var arguments = Array(CommandLine.arguments.dropFirst())
var expectedFailures: URL?
if let at = arguments.firstIndex(of: "--expected-failures"), at + 1 < arguments.count {
  expectedFailures = URL(fileURLWithPath: arguments[at + 1])
  arguments.removeSubrange(at...(at + 1))
}
guard arguments.count == 1 else { fail("usage: conformance [--expected-failures FILE] FOLDER") }
guard let cases = ConformanceCase.load(folder: URL(fileURLWithPath: arguments[0])) else {
  fail("conformance: there are no cases (*.jsonl) in \(arguments[0])")
}
do {
  let report = try ConformanceReport(running: cases, expectedFailures: expectedFailures)
  print(report.text)
  exit(report.unlistedFailures.isEmpty ? 0 : 1)
} catch {
  fail("conformance: \(error.localizedDescription)")
}
