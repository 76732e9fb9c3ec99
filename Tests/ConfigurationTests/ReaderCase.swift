// One way for all tests of this folder to load text and see what a person would see.

import Testing

@testable import PurserConfiguration

/// What a load of some text gave.
struct Loaded {
  var documents: DocumentSet
  var problems: Problems

  init(_ text: String, name: String = "t.yaml") { self.init(bytes: Array(text.utf8), name: name) }

  init(bytes: [UInt8], name: String = "t.yaml") {
    problems = Problems()
    documents = Loader.read(paths: [], inline: [(name, bytes)], problems: &problems)
  }

  init(paths: [String]) {
    problems = Problems()
    documents = Loader.read(paths: paths, inline: [], problems: &problems)
  }

  /// `line:column: severity: message` of each problem.
  var lines: [String] {
    problems.sorted().map {
      let whole = Problems.headline($0, in: documents.sources)
      let name = documents.sources.name(of: $0.position) + ":"
      return String(whole.dropFirst(name.count)).trimmingPrefixSpace
    }
  }

  var rendered: String { problems.rendered(with: documents.sources) }
}

extension String {
  var trimmingPrefixSpace: String { first == " " ? String(dropFirst()) : self }
}

/// A document of `kind` whose `spec` is these lines, indented by two.
func document(_ kind: String, name: String = "a", _ spec: String) -> String {
  let body = spec.split(separator: "\n", omittingEmptySubsequences: false).map { $0.isEmpty ? "" : "  " + $0 }
  return "apiVersion: purser.dev/v1alpha1\nkind: \(kind)\nmetadata: {name: \(name)}\nspec:\n"
    + body.joined(separator: "\n") + "\n"
}

/// A policy with one rule; its first line is line 6, at column 5.
func rule(_ text: String) -> String {
  document(
    "Policy", "rules:\n- " + text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\n  "))
}

/// Where the text of `when` of the only rule says its byte at `offset` is.
func place(_ when: String, at offset: Int) throws -> String {
  let loaded = Loaded(rule("name: r\naction: DENY\n" + when))
  #expect(loaded.lines.isEmpty)
  let expression = try #require(loaded.documents.policies.first?.rules.first?.when)
  let position = expression.position(atByte: offset)
  return "\(position.line):\(position.column)"
}

func whenText(_ when: String) throws -> String {
  let loaded = Loaded(rule("name: r\naction: DENY\n" + when))
  #expect(loaded.lines.isEmpty)
  let expression = try #require(loaded.documents.policies.first?.rules.first?.when)
  return String(decoding: expression.bytes, as: UTF8.self)
}
