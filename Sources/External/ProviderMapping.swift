// A provider as a plan has it, as the provider clients want it.

import PurserEngine
import PurserProviders

enum ProviderMapping {
  static func settings(_ plan: ProviderPlan) throws(ProviderError) -> ProviderSettings {
    let url = try ProviderURL(parsing: plan.endpoint.url)
    let interface: ProviderInterface
    switch plan.service {
    case .extAuthzGRPC(let authority):
      interface = .extAuthzGRPC(
        ExtAuthzGRPCSettings(fields: try plan.fields.mapped(grpcField), authority: authority))
    case .extAuthzHTTP(let upstreamHeaders, let clientHeaders):
      interface = .extAuthzHTTP(
        ExtAuthzHTTPSettings(
          fields: try plan.fields.mapped(httpField), pathPrefix: url.path == "/" ? "" : url.path,
          upstreamHeaders: upstreamHeaders, clientHeadersOnDeny: clientHeaders))
    case .opa:
      interface = .opa(OPASettings(path: url.path, fields: try plan.fields.mapped(inputName)))
    }
    var settings = ProviderSettings(
      interface: interface, endpoint: plan.endpoint.unixPath.map { .unix(path: $0) } ?? url.endpoint,
      tls: url.isTLS
        ? ProviderTLS(
          caFile: plan.endpoint.authorityFile, certificateFile: plan.endpoint.certificateFile,
          keyFile: plan.endpoint.keyFile, serverName: plan.endpoint.serverName) : nil)
    settings.timeoutNanoseconds = plan.limits.timeout
    settings.inFlightMax = plan.limits.inFlightMax
    settings.responseBytesMax = plan.limits.responseBytesMax
    settings.circuit = CircuitSettings(
      failures: UInt32(clamping: plan.limits.failuresMax), openNanoseconds: plan.limits.openFor)
    return settings
  }

  private static func grpcField(_ field: ProviderField) -> ExtAuthzField? {
    switch field.target {
    case .header(let name): return .requestHeader(name)
    case .contextExtension(let name): return .contextExtension(name)
    case .input: return nil
    case .attribute(let name):
      switch name {
      case "source.address": return .sourceAddress
      case "source.port": return .sourcePort
      case "source.principal": return .sourcePrincipal
      case "destination.address": return .destinationAddress
      case "destination.port": return .destinationPort
      case "destination.principal": return .destinationPrincipal
      case "request.method": return .requestMethod
      case "request.path": return .requestPath
      case "request.host": return .requestHost
      case "request.scheme": return .requestScheme
      case "request.query": return .requestQuery
      case "request.protocol": return .requestProtocol
      case "request.id": return .requestID
      case "request.time": return .requestTime
      case "connection.requested_server_name": return .serverName
      default: return nil
      }
    }
  }

  private static func httpField(_ field: ProviderField) -> ExtAuthzHTTPField? {
    switch field.target {
    case .header(let name): return .header(name)
    case .attribute("request.method"): return .method
    case .attribute("request.path"), .attribute("request.url_path"): return .path
    case .attribute, .contextExtension, .input: return nil
    }
  }

  private static func inputName(_ field: ProviderField) -> String? {
    if case .input(let name) = field.target { return name }
    return nil
  }
}

extension [ProviderField] {
  fileprivate func mapped<Field>(_ map: (ProviderField) -> Field?) throws(ProviderError) -> [Field] {
    var mapped: [Field] = []
    for field in self {
      guard let found = map(field) else { throw ProviderError("\(field.target.name) has no place in a question") }
      mapped.append(found)
    }
    return mapped
  }
}
