// Where telemetry goes.

public struct BackendDocument: Sendable {
  public enum Destination: Sendable {
    /// Scraped by Prometheus; `listen` is nil when the host serves the text itself.
    case prometheus(listen: ListenAddress?)
    /// JSON records, one a line, appended to a file.
    case lines(path: WrittenText)
  }

  public var identity: DocumentIdentity
  public var destination: Destination

  public init(identity: DocumentIdentity, destination: Destination) {
    self.identity = identity
    self.destination = destination
  }
}

public struct ListenAddress: Sendable {
  /// A name or an address; an IPv6 address without its brackets.
  public var host: String
  /// 0 lets the system choose.
  public var port: UInt16
  public var position: Position
}
