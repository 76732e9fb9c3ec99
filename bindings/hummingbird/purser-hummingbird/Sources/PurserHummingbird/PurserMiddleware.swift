import Hummingbird
import Purser

/// Decides each request with a policy set, before anything behind it runs, and reports it when its response is written.
///
/// ```
/// request ─► attributes ─► check ─┬─ denied ──► status, headers, body of the rule ─► report
///                                 └─ allowed ─► header changes ─► next ─► header changes ─► written ─► report
/// ```
///
/// Add it to the router before other middleware and routes:
///
/// ```swift
/// let router = Router(context: PurserRequestContext.self)
/// router.add(middleware: try PurserMiddleware(PurserConfiguration(policies: ["policies"])))
/// ```
///
/// The client's address is known when the context conforms to `RemoteAddressRequestContext`, as ``PurserRequestContext``
/// does. If the engine cannot decide, the request is answered with 503.
public struct PurserMiddleware<Context: RequestContext>: RouterMiddleware {
  /// Adds what only the service knows, such as who was authenticated by a middleware before this one.
  public typealias Attributes = @Sendable (Hummingbird.Request, Context, inout Purser.Request) -> Void

  /// The set that decides. Load it again to change the policies.
  public let policies: PolicySet
  private let attributes: Attributes?

  /// Decides with a set that the service has made and loaded.
  ///
  /// - Parameters:
  ///   - policies: The set that decides.
  ///   - attributes: Adds what only the service knows.
  public init(policies: PolicySet, attributes: Attributes? = nil) {
    self.policies = policies
    self.attributes = attributes
  }

  /// Makes an engine and a set as the configuration says, and loads the documents.
  ///
  /// - Parameters:
  ///   - configuration: Where the documents are, and what is the same for every request.
  ///   - attributes: Adds what only the service knows.
  /// - Throws: A `LoadError` with the problems of the documents, or an `EngineError`.
  public init(_ configuration: PurserConfiguration, attributes: Attributes? = nil) throws {
    self.init(
      policies: try configuration.load(knowsAddresses: Context.self is any RemoteAddressRequestContext.Type),
      attributes: attributes)
  }

  /// Decides, serves, and reports.
  public func handle(
    _ request: Hummingbird.Request, context: Context,
    next: (Hummingbird.Request, Context) async throws -> Hummingbird.Response
  ) async throws -> Hummingbird.Response {
    let started = ContinuousClock.now
    var known = Purser.Request(request)
    if let address = (context as? any RemoteAddressRequestContext)?.remoteAddress {
      known[.sourceAddress] = address.ipAddress
      known[.sourcePort] = address.port
    }
    attributes?(request, context, &known)

    let decision: Decision
    do {
      decision = try await policies.check(known)
    } catch {
      context.logger.error("a request could not be decided", metadata: ["error": "\(error)"])
      return Hummingbird.Response(status: .serviceUnavailable)
    }
    let report = PendingReport(of: decision, for: request, since: started)
    guard decision.isAllowed else {
      context.logger.debug("denied", metadata: ["reason": "\(decision.reason)"])
      var response = Hummingbird.Response(
        status: .init(code: decision.status), body: ResponseBody(byteBuffer: ByteBuffer(string: decision.body)))
      if !decision.body.isEmpty { response.headers[.contentType] = "text/plain; charset=utf-8" }
      response.headers.apply(decision.responseHeaders)
      return report.afterwards(response)
    }

    // Allowed was the path without dot segments, and the router would take the one with them.
    if hasDotSegments(request.head.path ?? "") { return report.afterwards(Hummingbird.Response(status: .badRequest)) }

    var head = request.head
    head.apply(decision.requestHeaders)
    var response: Hummingbird.Response
    do {
      response = try await next(Hummingbird.Request(head: head, body: request.body), context)
    } catch let error as any HTTPResponseError {
      // Here and not further out, so that the response's header changes reach it.
      response = try error.response(from: request, context: context)
    } catch {
      report.run(code: 500, endpoint: context.endpointPath)
      throw error
    }
    response.headers.apply(decision.responseHeaders)
    return report.afterwards(response, endpoint: context.endpointPath)
  }
}

extension Purser.Request {
  /// What Hummingbird tells of a request.
  init(_ request: Hummingbird.Request) {
    self.init(
      method: request.method.rawValue, path: request.head.path ?? "", host: request.head.authority,
      scheme: request.head.scheme)
    headers.reserveCapacity(request.headers.count + 1)
    // Hummingbird keeps it apart from the other headers.
    if let authority = request.head.authority { headers.append("host", authority) }
    var cookies: [String] = []
    for field in request.headers {
      // RFC 9113 8.2.3: crumbs of a cookie are joined by a semicolon, not by a comma.
      if field.name == .cookie {
        cookies.append(field.value)
      } else {
        headers.append(field.name.canonicalName, field.value)
      }
    }
    if !cookies.isEmpty { headers.append("cookie", cookies.joined(separator: "; ")) }
    self[.requestID] = headers["x-request-id"]
    self[.requestTime] = .now
    self[.requestSize] = request.headers[.contentLength].flatMap { Int($0) }
    self[.contextProtocol] = "http"
    self[.contextReporterKind] = "inbound"
  }
}
