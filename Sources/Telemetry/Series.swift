// One combination of label values, and the table that finds it.
//
//   table: [mask | -] [hash | address] [hash | address] …       open addressing, at most half full
//                              │
//                              ▼ one block, never changed
//                     [hash][id | bytes][length, length, …][text of all labels]
//
// The table is read without a lock: an address is published with release order after everything it leads to. Insertion
// and replacement happen under the instrument's lock. Nothing is ever taken out of a table: when series expire, a new
// table without them is published, and the old one is freed when no worker can still be reading it.

import CEL
import CPlatform

struct Series {
  let hash: UInt64
  /// Which cell in each page table. 0 is the overflow series, which is in no table.
  let id: UInt32
  /// Of the text of all labels.
  let textBytes: UInt32

  static var headerBytes: Int { 16 }

  static func lengthBytes(_ labelCount: Int) -> Int { (labelCount &* 2 &+ 7) & ~7 }

  /// Copies the labels. Nil when memory cannot be had. The caller frees it.
  static func make(hash: UInt64, id: UInt32, labels: UnsafePointer<Bytes>, count: Int) -> UnsafeMutablePointer<Series>?
  {
    var textBytes = 0
    var index = 0
    while index < count {
      textBytes &+= Int(labels[index].count)
      index &+= 1
    }
    let size = headerBytes &+ lengthBytes(count) &+ textBytes
    guard let block = malloc(size) else { return nil }
    let series = block.bindMemory(to: Series.self, capacity: 1)
    series.initialize(to: Series(hash: hash, id: id, textBytes: UInt32(truncatingIfNeeded: textBytes)))
    var text = block + headerBytes + lengthBytes(count)
    index = 0
    while index < count {
      let label = labels[index]
      (block + headerBytes).storeBytes(
        of: UInt16(truncatingIfNeeded: label.count), toByteOffset: index &* 2, as: UInt16.self)
      if let base = label.base { memcpy(text, base, Int(label.count)) }
      text += Int(label.count)
      index &+= 1
    }
    return series
  }

  /// Whether these are the series' labels. The hash was compared before.
  @inline(__always)
  static func matches(_ series: UnsafeRawPointer, labels: UnsafePointer<Bytes>, count: Int) -> Bool {
    let lengths = series + headerBytes
    var text = lengths + lengthBytes(count)
    var index = 0
    while index < count {
      let label = labels[index]
      let length = Int(lengths.load(fromByteOffset: index &* 2, as: UInt16.self))
      guard length == Int(label.count) else { return false }
      if length > 0 {
        guard let base = label.base, LabelHash.sameText(UnsafeRawPointer(base), text, length) else { return false }
      }
      text += length
      index &+= 1
    }
    return true
  }

  /// Off the request path.
  static func labelValues(_ series: UnsafePointer<Series>, count: Int) -> [String] {
    let lengths = UnsafeRawPointer(series) + headerBytes
    var text = lengths + lengthBytes(count)
    var values: [String] = []
    values.reserveCapacity(count)
    for index in 0..<count {
      let length = Int(lengths.load(fromByteOffset: index &* 2, as: UInt16.self))
      values.append(String(decoding: UnsafeRawBufferPointer(start: text, count: length), as: UTF8.self))
      text += length
    }
    return values
  }
}

/// The words of a table: `[mask, unused, hash, address, hash, address, …]`.
struct SeriesTable {
  let words: UnsafeMutablePointer<UInt64>

  /// Room for `seriesMax`, at most half full, so that a search always ends at an empty slot.
  static func make(seriesMax: Int) -> UnsafeMutablePointer<UInt64>? {
    var slots = 8
    while slots < seriesMax &* 2 { slots &*= 2 }
    guard let memory = calloc(slots &* 2 &+ 2, 8) else { return nil }
    let words = memory.bindMemory(to: UInt64.self, capacity: slots &* 2 &+ 2)
    words[0] = UInt64(truncatingIfNeeded: slots &- 1)
    return words
  }

  @inline(__always)
  func find(hash: UInt64, labels: UnsafePointer<Bytes>, count: Int) -> UnsafeRawPointer? {
    let mask = words[0]
    var slot = hash & mask
    while true {
      let entry = words + Int(truncatingIfNeeded: slot &* 2 &+ 2)
      guard let series = UnsafeRawPointer(bitPattern: UInt(platform_load_acquire(entry + 1))) else { return nil }
      if platform_load(entry) == hash, Series.matches(series, labels: labels, count: count) { return series }
      slot = (slot &+ 1) & mask
    }
  }

  /// Under the instrument's lock. The caller knows that it is not there and that there is room.
  func insert(_ series: UnsafePointer<Series>) {
    let mask = words[0]
    var slot = series.pointee.hash & mask
    while true {
      let entry = words + Int(truncatingIfNeeded: slot &* 2 &+ 2)
      if platform_load(entry + 1) == 0 {
        platform_store(entry, series.pointee.hash)
        platform_store_release(entry + 1, UInt64(UInt(bitPattern: series)))
        return
      }
      slot = (slot &+ 1) & mask
    }
  }
}

/// A keyed multiply-and-fold hash over label texts (the construction of wyhash). The key is random, so that a client who
/// chooses label values cannot choose collisions; equality is always decided by the bytes.
enum LabelHash {
  @inline(__always)
  static func mix(_ state: UInt64, _ text: Bytes) -> UInt64 {
    let length = Int(text.count)
    var hash = state
    var first: UInt64 = 0
    var last: UInt64 = 0
    if length > 0, let base = text.base {
      var bytes = UnsafeRawPointer(base)
      var left = length
      while left > 16 {
        hash = fold(
          bytes.loadUnaligned(as: UInt64.self) ^ 0x9e37_79b9_7f4a_7c15 ^ hash,
          bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self) ^ 0xe703_7ed1_a0b4_28db)
        bytes += 16
        left &-= 16
      }
      if left >= 8 {
        first = bytes.loadUnaligned(as: UInt64.self)
        last = bytes.loadUnaligned(fromByteOffset: left &- 8, as: UInt64.self)
      } else if left >= 4 {
        first = UInt64(bytes.loadUnaligned(as: UInt32.self))
        last = UInt64(bytes.loadUnaligned(fromByteOffset: left &- 4, as: UInt32.self))
      } else {
        first =
          UInt64(bytes.load(as: UInt8.self)) << 16 | UInt64(bytes.load(fromByteOffset: left >> 1, as: UInt8.self)) << 8
          | UInt64(bytes.load(fromByteOffset: left &- 1, as: UInt8.self))
      }
    }
    return fold(
      first ^ 0x8ebc_6af0_9c88_c6e3 ^ hash,
      last ^ 0x5899_65cc_7537_4cc3 ^ UInt64(truncatingIfNeeded: length) &* 0xa076_1d64_78bd_642f)
  }

  @inline(__always)
  private static func fold(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let product = a.multipliedFullWidth(by: b)
    return product.high ^ product.low
  }

  @inline(__always)
  static func sameText(_ a: UnsafeRawPointer, _ b: UnsafeRawPointer, _ length: Int) -> Bool {
    if length >= 8 {
      let end = length &- 8
      var index = 8
      while index < end {
        if a.loadUnaligned(fromByteOffset: index, as: UInt64.self)
          != b.loadUnaligned(fromByteOffset: index, as: UInt64.self)
        {
          return false
        }
        index &+= 8
      }
      return a.loadUnaligned(as: UInt64.self) == b.loadUnaligned(as: UInt64.self)
        && a.loadUnaligned(fromByteOffset: end, as: UInt64.self)
          == b.loadUnaligned(fromByteOffset: end, as: UInt64.self)
    }
    if length >= 4 {
      let end = length &- 4
      return a.loadUnaligned(as: UInt32.self) == b.loadUnaligned(as: UInt32.self)
        && a.loadUnaligned(fromByteOffset: end, as: UInt32.self)
          == b.loadUnaligned(fromByteOffset: end, as: UInt32.self)
    }
    for index in 0..<length
    where a.load(fromByteOffset: index, as: UInt8.self) != b.load(fromByteOffset: index, as: UInt8.self) {
      return false
    }
    return true
  }
}
