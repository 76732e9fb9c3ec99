import CPlatform
import Foundation
import Testing

@testable import PurserProviders

func platformNow() -> Int64 { platform_monotonic_nanoseconds() }

@Suite(.enabled(if: Servers.areThere, "PyPI could not be reached")) struct PoolTests {
  @Test func equalSettingsShareAClient() throws {
    let pool = try #require(ProviderPool())
    defer { pool.close() }
    let settings = ProviderSettings.opa(try Servers.faults.get(), "/ok")
    let first = try pool.acquire(settings)
    #expect(try pool.acquire(settings) === first)
    #expect(try pool.acquire(settings.with { $0.inFlightMax = 1 }) !== first)
    pool.release(first)
    #expect(try pool.acquire(settings) === first)
    pool.release(first)
    pool.release(first)
    #expect(try pool.acquire(settings) !== first)
  }

  @Test func tooManyAreRefusedAtOnce() throws {
    let asker = try Asker(ProviderSettings.opa(Servers.faults.get(), "/hang").with { $0.inFlightMax = 3 })
    let answers = Answers()
    let tokens = (0..<3).map { _ in
      asker.pool.ask(asker.client, ProviderQuestion(values: [])) { answers.take($0) }
    }
    #expect(try asker.ask().failure == .overloaded)
    #expect(asker.statistics.failed(.overloaded) == 1)
    #expect(asker.statistics.inFlight == 3)
    answers.expect(3)
    for token in tokens { asker.pool.cancel(token) }
    #expect(answers.wait().map(\.failure) == [.cancelled, .cancelled, .cancelled])
    #expect(asker.statistics.inFlight == 0)
  }

  @Test func cancellingWhatHasEndedDoesNothing() throws {
    let asker = try Asker(.opa(Servers.faults.get(), "/ok"))
    let answers = Answers()
    answers.expect(1)
    let token = asker.pool.ask(asker.client, ProviderQuestion(values: [])) { answers.take($0) }
    _ = answers.wait()
    asker.pool.cancel(token)
    #expect(try asker.ask().document != nil)
    #expect(answers.count == 1)
  }

  @Test func closingCompletesEveryQuestionOnce() throws {
    let pool = try #require(ProviderPool())
    let http = try pool.acquire(.opa(try Servers.faults.get(), "/hang"))
    let grpc = try pool.acquire(.grpc(try Servers.h2.get(), [], authority: "hang"))
    let answers = Answers()
    answers.expect(40)
    for _ in 0..<20 {
      pool.ask(http, ProviderQuestion(values: [])) { answers.take($0) }
      pool.ask(grpc, ProviderQuestion(values: [])) { answers.take($0) }
    }
    pool.close()
    #expect(answers.count == 40)
    #expect(answers.wait().allSatisfy { $0.failure == .closed })
    #expect(pool.statistics(http).inFlight == 0)
    #expect(pool.statistics(grpc).inFlight == 0)
    answers.expect(1)
    pool.ask(http, ProviderQuestion(values: [])) { answers.take($0) }
    #expect(answers.wait().count == 41)
    #expect(throws: ProviderError.self) { try pool.acquire(.opa(try Servers.faults.get(), "/ok")) }
    pool.close()
  }

  @Test func closingInTheMidstOfAsking() throws {
    let pool = try #require(ProviderPool())
    let client = try pool.acquire(.opa(try Servers.faults.get(), "/ok"))
    let answers = Answers()
    answers.expect(400)
    let asking = (0..<4).map { _ in
      let thread = Thread {
        for _ in 0..<100 { pool.ask(client, ProviderQuestion(values: [])) { answers.take($0) } }
      }
      thread.start()
      return thread
    }
    pool.close()
    #expect(answers.wait().count == 400)
    #expect(asking.count == 4)
    #expect(answers.wait().allSatisfy { $0.document != nil || [.closed, .overloaded].contains($0.failure) })
  }

  @Test func aPoolThatWasNeverUsedCloses() throws { try #require(ProviderPool()).close() }

  @Test func aCompletionMayAskAgain() throws {
    let asker = try Asker(.opa(Servers.faults.get(), "/ok"))
    let answers = Answers()
    answers.expect(2)
    let (pool, client) = (asker.pool, asker.client)
    pool.ask(client, ProviderQuestion(values: [])) { first in
      answers.take(first)
      pool.ask(client, ProviderQuestion(values: [])) { answers.take($0) }
    }
    #expect(answers.wait().filter { $0.document != nil }.count == 2)
  }

  @Test func aProviderThatFailsTooOftenRestsAndIsTriedAgain() throws {
    let server = try Servers.python("fault_server.py")
    let asker = try Asker(
      ProviderSettings.opa(server, "/close").with {
        $0.circuit = CircuitSettings(failures: 3, openNanoseconds: 300_000_000)
      })
    for _ in 0..<3 { #expect(try asker.ask().failure == .reset) }
    #expect(asker.statistics.circuit == .open)
    #expect(try asker.ask().failure == .circuitOpen)
    #expect(asker.statistics.circuitOpened == 1)
    // The time passes while a question that is refused says so; the first one that is not is the probe.
    let end = platformNow() + 20_000_000_000
    var reply = try asker.ask()
    while reply.failure == .circuitOpen, platformNow() < end { reply = try asker.ask() }
    #expect(reply.failure == .reset)
    #expect(asker.statistics.circuit == .open)
    #expect(asker.statistics.circuitOpened == 2)
  }

  @Test func answersThatAreOfNoUseDoNotLeaveTheProviderAlone() throws {
    for (path, failure) in [("/failing", ProviderFailure.provider), ("/huge", .tooLarge), ("/json/large", .unusable)] {
      let asker = try Asker(
        ProviderSettings.opa(Servers.faults.get(), path).with { $0.circuit = CircuitSettings(failures: 1) })
      for _ in 0..<3 { #expect(try asker.ask().failure == failure) }
      #expect(asker.statistics.circuit == .closed)
    }
  }

  @Test func anAskerInAHurrySaysNothingAboutTheProvider() throws {
    let asker = try Asker(
      ProviderSettings.opa(Servers.faults.get(), "/hang").with { $0.circuit = CircuitSettings(failures: 1) })
    for _ in 0..<3 { #expect(try asker.ask(deadline: platformNow() + 1_000_000).failure == .timeout) }
    #expect(asker.statistics.circuit == .closed)
  }

  @Test func badSettingsAreNamed() throws {
    let pool = try #require(ProviderPool())
    defer { pool.close() }
    func problem(_ change: (inout ProviderSettings) -> Void) -> String {
      let settings = ProviderSettings(
        interface: .opa(OPASettings(path: "/v1/data/x", fields: [])), endpoint: .tcp(host: "localhost", port: 1)
      ).with(change)
      do throws(ProviderError) {
        _ = try pool.acquire(settings)
        return ""
      } catch {
        return error.message
      }
    }
    #expect(problem { _ in } == "")
    #expect(problem { $0.timeoutNanoseconds = 0 }.contains("timeout"))
    #expect(problem { $0.inFlightMax = 0 }.contains("under way"))
    #expect(problem { $0.responseBytesMax = 1 << 40 }.contains("16 MiB"))
    #expect(problem { $0.endpoint = .tcp(host: "a/b", port: 1) }.contains("`a/b:1`"))
    #expect(problem { $0.endpoint = .unix(path: "x") }.contains("Unix socket"))
    #expect(problem { $0.tls = ProviderTLS(certificateFile: "c") }.contains("go together"))
    #expect(problem { $0.interface = .opa(OPASettings(path: "x y", fields: [])) }.contains("`x y`"))
    #expect(problem { $0.interface = .opa(OPASettings(path: "/", fields: ["a", "a"])) }.contains("twice"))
    #expect(
      problem { $0.interface = .extAuthzHTTP(ExtAuthzHTTPSettings(fields: [.header("Content-Length")])) }
        .contains("`Content-Length`"))
    #expect(
      problem { $0.interface = .extAuthzGRPC(ExtAuthzGRPCSettings(fields: [.requestHeader("a b")])) }
        .contains("`a b`"))
  }
}
