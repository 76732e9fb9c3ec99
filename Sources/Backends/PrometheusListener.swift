// An HTTP listener that Prometheus scrapes: `GET /metrics`, and nothing else.
//
// It is opt-in and runs on one thread of libmicrohttpd, which is opened when the first listener starts. `render` runs on
// that thread, never on a request path.

import CMicrohttpd
import CPlatform
import PurserTelemetry

public final class PrometheusListener: @unchecked Sendable {
  /// Where it listens, with the real port when 0 was asked for: `127.0.0.1:15090`, `[::1]:15090`.
  public let address: String
  private var server: OpaquePointer?
  private let page: Unmanaged<Page>

  private final class Page {
    let render: @Sendable () -> [UInt8]

    init(_ render: @escaping @Sendable () -> [UInt8]) { self.render = render }
  }

  /// Listens on `host:port`: an IPv4 address or a name, an IPv6 address in brackets, or `*` or nothing for all
  /// addresses; port 0 takes any free one. `render` gives the page, in `PrometheusText.contentType`.
  public init(_ listen: String, render: @escaping @Sendable () -> [UInt8]) throws(BackendError) {
    guard let (host, port) = PrometheusListener.split(listen) else {
      throw BackendError("`\(listen)` is no address to listen on: write `127.0.0.1:15090` or `[::1]:15090`")
    }
    let page = Unmanaged.passRetained(Page(render))
    var reason = [CChar](repeating: 0, count: 512)
    let server = reason.withUnsafeMutableBufferPointer { reason in
      (host ?? []).withUnsafeBufferPointer { hostText in
        microhttpd_start(
          host == nil ? nil : hostText.baseAddress, port, PrometheusListener.path, PrometheusListener.contentType,
          { context, text, size in PrometheusListener.answer(context, text, size) }, page.toOpaque(),
          reason.baseAddress, reason.count)
      }
    }
    guard let server else {
      page.release()
      throw BackendError("cannot listen on `\(listen)`: \(textOf(reason))")
    }
    self.server = server
    self.page = page
    self.address = textOf(microhttpd_address(server))
  }

  deinit { stop() }

  /// Closes all connections and waits for the listener's thread. Not from `render`. Again is fine.
  public func stop() {
    guard let server else { return }
    self.server = nil
    microhttpd_stop(server)
    page.release()
  }

  private static var path: UnsafePointer<CChar> { text("/metrics") }
  private static var contentType: UnsafePointer<CChar> { text(PrometheusText.contentType) }

  /// A `StaticString` ends with NUL and lives for ever.
  private static func text(_ text: StaticString) -> UnsafePointer<CChar> {
    UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
  }

  private static func answer(
    _ context: UnsafeMutableRawPointer?, _ textOut: UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?,
    _ sizeOut: UnsafeMutablePointer<Int>?
  ) -> Bool {
    guard let context, let textOut, let sizeOut else { return false }
    let bytes = Unmanaged<Page>.fromOpaque(context).takeUnretainedValue().render()
    guard let memory = malloc(max(bytes.count, 1)) else { return false }
    bytes.withUnsafeBytes { source in
      if let base = source.baseAddress { memcpy(memory, base, source.count) }
    }
    textOut.pointee = memory.assumingMemoryBound(to: UInt8.self)
    sizeOut.pointee = bytes.count
    return true
  }

  /// `host` ends with NUL; nil means all addresses.
  static func split(_ listen: String) -> (host: [CChar]?, port: UInt16)? {
    let bytes = Array(listen.utf8)
    guard bytes.count <= 255, let colon = bytes.lastIndex(of: UInt8(ascii: ":")) else { return nil }
    var host = bytes.prefix(upTo: colon)
    var port = 0
    let digits = bytes.suffix(from: colon).dropFirst()
    guard !digits.isEmpty, digits.count <= 5 else { return nil }
    for digit in digits {
      guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") else { return nil }
      port = port &* 10 &+ Int(digit &- UInt8(ascii: "0"))
    }
    guard port <= 65535 else { return nil }
    if host.first == UInt8(ascii: "["), host.last == UInt8(ascii: "]"), host.count > 2 {
      host = host.dropFirst().dropLast()
    } else if host.contains(where: { $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "[") || $0 == UInt8(ascii: "]") }) {
      return nil
    }
    guard !host.contains(0) else { return nil }
    if host.isEmpty || Array(host) == [UInt8(ascii: "*")] { return (nil, UInt16(truncatingIfNeeded: port)) }
    return (host.map { CChar(bitPattern: $0) } + [0], UInt16(truncatingIfNeeded: port))
  }
}

/// Up to the NUL.
func textOf(_ text: [CChar]) -> String {
  String(decoding: text.prefix(while: { $0 != 0 }).map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

func textOf(_ text: UnsafePointer<CChar>?) -> String {
  guard let text else { return "" }
  return String(decoding: UnsafeRawBufferPointer(start: text, count: strlen(text)), as: UTF8.self)
}
