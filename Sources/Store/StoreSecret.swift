// The secret of a folder: 32 random bytes in a file of mode 0600, from which all keys of its stores are made. A file that
// is damaged or that others could read is replaced: the names of stores are made of the secret too, so what was kept under
// the old one is never met again.

import CPlatform
import CSodium

public struct StoreSecret: Equatable, Sendable {
  static let fileName = "purser.secret"
  private static let head: [UInt8] = Array("PURSERK1".utf8)
  private static let secretBytes = 32

  fileprivate let bytes: [UInt8]

  /// One for this process alone, for who keeps nothing.
  public static func random() throws(StoreError) -> StoreSecret {
    // libsodium ends the process where it finds no randomness, so it is asked for here first.
    var bytes = [UInt8](repeating: 0, count: secretBytes)
    guard bytes.withUnsafeMutableBytes({ platform_random_bytes($0.baseAddress, $0.count) }), sodium_init() >= 0 else {
      throw StoreError(.unavailable, "the system has no randomness to make a key of")
    }
    return StoreSecret(bytes: bytes)
  }

  /// The folder's, made if there is none.
  static func open(folder: Int32, _ missing: Store.Missing) throws(StoreError) -> StoreSecret {
    let made = try random()
    if let found = read(folder: folder) { return found }
    if missing == .refuse {
      throw StoreError(
        .untrusted, "there is no secret `\(fileName)`, or it is damaged or open to others; so there is no store")
    }
    let whole = head + made.bytes
    var status = whole.withUnsafeBytes { platform_file_create(folder, fileName, $0.baseAddress, $0.count) }
    if status == 0 - EEXIST {
      // Somebody else made it just now, or it is no good.
      if let found = read(folder: folder) { return found }
      status = whole.withUnsafeBytes { platform_file_replace(folder, fileName, $0.baseAddress, $0.count) }
    }
    guard status == 0 else { throw .system(.folder, "cannot write the secret `\(fileName)`", status) }
    guard let found = read(folder: folder) else {
      throw StoreError(.folder, "the secret `\(fileName)` cannot be read back")
    }
    return found
  }

  /// Whether the folder's is another by now, or none that would be used.
  func isReplaced(in folder: Int32) -> Bool {
    let file = platform_file_open(folder, StoreSecret.fileName, false)
    if file >= 0 { platform_file_close(file) }
    // What does not say that it is another, such as that no more files can be opened, says nothing.
    return file >= 0 || file == 0 - ENOENT ? StoreSecret.read(folder: folder) != self : false
  }

  private static func read(folder: Int32) -> StoreSecret? {
    let file = platform_file_open(folder, fileName, false)
    guard file >= 0 else { return nil }
    defer { platform_file_close(file) }
    var facts = platform_file_facts()
    var whole = [UInt8](repeating: 0, count: head.count &+ secretBytes)
    guard platform_file_look(file, &facts) == 0, facts.is_private, facts.size == Int64(whole.count),
      whole.withUnsafeMutableBytes({ platform_file_read(file, 0, $0.baseAddress, $0.count) }) == 0,
      whole.starts(with: head)
    else { return nil }
    return StoreSecret(bytes: Array(whole.suffix(secretBytes)))
  }

  /// A key of its own for each purpose: BLAKE2b of the purpose under the secret. At most 64 bytes.
  public func key(for purpose: String, bytes count: Int) -> [UInt8] {
    keyedHash(Array(purpose.utf8), key: bytes, bytes: count)
  }
}

/// BLAKE2b under a key; at least 16, at most 64 bytes.
func keyedHash(_ message: [UInt8], key: [UInt8], bytes count: Int) -> [UInt8] {
  var hash = [UInt8](repeating: 0, count: min(max(count, 16), 64))
  crypto_generichash(&hash, hash.count, message, UInt64(message.count), key, key.count)
  return hash
}
