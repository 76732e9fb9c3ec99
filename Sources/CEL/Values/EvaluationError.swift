// Errors of evaluation are values: carried, absorbed by `&&` and `||`, never thrown.

/// Why an expression has no value.
@frozen public struct EvaluationError: BitwiseCopyable, Sendable, Equatable {
  public var code: Code
  /// What the code is about: a slot index for attribute errors, otherwise 0.
  public var detail: UInt32
  /// Where in the expression's text, in bytes.
  public var offset: UInt32

  @inlinable
  public init(_ code: Code, detail: UInt32 = 0, offset: UInt32 = 0) {
    self.code = code
    self.detail = detail
    self.offset = offset
  }

  @frozen public enum Code: UInt16, BitwiseCopyable, Sendable {
    case internalFailure = 0
    /// `detail` is the slot. The host has no such attribute or map entry.
    case absentAttribute = 1
    /// `detail` is the slot. The host could not supply it.
    case attributeUnavailable = 2
    /// `detail` is the slot. Text that is not UTF-8.
    case attributeNotUTF8 = 3
    /// `detail` is the slot. The host gave another type than the declared one.
    case attributeWrongType = 4
    /// `detail` is the slot. Too large or too deep to be taken.
    case attributeTooLarge = 5
    /// `detail` is the slot. A path or host that cannot be normalised.
    case notNormalizable = 6
    case noSuchOverload = 7
    case noSuchKey = 8
    case noSuchField = 9
    case integerOverflow = 10
    case divisionByZero = 11
    case modulusByZero = 12
    case indexOutOfRange = 13
    case invalidArgument = 14
    case rangeError = 15
    case duplicateKey = 16
    case unsupportedKeyType = 17
    case invalidUTF8 = 18
    case stepBudgetSpent = 19
    case memorySpent = 20
    case notAnAddress = 21
    case listNotLoaded = 22
    case invalidPattern = 23
    case unknownIdentifier = 24
    case unknownTimeZone = 25
    case noValue = 26
    case nestedTooDeeply = 27
    /// Of a rule, not of an expression.
    case tooManyChecks = 28
  }
}

extension EvaluationError.Code {
  /// What a person reads. Attribute errors get the attribute's name put in front by whoever knows it.
  public var text: StaticString {
    switch self {
    case .internalFailure: "internal failure"
    case .absentAttribute: "is absent"
    case .attributeUnavailable: "could not be supplied by the host"
    case .attributeNotUTF8: "is not valid UTF-8"
    case .attributeWrongType: "has the wrong type"
    case .attributeTooLarge: "is too large"
    case .notNormalizable: "cannot be normalised"
    case .noSuchOverload: "no such overload"
    case .noSuchKey: "no such key"
    case .noSuchField: "no such field"
    case .integerOverflow: "integer overflow"
    case .divisionByZero: "division by zero"
    case .modulusByZero: "modulus by zero"
    case .indexOutOfRange: "index out of range"
    case .invalidArgument: "invalid argument"
    case .rangeError: "value out of range"
    case .duplicateKey: "duplicate map key"
    case .unsupportedKeyType: "unsupported key type"
    case .invalidUTF8: "invalid UTF-8"
    case .stepBudgetSpent: "step budget spent"
    case .memorySpent: "evaluation memory spent"
    case .notAnAddress: "not an IP address"
    case .listNotLoaded: "list is not loaded"
    case .invalidPattern: "invalid regular expression"
    case .unknownIdentifier: "unknown identifier"
    case .unknownTimeZone: "unknown time zone"
    case .noValue: "optional has no value"
    case .nestedTooDeeply: "value is nested too deeply"
    case .tooManyChecks: "too many external checks at once"
    }
  }

  /// Whether `detail` names a slot.
  public var isAboutAttribute: Bool { rawValue >= 1 && rawValue <= 6 }
}
