import CPurser

/// What can go wrong with an engine, a check or a report. Documents that do not load are a ``LoadError``.
///
/// A check that throws has decided nothing: deny.
public enum EngineError: Error, Sendable, Hashable {
  /// `attributesServed` or `constants` name an attribute that is neither well-known nor has a dotted name.
  case unknownAttribute
  /// A constant is of a type that constants cannot have, or a text is not acceptable.
  case invalidOption
  /// The system would not give something: a thread, memory for a lock.
  case unavailable
  /// The engine was created before the process forked; make one in the child.
  case forked
  /// The decision was made without a plan, so there is nothing to explain.
  case noPlan
  /// The request of this decision was reported before.
  case alreadyReported
  /// No loaded plan has a backend of this name, or it has no listener.
  case unknownBackend
  /// The connection's decision is of another policy set, or is none of a connection.
  case foreignConnection
  /// Log records were not all written in time.
  case timedOut
  /// A status of the library that should not occur here: its number in the C header.
  case unexpected(UInt32)

  static func check(_ status: purser_status) throws(EngineError) {
    if status == PURSER_OK { return }
    throw EngineError(status)
  }

  private init(_ status: purser_status) {
    switch status {
    case PURSER_FORKED: self = .forked
    case PURSER_UNAVAILABLE: self = .unavailable
    default: self = .unexpected(UInt32(truncatingIfNeeded: status.rawValue))
    }
  }
}

extension EngineError: CustomStringConvertible {
  /// In words.
  public var description: String {
    switch self {
    case .unknownAttribute: "an attribute is neither well-known nor has a dotted name"
    case .invalidOption: "an option has a value that it cannot have"
    case .unavailable: "the system would not give a thread or a lock"
    case .forked: "the engine was created before a fork"
    case .noPlan: "the decision was made without a plan"
    case .alreadyReported: "the request was reported before"
    case .unknownBackend: "no loaded plan has that backend"
    case .foreignConnection: "the connection was not checked with this policy set"
    case .timedOut: "log records were not all written in time"
    case .unexpected(let status): "unexpected: \(String(cString: purser_status_text(purser_status(status))))"
    }
  }
}
