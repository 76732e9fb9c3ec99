import CPlatform
import Foundation
import Testing

@testable import PurserCheckCache
@testable import PurserStore

/// Several processes, and their deaths. Serialised: each test keeps both processors busy by itself.
@Suite(.serialized) struct ProcessTests {
  private func start(_ arguments: String...) throws -> Process {
    let process = Process()
    process.executableURL = URL(
      fileURLWithPath: try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    )
    .deletingLastPathComponent().appendingPathComponent("cachewriter")
    // Where tests run by a tool that loads them, they lie beside the bundle.
    if !FileManager.default.isExecutableFile(atPath: process.executableURL?.path ?? "") {
      let bundle = try #require(CommandLine.arguments.first { $0.hasSuffix(".xctest") })
      process.executableURL = URL(fileURLWithPath: bundle).deletingLastPathComponent()
        .appendingPathComponent("cachewriter")
    }
    process.arguments = arguments
    try process.run()
    return process
  }

  @Test func processesKilledWhileTheyWriteLeaveOnlyRightAnswers() throws {
    let folder = try TestFolder()
    var kills = 0
    var entries = 0
    var warm = 0
    var round = 0
    while kills < faultCount {
      round += 1
      let writers = try (0..<4).map { try start("write", folder.path, "\(round * 4 + $0)") }
      // The moment is what is tried; nothing waits for it.
      usleep(UInt32.random(in: 20_000...300_000))
      for writer in writers {
        kill(writer.processIdentifier, SIGKILL)
        writer.waitUntilExit()
        if writer.terminationReason == .uncaughtSignal {
          #expect(writer.terminationStatus == SIGKILL)
          kills += 1
        } else {
          #expect(writer.terminationStatus == 0, "3: a wrong answer was found")
        }
      }
      let now = platform_wall_nanoseconds()
      guard let inspector = try? CacheInspector(directory: folder.path) else { continue }
      for summary in inspector.verify(now: now) {
        #expect(summary.broken == 0)
        entries = max(entries, summary.entries)
        if summary.problem == nil { warm += 1 }
      }
      for number in stride(from: round % 50, to: 5000, by: 50) {
        guard let answer = inspector.find(text: "key-\(number)") else { continue }
        #expect(String(decoding: answer.value, as: UTF8.self).hasSuffix("of key-\(number)"))
      }
    }
    #expect(entries > 100)
    #expect(warm * 2 > round, "a crash in the same boot costs nothing")
  }

  @Test func aForksChildFindsNothingInItsParentsCacheAndOpensItsOwn() throws {
    let folder = try TestFolder()
    let process = try start("fork", folder.path)
    process.waitUntilExit()
    #expect(process.terminationReason == .exit)
    #expect(process.terminationStatus == 0, "the step that failed; see cachewriter")
    let bench = try Bench(folder.path, storeBytes: 1 << 20)
    #expect(bench.cache.flush())
    #expect(bench.cache.status == .ready(.warm))
    #expect(bench.find("key", after: 1) == fresh(.store, "answer"))
  }

  @Test func anOpenStoreIsInspectedAndPurgedFromOutside() throws {
    let folder = try TestFolder()
    #expect(throws: StoreError.self) { _ = try CacheInspector(directory: folder.path) }
    #expect(folder.names == [], "looking makes nothing")
    let bench = try Bench(folder.path, storeBytes: 1 << 20)
    for number in 0..<100 {
      bench.keep(
        "key-\(number)", "v", in: .both, ttl: number < 30 ? second : 100 * second,
        stamp: bench.stamp(number % 2 == 0 ? "even" : "odd"))
    }
    #expect(bench.cache.flush())
    let inspector = try CacheInspector(directory: folder.path)
    let summary = try #require(inspector.verify(now: bench.now + 2 * second).first)
    #expect(summary.entries == 100)
    #expect(summary.expired == 30)
    #expect(summary.purged == 0)
    #expect(summary.broken == 0)
    #expect(summary.problem == nil)
    #expect(summary.oldestAskedAt == bench.now)
    try Array("even".utf8).withUnsafeBytes { try inspector.purge(policy: $0) }
    #expect(inspector.summaries(now: bench.now).map(\.purged) == [50])
    #expect(bench.find("key-50") == nil)
    #expect(bench.find("key-51") == fresh(.worker, "v"))
    #expect(inspector.find(text: "key-50")?.isCurrent == false)
    #expect(inspector.find(text: "key-51")?.value == [UInt8(ascii: "v")])
    #expect(inspector.find(text: "key-100") == nil)
  }
}
