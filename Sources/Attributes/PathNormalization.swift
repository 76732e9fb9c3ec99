// Paths are normalised here and nowhere else, so that a rule means the same in every host. The steps are those of
// Envoy and of Istio's `pathNormalization`, in Envoy's order: unescape slashes, `\` to `/`, decode unreserved
// characters, resolve dot segments, merge slashes.

import CEL
import CPlatform

public enum PathNormalization: UInt8, BitwiseCopyable, Sendable {
  case none, base, mergeSlashes, decodeAndMergeSlashes

  /// The normalised form of `path` up to its query; borrowed where nothing changes. Nil when it cannot be
  /// normalised: it does not begin with `/` (only `*`, of OPTIONS, may), or a `%` is not followed by two hex digits.
  @inline(__always)
  func normalize(_ path: Bytes, in arena: inout Arena) -> Result {
    guard self != .none, let whole = path.base, path.count > 0, whole[0] == UInt8(ascii: "/") else {
      return finish(path.pathWithoutQuery, in: &arena)
    }
    let (end, isNormal) = scan(whole, Int(path.count))
    if isNormal { return .normalized(Bytes(address: path.address, count: UInt32(truncatingIfNeeded: end))) }
    return finish(path.pathWithoutQuery, in: &arena)
  }

  @inline(never)
  private func finish(_ path: Bytes, in arena: inout Arena) -> Result {
    guard self != .none else { return .normalized(path) }
    guard let base = path.base, path.count > 0 else { return .malformed }
    let count = Int(path.count)
    guard base[0] == UInt8(ascii: "/") || base[0] == UInt8(ascii: "\\") else {
      return count == 1 && base[0] == UInt8(ascii: "*") ? .normalized(path) : .malformed
    }
    guard let memory = arena.allocate(count) else { return .outOfMemory }
    let out = memory.assumingMemoryBound(to: UInt8.self)
    guard let decoded = decode(base, count, to: out) else { return .malformed }
    var length = resolveDots(out, decoded)
    if self != .base { length = mergeSlashes(out, length) }
    return .normalized(Bytes(out, count: UInt32(truncatingIfNeeded: length)))
  }

  enum Result {
    case normalized(Bytes)
    case malformed
    case outOfMemory
  }

  /// Where the path ends, which begins with a slash, and whether no step would change it: no `%`, no `\`, no `//` (unless
  /// slashes stay), no segment that begins with a dot. Where it is not normal the end is of no use.
  @inline(__always)
  private func scan(_ text: UnsafePointer<UInt8>, _ count: Int) -> (end: Int, isNormal: Bool) {
    let mergesSlashes = self != .base
    // What may not follow a slash: `/` or `.`, which differ in the last bit; only `.` where slashes stay.
    var at = platform_plain_path_bytes(
      text, count, mergesSlashes ? 0x01 : 0, mergesSlashes ? UInt8(ascii: "/") : UInt8(ascii: "."))
    // The others are looked at byte by byte.
    var isAfterSlash = text[at &- 1] == UInt8(ascii: "/")
    while at < count {
      switch text[at] {
      case UInt8(ascii: "?"), UInt8(ascii: "#"): return (at, true)
      case UInt8(ascii: "%"), UInt8(ascii: "\\"): return (at, false)
      case UInt8(ascii: "."):
        if isAfterSlash { return (at, false) }
        isAfterSlash = false
      case UInt8(ascii: "/"):
        if isAfterSlash, mergesSlashes { return (at, false) }
        isAfterSlash = true
      default: isAfterSlash = false
      }
      at &+= 1
    }
    return (count, true)
  }

  /// Copies with escapes of unreserved characters decoded and `\` as `/`; the length, or nil for a bad escape.
  private func decode(_ path: UnsafePointer<UInt8>, _ count: Int, to out: UnsafeMutablePointer<UInt8>) -> Int? {
    var length = 0
    var index = 0
    while index < count {
      var byte = path[index]
      var width = 1
      if byte == UInt8(ascii: "%") {
        guard count &- index >= 3, let high = hexDigit(path[index &+ 1]), let low = hexDigit(path[index &+ 2]) else {
          return nil
        }
        let decoded = high << 4 | low
        let isSlash = decoded == UInt8(ascii: "/") || decoded == UInt8(ascii: "\\")
        if isUnreserved(decoded) || (isSlash && self == .decodeAndMergeSlashes) {
          byte = decoded
          width = 3
        }
      }
      out[length] = byte == UInt8(ascii: "\\") ? UInt8(ascii: "/") : byte
      length &+= 1
      index &+= width
    }
    return length
  }

  /// RFC 3986, 5.2.4, in place.
  private func resolveDots(_ path: UnsafeMutablePointer<UInt8>, _ count: Int) -> Int {
    var length = 0  // what is kept so far; begins with `/` or is empty
    var index = 0
    while index < count {
      // `path[index]` is the slash that begins a segment.
      var end = index &+ 1
      while end < count, path[end] != UInt8(ascii: "/") { end &+= 1 }
      let size = end &- index &- 1
      let isDot = size == 1 && path[index &+ 1] == UInt8(ascii: ".")
      let isTwoDots =
        size == 2 && path[index &+ 1] == UInt8(ascii: ".") && path[index &+ 2] == UInt8(ascii: ".")
      if isDot || isTwoDots {
        if isTwoDots {
          while length > 0 {
            length &-= 1
            if path[length] == UInt8(ascii: "/") { break }
          }
        }
        if end >= count {
          path[length] = UInt8(ascii: "/")
          length &+= 1
        }
      } else {
        var from = index
        while from < end {
          path[length] = path[from]
          length &+= 1
          from &+= 1
        }
      }
      index = end
    }
    return length
  }

  private func mergeSlashes(_ path: UnsafeMutablePointer<UInt8>, _ count: Int) -> Int {
    var length = 0
    var index = 0
    while index < count {
      let isRepeated =
        path[index] == UInt8(ascii: "/") && length > 0 && path[length &- 1] == UInt8(ascii: "/")
      if !isRepeated {
        path[length] = path[index]
        length &+= 1
      }
      index &+= 1
    }
    return length
  }
}

private func hexDigit(_ byte: UInt8) -> UInt8? {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): byte &- UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): byte &- UInt8(ascii: "a") &+ 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): byte &- UInt8(ascii: "A") &+ 10
  default: nil
  }
}

/// RFC 3986, 2.3.
private func isUnreserved(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
    UInt8(ascii: "~"):
    true
  default: false
  }
}

extension Bytes {
  /// The part before the first `?` or `#`.
  var pathWithoutQuery: Bytes {
    guard let base else { return self }
    var end: UInt32 = 0
    while end < count, base[Int(end)] != UInt8(ascii: "?"), base[Int(end)] != UInt8(ascii: "#") { end &+= 1 }
    return Bytes(address: address, count: end)
  }

  /// The part after the first `?` and before a `#`; nil when there is no `?`.
  var query: Bytes? {
    guard let base else { return nil }
    var start: UInt32 = 0
    while start < count, base[Int(start)] != UInt8(ascii: "?") {
      if base[Int(start)] == UInt8(ascii: "#") { return nil }
      start &+= 1
    }
    guard start < count else { return nil }
    start &+= 1
    var end = start
    while end < count, base[Int(end)] != UInt8(ascii: "#") { end &+= 1 }
    return Bytes(address: address &+ UInt64(start), count: end &- start)
  }
}
