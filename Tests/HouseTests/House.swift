// The project's own files, as the checks of this folder see them.

import Foundation

enum House {
  static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// Paths below `folder`, from the root, in byte order; of files with one of the endings.
  static func files(in folder: String, endings: [String]) -> [String] {
    let base = root.appendingPathComponent(folder)
    var paths: [String] = []
    guard let walker = FileManager.default.enumerator(atPath: base.path) else { return [] }
    while let path = walker.nextObject() as? String {
      let isHidden = path.split(separator: "/").contains { $0.hasPrefix(".") && $0 != ".ci" && $0 != ".gitignore" }
      let isBuilt = folder.isEmpty && path.hasPrefix("build/")
      if isHidden || isBuilt || path.split(separator: "/").contains("__pycache__") { continue }
      if endings.isEmpty || endings.contains(where: path.hasSuffix) {
        var isFolder: ObjCBool = false
        _ = FileManager.default.fileExists(atPath: base.appendingPathComponent(path).path, isDirectory: &isFolder)
        if !isFolder.boolValue { paths.append(folder.isEmpty ? path : folder + "/" + path) }
      }
    }
    return paths.sorted()
  }

  static func text(_ path: String) throws -> String {
    try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
  }

  static func lines(_ path: String) throws -> [String] {
    try text(path).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }
}

/// A row of the table in docs/ARCHITECTURE.md.
struct ModuleRow {
  var name: String
  var folder: String
  var imports: Set<String>
  var embedded: String
  var purpose: String

  static func all() throws -> [ModuleRow] {
    try House.lines("docs/ARCHITECTURE.md").compactMap { line in
      guard line.hasPrefix("| `") else { return nil }
      let cells = line.split(separator: "|", omittingEmptySubsequences: false).map {
        $0.trimmingCharacters(in: .whitespaces)
      }
      guard cells.count == 7 else { return nil }
      let names = { (cell: String) in
        cell.split(separator: ",").map { $0.trimmingCharacters(in: CharacterSet(charactersIn: "` ")) }
          .filter { !$0.isEmpty }
      }
      return ModuleRow(
        name: names(cells[1]).joined(), folder: names(cells[2]).joined(), imports: Set(names(cells[3])),
        embedded: cells[4], purpose: cells[5])
    }
  }
}
