// What makes kept answers invalid, from any process: a table of words that a purge changes and every hit compares.
//
//   word 0        everything
//   word 1…4095   policies and tags, by a keyed hash: two that share a word are purged together, which costs answers only
//
// The table is a file of random words that is mapped for reading and written by `pwrite`, which fails where a write through
// the map would be a signal. A word is changed to a random one, so no two purges need to know of each other. A new file has
// other words, so losing it purges everything. Without a folder the words are the process's own.

import CPlatform
import CSodium
import PurserStore

/// The epochs that an answer depends on, as they were before it was asked for.
@frozen public struct EpochStamp: Equatable, Sendable {
  /// Of the words. They are random, so a sum that is the same means the same words.
  var sum: UInt64 = 0
  /// Up to 16 places of 16 bits.
  var places: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
  /// 0: depends on more than can be told, so it is never kept.
  var count: UInt8 = 0

  static let countMax = 16

  /// Stamps of the same question differ in it if something was purged between them.
  public var fingerprint: UInt64 { sum }

  /// Of what must not be kept.
  public static var never: EpochStamp { EpochStamp() }

  init() {}

  public static func == (left: EpochStamp, right: EpochStamp) -> Bool {
    left.sum == right.sum && left.count == right.count && left.places == right.places
  }

  mutating func append(_ place: Int) {
    let shift = UInt64(count & 3) &* 16
    let word = UInt64(truncatingIfNeeded: place & 0xffff) << shift
    switch count >> 2 {
    case 0: places.0 |= word
    case 1: places.1 |= word
    case 2: places.2 |= word
    default: places.3 |= word
    }
    count &+= 1
  }

  func place(_ index: UInt8) -> Int {
    let word: UInt64 =
      switch index >> 2 {
      case 0: places.0
      case 1: places.1
      case 2: places.2
      default: places.3
      }
    return Int(truncatingIfNeeded: (word >> (UInt64(index & 3) &* 16)) & 0xffff)
  }
}

final class EpochTable: @unchecked Sendable {
  static let fileName = "purser.epochs"
  static let wordsMax = 4096
  static let bytes = wordsMax * 8

  let words: UnsafePointer<UInt64>
  /// -1 where the words are the process's own.
  private let file: Int32
  private let policyKey: [UInt8]
  private let tagKey: [UInt8]

  /// The folder's table, made if there is none; without a folder a table of this process's.
  init(folder: StoreFolder?, secret: StoreSecret) throws(StoreError) {
    policyKey = secret.key(for: "purser cache policy 1", bytes: 16)
    tagKey = secret.key(for: "purser cache tag 1", bytes: 16)
    guard let folder else {
      file = -1
      let own = UnsafeMutablePointer<UInt64>.allocate(capacity: Self.wordsMax)
      // Each another: stamps are told apart by the sum of their words.
      for place in 0..<Self.wordsMax { (own + place).initialize(to: platform_random_word()) }
      words = UnsafePointer(own)
      return
    }
    let made = try Self.randomBytes()
    let file = try folder.openShared(Self.fileName, bytes: made)
    guard let address = platform_file_map(file, Self.bytes) else {
      platform_file_close(file)
      throw StoreError(.folder, "cannot map `\(Self.fileName)`")
    }
    self.file = file
    words = address.assumingMemoryBound(to: UInt64.self)
  }

  deinit {
    if file >= 0 {
      platform_file_unmap(words, Self.bytes)
      platform_file_close(file)
    } else {
      words.deallocate()
    }
  }

  private static func randomBytes() throws(StoreError) -> [UInt8] {
    var random = [UInt8](repeating: 0, count: bytes)
    guard random.withUnsafeMutableBytes({ platform_random_bytes($0.baseAddress, $0.count) }) else {
      throw StoreError(.unavailable, "the system has no randomness for `\(fileName)`")
    }
    return random
  }

  // MARK: Stamps

  @inline(__always)
  func word(_ place: Int) -> UInt64 { platform_load(words + (place & (Self.wordsMax - 1))) }

  /// Whether nothing was purged since that the answer depends on.
  @inline(__always)
  func isCurrent(sum: UInt64, count: UInt8, places: UnsafePointer<UInt16>) -> Bool {
    var now: UInt64 = 0
    for index in 0..<min(Int(count), EpochStamp.countMax) { now = now &+ word(Int(places[index])) }
    return now == sum && count != 0
  }

  func isCurrent(_ stamp: EpochStamp) -> Bool {
    withUnsafeBytes(of: stamp.places) { places in
      guard let base = places.baseAddress else { return false }
      return isCurrent(sum: stamp.sum, count: stamp.count, places: base.assumingMemoryBound(to: UInt16.self))
    }
  }

  func stamp(policy: UnsafeRawBufferPointer, tags: [UnsafeRawBufferPointer]) -> EpochStamp {
    guard tags.count <= EpochStamp.countMax - 2 else { return .never }
    var stamp = EpochStamp()
    stamp.append(0)
    stamp.append(place(policy, policyKey))
    for tag in tags { stamp.append(place(tag, tagKey)) }
    for index in 0..<stamp.count { stamp.sum = stamp.sum &+ word(stamp.place(index)) }
    return stamp
  }

  private func place(_ name: UnsafeRawBufferPointer, _ key: [UInt8]) -> Int {
    var hash: UInt64 = 0
    withUnsafeMutableBytes(of: &hash) { hash in
      guard let output = hash.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
      // Of no bytes, any address will do.
      let input = name.baseAddress ?? UnsafeRawPointer(output)
      _ = crypto_shorthash_siphash24(output, input.assumingMemoryBound(to: UInt8.self), UInt64(name.count), key)
    }
    return 1 &+ Int(truncatingIfNeeded: hash % UInt64(Self.wordsMax - 1))
  }

  // MARK: Purges

  func purge() throws(StoreError) { try change(0) }
  func purge(policy: UnsafeRawBufferPointer) throws(StoreError) { try change(place(policy, policyKey)) }
  func purge(tag: UnsafeRawBufferPointer) throws(StoreError) { try change(place(tag, tagKey)) }

  private func change(_ place: Int) throws(StoreError) {
    var next = platform_random_word()
    if next == word(place) { next = next &+ 1 }
    guard file >= 0 else {
      platform_store(UnsafeMutablePointer(mutating: words) + place, next)
      return
    }
    let status = withUnsafeBytes(of: &next) {
      platform_file_write(file, Int64(place &* 8), $0.baseAddress, $0.count)
    }
    guard status == 0 else { throw StoreError.system("cannot purge: `\(Self.fileName)` cannot be written", status) }
  }
}
