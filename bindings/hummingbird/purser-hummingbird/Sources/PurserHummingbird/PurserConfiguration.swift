import Hummingbird
import NIOCore
import Purser

/// Where the policies are and what is the same for every request. It can be decoded, so it may stand in a service's own
/// configuration:
///
/// ```json
/// {"policies": ["/etc/orders/policies"], "constants": {"destination.workload.name": "orders"}}
/// ```
public struct PurserConfiguration: Sendable, Codable {
  /// Files, and directories of which every `*.yaml`, `*.yml` and `*.json` is read.
  public var policies: [String]
  /// The name of the policy set; it keeps the series of several sets apart in memory.
  public var name: String
  /// Attributes whose value is the same for every request, by name; strings.
  public var constants: [String: String]
  /// Attributes that the service itself adds to each request, well-known or its own. A policy that reads what neither
  /// these nor the middleware supply is refused when it is loaded.
  public var attributes: [String]

  /// Where the policies are and what is the same for every request.
  ///
  /// - Parameters:
  ///   - policies: Files and directories.
  ///   - name: The name of the policy set.
  ///   - constants: Attributes whose value is the same for every request.
  ///   - attributes: Attributes that the service itself adds to each request.
  public init(
    policies: [String], name: String = "", constants: [String: String] = [:], attributes: [String] = []
  ) {
    self.policies = policies
    self.name = name
    self.constants = constants
    self.attributes = attributes
  }

  /// Reads the object described above; everything but `policies` may be left out.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      policies: try values.decode([String].self, forKey: .policies),
      name: try values.decodeIfPresent(String.self, forKey: .name) ?? "",
      constants: try values.decodeIfPresent([String: String].self, forKey: .constants) ?? [:],
      attributes: try values.decodeIfPresent([String].self, forKey: .attributes) ?? [])
  }

  /// What the middleware supplies of every request and response; addresses besides, where the context has them.
  public static let supplied = [
    "request.method", "request.path", "request.host", "request.scheme", "request.headers", "request.id",
    "request.time", "request.size", "request.duration", "context.protocol", "context.reporter.kind", "api.operation",
    "response.code", "response.headers", "response.trailers", "response.size", "response.time",
  ]

  /// An engine and a set with the documents loaded.
  func load(knowsAddresses: Bool) throws -> PolicySet {
    var options = Engine.Options()
    options.attributesServed =
      PurserConfiguration.supplied + attributes + constants.keys
      + (knowsAddresses ? ["source.address", "source.port"] : [])
    for (name, value) in constants { options.constants[Attribute<String>(name)] = value }
    let set = try PolicySet(in: Engine(options), name: name)
    try set.load(paths: policies)
    return set
  }
}

/// A request context that knows the client's address.
public struct PurserRequestContext: RemoteAddressRequestContext {
  /// What every context has.
  public var coreContext: CoreRequestContextStorage
  /// The other end of the connection.
  public let remoteAddress: SocketAddress?

  /// The context of a request on this channel.
  public init(source: ApplicationRequestContextSource) {
    coreContext = .init(source: source)
    remoteAddress = source.channel.remoteAddress
  }
}
