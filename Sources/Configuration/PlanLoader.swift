// The one way from paths to a plan. Parsing, validating and compiling run on a thread of their own with a large stack.

import CPlatform
import PurserEngine

public struct LoadRequest: Sendable {
  public var paths: [String] = []
  public var documents: [(name: String, text: [UInt8])] = []
  public var options = BuildOptions()
  /// Of the plan before: policies that are in it as they are written now are taken from it.
  public var parts: PlanParts?

  public init() {}
}

/// What a load gave: a plan, or errors that say why not; warnings either way.
public struct LoadResult: Sendable {
  public var plan: Plan?
  public var problems: Problems
  public var sources: SourceSet
  /// Files that value lists name, whether or not they could be read.
  public var valueFiles: [String]
}

public enum PlanLoader {
  static let stackBytes = 16 << 20

  /// Nil when no thread could be started.
  public static func load(_ request: LoadRequest) -> LoadResult? {
    var call = Call(request: request, result: nil)
    let ran = withUnsafeMutablePointer(to: &call) { call in
      platform_run_on_large_stack(
        stackBytes,
        { raw in
          guard let call = raw?.assumingMemoryBound(to: Call.self) else { return }
          call.pointee.result = PlanLoader.run(call.pointee.request)
        }, call)
    }
    return ran ? call.result : nil
  }

  private struct Call {
    var request: LoadRequest
    var result: LoadResult?
  }

  private static func run(_ request: LoadRequest) -> LoadResult {
    var problems = Problems()
    var documents = Loader.read(
      paths: request.paths, inline: request.documents, byParts: KnownUnits(request.parts), problems: &problems)
    var parts = request.parts
    if problems.hasErrors {
      // Read as a whole, they are told in order, and one document's end cannot hide in another.
      problems = Problems()
      documents = Loader.read(paths: request.paths, inline: request.documents, problems: &problems)
      parts = nil
    }
    let (sources, valueFiles) = (documents.sources, documents.valueFiles)
    var builder = PlanBuilder(documents, request.options, reusing: parts)
    // The builder has the only ones, and gives them up one by one.
    documents = DocumentSet()
    let plan = builder.build(&problems)
    return LoadResult(plan: plan, problems: problems, sources: sources, valueFiles: valueFiles)
  }
}
