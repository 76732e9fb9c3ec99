// Envoy's ext_authz over gRPC: a CheckRequest of the settings' fields, and what a CheckResponse means
// (source/extensions/filters/common/ext_authz/ext_authz_grpc_impl.cc).

import CExtAuthz
import CPlatform

enum ExtAuthzGRPC {
  private static let path = "/envoy.service.auth.v3.Authorization/Check"

  static func message(
    _ settings: ExtAuthzGRPCSettings, _ question: ProviderQuestion, _ leftNanoseconds: Int64
  ) throws(ProviderError) -> HTTPMessage {
    var fields = CheckFields()
    for case .requestHeader(let name) in settings.fields {
      fields.named.insert(HeaderNames.lowercased(Array(name.utf8)))
    }
    for (field, value) in zip(settings.fields, question.values) { try fields.add(field, value) }
    guard let frame = fields.frame() else { throw ProviderError("there is no memory for the request") }
    return GRPCCall.message(
      path: path, authority: settings.authority, frame: frame, leftNanoseconds: leftNanoseconds)
  }

  static func reply(_ answer: HTTPAnswer) -> ProviderReply {
    let bytes: ArraySlice<UInt8>
    switch GRPCCall.messageBytes(of: answer) {
    case .success(let message): bytes = message
    case .failure(let failure):
      var reply = ProviderReply.failure(failure.kind, failure.text)
      reply.httpStatus = answer.status
      reply.grpcCode = failure.code
      return reply
    }
    // protobuf-c wants an address for an empty message too.
    let decoded = (bytes.isEmpty ? [0] : bytes).withUnsafeBufferPointer {
      ext_authz_decode($0.baseAddress, bytes.count)
    }
    guard let decoded else { return .failure(.unusable, "its answer is no CheckResponse") }
    defer { ext_authz_answer_free(decoded) }
    return CheckAnswer(decoded).reply()
  }
}

/// The values of a question as C wants them: all bytes in one store, so that they keep their places.
private struct CheckFields {
  private struct Field {
    var target: ext_authz_target
    var name: Int?
    var bytes = 0
    var size = 0
    var number: Int64 = 0
    var nanoseconds: Int32 = 0
  }

  private var fields: [Field] = []
  private var store: [UInt8] = []
  /// Headers that stand for themselves, which a map of headers does not say again.
  var named: Set<[UInt8]> = []

  mutating func add(_ field: ExtAuthzField, _ value: FieldValue) throws(ProviderError) {
    if value == .absent || value == .null { return }
    switch field {
    case .sourceAddress: try add(EXT_AUTHZ_SOURCE_ADDRESS, value)
    case .sourcePort: try add(port: EXT_AUTHZ_SOURCE_PORT, value)
    case .sourceService: try add(EXT_AUTHZ_SOURCE_SERVICE, value)
    case .sourcePrincipal: try add(EXT_AUTHZ_SOURCE_PRINCIPAL, value)
    case .sourceCertificate: try add(EXT_AUTHZ_SOURCE_CERTIFICATE, value)
    case .sourceLabel(let name): try add(EXT_AUTHZ_SOURCE_LABEL, value, name: Array(name.utf8))
    case .destinationAddress: try add(EXT_AUTHZ_DESTINATION_ADDRESS, value)
    case .destinationPort: try add(port: EXT_AUTHZ_DESTINATION_PORT, value)
    case .destinationService: try add(EXT_AUTHZ_DESTINATION_SERVICE, value)
    case .destinationPrincipal: try add(EXT_AUTHZ_DESTINATION_PRINCIPAL, value)
    case .destinationCertificate: try add(EXT_AUTHZ_DESTINATION_CERTIFICATE, value)
    case .destinationLabel(let name): try add(EXT_AUTHZ_DESTINATION_LABEL, value, name: Array(name.utf8))
    case .requestTime:
      guard case .timestamp(let seconds, let nanoseconds) = value else {
        throw ProviderError("the time of the request is no timestamp")
      }
      fields.append(Field(target: EXT_AUTHZ_REQUEST_TIME, number: seconds, nanoseconds: nanoseconds))
    case .requestID: try add(EXT_AUTHZ_HTTP_ID, value)
    case .requestMethod: try add(EXT_AUTHZ_HTTP_METHOD, value)
    case .requestPath: try add(EXT_AUTHZ_HTTP_PATH, value)
    case .requestHost: try add(EXT_AUTHZ_HTTP_HOST, value)
    case .requestScheme: try add(EXT_AUTHZ_HTTP_SCHEME, value)
    case .requestQuery: try add(EXT_AUTHZ_HTTP_QUERY, value)
    case .requestFragment: try add(EXT_AUTHZ_HTTP_FRAGMENT, value)
    case .requestSize:
      fields.append(Field(target: EXT_AUTHZ_HTTP_SIZE, number: try number(value, "the size of the request")))
    case .requestProtocol: try add(EXT_AUTHZ_HTTP_PROTOCOL, value)
    case .requestBody: try add(EXT_AUTHZ_HTTP_BODY, value)
    case .requestRawBody: try add(EXT_AUTHZ_HTTP_RAW_BODY, value, isText: false)
    case .requestHeader(let name):
      try add(EXT_AUTHZ_HTTP_HEADER, value, name: HeaderNames.lowercased(Array(name.utf8)))
    case .requestHeaders:
      guard case .map(let entries) = value else { throw ProviderError("the headers are no map") }
      for entry in entries {
        let name = HeaderNames.lowercased(entry.key)
        if named.contains(name) || entry.value == .absent || entry.value == .null { continue }
        try add(EXT_AUTHZ_HTTP_HEADER, entry.value, name: name)
      }
    case .contextExtension(let name): try add(EXT_AUTHZ_CONTEXT_EXTENSION, value, name: Array(name.utf8))
    case .serverName: try add(EXT_AUTHZ_TLS_SNI, value)
    }
  }

  private mutating func add(
    _ target: ext_authz_target, _ value: FieldValue, name: [UInt8]? = nil, isText: Bool = true
  ) throws(ProviderError) {
    guard let text = value.plainText else { throw ProviderError("a map has no place in this field") }
    guard !isText || isUTF8(text) else { throw ProviderError("a text is not UTF-8") }
    var field = Field(target: target)
    if let name {
      guard !name.contains(0), isUTF8(name) else { throw ProviderError("the name of an entry is no text") }
      field.name = store.count
      store += name
      store.append(0)
    }
    field.bytes = store.count
    field.size = text.count
    store += text
    fields.append(field)
  }

  private mutating func add(port target: ext_authz_target, _ value: FieldValue) throws(ProviderError) {
    let port = try number(value, "a port")
    guard port >= 0, port <= 65_535 else { throw ProviderError("\(port) is no port") }
    fields.append(Field(target: target, number: port))
  }

  private func number(_ value: FieldValue, _ what: String) throws(ProviderError) -> Int64 {
    switch value {
    case .int(let number): return number
    case .uint(let number):
      guard let number = Int64(exactly: number) else { throw ProviderError("\(what) is too large") }
      return number
    default: throw ProviderError("\(what) is no integer")
    }
  }

  /// The request in a gRPC frame. Nil without memory.
  func frame() -> [UInt8]? {
    // Even an empty text has an address.
    (store + [0]).withUnsafeBufferPointer { store -> [UInt8]? in
      guard let base = store.baseAddress else { return nil }
      let list = fields.map { field in
        ext_authz_field(
          target: field.target,
          name: field.name.map { UnsafeRawPointer(base + $0).assumingMemoryBound(to: CChar.self) },
          bytes: base + field.bytes, size: field.size, number: field.number, nanoseconds: field.nanoseconds)
      }
      var size = 0
      let bytes = list.withUnsafeBufferPointer {
        ext_authz_encode($0.baseAddress, $0.count, GRPCCall.prefixBytes, &size)
      }
      guard let bytes else { return nil }
      defer { free(bytes) }
      var frame = Array(UnsafeBufferPointer(start: bytes, count: size &+ GRPCCall.prefixBytes))
      GRPCCall.close(frame: &frame, messageBytes: size)
      return frame
    }
  }
}

/// A decoded CheckResponse and what it means.
private struct CheckAnswer {
  private let answer: OpaquePointer

  init(_ answer: OpaquePointer) { self.answer = answer }

  /// A status of 0 allows whatever else there is, as in Envoy; any other denies, unless there is an `error_response`.
  func reply() -> ProviderReply {
    let lists = [
      EXT_AUTHZ_HEADERS, EXT_AUTHZ_HEADERS_REMOVED, EXT_AUTHZ_RESPONSE_HEADERS, EXT_AUTHZ_QUERY_SET,
      EXT_AUTHZ_QUERY_REMOVED,
    ]
    guard lists.reduce(0, { $0 &+ ext_authz_count(answer, $1) }) <= ExtAuthzHTTP.changesMax else {
      return .failure(.tooLarge, "its answer changes more than \(ExtAuthzHTTP.changesMax) headers")
    }
    let code = ext_authz_code(answer)
    let response = ext_authz_response_of(answer)
    var reply: ProviderReply
    if code == 0 {
      reply = response == EXT_AUTHZ_RESPONSE_OK ? allowed() : ProviderReply(.allow)
      reply.httpStatus = 200
    } else if response == EXT_AUTHZ_RESPONSE_ERROR {
      reply = .failure(.provider, "it answers that it failed, with code \(code)")
    } else {
      reply = denied()
    }
    reply.grpcCode = code
    reply.message = bytes(ext_authz_message(answer))
    return reply
  }

  private func denied() -> ProviderReply {
    let status = ext_authz_http_status(answer)
    guard status == 0 || status >= 200 && status <= 599 else {
      return .failure(.unusable, "its denial has the HTTP status \(status)")
    }
    var reply = ProviderReply(.deny)
    reply.httpStatus = status == 0 ? 403 : UInt16(clamping: status)
    reply.body = bytes(ext_authz_body(answer))
    // Each name replaces what the response has, and `set-cookie` may come twice.
    var seen: Set<[UInt8]> = []
    for entry in entries(EXT_AUTHZ_HEADERS) {
      let isFirst = seen.insert(HeaderNames.lowercased(bytes(entry.name))).inserted
      let operation: HeaderChange.Operation
      switch entry.append {
      case EXT_AUTHZ_APPEND_TRUE: operation = .append
      case EXT_AUTHZ_APPEND_FALSE: operation = isFirst ? .set : .append
      default: operation = entry.append_action == 0 ? (isFirst ? .set : .append) : action(entry.append_action)
      }
      if let problem = add(entry, .clientResponse, operation, to: &reply) { return problem }
    }
    return reply
  }

  private func allowed() -> ProviderReply {
    var reply = ProviderReply(.allow)
    for entry in entries(EXT_AUTHZ_HEADERS_REMOVED) {
      if let problem = add(entry, .upstreamRequest, .remove, to: &reply) { return problem }
    }
    for entry in entries(EXT_AUTHZ_HEADERS) {
      let operation: HeaderChange.Operation
      switch entry.append {
      case EXT_AUTHZ_APPEND_TRUE: operation = .append
      case EXT_AUTHZ_APPEND_FALSE: operation = .set
      // OkHttpResponse says that without a word the header is overridden: a client's own `x-user` must not stay.
      default: operation = entry.append_action == 0 ? .set : action(entry.append_action)
      }
      if let problem = add(entry, .upstreamRequest, operation, to: &reply) { return problem }
    }
    for entry in entries(EXT_AUTHZ_RESPONSE_HEADERS) {
      let operation: HeaderChange.Operation
      switch entry.append {
      case EXT_AUTHZ_APPEND_TRUE: operation = .append
      case EXT_AUTHZ_APPEND_FALSE: operation = .set
      default: operation = action(entry.append_action)
      }
      if let problem = add(entry, .clientResponse, operation, to: &reply) { return problem }
    }
    reply.queryChanges = entries(EXT_AUTHZ_QUERY_SET).map { .set(name: bytes($0.name), value: bytes($0.value)) }
    reply.queryChanges += entries(EXT_AUTHZ_QUERY_REMOVED).map { .remove(name: bytes($0.name)) }
    return reply
  }

  /// An action that is not known replaces, as in Envoy.
  private func action(_ number: Int32) -> HeaderChange.Operation {
    switch number {
    case 0: return .append
    case 1: return .addIfAbsent
    case 3: return .overwriteIfExists
    default: return .set
    }
  }

  /// What is no header fails the whole answer; what nobody may change is left out and counted.
  private func add(
    _ entry: ext_authz_entry, _ target: HeaderChange.Target, _ operation: HeaderChange.Operation,
    to reply: inout ProviderReply
  ) -> ProviderReply? {
    let name = HeaderNames.lowercased(bytes(entry.name))
    let value = bytes(entry.value)
    if HeaderNames.isReserved(name) {
      reply.headersRefused &+= 1
      return nil
    }
    guard HeaderNames.isName(name) else { return .failure(.unusable, "a header of its answer has no name") }
    guard HeaderNames.isValue(value) else {
      return .failure(
        .unusable,
        "the header `\(String(decoding: name, as: UTF8.self))` of its answer has a line break or NUL")
    }
    reply.headerChanges.append(HeaderChange(target: target, operation: operation, name: name, value: value))
    return nil
  }

  private func entries(_ list: ext_authz_list) -> [ext_authz_entry] {
    (0..<ext_authz_count(answer, list)).compactMap { index in
      var entry = ext_authz_entry()
      return ext_authz_entry_at(answer, list, index, &entry) ? entry : nil
    }
  }

  private func bytes(_ bytes: ext_authz_bytes) -> [UInt8] {
    Array(UnsafeBufferPointer(start: bytes.bytes, count: bytes.bytes == nil ? 0 : bytes.size))
  }
}
