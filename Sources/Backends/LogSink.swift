// Where finished log records go. Only the exporter's thread calls a sink, so a sink needs no lock of its own.

import CPlatform

/// A place for lines. Each line ends with a newline.
public class LogSink: @unchecked Sendable {
  init() {}

  func write(_ line: UnsafeBufferPointer<UInt8>) {}

  /// Ends a round: nothing may be held back any longer. Returns how many lines were lost since the last round.
  func finishRound() -> Int { 0 }

  /// The last round is over: nothing is written any more.
  func close() {}
}

/// Keeps the lines, for tests and for who wants to show them.
public final class MemorySink: LogSink, @unchecked Sendable {
  private let lock: OpaquePointer
  private let linesMax: Int
  private var kept: [String] = []
  private var lost = 0

  /// Nil without memory. Past `linesMax` lines are lost, and counted.
  public init?(linesMax: Int = 100_000) {
    guard let lock = platform_lock_make() else { return nil }
    self.lock = lock
    self.linesMax = linesMax
    super.init()
  }

  deinit { platform_lock_free(lock) }

  /// The lines so far, without their newlines.
  public var lines: [String] {
    platform_lock_acquire(lock)
    defer { platform_lock_release(lock) }
    return kept
  }

  override func write(_ line: UnsafeBufferPointer<UInt8>) {
    platform_lock_acquire(lock)
    defer { platform_lock_release(lock) }
    guard kept.count < linesMax else {
      lost &+= 1
      return
    }
    kept.append(String(decoding: line.dropLast(), as: UTF8.self))
  }

  override func finishRound() -> Int {
    let result = lost
    lost = 0
    return result
  }
}
