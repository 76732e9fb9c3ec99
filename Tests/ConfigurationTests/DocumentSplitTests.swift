// Files read document by document give what they give as a whole.

import Foundation
import Testing

@testable import PurserConfiguration

@Suite struct DocumentSplitTests {
  private func parts(_ text: String) -> [String] {
    let bytes = Array(text.utf8)
    return bytes.withUnsafeBufferPointer { text in
      DocumentSplit.parts(of: text).map {
        "\($0.line): " + String(decoding: UnsafeBufferPointer(rebasing: text[$0.range]), as: UTF8.self)
      }
    }
  }

  @Test func aLineOfThreeDashesBeginsAPart() {
    #expect(parts("") == ["1: "])
    #expect(parts("a: 1\n") == ["1: a: 1\n"])
    #expect(parts("---\na: 1\n--- # b\nb: 2\n---") == ["1: ---\na: 1\n", "3: --- # b\nb: 2\n", "5: ---"])
    #expect(parts("# c\n\n---\ta\r\n---\r\n") == ["1: # c\n\n", "3: ---\ta\r\n", "4: ---\r\n"])
    #expect(parts("a: |\n ---\n ----\n---x\n----\n") == ["1: a: |\n ---\n ----\n---x\n----\n"])
    #expect(parts("a\r---\rb") == ["1: a\r", "2: ---\rb"])
    #expect(parts("\u{FEFF}---\na\n---\nb") == ["1: \u{FEFF}", "1: ---\na\n", "3: ---\nb"])
  }

  @Test func whatLibyamlMayReadOtherwiseIsOnePart() {
    for text in ["%YAML 1.1\n---\na\n---\nb\n", "a\u{85}---\nb\n---\nc", "a: \u{2028}\n---\nb", "\u{2029}\n---\n"] {
      #expect(parts(text).count == 1, "\(text)")
    }
    #expect(parts("a: é☕\u{10FFFF}\n---\nb").count == 2)
  }

  /// What a load finds, in words: `nil` where it finds errors.
  private func found(_ text: String, byParts: Bool) -> String? {
    var problems = Problems()
    let documents = Loader.read(
      paths: [], inline: [("file.yaml", Array(text.utf8))], byParts: byParts ? KnownUnits(nil) : nil, problems: &problems)
    if problems.hasErrors { return nil }
    var policies = documents.policies
    for index in policies.indices { policies[index].origin = DocumentOrigin(source: 0) }
    return """
      \(policies)
      \(documents.telemetries)\(documents.backends)\(documents.valueLists)\(documents.attributeManifests)
      \(String(describing: documents.policySet))\(documents.valueFiles)\(problems.items)
      """
  }

  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()

  static var files: [String] {
    let names = FileManager.default.enumerator(atPath: root.appendingPathComponent("Cases").path)?.allObjects ?? []
    return names.compactMap { $0 as? String }.filter { $0.hasSuffix(".yaml") }.sorted()
  }

  /// All cases, and what they become when lines go, come or change places.
  @Test func documentsReadByThemselvesAreTheSame() throws {
    var random = SystemRandomNumberGenerator()
    #expect(Self.files.count > 30)
    var good = 0
    for name in Self.files {
      let path = Self.root.appendingPathComponent("Cases").appendingPathComponent(name)
      guard let text = try? String(contentsOf: path, encoding: .utf8) else { continue }
      var texts = [text, "---\n" + text, text + "\n---\n# nothing\n---\n" + text.replacing("name: ", with: "name: x")]
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      let pieces = ["---", "--- ", "...", "---x", "", "# c", "  ---", "\"", "'", "|", "]", "a: |", "  - x", "\t", "%TAG ! x"]
      for _ in 0..<20 {
        var changed = lines
        let place = Int.random(in: 0..<changed.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: changed.remove(at: place)
        case 1: changed.insert(pieces.randomElement(using: &random) ?? "", at: place)
        default: changed.swapAt(place, Int.random(in: 0..<changed.count, using: &random))
        }
        texts.append(changed.joined(separator: Bool.random(using: &random) ? "\n" : "\r\n"))
      }
      for text in texts {
        let (whole, byParts) = (found(text, byParts: false), found(text, byParts: true))
        // A file that is good as a whole may be refused by parts, and is then read as a whole.
        if byParts == nil { continue }
        good += 1
        #expect(byParts == whole, "\(name):\n\(text)")
        if byParts != whole { return }
      }
    }
    #expect(good > 200)
  }

  @Test func goodFilesAreGoodByParts() throws {
    for name in Self.files where name.hasPrefix("decisions/") || name.hasPrefix("documents/good/") {
      let path = Self.root.appendingPathComponent("Cases").appendingPathComponent(name)
      let text = try String(contentsOf: path, encoding: .utf8)
      #expect((found(text, byParts: true) == nil) == (found(text, byParts: false) == nil), "\(name)")
    }
  }
}
