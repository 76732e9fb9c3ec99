import CEL
import CPlatform
import Foundation
import PurserTelemetry
import Testing

@testable import PurserBackends

/// A folder that goes away with the test.
final class Folder {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "purser-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { path + "/" + name }

  func read(_ name: String) -> String {
    FileManager.default.contents(atPath: file(name)).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }
}

/// A worker with a ring.
final class Worker {
  let registry: InstrumentRegistry
  let shard: UnsafeMutablePointer<Shard>
  let ring: UnsafeMutablePointer<LogRing>
  let definition: LogDefinition

  init(_ registry: InstrumentRegistry) throws {
    self.registry = registry
    shard = try #require(registry.makeShard())
    ring = try #require(LogRing.make(bytes: 0, shard: shard))
    definition = try #require(LogDefinition(fieldNames: ["n"]))
  }

  @discardableResult
  func log(_ number: Int, sink: UInt32) -> Bool {
    LogRing.begin(ring)
    LogRing.field(ring, key: definition.keys[0], .int(Int64(number)))
    return LogRing.commit(ring, sink: sink)
  }
}

extension LogSink {
  func write(_ text: String) {
    let bytes = Array(text.utf8)
    bytes.withUnsafeBufferPointer { write($0) }
  }
}
