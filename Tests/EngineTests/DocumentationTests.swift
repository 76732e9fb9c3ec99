// What the documentation shows is true: its policies load, and its program is the one in examples/.

import Foundation
import PurserAttributes
import PurserConfiguration
import Testing

@Suite struct DocumentationTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  private static func text(_ path: String) throws -> String {
    try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
  }

  /// The fenced blocks of a language.
  private static func blocks(_ language: String, in text: String) -> [String] {
    text.components(separatedBy: "```\(language)\n").dropFirst().compactMap { $0.components(separatedBy: "```").first }
  }

  private static func pages() throws -> [String] {
    let folder = root.appendingPathComponent("docs").path
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".md") }.sorted()
    return ["README.md"] + names.map { "docs/" + $0 }
  }

  @Test func everyPolicySampleLoads() throws {
    var count = 0
    for page in try Self.pages() {
      for block in Self.blocks("yaml", in: try Self.text(page)) where block.contains("apiVersion: purser.dev/") {
        var request = LoadRequest()
        request.documents = [(page, Array(block.utf8))]
        let result = try #require(PlanLoader.load(request))
        #expect(result.plan != nil, "\(result.problems.rendered(with: result.sources))")
        count += 1
      }
    }
    #expect(count >= 7)
  }

  @Test func theReadmeShowsTheProgramOfTheExample() throws {
    let program = try Self.text("examples/embed/embed.c")
    #expect(Self.blocks("c", in: try Self.text("README.md")).contains(program))
  }

  @Test func theAttributePageNamesEveryAttribute() throws {
    let page = try Self.text("docs/attributes.md")
    for attribute in Vocabulary.wellKnown {
      #expect(page.contains("| `\(attribute.name)` | \(attribute.type.rawValue) | \(attribute.phase.name) |"))
    }
  }
}
