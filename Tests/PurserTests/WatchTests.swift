import Foundation
import Purser
import Testing

@Suite struct WatchTests {
  private struct Folder: ~Copyable {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)

    init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(at: url) }

    func write(_ text: String) throws {
      try text.write(to: url.appendingPathComponent("a.yaml"), atomically: true, encoding: .utf8)
    }
  }

  private static var quick: WatchTiming {
    var timing = WatchTiming()
    timing.settle = .milliseconds(10)
    return timing
  }

  @Test(.timeLimit(.minutes(1))) func aChangeDecidesAndABadOneDoesNot() async throws {
    let folder = try Folder()
    try folder.write(readers)
    let set = try PolicySet(in: Engine())
    var events = try set.watch(paths: [folder.url.path], timing: Self.quick).makeAsyncIterator()
    guard case .loaded(let warnings) = await events.next() else { throw Unexpected() }
    #expect(warnings == [])
    #expect(try set.checkNow(Request(method: "GET", path: "/")).isAllowed)

    try folder.write(policy("- {name: writers, action: ALLOW, when: 'request.method == \"PUT\"'}"))
    guard case .loaded = await events.next() else { throw Unexpected() }
    #expect(try !set.checkNow(Request(method: "GET", path: "/")).isAllowed)

    try folder.write("kind: [")
    guard case .refused(let error) = await events.next() else { throw Unexpected() }
    #expect(error.cause == .documents)
    #expect(error.problems.first?.file.hasSuffix("/a.yaml") == true)
    #expect(try set.checkNow(Request(method: "PUT", path: "/")).isAllowed)

    let again = try #require(throws: LoadError.self) { try set.watch(paths: [folder.url.path]) }
    #expect(again.cause == .watched)
    set.unwatch()
    #expect(await events.next() == nil)
    set.unwatch()
  }

  /// The number of a custom attribute is known before the first request meets the plan that declares it.
  @Test(.timeLimit(.minutes(1))) func attributesThatComeWithAChangeAreKnown() async throws {
    let folder = try Folder()
    try folder.write(readers)
    let set = try PolicySet(in: Engine())
    var events = try set.watch(paths: [folder.url.path], timing: Self.quick).makeAsyncIterator()
    _ = await events.next()
    try folder.write(
      policy("- {name: gold, action: ALLOW, when: 'company.tier == 3'}") + declaring("company.tier", "int"))
    guard case .loaded = await events.next() else { throw Unexpected() }
    var request = Request(method: "GET", path: "/")
    request[Attribute<Int>("company.tier")] = 3
    #expect(try set.checkNow(request).isAllowed)
  }

  @Test(.timeLimit(.minutes(1))) func theStreamEndsWithTheSet() async throws {
    let folder = try Folder()
    try folder.write(readers)
    var set: PolicySet? = try PolicySet(in: Engine())
    let events = try #require(try set?.watch(paths: [folder.url.path]))
    set = nil
    var count = 0
    for await _ in events { count += 1 }
    #expect(count == 1)
  }

  @Test func whatCannotBeLoadedIsNotWatched() throws {
    let set = try PolicySet(in: Engine())
    #expect(throws: LoadError.self) { try set.watch(paths: ["/nowhere/at/all"]) }
    let error = try #require(throws: LoadError.self) { try set.watch(paths: []) }
    #expect(error.cause == .invalidArgument)
    set.unwatch()
  }

  private struct Unexpected: Error {}
}
