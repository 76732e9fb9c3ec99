// Providers and the rules that ask them, as a plan has them: what the documents say, compiled.

import CEL

#if hasFeature(Embedded)
  /// The small flavour asks nobody.
  public struct ProviderPlan: Sendable {}
  public struct ExternalRulePlan: Sendable {}
#else
  /// An external service that CUSTOM rules ask.
  public struct ProviderPlan: Sendable {
    /// `namespace/name`.
    public var path: String
    public var service: ProviderService
    public var endpoint: ProviderEndpoint
    public var limits: ProviderLimits
    /// What a question carries, and nothing else of the request; parallel to `programs`.
    public var fields: [ProviderField]
    /// Of the plan's policy code. One that gives an absent optional leaves its field out.
    public var programs: [UInt32]
    /// A provider that cannot say allows.
    public var failureAllows: Bool
    /// How an answer that is a document is read; nil for services whose answers have a form of their own.
    public var result: ResultPrograms?

    public init(
      path: String, service: ProviderService, endpoint: ProviderEndpoint, limits: ProviderLimits,
      fields: [ProviderField], programs: [UInt32], failureAllows: Bool, result: ResultPrograms?
    ) {
      self.path = path
      self.service = service
      self.endpoint = endpoint
      self.limits = limits
      self.fields = fields
      self.programs = programs
      self.failureAllows = failureAllows
      self.result = result
    }
  }

  public enum ProviderService: Hashable, Sendable {
    /// `envoy.service.auth.v3.Authorization`.
    case extAuthzGRPC(authority: String?)
    /// Any status but 200 denies; of the answer's headers only those named here are taken.
    case extAuthzHTTP(upstreamHeaders: [String], clientHeaders: [String])
    /// OPA's REST API.
    case opa

    /// No two protocols have the same.
    public var name: String {
      switch self {
      case .extAuthzGRPC(let authority): "ext_authz gRPC " + (authority ?? "")
      case .extAuthzHTTP: "ext_authz HTTP"
      case .opa: "OPA"
      }
    }

    /// Headers that an answer changes, as far as the provider's document says so.
    public var headersMade: [String] {
      if case .extAuthzHTTP(let upstreamHeaders, let clientHeaders) = self { return upstreamHeaders + clientHeaders }
      return []
    }
  }

  public struct ProviderEndpoint: Hashable, Sendable {
    /// `http://` or `https://`, with a path for HTTP services.
    public var url: String
    /// Connect here instead, if not nil.
    public var unixPath: String?
    public var authorityFile: String?
    public var certificateFile: String?
    public var keyFile: String?
    public var serverName: String?

    public init(url: String, unixPath: String? = nil) {
      self.url = url
      self.unixPath = unixPath
    }
  }

  public struct ProviderLimits: Hashable, Sendable {
    /// Nanoseconds from the question to the whole answer.
    public var timeout: Int64 = 200_000_000
    public var inFlightMax = 256
    public var responseBytesMax = 64 << 10
    /// So many failures in a row, and the provider is left alone for `openFor` nanoseconds.
    public var failuresMax = 5
    public var openFor: Int64 = 5_000_000_000

    public init() {}
  }

  /// Where in a question a value goes.
  public struct ProviderField: Hashable, Sendable {
    public enum Target: Hashable, Sendable {
      /// An attribute with a place of its own in the service's form; by Envoy's name.
      case attribute(String)
      case header(String)
      case contextExtension(String)
      /// A member of OPA's `input`.
      case input(String)

      /// No two have the same.
      public var name: String {
        switch self {
        case .attribute(let name): "attribute " + name
        case .header(let name): "header " + name
        case .contextExtension(let name): "context extension " + name
        case .input(let name): "input " + name
        }
      }
    }

    public var target: Target

    public init(_ target: Target) { self.target = target }

    /// Those with a place of their own in Envoy's CheckRequest.
    public static let grpcAttributes = [
      "source.address", "source.port", "source.principal", "destination.address", "destination.port",
      "destination.principal", "request.method", "request.path", "request.host", "request.scheme", "request.query",
      "request.protocol", "request.id", "request.time", "connection.requested_server_name",
    ]
  }

  /// Programs over the members of an answer's document, each a variable by its number in `members`.
  public struct ResultPrograms: Sendable {
    public var code: Code
    /// The variable `result`, which is OPA's member of that name.
    public var variable: UInt32
    /// True allows.
    public var decision: UInt32
    /// HTTP status and body of a denial.
    public var status: UInt32?
    public var body: UInt32?

    public init(code: Code, variable: UInt32, decision: UInt32, status: UInt32?, body: UInt32?) {
      self.code = code
      self.variable = variable
      self.decision = decision
      self.status = status
      self.body = body
    }
  }

  /// A CUSTOM rule.
  public struct ExternalRulePlan: Sendable {
    /// Its place in `Plan.providers`.
    public var provider: Int
    /// Of the policy, as `namespace/policy`.
    public var policyPath: String
    public var cache: CachePlan?

    public init(provider: Int, policyPath: String, cache: CachePlan?) {
      self.provider = provider
      self.policyPath = policyPath
      self.cache = cache
    }
  }

  /// How answers to a rule's questions are kept. Times are in nanoseconds.
  public struct CachePlan: Sendable {
    /// Of everything but the request that an answer depends on; the beginning of each key.
    public var digest: DocumentDigest
    /// The slots of the policy code whose values are the rest of the key.
    public var slots: [UInt32]
    /// The same, by what they hold.
    public var definitions: [SlotDefinition]
    /// The same, as an author writes it.
    public var names: [String]
    /// Places in `slots` of the attributes that answers can be purged by; at most `purgeByMax`.
    public var purgeBy: [Int]
    public var ttl: Int64
    public var denyTTL: Int64
    /// After the end of the time to live, for when the provider fails.
    public var staleFor: Int64
    /// Header changes that a kept answer repeats; lower case.
    public var headers: [String]

    /// What a kept answer can tell of itself, besides its policy.
    public static let purgeByMax = 14

    public init(
      digest: DocumentDigest, slots: [UInt32], definitions: [SlotDefinition], names: [String], purgeBy: [Int],
      ttl: Int64, denyTTL: Int64,
      staleFor: Int64, headers: [String]
    ) {
      self.digest = digest
      self.slots = slots
      self.definitions = definitions
      self.names = names
      self.purgeBy = purgeBy
      self.ttl = ttl
      self.denyTTL = denyTTL
      self.staleFor = staleFor
      self.headers = headers
    }
  }
#endif
