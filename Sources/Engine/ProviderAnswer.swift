// What a provider said, as one run of bytes: a pending check holds it, the check cache keeps it.
//
//   verdict (1)  form (1)  status (2)  request headers (2)  response headers (2)  body length (4)
//   headers      operation (1), name length (2), value length (4), name, value; those of the request first
//   body
//
// Numbers are little-endian. Whoever reads trusts no length.

import CEL
import CPlatform
import PurserPolicy

public struct ProviderAnswer: BitwiseCopyable {
  private let bytes: Bytes
  public let allows: Bool
  /// Of a denial; 0 for the action's own.
  public let status: UInt32
  public let requestHeaderCount: UInt32
  /// Of the response when allowed, of the local response when denied.
  public let responseHeaderCount: UInt32
  public let body: Bytes

  public static var headBytes: Int { 12 }
  static var form: UInt8 { 1 }
  public static var bytesMax: Int { 1 << 20 }

  /// Nil for what is none, to its last byte.
  public init?(_ bytes: Bytes) {
    guard let base = bytes.base, bytes.count >= UInt32(truncatingIfNeeded: ProviderAnswer.headBytes),
      base[1] == ProviderAnswer.form, base[0] <= 1
    else { return nil }
    self.bytes = bytes
    allows = base[0] == 1
    status = UInt32(truncatingIfNeeded: ProviderAnswer.short(base + 2))
    requestHeaderCount = UInt32(truncatingIfNeeded: ProviderAnswer.short(base + 4))
    responseHeaderCount = UInt32(truncatingIfNeeded: ProviderAnswer.short(base + 6))
    let bodyCount = ProviderAnswer.word(base + 8)
    var place = UInt32(truncatingIfNeeded: ProviderAnswer.headBytes)
    var left = requestHeaderCount &+ responseHeaderCount
    while left > 0 {
      guard let next = ProviderAnswer.end(ofHeaderAt: place, in: bytes) else { return nil }
      place = next
      left &-= 1
    }
    guard bytes.count &- place == bodyCount else { return nil }
    body = Bytes(base + Int(place), count: bodyCount)
  }

  /// Nothing besides the verdict and its status.
  public var isPlain: Bool { requestHeaderCount == 0 && responseHeaderCount == 0 && body.count == 0 }

  public func requestHeader(_ index: UInt32) -> HeaderChange? {
    index < requestHeaderCount ? header(index) : nil
  }

  public func responseHeader(_ index: UInt32) -> HeaderChange? {
    index < responseHeaderCount ? header(requestHeaderCount &+ index) : nil
  }

  private func header(_ index: UInt32) -> HeaderChange? {
    guard let base = bytes.base else { return nil }
    var place = UInt32(truncatingIfNeeded: ProviderAnswer.headBytes)
    var left = index
    while left > 0 {
      guard let next = ProviderAnswer.end(ofHeaderAt: place, in: bytes) else { return nil }
      place = next
      left &-= 1
    }
    guard ProviderAnswer.end(ofHeaderAt: place, in: bytes) != nil else { return nil }
    let head = base + Int(place)
    let nameCount = UInt32(truncatingIfNeeded: ProviderAnswer.short(head + 1))
    return HeaderChange(
      HeaderChange.Operation(rawValue: UInt32(truncatingIfNeeded: head[0])) ?? .set, Bytes(head + 7, count: nameCount),
      Bytes(head + (7 &+ Int(nameCount)), count: ProviderAnswer.word(head + 3)))
  }

  /// Where the next one begins; nil when this one does not end in time.
  private static func end(ofHeaderAt place: UInt32, in bytes: Bytes) -> UInt32? {
    guard let base = bytes.base, place <= bytes.count, bytes.count &- place >= 7 else { return nil }
    let size = UInt64(short(base + (Int(place) &+ 1))) &+ UInt64(word(base + (Int(place) &+ 3))) &+ 7
    guard UInt64(bytes.count &- place) >= size else { return nil }
    return place &+ UInt32(truncatingIfNeeded: size)
  }

  private static func short(_ place: UnsafePointer<UInt8>) -> UInt16 {
    UInt16(littleEndian: UnsafeRawPointer(place).loadUnaligned(as: UInt16.self))
  }

  private static func word(_ place: UnsafePointer<UInt8>) -> UInt32 {
    UInt32(littleEndian: UnsafeRawPointer(place).loadUnaligned(as: UInt32.self))
  }
}

#if !hasFeature(Embedded)
  /// A header that a provider changes.
  public struct AnswerHeader: Equatable, Sendable {
    public var operation: HeaderChange.Operation
    /// Lower case.
    public var name: [UInt8]
    public var value: [UInt8]

    public init(_ operation: HeaderChange.Operation, _ name: [UInt8], _ value: [UInt8]) {
      self.operation = operation
      self.name = name
      self.value = value
    }
  }

  /// The same before it is bytes.
  public struct AnswerDraft: Equatable, Sendable {
    public var allows: Bool
    public var status: UInt16 = 0
    public var requestHeaders: [AnswerHeader] = []
    public var responseHeaders: [AnswerHeader] = []
    public var body: [UInt8] = []

    public init(allows: Bool) { self.allows = allows }

    /// Nil when it is too much for one answer.
    public var bytes: [UInt8]? {
      var out: [UInt8] = [allows ? 1 : 0, ProviderAnswer.form]
      guard let requestCount = UInt16(exactly: requestHeaders.count),
        let responseCount = UInt16(exactly: responseHeaders.count), let bodyCount = UInt32(exactly: body.count)
      else { return nil }
      AnswerDraft.put(status, &out)
      AnswerDraft.put(requestCount, &out)
      AnswerDraft.put(responseCount, &out)
      AnswerDraft.put(bodyCount, &out)
      for header in requestHeaders + responseHeaders {
        guard let nameCount = UInt16(exactly: header.name.count), let valueCount = UInt32(exactly: header.value.count)
        else { return nil }
        out.append(UInt8(truncatingIfNeeded: header.operation.rawValue))
        AnswerDraft.put(nameCount, &out)
        AnswerDraft.put(valueCount, &out)
        out += header.name
        out += header.value
      }
      out += body
      return out.count <= ProviderAnswer.bytesMax ? out : nil
    }

    private static func put<Number: FixedWidthInteger>(_ number: Number, _ out: inout [UInt8]) {
      withUnsafeBytes(of: number.littleEndian) { out.append(contentsOf: $0) }
    }
  }
#endif
