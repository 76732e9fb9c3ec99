import CPurser
import Foundation
import Purser
import Testing

@Suite struct AttributeTests {
  @Test func theKeysAreTheVocabulary() throws {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Sources/PurserSwift/Attribute+WellKnown.swift")
    let types = [
      "String": "string", "Int": "int", "UInt": "uint", "Bool": "bool", "Timestamp": "timestamp",
      "Duration": "duration", "[String]": "list(string)", "[String: String]": "map(string,string)",
      "[String: AttributeValue]": "map(string,dyn)",
    ]
    var type = ""
    var found: [UInt32: (name: String, type: String?)] = [:]
    for line in try String(contentsOf: path, encoding: .utf8).split(separator: "\n") {
      if let match = line.wholeMatch(of: /extension Attribute<(.+)> {/) { type = String(match.1) }
      if let match = line.firstMatch(of: /Self\((\d+), "([\w.]+)"\)/), let number = UInt32(match.1) {
        #expect(found[number] == nil)
        found[number] = (String(match.2), types[type])
      }
    }
    var number: UInt32 = 0
    while true {
      number += 1
      var info = purser_attribute_info()
      info.size = MemoryLayout<purser_attribute_info>.size
      guard purser_attribute_describe(number, &info) == PURSER_OK else { break }
      let name = text(info.name)
      if ["request.headers", "response.headers", "response.trailers"].contains(name) {
        #expect(found[number] == nil)
        continue
      }
      #expect(found[number]?.name == name)
      #expect(found[number]?.type == text(info.type), "\(name)")
      found[number] = nil
    }
    #expect(number > 100)
    #expect(found.isEmpty)
  }

  private func text(_ text: purser_text) -> String {
    String(decoding: UnsafeRawBufferPointer(start: text.data, count: text.size), as: UTF8.self)
  }

  @Test func aNameOrAliasOfAWellKnownAttributeIsIt() {
    #expect(Attribute<String>("request.method") == .requestMethod)
    #expect(Attribute<String>("source.ip") == .sourceAddress)
    #expect(Attribute<String>("source.ip").name == "source.address")
    #expect(Attribute<String>("company.user").name == "company.user")
  }

  @Test func attributesAreSetReplacedAndTakenAway() {
    var request = Request()
    #expect(request[.requestMethod] == nil)
    request[.requestMethod] = "GET"
    request[.sourcePort] = 7
    request[.requestMethod] = "PUT"
    #expect(request[.requestMethod] == "PUT")
    #expect(request.attributes.count == 2)
    request[.requestMethod] = nil
    #expect(request[.requestMethod] == nil)
    #expect(request[.sourcePort] == 7)
    #expect(request[Attribute<String>("source.port")] == nil)
  }

  @Test func headersHaveNoCaseAndSeveralValues() {
    var headers: Headers = ["X-A": "1", "x-b": "2", "x-A": "3"]
    #expect(headers["x-a"] == "1,3")
    headers["X-a"] = "4"
    #expect(headers["x-A"] == "4")
    headers["x-b"] = nil
    #expect(headers.fields.map(\.name) == ["x-a"])
  }

  @Test(arguments: [
    "request.method == 'GET'", "request.path == '/a/b?c=1'", "request.url_path == '/a/b'", "request.query == 'c=1'",
    "request.host == 'shop.example'", "request.useragent == 'curl/8'", "source.port == 40312",
    "connection.id == 18446744073709551615u", "connection.mtls", "request.time == timestamp('2024-01-02T03:04:05.5Z')",
    "request.auth.audiences == ['a', 'a much longer audience than fits inline']", "'b' in source.labels",
    "source.labels['b'] == 'two'", "size(source.labels) == 2", "!('z' in source.labels)",
    "request.auth.claims['admin'] == true", "request.auth.claims['groups'][1] == 'y'",
    "request.auth.claims['none'] == null", "request.auth.claims['deep']['rate'] == 1.5",
    "request.headers['x-many'] == 'a,b'", "'x-empty' in request.headers", "request.headers['x-empty'] == ''",
    "size(request.headers) == 4", "!has(request.scheme)", "!has(source.principal)",
  ])
  func valuesOfEveryTypeArrive(condition: String) async throws {
    var request = Request(
      method: "GET", path: "/a/b?c=1", host: "shop.example:8080",
      headers: ["User-Agent": "curl/8", "x-many": "a", "x-empty": "", "x-one": "1"])
    request.headers.append("X-Many", "b")
    request[.sourcePort] = 40312
    request[.connectionID] = .max
    request[.connectionMTLS] = true
    request[.requestTime] = Timestamp(seconds: 1_704_164_645, nanoseconds: 500_000_000)
    request[.requestAuthAudiences] = ["a", "a much longer audience than fits inline"]
    request[.sourceLabels] = ["a": "1", "b": "two"]
    request[.requestAuthClaims] = [
      "admin": true, "groups": ["x", "y"], "none": nil, "deep": ["rate": 1.5, "bytes": .bytes([0, 255])],
    ]
    let set = try policies(policy("- {name: a, action: ALLOW, when: \"\(condition)\"}"))
    let decision = try await set.check(request)
    #expect(decision.isAllowed, "\(decision.reason) \(decision.errors)")
  }

  @Test(arguments: [
    ("string", "company.it == 'x'"), ("int", "company.it == -3"), ("uint", "company.it == 3u"),
    ("double", "company.it == 1.5"), ("bool", "company.it"), ("bytes", "company.it == b'ab'"),
    ("duration", "company.it == duration('-1.5s')"), ("timestamp", "company.it < timestamp('2030-01-01T00:00:00Z')"),
    ("list(string)", "'b' in company.it"), ("map(string,string)", "company.it['k'] == 'v'"),
    ("map(string,dyn)", "company.it['k'] == 1"),
  ])
  func attributesOfOnesOwnHaveEveryType(type: String, condition: String) async throws {
    var request = Request()
    switch type {
    case "string": request[Attribute<String>("company.it")] = "x"
    case "int": request[Attribute<Int>("company.it")] = -3
    case "uint": request[Attribute<UInt>("company.it")] = 3
    case "double": request[Attribute<Double>("company.it")] = 1.5
    case "bool": request[Attribute<Bool>("company.it")] = true
    case "bytes": request[Attribute<[UInt8]>("company.it")] = [97, 98]
    case "duration": request[Attribute<Duration>("company.it")] = .milliseconds(-1500)
    case "timestamp": request[Attribute<Timestamp>("company.it")] = Timestamp(seconds: 0)
    case "list(string)": request[Attribute<[String]>("company.it")] = ["a", "b"]
    case "map(string,string)": request[Attribute<[String: String]>("company.it")] = ["k": "v"]
    default: request[Attribute<[String: AttributeValue]>("company.it")] = ["k": 1]
    }
    let set = try policies(
      policy("- {name: a, action: ALLOW, when: \"\(condition)\"}") + declaring("company.it", type))
    #expect(try await set.check(request).isAllowed)
    #expect(try await set.check(Request()).verdict == .deny)
  }

  @Test func anAttributeOfTheWrongTypeErrsAndIsNotAbsent() async throws {
    let set = try policies(
      policy("- {name: a, action: DENY, when: 'has(company.score) && company.score > 5'}")
        + declaring("company.score", "int"))
    var request = Request()
    #expect(try await set.check(request).isAllowed)
    request[Attribute<String>("company.score")] = "9"
    let decision = try await set.check(request)
    #expect(decision.verdict == .deny)
    #expect(decision.reasonKind == .ruleError)
  }

  @Test(arguments: [(30, true), (31, true), (40, false), (2000, false)])
  func valuesNestedTooDeeplyErr(depth: Int, isRead: Bool) async throws {
    var nested: AttributeValue = 1
    for _ in 0..<depth { nested = .list([nested]) }
    var request = Request()
    request[.requestAuthClaims] = ["a": nested]
    let decision = try await policies(
      policy("- {name: a, action: DENY, when: 'size(request.auth.claims[\"a\"]) == 2'}")
    ).check(request)
    #expect(decision.isAllowed == isRead, "\(decision.reason)")
  }

  @Test func aLaterPlanMayDeclareFurtherAttributes() async throws {
    let engine = try Engine()
    var request = Request()
    // Kept apart by their sets, numbered by one engine.
    for index in 0..<20 {
      let set = try PolicySet(in: engine, name: "set\(index)")
      let text =
        policy("- {name: a, action: ALLOW, when: 'company.n\(index) == \(index)'}")
        + declaring("company.n\(index)", "int")
      try set.load(documents: [Document(name: "a.yaml", text: text)])
      #expect(try await set.check(request).verdict == .deny)
      request[Attribute<Int>("company.n\(index)")] = index
      #expect(try await set.check(request).isAllowed)
    }
  }

  @Test func valuesBecomeTypedAgain() {
    #expect([String](AttributeValue(["a", "b"] as AttributeValue) ?? .null) == ["a", "b"])
    #expect([String](["a", 1] as AttributeValue) == nil)
    #expect([String: Int](["a": 1] as AttributeValue) == ["a": 1])
    #expect([String: String](["a": 1] as AttributeValue) == nil)
    #expect(Timestamp(seconds: 1, nanoseconds: 2) < Timestamp(seconds: 1, nanoseconds: 3))
    #expect(Timestamp.now > Timestamp(seconds: 1_700_000_000))
  }
}
