// A unary gRPC call over HTTP/2 (github.com/grpc/grpc, doc/PROTOCOL-HTTP2.md): one frame there, one back, and a status
// in the trailers, or in the headers when there is nothing else.

enum GRPCCall {
  /// A flag (compressed or not) and four bytes of length.
  static let prefixBytes = 5

  static func message(
    path: String, authority: String?, frame: [UInt8], leftNanoseconds: Int64
  ) -> HTTPMessage {
    var message = HTTPMessage(method: Array("POST".utf8), target: Array(path.utf8), body: frame)
    message.add(header: "content-type", "application/grpc")
    message.add(header: "te", "trailers")
    message.add(header: "grpc-timeout", timeout(leftNanoseconds))
    message.leaveOut(header: "accept")
    if let authority { message.add(header: "Host", authority) }
    return message
  }

  /// At most eight digits and a unit, rounded up.
  static func timeout(_ nanoseconds: Int64) -> String {
    let microseconds = (max(1, nanoseconds) &+ 999) / 1_000
    if microseconds < 100_000_000 { return "\(microseconds)u" }
    return "\(min(99_999_999, (microseconds &+ 999) / 1_000))m"
  }

  /// Writes the five bytes before a message that has so many free ones.
  static func close(frame: inout [UInt8], messageBytes: Int) {
    guard frame.count >= prefixBytes else { return }
    let size = UInt32(truncatingIfNeeded: messageBytes)
    frame[0] = 0
    for index in 0..<4 {
      frame[index &+ 1] = UInt8(truncatingIfNeeded: size >> UInt32(truncatingIfNeeded: 24 &- 8 &* index))
    }
  }

  /// It began as an answer and has no end. That a server closed its connection right after the answer is enough for
  /// Debian's libcurl 7.88.1 to lose the trailers now and then.
  static func isCut(_ answer: HTTPAnswer) -> Bool {
    answer.isVersion2 && answer.status == 200 && isGRPC(answer) && answer.values("grpc-status").isEmpty
      && answer.values("grpc-status", trailers: true).isEmpty
  }

  private static func isGRPC(_ answer: HTTPAnswer) -> Bool {
    answer.values("content-type").first.map {
      HeaderNames.lowercased($0).starts(with: "application/grpc".utf8)
    } ?? false
  }

  /// The message of a call that ended well, or why there is none.
  static func messageBytes(of answer: HTTPAnswer) -> Result<ArraySlice<UInt8>, Failure> {
    guard answer.isVersion2 else { return .failure(Failure(.protocolError, "it does not speak HTTP/2")) }
    let status = answer.values("grpc-status", trailers: true).last ?? answer.values("grpc-status").last
    if answer.status != 200 {
      return .failure(Failure(.provider, "it answers with HTTP status \(answer.status)", code: code(status) ?? 2))
    }
    guard isGRPC(answer) else {
      return .failure(Failure(.protocolError, "its answer is no gRPC: the content type is another"))
    }
    guard let status else {
      return .failure(Failure(.protocolError, "its answer ends without a grpc-status"))
    }
    guard let code = code(status) else {
      return .failure(Failure(.protocolError, "its grpc-status is no number"))
    }
    guard code == 0 else {
      let said = answer.values("grpc-message", trailers: true).last ?? answer.values("grpc-message").last ?? []
      let message = percentDecoded(said)
      let text = String(decoding: message.prefix(256), as: UTF8.self)
      return .failure(
        Failure(.provider, "it answers with gRPC status \(code)" + (text.isEmpty ? "" : ": \(text)"), code: code))
    }
    return frame(answer.body)
  }

  struct Failure: Error, Equatable {
    var kind: ProviderFailure
    var text: String
    var code: Int32

    init(_ kind: ProviderFailure, _ text: String, code: Int32 = 0) {
      self.kind = kind
      self.text = text
      self.code = code
    }
  }

  private static func frame(_ body: [UInt8]) -> Result<ArraySlice<UInt8>, Failure> {
    guard body.count >= prefixBytes else {
      return .failure(Failure(.protocolError, "its answer has no whole gRPC frame"))
    }
    let prefix = body.prefix(prefixBytes)
    guard prefix.first == 0 else {
      return .failure(Failure(.protocolError, "its answer is compressed, which nobody asked for"))
    }
    let size = prefix.dropFirst().reduce(0) { $0 << 8 | Int($1) }
    guard size == body.count &- prefixBytes else {
      return .failure(Failure(.protocolError, "its answer is not one whole gRPC frame"))
    }
    return .success(body.dropFirst(prefixBytes))
  }

  /// Nil when it is no number.
  private static func code(_ digits: [UInt8]?) -> Int32? {
    guard let digits, !digits.isEmpty, digits.count <= 9 else { return nil }
    var number: Int32 = 0
    for digit in digits {
      guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") else { return nil }
      number = number &* 10 &+ Int32(truncatingIfNeeded: digit &- UInt8(ascii: "0"))
    }
    return number
  }

  /// What is no escape stays as it is.
  static func percentDecoded(_ text: [UInt8]) -> [UInt8] {
    func digit(_ byte: UInt8?) -> UInt8? {
      switch byte {
      case .some(let byte) where byte >= 48 && byte <= 57: return byte &- 48
      case .some(let byte) where byte | 0x20 >= 97 && byte | 0x20 <= 102: return (byte | 0x20) &- 87
      default: return nil
      }
    }
    var decoded: [UInt8] = []
    var rest = text[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), let high = digit(rest.first), let low = digit(rest.dropFirst().first) {
        decoded.append(high << 4 | low)
        rest = rest.dropFirst(2)
      } else {
        decoded.append(byte)
      }
    }
    return decoded
  }
}
