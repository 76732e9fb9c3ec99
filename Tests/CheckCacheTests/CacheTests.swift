import CPlatform
import Foundation
import PurserStore
import Testing

@testable import PurserCheckCache

@Suite struct CacheTests {
  @Test func anAnswerThatWasAskedForEarlierDoesNotReplaceALaterOne() throws {
    let bench = try Bench(nil)
    bench.keep("key", "later", in: .worker)
    bench.keep("key", "earlier", in: .worker, askedAt: bench.now - second)
    #expect(bench.find("key") == fresh(.worker, "later"))
    // After a purge nothing stands in its way.
    try bench.cache.purge()
    bench.keep("key", "earlier", in: .worker, askedAt: bench.now - second)
    #expect(bench.find("key") == fresh(.worker, "earlier"))
  }

  /// Purges by who has the new secret do not reach this process.
  @Test func whatWasKeptIsForgottenWhenTheSecretIsReplaced() throws {
    let folder = try TestFolder()
    let bench = try Bench(folder.path)
    #expect(bench.cache.flush())
    bench.keep("key", "value", in: .both)
    #expect(bench.find("key") == fresh(.worker, "value"))
    try FileManager.default.removeItem(atPath: folder.path + "/purser.secret")
    let other = try Bench(folder.path)
    #expect(other.cache.flush())
    // The cache's thread looks once a second, and whenever there is something to do.
    #expect(bench.cache.flush())
    #expect(bench.cache.flush())
    #expect(bench.find("key") == nil)
    bench.keep("key", "value", in: .both)
    #expect(bench.find("key") == nil)
    #expect(bench.cache.problem?.contains("was replaced") == true)
    other.keep("key", "value", in: .both)
    #expect(other.find("key") == fresh(.worker, "value"))
  }

  @Test func anAnswerIsFoundInTheTableThenInTheStoreThenAfterARestart() throws {
    let folder = try TestFolder()
    var bench = try Bench(folder.path)
    #expect(bench.find("k") == nil)
    bench.keep("k", "allow", in: .both)
    #expect(bench.find("k") == fresh(.worker, "allow"))
    #expect(bench.cache.flush())
    guard case .ready(.created) = bench.cache.status else {
      Issue.record("\(bench.cache.status)")
      return
    }
    let other = try #require(bench.cache.makeWorker(bytes: 64 << 10))
    #expect(bench.find("k", on: other) == fresh(.store, "allow"))
    #expect(bench.find("k", on: other) == fresh(.worker, "allow"), "a hit in the store is put into the table")
    #expect(bench.find("K", on: other) == nil)
    other.free()
    #expect(bench.find("k", on: other) == nil)
    let now = bench.now
    bench.close()
    #expect(bench.cache.status == .closed)

    bench = try Bench(folder.path)
    bench.now = now
    #expect(bench.cache.flush())
    #expect(bench.cache.status == .ready(.warm))
    #expect(bench.find("k") == fresh(.store, "allow"))
    #expect(bench.cache.statistics[.storeHits] == 1)
    #expect(bench.cache.statistics.storeEntries == 2, "the entry and the ledger")
  }

  @Test func withoutAFolderTheWorkersTierWorksAlone() throws {
    let bench = try Bench(nil)
    bench.keep("k", "allow", in: .both)
    #expect(bench.find("k") == fresh(.worker, "allow"))
    #expect(bench.cache.status == .memoryOnly)
    #expect(bench.cache.problem == nil)
    try bench.cache.purge()
    #expect(bench.find("k") == nil)
  }

  @Test func aFolderThatOthersMayReadIsRefusedAndSaid() throws {
    let folder = try TestFolder()
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path)
    let bench = try Bench(folder.path)
    let problem = try #require(bench.cache.problem)
    #expect(problem.contains("mode 0700"), "\(problem)")
    bench.keep("k", "allow", in: .both)
    #expect(bench.find("k") == fresh(.worker, "allow"))
    #expect(folder.names == [])
  }

  @Test(arguments: [Bench.Where.worker, .store])
  func anAnswerEndsUpToATenthEarlierAndIsStaleAfter(_ place: Bench.Where) throws {
    let folder = try TestFolder()
    let bench = try Bench(folder.path)
    for number in 0..<50 { bench.keep("k\(number)", "v", in: place, ttl: 100 * second, stale: 50 * second) }
    #expect(bench.cache.flush())
    var ended = 0
    for number in 0..<50 {
      let key = "k\(number)"
      #expect(bench.find(key, after: 89.9)?.state == .fresh)
      if bench.find(key, after: 95)?.state == .stale { ended += 1 }
      #expect(bench.find(key, after: 100)?.state == .stale)
      #expect(bench.find(key, after: 139.9)?.state == .stale)
      #expect(bench.find(key, after: 150) == nil)
    }
    #expect((10..<40).contains(ended), "\(ended) of 50 ended within half the jitter")
    #expect(bench.cache.statistics[.expired] >= 50)
  }

  @Test func anAnswerFromTheFutureIsAMiss() throws {
    let folder = try TestFolder()
    let bench = try Bench(folder.path)
    bench.keep("table", "v", in: .worker)
    bench.keep("store", "v", in: .store)
    #expect(bench.cache.flush())
    #expect(bench.find("table", after: -0.001) == nil)
    #expect(bench.find("store", after: -0.001) == nil)
    #expect(bench.cache.statistics[.fromFuture] == 2)
    #expect(bench.find("store") == fresh(.store, "v"))
  }

  @Test func aCountedAnswerIsUsedAsOftenAsItSaysAndNeverStored() throws {
    let folder = try TestFolder()
    let bench = try Bench(folder.path)
    bench.keep("k", "v", in: .both, uses: 3)
    #expect(bench.cache.flush())
    for _ in 0..<3 { #expect(bench.find("k") == fresh(.worker, "v")) }
    #expect(bench.find("k") == nil)
    #expect(bench.cache.statistics[.putsRefused] == 1)
  }

  @Test func theLaterAnswerWins() throws {
    let folder = try TestFolder()
    let bench = try Bench(folder.path)
    bench.keep("k", "later", in: .store, askedAt: bench.now - second)
    bench.keep("k", "earlier", in: .store, askedAt: bench.now - 2 * second)
    #expect(bench.cache.flush())
    #expect(bench.find("k") == fresh(.store, "later"))
    #expect(bench.cache.statistics[.writtenLater] == 1)
    // What is stale in the table gives way to what is fresh in the store.
    bench.keep("s", "old", in: .worker, askedAt: bench.now - 100 * second, ttl: 50 * second, stale: 100 * second)
    #expect(bench.find("s") == Bench.Found(state: .stale, tier: .worker, value: "old"))
    bench.keep("s", "new", in: .store, askedAt: bench.now - second)
    #expect(bench.cache.flush())
    #expect(bench.find("s") == fresh(.store, "new"))
    #expect(bench.find("s") == fresh(.worker, "new"))
  }

  @Test func emptyKeysAndValuesAndLargeOnesAreKept() throws {
    let folder = try TestFolder()
    let bench = try Bench(folder.path)
    let large = String(repeating: "x", count: 16 << 10)
    bench.keep("", "empty", in: .store)
    bench.keep("empty", "", in: .store)
    bench.keep(large, large, in: .store)
    bench.keep("too large", large + "x", in: .store)
    #expect(bench.cache.flush())
    #expect(bench.find("") == fresh(.store, "empty"))
    #expect(bench.find("empty") == fresh(.store, ""))
    #expect(bench.find(large) == fresh(.store, large))
    #expect(bench.find("too large") == nil)
    #expect(bench.cache.statistics[.putsRefused] == 1)
  }

  // MARK: Purge

  @Test func aPurgeReachesBothTiersOfEveryCacheOfTheFolder() throws {
    let folder = try TestFolder()
    let bench = try Bench(folder.path)
    // Another environment size, another file; the epochs are shared all the same.
    let other = try Bench(folder.path, storeBytes: 2 << 20)
    other.now = bench.now
    for each in [bench, other] {
      each.keep("a", "1", in: .both, stamp: each.stamp("one"))
      each.keep("b", "2", in: .both, stamp: each.stamp("two", ["user=ann", "user=bob"]))
      #expect(each.cache.flush())
    }
    try bench.purge(policy: "one")
    for each in [bench, other] {
      #expect(each.find("a") == nil)
      #expect(each.find("b") == fresh(.worker, "2"))
      #expect(each.cache.statistics[.purged] == 2)
    }
    try bench.purge(tag: "user=eve")
    #expect(other.find("b") == fresh(.worker, "2"))
    try bench.purge(tag: "user=bob")
    for each in [bench, other] { #expect(each.find("b") == nil) }
    bench.keep("c", "3", in: .both)
    #expect(bench.find("c") == fresh(.worker, "3"))
    try other.cache.purge()
    #expect(bench.find("c") == nil)
    #expect(other.cache.flush())
    #expect(other.cache.statistics.storeEntries == 1, "the ledger alone is left")
  }

  @Test func anAnswerThatWasOnItsWayDuringAPurgeIsNotServed() throws {
    let folder = try TestFolder()
    let bench = try Bench(folder.path)
    let before = bench.stamp("p", ["t"])
    try bench.purge(tag: "t")
    bench.keep("k", "old", in: .both, stamp: before)
    #expect(bench.cache.flush())
    #expect(bench.find("k") == nil)
    bench.keep("k", "new", in: .both, stamp: bench.stamp("p", ["t"]))
    #expect(bench.find("k") == fresh(.worker, "new"))
  }

  @Test func withMoreTagsThanCanBeToldNothingIsKept() throws {
    let bench = try Bench(nil)
    bench.keep("k", "v", in: .both, stamp: bench.stamp("p", (0..<14).map { "t\($0)" }))
    #expect(bench.find("k") == fresh(.worker, "v"))
    bench.keep("k", "v", in: .both, stamp: bench.stamp("p", (0..<15).map { "t\($0)" }))
    bench.keep("l", "v", in: .both, stamp: bench.stamp("p", (0..<15).map { "t\($0)" }))
    #expect(bench.find("l") == nil)
  }

  // MARK: Sharing

  @Test func cachesOfOneFolderInOneProcessShareTheFile() throws {
    let folder = try TestFolder()
    let first = try Bench(folder.path)
    #expect(first.cache.flush())
    let other = try Bench(folder.path)
    other.now = first.now
    #expect(other.cache.flush())
    first.keep("k", "v", in: .store)
    #expect(first.cache.flush())
    #expect(other.find("k") == fresh(.store, "v"))
    first.close()
    #expect(other.find("k") == fresh(.worker, "v"))
    other.keep("l", "v", in: .store)
    #expect(other.cache.flush())
    #expect(other.cache.statistics[.written] == 1)
    other.close()
    let again = try Bench(folder.path)
    #expect(again.cache.flush())
    #expect(again.cache.status == .ready(.warm))
  }

  @Test func theStoreStaysOpenWhileAWorkerLives() throws {
    let folder = try TestFolder()
    let bench = try Bench(folder.path)
    bench.keep("k", "v", in: .store)
    #expect(bench.cache.flush())
    bench.cache.close()
    #expect(bench.find("k") == fresh(.store, "v"))
    #expect(bench.cache.makeWorker(bytes: 4096) == nil)
    bench.worker.free()
    #expect(bench.cache.status == .closed)
  }

  @Test func noKeyAndNoValueStandsInTheFolder() throws {
    let folder = try TestFolder()
    let bench = try Bench(folder.path)
    for number in 0..<200 {
      bench.keep(
        "attribute-value-\(number)", "answer-value-\(number)", in: .both,
        stamp: bench.stamp("policy-name", ["tag-name-\(number)"]))
    }
    #expect(bench.cache.flush())
    bench.close()
    #expect(folder.names.count >= 5)
    for name in folder.names {
      let bytes = try Data(contentsOf: URL(fileURLWithPath: folder.path + "/" + name))
      for text in ["attribute-value", "answer-value", "policy-name", "tag-name"] {
        #expect(bytes.range(of: Data(text.utf8)) == nil, "\(text) in \(name)")
      }
      let mode = try FileManager.default.attributesOfItem(atPath: folder.path + "/" + name)[.posixPermissions] as? Int
      #expect((mode ?? 0o777) & 0o077 == 0, "\(name)")
    }
  }
}
