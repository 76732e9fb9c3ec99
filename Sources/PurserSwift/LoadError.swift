import CPurser

/// Something wrong with documents, with its place.
public struct Problem: Sendable, Hashable, CustomStringConvertible {
  /// How bad it is.
  public enum Severity: Sendable, Hashable {
    /// Nothing was loaded.
    case error
    /// Loaded nevertheless.
    case warning
  }

  /// How bad it is.
  public var severity: Severity
  /// The path of the file, or the name of the ``Document``; empty when the problem has no place.
  public var file: String
  /// From 1; 0 when the problem has no place.
  public var line: Int
  /// From 1, in characters; 0 when the problem has no place.
  public var column: Int
  /// What is wrong, in words.
  public var message: String

  /// `file:line:column: error: message`.
  public var description: String {
    let kind = severity == .error ? "error" : "warning"
    return line == 0 ? "\(kind): \(message)" : "\(file):\(line):\(column): \(kind): \(message)"
  }
}

/// Why documents were not loaded. What was in use before stays in use.
public struct LoadError: Error, Sendable, CustomStringConvertible {
  /// What kind of thing went wrong.
  public enum Cause: Sendable, Hashable {
    /// The documents have errors, or do not fit this host: ``LoadError/problems`` has them all.
    case documents
    /// A backend's socket, file, library or thread could not be had, or files could not be followed.
    case unavailable
    /// The engine was created before the process forked.
    case forked
    /// A path or the name of a document is not acceptable text, or there is no path to watch.
    case invalidArgument
    /// The set is watched already.
    case watched
  }

  /// What kind of thing went wrong.
  public let cause: Cause
  /// Errors and warnings, in the order of files and lines.
  public let problems: [Problem]
  /// All of them as text, each followed by the line of its document and a caret.
  public let description: String

  init(_ status: purser_status, _ list: ProblemList) {
    cause =
      switch status {
      case PURSER_PROBLEMS: .documents
      case PURSER_FORKED: .forked
      case PURSER_INVALID_ARGUMENT: .invalidArgument
      case PURSER_WRONG_STATE: .watched
      default: .unavailable
      }
    problems = list.problems
    description = list.text.isEmpty ? "error: \(String(cString: purser_status_text(status)))\n" : list.text
  }
}

/// The library's list, copied.
struct ProblemList {
  var problems: [Problem] = []
  var text = ""

  /// Copies and frees; nil is an empty list.
  init(taking handle: OpaquePointer?) {
    self.init(reading: handle)
    purser_problems_free(handle)
  }

  /// Copies.
  init(reading handle: OpaquePointer?) {
    guard let handle else { return }
    var count = 0
    guard purser_problems_count(handle, &count) == PURSER_OK else { return }
    for index in 0..<count {
      var problem = purser_problem()
      guard purser_problems_get(handle, index, &problem) == PURSER_OK else { continue }
      problems.append(
        Problem(
          severity: problem.severity == PURSER_SEVERITY_WARNING ? .warning : .error, file: String(problem.file),
          line: Int(problem.line), column: Int(problem.column), message: String(problem.message)))
    }
    var all = purser_text()
    if purser_problems_text(handle, &all) == PURSER_OK { text = String(all) }
  }
}
