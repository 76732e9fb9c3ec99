// The report of one request. It runs once: when the response is written or could not be written to its end, or, should
// nobody ever write it, when the response is dropped.

import HTTPTypes
import Hummingbird
import Purser
import Synchronization

final class PendingReport: Sendable {
  private struct Known {
    var response = Purser.Response()
    var size = 0
    var isDone = false
  }

  private let decision: Decision
  private let started: ContinuousClock.Instant
  private let known = Mutex(Known())

  init(of decision: Decision, for request: Hummingbird.Request, since started: ContinuousClock.Instant) {
    self.decision = decision
    self.started = started
  }

  deinit { run() }

  /// The response, changed so that writing it reports it.
  func afterwards(_ response: Hummingbird.Response, endpoint: String? = nil) -> Hummingbird.Response {
    learn(code: response.status.code, endpoint: endpoint)
    known.withLock { $0.response.headers = Headers(response.headers) }
    var response = response
    let body = response.body
    response.body = ResponseBody(contentLength: body.contentLength) { [self] writer in
      defer { run() }
      try await body.write(CountingWriter(writer: writer, report: self))
    }
    return response
  }

  /// A response that is made elsewhere.
  func run(code: Int, endpoint: String?) {
    learn(code: code, endpoint: endpoint)
    run()
  }

  private func learn(code: Int, endpoint: String?) {
    known.withLock { known in
      known.response[.responseCode] = code
      known.response[.apiOperation] = endpoint
    }
  }

  func wrote(_ bytes: Int) { known.withLock { $0.size += bytes } }

  func sent(trailers: HTTPFields?) {
    guard let trailers else { return }
    known.withLock { $0.response.trailers = Headers(trailers) }
  }

  private func run() {
    let response: Purser.Response? = known.withLock { known in
      guard !known.isDone else { return nil }
      known.isDone = true
      known.response[.responseSize] = known.size
      return known.response
    }
    guard var response else { return }
    response[.responseTime] = .now
    response[.requestDuration] = started.duration(to: .now)
    // It fails in a forked child only, where there is nobody to tell.
    try? decision.report(response)
  }
}

/// Counts what passes.
private struct CountingWriter: ResponseBodyWriter {
  var writer: any ResponseBodyWriter
  let report: PendingReport

  mutating func write(_ buffer: ByteBuffer) async throws {
    report.wrote(buffer.readableBytes)
    try await writer.write(buffer)
  }

  mutating func write(contentsOf buffers: some Sequence<ByteBuffer>) async throws {
    for buffer in buffers { try await write(buffer) }
  }

  consuming func finish(_ trailingHeaders: HTTPFields?) async throws {
    report.sent(trailers: trailingHeaders)
    try await writer.finish(trailingHeaders)
  }
}
