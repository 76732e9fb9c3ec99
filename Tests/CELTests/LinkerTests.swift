import CELHost
import Testing

@testable import CEL

/// Fragments put together give what each gives alone; the twin's comparison does the same with generated expressions.
@Suite struct LinkerTests {
  private static func host() -> TestHost {
    let host = TestHost()
    for library in Extension.allCases { host.environment.enable(library) }
    host.declare("a", .string, host.string("alpha"))
    host.declare("b", .string, host.string("beta"))
    host.declare("n", .int, .int(7))
    host.declare("t", .timestamp, .timestamp(seconds: 1_700_000_000, nanoseconds: 5))
    host.declare(
      "m", host.environment.types.map(.string, .string), host.map([("k", host.string("v")), ("l", host.string("w"))]),
      isEntrywise: true)
    return host
  }

  private static let expressions = [
    "a == 'alpha'", "b in ['alpha', 'beta', 'gamma']", "a in ['x', 'y', 'z', 'p', 'q', 'r', 's', 'alpha']",
    "b.matches('^be')", "a.matches('^be') || b.matches('ta$')", "regex.extract(b, 'e(t)').value() + a",
    "regex.replace(a, 'l', 'L')", "t.getHours('Europe/Berlin')", "t.getHours('America/New_York') + n",
    "m['k'] == 'v' && m.l != 'v'", "has(m.k) && 'x' in m", "m[?'k'].orValue('none')", "[n, 2, 3].map(x, x * n)",
    "{'a': a, 'b': b}[a == 'alpha' ? 'b' : 'a']", "n > 6 && n <= 7 && n != 8 && 3 < n", "a.startsWith('al') && b.endsWith('ta')",
    "a.contains('ph')", "cel.bind(x, a + b, x + x)", "[a, b].exists(x, x.startsWith('b'))", "math.greatest(n, 9)",
    "'%s-%d'.format([a, n])", "[3, n, 1].sort()", "type(a) == string", "n - 1 == 6 ? [1, 2][0] : n", "[n, 1][0]", "1 / (n - 7)",
    "[1, 2].all(i, i < n) && optional.of(a).hasValue()", "{a: 1, 'k': n}.size()", "ip('10.0.0.1').family() + n",
  ]

  private func fragment(_ host: TestHost, _ texts: [String], _ sharing: CodeSharing) throws -> CodeFragment {
    var builder = CodeBuilder(regex: regexLibrary, sharing: sharing)
    for text in texts { _ = try host.add(text, to: &builder) }
    return builder.finishFragment()
  }

  private func evaluated(_ host: TestHost, _ code: Code, _ program: UInt32) -> String {
    host.evaluate(code, program: program) { $0.kind == .error ? "error: \($0.asError.code)" : render($0) }
  }

  @Test func linkedProgramsGiveWhatTheyGiveAlone() throws {
    let host = Self.host()
    let sharing = CodeSharing()
    let alone = Self.expressions.map { host.evaluate($0) }
    #expect(!alone.contains { $0.hasPrefix("refused") }, "\(alone)")
    let fragments = try stride(from: 0, to: Self.expressions.count, by: 3).map { first in
      try fragment(host, Array(Self.expressions[first..<min(first + 3, Self.expressions.count)]), sharing)
    }
    // In any order, and one of them twice.
    for order in [Array(fragments.indices), fragments.indices.reversed(), [4, 1, 4, 0, 2]] {
      let linker = CodeLinker(regex: regexLibrary)
      let places = order.map { linker.add(fragments[$0]) }
      let code = linker.finish()
      for (number, place) in zip(order, places) {
        let first = try #require(place).programFirst
        for offset in 0..<3 where number * 3 + offset < alone.count {
          #expect(
            evaluated(host, code, first + UInt32(offset)) == alone[number * 3 + offset],
            "\(Self.expressions[number * 3 + offset])")
        }
      }
    }
  }

  @Test func whatSeveralReadHasOneNumber() throws {
    let host = Self.host()
    let sharing = CodeSharing()
    let one = try fragment(host, ["a == 'x' && b.matches('^be') && t.getHours('Europe/Berlin') > 1"], sharing)
    let two = try fragment(host, ["b.matches('^be') && a == 'y' && t.getHours('Europe/Berlin') > 2"], sharing)
    let linker = CodeLinker(regex: regexLibrary)
    _ = linker.add(one)
    let added = linker.add(two)
    let place = try #require(added)
    #expect(linker.slot(0, in: place) == 1 && linker.slot(1, in: place) == 0)
    let code = linker.finish()
    #expect(code.slots == one.slots)
    #expect(code.image.pointee.regexCount == 1)
    #expect(one.storage.patterns.first === two.storage.patterns.first)
    #expect(one.storage.zones.first === two.storage.zones.first)
  }

  @Test func codeKeepsItsFragments() throws {
    let host = Self.host()
    weak var storage: CodeStorage?
    var code: Code?
    do {
      let made = try fragment(host, ["a + 'xyzzy'"], CodeSharing())
      storage = made.storage
      let linker = CodeLinker(regex: regexLibrary)
      _ = linker.add(made)
      code = linker.finish()
    }
    #expect(storage != nil)
    if let code { #expect(evaluated(host, code, 0).contains("alphaxyzzy")) }
    code = nil
    // The host has it too, until it evaluates something else.
    _ = host.evaluate("true")
    #expect(storage == nil)
  }
}
