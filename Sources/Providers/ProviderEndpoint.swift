// Where a provider listens.

public enum ProviderEndpoint: Hashable, Sendable {
  /// A name or an address; an IPv6 address without brackets.
  case tcp(host: String, port: UInt16)
  /// The path of a Unix socket.
  case unix(path: String)

  /// `HOST:PORT`, `[IPV6]:PORT` or `unix:/PATH`.
  public init(parsing text: String) throws(ProviderError) {
    if text.hasPrefix("unix:") {
      let path = String(text.dropFirst(5))
      guard path.hasPrefix("/") else {
        throw ProviderError("`\(text)` is no Unix socket: write `unix:/run/provider.sock`")
      }
      self = .unix(path: path)
    } else {
      guard let (host, port) = ProviderEndpoint.split(text[...]), let port else {
        throw ProviderError("`\(text)` is no endpoint: write `host:port`, `[::1]:port` or `unix:/path`")
      }
      self = .tcp(host: host, port: port)
    }
  }

  /// The port is nil where none is written.
  static func split(_ text: Substring) -> (host: String, port: UInt16?)? {
    var host = text
    var port: UInt16?
    let colon = text.lastIndex(of: ":")
    if let colon, !text.hasSuffix("]") {
      let digits = text[text.index(after: colon)...]
      guard !digits.isEmpty, digits.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }), let wide = Int("\(digits)"),
        let number = UInt16(exactly: wide), number > 0
      else { return nil }
      port = number
      host = text[..<colon]
    }
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = host.dropFirst().dropLast()
    } else if host.contains(":") {
      return nil
    }
    return host.isEmpty ? nil : (String(host), port)
  }
}

/// An `http` or `https` address, taken apart.
public struct ProviderURL: Hashable, Sendable {
  public var isTLS: Bool
  /// The scheme's port where none is written.
  public var endpoint: ProviderEndpoint
  /// With the query; at least `/`.
  public var path: String

  /// `http://host:port/path`. User names and fragments have no place in it.
  public init(parsing text: String) throws(ProviderError) {
    let rest: Substring
    if text.hasPrefix("http://") {
      isTLS = false
      rest = text.dropFirst(7)
    } else if text.hasPrefix("https://") {
      isTLS = true
      rest = text.dropFirst(8)
    } else {
      throw ProviderError("`\(text)` is no address to ask: it begins with `http://` or `https://`")
    }
    guard !rest.contains(where: { $0 == "@" || $0 == "#" || $0 == " " }) else {
      throw ProviderError("`\(text)` is no address to ask: a user name, a fragment or a blank has no place in it")
    }
    let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
    guard let (host, port) = ProviderEndpoint.split(rest[..<end]) else {
      throw ProviderError("`\(text)` is no address to ask: its host or port cannot be read")
    }
    endpoint = .tcp(host: host, port: port ?? (isTLS ? 443 : 80))
    let path = rest[end...]
    self.path = path.hasPrefix("/") ? String(path) : "/" + path
  }
}
