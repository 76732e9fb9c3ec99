import Foundation
import Testing

/// The example is held to its own words: the recording is what its script makes, and the policies decide it as told.
@Suite struct BookinfoTests {
  private static let folder = CommandLineTool.root.appendingPathComponent("examples/bookinfo")

  @Test func theRecordingIsWhatItsScriptMakes() throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", Self.folder.appendingPathComponent("make_requests.py").path, "--check"]
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
  }

  @Test func aReplayDecidesEveryHop() throws {
    let tool = try CommandLineTool()
    let result = try tool.run(
      "replay", "--policy", Self.folder.appendingPathComponent("policies").path,
      Self.folder.appendingPathComponent("requests.jsonl").path)
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.contains("440 requests: 403 allowed, 37 denied (8.4 %)"))
  }
}
