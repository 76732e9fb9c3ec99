// An external service that CUSTOM rules ask.

import PurserEngine

#if hasFeature(Embedded)
  /// The small flavour asks nobody.
  public struct ProviderDocument: Sendable {}
#else
  public struct ProviderDocument: Sendable {
    public enum Service: Sendable {
      /// Attributes and headers that the question has by name, and what else it has as context extensions.
      case extAuthzGRPC(
        authority: String?, attributes: [WrittenText], headers: [WrittenText], extensions: [NamedExpression])
      case extAuthzHTTP(
        sendsQuery: Bool, headers: [WrittenText], upstreamHeaders: [String], clientHeaders: [String])
      case opa(
        input: [NamedExpression], decision: ExpressionSource?, status: ExpressionSource?, body: ExpressionSource?)
    }

    public var identity: DocumentIdentity
    public var service: Service
    public var endpoint: ProviderEndpoint
    public var limits = ProviderLimits()
    public var failureAllows = false
    /// Where the service's block is.
    public var position: Position
  }
#endif
