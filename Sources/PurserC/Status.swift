// Statuses and the version.

import CPurser

@c @implementation
public func purser_status_text(_ status: purser_status) -> UnsafePointer<CChar>? {
  let text: StaticString =
    switch status {
    case PURSER_OK: "ok\0"
    case PURSER_INVALID_ARGUMENT: "invalid argument\0"
    case PURSER_BUSY: "busy\0"
    case PURSER_FORKED: "the engine was created before a fork\0"
    case PURSER_PROBLEMS: "the documents have problems\0"
    case PURSER_WRONG_STATE: "call out of order\0"
    case PURSER_NOT_FOUND: "not found\0"
    case PURSER_PENDING: "pending\0"
    case PURSER_UNAVAILABLE: "unavailable\0"
    case PURSER_LIMIT_REACHED: "limit reached\0"
    default: "unknown status\0"
    }
  return UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
}

/// As `PURSER_VERSION_*` of the header; a test holds them together.
@c @implementation
public func purser_version() -> UnsafePointer<CChar>? {
  let text: StaticString = "0.1.0\0"
  return UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
}
