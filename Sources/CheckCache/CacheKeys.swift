// How an entry is named and sealed in the store, where nothing of what was asked stands in the clear.
//
//   name   16 bytes: SipHash-2-4 of the key, 128 bits: LMDB's key
//   check  8 bytes: a fast hash under another secret, compared at a hit
//   seal   AEAD of the value under a key that is made of the store's and of the writer's salt
//
// docs/decisions/0014-check-cache.md says why these.

import CPlatform
import CSodium
import PurserStore

@frozen @usableFromInline struct EntryName: Equatable {
  var high: UInt64 = 0
  var low: UInt64 = 0
}

final class CacheKeys: @unchecked Sendable {
  static let saltBytes = 16
  static let tagBytes = 16

  private let nameKey: UnsafeMutablePointer<UInt8>
  private let checkHash: KeyHash
  private let sealKey: UnsafeMutablePointer<UInt8>
  /// AES-256-GCM where the processor has it, else ChaCha20-Poly1305. Stores of one are not read with the other.
  let isAES: Bool
  var algorithm: String { isAES ? "aes" : "chacha" }

  init(secret: StoreSecret) {
    nameKey = .allocate(capacity: 16)
    sealKey = .allocate(capacity: 32)
    nameKey.initialize(repeating: 0, count: 16)
    sealKey.initialize(repeating: 0, count: 32)
    isAES = crypto_aead_aes256gcm_is_available() == 1
    for (at, byte) in secret.key(for: "purser cache name 2", bytes: 16).enumerated() { nameKey[at] = byte }
    checkHash = secret.key(for: "purser cache check 2", bytes: 16).withUnsafeBytes {
      KeyHash(
        $0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }
    let purpose = isAES ? "purser cache seal aes 1" : "purser cache seal chacha 1"
    for (at, byte) in secret.key(for: purpose, bytes: 32).enumerated() { sealKey[at] = byte }
  }

  deinit {
    nameKey.deallocate()
    sealKey.deallocate()
  }

  @inline(__always)
  func name(of key: UnsafeRawBufferPointer) -> EntryName {
    var name = EntryName()
    withUnsafeMutableBytes(of: &name) { name in
      guard let output = name.baseAddress else { return }
      // Of no bytes, any address will do.
      let input = key.baseAddress ?? UnsafeRawPointer(nameKey)
      _ = crypto_shorthash_siphashx24(
        output.assumingMemoryBound(to: UInt8.self), input.assumingMemoryBound(to: UInt8.self), UInt64(key.count),
        nameKey
      )
    }
    return name
  }

  @inline(__always)
  func check(of key: UnsafeRawBufferPointer) -> UInt64 { checkHash(key) }

  /// The 32 bytes of a writer's key.
  fileprivate func derive(salt: UnsafeRawPointer, into key: UnsafeMutablePointer<UInt8>) {
    _ = crypto_generichash(
      key, 32, salt.assumingMemoryBound(to: UInt8.self), UInt64(Self.saltBytes), sealKey, 32)
  }

  /// How long an entry's time is shortened, out of `span`: up to a tenth, always the same for the same key.
  static func jitter(_ name: EntryName, span: Int64) -> Int64 {
    guard span > 0 else { return 0 }
    return Int64(truncatingIfNeeded: UInt64(span / 10).multipliedFullWidth(by: name.low).high)
  }
}

/// Seals and opens values. Keeps the keys of the writers it met last, so it belongs to one thread.
struct SealBox {
  private static let places = 8
  private static let scheduleBytes = MemoryLayout<crypto_aead_aes256gcm_state>.stride
  private static let placeBytes = (16 + scheduleBytes + 15) & ~15

  private let keys: CacheKeys
  /// Places of a salt and its key, or what AES makes of it.
  private let memory: UnsafeMutableRawPointer

  init(keys: CacheKeys) {
    self.keys = keys
    memory = .allocate(byteCount: Self.places * Self.placeBytes, alignment: 16)
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: Self.places * Self.placeBytes)
    // A place is empty when its salt is one that belongs elsewhere.
    for place in 0..<Self.places {
      memory.storeBytes(
        of: UInt64(truncatingIfNeeded: place &+ 1), toByteOffset: place &* Self.placeBytes, as: UInt64.self)
    }
  }

  func free() { memory.deallocate() }

  @inline(__always)
  private func schedule(_ salt: UnsafeRawPointer) -> UnsafeMutableRawPointer {
    let first = salt.loadUnaligned(as: UInt64.self)
    let second = salt.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
    let place = memory + Int(truncatingIfNeeded: first & UInt64(Self.places - 1)) &* Self.placeBytes
    if place.load(as: UInt64.self) != first || place.load(fromByteOffset: 8, as: UInt64.self) != second {
      make(place, first, second, salt)
    }
    return place + 16
  }

  @inline(never)
  private func make(_ place: UnsafeMutableRawPointer, _ first: UInt64, _ second: UInt64, _ salt: UnsafeRawPointer) {
    place.storeBytes(of: first, as: UInt64.self)
    place.storeBytes(of: second, toByteOffset: 8, as: UInt64.self)
    let schedule = place + 16
    var key = (UInt64(0), UInt64(0), UInt64(0), UInt64(0))
    withUnsafeMutableBytes(of: &key) { key in
      guard let bytes = key.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
      keys.derive(salt: salt, into: bytes)
      if keys.isAES {
        _ = crypto_aead_aes256gcm_beforenm(schedule.assumingMemoryBound(to: crypto_aead_aes256gcm_state.self), bytes)
      } else {
        schedule.copyMemory(from: bytes, byteCount: 32)
      }
    }
  }

  /// A nonce of 96 bits: the number of the value among its writer's.
  @inline(__always)
  private func withNonce<Result>(_ number: UInt64, _ body: (UnsafePointer<UInt8>) -> Result) -> Result? {
    var nonce = (number, UInt64(0))
    return withUnsafeBytes(of: &nonce) { nonce in
      guard let base = nonce.baseAddress else { return nil }
      return body(base.assumingMemoryBound(to: UInt8.self))
    }
  }

  /// Writes the sealed value, `tagBytes` longer, to `result`. A number is used once by a writer.
  func seal(
    _ value: UnsafeRawBufferPointer, bound: UnsafeRawBufferPointer, salt: UnsafeRawPointer, number: UInt64,
    into result: UnsafeMutableRawPointer
  ) -> Bool {
    let schedule = schedule(salt)
    let output = result.assumingMemoryBound(to: UInt8.self)
    let input = value.baseAddress?.assumingMemoryBound(to: UInt8.self)
    let context = bound.baseAddress?.assumingMemoryBound(to: UInt8.self)
    let status = withNonce(number) { nonce in
      keys.isAES
        ? crypto_aead_aes256gcm_encrypt_afternm(
          output, nil, input, UInt64(value.count), context, UInt64(bound.count), nil, nonce,
          UnsafePointer(schedule.assumingMemoryBound(to: crypto_aead_aes256gcm_state.self)))
        : crypto_aead_chacha20poly1305_ietf_encrypt(
          output, nil, input, UInt64(value.count), context, UInt64(bound.count), nil, nonce,
          schedule.assumingMemoryBound(to: UInt8.self))
    }
    return status == 0
  }

  /// Writes the value to `result`; false if anything of it was changed.
  @inline(__always)
  func open(
    _ sealed: UnsafeRawBufferPointer, bound: UnsafeRawBufferPointer, salt: UnsafeRawPointer, number: UInt64,
    into result: UnsafeMutableRawPointer
  ) -> Bool {
    guard let input = sealed.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return false }
    let schedule = schedule(salt)
    let output = result.assumingMemoryBound(to: UInt8.self)
    let context = bound.baseAddress?.assumingMemoryBound(to: UInt8.self)
    let status = withNonce(number) { nonce in
      keys.isAES
        ? crypto_aead_aes256gcm_decrypt_afternm(
          output, nil, nil, input, UInt64(sealed.count), context, UInt64(bound.count), nonce,
          UnsafePointer(schedule.assumingMemoryBound(to: crypto_aead_aes256gcm_state.self)))
        : crypto_aead_chacha20poly1305_ietf_decrypt(
          output, nil, nil, input, UInt64(sealed.count), context, UInt64(bound.count), nonce,
          schedule.assumingMemoryBound(to: UInt8.self))
    }
    return status == 0
  }
}
