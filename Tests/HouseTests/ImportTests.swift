import Testing

/// Modules that the `import` lines of a folder name.
private func imports(in folder: String) throws -> [String: [String]] {
  var places: [String: [String]] = [:]
  for path in House.files(in: folder, endings: [".swift"]) {
    let tokens = Lexer.tokens(of: try House.text(path))
    for (index, token) in tokens.enumerated() where token.kind == .word && token.text == "import" {
      var next = index + 1
      let kinds: Set = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias"]
      if next < tokens.count, kinds.contains(tokens[next].text) { next += 1 }
      guard next < tokens.count, tokens[next].kind == .word else { continue }
      places[tokens[next].text, default: []].append("\(path):\(token.line)")
    }
  }
  return places
}

@Suite struct ImportTests {
  @Test func everyModuleHasARowAndEveryRowAModule() throws {
    let rows = try ModuleRow.all()
    #expect(rows.count > 10)
    #expect(Set(rows.map(\.name)).count == rows.count)
    for row in rows {
      #expect(!House.files(in: row.folder, endings: []).isEmpty, "\(row.folder) of \(row.name) is empty")
      #expect(!row.purpose.isEmpty)
    }
    let rooms = Set(
      House.files(in: "Sources", endings: []).map { $0.split(separator: "/").prefix(2).joined(separator: "/") })
    #expect(rooms.subtracting(rows.map(\.folder)) == [], "no row in docs/ARCHITECTURE.md")
    let manifest = try House.text("Package.swift")
    for row in rows { #expect(manifest.contains("name: \"\(row.name)\""), "\(row.name) is no target") }
  }

  @Test func arrowsGoUpTheTable() throws {
    var above: Set<String> = []
    let rows = try ModuleRow.all()
    let names = Set(rows.map(\.name))
    for row in rows {
      #expect(row.imports.intersection(names).subtracting(above) == [], "\(row.name) imports what stands below it")
      above.insert(row.name)
    }
  }

  @Test func aModuleImportsWhatItsRowAllowsAndNothingElse() throws {
    for row in try ModuleRow.all() where row.folder.hasPrefix("Sources/") {
      let found = try imports(in: row.folder)
      for (module, places) in found where !row.imports.contains(module) {
        Issue.record("\(row.name) may not import \(module): \(places.joined(separator: ", "))")
      }
      for module in row.imports where found[module] == nil {
        Issue.record("\(row.name) may import \(module) and does not: take it from the table")
      }
    }
  }

  @Test func anEmbeddedModuleImportsOnlyEmbeddedOnes() throws {
    let rows = try ModuleRow.all()
    let embedded = Set(rows.filter { $0.embedded == "yes" || $0.embedded == "c" }.map(\.name))
    // What is only in the large flavour is imported under `#if !hasFeature(Embedded)`; whether it is, the build of the small one tells.
    let large: Set = ["PurserExternal"]
    for row in rows where row.embedded == "yes" {
      #expect(row.imports.subtracting(embedded).subtracting(large) == [], "\(row.name)")
    }
    #expect(embedded.isSuperset(of: ["CEL", "PurserAttributes", "PurserPolicy", "PurserTelemetry"]))
  }
}
