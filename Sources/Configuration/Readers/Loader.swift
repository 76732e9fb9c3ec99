// Paths and inline documents in, model out. Everything wrong with a load is found in one go.

import PurserEngine

public enum Loader {
  /// Reads files, directories (their `*.yaml`, `*.yml` and `*.json`, in byte order, not deeper) and inline documents.
  /// No plan may be made of the result when `problems.hasErrors`.
  public static func read(
    paths: [String], inline: [(name: String, text: [UInt8])] = [], problems: inout Problems
  ) -> DocumentSet {
    var load = Load(problems: problems)
    for path in paths { load.read(path) }
    for document in inline { load.parse(document.text, name: document.name, folder: nil) }
    load.documents.sort()
    problems = load.problems
    return load.documents
  }
}

extension LoadRequest {
  /// What `Loader.read` reads, and the directories it is in, as they are now; for whoever follows changes.
  public func followedPaths(valueFiles: [String]) -> [FollowedPath] {
    var followed: [FollowedPath] = []
    for path in paths {
      followed.append(FollowedPath(path: path, endings: documentEndings))
      guard (try? File.kind(of: path)) == .directory, let names = try? File.names(in: path) else { continue }
      for name in names.filter({ isDocumentName($0) }).prefix(SourceSet.sourcesMax) {
        followed.append(FollowedPath(path: joined(path, name), endings: []))
      }
    }
    for path in valueFiles { followed.append(FollowedPath(path: path, endings: [])) }
    return followed
  }
}

private struct Load {
  var problems: Problems
  var documents = DocumentSet()
  var identities = IdentityTable()

  init(problems: Problems) { self.problems = problems }

  mutating func read(_ path: String) {
    do {
      switch try File.kind(of: path) {
      case .file: readFile(path)
      case .directory: try readDirectory(path)
      }
    } catch {
      complain(path, error)
    }
  }

  private mutating func readDirectory(_ path: String) throws(FileError) {
    let names = try File.names(in: path).filter { isDocumentName($0) }
    var count = 0
    for name in names {
      let file = joined(path, name)
      let kind: PathKind
      do {
        kind = try File.kind(of: file)
      } catch {
        complain(file, error)
        count &+= 1
        continue
      }
      guard kind == .file else { continue }
      count &+= 1
      readFile(file)
    }
    if count == 0 {
      let source = documents.sources.append(name: path)
      problems.error(at: .whole(source), "no `*.yaml`, `*.yml` or `*.json` file in this directory")
    }
  }

  private mutating func readFile(_ path: String) {
    guard documents.sources.sources.count < SourceSet.sourcesMax else {
      complain(path, .tooLong)
      return
    }
    do {
      let bytes = try File.read(path, lengthMax: min(SourceSet.bytesMax, documents.sources.bytesLeft))
      parse(bytes, name: path, folder: folder(of: path))
    } catch {
      complain(path, error)
    }
  }

  private mutating func complain(_ path: String, _ error: FileError) {
    let source = documents.sources.append(name: path)
    problems.error(at: .whole(source), error.message)
  }

  mutating func parse(_ bytes: [UInt8], name: String, folder: String?) {
    guard bytes.count <= min(SourceSet.bytesMax, documents.sources.bytesLeft) else {
      complain(name, .tooLong)
      return
    }
    let source = documents.sources.append(name: name, bytes: bytes, folder: folder)
    let errorsBefore = problems.errorCount
    let tree = YamlParser.parse(bytes, source: source, problems: &problems)
    bytes.withUnsafeBufferPointer { text in
      var reader = DocumentReader(
        tree: tree, text: text, folder: folder, problems: problems, documents: documents, identities: identities)
      // The reader holds the only copies, so that nothing is copied when it writes.
      problems = Problems()
      documents = DocumentSet()
      identities = IdentityTable()
      for root in tree.documents { reader.read(root) }
      problems = reader.problems
      documents = reader.documents
      identities = reader.identities
    }
    let isEmpty = tree.documents.allSatisfy { id in
      if case .null = tree.meaning(of: id) { return true }
      return false
    }
    if isEmpty, problems.errorCount == errorsBefore {
      problems.warn(at: .whole(source), "there is no document in this file")
    }
  }
}

private let documentEndings = [".yaml", ".yml", ".json"]

private func isDocumentName(_ name: String) -> Bool {
  documentEndings.contains { name.utf8.count > $0.utf8.count && name.hasSuffix($0) }
}

func joined(_ folder: String, _ name: String) -> String {
  if folder.isEmpty || folder.utf8.last == UInt8(ascii: "/") { return folder + name }
  return folder + "/" + name
}

/// The part before the last `/`; empty, the working directory, when there is none.
private func folder(of path: String) -> String {
  let bytes = Array(path.utf8)
  guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return "" }
  return slash == 0 ? "/" : String(decoding: bytes[..<slash], as: UTF8.self)
}
