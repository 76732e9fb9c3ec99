// Why a provider cannot be had: for the person who configured it.

/// The message is one line in lower case, with the cause after a colon.
public struct ProviderError: Error, Equatable, Sendable {
  public var message: String

  public init(_ message: String) { self.message = message }
}

/// Up to the NUL.
func textOf(_ text: [CChar]) -> String {
  String(decoding: text.prefix(while: { $0 != 0 }).map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
