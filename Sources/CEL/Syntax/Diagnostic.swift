// What is wrong with an expression, and where. Offsets are bytes of the expression's text; whoever took the
// text out of a file knows how to turn them into that file's lines and columns.

public struct Diagnostic: Sendable, Equatable {
  public enum Severity: Sendable { case error, warning }

  public var severity: Severity
  public var span: Span
  /// Lower case, no final full stop, the user's words in backticks.
  public var message: String

  public init(_ severity: Severity = .error, at span: Span, _ message: String) {
    self.severity = severity
    self.span = span
    self.message = message
  }
}

/// The diagnostics of one expression, capped so that hostile text cannot fill memory.
public struct Diagnostics: Sendable {
  public static let countMax = 20
  /// So that warnings leave room for errors.
  private static let warningsMax = 10

  public private(set) var items: [Diagnostic] = []
  public private(set) var hasErrors = false

  public init() {}

  /// Nothing more is kept, so nothing more need be worded.
  public var isFull: Bool { items.count >= Diagnostics.countMax }

  public mutating func error(at span: Span, _ message: String) {
    hasErrors = true
    if items.count < Diagnostics.countMax { items.append(Diagnostic(.error, at: span, message)) }
  }

  /// Takes over what was found elsewhere.
  public mutating func add(_ other: Diagnostics) {
    hasErrors = hasErrors || other.hasErrors
    for item in other.items where items.count < Diagnostics.countMax { items.append(item) }
  }

  /// In the order of the text; those of one place keep theirs.
  mutating func sort() {
    items = items.ordered { $0.span.start < $1.span.start }
  }

  public mutating func warn(at span: Span, _ message: String) {
    if items.count < Diagnostics.warningsMax { items.append(Diagnostic(.warning, at: span, message)) }
  }
}
