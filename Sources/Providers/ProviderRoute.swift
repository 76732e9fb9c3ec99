// The part of every request of a provider that never changes, made of its settings once and checked.

struct ProviderRoute: Equatable {
  static let headerBytesMax = 65_536

  /// Scheme, the name that is verified and sent as the host, and port.
  var url: [UInt8]
  var connectTo: String?
  var unixPath: String?
  var tls: ProviderTLS?
  var isVersion2: Bool
  var responseBytesMax: Int

  init(_ settings: ProviderSettings) throws(ProviderError) {
    try settings.check()
    tls = settings.tls
    responseBytesMax = settings.responseBytesMax
    if case .extAuthzGRPC = settings.interface { isVersion2 = true } else { isVersion2 = false }
    let scheme = settings.tls == nil ? "http://" : "https://"
    switch settings.endpoint {
    case .tcp(let host, let port):
      let name = settings.tls?.serverName ?? host
      url = Array("\(scheme)\(ProviderRoute.bracketed(name)):\(port)/".utf8)
      if name != host { connectTo = "\(ProviderRoute.bracketed(host)):\(port)" }
    case .unix(let path):
      url = Array("\(scheme)\(settings.tls?.serverName ?? "localhost")/".utf8)
      unixPath = path
    }
  }

  private static func bracketed(_ host: String) -> String { host.contains(":") ? "[\(host)]" : host }
}

extension ProviderSettings {
  /// Says what is wrong with them, without a look at files or the network.
  public func validate() throws(ProviderError) { try check() }

  fileprivate func check() throws(ProviderError) {
    try check(timeoutNanoseconds, within: 1_000_000...600_000_000_000, "the timeout is 1 ms to 10 min")
    try check(Int64(inFlightMax), within: 1...65_536, "1 to 65,536 questions may be under way")
    try check(Int64(responseBytesMax), within: 1...16_777_216, "an answer has 1 byte to 16 MiB")
    if let circuit {
      try check(Int64(circuit.failures), within: 1...1_000_000, "a circuit opens after 1 to 1,000,000 failures")
      try check(circuit.openNanoseconds, within: 1_000_000...3_600_000_000_000, "a circuit is open for 1 ms to 1 h")
    }
    switch endpoint {
    case .tcp(let host, let port):
      guard ProviderSettings.isHost(host), port > 0 else {
        throw ProviderError("`\(host):\(port)` is no host and port")
      }
    case .unix(let path):
      // sun_path has 108 bytes, NUL included.
      guard path.hasPrefix("/"), path.utf8.count < 108, !path.utf8.contains(0) else {
        throw ProviderError("`\(path)` is no path of a Unix socket: it begins with `/` and has at most 107 bytes")
      }
      if let tls, tls.serverName == nil {
        throw ProviderError("TLS over the Unix socket `\(path)` needs a server name to verify")
      }
    }
    if let tls { try check(tls) }
    switch interface {
    case .extAuthzGRPC(let settings): try check(settings)
    case .extAuthzHTTP(let settings): try check(settings)
    case .opa(let settings): try check(settings)
    }
  }

  private func check(_ number: Int64, within range: ClosedRange<Int64>, _ rule: String) throws(ProviderError) {
    guard range.contains(number) else { throw ProviderError("\(number) is out of range: \(rule)") }
  }

  private func check(_ tls: ProviderTLS) throws(ProviderError) {
    if let name = tls.serverName, !ProviderSettings.isHost(name) || name.contains(":") {
      throw ProviderError("`\(name)` is no server name")
    }
    guard (tls.certificateFile == nil) == (tls.keyFile == nil) else {
      throw ProviderError("a client certificate and its key go together")
    }
    for file in [tls.caFile, tls.certificateFile, tls.keyFile].compactMap({ $0 })
    where file.isEmpty || file.utf8.contains(0) {
      throw ProviderError("`\(file)` is no path of a file")
    }
  }

  private func check(_ settings: ExtAuthzGRPCSettings) throws(ProviderError) {
    // Decoded, a message of many small parts is larger by far.
    try check(Int64(responseBytesMax), within: 1...1_048_576, "an answer over gRPC has 1 byte to 1 MiB")
    if let authority = settings.authority { try checkAuthority(authority) }
    guard Set(settings.fields).count == settings.fields.count else {
      throw ProviderError("a field of the request is named twice")
    }
    for field in settings.fields {
      switch field {
      case .requestHeader(let name): try checkName(name)
      case .sourceLabel(let name), .destinationLabel(let name), .contextExtension(let name):
        guard !name.isEmpty, !name.utf8.contains(0) else { throw ProviderError("an entry's name is empty") }
      default: break
      }
    }
  }

  private func check(_ settings: ExtAuthzHTTPSettings) throws(ProviderError) {
    let names: [ExtAuthzHTTPField] = settings.fields.map {
      if case .header(let name) = $0 { return .header(name.lowercased()) }
      return $0
    }
    guard Set(names).count == names.count else { throw ProviderError("a field of the request is named twice") }
    for field in settings.fields { if case .header(let name) = field { try checkSent(name) } }
    for header in settings.headers {
      try checkSent(header.name)
      try checkValue(header)
    }
    guard settings.pathPrefix.isEmpty || isPath(settings.pathPrefix) else {
      throw ProviderError("`\(settings.pathPrefix)` is no path prefix: it begins with `/` and has no blank")
    }
    let patterns =
      settings.upstreamHeaders + settings.upstreamHeadersToAppend + settings.clientHeadersOnAllow
      + (settings.clientHeadersOnDeny ?? [])
    for pattern in patterns { try checkName(pattern) }
  }

  private func check(_ settings: OPASettings) throws(ProviderError) {
    guard isPath(settings.path) else {
      throw ProviderError("`\(settings.path)` is no path: it begins with `/` and has no blank")
    }
    guard Set(settings.fields).count == settings.fields.count else {
      throw ProviderError("a member of `input` is named twice")
    }
    for header in settings.headers {
      try checkSent(header.name)
      try checkValue(header)
    }
  }

  private func isPath(_ path: String) -> Bool {
    path.hasPrefix("/") && path.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7f }
  }

  private func checkName(_ name: String) throws(ProviderError) {
    guard HeaderNames.isName(Array(name.utf8)) else { throw ProviderError("`\(name)` is no name of a header") }
  }

  private func checkSent(_ name: String) throws(ProviderError) {
    try checkName(name)
    guard !HeaderNames.isReserved(HeaderNames.lowercased(Array(name.utf8))) else {
      throw ProviderError("the header `\(name)` is not for the asker to set")
    }
  }

  private func checkValue(_ header: ProviderHeader) throws(ProviderError) {
    guard HeaderNames.isValue(Array(header.value.utf8)) else {
      throw ProviderError("the header `\(header.name)` has a line break or NUL")
    }
  }

  private func checkAuthority(_ authority: String) throws(ProviderError) {
    guard !authority.isEmpty, authority.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "/") }) else {
      throw ProviderError("`\(authority)` is no authority: write a host, and a port if wanted")
    }
  }

  /// What stands in a URL without being taken for something else.
  private static func isHost(_ host: String) -> Bool {
    !host.isEmpty && host.utf8.count <= 253
      && host.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
          UInt8(ascii: ":"):
          return true
        default: return false
        }
      }
  }
}
