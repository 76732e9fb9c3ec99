import Purser
import Testing

@Suite struct ConcurrencyTests {
  @Test(arguments: [nil, 1, 3])
  func manyTasksCheckAndReportWithOneSet(workers: Int?) async throws {
    var options = Engine.Options()
    options.workers = workers
    let set = try policies(readers + counting, options)
    let tasks = 32
    let rounds = 200
    try await withThrowingTaskGroup(of: Int.self) { group in
      for task in 0..<tasks {
        group.addTask {
          var allowed = 0
          var held: [Decision] = []
          for round in 0..<rounds {
            let method = (task + round) % 3 == 0 ? "PUT" : "GET"
            var request = Request(method: method, path: "/\(task)/\(round)")
            request.headers["x-user"] = "user \(task)"
            let decision = try await set.check(request)
            guard decision.isAllowed == (method == "GET"), decision.request[.requestPath] == "/\(task)/\(round)" else {
              Issue.record("another task's answer")
              continue
            }
            if decision.isAllowed { allowed += 1 }
            held.append(decision)
            // Some are held across suspensions, and reported out of order, perhaps by another thread.
            if round % 7 == 0 {
              await Task.yield()
              for decision in held.reversed() { try decision.report(Response(code: decision.status)) }
              held = []
            }
          }
          for decision in held { try decision.report(Response(code: decision.status)) }
          return allowed
        }
      }
      var allowed = 0
      for try await count in group { allowed += count }
      #expect(try set.engine.sum(of: "requests_total", where: #"verdict="allow""#) == Double(allowed))
      #expect(try set.engine.sum(of: "requests_total") == Double(tasks * rounds))
    }
  }

  @Test func aReloadSwapsUnderTraffic() async throws {
    let set = try policies(readers + counting)
    let writers = readers.replacing("GET", with: "PUT") + counting
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<8 {
        group.addTask {
          while !Task.isCancelled {
            let get = try await set.check(Request(method: "GET", path: "/"))
            let put = try await set.check(Request(method: "PUT", path: "/"))
            await Task.yield()
            // Whatever plan decided, it decided whole: it allows one of the two methods.
            let first = try await set.check(Request(method: "GET", path: "/"))
            if get.plan == put.plan { #expect(get.isAllowed != put.isAllowed) }
            if get.plan == first.plan { #expect(get.isAllowed == first.isAllowed) }
            for decision in [put, get, first] { try decision.report(Response(code: decision.status)) }
          }
        }
      }
      for round in 0..<60 {
        try set.load(documents: [Document(name: "a.yaml", text: round % 2 == 0 ? writers : readers + counting)])
        #expect(throws: LoadError.self) { try set.load(documents: [Document(name: "b.yaml", text: "kind: Nothing")]) }
        await Task.yield()
      }
      group.cancelAll()
      try await group.waitForAll()
    }
    #expect(try set.engine.sum(of: "requests_total") > 0)
  }

  @Test func decisionsOutliveTheirSetAndEngine() async throws {
    var decisions: [Decision] = []
    for _ in 0..<20 {
      let set = try policies(readers + counting)
      for method in ["GET", "PUT"] { decisions.append(try await set.check(Request(method: method, path: "/"))) }
      try set.load(documents: [Document(name: "a.yaml", text: readers.replacing("GET", with: "PUT"))])
    }
    await withTaskGroup(of: Void.self) { group in
      for decision in decisions {
        group.addTask {
          #expect(decision.isAllowed == (decision.request[.requestMethod] == "GET"))
          #expect(decision.rule?.name == (decision.isAllowed ? "readers" : nil))
          #expect(throws: Never.self) { try decision.report(Response(code: decision.status)) }
        }
      }
      decisions = []
    }
  }

  @Test func aCheckThatNeedNotWaitStaysOnItsActor() async throws {
    let set = try policies(readers)
    let isAllowed = try await Task { @MainActor in
      let decision = try await set.check(Request(method: "GET", path: "/"))
      MainActor.assertIsolated()
      return decision.isAllowed
    }.value
    #expect(isAllowed)
    #expect(try set.checkNow(Request(method: "PUT", path: "/")).verdict == .deny)
  }
}
