// What holds of every native function, whatever library it is of.

import CELHost
import Testing

@testable import CEL

@Suite struct NativeFunctionTests {
  private static func environment() -> Environment {
    var environment = Environment()
    for library in Extension.allCases { environment.enable(library) }
    return environment
  }

  /// Every native function by how it is called: name, whether on a receiver, number of arguments.
  private static var forms: [(name: String, isMember: Bool, count: Int)] {
    var forms: [(name: String, isMember: Bool, count: Int)] = []
    for (name, overloads) in environment().functions.sorted(by: { $0.key < $1.key }) {
      for overload in overloads {
        guard case .native = overload.implementation else { continue }
        let form = (name, overload.isMember, overload.parameters.count)
        if !forms.contains(where: { $0 == form }) { forms.append(form) }
      }
    }
    return forms
  }

  private static func text(_ form: (name: String, isMember: Bool, count: Int)) -> String {
    let names = (0..<form.count).map { "v\($0)" }
    guard form.isMember, let receiver = names.first else { return "\(form.name)(\(names.joined(separator: ", ")))" }
    return "\(receiver).\(form.name)(\(names.dropFirst().joined(separator: ", ")))"
  }

  /// The ends of every kind's range, and what is empty, nested, broken or long.
  private static func values(_ host: TestHost) -> [Value] {
    var values: [Value] = [
      .null, .bool(true), .int(.min), .int(-1), .int(0), .int(1), .int(70), .int(.max), .uint(0), .uint(.max),
      .double(.nan), .double(-.infinity), .double(-0.5), .double(.greatestFiniteMagnitude),
      .double(.leastNonzeroMagnitude), .timestamp(seconds: 253_402_300_799, nanoseconds: 999_999_999),
      .duration(seconds: -315_576_000_000, nanoseconds: -999_999_999), .list(nil, count: 0), .map(nil, count: 0),
      .error(EvaluationError(.noSuchKey)), Value(kind: .opaque, payload: .max, count: .max), .string(.empty),
      .bytes(.empty),
    ]
    for text in [
      "a", "é☕\u{10FFFF}", "%s%d%.3f%x%b%e%o", "%", "%.", "10.0.0.0/8", "::1", "(a*)*b", "\\1", "aGVsbG8=", "a\u{0}b",
    ] {
      values.append(host.string(text))
    }
    values.append(host.string(String(repeating: "ab", count: 2_000)))
    if let bytes = host.arena.bytes([0xff, 0xc0, 0x80]) { values.append(.bytes(bytes)) }
    for elements in [[Value.int(3), .int(1), .int(2)], values] {
      if let list = host.arena.list(elements.filter { $0.kind != .error }) { values.append(list) }
    }
    var nested = Value.list(nil, count: 0)
    for _ in 0..<300 { nested = host.arena.list([nested]) ?? nested }
    values.append(nested)
    values.append(host.map([("k", nested), ("é", .double(.nan))]))
    values.append(host.strings(["b", "a", "a"]))
    var v4 = Value(kind: .ip, payload: .max)
    v4.flags = 4
    values.append(v4)
    v4.kind = .cidr
    v4.extra = .max
    values.append(v4)
    return values
  }

  @Test func noArgumentsOfAnyKindsStopTheHost() throws {
    let host = TestHost()
    host.environment = Self.environment()
    let ids = (0..<5).map { host.declare("v\($0)") }
    let values = Self.values(host)
    var random: UInt64 = 0x9e37_79b9_7f4a_7c15
    for form in Self.forms {
      let text = Self.text(form)
      let code = try host.compile(text, isChecked: false)
      // All values for one argument, a sample of the combinations for more.
      for round in 0..<(form.count == 1 ? values.count : 250) {
        for id in ids.prefix(form.count) {
          random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
          host.values[id] = values[form.count == 1 ? round : Int(random >> 33) % values.count]
        }
        host.evaluate(code) { value in
          #expect(value.kind != .unfetched && value.kind != .absent, "\(text)")
          if value.kind == .string { #expect(value.asBytes.isUTF8, "\(text) of \(host.values)") }
          #expect(!render(value).isEmpty)
        }
      }
    }
  }

  /// The first argument is told apart by where its error comes from.
  @Test func anErrorInAnyArgumentIsTheValue() throws {
    let host = TestHost()
    host.environment = Self.environment()
    for number in 0..<5 {
      host.declare("v\(number)", .dyn, .error(EvaluationError(.rangeError, detail: UInt32(number))))
    }
    for form in Self.forms where form.count > 0 {
      let code = try host.compile(Self.text(form), isChecked: false)
      host.evaluate(code) { value in
        #expect(value.kind == .error && value.asError.code == .rangeError && value.asError.detail == 0)
      }
    }
  }

  /// Folding calls the function with the same arguments, so that it cannot give another value.
  @Test(arguments: [
    "'%s-%d'.format(['a', 1]) == 'a-1'", "math.greatest(1, 2u, 2.5) == 2.5", "ip('10.0.0.1').family() == 4",
    "[3, 1].sort() == [1, 3]", "sets.contains(['a'.charAt(0)], ['a'])", "base64.decode('Zg') == b'f'",
    "cidr('fd00::/8').containsIP('fd12::1')",
  ])
  func callsOfConstantsAreMadeWhileCompiling(_ text: String) throws {
    let host = TestHost()
    host.environment = Self.environment()
    var diagnostics = Diagnostics()
    let pool = CodePool(regexLibrary: regexLibrary)
    let checked = try host.check(text)
    #expect(Analysis(checked, pool).value(checked.tree.root)?.isTrue == true)
    var compiler = Compiler(checked: checked, pool: pool)
    #expect(compiler.compile(diagnostics: &diagnostics) != nil)
    #expect(pool.storage.natives.isEmpty)
    #expect(host.evaluate(text) == "true")
  }

  @Test func argumentsAreEvaluatedWhereverTheyAre() {
    let host = TestHost()
    host.environment = Self.environment()
    host.declare(
      "m", host.environment.types.map(.string, .string), host.map([("k", host.string("v"))]), isEntrywise: true)
    host.declare("s", .string, host.string("abc"))
    #expect(host.evaluate("'%s'.format([m])") == "\"{k: v}\"")
    #expect(host.evaluate("m.k.upperAscii() + s.charAt(1).upperAscii()") == "\"VB\"")
    #expect(host.evaluate("[1, 2].map(x, math.greatest(x, size(s), [x].map(y, y + 2)[0]))") == "[3, 4]")
    #expect(host.evaluate("s.charAt(0) == 'a' ? s.substring(s.indexOf('b')) : s") == "\"bc\"")
    #expect(host.evaluate("s.charAt(7) == 'a' || s.indexOf('c') == 2") == "true")
    #expect(host.evaluate("[s, s.reverse()].exists(t, t.indexOf('c') == 0) && s.lowerAscii() in ['abc']") == "true")
  }
}
