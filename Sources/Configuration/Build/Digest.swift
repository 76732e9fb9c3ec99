// The digest that identifies a plan: SHA-256 over the contents that it was compiled from. It does not depend on the
// names or the order of the files.

import CEL
import CSodium
import PurserEngine

enum Digest {
  /// 64 hex digits.
  static func hex(of parts: [[UInt8]]) -> String {
    let digests = parts.map(sha256).ordered { $0.lexicographicallyPrecedes($1) }
    let hex = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in sha256(Array(digests.joined())) {
      text.append(hex.indices.contains(Int(byte >> 4)) ? hex[Int(byte >> 4)] : 0)
      text.append(hex.indices.contains(Int(byte & 15)) ? hex[Int(byte & 15)] : 0)
    }
    return String(decoding: text, as: UTF8.self)
  }

  static func of(_ text: UnsafeBufferPointer<UInt8>) -> DocumentDigest {
    var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    withUnsafeMutableBytes(of: &words) { out in
      guard let base = out.baseAddress else { return }
      _ = crypto_hash_sha256(base.assumingMemoryBound(to: UInt8.self), text.baseAddress, UInt64(text.count))
    }
    return DocumentDigest(words.0, words.1, words.2, words.3)
  }

  private static func sha256(_ bytes: [UInt8]) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: 32) { out, count in
      bytes.withUnsafeBufferPointer { input in
        guard let base = out.baseAddress else { return }
        _ = crypto_hash_sha256(base, input.baseAddress, UInt64(input.count))
        count = 32
      }
    }
  }
}
