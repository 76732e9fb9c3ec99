// The stores of a folder, looked at without an engine: for the command line. No store is made that is not there, and
// one that an engine would not trust is named and left alone.

import CPlatform
import PurserStore

/// One file of a folder.
public struct CacheSummary: Sendable {
  /// Of the map.
  public var bytesMax: Int
  /// In pages that hold entries.
  public var bytes = 0
  public var entries = 0
  /// Entries whose times are over at `now`.
  public var expired = 0
  /// Entries that were purged and wait to be let go.
  public var purged = 0
  /// When the oldest and the latest entry were asked for, in nanoseconds of the wall clock; 0 without entries.
  public var oldestAskedAt: Int64 = 0
  public var latestAskedAt: Int64 = 0
  /// Entries that are not as they were sealed, or are none; counted by `verify` only.
  public var broken = 0
  /// Why it is not used; nil if it is.
  public var problem: String?
}

/// An entry that was looked up.
public struct CacheAnswer: Sendable, Equatable {
  public var value: [UInt8]
  public var askedAt: Int64
  public var freshUntil: Int64
  public var staleUntil: Int64
  /// Nothing was purged since that it depends on.
  public var isCurrent: Bool
  /// When it was last used, coarsely: those of the lowest go first.
  public var generation: UInt32
}

public final class CacheInspector {
  private static let kinds = ["check-aes", "check-chacha"]

  private let folder: StoreFolder
  private let keys: CacheKeys
  private let epochs: EpochTable

  public init(directory: String) throws(StoreError) {
    try Store.openLibrary()
    folder = try StoreFolder(path: directory, missing: .refuse)
    keys = CacheKeys(secret: folder.secret)
    epochs = try EpochTable(folder: folder, secret: folder.secret)
  }

  /// Counts entries; `now` is in nanoseconds of the wall clock.
  public func summaries(now: Int64) -> [CacheSummary] { visitAll(now, isVerifying: false) }

  /// The same, and opens every seal.
  public func verify(now: Int64) -> [CacheSummary] { visitAll(now, isVerifying: true) }

  /// The latest answer that is kept for this key, whatever its times.
  public func find(key: UnsafeRawBufferPointer) -> CacheAnswer? {
    let name = keys.name(of: key)
    let check = keys.check(of: key)
    var best: CacheAnswer?
    for file in files() where file.name.hasSuffix(keys.algorithm) {
      _ = try? read(file) { (reader) throws(StoreError) in
        try reader.visit(from: withUnsafeBytes(of: name) { Array($0) }) { found, value in
          guard Self.name(found) == name, let record = Record(value), record.check == check,
            let opened = open(record, name), record.askedAt > best?.askedAt ?? Int64.min
          else { return false }
          best = CacheAnswer(
            value: opened, askedAt: record.askedAt, freshUntil: record.freshUntil, staleUntil: record.staleUntil,
            isCurrent: epochs.isCurrent(record.stamp), generation: record.generation)
          return false
        }
      }
    }
    return best
  }

  /// As `CheckCache.purge`, for every process that uses the folder; the entries go when there is need.
  public func purge() throws(StoreError) { try epochs.purge() }
  public func purge(policy: UnsafeRawBufferPointer) throws(StoreError) { try epochs.purge(policy: policy) }
  public func purge(tag: UnsafeRawBufferPointer) throws(StoreError) { try epochs.purge(tag: tag) }

  // MARK: Files

  private func files() -> [StoreName] { Self.kinds.flatMap { folder.stores($0) } }

  private func read<Result>(
    _ file: StoreName, _ body: (StoreReader) throws(StoreError) -> Result
  ) throws(StoreError) -> Result {
    let store = try Store.open(
      folder: folder, name: file.name, bytes: file.bytes, number: file.number, missing: .refuse)
    defer { store.close() }
    let reader = try StoreReader(store)
    defer { reader.end() }
    return try body(reader)
  }

  private static func name(_ key: UnsafeRawBufferPointer) -> EntryName? {
    guard let base = key.baseAddress, key.count == MemoryLayout<EntryName>.size else { return nil }
    return base.loadUnaligned(as: EntryName.self)
  }

  private func open(_ record: Record, _ name: EntryName) -> [UInt8]? {
    let seals = SealBox(keys: keys)
    defer { seals.free() }
    let bound = UnsafeMutableRawPointer.allocate(byteCount: Record.boundBytesMax, alignment: 16)
    defer { bound.deallocate() }
    var value = [UInt8](repeating: 0, count: max(record.valueBytes, 1))
    let isRight = value.withUnsafeMutableBytes { value in
      guard let base = value.baseAddress else { return false }
      return seals.open(
        record.sealed, bound: record.bound(name, in: bound), salt: record.salt, number: record.number, into: base)
    }
    return isRight ? Array(value.prefix(record.valueBytes)) : nil
  }

  private func visitAll(_ now: Int64, isVerifying: Bool) -> [CacheSummary] {
    files().map { file in
      var summary = CacheSummary(bytesMax: file.bytes)
      do throws(StoreError) {
        try read(file) { (reader) throws(StoreError) in
          summary.bytes = try reader.facts().bytes
          try reader.visit { key, value in
            count(key, value, now, isVerifying && file.name.hasSuffix(keys.algorithm), &summary)
            return true
          }
        }
      } catch { summary.problem = error.message }
      return summary
    }
  }

  private func count(
    _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, _ now: Int64, _ isVerifying: Bool,
    _ summary: inout CacheSummary
  ) {
    guard let name = Self.name(key) else {
      if !key.elementsEqual(StoreLedger.key) { summary.broken &+= 1 }
      return
    }
    guard let record = Record(value) else {
      summary.broken &+= 1
      return
    }
    summary.entries &+= 1
    if record.staleUntil <= now { summary.expired &+= 1 }
    if !epochs.isCurrent(record.stamp) { summary.purged &+= 1 }
    if summary.entries == 1 || record.askedAt < summary.oldestAskedAt { summary.oldestAskedAt = record.askedAt }
    if summary.entries == 1 || record.askedAt > summary.latestAskedAt { summary.latestAskedAt = record.askedAt }
    if isVerifying, open(record, name) == nil { summary.broken &+= 1 }
  }
}
