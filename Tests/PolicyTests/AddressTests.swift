import CEL
import Testing

@testable import PurserPolicy

@Suite struct AddressTests {
  private func address(_ text: String) -> Address? {
    var text = text
    return text.withUTF8 { Address(Bytes($0.baseAddress, count: UInt32($0.count))) }
  }

  private func contains(_ ranges: [String], _ text: String) -> Value {
    let set = ValueSet(ranges: ranges.compactMap { AddressRange(Array($0.utf8)) })
    var text = text
    return text.withUTF8 { set.contains(.string(Bytes($0.baseAddress, count: UInt32($0.count)))) }
  }

  @Test func fourInSixIsTheSameAddress() {
    let plain = address("10.1.2.3")
    #expect(plain != nil)
    for other in ["::ffff:10.1.2.3", "::FFFF:0a01:0203", "0:0:0:0:0:ffff:10.1.2.3"] { #expect(address(other) == plain) }
    // Not mapped, so another address.
    #expect(address("::10.1.2.3") != plain)
  }

  @Test(arguments: [
    "", " ", "10.0.0", "10.0.0.256", "10.0.0.1 ", " 10.0.0.1", "10.0.0.1:80", "[::1]", "fe80::1%eth0", "::1::", "0x0a.0.0.1",
    "10.0.0.01.1", "localhost", "1:2:3:4:5:6:7:8:9", "10.0.0.1\0", "::ffff:10.0.0.256",
  ])
  func whatIsNoAddressIsNone(_ text: String) { #expect(address(text) == nil) }

  @Test(arguments: [
    "", "/8", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/08", "10.0.0.0/+8", "10.0.0.0/8/8", "10.0.0.0/-1",
    "10.0.0.0/1000", "ten/8", "10.0.0.0/8 ",
  ])
  func whatIsNoRangeIsNone(_ text: String) { #expect(AddressRange(Array(text.utf8)) == nil) }

  @Test func rangesIgnoreBitsPastThePrefix() {
    #expect(contains(["10.9.8.7/8"], "10.0.0.0").isTrue)
    #expect(contains(["10.9.8.7/8"], "10.255.255.255").isTrue)
    #expect(contains(["10.9.8.7/8"], "11.0.0.0").isFalse)
    #expect(contains(["0.0.0.0/0"], "255.255.255.255").isTrue)
    #expect(contains(["0.0.0.0/0"], "::1").isFalse, "the IPv4 addresses, not all of IPv6")
    #expect(contains(["::/0"], "1.2.3.4").isTrue)
    #expect(contains(["10.0.0.1/32"], "10.0.0.1").isTrue)
    #expect(contains(["::1/128"], "::1").isTrue)
    #expect(contains([], "::1").isFalse)
  }

  @Test func searchingRangesIsAsLookingAtEach() {
    var state: UInt64 = 5
    func next(_ below: UInt64) -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (state >> 33) % below
    }
    for _ in 0..<200 {
      let texts = (0..<next(12)).map { _ in "10.0.\(next(4)).\(next(256))/\(20 + next(13))" }
      let ranges = texts.compactMap { AddressRange(Array($0.utf8)) }
      for _ in 0..<50 {
        let text = "10.0.\(next(5)).\(next(256))"
        guard let address = address(text) else { continue }
        let expected = ranges.contains { !(address < $0.first) && !($0.last < address) }
        #expect(contains(texts, text).isTrue == expected, "\(text) in \(texts)")
      }
    }
  }

  @Test func whatIsNoAddressErrsInAListOfRanges() {
    let found = contains(["10.0.0.0/8"], "nonsense")
    #expect(found.kind == .error)
    #expect(found.asError.code == .notAnAddress)
  }
}
