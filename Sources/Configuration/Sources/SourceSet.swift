// The texts of one load, kept as they were read so that a problem can show its line.

import PurserEngine

public struct Source: Sendable {
  /// What messages call it: the path as it was given, or the name of an inline document.
  public let name: String
  public let bytes: [UInt8]
  /// Of its contents; made when they were read.
  let digest: DocumentDigest
  /// The folder that relative paths in it start from; nil for an inline document.
  let folder: String?

  init(name: String, bytes: [UInt8], digest: DocumentDigest, folder: String?) {
    self.name = name
    self.bytes = bytes
    self.digest = digest
    self.folder = folder
  }
}

public struct SourceSet: Sendable {
  /// A file that is longer is refused; so is a load whose files together are longer than the total.
  static let bytesMax = 64 << 20
  static let bytesTotalMax = 256 << 20
  static let sourcesMax = 100_000

  public private(set) var sources: [Source] = []
  private var bytesTotal = 0

  init() {}

  /// The name messages use; empty for a position that is nowhere.
  public func name(of position: Position) -> String {
    source(Int(position.source))?.name ?? ""
  }

  func source(_ index: Int) -> Source? {
    guard sources.indices.contains(index) else { return nil }
    return sources[index]
  }

  mutating func append(
    name: String, bytes: [UInt8] = [], digest: DocumentDigest = DocumentDigest(0, 0, 0, 0), folder: String? = nil
  ) -> Int32 {
    bytesTotal &+= bytes.count
    sources.append(Source(name: name, bytes: bytes, digest: digest, folder: folder))
    return Int32(truncatingIfNeeded: sources.count &- 1)
  }

  var bytesLeft: Int { max(0, SourceSet.bytesTotalMax &- bytesTotal) }
}
