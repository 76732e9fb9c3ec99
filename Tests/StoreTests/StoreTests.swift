import CPlatform
import Foundation
import Testing

@testable import PurserStore

final class StoreFixture {
  let path = NSTemporaryDirectory() + "purser-store-\(UUID().uuidString)"

  init() throws {
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func open(_ bytes: Int = 1 << 20, name: String = "test", missing: Store.Missing = .make) throws -> Store {
    try Store.open(folder: StoreFolder(path: path), name: name, bytes: bytes, missing: missing)
  }

  var names: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }
}

func put(_ store: Store, _ key: String, _ value: String) throws {
  try store.write { (writer) throws(StoreError) in
    try Array(key.utf8).withUnsafeBufferPointer { (key) throws(StoreError) in
      try Array(value.utf8).withUnsafeBufferPointer { (value) throws(StoreError) in
        try writer.put(UnsafeRawBufferPointer(key), UnsafeRawBufferPointer(value))
      }
    }
  }
}

func all(_ store: Store) throws -> [String: String] {
  let reader = try StoreReader(store)
  defer { reader.end() }
  var found: [String: String] = [:]
  try reader.visit { key, value in
    found[String(decoding: key, as: UTF8.self)] = String(decoding: value, as: UTF8.self)
    return true
  }
  return found
}

@Suite struct StoreTests {
  @Test func whatIsWrittenIsThereAfterACleanClose() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    #expect(store.opening == .created("there is none"))
    try put(store, "a", "1")
    try put(store, "b", "2")
    #expect(try all(store) == ["a": "1", "b": "2"])
    store.close()
    let again = try fixture.open()
    #expect(again.opening == .warm)
    #expect(try all(again) == ["a": "1", "b": "2"])
    try again.write { (writer) throws(StoreError) in try writer.clear() }
    #expect(try all(again) == [:])
    again.close()
  }

  @Test func aWriteThatFailsWritesNothing() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    defer { store.close() }
    #expect(throws: StoreError(.busy, "enough")) {
      try store.write { (writer) throws(StoreError) in
        try [1].withUnsafeBufferPointer { (one) throws(StoreError) in
          try writer.put(UnsafeRawBufferPointer(one), UnsafeRawBufferPointer(one))
        }
        throw StoreError(.busy, "enough")
      }
    }
    #expect(try all(store) == [:])
    try put(store, "a", "1")
    #expect(try all(store) == ["a": "1"])
  }

  @Test func aFullMapIsAnErrorAndTheStoreGoesOn() throws {
    let fixture = try StoreFixture()
    let store = try fixture.open()
    defer { store.close() }
    let value = String(repeating: "v", count: 3000)
    var written = 0
    var kind: StoreError.Kind?
    while kind == nil, written < 10_000 {
      do {
        try put(store, "key-\(written)", value)
        written += 1
      } catch { kind = (error as? StoreError)?.kind }
    }
    #expect(kind == .full)
    #expect(try all(store).count == written)
    #expect(!store.isBroken)
  }

  @Test func oneProcessHasOneEnvironmentAFile() throws {
    let fixture = try StoreFixture()
    let first = try fixture.open()
    let second = try fixture.open()
    #expect(first === second)
    let larger = try fixture.open(2 << 20)
    let other = try fixture.open(name: "other")
    #expect(first !== larger && first !== other)
    try put(first, "a", "1")
    #expect(try all(larger) == [:])
    first.close()
    #expect(try all(second) == ["a": "1"], "open until the last has closed it")
    for store in [second, larger, other] { store.close() }
    #expect(fixture.names.filter { $0.hasSuffix(".mdb") }.count == 3)
    let again = try fixture.open()
    #expect(again !== first)
    #expect(again.opening == .warm)
    again.close()
  }

  @Test func whatIsNotThereOrNotTrustedIsLeftAloneWhereNothingIsToBeMade() throws {
    let fixture = try StoreFixture()
    #expect(throws: StoreError.self) { _ = try StoreFolder(path: fixture.path, missing: .refuse) }
    #expect(fixture.names == [])
    try fixture.open().close()
    let file = fixture.path + "/" + (try #require(fixture.names.first { $0.hasSuffix(".mdb") }))
    let handle = try FileHandle(forUpdating: URL(fileURLWithPath: file))
    try handle.truncate(atOffset: 100_000)
    try handle.close()
    do {
      _ = try fixture.open(missing: .refuse)
      Issue.record("a cut file was opened")
    } catch let error as StoreError {
      #expect(error.kind == .untrusted)
      #expect(error.message.contains("its size is not what it was made with"))
    }
    #expect(try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int == 100_000)
  }

  @Test func processesWhoseNumbersMeanNothingToEachOtherDoNotShareAFile() throws {
    let fixture = try StoreFixture()
    let folder = try StoreFolder(path: fixture.path)
    let store = try Store.open(folder: folder, name: "test", bytes: 1 << 20)
    // As if another process space had the first file, and held it.
    let name = store.name
    store.close()
    var state = try #require(StoreState.read(name, in: folder))
    state.left = .open
    state.space &+= 1
    try state.write(name, in: folder)
    let use = platform_file_open(folder.descriptor, name.use, false)
    #expect(platform_file_lock(use, false) == 0)
    let mine = try Store.open(folder: folder, name: "test", bytes: 1 << 20)
    #expect(mine.name.number == 1)
    mine.close()
    platform_file_close(use)
    // Nobody holds it any more: its owner died, in this boot.
    let free = try Store.open(folder: folder, name: "test", bytes: 1 << 20)
    #expect(free.name.number == 0)
    #expect(free.opening == .afterCrash)
    free.close()
  }

  @Test func whoeverHoldsTheGateForTooLongIsNamed() throws {
    let fixture = try StoreFixture()
    let folder = try StoreFolder(path: fixture.path)
    try Store.open(folder: folder, name: "test", bytes: 1 << 20).close()
    let gate = try #require(fixture.names.first { $0.hasSuffix(".gate") })
    let file = platform_file_open(folder.descriptor, gate, false)
    defer { platform_file_close(file) }
    #expect(platform_file_lock(file, true) == 0)
    do {
      _ = try Store.open(folder: folder, name: "test", bytes: 1 << 20, patienceNanoseconds: 0)
      Issue.record("opened while the gate was held")
    } catch {
      #expect(error.kind == .busy)
      #expect(error.message == "another process holds `\(gate)`")
    }
  }

  @Test func aFolderTellsWhyItCannotBeUsed() throws {
    let fixture = try StoreFixture()
    func reason(_ path: String) -> String {
      do {
        _ = try StoreFolder(path: path)
        return "none"
      } catch { return error.message }
    }
    let file = fixture.path + "/file"
    _ = FileManager.default.createFile(atPath: file, contents: Data())
    #expect(reason(file).contains("Not a directory"))
    #expect(reason(fixture.path + "/no/such").contains("No such file or directory"))
    #expect(reason(fixture.path + "/made") == "none")
    #expect(
      try FileManager.default.attributesOfItem(atPath: fixture.path + "/made")[.posixPermissions] as? Int == 0o700)
    try FileManager.default.setAttributes([.posixPermissions: 0o770], ofItemAtPath: fixture.path + "/made")
    #expect(reason(fixture.path + "/made").contains("give it mode 0700"))
    if geteuid() == 0 {
      try FileManager.default.setAttributes(
        [.posixPermissions: 0o700, .ownerAccountID: 12345], ofItemAtPath: fixture.path + "/made")
      #expect(reason(fixture.path + "/made").contains("belongs to another user"))
    }
  }
}
