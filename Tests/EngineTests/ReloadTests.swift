import CPurser
import Foundation
import PurserEngine
import Testing

extension TestSet: @unchecked Sendable {}
extension TestEngine: @unchecked Sendable {}
extension LoadedPlan: @unchecked Sendable {}

/// What may be collected from many threads.
final class Collected<Element: Sendable>: @unchecked Sendable {
  private let lock = NSLock()
  private var items: [Element] = []

  func add(_ item: Element) { lock.withLock { items.append(item) } }
  var all: [Element] { lock.withLock { items } }
}

final class Counter: @unchecked Sendable {
  private let lock = NSLock()
  private var count = 0

  func add() { lock.withLock { count += 1 } }
  var value: Int { lock.withLock { count } }
}

/// Runs all at once, each on a thread of its own, and waits for them.
func onThreads(_ bodies: [@Sendable () -> Void]) {
  let group = DispatchGroup()
  for body in bodies {
    group.enter()
    Thread {
      body()
      group.leave()
    }.start()
  }
  group.wait()
}

/// Loading, swapping and reclaiming plans.
@Suite struct ReloadTests {
  static func policy(_ name: String, _ action: String, _ more: String = "") -> String {
    """
    apiVersion: purser.dev/v1alpha1
    kind: Policy
    metadata: {name: \(name)}
    spec:
      rules:
      - {name: decides, action: \(action)\(more)}
      - {name: marks, action: AUDIT, when: request.method == "GET"}
    """
  }
  static let open = policy("open", "ALLOW", ", requestHeaders: {set: {x-plan: open}}")
  static let closed = policy("closed", "DENY", ", response: {status: 451, headers: {x-plan: closed}}")
  static var get: [String: JSON] { ["request.method": "GET"] }

  @Test func withoutAPlanEverythingIsDenied() throws {
    let set = try TestSet(TestEngine())
    let worker = try TestWorker(set.engine)
    let request = try TestRequest(worker, set)
    let found = try request.check()
    #expect(!found.allows)
    #expect(found.status == 503)
    #expect(found.code == 14)
    #expect(found.kindName == "no-plan")
    #expect(found.reason == "no-plan")
    #expect(found.rule == nil && found.plan == nil && found.shadowAllows == nil)
    try request.report()
    try request.end()
    #expect(set.digest == nil)
    try set.load(Self.open)
    #expect(try worker.decide(set, Self.get).allows)
  }

  @Test func aFirstPlanWithoutAnyPolicyIsTaken() throws {
    let set = try TestSet(loading: ReportTests.prom)
    #expect(try TestWorker(set.engine).decide(set, Self.get).allows)
  }

  @Test func aBadConfigurationLeavesTheOldPlanServing() throws {
    let set = try TestSet(loading: Self.open)
    let digest = set.digest
    let worker = try TestWorker(set.engine)
    for bad in ["kind: [", "", "apiVersion: purser.dev/v1alpha1\nkind: Polcy\nmetadata: {name: a}\nspec: {}"] {
      let documents = [Self.policy("other", "DENY", ", when: request.metod == \"\""), bad]
      do throws(Refused) {
        try set.load(documents.map { Inline($0) })
        Issue.record("loaded")
      } catch {
        #expect(error.status == PURSER_PROBLEMS)
        #expect(error.problems.contains("error: "))
      }
      #expect(set.digest == digest)
      #expect(try worker.decide(set, Self.get).allows)
    }
    #expect(try set.engine.metrics().contains("purser_reloads_total{result=\"failed\"} 3\n"))
    #expect(try set.engine.metrics().contains("purser_reloads_total{result=\"ok\"} 1\n"))
  }

  @Test func anEmptiedConfigurationIsRefusedUnlessItIsAllowed() throws {
    let set = try TestSet(loading: Self.closed)
    let worker = try TestWorker(set.engine)
    func settings(_ spec: String) -> String {
      "apiVersion: purser.dev/v1alpha1\nkind: PolicySet\nmetadata: {name: edge}\nspec: {\(spec)}\n"
    }
    let shadow = Self.closed.replacing("spec:", with: "spec:\n  mode: Shadow")
    let empties: [[String]] = [[], [ReportTests.prom], [shadow], [Self.closed, settings("mode: Shadow")]]
    for documents in empties {
      do throws(Refused) {
        try set.load(documents.map { Inline($0) })
        Issue.record("loaded \(documents)")
      } catch {
        #expect(error.status == PURSER_PROBLEMS)
        #expect(error.problems.contains(documents.isEmpty ? "no document" : "allowEmpty"), "\(error.problems)")
      }
      #expect(try worker.decide(set, Self.get).status == 451)
    }
    try set.load(settings("allowEmpty: true"))
    #expect(try worker.decide(set, Self.get).allows)
    // Where there was none, none is missed.
    try set.load(ReportTests.prom)
    try set.load(Self.closed)
    #expect(try worker.decide(set, Self.get).status == 451)
  }

  @Test func aRequestKeepsThePlanItBeganWith() throws {
    let set = try TestSet(loading: Self.open)
    let worker = try TestWorker(set.engine)
    let checked = try TestRequest(worker, set, Self.get)
    let before = try checked.check()
    let begun = try TestRequest(worker, set, Self.get)
    try set.load(Self.closed)
    #expect(try worker.decide(set, Self.get).status == 451)
    #expect(try begun.check() == before)
    #expect(try Found(of: checked.handle) == before, "what was found is still readable")
  }

  @Test func theDigestTellsPlansApartAndNotTheirOrder() throws {
    let first = try LoadedPlan(Self.open, Self.closed)
    let second = try LoadedPlan(Self.closed, Self.open)
    let third = try LoadedPlan(Self.open)
    #expect(first.digest.count == 64)
    #expect(first.digest == second.digest)
    #expect(first.digest != third.digest)
    let set = try TestSet(TestEngine())
    try set.use(first)
    #expect(set.digest == first.digest)
    #expect(try TestWorker(set.engine).decide(set, Self.get).plan == first.digest)
  }

  /// A plan that nobody but its set holds; nil once it is freed.
  private final class Watched {
    weak var plan: Plan?

    init(_ set: TestSet, _ document: String) throws {
      let loaded = try LoadedPlan(document)
      plan = Unmanaged<Plan>.fromOpaque(UnsafeRawPointer(loaded.handle)).takeUnretainedValue()
      try set.use(loaded)
    }

    var isAlive: Bool { plan != nil }
  }

  @Test func anOldPlanIsFreedAtOnceWhenNobodyUsesIt() throws {
    let set = try TestSet(TestEngine())
    let worker = try TestWorker(set.engine)
    let old = try Watched(set, Self.open)
    _ = try worker.decide(set, Self.get)
    #expect(old.isAlive)
    // The worker is idle and has met the plan: that does not hold it.
    let new = try Watched(set, Self.closed)
    #expect(!old.isAlive)
    #expect(new.isAlive)
  }

  @Test func anOldPlanIsFreedWhenItsLastRequestEnds() throws {
    let set = try TestSet(TestEngine())
    let workers = try (0..<3).map { _ in try TestWorker(set.engine) }
    let old = try Watched(set, Self.open)
    var requests: [TestRequest] = []
    for worker in workers { for _ in 0..<5 { requests.append(try TestRequest(worker, set, Self.get)) } }
    for request in requests.prefix(7) { try request.check() }
    let next = try Watched(set, Self.closed)
    let last = try Watched(set, Self.open + "# again\n")
    #expect(!next.isAlive, "nobody began with it")
    while requests.count > 1 {
      try requests.remove(at: requests.count / 2).end()
      #expect(old.isAlive)
    }
    try requests[0].end()
    #expect(!old.isAlive)
    #expect(last.isAlive)
  }

  @Test func manyPlansMayBePinnedAtOnce() throws {
    let set = try TestSet(TestEngine())
    let worker = try TestWorker(set.engine)
    var plans: [Watched] = []
    var requests: [(TestRequest, Bool)] = []
    for number in 0..<50 {
      let opens = number % 3 != 0
      plans.append(try Watched(set, (opens ? Self.open : Self.closed) + "# \(number)\n"))
      requests.append((try TestRequest(worker, set, Self.get), opens))
    }
    for (index, (request, opens)) in requests.enumerated() {
      #expect(plans[index].isAlive)
      #expect(try request.check().allows == opens)
    }
    for index in requests.indices.dropLast() {
      try requests[index].0.end()
      #expect(!plans[index].isAlive)
    }
    #expect(plans[49].isAlive)
  }

  @Test func aSetOrWorkerInUseIsNotFreed() throws {
    let engine = try TestEngine()
    let set = try TestSet(engine)
    let worker = try TestWorker(engine)
    try set.load(Self.open)
    let request = try TestRequest(worker, set, Self.get)
    try request.check()
    #expect(purser_policy_set_free(set.handle) == PURSER_BUSY)
    #expect(purser_worker_free(worker.handle) == PURSER_BUSY)
    #expect(purser_engine_free(engine.handle) == PURSER_BUSY)
    // Nothing was done: the set serves on.
    #expect(try worker.decide(set, Self.get).allows)
    try set.load(Self.closed)
    #expect(purser_policy_set_free(set.handle) == PURSER_BUSY, "a request still uses the plan before")
    #expect(try worker.decide(set, Self.get).status == 451)
    try request.end()
  }

  @Test func twoSetsAndTwoEnginesDoNotDisturbEachOther() throws {
    let engine = try TestEngine()
    let first = try TestSet(engine, "first")
    let second = try TestSet(engine, "second")
    let plan = try LoadedPlan(Self.open)
    try first.use(plan)
    try second.load(Self.closed)
    let elsewhere = try TestSet(TestEngine())
    try elsewhere.use(plan)
    let worker = try TestWorker(engine)
    let away = try TestWorker(elsewhere.engine)
    #expect(try worker.decide(first, Self.get).allows)
    #expect(try worker.decide(second, Self.get).status == 451)
    #expect(try away.decide(elsewhere, Self.get).allows)
    #expect(throws: Refused.self) { try TestRequest(away, first, Self.get) }
    // Requests of both sets open at once, and one set reloaded under them.
    let one = try TestRequest(worker, first, Self.get)
    let two = try TestRequest(worker, second, Self.get)
    try first.load(Self.closed)
    #expect(try one.check().allows)
    #expect(try two.check().status == 451)
    #expect(try away.decide(elsewhere, Self.get).allows)
    #expect(try worker.decide(first, Self.get).status == 451)
    #expect(try engine.metrics().contains("purser_checks_total{verdict=\"allow\"} 2\n"))
    #expect(try elsewhere.engine.metrics().contains("purser_checks_total{verdict=\"allow\"} 2\n"))
  }

  @Test func aDecisionUnderReloadBelongsWhollyToOnePlan() throws {
    let set = try TestSet(TestEngine())
    let old = try churn(set)
    // All requests have ended, and whoever was the last of a replaced plan freed it.
    #expect(old[0].plan == nil)
    #expect(old[1].plan != nil, "the current one")
    try set.load(Self.open + "# last\n")
    for plan in old { #expect(plan.plan == nil) }
  }

  private struct WeakPlan {
    weak var plan: Plan?

    init(_ loaded: LoadedPlan) {
      plan = Unmanaged<Plan>.fromOpaque(UnsafeRawPointer(loaded.handle)).takeUnretainedValue()
    }
  }

  /// Three threads check while a fourth swaps two plans that always disagree. The plans, which are gone from here.
  private func churn(_ set: TestSet) throws -> [WeakPlan] {
    let plans = [try LoadedPlan(Self.open), try LoadedPlan(Self.closed)]
    let wrong = Collected<String>()
    var whole: [Found] = []
    do {
      let worker = try TestWorker(set.engine)
      for plan in plans {
        try set.use(plan)
        whole.append(try worker.decide(set, Self.get))
      }
    }
    #expect(whole[0].allows && whole[1].status == 451)
    let expected = whole
    let isDone = Collected<Bool>()
    let allowed = Counter()
    let denied = Counter()
    let checker: @Sendable () -> Void = {
      do {
        let worker = try TestWorker(set.engine)
        var waiting: [TestRequest] = []
        var round = 0
        while isDone.all.isEmpty {
          let request = try TestRequest(worker, set, Self.get)
          // Every third stays open for a while, so that old plans stay pinned.
          let found = try request.check()
          if !expected.contains(found) { wrong.add("\(found)") }
          (found.allows ? allowed : denied).add()
          if round % 3 == 0 { waiting.append(request) }
          if waiting.count > 20 {
            let oldest = waiting.removeFirst()
            if !expected.contains(try Found(of: oldest.handle)) { wrong.add("late") }
            try oldest.report()
          }
          round += 1
        }
      } catch {
        wrong.add("\(error)")
      }
    }
    let reloader: @Sendable () -> Void = {
      do {
        for number in 0..<400 {
          // Now and then from the documents, which makes a plan of its own.
          if number % 40 == 0 {
            try set.load(number % 80 == 0 ? Self.open : Self.closed)
          } else {
            try set.use(plans[number % 2])
          }
          // Until each checker has ended the check that it was in, and one more is done: all plans are met.
          let enough = allowed.value + denied.value + 4
          while allowed.value + denied.value < enough, wrong.all.isEmpty { sched_yield() }
        }
      } catch {
        wrong.add("\(error)")
      }
      isDone.add(true)
    }
    onThreads([checker, checker, checker, reloader])
    #expect(wrong.all.isEmpty, "\(wrong.all.prefix(3))")
    #expect(allowed.value >= 200 && denied.value >= 200)
    return plans.map(WeakPlan.init)
  }

  @Test func workersMayComeAndGoWhileOthersReload() throws {
    let set = try TestSet(TestEngine())
    let plans = [try LoadedPlan(Self.open), try LoadedPlan(Self.closed)]
    try set.use(plans[0])
    let wrong = Collected<String>()
    let checker: @Sendable () -> Void = {
      do {
        for _ in 0..<100 {
          let worker = try TestWorker(set.engine)
          let found = try worker.decide(set, Self.get)
          if found.allows != (found.status == 200) || found.audits.count != 1 { wrong.add("\(found)") }
        }
      } catch {
        wrong.add("\(error)")
      }
    }
    let reloader: @Sendable () -> Void = {
      for number in 0..<200 {
        do { try set.use(plans[number % 2]) } catch { wrong.add("\(error)") }
      }
    }
    onThreads([checker, checker, reloader, reloader])
    #expect(wrong.all.isEmpty, "\(wrong.all.prefix(3))")
  }
}
