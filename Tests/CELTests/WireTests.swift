// Protobuf's wire format: what a host decodes, and what a hostile one makes of it.

import CELHost
import Testing

@testable import CEL

/// Fields of a message, written by hand.
struct WireText {
  var bytes: [UInt8] = []

  static func varint(_ value: UInt64) -> [UInt8] {
    var value = value
    var bytes: [UInt8] = []
    while value >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
      value >>= 7
    }
    return bytes + [UInt8(value)]
  }

  static func number(_ field: UInt64, _ value: UInt64) -> [UInt8] { varint(field << 3) + varint(value) }

  static func bytes(_ field: UInt64, _ content: [UInt8]) -> [UInt8] {
    varint(field << 3 | 2) + varint(UInt64(content.count)) + content
  }

  static func text(_ field: UInt64, _ content: String) -> [UInt8] { bytes(field, Array(content.utf8)) }
}

@Suite struct WireTests {
  private func decoded(_ bytes: [UInt8], as type: String = "shop.Order") -> String {
    let host = Shop.host()
    guard let copy = host.arena.bytes(bytes) else { return "no memory" }
    let value = Shop.schema.decode(copy, as: type, into: &host.arena)
    return value.kind == .error ? "error: \(value.asError.code)" : render(value)
  }

  @Test func scalarsAreRead() {
    #expect(decoded([]) == "shop.Order{}")
    #expect(decoded(WireText.number(1, 150)) == "shop.Order{id: 150}")
    #expect(decoded(WireText.number(1, UInt64(bitPattern: -2))) == "shop.Order{id: -2}")
    #expect(decoded(WireText.number(2, UInt64(bitPattern: -3))) == "shop.Order{quantity: -3}")
    #expect(decoded(WireText.number(19, 1 << 32 | 5)) == "shop.Order{count: 5u}", "32 bits of it")
    #expect(decoded([0x1d, 0, 0, 0xc0, 0x3f]) == "shop.Order{weight: 1.5}")
    #expect(decoded(WireText.text(4, "é") + WireText.bytes(5, [0xff])) == #"shop.Order{note: "é", token: b"\xff"}"#)
    #expect(decoded(WireText.number(6, 2) + WireText.number(7, 9)) == "shop.Order{paid: true, color: 9}")
    #expect(decoded(WireText.number(1, 0) + WireText.number(20, 0)) == "shop.Order{maybe: 0}", "presence")
    #expect(decoded(WireText.number(1, 1) + WireText.number(1, 2)) == "shop.Order{id: 2}", "the last one counts")
    #expect(decoded(WireText.text(17, "a") + WireText.number(18, 3)) == "shop.Order{cash: 3}", "of a oneof too")
    #expect(decoded(WireText.number(24, 0)) == "shop.Order{}")
  }

  @Test func listsAndMapsAreRead() {
    let tags = (1...9).flatMap { WireText.text(9, "\($0)") }
    #expect(decoded(tags) == "shop.Order{tags: [" + (1...9).map { "\"\($0)\"" }.joined(separator: ", ") + "]}")
    // Packed, not packed, and both; zigzag.
    #expect(
      decoded(WireText.bytes(25, [1, 2, 3, 4]) + WireText.number(25, 6)) == "shop.Order{numbers: [-1, 1, -2, 2, 3]}")
    func price(_ key: String, _ bits: [UInt8]) -> [UInt8] {
      WireText.bytes(10, WireText.text(1, key) + (bits.isEmpty ? [] : [0x11] + bits))
    }
    let one: [UInt8] = [0, 0, 0, 0, 0, 0, 0xf0, 0x3f]
    #expect(decoded(price("a", one) + price("b", []) + price("a", [])) == #"shop.Order{prices: {"a": 0.0, "b": 0.0}}"#)
    #expect(decoded(price("", one) + WireText.bytes(10, [])) == #"shop.Order{prices: {"": 0.0}}"#)
    let many = (0..<40).flatMap {
      WireText.bytes(27, WireText.number(1, $0) + WireText.bytes(2, WireText.number(1, $0)))
    }
    #expect(decoded(many).hasPrefix(#"shop.Order{times: {0: timestamp("1970-01-01T00:00:00Z"), 1: timestamp("#))
    #expect(decoded(WireText.bytes(27, [])) == #"shop.Order{times: {0: timestamp("1970-01-01T00:00:00Z")}}"#)
  }

  @Test func messagesAreReadAndMerged() {
    let parent = WireText.bytes(8, WireText.bytes(2, WireText.text(1, "p")))
    #expect(
      decoded(WireText.bytes(8, WireText.text(1, "c")) + parent)
        == #"shop.Order{customer: shop.Customer{name: "c", parent: shop.Customer{name: "p"}}}"#)
    #expect(decoded(WireText.bytes(11, [])) == "shop.Order{limit: 0}")
    #expect(
      decoded(WireText.bytes(12, WireText.number(1, 60))) == #"shop.Order{made: timestamp("1970-01-01T00:01:00Z")}"#)
    let null = WireText.bytes(15, WireText.number(1, 0))
    #expect(decoded(null) == "shop.Order{free: null}")
    let list = WireText.bytes(6, WireText.bytes(1, WireText.text(3, "x")) + WireText.bytes(1, WireText.number(4, 1)))
    #expect(decoded(WireText.bytes(15, list)) == #"shop.Order{free: ["x", true]}"#)
    #expect(decoded(WireText.number(1, 5), as: "google.protobuf.UInt64Value") == "5u")
  }

  @Test func anyIsUnpackedIfItCanBe() {
    func any(_ url: String, _ content: [UInt8]) -> [UInt8] {
      WireText.bytes(16, WireText.text(1, url) + WireText.bytes(2, content))
    }
    let host = Shop.host()
    func read(_ bytes: [UInt8], _ expression: String) -> String {
      let copy = host.arena.bytes(bytes) ?? .empty
      host.declare("m", .dyn, Shop.schema.decode(copy, as: "shop.Order", into: &host.arena))
      host.declare("n", .dyn, Shop.schema.decode(copy, as: "shop.Order", into: &host.arena))
      return host.evaluate(expression)
    }
    let name = WireText.text(1, "n")
    #expect(read(any("x/shop.Customer", name), "m.any.name") == "\"n\"")
    #expect(read(any("type.googleapis.com/google.protobuf.Int64Value", WireText.number(1, 3)), "m.any + 1") == "4")
    for (url, content) in [
      ("x/shop.Unknown", name), ("shop.Customer", name), ("", name), ("x/shop.Customer", [0x0a, 0x05] as [UInt8]),
      ("x/google.protobuf.Timestamp", WireText.number(2, 1 << 30)),
    ] {
      let bytes = any(url, content)
      #expect(read(bytes, "m.any") == "error: invalidArgument", "\(url)")
      #expect(read(bytes, "has(m.any) && m == n && type(m) == Order") == "true", "\(url)")
      #expect(read(bytes, "m == Order{}") == "false")
    }
    #expect(host.evaluate("google.protobuf.Any{type_url: 'x/shop.Customer', value: b'\\x0a\\x01n'}.name") == "\"n\"")
    #expect(host.evaluate("google.protobuf.Any{type_url: 'x/shop.X'}") == "error: invalidArgument")
  }

  @Test func whatIsEncodedDecodesToTheSame() throws {
    let host = Shop.host()
    let literals = [
      "Order{}",
      "Order{id: -1, quantity: -2, weight: -1.5, note: 'é', token: b'\\xff', paid: true, color: 2, count: 7u}",
      "Order{customer: Customer{name: 'a', parent: Customer{big_number: 18446744073709551615u}}, tags: ['', 'b']}",
      "Order{prices: {'a': 1.0, '': 0.0}, limit: 0, limits: [0, -1], numbers: [0, -1, 1, -2147483648]}",
      "Order{made: timestamp('0001-01-01T00:00:00.5Z'), lasts: duration('-1.5s'), times: {-1: timestamp(0), 1: timestamp(5)}}",
      "Order{extra: {'a': [null, true, {'b': 'c'}], 'd': {}}, free: [], list: [1, 'x', []], cash: 0}",
      "Order{any: Customer{name: 'n'}, things: [null, 1, 2u, 3.0, 'a', b'b', true, [1], {'k': 1}, duration('1s'), timestamp(1)]}",
      "Order{free: null, maybe: 0, mask: google.protobuf.FieldMask{paths: ['a', 'b']}, card: ''}",
      "Order{any: Order{any: Order{any: Order{id: 5}}}}",
    ]
    for literal in literals {
      let code = try host.compile(literal)
      let encoded = host.evaluate(code) { MessageView($0)?.wireBytes() }
      let copy = host.arena.bytes(try #require(encoded)) ?? .empty
      host.declare("m", .dyn, Shop.schema.decode(copy, as: "shop.Order", into: &host.arena))
      #expect(host.evaluate("m == \(literal)") == "true", "\(literal)")
      #expect(host.evaluate("m") == host.evaluate(literal))
    }
  }

  @Test func whatIsNotKnownIsSkipped() {
    let id = WireText.number(1, 1)
    #expect(decoded(WireText.number(1000, 5) + id) == "shop.Order{id: 1}")
    #expect(decoded(WireText.bytes(1000, [1, 2]) + id) == "shop.Order{id: 1}")
    #expect(decoded(WireText.text(1, "of another type") + id) == "shop.Order{id: 1}")
    let group = WireText.varint(1000 << 3 | 3) + WireText.number(1, 9) + WireText.varint(1000 << 3 | 4)
    #expect(decoded(group + id) == "shop.Order{id: 1}")
  }

  @Test func malformedBytesAreErrors() {
    let malformed: [[UInt8]] = [
      [0x08], [0x08, 0x80], [0x08] + [UInt8](repeating: 0x80, count: 10) + [0], [0x00, 0x01], [0x22, 0x05, 0x61],
      [0x1d, 0, 0], [0x0c], WireText.varint(1000 << 3 | 3), [0x0f, 0], [0x42, 0x02, 0x0a, 0x05], [0xca, 0x01, 1, 0x80],
      [0x22, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
      WireText.varint(1000 << 3 | 3) + WireText.varint(999 << 3 | 4),
    ]
    for bytes in malformed { #expect(decoded(bytes) == "error: invalidArgument", "\(bytes)") }
    #expect(decoded(WireText.bytes(4, [0xff])) == "error: invalidUTF8")
    #expect(decoded([], as: "shop.Nothing") == "error: noSuchField")
  }

  @Test func deepMessagesAreRefused() {
    var bytes: [UInt8] = []
    for _ in 0..<40 { bytes = WireText.bytes(2, bytes) }
    #expect(decoded(bytes, as: "shop.Customer").hasPrefix("shop.Customer{parent: shop.Customer{"))
    for _ in 0..<40 { bytes = WireText.bytes(2, bytes) }
    #expect(decoded(bytes, as: "shop.Customer") == "error: nestedTooDeeply")
    var groups: [UInt8] = []
    for _ in 0..<40 { groups += WireText.varint(1000 << 3 | 3) }
    #expect(decoded(groups) == "error: invalidArgument")
  }

  @Test func aFloodOfWideMessagesSpendsTheBudget() {
    let host = Shop.host()
    let copy = host.arena.bytes((0..<200_000).flatMap { _ in [0x42, 0x00] as [UInt8] }) ?? .empty
    // Merged into one record, this is cheap; as a list it would not fit the arena.
    #expect(
      render(Shop.schema.decode(copy, as: "shop.Order", into: &host.arena)) == "shop.Order{customer: shop.Customer{}}")
    var small = Arena(bytesMax: 100_000)
    defer { small.free() }
    let things = host.arena.bytes((0..<50_000).flatMap { _ in [0xaa, 0x01, 0x00] as [UInt8] }) ?? .empty
    #expect(Shop.schema.decode(things, as: "shop.Order", into: &small).asError.code == .memorySpent)
  }

  @Test func noBytesEverTrap() {
    let host = Shop.host()
    var random = SystemRandom(seed: 7)
    let seeds: [[UInt8]] = [
      WireText.bytes(8, WireText.bytes(2, WireText.text(1, "p"))) + WireText.number(1, 7),
      WireText.bytes(15, WireText.bytes(5, WireText.bytes(1, WireText.text(1, "k") + WireText.bytes(2, [0x20, 1])))),
      WireText.bytes(16, WireText.text(1, "x/shop.Order") + WireText.bytes(2, WireText.number(1, 1))),
      WireText.bytes(10, WireText.text(1, "a")) + WireText.bytes(25, [1, 2, 3]),
    ]
    for round in 0..<20_000 {
      var bytes = seeds[round % seeds.count]
      for _ in 0...random.next(4) {
        switch random.next(3) {
        case 0: bytes.insert(UInt8(truncatingIfNeeded: random.next(256)), at: random.next(bytes.count + 1))
        case 1: if !bytes.isEmpty { bytes.remove(at: random.next(bytes.count)) }
        default: if !bytes.isEmpty { bytes[random.next(bytes.count)] = UInt8(truncatingIfNeeded: random.next(256)) }
        }
      }
      host.arena.reset()
      let copy = host.arena.bytes(bytes) ?? .empty
      _ = render(Shop.schema.decode(copy, as: "shop.Order", into: &host.arena))
    }
  }
}

/// A small generator with a fixed seed, so that a failure comes again.
struct SystemRandom {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next(_ bound: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int(truncatingIfNeeded: state >> 33) % max(bound, 1)
  }
}
