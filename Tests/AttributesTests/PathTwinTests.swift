import CEL
import Testing

@testable import PurserAttributes

@Suite struct PathTwinTests {
  /// SplitMix64.
  private struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = state
      mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
      return mixed ^ (mixed >> 31)
    }
  }

  private func normalize(_ path: String, _ mode: PathNormalization, _ arena: inout Arena) -> String? {
    var path = path
    arena.reset()
    return path.withUTF8 { bytes in
      switch mode.normalize(Bytes(bytes.baseAddress, count: UInt32(bytes.count)), in: &arena) {
      case .normalized(let result): String(decoding: result.buffer, as: UTF8.self)
      case .malformed, .outOfMemory: nil
      }
    }
  }

  @Test(arguments: [
    (PathNormalization.none, 11), (.base, 12), (.mergeSlashes, 13), (.decodeAndMergeSlashes, 14),
  ] as [(PathNormalization, UInt64)])
  func itNormalisesAsTheTwinDoes(_ mode: PathNormalization, _ seed: UInt64) {
    var random = Seeded(state: seed)
    var arena = Arena(bytesMax: 1 << 20)
    defer { arena.free() }
    let pieces = ["/", "/", "/", ".", "..", "a", "b", "segment", "a.b", "\\", "%2e", "%2E", "%2f", "%5C", "%61", "%25", "%", "%4", "~", "é"]
    var malformed = 0
    for _ in 0..<20_000 {
      var path = Int.random(in: 0..<8, using: &random) == 0 ? "" : "/"
      for _ in 0..<Int.random(in: 0..<10, using: &random) {
        path += pieces[Int.random(in: 0..<pieces.count, using: &random)]
      }
      let expected = PathTwin.normalize(
        path, isBase: mode != .none, mergesSlashes: mode == .mergeSlashes || mode == .decodeAndMergeSlashes,
        decodesSlashes: mode == .decodeAndMergeSlashes)
      let tail = ["", "", "?", "?a=%&b=/../c//d", "#x?y", "?#"].randomElement(using: &random) ?? ""
      let found = normalize(path + tail, mode, &arena)
      if found != expected {
        Issue.record("\(mode) of `\(path)`: found \(found ?? "error"), expected \(expected ?? "error")")
        return
      }
      guard let found else {
        malformed += 1
        continue
      }
      #expect(normalize(found, mode, &arena) == found, "twice is not once: `\(path)`")
    }
    #expect(mode == .none || malformed > 1000)
  }

  @Test(arguments: [PathNormalization.base, .mergeSlashes, .decodeAndMergeSlashes])
  func itSeesWhatStandsAnywhereInAPathOfAnyLength(_ mode: PathNormalization) {
    var arena = Arena(bytesMax: 1 << 20)
    defer { arena.free() }
    for length in 0..<52 {
      for place in 0...length {
        for piece in ["/", "//", "/.", "./", "/../", "?", "#", "%61", "%2f", "\\", "/\\", "%", "!", "'", "é"] {
          let before = "/" + String(repeating: "a", count: place)
          let after = String(repeating: "b", count: length - place)
          let isEnd = piece == "?" || piece == "#"
          let expected = PathTwin.normalize(
            isEnd ? before : before + piece + after, isBase: true, mergesSlashes: mode != .base,
            decodesSlashes: mode == .decodeAndMergeSlashes)
          let path = before + piece + after
          let found = normalize(path, mode, &arena)
          if found != expected {
            Issue.record("\(mode) of `\(path)`: found \(found ?? "error"), expected \(expected ?? "error")")
            return
          }
        }
      }
    }
  }

  @Test func hostNamesLoseCasePortAndFinalDot() {
    var arena = Arena(bytesMax: 1 << 20)
    defer { arena.free() }
    let cases: [(String, String?)] = [
      ("", ""), ("a.", "a"), ("A.b.:80", "a.b"), (".", "."), ("a:80:90", nil), ("x]:80", nil), ("[::1", nil), ("[::1]x", nil),
      ("a[::1]", nil), ("a", "a"), ("A.Example", "a.example"), ("a:80", "a"), ("a:", "a"), (":80", ""), ("10.0.0.1:1", "10.0.0.1"),
      ("[::1]", "[::1]"), ("[::1]:443", "[::1]"), ("[FE80::A]:1", "[fe80::a]"), ("FE80::A", "fe80::a"), ("::1", "::1"),
      ("Ä:1", "Ä"),
    ]
    for (given, expected) in cases {
      var given = given
      let found: String? = given.withUTF8 { bytes in
        guard case .name(let name) = HostName(Bytes(bytes.baseAddress, count: UInt32(bytes.count)), in: &arena) else {
          return nil
        }
        return String(decoding: name.buffer, as: UTF8.self)
      }
      #expect(found == expected, "`\(given)`")
    }
  }

  @Test func aPathThatDoesNotFitTheArenaIsAnError() {
    var arena = Arena(bytesMax: 0)
    #expect(normalize("/a", .mergeSlashes, &arena) == "/a", "nothing to change needs no memory")
    #expect(normalize("//a", .mergeSlashes, &arena) == nil)
  }
}
