// Path normalisation as its description reads: a string, changed by one step after the other.

enum PathTwin {
  /// The steps of a mode. Nil: cannot be normalised.
  static func normalize(_ path: String, isBase: Bool, mergesSlashes: Bool, decodesSlashes: Bool) -> String? {
    if !isBase { return path }
    if path == "*" { return path }
    guard path.hasPrefix("/") || path.hasPrefix("\\") else { return nil }
    guard let decoded = decode(path, slashesToo: decodesSlashes) else { return nil }
    var segments: [Substring] = []
    // The text before the first slash is empty.
    let parts = decoded.replacing("\\", with: "/").split(separator: "/", omittingEmptySubsequences: false).dropFirst()
    for (index, part) in parts.enumerated() {
      let isLast = index == parts.count - 1
      switch part {
      case ".": if isLast { segments.append("") }
      case "..":
        _ = segments.popLast()
        if isLast { segments.append("") }
      default: segments.append(part)
      }
    }
    var result = "/" + segments.joined(separator: "/")
    while mergesSlashes, result.contains("//") { result = result.replacing("//", with: "/") }
    return result
  }

  /// Escapes of unreserved characters, and of slashes, as characters; nil for what is no escape.
  private static func decode(_ path: String, slashesToo: Bool) -> String? {
    var result = ""
    var rest = Substring(path)
    while let character = rest.popFirst() {
      guard character == "%" else {
        result.append(character)
        continue
      }
      let digits = String(rest.prefix(2))
      guard digits.count == 2, digits.allSatisfy({ "0123456789abcdefABCDEF".contains($0) }),
        let byte = UInt8(digits, radix: 16)
      else { return nil }
      rest = rest.dropFirst(2)
      let decoded = Character(UnicodeScalar(byte))
      let unreserved = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~"
      if unreserved.contains(decoded) || (slashesToo && "/\\".contains(decoded)) {
        result.append(decoded)
      } else {
        result += "%" + digits
      }
    }
    return result
  }
}
