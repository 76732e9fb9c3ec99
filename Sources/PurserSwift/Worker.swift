// Workers, and the pool of them.
//
//   task ─► pool: the worker this thread tries first, or one that is free ─► lock ─► check ─► unlock
//   task ─► decision ─► its worker ─► lock ─► report ─► unlock
//
// A worker is the memory of one thread at a time. There are as many as processors, so a check finds one free. A lock is
// held for the length of one call of the library: some microseconds, and never across a suspension.

import CPurser
import Glibc
import Synchronization

final class Worker: @unchecked Sendable {
  /// Request memory that is kept for the next request; more than this is given back to the system.
  static let spareMax = 64

  /// Kept until the worker is gone.
  let engine: EngineHandle
  let handle: OpaquePointer
  let lock = Mutex<Void>(())
  // INVARIANT: what follows is used with the lock held.
  private var spare: [OpaquePointer] = []
  private var customNames: [String] = []

  init(of engine: EngineHandle) throws(EngineError) {
    var handle: OpaquePointer?
    try EngineError.check(purser_worker_new(engine.handle, &handle))
    guard let handle else { throw .unavailable }
    self.engine = engine
    self.handle = handle
    spare.reserveCapacity(Worker.spareMax)
  }

  deinit {
    // Requests keep their worker, so none is open now.
    for memory in spare { UnsafeMutableRawPointer(memory).deallocate() }
    _ = purser_worker_free(handle)
  }

  func takeMemory() -> OpaquePointer {
    spare.popLast()
      ?? OpaquePointer(UnsafeMutableRawPointer.allocate(byteCount: purser_request_size(), alignment: 16))
  }

  func giveBack(_ memory: OpaquePointer) {
    if spare.count < Worker.spareMax {
      spare.append(memory)
    } else {
      UnsafeMutableRawPointer(memory).deallocate()
    }
  }

  /// The name that has this number in the engine. A copy of the engine's list is kept here, so that callbacks of
  /// several workers do not meet at one lock.
  func customName(_ number: UInt32) -> String? {
    let index = Int(number &- PURSER_ATTRIBUTE_CUSTOM_FIRST)
    // A place may be known and not yet named: another set's load is under way.
    if index >= customNames.count || customNames[index].isEmpty { customNames = engine.customNames.withLock { $0 } }
    guard index < customNames.count, !customNames[index].isEmpty else { return nil }
    return customNames[index]
  }
}

final class WorkerPool: Sendable {
  static let countMax = 1024

  // INVARIANT: not empty.
  private let workers: [Worker]

  init(of engine: EngineHandle, count: Int?) throws(EngineError) {
    let count = count ?? max(sysconf(CInt(_SC_NPROCESSORS_ONLN)), 1)
    var workers = [try Worker(of: engine)]
    while workers.count < min(count, WorkerPool.countMax) { workers.append(try Worker(of: engine)) }
    self.workers = workers
  }

  /// The same for a thread as long as it runs, and mostly another for another thread: so a thread comes back to a
  /// worker whose memory it has in its caches.
  private static var hint: Int {
    // Threads' own blocks lie pages apart, so the lowest bits say nothing.
    let address = UInt64(UInt(pthread_self())) >> 12
    return Int(truncatingIfNeeded: (address &* 0x9E37_79B9_7F4A_7C15) >> 33)
  }

  /// Runs `body` with a worker that nobody else has meanwhile: the given one, or any.
  func withWorker<Result: Sendable>(_ given: Worker?, _ body: (Worker) -> Result) -> Result {
    if let given { return given.lock.withLock { _ in body(given) } }
    let start = WorkerPool.hint % workers.count
    var index = start
    repeat {
      let worker = workers[index]
      if let result = worker.lock.withLockIfAvailable({ _ in body(worker) }) { return result }
      index = (index &+ 1) % workers.count
    } while index != start
    // More threads than workers: wait for one.
    let worker = workers[start]
    return worker.lock.withLock { _ in body(worker) }
  }
}
