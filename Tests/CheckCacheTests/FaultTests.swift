import CPlatform
import Foundation
import Testing

@testable import PurserCheckCache
@testable import PurserStore

/// How often the random ones are tried: more by `Tests/CheckCacheTests/faults.sh`.
let faultCount = Int(ProcessInfo.processInfo.environment["PURSER_FAULTS"] ?? "") ?? 30

@Suite struct FaultTests {
  private static let keys = (0..<300).map { "key-\($0)" }

  /// A folder with a store that was closed cleanly, and when its entries were asked for.
  private func makeWarm() throws -> (TestFolder, Int64) {
    let folder = try TestFolder()
    let bench = try Bench(folder.path, storeBytes: 1 << 20)
    for key in Self.keys { bench.keep(key, "answer of \(key)", in: .store, ttl: 1000 * second) }
    #expect(bench.cache.flush())
    let now = bench.now
    bench.close()
    return (folder, now)
  }

  private func copy(_ folder: TestFolder) throws -> TestFolder {
    let copy = try TestFolder()
    for name in folder.names {
      try FileManager.default.copyItem(atPath: folder.path + "/" + name, toPath: copy.path + "/" + name)
    }
    return copy
  }

  /// Opens it as a proxy would, looks for everything: how many were found, none of them wrong.
  @discardableResult
  private func use(_ folder: TestFolder, _ now: Int64) throws -> (
    found: Int, status: CheckCache.Status, CacheStatistics
  ) {
    let bench = try Bench(folder.path, storeBytes: 1 << 20)
    bench.now = now
    #expect(bench.cache.flush())
    let status = bench.cache.status
    var found = 0
    for key in Self.keys {
      guard let hit = bench.find(key) else { continue }
      found += 1
      #expect(hit == fresh(.store, "answer of \(key)"))
    }
    bench.keep("new", "new", in: .both)
    #expect(bench.cache.flush())
    #expect(bench.find("new") == fresh(.worker, "new"))
    return (found, status, bench.cache.statistics)
  }

  private func expectEmpty(_ folder: TestFolder, _ now: Int64, _ why: String) throws {
    let (found, status, statistics) = try use(folder, now)
    #expect(found == 0, "\(why)")
    guard case .ready(.created(let reason)) = status else {
      Issue.record("\(why): \(status)")
      return
    }
    #expect(!reason.isEmpty)
    #expect(statistics[.beganEmpty] == 1)
  }

  /// Rewrites how the file was left.
  private func leave(_ path: String, _ change: (inout StoreState) -> Void) throws {
    let folder = try StoreFolder(path: path)
    let name = try #require(["check-aes", "check-chacha"].flatMap { folder.stores($0) }.first)
    var state = try #require(StoreState.read(name, in: folder))
    var facts = platform_file_facts()
    #expect(platform_file_look_at(folder.descriptor, name.data, &facts) == 0)
    state.device = facts.device
    state.inode = facts.inode
    change(&state)
    try state.write(name, in: folder)
  }

  /// Changes the part of the file that is in use: some bytes, or its end.
  private func damage(_ file: String, used: Int) throws -> String {
    let handle = try FileHandle(forUpdating: URL(fileURLWithPath: file))
    defer { try? handle.close() }
    if Int.random(in: 0..<4) == 0 {
      let size = Int.random(in: 0..<(1 << 20))
      try handle.truncate(atOffset: UInt64(size))
      return "cut to \(size)"
    }
    var text = ""
    for _ in 0..<Int.random(in: 1...4) {
      let at = Int.random(in: 0..<used)
      try handle.seek(toOffset: UInt64(at))
      let old = try #require(try handle.read(upToCount: 1)?.first)
      let new = old ^ UInt8.random(in: 1...255)
      try handle.seek(toOffset: UInt64(at))
      try handle.write(contentsOf: [new])
      text += "byte \(at): \(old) is \(new); "
    }
    return text
  }

  private func used(_ folder: TestFolder) throws -> Int {
    let opened = try StoreFolder(path: folder.path)
    let name = try #require(["check-aes", "check-chacha"].flatMap { opened.stores($0) }.first)
    return Int(try #require(StoreState.read(name, in: opened)).usedBytes)
  }

  @Test func aChangedFileThatWasClosedCleanlyIsBegunAnew() throws {
    let (folder, now) = try makeWarm()
    let used = try used(folder)
    #expect(try use(try copy(folder), now).found == Self.keys.count, "a copy that was not changed is warm")
    for _ in 0..<faultCount {
      let copy = try copy(folder)
      let what = try damage(try copy.file(".mdb"), used: used)
      try expectEmpty(copy, now, what)
    }
  }

  @Test func aFileThatACrashLeftInAnotherBootIsBegunAnewChangedOrNot() throws {
    let (folder, now) = try makeWarm()
    let used = try used(folder)
    for round in 0..<faultCount {
      let copy = try copy(folder)
      try leave(copy.path) {
        $0.left = .open
        $0.boot = (0..<16).map { _ in UInt8.random(in: 1...255) }
      }
      let what = round == 0 ? "unchanged" : try damage(try copy.file(".mdb"), used: used)
      try expectEmpty(copy, now, what)
    }
  }

  @Test func aFileThatACrashLeftInThisBootIsWarmUnlessItWasCutOrExchanged() throws {
    let (folder, now) = try makeWarm()
    let crashed = try copy(folder)
    try leave(crashed.path) { $0.left = .open }
    let (found, status, _) = try use(crashed, now)
    #expect(found == Self.keys.count)
    #expect(status == .ready(.afterCrash))

    for _ in 0..<5 {
      let cut = try copy(folder)
      try leave(cut.path) { $0.left = .open }
      try FileHandle(forUpdating: URL(fileURLWithPath: try cut.file(".mdb")))
        .truncate(atOffset: UInt64.random(in: 0..<(1 << 20)))
      try expectEmpty(cut, now, "cut")
    }
    let exchanged = try copy(folder)
    try leave(exchanged.path) {
      $0.left = .open
      $0.inode &+= 1
    }
    try expectEmpty(exchanged, now, "exchanged")
    let broken = try copy(folder)
    try leave(broken.path) { $0.left = .broken }
    try expectEmpty(broken, now, "broken")
  }

  @Test func whatIsNoStoreOfThisFolderIsBegunAnew() throws {
    let (folder, now) = try makeWarm()
    let (other, _) = try makeWarm()
    for foreign in [
      Data(), Data("not a database".utf8), try Data(contentsOf: URL(fileURLWithPath: try other.file(".mdb"))),
    ] {
      let copy = try copy(folder)
      try foreign.write(to: URL(fileURLWithPath: try copy.file(".mdb")))
      try expectEmpty(copy, now, "\(foreign.count) foreign bytes")
    }
    let stateless = try copy(folder)
    try FileManager.default.removeItem(atPath: try stateless.file(".state"))
    try expectEmpty(stateless, now, "no state")
    let forged = try copy(folder)
    try Data(contentsOf: URL(fileURLWithPath: try other.file(".state")))
      .write(to: URL(fileURLWithPath: try forged.file(".state")))
    try expectEmpty(forged, now, "another folder's state")
    let linked = try copy(folder)
    let data = try linked.file(".mdb")
    try FileManager.default.moveItem(atPath: data, toPath: data + ".away")
    try FileManager.default.createSymbolicLink(atPath: data, withDestinationPath: data + ".away")
    try expectEmpty(linked, now, "a link")
    let open = try copy(folder)
    try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: try open.file(".mdb"))
    try expectEmpty(open, now, "readable by others")
  }

  @Test func aChangedSecretBeginsAnewAndRemovesWhatNobodyCanRead() throws {
    let (folder, now) = try makeWarm()
    let before = try folder.file(".mdb")
    for secret in [nil, Data("PURSERK1 too short".utf8), Data("PURSERK1".utf8) + Data((0..<32).map { UInt8($0) })] {
      let copy = try copy(folder)
      let path = copy.path + "/purser.secret"
      try FileManager.default.removeItem(atPath: path)
      if let secret {
        _ = FileManager.default.createFile(atPath: path, contents: secret, attributes: [.posixPermissions: 0o600])
      }
      try expectEmpty(copy, now, "\(String(describing: secret))")
      let names = copy.names.filter { $0.hasSuffix(".mdb") }
      #expect(names.count == 1)
      #expect(!before.hasSuffix(names.first ?? ""))
    }
  }

  @Test func aStoreThatLMDBFindsWrongIsLeftAloneAndBegunAnewNextTime() throws {
    let (folder, now) = try makeWarm()
    let path = try folder.file(".mdb")
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    func word(_ at: Int) -> Int { (0..<8).reversed().reduce(0) { $0 << 8 | Int(bytes[at + $1]) } }
    // The later of the two heads tells where the table's first page is; a page that is of no kind is none.
    let head = word(144) > word(4096 + 144) ? 0 : 4096
    let root = word(head + 128)
    let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path))
    try handle.seek(toOffset: UInt64(root * 4096 + 10))
    try handle.write(contentsOf: [0, 0])
    try handle.close()
    try leave(folder.path) { $0.left = .open }
    do {
      let bench = try Bench(folder.path, storeBytes: 1 << 20)
      bench.now = now
      #expect(bench.cache.flush())
      #expect(bench.find("key-1") == nil)
      let problem = try #require(bench.cache.problem)
      #expect(!problem.isEmpty)
      bench.keep("new", "new", in: .both)
      #expect(bench.cache.flush())
      #expect(bench.find("new") == fresh(.worker, "new"))
      #expect(bench.cache.statistics[.putsDropped] == 1)
      #expect(bench.cache.statistics[.writeFailures] > 0)
    }
    try expectEmpty(folder, now, "found damaged")
  }

  @Test func aFileThatLosesItsBytesInUseGivesMissesAndNothingWrong() throws {
    // As by a failing disk: values are overwritten below LMDB's feet, its own pages are left alone.
    let (folder, now) = try makeWarm()
    try leave(folder.path) { $0.left = .open }
    let path = try folder.file(".mdb")
    var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    let bench = try Bench(folder.path, storeBytes: 1 << 20)
    bench.now = now
    #expect(bench.cache.flush())
    // The salt is in each record; what follows it is the number, the epochs and the sealed value.
    let hits = Self.keys.filter { bench.find($0) != nil }.count
    #expect(hits == Self.keys.count)
    bench.close()
    try leave(folder.path) { $0.left = .open }
    bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    let sample = try #require(CacheInspector(directory: folder.path).find(text: "key-7"))
    #expect(sample.value == Array("answer of key-7".utf8))
    let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path))
    var changed = 0
    // Each record's head begins with its generation and format; the value's last bytes are its seal.
    let format = Data([2, 0, 2, 0])
    var at = bytes.startIndex
    while let found = bytes.range(of: format, in: at..<bytes.endIndex) {
      at = found.upperBound
      guard changed % 3 == 0 else {
        changed += 1
        continue
      }
      try handle.seek(toOffset: UInt64(found.lowerBound + 90))
      let old = try #require(try handle.read(upToCount: 1)?.first)
      try handle.seek(toOffset: UInt64(found.lowerBound + 90))
      try handle.write(contentsOf: [old ^ 1])
      changed += 1
    }
    try handle.close()
    try leave(folder.path) { $0.left = .open }
    let (found, status, statistics) = try use(folder, now)
    #expect(status == .ready(.afterCrash))
    #expect(found < Self.keys.count && found > 0)
    #expect(statistics[.sealFailures] == UInt64(Self.keys.count - found))
    let verified = try CacheInspector(directory: folder.path).verify(now: now)
    #expect(verified.map(\.broken) == [Self.keys.count - found])
  }
}

extension CacheInspector {
  func find(text: String) -> CacheAnswer? { Array(text.utf8).withUnsafeBytes { find(key: $0) } }
}
