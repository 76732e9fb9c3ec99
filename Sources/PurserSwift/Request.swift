/// What a host knows of one request, or of one connection, before it is decided.
///
/// ```swift
/// var request = Request(method: "GET", path: "/books/7?lang=en", host: "shop.example")
/// request.headers["x-user"] = "mia"
/// request[.sourceAddress] = "10.1.2.3"
/// ```
///
/// Set what you know, and leave out what you do not: a rule that reads an absent attribute errs, and so denies.
/// `request.url_path` and `request.query` are derived from `request.path`, `request.useragent` and `request.referer`
/// from the headers.
public struct Request: Sendable {
  /// The attributes that are not headers.
  public var attributes = Attributes()
  /// `request.headers`; perhaps without entries, but always present.
  public var headers = Headers()

  /// A request of which nothing is known yet.
  public init() {}

  /// A request over HTTP.
  ///
  /// - Parameters:
  ///   - method: In upper case, as sent.
  ///   - path: Path and query, as sent.
  ///   - host: The Host header or `:authority`; nil when there is none.
  ///   - scheme: `http` or `https`; nil when it is not known.
  ///   - headers: Without pseudo-headers.
  public init(method: String, path: String, host: String? = nil, scheme: String? = nil, headers: Headers = Headers()) {
    self.headers = headers
    self[.requestMethod] = method
    self[.requestPath] = path
    self[.requestHost] = host
    self[.requestScheme] = scheme
  }

  /// The value of an attribute; nil when it is absent.
  public subscript<Value: AttributeConvertible>(attribute: Attribute<Value>) -> Value? {
    get { attributes[attribute] }
    set { attributes[attribute] = newValue }
  }
}

/// What a host knows when a request is done. Telemetry reads it together with the attributes of the ``Request``.
///
/// ```swift
/// var response = Response(code: 200)
/// response[.responseSize] = 5120
/// response[.requestDuration] = started.duration(to: .now)
/// try decision.report(response)
/// ```
public struct Response: Sendable {
  /// The attributes that are not headers.
  public var attributes = Attributes()
  /// `response.headers`; nil when there are none to know of.
  public var headers: Headers?
  /// `response.trailers`; nil when there are none to know of.
  public var trailers: Headers?

  /// A response of which nothing is known yet.
  public init() {}

  /// A response over HTTP.
  ///
  /// - Parameters:
  ///   - code: The status that was sent.
  ///   - headers: The headers that were sent; nil when they are not known.
  public init(code: Int, headers: Headers? = nil) {
    self.headers = headers
    self[.responseCode] = code
  }

  /// The value of an attribute; nil when it is absent.
  public subscript<Value: AttributeConvertible>(attribute: Attribute<Value>) -> Value? {
    get { attributes[attribute] }
    set { attributes[attribute] = newValue }
  }
}
