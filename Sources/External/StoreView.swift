// The check cache of a folder, looked at without an engine that asks: for the command line.

import CEL
import PurserCheckCache
import PurserEngine
import PurserPolicy
import PurserStore

public final class StoreView: @unchecked Sendable {
  private let inspector: CacheInspector
  /// What the last scan saw, by file.
  public private(set) var files: [CacheSummary] = []
  /// Their problems, parallel to them, at addresses that stay until the next scan.
  public private(set) var problems: [Bytes] = []
  private var texts = TextStore()

  public struct Problem: Error, Sendable {
    public var message: String
  }

  /// A kept answer to a rule's question.
  public struct Kept: Sendable {
    public var allows: Bool
    public var status: UInt32
    /// Nanoseconds since the Unix epoch.
    public var askedAt: Int64
    public var freshUntil: Int64
    public var staleUntil: Int64
    /// Not purged since.
    public var isCurrent: Bool
  }

  public init(directory: String) throws(Problem) {
    do throws(StoreError) {
      inspector = try CacheInspector(directory: directory)
    } catch {
      throw Problem(message: error.message)
    }
  }

  /// Counts entries; with `isVerifying` every seal is opened.
  public func scan(now: Int64, isVerifying: Bool) {
    files = isVerifying ? inspector.verify(now: now) : inspector.summaries(now: now)
    let texts = TextStore()
    problems = files.map { texts.keep($0.problem ?? "") }
    self.texts = texts
  }

  /// Nil where nothing is kept under the key.
  public func find(key: [UInt8]) -> Kept? {
    guard let found = key.withUnsafeBytes({ inspector.find(key: $0) }) else { return nil }
    return found.value.withUnsafeBufferPointer { value -> Kept? in
      let bytes = Bytes(value.baseAddress, count: UInt32(truncatingIfNeeded: value.count))
      guard let answer = ProviderAnswer(bytes) else { return nil }
      return Kept(
        allows: answer.allows, status: answer.status, askedAt: found.askedAt, freshUntil: found.freshUntil,
        staleUntil: found.staleUntil, isCurrent: found.isCurrent)
    }
  }

  /// Every process that uses the folder forgets what is kept.
  public func purge(_ target: PurgeTarget) throws(Problem) {
    do {
      switch target {
      case .everything: try inspector.purge()
      case .policy(let path):
        let bytes = Array(path.utf8)
        try bytes.withUnsafeBytes { try inspector.purge(policy: $0) }
      case .tag(let tag): try tag.withUnsafeBytes { try inspector.purge(tag: $0) }
      }
    } catch {
      throw Problem(message: words(for: error))
    }
  }
}

/// Errors come out of buffers without their type.
func words(for error: any Error) -> String { (error as? StoreError)?.message ?? "unknown failure" }
