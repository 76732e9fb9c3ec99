import Testing

@testable import CEL

/// The form of values in keys and questions. A twin writes it byte by byte.
@Suite struct CanonicalTests {
  private static func written(_ values: [Value], capacity: Int) -> [UInt8]? {
    var memory = [UInt8](repeating: 0xa5, count: capacity + 8)
    let size = memory.withUnsafeMutableBufferPointer { buffer -> Int? in
      guard let base = buffer.baseAddress else { return nil }
      var writer = CanonicalWriter(base, capacity: capacity)
      for value in values { writer.put(value) }
      return writer.isGood ? writer.count : nil
    }
    #expect(memory.suffix(8).allSatisfy { $0 == 0xa5 })
    return size.map { Array(memory.prefix($0)) }
  }

  private static func twin(_ kind: Value.Kind, _ text: [UInt8]) -> [UInt8] {
    let size = text.count
    return [kind.rawValue, UInt8(size & 0xff), UInt8(size >> 8 & 0xff), UInt8(size >> 16 & 0xff), 0] + text
  }

  @Test func textOfAnyLengthIsWrittenWithItsLength() {
    for size in 0...300 {
      let text = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ size) }
      text.withUnsafeBytes { bytes in
        let part = Bytes(bytes.baseAddress, count: UInt32(size))
        let expected = Self.twin(.string, text) + Self.twin(.bytes, text)
        #expect(Self.written([.string(part), .bytes(part)], capacity: expected.count) == expected)
      }
    }
  }

  @Test func whatDoesNotFitIsRefusedAndWritesNothingBehind() {
    let text = [UInt8](repeating: 7, count: 40)
    text.withUnsafeBytes { bytes in
      for size in 0...40 {
        let value = Value.string(Bytes(bytes.baseAddress, count: UInt32(size)))
        for capacity in 0..<(size + 5) { #expect(Self.written([value], capacity: capacity) == nil) }
        #expect(Self.written([value], capacity: size + 5)?.count == size + 5)
        // Once something did not fit, nothing more is taken.
        if size > 0 { #expect(Self.written([value, .null], capacity: size + 4) == nil) }
      }
    }
  }

  @Test func unlikeValuesHaveUnlikeBytes() {
    let text = Array("1".utf8)
    text.withUnsafeBytes { bytes in
      let one = Bytes(bytes.baseAddress, count: 1)
      let none = Bytes(bytes.baseAddress, count: 0)
      let values: [Value] = [
        .absent, .null, .bool(false), .bool(true), .int(0), .int(1), .uint(1), .double(1), .string(none), .bytes(none),
        .string(one), .bytes(one),
      ]
      let forms = values.map { Self.written([$0], capacity: 64) }
      for (at, form) in forms.enumerated() {
        #expect(form != nil)
        #expect(!forms[..<at].contains { $0 == form })
      }
    }
  }

  @Test func anErrorHasNoForm() {
    #expect(Self.written([.failure(.integerOverflow)], capacity: 64) == nil)
    #expect(Self.written([Value(kind: .unfetched)], capacity: 64) == nil)
  }
}
