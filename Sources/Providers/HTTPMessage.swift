// One request to a provider and one answer, as the protocols see them, and their way to and from libcurl.

import CCurl
import CPlatform

/// Checked by whoever makes it: no line break or NUL in any text.
struct HTTPMessage: Equatable {
  var method: [UInt8]
  var target: [UInt8]
  private(set) var headers: [[UInt8]] = []
  /// Nil for a request without one.
  var body: [UInt8]?

  init(method: [UInt8], target: [UInt8], body: [UInt8]? = nil) {
    self.method = method
    self.target = target
    self.body = body
  }

  mutating func add(header name: [UInt8], _ value: [UInt8]) {
    // libcurl takes `name:` as the wish to leave the header out.
    headers.append(value.isEmpty ? name + [UInt8(ascii: ";")] : name + Array(": ".utf8) + value)
  }

  mutating func add(header name: String, _ value: String) { add(header: Array(name.utf8), Array(value.utf8)) }

  /// One that libcurl would send by itself.
  mutating func leaveOut(header name: String) { headers.append(Array((name + ":").utf8)) }
}

struct HTTPAnswer: Equatable {
  struct Header: Equatable {
    /// In lower case.
    var name: [UInt8]
    var value: [UInt8]
    var isTrailer = false
  }

  var status: UInt16
  var isVersion2 = false
  var headers: [Header] = []
  var body: [UInt8] = []

  /// All values of that name, which is in lower case; trailers too, if they are asked for.
  func values(_ name: String, trailers: Bool = false) -> [[UInt8]] {
    headers.filter { $0.isTrailer == trailers && $0.name.elementsEqual(name.utf8) }.map(\.value)
  }
}

extension HTTPAnswer {
  /// Of an exchange that has ended with an answer.
  init(_ exchange: OpaquePointer) {
    status = UInt16(clamping: http_exchange_status(exchange))
    isVersion2 = http_exchange_is_version_2(exchange)
    var size = 0
    let bytes = http_exchange_body(exchange, &size)
    body = Array(UnsafeBufferPointer(start: bytes, count: bytes == nil ? 0 : size))
    var position = 0
    var header = http_header()
    while http_exchange_next_header(exchange, &position, &header) {
      headers.append(
        Header(
          name: HeaderNames.lowercased(Array(UnsafeBufferPointer(start: header.name, count: header.name_size))),
          value: Array(UnsafeBufferPointer(start: header.value, count: header.value_size)),
          isTrailer: header.is_trailer))
    }
  }
}

/// Texts for C, one after another, each ended by NUL.
private struct TextStore {
  private(set) var bytes: [CChar] = []

  /// Where it begins.
  mutating func add(_ text: [UInt8]) -> Int {
    let at = bytes.count
    bytes.append(contentsOf: text.lazy.map { CChar(bitPattern: $0) })
    bytes.append(0)
    return at
  }

  mutating func add(_ text: String?) -> Int? {
    guard let text else { return nil }
    return add(Array(text.utf8))
  }
}

extension HTTPMessage {
  /// Hands it to libcurl; `owner` comes back with the exchange. An exchange, or why there is none.
  func start(
    _ loop: OpaquePointer, route: ProviderRoute, connection: http_connection, owner: UnsafeMutableRawPointer
  ) -> Result<OpaquePointer, ProviderError> {
    var store = TextStore()
    let url = store.add(route.url)
    let connectTo = store.add(route.connectTo)
    let unixPath = store.add(route.unixPath)
    let caFile = store.add(route.tls?.caFile)
    let certificateFile = store.add(route.tls?.certificateFile)
    let keyFile = store.add(route.tls?.keyFile)
    let methodAt = store.add(method)
    let targetAt = store.add(target)
    let lines = headers.map { store.add($0) }
    var reason = [CChar](repeating: 0, count: 256)

    let exchange = store.bytes.withUnsafeBufferPointer { texts -> OpaquePointer? in
      guard let base = texts.baseAddress else { return nil }
      let pointers: [UnsafePointer<CChar>?] = lines.map { base + $0 }
      var request = http_request()
      request.url = base + url
      request.connect_to = connectTo.map { base + $0 }
      request.unix_path = unixPath.map { base + $0 }
      request.ca_file = caFile.map { base + $0 }
      request.certificate_file = certificateFile.map { base + $0 }
      request.key_file = keyFile.map { base + $0 }
      request.method = base + methodAt
      request.target = base + targetAt
      request.version = route.isVersion2 ? HTTP_VERSION_2 : HTTP_VERSION_1_1
      request.connection = connection
      request.response_bytes_max = route.responseBytesMax
      request.header_bytes_max = ProviderRoute.headerBytesMax
      return pointers.withUnsafeBufferPointer { pointers in
        request.headers = pointers.baseAddress
        request.header_count = pointers.count
        // An empty body is one too, and needs an address.
        return (body.map { $0.isEmpty ? [0] : $0 } ?? []).withUnsafeBufferPointer { bytes in
          request.body = body == nil ? nil : bytes.baseAddress
          request.body_size = body?.count ?? 0
          return reason.withUnsafeMutableBufferPointer { reason in
            http_exchange_start(loop, &request, owner, reason.baseAddress, reason.count)
          }
        }
      }
    }
    guard let exchange else { return .failure(ProviderError(textOf(reason))) }
    return .success(exchange)
  }
}
