import CPlatform
import Foundation
import Testing

@testable import PurserCheckCache
@testable import PurserStore

/// What there is too little of: room in the map, on the disk, rights.
@Suite struct SpaceTests {
  @Test func theStoreStaysBelowItsSizeAndWhatIsUsedStays() throws {
    let folder = try TestFolder()
    let bench = try Bench(folder.path, storeBytes: 2 << 20, tableBytes: 4096)
    #expect(bench.cache.flush())
    let hot = (0..<100).map { "hot-\($0)" }
    let value = String(repeating: "v", count: 150)
    for round in 0..<60 {
      for key in hot where bench.find(key) == nil { bench.keep(key, value, in: .both) }
      for number in 0..<500 { bench.keep("cold-\(round)-\(number)", value, in: .store) }
      #expect(bench.cache.flush())
      let statistics = bench.cache.statistics
      #expect(statistics.storeBytes <= (2 << 20) / 4 * 3 + (2 << 20) / 16, "in round \(round)")
    }
    let statistics = bench.cache.statistics
    #expect(statistics[.evicted] > 15_000)
    #expect(statistics[.mapFull] == 0)
    #expect(statistics[.putsDropped] == 0)
    #expect(statistics[.refreshed] > 200)
    #expect(hot.filter { bench.find($0) != nil }.count >= 95)
    #expect(bench.find("cold-1-7") == nil)
    #expect(bench.find("cold-59-499")?.value == value)
    // All of it survives a restart.
    let now = bench.now
    bench.close()
    let again = try Bench(folder.path, storeBytes: 2 << 20)
    again.now = now
    #expect(again.cache.flush())
    #expect(hot.filter { again.find($0) != nil }.count >= 95)
    #expect(again.cache.statistics.storeEntries == statistics.storeEntries)
  }

  @Test func largeValuesInASmallStoreFillNothing() throws {
    let folder = try TestFolder()
    let bench = try Bench(folder.path, storeBytes: 1 << 20)
    let value = String(repeating: "v", count: 4 << 10)
    for number in 0..<400 {
      bench.keep("key-\(number)", value, in: .store)
      if number % 8 == 7 { #expect(bench.cache.flush()) }
    }
    let statistics = bench.cache.statistics
    #expect(statistics[.written] == 400)
    #expect(statistics.storeBytes < 1 << 20)
    #expect(bench.find("key-399")?.value == value)
  }

  @Test func whatDoesNotFitTheQueueIsDroppedAndCounted() throws {
    let folder = try TestFolder()
    var options = CheckCacheOptions(directory: folder.path)
    options.queueBytes = 64 << 10
    let cache = try #require(CheckCache.open(options))
    defer { cache.close() }
    let value = [UInt8](repeating: 1, count: 4096)
    let stamp = value.withUnsafeBytes { cache.epochs(policy: $0) }
    let now = platform_wall_nanoseconds()
    for number in 0..<2000 {
      _ = withUnsafeBytes(of: number) { key in
        value.withUnsafeBytes {
          cache.put(CacheEntry(key: key, value: $0, askedAt: now, freshUntil: now + 100 * second, stamp: stamp))
        }
      }
    }
    #expect(cache.flush())
    let statistics = cache.statistics
    #expect(statistics[.putsDropped] > 0)
    #expect(statistics[.puts] + statistics[.putsDropped] == 2000)
    #expect(statistics[.written] == statistics[.puts])
  }

  // MARK: Disks

  /// A small file system of its own.
  private final class Disk {
    let path: String

    static let mayMount: Bool = {
      guard let folder = try? TestFolder() else { return false }
      return (try? Disk(folder, options: "size=4k")) != nil
    }()

    struct NotMounted: Error {}

    init(_ folder: TestFolder, options: String) throws {
      path = folder.path + "/disk"
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
      guard Disk.run("mount", "-t", "tmpfs", "-o", "mode=0700,\(options)", "tmpfs", path) else { throw NotMounted() }
    }

    func makeReadOnly() -> Bool { Disk.run("mount", "-o", "remount,ro", path) }

    deinit { _ = Disk.run("umount", "-l", path) }

    private static func run(_ command: String...) -> Bool {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments = command
      process.standardError = FileHandle.nullDevice
      guard (try? process.run()) != nil else { return false }
      process.waitUntilExit()
      return process.terminationStatus == 0
    }
  }

  @Test(.enabled(if: Disk.mayMount, "this user may not mount a file system"))
  func onAFullDiskTheWorkersTierGoesOnAndWhatIsReadIsRight() throws {
    let folder = try TestFolder()
    let disk = try Disk(folder, options: "size=400k")
    let bench = try Bench(disk.path, storeBytes: 4 << 20)
    let value = String(repeating: "v", count: 1000)
    for number in 0..<1000 {
      bench.keep("key-\(number)", value + "\(number)", in: .both)
      if number % 50 == 0 { #expect(bench.cache.flush()) }
    }
    #expect(bench.cache.flush())
    #expect(bench.cache.statistics[.writeFailures] > 0)
    let other = try #require(bench.cache.makeWorker(bytes: 64 << 10))
    defer { other.free() }
    var found = 0
    for number in 0..<1000 {
      guard let hit = bench.find("key-\(number)", on: other) else { continue }
      found += 1
      #expect(hit.value == value + "\(number)")
    }
    #expect(found > 20, "what was written before is read")
    #expect(bench.find("key-999") == fresh(.worker, value + "999"))
    bench.close()
    // The next one on the full disk decides as well.
    let again = try Bench(disk.path, storeBytes: 4 << 20)
    #expect(again.cache.flush())
    again.keep("k", "v", in: .both)
    #expect(again.find("k") == fresh(.worker, "v"))
  }

  @Test(.enabled(if: Disk.mayMount, "this user may not mount a file system"))
  func onADiskThatHasNoRoomAtAllTheWorkersTierWorksAlone() throws {
    let folder = try TestFolder()
    let disk = try Disk(folder, options: "size=4k,nr_inodes=2")
    let bench = try Bench(disk.path)
    #expect(bench.cache.flush())
    let problem = try #require(bench.cache.problem)
    #expect(problem.contains("space"), "\(problem)")
    bench.keep("k", "v", in: .both)
    #expect(bench.find("k") == fresh(.worker, "v"))
  }

  @Test(.enabled(if: Disk.mayMount, "this user may not mount a file system"))
  func inAReadOnlyFolderTheWorkersTierWorksAlone() throws {
    let folder = try TestFolder()
    let disk = try Disk(folder, options: "size=4m")
    do {
      let first = try Bench(disk.path, storeBytes: 1 << 20)
      first.keep("k", "v", in: .both)
      #expect(first.cache.flush())
    }
    #expect(disk.makeReadOnly())
    let bench = try Bench(disk.path, storeBytes: 1 << 20)
    let problem = try #require(bench.cache.problem)
    #expect(problem.contains("Read-only"), "\(problem)")
    bench.keep("k", "v", in: .both)
    #expect(bench.find("k") == fresh(.worker, "v"))
    #expect(bench.cache.statistics[.putsDropped] == 0)
  }
}
