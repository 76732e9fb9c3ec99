// Paths and inline documents in, model out. Everything wrong with a load is found in one go.

import CEL
import PurserEngine

public enum Loader {
  /// Reads files, directories (their `*.yaml`, `*.yml` and `*.json`, in byte order, not deeper) and inline documents.
  /// No plan may be made of the result when `problems.hasErrors`.
  public static func read(
    paths: [String], inline: [(name: String, text: [UInt8])] = [], problems: inout Problems
  ) -> DocumentSet {
    read(paths: paths, inline: inline, byParts: nil, problems: &problems)
  }

  /// Reads each document by itself, and not at all where `known` has its unit: what is found is the same. What is wrong may
  /// be found otherwise, so a load that has errors is to be read again as a whole.
  static func read(
    paths: [String], inline: [(name: String, text: [UInt8])], byParts known: KnownUnits?,
    problems: inout Problems
  ) -> DocumentSet {
    var load = Load(problems: problems, known: known)
    for path in paths { load.read(path) }
    for document in inline { load.parse(document.text, name: document.name, folder: nil) }
    load.documents.sort()
    problems = load.problems
    return load.documents
  }

  /// Reads what has a unit after all.
  static func readReused(_ documents: inout DocumentSet, problems: inout Problems) {
    var load = Load(problems: problems, known: nil)
    load.documents = documents
    documents = DocumentSet()
    let policies = load.documents.policies
    load.documents.policies = []
    for policy in policies {
      guard let unit = policy.unit else {
        load.documents.policies.append(policy)
        continue
      }
      guard let source = load.documents.sources.source(Int(policy.origin.source)) else { continue }
      source.bytes.withUnsafeBufferPointer { text in
        let part = UnsafeBufferPointer(rebasing: text[policy.origin.range.clamped(to: 0..<text.count)])
        _ = load.parse(part, policy.origin, folder: nil, digest: unit.digest)
      }
    }
    load.documents.sort()
    problems = load.problems
    documents = load.documents
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
  /// Nil: files are read as a whole.
  let known: KnownUnits?
  var documents = DocumentSet()
  var identities = IdentityTable()

  init(problems: Problems, known: KnownUnits?) {
    self.problems = problems
    self.known = known
  }

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
    let parts = bytes.withUnsafeBufferPointer { DocumentSplit.parts(of: $0) }
    let digest = Digest.of(parts.map { $0.digest })
    let source = documents.sources.append(name: name, bytes: bytes, digest: digest, folder: folder)
    let errorsBefore = problems.errorCount
    let isEmpty = bytes.withUnsafeBufferPointer { text in
      known == nil
        ? parse(text, DocumentOrigin(source: source), folder: folder, digest: nil).isEmpty
        : parse(parts, of: text, source, folder: folder)
    }
    if isEmpty, problems.errorCount == errorsBefore {
      problems.warn(at: .whole(source), "there is no document in this file")
    }
  }

  /// What was read counts against the limits of one file.
  struct Extent {
    var isEmpty = true
    var nodeCount = 0
    var weight: UInt32 = 0

    var isTooLarge: Bool { nodeCount > YamlTree.nodesMax || weight > YamlTree.weightMax }

    mutating func add(_ other: Extent) {
      isEmpty = isEmpty && other.isEmpty
      nodeCount &+= other.nodeCount
      weight &+= other.weight
    }
  }

  /// Whether there is no document in it.
  private mutating func parse(
    _ parts: [DocumentPart], of text: UnsafeBufferPointer<UInt8>, _ source: Int32, folder: String?
  ) -> Bool {
    var extent = Extent()
    for part in parts {
      let origin = DocumentOrigin(source: source, line: part.line, range: part.range)
      if let unit = known?.unit(of: part.digest) {
        extent.add(reuse(unit, origin))
      } else {
        let written = UnsafeBufferPointer(rebasing: text[part.range])
        extent.add(parse(written, origin, folder: folder, digest: part.digest))
      }
      if extent.isTooLarge {
        problems.error(at: .whole(source), "too much in one file")
        break
      }
    }
    return extent.isEmpty
  }

  private mutating func reuse(_ unit: PolicyUnit, _ origin: DocumentOrigin) -> Extent {
    let reference = DocumentReference(path: unit.path, position: origin.position(of: unit.pathPlace))
    let identity = DocumentIdentity(
      kind: .policy, namespace: reference.namespace, name: reference.name, position: reference.position)
    if identities.add(identity, problems: &problems, sources: documents.sources) {
      var policy = PolicyDocument(identity: identity)
      policy.mode = unit.isShadow ? .shadow : .enforce
      policy.replaces = unit.replaces.map {
        DocumentReference(path: $0.path, position: origin.position(of: $0.place))
      }
      policy.origin = origin
      policy.unit = unit
      documents.policies.append(policy)
    }
    return Extent(isEmpty: false, nodeCount: unit.nodeCount, weight: unit.weight)
  }

  /// `digest` is of `text`; it is a document's if that is the only one.
  mutating func parse(
    _ text: UnsafeBufferPointer<UInt8>, _ origin: DocumentOrigin, folder: String?, digest: DocumentDigest?
  ) -> Extent {
    let tree = YamlParser.parse(text, line: origin.line, source: origin.source, problems: &problems)
    var origin = origin
    origin.nodeCount = tree.nodes.count
    origin.weight = tree.weight
    if tree.documents.count == 1 { origin.digest = digest }
    var reader = DocumentReader(
      tree: tree, text: text, folder: folder, origin: origin, problems: problems, documents: documents,
      identities: identities)
    // The reader holds the only copies, so that nothing is copied when it writes.
    problems = Problems()
    documents = DocumentSet()
    identities = IdentityTable()
    for root in tree.documents { reader.read(root) }
    problems = reader.problems
    documents = reader.documents
    identities = reader.identities
    let isEmpty = tree.documents.allSatisfy { id in
      if case .null = tree.meaning(of: id) { return true }
      return false
    }
    return Extent(isEmpty: isEmpty, nodeCount: tree.nodes.count, weight: tree.weight)
  }
}

extension DocumentReference {
  /// `path` is `namespace/name`.
  fileprivate init(path: Bytes, position: Position) {
    let slash = path.buffer.firstIndex(of: UInt8(ascii: "/")) ?? 0
    self.init(
      namespace: String(decoding: path.buffer[..<slash], as: UTF8.self),
      name: String(decoding: path.buffer[slash...].dropFirst(), as: UTF8.self), position: position)
  }
}

extension DocumentOrigin {
  func position(of place: UnitPlace) -> Position {
    Position(source: source, line: line &+ place.line, column: place.column)
  }

  func place(of position: Position) -> UnitPlace { UnitPlace(line: position.line &- line, column: position.column) }
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
