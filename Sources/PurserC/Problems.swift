// What is wrong with documents, for hosts.

import CEL
import CPurser
import PurserConfiguration
import PurserEngine
import PurserPolicy

/// What `purser_problems` points to. Immutable once made: any thread may read it.
final class ProblemList {
  private let texts = TextStore()
  private var items: [purser_problem] = []
  /// All of them as text.
  private(set) var all = Bytes.empty

  init(_ result: LoadResult) {
    for problem in result.problems.sorted() {
      items.append(
        purser_problem(
          severity: problem.severity == .error ? PURSER_SEVERITY_ERROR : PURSER_SEVERITY_WARNING,
          file: purser_text(texts.keep(result.sources.name(of: problem.position))), line: problem.position.line,
          column: problem.position.column, message: purser_text(texts.keep(problem.message))))
    }
    all = texts.keep(result.problems.rendered(with: result.sources))
  }

  init(_ refusals: RefusalList) {
    var rendered = ""
    for refusal in refusals.refusals {
      items.append(
        purser_problem(
          severity: PURSER_SEVERITY_ERROR, file: purser_text(texts.keep(refusal.place?.file ?? "")),
          line: refusal.place?.line ?? 0, column: refusal.place?.column ?? 0,
          message: purser_text(texts.keep(refusal.message))))
      if let place = refusal.place { rendered += "\(place.file):\(place.line):\(place.column): " }
      rendered += "error: \(refusal.message)\n"
    }
    all = texts.keep(rendered)
  }

  /// One error that has no place.
  init(_ message: String) {
    items.append(
      purser_problem(
        severity: PURSER_SEVERITY_ERROR, file: purser_text(), line: 0, column: 0,
        message: purser_text(texts.keep(message))))
    all = texts.keep("error: \(message)\n")
  }

  var count: Int { items.count }

  func item(_ index: Int) -> purser_problem? { items.indices.contains(index) ? items[index] : nil }

  /// The caller's now; nil when there is nothing to say.
  static func hand(_ list: ProblemList, to out: UnsafeMutablePointer<OpaquePointer?>?) {
    guard let out else { return }
    out.pointee = list.count == 0 ? nil : OpaquePointer(Unmanaged.passRetained(list).toOpaque())
  }
}

private func list(_ handle: OpaquePointer?) -> ProblemList? {
  guard let handle else { return nil }
  return Unmanaged<ProblemList>.fromOpaque(UnsafeRawPointer(handle)).takeUnretainedValue()
}

@c @implementation
public func purser_problems_count(
  _ problems: OpaquePointer?, _ count_out: UnsafeMutablePointer<Int>?
) -> purser_status {
  guard let list = list(problems), let count_out else { return PURSER_INVALID_ARGUMENT }
  count_out.pointee = list.count
  return PURSER_OK
}

@c @implementation
public func purser_problems_get(
  _ problems: OpaquePointer?, _ index: Int, _ problem_out: UnsafeMutablePointer<purser_problem>?
) -> purser_status {
  guard let list = list(problems), let problem_out, let item = list.item(index) else { return PURSER_INVALID_ARGUMENT }
  problem_out.pointee = item
  return PURSER_OK
}

@c @implementation
public func purser_problems_text(
  _ problems: OpaquePointer?, _ text_out: UnsafeMutablePointer<purser_text>?
) -> purser_status {
  guard let list = list(problems), let text_out else { return PURSER_INVALID_ARGUMENT }
  text_out.pointee = purser_text(list.all)
  return PURSER_OK
}

@c @implementation
public func purser_problems_free(_ problems: OpaquePointer?) {
  guard let problems else { return }
  Unmanaged<ProblemList>.fromOpaque(UnsafeRawPointer(problems)).release()
}
