// Envoy's ext_authz over HTTP (envoy.extensions.filters.http.ext_authz.v3.HttpService): the request's own method, path
// and some headers, without its body. 200 allows, 5xx is a failure, any other status denies with that status.

enum ExtAuthzHTTP {
  /// What an answer that allows may name to be removed from the request, separated by commas.
  private static let removalHeader = "x-envoy-auth-headers-to-remove"
  /// Of one answer; more are no use of headers but an attack on memory.
  static let changesMax = 256

  static func message(
    _ settings: ExtAuthzHTTPSettings, _ question: ProviderQuestion
  ) throws(ProviderError) -> HTTPMessage {
    var method = Array("GET".utf8)
    var path = Array("/".utf8)
    var message = HTTPMessage(method: [], target: [])
    // What is named by itself, which a map of headers does not say again.
    var named = Set(settings.headers.map { HeaderNames.lowercased(Array($0.name.utf8)) })
    for field in settings.fields {
      if case .header(let name) = field { named.insert(HeaderNames.lowercased(Array(name.utf8))) }
    }

    for (field, value) in zip(settings.fields, question.values) {
      if case .headers = field {
        try add(headers: value, to: &message, except: named)
        continue
      }
      guard let text = value.plainText else { continue }
      switch field {
      case .method: method = text
      case .path: path = text
      case .host: try add(header: Array("Host".utf8), text, to: &message)
      case .header(let name): try add(header: Array(name.utf8), text, to: &message)
      case .headers: break
      }
    }
    for header in settings.headers { message.add(header: header.name, header.value) }

    guard HeaderNames.isName(method) else { throw ProviderError("the method is no token") }
    let target = Array(settings.pathPrefix.utf8) + path
    guard target.first == UInt8(ascii: "/"), !target.contains(where: { $0 <= 0x20 || $0 == 0x7f }) else {
      throw ProviderError("the path does not begin with `/`, or has a blank or control character")
    }
    guard settings.pathPrefix.isEmpty || !climbs(path) else {
      throw ProviderError("the path has dot segments that lead out of what it is appended to")
    }
    message.method = method
    message.target = target
    if method != Array("GET".utf8), method != Array("HEAD".utf8) { message.add(header: "content-length", "0") }
    return message
  }

  /// Whether a server could take the path, appended to another, for one outside of that: it may decode escapes, take `\` for `/`,
  /// merge slashes, drop what follows a `;`, and resolve dot segments.
  static func climbs(_ path: [UInt8]) -> Bool {
    var depth = 0
    var segment: [UInt8] = []
    // One more slash ends the last segment.
    for byte in decoded(path.prefix { $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }) + [UInt8(ascii: "/")] {
      guard byte == UInt8(ascii: "/") || byte == UInt8(ascii: "\\") else {
        segment.append(byte)
        continue
      }
      switch Array(segment.prefix { $0 != UInt8(ascii: ";") }) {
      case [], [UInt8(ascii: ".")]: break
      case [UInt8(ascii: "."), UInt8(ascii: ".")]:
        if depth == 0 { return true }
        depth &-= 1
      default: depth &+= 1
      }
      segment = []
    }
    return false
  }

  /// Until nothing is left to decode, as servers behind one another may. What a decoded byte completes is decoded at once, so that
  /// the time goes with the length, however often the path is escaped.
  private static func decoded(_ path: ArraySlice<UInt8>) -> [UInt8] {
    func digit(_ byte: UInt8) -> UInt8? {
      Character(Unicode.Scalar(byte)).hexDigitValue.map { UInt8(truncatingIfNeeded: $0) }
    }
    var out: [UInt8] = []
    for byte in path {
      out.append(byte)
      while let low = out.last.flatMap(digit), let high = out.dropLast().last.flatMap(digit),
        out.dropLast(2).last == UInt8(ascii: "%")
      {
        for _ in 0..<3 { _ = out.popLast() }
        out.append(high << 4 | low)
      }
    }
    return out
  }

  private static func add(
    header name: [UInt8], _ value: [UInt8], to message: inout HTTPMessage
  ) throws(ProviderError) {
    guard HeaderNames.isValue(value) else {
      throw ProviderError("the header `\(String(decoding: name, as: UTF8.self))` has a line break or NUL")
    }
    message.add(header: name, value)
  }

  private static func add(
    headers value: FieldValue, to message: inout HTTPMessage, except named: Set<[UInt8]>
  ) throws(ProviderError) {
    guard case .map(let entries) = value else {
      if value == .absent || value == .null { return }
      throw ProviderError("the headers are no map")
    }
    for entry in entries {
      let name = HeaderNames.lowercased(entry.key)
      guard !HeaderNames.isReserved(name), !named.contains(name), let text = entry.value.plainText else { continue }
      guard HeaderNames.isName(name) else { throw ProviderError("a header's name is no token") }
      try add(header: name, text, to: &message)
    }
  }

  // MARK: The answer

  static func reply(_ settings: ExtAuthzHTTPSettings, _ answer: HTTPAnswer) -> ProviderReply {
    var reply: ProviderReply
    switch answer.status {
    case 200: reply = allowed(settings, answer)
    case 500...:
      reply = .failure(.provider, "it answers with HTTP status \(answer.status)")
      reply.httpStatus = answer.status
    case 201..<500: reply = denied(settings, answer)
    default: reply = .failure(.unusable, "it answers with HTTP status \(answer.status)")
    }
    if reply.headerChanges.count > changesMax {
      reply = .failure(.tooLarge, "its answer changes more than \(changesMax) headers")
    }
    if case .failure = reply.outcome { return reply }
    reply.maxAgeNanoseconds = CacheControl.maxAge(answer.values("cache-control"), age: answer.values("age").first)
    return reply
  }

  private static func allowed(_ settings: ExtAuthzHTTPSettings, _ answer: HTTPAnswer) -> ProviderReply {
    var reply = ProviderReply(.allow)
    reply.httpStatus = answer.status
    for removed in answer.values(removalHeader).flatMap({ $0.split(separator: UInt8(ascii: ",")) }) {
      let name = HeaderNames.lowercased(removed.filter { $0 != 0x20 && $0 != 0x09 })
      guard !name.isEmpty else { continue }
      guard HeaderNames.isName(name) else { return .failure(.unusable, "a header to remove is no token") }
      if HeaderNames.isReserved(name) {
        reply.headersRefused &+= 1
      } else {
        reply.headerChanges.append(HeaderChange(target: .upstreamRequest, operation: .remove, name: name))
      }
    }
    take(settings.upstreamHeaders, of: answer, to: .upstreamRequest, .set, &reply)
    take(settings.upstreamHeadersToAppend, of: answer, to: .upstreamRequest, .append, &reply)
    take(settings.clientHeadersOnAllow, of: answer, to: .clientResponse, .set, &reply)
    return reply
  }

  private static func denied(_ settings: ExtAuthzHTTPSettings, _ answer: HTTPAnswer) -> ProviderReply {
    var reply = ProviderReply(.deny)
    reply.httpStatus = answer.status
    reply.grpcCode = 7
    reply.body = answer.body
    let patterns = settings.clientHeadersOnDeny.map { $0 + ["location", "www-authenticate"] } ?? ["*"]
    take(patterns, of: answer, to: .clientResponse, .set, &reply)
    return reply
  }

  /// The second of a name is added to the first, so that `set-cookie` may come twice.
  private static func take(
    _ patterns: [String], of answer: HTTPAnswer, to target: HeaderChange.Target,
    _ operation: HeaderChange.Operation, _ reply: inout ProviderReply
  ) {
    guard !patterns.isEmpty else { return }
    var seen: Set<[UInt8]> = []
    for header in answer.headers where !header.isTrailer {
      guard patterns.contains(where: { HeaderNames.matches($0, header.name) }) else { continue }
      // `*` does not mean these, so they are not counted as refused.
      if HeaderNames.isReserved(header.name) { continue }
      guard HeaderNames.isName(header.name), HeaderNames.isValue(header.value) else {
        reply.headersRefused &+= 1
        continue
      }
      let isFirst = seen.insert(header.name).inserted
      reply.headerChanges.append(
        HeaderChange(
          target: target, operation: operation == .set && !isFirst ? .append : operation, name: header.name,
          value: header.value))
    }
  }
}
