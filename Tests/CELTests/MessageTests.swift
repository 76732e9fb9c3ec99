// Messages of a schema of our own: a shop's orders in the ways of proto3 and of proto2.

import CELHost
import Testing

@testable import CEL

enum Shop {
  static let schema = makeSchema(hasStrongEnums: false)
  static let strongSchema = makeSchema(hasStrongEnums: true)

  private static func makeSchema(hasStrongEnums: Bool) -> Schema {
    var builder = SchemaBuilder()
    builder.hasStrongEnums = hasStrongEnums
    let money = "google.protobuf."
    builder.add(
      MessageDefinition(
        "shop.Order",
        [
          FieldDefinition("id", 1, .int64), FieldDefinition("quantity", 2, .int32),
          FieldDefinition("weight", 3, .float),
          FieldDefinition("note", 4, .string), FieldDefinition("token", 5, .bytes), FieldDefinition("paid", 6, .bool),
          FieldDefinition("color", 7, .enumeration, typeName: "shop.Color"),
          FieldDefinition("customer", 8, .message, typeName: "shop.Customer"),
          FieldDefinition("tags", 9, .string, cardinality: .repeated),
          FieldDefinition("prices", 10, .double, cardinality: .map(key: .string)),
          FieldDefinition("limit", 11, .message, typeName: money + "Int32Value"),
          FieldDefinition("made", 12, .message, typeName: money + "Timestamp"),
          FieldDefinition("lasts", 13, .message, typeName: money + "Duration"),
          FieldDefinition("extra", 14, .message, typeName: money + "Struct"),
          FieldDefinition("free", 15, .message, typeName: money + "Value"),
          FieldDefinition("any", 16, .message, typeName: money + "Any"),
          FieldDefinition("card", 17, .string, oneof: "payment"), FieldDefinition("cash", 18, .int64, oneof: "payment"),
          FieldDefinition("count", 19, .uint32), FieldDefinition("maybe", 20, .int64, hasPresence: true),
          FieldDefinition("limits", 21, .message, typeName: money + "Int32Value", cardinality: .repeated),
          FieldDefinition("things", 22, .message, typeName: money + "Any", cardinality: .repeated),
          FieldDefinition("mask", 23, .message, typeName: money + "FieldMask"),
          FieldDefinition("nothing", 24, .enumeration, typeName: money + "NullValue"),
          FieldDefinition("numbers", 25, .sint32, cardinality: .repeated),
          FieldDefinition("list", 26, .message, typeName: money + "ListValue"),
          FieldDefinition("times", 27, .message, typeName: money + "Timestamp", cardinality: .map(key: .int32)),
          FieldDefinition("content-type", 28, .string),
        ]))
    builder.add(
      MessageDefinition(
        "shop.Customer",
        [
          FieldDefinition("name", 1, .string), FieldDefinition("parent", 2, .message, typeName: "shop.Customer"),
          FieldDefinition("big_number", 3, .uint64),
        ]))
    builder.add(
      MessageDefinition(
        "old.Order",
        [
          FieldDefinition("id", 1, .int64, hasPresence: true, defaultValue: .int(7)),
          FieldDefinition("color", 2, .enumeration, typeName: "shop.Color", hasPresence: true, defaultValue: .int(2)),
          FieldDefinition("name", 3, .string, hasPresence: true, defaultValue: .string(Array("none".utf8))),
        ]))
    builder.add(
      EnumDefinition(
        "shop.Color", [EnumDefinition.Case("NONE", 0), EnumDefinition.Case("RED", 1), EnumDefinition.Case("BLUE", 2)]))
    builder.add(extension: FieldDefinition("shop.rank", 100, .int32, hasPresence: true), of: "old.Order")
    builder.add(
      extension: FieldDefinition("shop.Color.shade", 101, .string, cardinality: .repeated), of: "old.Order")
    guard let schema = try? builder.finish() else { return .wellKnown }
    return schema
  }

  static func host(_ schema: Schema = Shop.schema) -> TestHost {
    let host = TestHost()
    host.environment.schema = schema
    host.environment.container = "shop"
    host.environment.enable(.protos)
    return host
  }
}

@Suite struct MessageTests {
  private func expect(_ cases: [(String, String)], isChecked: Bool = true) {
    let host = Shop.host()
    for (text, expected) in cases { #expect(host.evaluate(text, isChecked: isChecked) == expected, "\(text)") }
  }

  @Test func literalsHoldWhatTheyAreGiven() {
    expect([
      ("Order{}", "shop.Order{}"),
      ("Order{id: 1, note: 'a', tags: ['x', 'y']}", "shop.Order{id: 1, note: \"a\", tags: [\"x\", \"y\"]}"),
      ("shop.Order{id: 1}.id + 1", "2"),
      (".shop.Order{customer: Customer{name: 'c'}}.customer.name", "\"c\""),
      ("Order{`content-type`: 'json'}.`content-type`", "\"json\""),
      ("Order{prices: {'a': 1.5}}.prices['a']", "1.5"),
      ("Order{id: 1, id: 2}.id", "2"),
      ("Order{tags: ['b', 'a']}.tags.map(t, Customer{name: t}).exists(c, c.name == 'a')", "true"),
      ("type(Order{})", "shop.Order"), ("type(Order{}) == Order", "true"), ("type(Customer{}) == shop.Order", "false"),
    ])
  }

  @Test func anUnsetFieldReadsAsItsDefault() {
    expect([
      ("Order{}.id", "0"), ("Order{}.note", "\"\""), ("Order{}.token", "b\"\""), ("Order{}.paid", "false"),
      ("Order{}.weight", "0.0"), ("Order{}.count", "0u"), ("Order{}.color", "0"), ("Order{}.tags", "[]"),
      ("Order{}.prices", "{}"), ("Order{}.customer", "shop.Customer{}"),
      ("Order{}.customer.parent.parent.name", "\"\""),
      ("Order{}.limit", "null"), ("Order{}.made", "timestamp(\"1970-01-01T00:00:00Z\")"),
      ("Order{}.lasts", "duration(\"0s\")"), ("Order{}.extra", "{}"), ("Order{}.free", "null"), ("Order{}.any", "null"),
      ("Order{}.card", "\"\""), ("Order{}.nothing", "null"), ("Order{}.list", "[]"),
      (
        "Order{}.mask",
        "google.protobuf.FieldMask{}"
      ),
      ("old.Order{}.id", "7"), ("old.Order{}.color", "2"), ("old.Order{}.name", "\"none\""),
      ("old.Order{}.`shop.rank`", "0"), ("old.Order{}.`shop.Color.shade`", "[]"),
    ])
  }

  @Test func hasFollowsTheFieldsPresence() {
    expect([
      ("has(Order{}.id)", "false"), ("has(Order{id: 0}.id)", "false"), ("has(Order{id: 1}.id)", "true"),
      ("has(Order{weight: -0.0}.weight)", "true"), ("has(Order{note: ''}.note)", "false"),
      ("has(Order{maybe: 0}.maybe)", "true"), ("has(Order{}.maybe)", "false"), ("has(Order{cash: 0}.cash)", "true"),
      ("has(Order{tags: []}.tags)", "false"), ("has(Order{tags: ['']}.tags)", "true"),
      ("has(Order{prices: {}}.prices)", "false"), ("has(Order{customer: Customer{}}.customer)", "true"),
      ("has(Order{}.customer.parent.name)", "false"), ("has(Order{limit: 0}.limit)", "true"),
      ("has(Order{limit: null}.limit)", "false"), ("has(Order{color: Color.NONE}.color)", "false"),
      ("has(old.Order{id: 7}.id)", "true"), ("has(old.Order{}.id)", "false"),
    ])
  }

  @Test func onlyTheLastOfAOneofIsSet() {
    expect([
      ("Order{card: 'c', cash: 1}", "shop.Order{cash: 1}"), ("Order{cash: 1, card: 'c'}", "shop.Order{card: \"c\"}"),
      ("has(Order{cash: 1, card: ''}.cash)", "false"),
    ])
  }

  @Test func valuesAreCheckedAgainstTheirFields() {
    expect(
      [
        ("Order{quantity: 2147483647}.quantity", "2147483647"), ("Order{quantity: 2147483648}", "error: rangeError"),
        ("Order{count: 4294967296u}", "error: rangeError"), ("Order{color: 3000000000}", "error: rangeError"),
        ("Order{color: 99}.color", "99"), ("Order{limit: 2147483648}", "error: rangeError"),
        ("Order{numbers: [1, -2147483649]}", "error: rangeError"), ("Order{weight: 1.1}.weight == 1.1", "false"),
        ("Order{weight: 1e300}.weight", "double(\"inf\")"), ("Order{id: 1u}", "error: invalidArgument"),
        ("Order{id: null}", "error: invalidArgument"), ("Order{tags: null}", "error: invalidArgument"),
        ("Order{tags: 'a'}", "error: invalidArgument"), ("Order{extra: null}", "error: invalidArgument"),
        ("Order{extra: {1: 2}}", "error: unsupportedKeyType"), ("Order{customer: Order{}}", "error: invalidArgument"),
        ("Order{customer: {}}", "error: invalidArgument"), ("Order{made: 1}", "error: invalidArgument"),
        ("Order{nothing: 0}", "shop.Order{}"), ("Order{id: 1/0, note: 1}", "error: divisionByZero"),
        ("Order{nope: 1}", "error: noSuchField"), ("Order{}.nope", "error: noSuchField"),
        ("has(Order{}.nope)", "error: noSuchField"), ("Order{}[1]", "error: noSuchOverload"),
        ("Order{} < Order{}", "error: noSuchOverload"), ("size(Order{})", "error: noSuchOverload"),
        ("false && Order{nope: 1}.paid", "false"),
      ], isChecked: false)
  }

  @Test func nullUnsetsAMessageAndIsLeftOutOfLists() {
    expect([
      ("Order{customer: null}", "shop.Order{}"), ("Order{made: null, lasts: null, limit: null}", "shop.Order{}"),
      ("Order{limits: [1, null, 2]}.limits", "[1, 2]"), ("Order{times: {1: null}}", "shop.Order{}"),
      ("Order{free: null}.free", "null"), ("Order{any: null}.any", "null"),
      ("Order{things: [null, 1]}.things", "[null, 1]"),
    ])
  }

  @Test func messagesAreEqualFieldByField() {
    expect([
      ("Order{id: 1} == Order{id: 1}", "true"), ("Order{id: 1} != Order{id: 2}", "true"),
      ("Order{id: 0} == Order{}", "true"), ("Order{maybe: 0} == Order{}", "false"),
      ("old.Order{id: 7} == old.Order{}", "false"), ("dyn(Order{}) == dyn(Customer{})", "false"),
      ("Order{weight: double('nan')} == Order{weight: double('nan')}", "false"),
      ("Order{prices: {'a': 1.0, 'b': 2.0}} == Order{prices: {'b': 2.0, 'a': 1.0}}", "true"),
      ("Order{customer: Customer{name: 'a'}} == Order{customer: Customer{name: 'b'}}", "false"),
      ("Order{} in [Order{id: 1}, Order{}]", "true"), ("dyn(Order{}) == null", "false"),
      ("dyn(Order{any: 1}) == Order{any: 1u}", "true"),
    ])
  }

  @Test func wellKnownMessagesAreTheirValues() {
    expect([
      ("google.protobuf.Int32Value{value: 5} + 1", "6"), ("google.protobuf.Int64Value{}", "0"),
      ("google.protobuf.StringValue{value: 'a'}", "\"a\""), ("google.protobuf.FloatValue{value: 0.1} == 0.1", "false"),
      ("google.protobuf.Struct{fields: {'a': 1.0}}.a", "1.0"),
      ("google.protobuf.ListValue{values: [1, 'a']}", "[1.0, \"a\"]"),
      ("google.protobuf.Value{}", "null"), ("google.protobuf.Value{number_value: 0.0}", "0.0"),
      ("google.protobuf.Value{null_value: google.protobuf.NullValue.NULL_VALUE}", "null"),
      ("google.protobuf.Value{string_value: 'a', bool_value: true}", "true"),
      ("google.protobuf.Timestamp{seconds: 1, nanos: 5}", "timestamp(\"1970-01-01T00:00:01.000000005Z\")"),
      ("google.protobuf.Timestamp{seconds: 253402300800}", "error: rangeError"),
      ("google.protobuf.Timestamp{nanos: 1000000000}", "error: rangeError"),
      ("google.protobuf.Timestamp{nanos: -1}", "error: rangeError"),
      ("google.protobuf.Duration{seconds: -1, nanos: -500000000}", "duration(\"-1.500s\")"),
      ("google.protobuf.Duration{seconds: 1, nanos: -1}", "error: rangeError"),
      ("google.protobuf.Duration{seconds: 315576000001}", "error: rangeError"),
      ("google.protobuf.Duration{seconds: -9223372036854775808}", "error: rangeError"),
      ("google.protobuf.Any{}", "error: invalidArgument"), ("google.protobuf.Empty{}", "google.protobuf.Empty{}"),
      ("type(google.protobuf.BoolValue{}) == bool", "true"),
    ])
  }

  @Test func jsonValuesAreConverted() {
    expect([
      ("Order{free: 1}.free", "1.0"), ("Order{free: 9007199254740991}.free", "9.007199254740991e+15"),
      ("Order{free: 9007199254740992}.free", "\"9007199254740992\""),
      ("Order{free: 9007199254740992u}.free", "\"9007199254740992\""),
      ("Order{free: -9223372036854775807 - 1}.free", "\"-9223372036854775808\""),
      ("Order{free: b'\\xff\\x00a'}.free", "\"/wBh\""), ("Order{free: b'ab'}.free", "\"YWI=\""),
      ("Order{free: timestamp(0)}.free", "\"1970-01-01T00:00:00Z\""),
      ("Order{free: duration('1.5s')}.free", "\"1.500s\""),
      ("Order{free: [1, {'a': b''}]}.free", "[1.0, {\"a\": \"\"}]"),
      ("Order{free: {1: 2}}", "error: unsupportedKeyType"),
      ("Order{extra: {'a': [null, true]}}.extra.a[1]", "true"),
      ("Order{free: google.protobuf.FieldMask{paths: ['a_b', 'c']}}.free", "\"aB,c\""),
      ("Order{free: google.protobuf.Empty{}}.free", "{}"),
      ("Order{free: Customer{name: 'n', big_number: 5u}}.free", "{\"name\": \"n\", \"bigNumber\": \"5\"}"),
      (
        "Order{free: Order{color: Color.RED, numbers: [1], quantity: 2, any: Customer{}}}.free",
        "{\"quantity\": 2.0, \"color\": \"RED\", \"any\": {\"@type\": \"type.googleapis.com/shop.Customer\"}, \"numbers\": [1.0]}"
      ),
      ("Order{any: [1, 'a']}.any", "[1.0, \"a\"]"), ("Order{any: {'a': 1}}.any.a", "1.0"), ("Order{any: 1}.any", "1"),
      ("Order{any: Customer{name: 'a'}}.any.name", "\"a\""), ("Order{any: int}", "error: invalidArgument"),
    ])
  }

  @Test func enumConstantsAreInts() {
    expect([
      ("Color.BLUE", "2"), ("shop.Color.RED + 1", "2"), ("type(Color.RED)", "int"),
      ("Order{color: Color.BLUE}.color == Color.BLUE", "true"), ("google.protobuf.NullValue.NULL_VALUE", "null"),
    ])
  }

  @Test func optionalFieldsAreSetOrLeftOut() {
    let cases = [
      ("Order{?id: optional.of(3)}", "shop.Order{id: 3}"),
      ("Order{?id: optional.none(), note: 'a'}", "shop.Order{note: \"a\"}"),
      ("Order{?tags: {'t': ['x']}[?'t']}.tags", "[\"x\"]"), ("Order{?limit: optional.of(1)}.limit", "1"),
      ("Order{?id: optional.of(1/0)}", "error: divisionByZero"),
      ("Order{id: 3}.?id", "optional.of(3)"), ("Order{}.?id", "optional.none()"), ("Order{}.?tags", "optional.none()"),
      ("Order{maybe: 0}.?maybe", "optional.of(0)"), ("Order{}.?customer.name.orValue('x')", "\"x\""),
      ("optional.of(Order{tags: ['a']}).?tags[0].value()", "\"a\""), ("optional.of(Order{id: 3}).id", "optional.of(3)"),
      ("optional.ofNonZeroValue(Order{})", "optional.none()"),
      ("optional.ofNonZeroValue(Order{id: 1}).hasValue()", "true"),
    ]
    let host = Shop.host()
    host.environment.enable(.optionals)
    for (text, expected) in cases {
      #expect(host.evaluate(text) == expected, "\(text)")
      #expect(host.evaluate(text, isChecked: false) == expected, "\(text), unchecked")
    }
    #expect(host.evaluate("Order{?id: 3}") == "refused: check: `?` needs an optional, found an int")
    #expect(host.evaluate("Order{?id: optional.of('a')}") == "refused: check: `id` is an int, found a string")
    #expect(host.evaluate("Order{}.?nope").hasPrefix("refused: check: `shop.Order` has no field `nope`"))
    #expect(host.evaluate("Order{?id: 3}", isChecked: false) == "error: noSuchOverload")
    #expect(host.evaluate("Order{}.?nope", isChecked: false) == "error: noSuchField")
  }

  @Test func strongEnumsAreTypesOfTheirOwn() {
    let cases = [
      ("Color.BLUE", "shop.Color.BLUE"), ("type(Color.RED)", "shop.Color"), ("type(Color.RED) == Color", "true"),
      ("Color(1)", "shop.Color.RED"), ("Color('BLUE') == Color.BLUE", "true"), ("Color(7)", "shop.Color(7)"),
      ("int(Color.BLUE)", "2"), ("int(Color(-7))", "-7"), ("Color(2147483648)", "error: rangeError"),
      ("Color('PINK')", "error: invalidArgument"), ("Color.RED == Color(2)", "false"),
      ("Color.RED in [Color.RED]", "true"),
      ("Order{color: Color.RED}", "shop.Order{color: shop.Color.RED}"), ("Order{}.color", "shop.Color.NONE"),
      ("has(Order{color: Color.NONE}.color)", "false"), ("old.Order{}.color", "shop.Color.BLUE"),
      ("Order{free: Color.RED}", "error: invalidArgument"),
      ("Order{free: Order{color: Color.RED}}.free.color", "\"RED\""),
      ("dyn(Color.RED) == 1", "false"), ("google.protobuf.NullValue.NULL_VALUE", "null"),
      ("[1, 2].map(x, Color(x))", "[shop.Color.RED, shop.Color.BLUE]"),
    ]
    let host = Shop.host(Shop.strongSchema)
    for (text, expected) in cases {
      #expect(host.evaluate(text) == expected, "\(text)")
      #expect(host.evaluate(text, isChecked: false) == expected, "\(text), unchecked")
    }
    #expect(host.evaluate("Order{color: 1}").hasPrefix("refused: check: `color` is a shop.Color, found an int"))
    #expect(host.evaluate("Color.RED + 1").hasPrefix("refused: check: no matching overload"))
    let bytes = host.arena.bytes(WireText.number(7, 2)) ?? .empty
    host.declare("m", .dyn, Shop.strongSchema.decode(bytes, as: "shop.Order", into: &host.arena))
    #expect(host.evaluate("m.color == Color.BLUE") == "true")
  }

  @Test func extensionsAreFields() {
    expect([
      ("old.Order{`shop.rank`: 3}.`shop.rank`", "3"), ("has(old.Order{`shop.rank`: 0}.`shop.rank`)", "true"),
      ("proto.getExt(old.Order{`shop.rank`: 3}, shop.rank)", "3"), ("proto.hasExt(old.Order{}, shop.rank)", "false"),
      ("proto.getExt(old.Order{}, shop.Color.shade)", "[]"), ("old.Order{`shop.rank`: 3}", "old.Order{`shop.rank`: 3}"),
    ])
  }

  @Test func theCheckerKnowsFieldsAndTheirTypes() {
    let host = Shop.host()
    func message(_ text: String) -> String {
      var diagnostics = Diagnostics()
      guard let tree = Parser.parse(Array(text.utf8), diagnostics: &diagnostics) else { return "does not parse" }
      let checked = Checker.check(tree, in: host.environment, diagnostics: &diagnostics)
      if let checked { return checked.table.name(checked.resultType) }
      return diagnostics.items.map { "\($0.span.start)-\($0.span.end) \($0.message)" }.joined(separator: "; ")
    }
    let cases: [(String, String)] = [
      ("Order{}", "shop.Order"), ("Order{}.tags", "list(string)"), ("Order{}.prices", "map(string, double)"),
      ("Order{}.limit", "wrapper(int)"), ("Order{}.limits", "list(wrapper(int))"), ("Order{}.color", "int"),
      ("Order{}.made", "timestamp"), ("Order{}.extra", "map(string, dyn)"), ("Order{}.list", "list(dyn)"),
      ("Order{}.any", "dyn"), ("Order{}.nothing", "null"), ("Order{}.times", "map(int, timestamp)"),
      ("has(Order{}.tags)", "bool"), ("Order", "type(shop.Order)"), ("Order{}.limit + 1", "int"),
      ("Order{}.limit == null", "bool"), ("{Order{}.limit: 1}", "map(wrapper(int), int)"),
      ("Order{}.limit < 5 && [1][Order{}.limit] == 1", "bool"), ("[1, Order{}.limit]", "list(wrapper(int))"),
      ("true ? null : Order{}", "shop.Order"), ("google.protobuf.BytesValue{}", "wrapper(bytes)"),
      ("Order{limit: Order{}.limit, id: Order{}.limit}", "shop.Order"),
      ("proto.hasExt(old.Order{}, shop.rank)", "bool"),
      ("Order{}.quantty", "8-15 `shop.Order` has no field `quantty`: did you mean `quantity`?"),
      ("Order{quantty: 1}", "6-13 `shop.Order` has no field `quantty`: did you mean `quantity`?"),
      ("Order{id: 'a'}", "10-13 `id` is an int, found a string"),
      ("Order{tags: [1]}", "12-15 `tags` is a list(string), found a list(int)"),
      ("Ordr{}", "0-6 unknown message type `Ordr`: did you mean `shop.Order`?"),
      ("Order{limit: 'a'}", "13-16 `limit` is a wrapper(int), found a string"),
      ("Order{}.limit.value", "14-19 a wrapper(int) has no fields: cannot select `value`"),
      (
        "Order{} == Customer{}",
        "8-10 no matching overload for `==`: found (shop.Order, shop.Customer), but both sides must have one type"
      ),
      ("Order{}.id.x", "11-12 an int has no fields: cannot select `x`"),
    ]
    for (text, expected) in cases { #expect(message(text) == expected, "\(text)") }
  }

  @Test func hostsMakeAndReadMessages() throws {
    let host = Shop.host()
    let order = Shop.schema.make(
      "shop.Order", [("id", .int(4)), ("tags", host.strings(["a"])), ("limit", .int(1))], into: &host.arena)
    host.declare("order", host.environment.types.intern(.message("shop.Order")), order)
    #expect(host.evaluate("order.id == 4 && order.tags == ['a'] && order.limit == 1 && order.note == ''") == "true")
    let view = try #require(MessageView(order))
    #expect(view.typeName.text == "shop.Order")
    let set = (0..<view.fieldCount).filter { view.isSet($0) }.map { view.fieldName($0).text }
    #expect(set == ["id", "tags", "limit"])
    #expect(view.value(0).asInt == 4 && view.value(1).asInt == 0)
    #expect(view.value(99).kind == .absent && !view.isSet(-1))
    #expect(MessageView(.null) == nil)
    #expect(Shop.schema.make("shop.Order", [("id", .null)], into: &host.arena).asError.code == .invalidArgument)
    #expect(Shop.schema.make("shop.Order", [("x", .null)], into: &host.arena).asError.code == .noSuchField)
    #expect(Shop.schema.make("shop.X", [], into: &host.arena).asError.code == .noSuchField)
    #expect(Shop.schema.make("google.protobuf.UInt32Value", [("value", .uint(3))], into: &host.arena).asUInt == 3)
  }

  @Test func aMessageThatTheArenaCannotHoldIsAnError() {
    let host = Shop.host()
    host.arenaMax = 20_000
    #expect(
      host.evaluate("[1,2,3,4,5,6,7,8,9,10].map(a, [1,2,3,4,5,6,7,8,9,10].map(b, Order{id: a}))")
        == "error: memorySpent")
  }
}
