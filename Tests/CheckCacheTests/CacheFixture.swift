import CPlatform
import Foundation
import PurserStore
import Testing

@testable import PurserCheckCache

let second: Int64 = 1_000_000_000

/// A folder of its own, gone with the fixture.
final class TestFolder {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "purser-cache-\(UUID().uuidString)"
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  var names: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }

  func file(_ ending: String) throws -> String {
    path + "/" + (try #require(names.first { $0.hasSuffix(ending) }, "no file \(ending) in \(names)"))
  }
}

/// A cache and one worker.
final class Bench {
  let cache: CheckCache
  let worker: WorkerCache
  var now = platform_wall_nanoseconds()

  init(_ folder: String?, storeBytes: Int = 4 << 20, tableBytes: Int = 256 << 10) throws {
    var options = CheckCacheOptions(directory: folder)
    options.storeBytes = storeBytes
    cache = try #require(CheckCache.open(options))
    worker = try #require(cache.makeWorker(bytes: tableBytes))
  }

  deinit { close() }

  func close() {
    worker.free()
    cache.close()
  }

  func stamp(_ policy: String = "p", _ tags: [String] = []) -> EpochStamp {
    let arrays = tags.map { Array($0.utf8) }
    return Array(policy.utf8).withUnsafeBytes { policy in
      let copies = arrays.map { array in
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(array.count, 1), alignment: 1)
        copy.copyBytes(from: array)
        return copy
      }
      defer { for copy in copies { copy.deallocate() } }
      return cache.epochs(
        policy: policy, tags: zip(copies, arrays).map { UnsafeRawBufferPointer(rebasing: $0[0..<$1.count]) })
    }
  }

  enum Where { case worker, store, both }

  func keep(
    _ key: String, _ value: String, in place: Where, askedAt: Int64? = nil, ttl: Int64 = 100 * second,
    stale: Int64 = 0, uses: UInt32 = 0, stamp: EpochStamp? = nil
  ) {
    Array(key.utf8).withUnsafeBytes { key in
      Array(value.utf8).withUnsafeBytes { value in
        let asked = askedAt ?? now
        let entry = CacheEntry(
          key: key, value: value, askedAt: asked, freshUntil: asked + ttl, staleUntil: asked + ttl + stale,
          usesMax: uses, stamp: stamp ?? self.stamp())
        if place != .store { worker.insert(entry) }
        if place != .worker { cache.put(entry) }
      }
    }
  }

  struct Found: Equatable, CustomStringConvertible {
    var state: CacheHit.State
    var tier: CacheHit.Tier
    var value: String
    var description: String { "\(state) \(tier) \(value)" }
  }

  func find(_ key: String, on other: WorkerCache? = nil, after seconds: Double = 0) -> Found? {
    Array(key.utf8).withUnsafeBytes { key in
      let hit = (other ?? worker).find(key: key, now: now + Int64(seconds * 1e9))
      guard hit.state != .miss else { return nil }
      return Found(state: hit.state, tier: hit.tier, value: String(decoding: hit.value, as: UTF8.self))
    }
  }

  func purge(policy: String) throws {
    try Array(policy.utf8).withUnsafeBytes { try cache.purge(policy: $0) }
  }

  func purge(tag: String) throws { try Array(tag.utf8).withUnsafeBytes { try cache.purge(tag: $0) } }
}

func fresh(_ tier: CacheHit.Tier, _ value: String) -> Bench.Found {
  Bench.Found(state: .fresh, tier: tier, value: value)
}
