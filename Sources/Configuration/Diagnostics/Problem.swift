// Everything that is wrong with one load, collected so that a person sees all of it at once. Capped, because a
// hostile file could otherwise fill memory with complaints about itself; errors push warnings out.

import CEL

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
    if makesRoomForError() { keep(Problem(severity: .error, position: position, message: message())) }
  }

  public mutating func warn(at position: Position, _ message: @autoclosure () -> String) {
    warningCount &+= 1
    guard items.count < Problems.countMax else { return }
    warningsKept &+= 1
    keep(Problem(severity: .warning, position: position, message: message()))
  }

  /// Warnings that nobody will see.
  mutating func omitWarnings(_ count: Int) { warningCount &+= count }

  // Out of line, since the loader names a problem in a hundred places.

  @inline(never)
  private mutating func makesRoomForError() -> Bool {
    errorCount &+= 1
    guard items.count >= Problems.countMax else { return true }
    guard warningsKept > 0, let last = items.lastIndex(where: { $0.severity == .warning }) else { return false }
    items.remove(at: last)
    warningsKept &-= 1
    return true
  }

  @inline(never)
  private mutating func keep(_ problem: Problem) { items.append(problem) }

  /// By source, line and column; those of one place in the order found.
  public func sorted() -> [Problem] { items.ordered { Position.precedes($0.position, $1.position) } }
}
