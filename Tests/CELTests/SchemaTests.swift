// Schemas: what a builder refuses, and what a FileDescriptorSet says.

import CELHost
import Testing

@testable import CEL

@Suite struct SchemaTests {
  private func problem(_ make: (inout SchemaBuilder) -> Void) -> SchemaError? {
    var builder = SchemaBuilder()
    make(&builder)
    do {
      _ = try builder.finish()
      return nil
    } catch {
      return error
    }
  }

  @Test func contradictionsAreRefused() {
    #expect(problem { _ in } == nil)
    #expect(
      problem {
        $0.add(MessageDefinition("a.M", []))
        $0.add(MessageDefinition("a.M", []))
      } == .duplicate(name: "a.M"))
    #expect(
      problem {
        $0.add(MessageDefinition("a.M", []))
        $0.add(EnumDefinition("a.M", []))
      } == .duplicate(name: "a.M"))
    func fields(_ fields: FieldDefinition...) -> SchemaError? { problem { $0.add(MessageDefinition("M", fields)) } }
    #expect(fields(FieldDefinition("a", 1, .bool), FieldDefinition("b", 1, .bool)) == .duplicate(name: "M.b"))
    #expect(fields(FieldDefinition("a", 1, .bool), FieldDefinition("a", 2, .bool)) == .duplicate(name: "M.a"))
    #expect(fields(FieldDefinition("a", 0, .bool)) == .invalidField(name: "M.a"))
    #expect(fields(FieldDefinition("a", 1 << 29, .bool)) == .invalidField(name: "M.a"))
    #expect(fields(FieldDefinition("a", 1, .message, typeName: "N")) == .unknownType(name: "M.a", type: "N"))
    #expect(fields(FieldDefinition("a", 1, .enumeration, typeName: "M")) == .unknownType(name: "M.a", type: "M"))
    #expect(fields(FieldDefinition("a", 1, .bool, cardinality: .map(key: .double))) == .invalidField(name: "M.a"))
    #expect(fields(FieldDefinition("a", 1, .bool, defaultValue: .int(1))) == .invalidField(name: "M.a"))
    #expect(
      problem { $0.add(extension: FieldDefinition("x", 1, .bool), of: "M") } == .unknownType(name: "x", type: "M"))
    #expect(
      problem { $0.add(MessageDefinition("google.protobuf.Int64Value", [FieldDefinition("value", 1, .string)])) }
        == .invalidField(name: "google.protobuf.Int64Value"))
  }

  // MARK: Descriptor sets

  private static func field(
    _ name: String, _ number: UInt64, _ type: UInt64, typeName: String = "", label: UInt64 = 1, more: [UInt8] = []
  ) -> [UInt8] {
    WireText.text(1, name) + WireText.number(3, number) + WireText.number(4, label) + WireText.number(5, type)
      + (typeName.isEmpty ? [] : WireText.text(6, typeName)) + more
  }

  /// A file like `zoo.proto` of proto3.
  private static let modern: [UInt8] = {
    let entry =
      WireText.text(1, "AgesEntry") + WireText.bytes(2, field("key", 1, 9)) + WireText.bytes(2, field("value", 2, 5))
      + WireText.bytes(7, WireText.number(7, 1))
    let animal =
      WireText.text(1, "Animal") + WireText.bytes(2, field("name", 1, 9))
      + WireText.bytes(2, field("ages", 2, 11, typeName: ".zoo.Animal.AgesEntry", label: 3))
      + WireText.bytes(2, field("kind", 3, 14, typeName: ".zoo.Animal.Kind"))
      + WireText.bytes(2, field("left", 4, 3, more: WireText.number(9, 0)))
      + WireText.bytes(2, field("right", 5, 3, more: WireText.number(9, 0)))
      + WireText.bytes(2, field("maybe", 6, 3, more: WireText.number(9, 1) + WireText.number(17, 1)))
      + WireText.bytes(2, field("born", 7, 11, typeName: ".google.protobuf.Timestamp"))
      + WireText.bytes(2, field("young", 8, 11, typeName: ".zoo.Animal", label: 3))
      + WireText.bytes(3, entry)
      + WireText.bytes(
        4,
        WireText.text(1, "Kind") + WireText.bytes(2, WireText.text(1, "CAT"))
          + WireText.bytes(2, WireText.text(1, "DOG") + WireText.number(2, 4)))
      + WireText.bytes(8, WireText.text(1, "side")) + WireText.bytes(8, WireText.text(1, "_maybe"))
    return WireText.bytes(
      1,
      WireText.text(1, "zoo.proto") + WireText.text(2, "zoo") + WireText.bytes(4, animal) + WireText.text(12, "proto3"))
  }()

  /// A file of proto2, with defaults and extensions.
  private static let old: [UInt8] = {
    let box =
      WireText.text(1, "Box") + WireText.bytes(2, field("size", 1, 5, more: WireText.text(7, "-3")))
      + WireText.bytes(2, field("kind", 2, 14, typeName: ".zoo.Animal.Kind", more: WireText.text(7, "DOG")))
      + WireText.bytes(2, field("label", 3, 12, more: WireText.text(7, "a\\001\\xff\\n")))
      + WireText.bytes(2, field("ratio", 4, 1, more: WireText.text(7, "inf")))
      + WireText.bytes(6, field("inner", 101, 9, more: WireText.text(2, ".old.Box")))
    return WireText.bytes(
      1,
      WireText.text(1, "old.proto") + WireText.text(2, "old") + WireText.bytes(4, box)
        + WireText.bytes(7, field("outer", 100, 9, more: WireText.text(2, ".old.Box"))))
  }()

  @Test func aDescriptorSetIsASchema() throws {
    var builder = SchemaBuilder()
    try builder.add(fileDescriptorSet: Self.modern + Self.old + Self.modern)
    let host = TestHost()
    host.environment.schema = try builder.finish()
    host.environment.container = "zoo"
    let cases = [
      ("Animal{name: 'a'}.name", "\"a\""), ("Animal{ages: {'x': 3}}.ages.x", "3"),
      ("Animal{ages: {'x': 3000000000}}", "error: rangeError"),
      ("Animal{kind: Animal.Kind.DOG}.kind", "4"), ("Animal{left: 1, right: 2}", "zoo.Animal{right: 2}"),
      ("has(Animal{maybe: 0}.maybe)", "true"), ("has(Animal{left: 0}.left)", "true"),
      ("has(Animal{name: ''}.name)", "false"),
      ("Animal{born: timestamp(0)}.young.size()", "0"), ("old.Box{}.size", "-3"), ("old.Box{}.kind", "4"),
      ("old.Box{}.label", #"b"a\x01\xff\n""#), ("old.Box{}.ratio", "double(\"inf\")"), ("has(old.Box{}.size)", "false"),
      ("has(old.Box{`old.outer`: ''}.`old.outer`)", "true"), ("old.Box{}.`old.Box.inner`", "\"\""),
    ]
    for (text, expected) in cases { #expect(host.evaluate(text) == expected, "\(text)") }
  }

  @Test func fieldPresenceOfEditionsIsRead() throws {
    let implicit = WireText.bytes(8, WireText.bytes(21, WireText.number(1, 2)))
    let message =
      WireText.text(1, "M") + WireText.bytes(2, Self.field("a", 1, 3))
      + WireText.bytes(2, Self.field("b", 2, 3, more: implicit))
    var builder = SchemaBuilder()
    try builder.add(fileDescriptorSet: WireText.bytes(1, WireText.text(1, "m.proto") + WireText.bytes(4, message)))
    let host = TestHost()
    host.environment.schema = try builder.finish()
    #expect(host.evaluate("has(M{a: 0}.a)") == "true")
    #expect(host.evaluate("has(M{b: 0}.b)") == "false")
  }

  @Test func malformedDescriptorSetsAreRefused() {
    var random = SystemRandom(seed: 3)
    for length in 0..<Self.modern.count where length > 0 {
      var builder = SchemaBuilder()
      #expect(throws: SchemaError.malformed) { try builder.add(fileDescriptorSet: Array(Self.modern.prefix(length))) }
    }
    for _ in 0..<3_000 {
      var bytes = Self.modern + Self.old
      for _ in 0...random.next(3) { bytes[random.next(bytes.count)] = UInt8(truncatingIfNeeded: random.next(256)) }
      var builder = SchemaBuilder()
      do {
        try builder.add(fileDescriptorSet: bytes)
        _ = try builder.finish()
      } catch {}
    }
    var deep: [UInt8] = WireText.text(1, "M")
    for _ in 0..<40 { deep = WireText.text(1, "M") + WireText.bytes(3, deep) }
    var builder = SchemaBuilder()
    #expect(throws: SchemaError.malformed) {
      try builder.add(fileDescriptorSet: WireText.bytes(1, WireText.bytes(4, deep)))
    }
  }
}
