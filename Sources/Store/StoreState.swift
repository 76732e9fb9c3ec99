// How a file was left, kept beside it and signed with the secret. The first process that opens a file reads it:
//
//   clean   nobody has used the file since; `digest` is of its first `usedBytes`
//   open    somebody uses it, or died: trusted in the same boot only, since what LMDB wrote is then in the system's memory
//   broken  LMDB found its pages wrong: never trusted

import CPlatform
import CSodium

struct StoreState: Equatable {
  enum Left: UInt64 {
    case clean = 1
    case open = 2
    case broken = 3
  }

  var left: Left
  /// 16 bytes that name the boot; empty where the system does not tell.
  var boot: [UInt8]
  /// The process space of those that use it.
  var space: UInt64
  var device: UInt64 = 0
  var inode: UInt64 = 0
  var usedBytes: UInt64 = 0
  var digest = [UInt8](repeating: 0, count: 32)

  private static let head: [UInt8] = Array("PURSERS1".utf8)
  private static let bodyBytes = 8 + 8 + 16 + 4 * 8 + 32
  private static let wholeBytes = bodyBytes + 32

  static func bootIdentity() -> [UInt8] {
    var identity = [UInt8](repeating: 0, count: 16)
    return platform_boot_identity(&identity) ? identity : []
  }

  private func body() -> [UInt8] {
    var bytes = Self.head
    func append(_ word: UInt64) { withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0) } }
    append(left.rawValue)
    bytes.append(contentsOf: boot.count == 16 ? boot : [UInt8](repeating: 0, count: 16))
    append(space)
    append(device)
    append(inode)
    append(usedBytes)
    bytes.append(contentsOf: digest)
    return bytes
  }

  func write(_ name: StoreName, in folder: StoreFolder) throws(StoreError) {
    let body = body()
    let whole = body + keyedHash(body, key: folder.secret.key(for: "purser store state 1", bytes: 32), bytes: 32)
    let status = whole.withUnsafeBytes {
      platform_file_replace(folder.descriptor, name.state, $0.baseAddress, $0.count)
    }
    guard status == 0 else {
      throw .system(status == 0 - ENOSPC ? .disk : .folder, "cannot write `\(name.state)`", status)
    }
  }

  /// Nil if there is none that was written whole, here, under this secret.
  static func read(_ name: StoreName, in folder: StoreFolder) -> StoreState? {
    let file = platform_file_open(folder.descriptor, name.state, false)
    guard file >= 0 else { return nil }
    defer { platform_file_close(file) }
    var facts = platform_file_facts()
    var whole = [UInt8](repeating: 0, count: wholeBytes)
    guard platform_file_look(file, &facts) == 0, facts.is_private, facts.size == Int64(wholeBytes),
      whole.withUnsafeMutableBytes({ platform_file_read(file, 0, $0.baseAddress, $0.count) }) == 0
    else { return nil }
    let body = Array(whole.prefix(bodyBytes))
    let key = folder.secret.key(for: "purser store state 1", bytes: 32)
    guard keyedHash(body, key: key, bytes: 32) == Array(whole.suffix(32)), body.starts(with: head) else { return nil }
    func word(_ at: Int) -> UInt64 {
      UInt64(littleEndian: body.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: at, as: UInt64.self) })
    }
    guard let left = Left(rawValue: word(8)) else { return nil }
    let boot = Array(body[16..<32])
    return StoreState(
      left: left, boot: boot.contains { $0 != 0 } ? boot : [], space: word(32), device: word(40), inode: word(48),
      usedBytes: word(56), digest: Array(body[64..<96]))
  }

  /// BLAKE2b of a file's first bytes under the secret; nil if they cannot be read.
  static func digest(of file: Int32, usedBytes: UInt64, secret: StoreSecret) -> [UInt8]? {
    let key = secret.key(for: "purser store digest 1", bytes: 32)
    let chunkBytes = 256 << 10
    guard let memory = malloc(chunkBytes) else { return nil }
    defer { free(memory) }
    let state = UnsafeMutableRawPointer.allocate(byteCount: crypto_generichash_statebytes(), alignment: 64)
    defer { state.deallocate() }
    guard crypto_generichash_init(OpaquePointer(state), key, key.count, 32) == 0 else { return nil }
    var at: UInt64 = 0
    while at < usedBytes {
      let count = Int(clamping: min(usedBytes &- at, UInt64(chunkBytes)))
      guard platform_file_read(file, Int64(clamping: at), memory, count) == 0 else { return nil }
      crypto_generichash_update(
        OpaquePointer(state), memory.assumingMemoryBound(to: UInt8.self), UInt64(count))
      at &+= UInt64(count)
    }
    var digest = [UInt8](repeating: 0, count: 32)
    guard crypto_generichash_final(OpaquePointer(state), &digest, digest.count) == 0 else { return nil }
    return digest
  }
}
