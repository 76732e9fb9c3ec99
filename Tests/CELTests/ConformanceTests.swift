// Runs the public conformance cases that lie beside the project, if they do; conformance-failures.txt lists the ones
// known to fail. `make conformance` runs any other folder by the same code.

import CELConformance
import Foundation
import Testing

@Suite struct ConformanceTests {
  private static let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent()

  @Test func casesPassExceptTheListedOnes() throws {
    let folder = Self.here.appendingPathComponent("../../../shared/cel").standardizedFileURL
    guard let cases = ConformanceCase.load(folder: folder) else {
      print("conformance: skipped, there are no cases in \(folder.path)")
      return
    }
    let report = try ConformanceReport(
      running: cases, expectedFailures: Self.here.appendingPathComponent("conformance-failures.txt"))
    for failure in report.unlistedFailures { Issue.record("\(failure)") }
    for listing in report.staleListings { Issue.record("\(listing)") }
    print(report.text)
  }
}
