// Why a backend cannot do its work: for the person who configured it.

/// The message is one line in lower case, with the cause after a colon.
public struct BackendError: Error, Equatable, Sendable {
  public var message: String

  public init(_ message: String) { self.message = message }
}
