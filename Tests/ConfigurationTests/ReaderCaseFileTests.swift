// Tests/Cases/documents: what is in `good` loads without a word; each file of `bad` gives exactly the text beside it.

import Foundation
import Testing

@testable import PurserConfiguration

@Suite struct ReaderCaseFileTests {
  private static func names(_ folder: String) -> [String] {
    let path = repositoryRoot + "/Tests/Cases/documents/" + folder
    return ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).filter { $0.hasSuffix(".yaml") }
      .sorted()
  }

  @Test func thereAreCases() {
    #expect(Self.names("good").count >= 3 && Self.names("bad").count >= 8)
  }

  @Test(arguments: names("good"))
  func aGoodFileLoadsWithoutAWord(name: String) {
    let loaded = Loaded(paths: [repositoryRoot + "/Tests/Cases/documents/good/" + name])
    #expect(loaded.rendered == "")
  }

  @Test(arguments: names("bad"))
  func aBadFileGivesTheTextBesideIt(name: String) throws {
    let path = repositoryRoot + "/Tests/Cases/documents/bad/" + name
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    let rendered = Loaded(bytes: bytes, name: name).rendered
    let golden = String(path.dropLast(4)) + "txt"
    if ProcessInfo.processInfo.environment["PURSER_WRITE_GOLDEN"] != nil {
      try Data(rendered.utf8).write(to: URL(fileURLWithPath: golden))
    }
    #expect(rendered == (try? String(contentsOfFile: golden, encoding: .utf8)))
  }
}
