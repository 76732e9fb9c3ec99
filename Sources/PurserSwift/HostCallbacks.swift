// How the engine asks a request for its attributes: the three callbacks of `purser_host`, over Swift values. Each runs
// inside a call that holds the worker's lock, on the calling thread; it copies what it answers into the call's scratch.

import CPurser

extension OpenRequest {
  static let host = purser_host(
    size: MemoryLayout<purser_host>.size,
    get: { context, attribute, scratch, out in
      OpenRequest.from(context) { $0.get(attribute, Scratch(handle: scratch), out) }
    },
    entry: { context, attribute, key, scratch, out in
      OpenRequest.from(context) { $0.entry(attribute, key, Scratch(handle: scratch), out) }
    },
    iterate: { context, attribute, scratch, visitor in
      OpenRequest.from(context) { $0.iterate(attribute, Scratch(handle: scratch), visitor) }
    })

  @inline(__always)
  private static func from(
    _ context: UnsafeMutableRawPointer?, _ body: (borrowing OpenRequest) -> purser_presence
  ) -> purser_presence {
    guard let context else { return PURSER_FAILED }
    return Unmanaged<OpenRequest>.fromOpaque(context)._withUnsafeGuaranteedRef { body($0) }
  }

  private func get(
    _ attribute: UInt32, _ scratch: Scratch, _ out: UnsafeMutablePointer<purser_value>?
  ) -> purser_presence {
    switch find(attribute) {
    case .absent: return PURSER_ABSENT
    case .unknown: return PURSER_FAILED
    case .headers: return PURSER_ABSENT
    case .value(let value):
      guard let lent = scratch.lend(value) else { return PURSER_FAILED }
      out?.pointee = lent
      return PURSER_PRESENT
    }
  }

  private func entry(
    _ attribute: UInt32, _ key: purser_text, _ scratch: Scratch, _ out: UnsafeMutablePointer<purser_value>?
  ) -> purser_presence {
    switch find(attribute) {
    case .absent: return PURSER_NO_MAP
    case .unknown: return PURSER_FAILED
    case .headers(let headers): return header(key, of: headers, scratch, out)
    case .value(.map(let entries)):
      guard let value = entries[String(key)] else { return PURSER_ABSENT }
      guard let lent = scratch.lend(value) else { return PURSER_FAILED }
      out?.pointee = lent
      return PURSER_PRESENT
    // Not the type that the policy was told of.
    case .value: return PURSER_FAILED
    }
  }

  private func header(
    _ key: purser_text, of headers: Headers, _ scratch: Scratch, _ out: UnsafeMutablePointer<purser_value>?
  ) -> purser_presence {
    var first: String?
    for field in headers.fields where field.name.isSame(as: key) {
      if first != nil {
        // Rare: several values, so they are joined.
        first = headers[field.name]
        break
      }
      first = field.value
    }
    guard let first else { return PURSER_ABSENT }
    guard let text = scratch.lend(first) else { return PURSER_FAILED }
    out?.pointee = purser_value(string: text)
    return PURSER_PRESENT
  }

  private func iterate(_ attribute: UInt32, _ scratch: Scratch, _ visitor: OpaquePointer?) -> purser_presence {
    switch find(attribute) {
    case .absent: return PURSER_NO_MAP
    case .unknown: return PURSER_FAILED
    case .headers(let headers):
      // As many as the engine takes; each is looked up among all.
      guard headers.fields.count <= 1024 else { return PURSER_FAILED }
      // A name that comes again is given again, joined: the later entry replaces the earlier one.
      for field in headers.fields {
        guard visit(field.name, .string(headers[field.name] ?? field.value), scratch, visitor) else {
          return PURSER_FAILED
        }
      }
      return PURSER_PRESENT
    case .value(.map(let entries)):
      for (key, value) in entries {
        guard visit(key, value, scratch, visitor) else { return PURSER_FAILED }
      }
      return PURSER_PRESENT
    case .value: return PURSER_FAILED
    }
  }

  private func visit(
    _ key: String, _ value: AttributeValue, _ scratch: Scratch, _ visitor: OpaquePointer?
  ) -> Bool {
    guard let key = scratch.lend(key), var value = scratch.lend(value) else { return false }
    return purser_visit(visitor, key, &value) == PURSER_OK
  }

  private enum Found {
    case absent
    case value(AttributeValue)
    case headers(Headers)
    /// A custom attribute of which this engine gave no number to a plan: cannot be, and must not pass for absence.
    case unknown
  }

  /// What the response says goes before what the request said.
  @inline(__always)
  private func find(_ attribute: UInt32) -> Found {
    if attribute >= PURSER_ATTRIBUTE_CUSTOM_FIRST {
      guard let name = worker.customName(attribute) else { return .unknown }
      return (response?.attributes.value(0, name) ?? request.attributes.value(0, name)).map { .value($0) } ?? .absent
    }
    switch attribute {
    case PURSER_ATTRIBUTE_REQUEST_HEADERS: return .headers(request.headers)
    case PURSER_ATTRIBUTE_RESPONSE_HEADERS: return response?.headers.map { .headers($0) } ?? .absent
    case PURSER_ATTRIBUTE_RESPONSE_TRAILERS: return response?.trailers.map { .headers($0) } ?? .absent
    default:
      return (response?.attributes.value(attribute, "") ?? request.attributes.value(attribute, "")).map { .value($0) }
        ?? .absent
    }
  }
}
