// The stores that this process has open: one environment a file, whoever asks. Held while a store is opened or closed. A
// fork's child begins with an empty one, since LMDB must not be used across a fork and the lock may be held by a thread
// that the child does not have.

import CPlatform

final class StoreRegistry: @unchecked Sendable {
  private let forkCount: UInt32
  private let lock: OpaquePointer
  private var stores: [Store] = []

  /// Address of the registry; retained for ever.
  nonisolated(unsafe) private static let word: UnsafeMutablePointer<UInt64> = {
    let word = UnsafeMutablePointer<UInt64>.allocate(capacity: 1)
    word.initialize(to: 0)
    return word
  }()

  private init?() {
    guard let lock = platform_lock_make() else { return nil }
    self.lock = lock
    forkCount = platform_fork_count()
  }

  deinit { platform_lock_free(lock) }

  static func current() -> StoreRegistry? {
    while true {
      let known = platform_load_acquire(word)
      if let address = UnsafeRawPointer(bitPattern: UInt(known)) {
        let registry = Unmanaged<StoreRegistry>.fromOpaque(address).takeUnretainedValue()
        if registry.forkCount == platform_fork_count() { return registry }
      }
      guard let made = StoreRegistry() else { return nil }
      let retained = Unmanaged.passRetained(made)
      if platform_replace(word, known, UInt64(UInt(bitPattern: retained.toOpaque()))) { return made }
      retained.release()
    }
  }

  func hold<Result>(_ body: () throws(StoreError) -> Result) throws(StoreError) -> Result {
    platform_lock_acquire(lock)
    defer { platform_lock_release(lock) }
    return try body()
  }

  // With the lock held.

  func find(device: UInt64, inode: UInt64) -> Store? { stores.first { $0.device == device && $0.inode == inode } }
  func add(_ store: Store) { stores.append(store) }
  func remove(_ store: Store) { stores.removeAll { $0 === store } }
}
