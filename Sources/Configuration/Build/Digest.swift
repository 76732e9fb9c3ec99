// The digest that identifies a plan: SHA-256 over the contents that it was compiled from. It does not depend on the
// names or the order of the files.

import CEL
import CSodium
import PurserEngine

enum Digest {
  /// 64 hex digits, whatever the order of the parts.
  static func hex(of parts: [DocumentDigest]) -> String {
    let whole = of(parts.ordered(by: DocumentDigest.precedes))
    let hex = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    withUnsafeBytes(of: whole.words) { bytes in
      for byte in bytes {
        text.append(hex.indices.contains(Int(byte >> 4)) ? hex[Int(byte >> 4)] : 0)
        text.append(hex.indices.contains(Int(byte & 15)) ? hex[Int(byte & 15)] : 0)
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// One digest for all, in this order.
  static func of(_ digests: [DocumentDigest]) -> DocumentDigest {
    digests.withUnsafeBytes { bytes in of(bytes.assumingMemoryBound(to: UInt8.self)) }
  }

  static func of(_ bytes: [UInt8]) -> DocumentDigest { bytes.withUnsafeBufferPointer { of($0) } }

  static func of(_ text: UnsafeBufferPointer<UInt8>) -> DocumentDigest {
    var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    withUnsafeMutableBytes(of: &words) { out in
      guard let base = out.baseAddress else { return }
      _ = crypto_hash_sha256(base.assumingMemoryBound(to: UInt8.self), text.baseAddress, UInt64(text.count))
    }
    return DocumentDigest(words.0, words.1, words.2, words.3)
  }
}

/// What a digest is made of: numbers and texts one after the other, each text with its length, so that unlike ones are unlike
/// bytes.
struct DigestText {
  private(set) var bytes: [UInt8] = []

  mutating func put(_ number: UInt64) {
    var rest = number
    for _ in 0..<8 {
      bytes.append(UInt8(truncatingIfNeeded: rest))
      rest >>= 8
    }
  }

  mutating func put(_ text: [UInt8]) {
    put(UInt64(text.count))
    bytes += text
  }

  mutating func put(_ text: String) { put(Array(text.utf8)) }
}
