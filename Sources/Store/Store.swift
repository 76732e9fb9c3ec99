// One LMDB file, open. Everything in it may be lost at any time: it is for what can be asked again.
//
//                       Store.open                                  close
//   nobody has it ──► trusted? ──no──► begin anew                    last of all processes ──► digest, "clean"
//        (flock)         └──yes──► open as it is                     others are left ──► nothing
//   others have it ──► join them
//
// Nothing is ever synced to the disk. A process that dies leaves the file whole, since LMDB writes pages that nobody reads yet
// and then one head; what a machine that dies leaves is not trusted. The file has the whole size of its map from the
// beginning, without blocks behind it, so a full disk is an error of a write and never a signal, and a file that was cut is
// known by its size. Cutting a file while it is open ends the processes that read it; that is nothing LMDB can survive.

import CLMDB
import CPlatform

public final class Store: @unchecked Sendable {
  /// What was found when the store was opened.
  public enum Opening: Equatable, Sendable {
    /// There was none, or it could not be trusted: why.
    case created(String)
    /// It was closed cleanly.
    case warm
    /// Whoever used it died, in this boot.
    case afterCrash
    /// Other processes use it.
    case joined
  }

  public enum Missing: Sendable {
    /// A file that is not there or not trusted is begun anew.
    case make
    /// It is left alone, and opening fails.
    case refuse
  }

  public static let bytesMin = 1 << 20
  static let numbersMax = 8
  static let readersMax: UInt32 = 1022

  public let name: StoreName
  public let opening: Opening
  let folder: StoreFolder
  let environment: UnsafeMutableRawPointer
  /// Of the `.use` file.
  let device: UInt64
  let inode: UInt64
  private let use: Int32
  private let forkCount = platform_fork_count()
  private let broken: UnsafeMutablePointer<UInt64>
  /// Guarded by the registry.
  private var users = 1

  private init(
    _ name: StoreName, _ folder: StoreFolder, _ opening: Opening, environment: UnsafeMutableRawPointer, use: Int32,
    facts: platform_file_facts
  ) {
    self.name = name
    self.folder = folder
    self.opening = opening
    self.environment = environment
    self.use = use
    device = facts.device
    inode = facts.inode
    broken = .allocate(capacity: 1)
    broken.initialize(to: 0)
  }

  deinit { broken.deallocate() }

  // MARK: Opening

  /// Opens the folder's store of this kind and size, or gives the one that this process has open already; each `open` needs
  /// a `close`. `bytes` is the size of the map, at least 1 MiB; another size is another file. With a `number` that file or
  /// none, else the first that this process may use. Waits up to `patienceNanoseconds` for other processes that open or
  /// close one.
  public static func open(
    folder: StoreFolder, name: String, bytes: Int, number only: Int? = nil, missing: Missing = .make,
    patienceNanoseconds: Int64 = 10_000_000_000
  ) throws(StoreError) -> Store {
    try openLibrary()
    guard let registry = StoreRegistry.current() else { throw StoreError(.unavailable, "out of memory") }
    // Whole pages, on machines with large ones too.
    let size = min(max(bytes, bytesMin), Int(Int64.max >> 16)) & ~0xffff
    return try registry.hold { () throws(StoreError) in
      let first = StoreName(name: name, identity: folder.identity, bytes: size, number: 0)
      let gate = try StoreGate(folder: folder, name: first.gate, patienceNanoseconds: patienceNanoseconds)
      defer { gate.close() }
      for number in 0..<numbersMax where only == nil || only == number {
        let name = StoreName(name: name, identity: folder.identity, bytes: size, number: number)
        if let store = try open(name, in: folder, missing, registry) { return store }
      }
      throw StoreError(.busy, "other processes keep all \(numbersMax) files of `\(first.shared)` to themselves")
    }
  }

  /// LMDB itself, once a process.
  public static func openLibrary() throws(StoreError) {
    var reason = [CChar](repeating: 0, count: 512)
    guard lmdb_door_open(&reason, reason.count) else {
      throw StoreError(
        .unavailable, String(decoding: reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }
  }

  /// Nil if others have this file who may not share it.
  private static func open(
    _ name: StoreName, in folder: StoreFolder, _ missing: Missing, _ registry: StoreRegistry
  ) throws(StoreError) -> Store? {
    let use = platform_file_open(folder.descriptor, name.use, true)
    guard use >= 0 else { throw .system(use == 0 - ENOSPC ? .disk : .folder, "cannot open `\(name.use)`", use) }
    var facts = platform_file_facts()
    guard platform_file_look(use, &facts) == 0, facts.is_private else {
      platform_file_close(use)
      throw StoreError(.folder, "`\(name.use)` is not a private file")
    }
    if let store = registry.find(device: facts.device, inode: facts.inode) {
      platform_file_close(use)
      store.users &+= 1
      return store
    }
    let opener = StoreOpener(name: name, folder: folder)
    do throws(StoreError) {
      let opening: Opening
      let environment: UnsafeMutableRawPointer
      if platform_file_lock(use, true) == 0 {
        (environment, opening) = try opener.openFirst(missing)
      } else if platform_file_lock(use, false) == 0, opener.mayJoin() {
        (environment, opening) = (try opener.openEnvironment(), .joined)
      } else {
        platform_file_close(use)
        return nil
      }
      // The gate is held, so nobody comes between.
      let status = platform_file_lock(use, false)
      guard status == 0 else {
        lmdb_door_environment_close(environment)
        throw .system(.folder, "cannot lock `\(name.use)`", status)
      }
      _ = lmdb_door_check_readers(environment)
      let store = Store(name, folder, opening, environment: environment, use: use, facts: facts)
      registry.add(store)
      return store
    } catch {
      platform_file_close(use)
      throw error
    }
  }

  /// Readers and writers must have ended. The last one to close, of all processes, leaves the file clean.
  public func close() {
    guard !isForked, let registry = StoreRegistry.current() else { return }
    try? registry.hold { () throws(StoreError) in
      users &-= 1
      guard users == 0 else { return }
      registry.remove(self)
      let gate = try? StoreGate(folder: folder, name: name.gate, patienceNanoseconds: 10_000_000_000)
      let isLast = gate != nil && platform_file_lock(use, true) == 0
      lmdb_door_environment_close(environment)
      // Without the state the file is as if its user had died: trusted in this boot.
      if isLast { try? StoreOpener(name: name, folder: folder).leave(isBroken: isBroken) }
      platform_file_unlock(use)
      platform_file_close(use)
      gate?.close()
    }
  }

  // MARK: State

  /// Whether this process is a fork's child of the one that opened it. Then nothing here works.
  public var isForked: Bool { forkCount != platform_fork_count() }

  /// Whether LMDB found the file wrong. It is begun anew when all have closed it.
  public var isBroken: Bool { platform_load(broken) != 0 }

  /// Takes note of a status that LMDB gave, if it means that the file is broken.
  @usableFromInline
  func note(_ status: Int32) {
    guard status < 0, StoreError.lmdb("", status).kind == .broken, !isForked else { return }
    guard platform_replace(broken, 0, 1) else { return }
    try? StoreOpener(name: name, folder: folder).leave(isBroken: true)
  }

  /// Frees the places of readers whose process is dead; how many.
  @discardableResult
  public func checkReaders() -> Int { isForked || isBroken ? 0 : Int(lmdb_door_check_readers(environment)) }

  /// Throws unless the store can be used.
  func check() throws(StoreError) {
    if isForked { throw StoreError(.forked, "the store was opened before a fork") }
    if isBroken { throw StoreError(.broken, "the store's file is damaged; it is begun anew when all have closed it") }
  }
}

/// Held by whoever opens or closes a store of this kind and size.
struct StoreGate {
  private let descriptor: Int32

  init(folder: StoreFolder, name: String, patienceNanoseconds: Int64) throws(StoreError) {
    descriptor = platform_file_open(folder.descriptor, name, true)
    guard descriptor >= 0 else {
      throw .system(descriptor == 0 - ENOSPC ? .disk : .folder, "cannot open `\(name)`", descriptor)
    }
    let deadline = platform_monotonic_nanoseconds().addingReportingOverflow(patienceNanoseconds).partialValue
    while true {
      let status = platform_file_lock(descriptor, true)
      if status == 0 { return }
      guard status == 0 - EWOULDBLOCK, platform_monotonic_nanoseconds() < deadline else {
        platform_file_close(descriptor)
        throw status == 0 - EWOULDBLOCK
          ? StoreError(.busy, "another process holds `\(name)`") : .system(.folder, "cannot lock `\(name)`", status)
      }
      // Whoever holds it may be reading a whole file.
      platform_pause(5_000_000)
    }
  }

  func close() {
    // A fork's child may hold the descriptor too.
    platform_file_unlock(descriptor)
    platform_file_close(descriptor)
  }
}
