// Everything that is wrong with one load, collected so that a person sees all of it at once. Capped, because a
// hostile file could otherwise fill memory with complaints about itself; errors push warnings out.

public struct Problem: Sendable {
  public enum Severity: Sendable { case error, warning }

  public var severity: Severity
  public var position: Position
  /// Lower case, no final full stop, the user's words in backticks.
  public var message: String
}

public struct Problems: Sendable {
  public static let countMax = 100

  /// In the order found; `sorted()` gives them in the order of reading.
  public private(set) var items: [Problem] = []
  /// How many there were in all, those past the cap included.
  public private(set) var errorCount = 0
  public private(set) var warningCount = 0

  public init() {}

  public var hasErrors: Bool { errorCount > 0 }
  public var omittedCount: Int { errorCount &+ warningCount &- items.count }
  /// No further error would be kept: what is costly to find need not be looked for.
  var isFull: Bool { items.count >= Problems.countMax && warningsKept == 0 }
  private var warningsKept = 0

  public mutating func error(at position: Position, _ message: @autoclosure () -> String) {
    errorCount &+= 1
    if items.count >= Problems.countMax {
      guard warningsKept > 0, let last = items.lastIndex(where: { $0.severity == .warning }) else { return }
      items.remove(at: last)
      warningsKept &-= 1
    }
    items.append(Problem(severity: .error, position: position, message: message()))
  }

  public mutating func warn(at position: Position, _ message: @autoclosure () -> String) {
    warningCount &+= 1
    guard items.count < Problems.countMax else { return }
    items.append(Problem(severity: .warning, position: position, message: message()))
    warningsKept &+= 1
  }

  /// By source, line and column; those of one place in the order found.
  public func sorted() -> [Problem] {
    items.enumerated().sorted { a, b in
      if a.element.position == b.element.position { return a.offset < b.offset }
      return Position.precedes(a.element.position, b.element.position)
    }.map { $0.element }
  }
}
