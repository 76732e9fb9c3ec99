// The servers that are asked: real ones, and ones that misbehave. Each ends when this process does.

import CPlatform
import Foundation
import PurserProviders
import Testing

/// One that a script runs: it prints its port and ends when its standard input does.
final class Server: @unchecked Sendable {
  let port: UInt16
  private let process = Process()
  private let input = Pipe()

  init(_ command: [String]) throws {
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    var line = ""
    while !line.hasSuffix("\n") {
      let more = output.fileHandleForReading.availableData
      guard !more.isEmpty else { throw ProviderError("\(command) did not start") }
      line += String(decoding: more, as: UTF8.self)
    }
    port = try #require(UInt16(line.trimmingCharacters(in: .whitespacesAndNewlines)))
  }

  deinit { stop() }

  func stop() {
    try? input.fileHandleForWriting.close()
    process.waitUntilExit()
  }
}

/// A folder that goes away with the test.
final class Folder: Sendable {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "purser-" + UUID().uuidString.prefix(8)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}

enum Servers {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/servers"
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path

  /// Where code and certificates are; nil where PyPI cannot be reached.
  static let made: String? = {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: folder + "/prepare.sh")
    process.standardOutput = output
    do { try process.run() } catch { return nil }
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    // Anything but "no network" is a fault of ours.
    if process.terminationStatus == 75 { return nil }
    return process.terminationStatus == 0 ? text.trimmingCharacters(in: .newlines) : "/prepare.sh failed"
  }()

  static var areThere: Bool { made != nil }

  static func python(_ script: String, _ arguments: [String] = []) throws -> Server {
    try Server([root + "/build/providers-venv/bin/python", "-B", folder + "/" + script] + arguments)
  }

  static func certificate(_ name: String) throws -> String { try #require(made) + "/certificates/" + name }

  static func stubs() throws -> String { try #require(made) + "/stubs" }

  static func nginx(in place: Folder) throws -> Server {
    try Server([folder + "/nginx.sh", place.path, try #require(made) + "/certificates"])
  }

  static let faults = Result { try python("fault_server.py") }
  static let h2 = Result { try python("h2_server.py") }
  static let grpc = Result { try python("grpc_server.py", [try stubs()]) }
  static let opa = Result { try python("opa_server.py") }
}

/// A pool with one client, asked and waited for.
final class Asker: Sendable {
  let pool: ProviderPool
  let client: ProviderClient

  init(_ settings: ProviderSettings) throws {
    pool = try #require(ProviderPool())
    client = try pool.acquire(settings)
  }

  deinit { pool.close() }

  var statistics: ProviderStatistics { pool.statistics(client) }

  func ask(_ values: FieldValue..., deadline: Int64? = nil) throws -> ProviderReply {
    let answers = Answers()
    answers.expect(1)
    pool.ask(client, ProviderQuestion(values: values), deadline: deadline) { answers.take($0) }
    return try #require(answers.wait().first)
  }
}

/// Replies as they come, from any thread.
final class Answers: @unchecked Sendable {
  private let condition = NSCondition()
  private var replies: [ProviderReply] = []
  private var expected = 0

  func expect(_ count: Int) { condition.withLock { expected += count } }

  func take(_ reply: ProviderReply) {
    condition.withLock {
      replies.append(reply)
      condition.broadcast()
    }
  }

  var count: Int { condition.withLock { replies.count } }

  /// All that are expected; fewer when half a minute passes without them.
  func wait() -> [ProviderReply] {
    let end = Date(timeIntervalSinceNow: 30)
    return condition.withLock {
      while replies.count < expected, condition.wait(until: end) {}
      return replies
    }
  }
}

extension ProviderReply {
  var failure: ProviderFailure? {
    if case .failure(let failure, _) = outcome { return failure }
    return nil
  }

  var text: String {
    if case .failure(_, let text) = outcome { return text }
    return ""
  }

  var document: FieldValue? {
    if case .document(let document) = outcome { return document }
    return nil
  }

  /// `upstream set x-user: ann`, one for each change.
  var changes: [String] {
    headerChanges.map { change in
      let target = change.target == .upstreamRequest ? "upstream" : "client"
      let value = String(decoding: change.value, as: UTF8.self)
      return "\(target) \(change.operation) \(String(decoding: change.name, as: UTF8.self))"
        + (change.operation == .remove ? "" : ": \(value)")
    }
  }
}

extension ProviderSettings {
  static func opa(_ server: Server, _ path: String, _ fields: [String] = []) -> ProviderSettings {
    ProviderSettings(
      interface: .opa(OPASettings(path: path, fields: fields)),
      endpoint: .tcp(host: "127.0.0.1", port: server.port)
    ).patient
  }

  static func grpc(_ server: Server, _ fields: [ExtAuthzField] = [.requestPath], authority: String? = nil)
    -> ProviderSettings
  {
    ProviderSettings(
      interface: .extAuthzGRPC(ExtAuthzGRPCSettings(fields: fields, authority: authority)),
      endpoint: .tcp(host: "127.0.0.1", port: server.port)
    ).patient
  }

  static func http(_ server: Server, _ prefix: String) -> ProviderSettings {
    ProviderSettings(
      interface: .extAuthzHTTP(ExtAuthzHTTPSettings(fields: [], pathPrefix: prefix, upstreamHeaders: ["*"])),
      endpoint: .tcp(host: "127.0.0.1", port: server.port)
    ).patient
  }

  /// For machines that are busy with other things.
  var patient: ProviderSettings {
    var settings = self
    settings.timeoutNanoseconds = 20_000_000_000
    settings.circuit = nil
    return settings
  }

  func with(_ change: (inout ProviderSettings) -> Void) -> ProviderSettings {
    var settings = self
    change(&settings)
    return settings
  }
}
