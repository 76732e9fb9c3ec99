// What text may look like, field by field. Each rule has a pattern for the JSON Schema and a check in plain code
// that means the same.

enum TextRule: Sendable, CaseIterable {
  case any
  case nonEmpty
  /// A Kubernetes object name (DNS-1123 subdomain).
  case objectName
  /// A DNS-1123 label.
  case namespace
  /// `name` or `namespace/name`.
  case reference
  case ruleName
  case metricName
  case labelName
  /// RFC 9110 `token`, in lower case.
  case headerName
  case headerValue
  /// Dotted CEL identifiers.
  case attributeName
  /// `host:port`, `[v6]:port`.
  case listenAddress
  #if !hasFeature(Embedded)
    /// The same, or `unix:/path`.
    case providerAddress
    /// `http://` or `https://`, a host, a port if need be, a path.
    case providerURL
  #endif

  /// ECMA 262, as JSON Schema wants it; nil where anything goes.
  var pattern: String? {
    let label = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
    let name = "(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
    switch self {
    case .any: return nil
    case .nonEmpty: return "^[\\s\\S]+$"
    case .objectName: return "^\(name)$"
    case .namespace: return "^\(label)$"
    case .reference: return "^(\(label)/)?\(name)$"
    case .ruleName: return "^[A-Za-z0-9]([-._A-Za-z0-9]{0,251}[A-Za-z0-9])?$"
    case .metricName: return "^[a-zA-Z_:][a-zA-Z0-9_:]{0,254}$"
    case .labelName: return "^(?!__)[a-zA-Z_][a-zA-Z0-9_]{0,254}$"
    case .headerName: return "^[-!#$%&'*+.^_`|~0-9a-z]{1,256}$"
    case .headerValue: return "^[^\\r\\n\\u0000]{0,8192}$"
    case .attributeName: return "^(?=.{1,253}$)[a-zA-Z_][a-zA-Z0-9_]*(\\.[a-zA-Z_][a-zA-Z0-9_]*)*$"
    case .listenAddress: return "^(\\[[0-9a-fA-F:.]+\\]|[^:\\[\\]/\\s]+):[0-9]{1,5}$"
    #if !hasFeature(Embedded)
      case .providerAddress: return "^(unix:/[!-~]+|(\\[[0-9a-fA-F:.]+\\]|[^:\\[\\]/\\s]+):[0-9]{1,5})$"
      case .providerURL: return "^https?://[^/\\s@?#]+(/[!-\\\"$->@-~]*)?$"
    #endif
    }
  }

  /// What is wrong with the text, or nil. Goes after the quoted text in a message.
  func fault(in bytes: ArraySlice<UInt8>) -> String? {
    switch self {
    case .any: return nil
    case .nonEmpty: return bytes.isEmpty ? "must not be empty" : nil
    case .objectName:
      return TextRule.isObjectName(bytes)
        ? nil : "is no name: lower-case letters, digits, `-` and `.`, at most 253, as Kubernetes has it"
    case .namespace:
      return TextRule.isLabel(bytes, countMax: 63)
        ? nil : "is no namespace: lower-case letters, digits and `-`, at most 63, as Kubernetes has it"
    case .reference:
      let parts = bytes.split(separator: UInt8(ascii: "/"), maxSplits: 1, omittingEmptySubsequences: false)
      let isGood =
        parts.count == 1
        ? TextRule.isObjectName(bytes)
        : parts.count == 2 && TextRule.isLabel(parts[0], countMax: 63) && TextRule.isObjectName(parts[1])
      return isGood ? nil : "is no reference: write `name` or `namespace/name`"
    case .ruleName:
      let isGood =
        bytes.count <= 253 && bytes.first.map(isLetterOrDigit) ?? false && bytes.last.map(isLetterOrDigit) ?? false
        && bytes.allSatisfy { isLetterOrDigit($0) || $0 == 0x2D || $0 == 0x2E || $0 == 0x5F }
      return isGood ? nil : "is no rule name: letters, digits, `-`, `.` and `_`, at most 253"
    case .metricName:
      let isGood =
        bytes.count <= 255 && bytes.first.map { isNameStart($0) || $0 == 0x3A } ?? false
        && bytes.allSatisfy { isLetterOrDigit($0) || $0 == 0x5F || $0 == 0x3A }
      return isGood ? nil : "is no metric name: letters, digits, `_` and `:`, not beginning with a digit"
    case .labelName:
      if bytes.starts(with: [0x5F, 0x5F]) { return "is no label name: a leading `__` is Prometheus' own" }
      let isGood =
        bytes.count <= 255 && bytes.first.map(isNameStart) ?? false
        && bytes.allSatisfy { isLetterOrDigit($0) || $0 == 0x5F }
      return isGood ? nil : "is no label name: letters, digits and `_`, not beginning with a digit"
    case .headerName: return TextRule.headerNameFault(bytes)
    case .headerValue:
      if bytes.contains(where: { $0 == 0x0A || $0 == 0x0D || $0 == 0 }) {
        return "is no header value: it has a line break or a NUL"
      }
      return bytes.count > 8192 ? "is no header value: it is longer than 8192 bytes" : nil
    case .attributeName:
      let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
      let isGood =
        bytes.count <= 253
        && parts.allSatisfy { part in
          part.first.map(isNameStart) ?? false && part.allSatisfy { isLetterOrDigit($0) || $0 == 0x5F }
        }
      return isGood ? nil : "is no attribute name: words of letters, digits and `_`, joined by dots"
    case .listenAddress:
      return ListenAddress(parsing: bytes, at: .none) == nil
        ? "is no address to listen at: write `host:port`, such as `127.0.0.1:15090`" : nil
    #if !hasFeature(Embedded)
      case .providerAddress:
        if bytes.starts(with: "unix:/".utf8) {
          let isGood = bytes.count > 6 && bytes.count <= 112 && bytes.allSatisfy { $0 > 0x20 && $0 < 0x7F }
          return isGood ? nil : "is no socket's path: at most 107 bytes, without blanks"
        }
        return ListenAddress(parsing: bytes, at: .none) == nil
          ? "is no address of a provider: write `host:port`, or `unix:` and a path from the root" : nil
      case .providerURL:
        return TextRule.isURL(bytes)
          ? nil : "is no address of a provider: write `http://host:port/path`, without user, query or fragment"
    #endif
    }
  }

  private static func headerNameFault(_ bytes: ArraySlice<UInt8>) -> String? {
    if bytes.contains(where: { $0 >= 65 && $0 <= 90 }) {
      let lower = String(decoding: bytes.map { $0 >= 65 && $0 <= 90 ? $0 | 0x20 : $0 }, as: UTF8.self)
      return "is no header name: write it in lower case, \(quoted(lower))"
    }
    if bytes.first == UInt8(ascii: ":") { return "is no header name: pseudo-headers cannot be changed" }
    let isGood = !bytes.isEmpty && bytes.count <= 256 && bytes.allSatisfy(isTokenByte)
    return isGood ? nil : "is no header name: letters, digits and `!#$%&'*+-.^_|~`"
  }

  #if !hasFeature(Embedded)
    private static func isURL(_ bytes: ArraySlice<UInt8>) -> Bool {
      var rest = bytes
      if rest.starts(with: "http://".utf8) {
        rest = rest.dropFirst(7)
      } else if rest.starts(with: "https://".utf8) {
        rest = rest.dropFirst(8)
      } else {
        return false
      }
      let host = rest.prefix { $0 != UInt8(ascii: "/") }
      return bytes.count <= 2048 && !host.isEmpty && !host.contains(UInt8(ascii: "@"))
        && rest.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }
    }
  #endif

  private static func isObjectName(_ bytes: ArraySlice<UInt8>) -> Bool {
    bytes.count <= 253
      && bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        .allSatisfy { isLabel($0, countMax: 253) }
  }

  private static func isLabel(_ bytes: ArraySlice<UInt8>, countMax: Int) -> Bool {
    func isEdge(_ byte: UInt8?) -> Bool { byte.map { isLetterOrDigit($0) && !isUpper($0) } ?? false }
    return bytes.count <= countMax && isEdge(bytes.first) && isEdge(bytes.last)
      && bytes.allSatisfy { (isLetterOrDigit($0) && !isUpper($0)) || $0 == 0x2D }
  }
}

private func isUpper(_ byte: UInt8) -> Bool { byte >= 65 && byte <= 90 }

private func isLetterOrDigit(_ byte: UInt8) -> Bool {
  (byte >= 48 && byte <= 57) || isUpper(byte) || (byte >= 97 && byte <= 122)
}

private func isNameStart(_ byte: UInt8) -> Bool { (isLetterOrDigit(byte) && byte > 57) || byte == 0x5F }

private func isTokenByte(_ byte: UInt8) -> Bool {
  if isLetterOrDigit(byte) { return !isUpper(byte) }
  switch byte {
  case 0x21, 0x23, 0x24, 0x25, 0x26, 0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E, 0x5F, 0x60, 0x7C, 0x7E: return true
  default: return false
  }
}

extension ListenAddress {
  init?(parsing bytes: ArraySlice<UInt8>, at position: Position) {
    guard let colon = bytes.lastIndex(of: UInt8(ascii: ":")) else { return nil }
    var host = bytes[..<colon]
    let digits = bytes[(colon &+ 1)...]
    guard !digits.isEmpty, digits.count <= 5, digits.allSatisfy({ $0 >= 48 && $0 <= 57 }) else { return nil }
    let port = digits.reduce(0) { $0 &* 10 &+ Int($1 &- 48) }
    if host.first == UInt8(ascii: "["), host.last == UInt8(ascii: "]"), host.count > 2 {
      host = host.dropFirst().dropLast()
      guard host.allSatisfy(isAddressByte) else { return nil }
    } else {
      guard !host.isEmpty, host.allSatisfy({ $0 > 0x20 && !":[]/".utf8.contains($0) }) else { return nil }
    }
    guard port <= 65535 else { return nil }
    self.init(
      host: String(decoding: host, as: UTF8.self), port: UInt16(truncatingIfNeeded: port), position: position)
  }
}

private func isAddressByte(_ byte: UInt8) -> Bool {
  (byte >= 48 && byte <= 58) || byte == 0x2E || (byte >= 65 && byte <= 70) || (byte >= 97 && byte <= 102)
}
