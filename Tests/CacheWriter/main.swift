// A process that shares a check cache with others: what the tests of CheckCacheTests start, and kill.
//
//   cachewriter write FOLDER SEED    writes answers and looks for them until it is killed, or at times ends in good order
//   cachewriter fork FOLDER          forks while its cache is open; both processes look
//
// The answer to `key-N` always ends with `key-N`. Status 3: another one was found. Other statuses name the step that failed.

import CPlatform
import PurserCheckCache

func makeCache(_ folder: String) -> (CheckCache, WorkerCache)? {
  var options = CheckCacheOptions(directory: folder)
  options.storeBytes = 1 << 20
  guard let cache = CheckCache.open(options), let worker = cache.makeWorker(bytes: 16 << 10) else { return nil }
  return (cache, worker)
}

func put(_ cache: CheckCache, _ key: [UInt8], _ value: [UInt8]) {
  key.withUnsafeBytes { key in
    value.withUnsafeBytes { value in
      let now = platform_wall_nanoseconds()
      let stamp = cache.epochs(policy: UnsafeRawBufferPointer(start: nil, count: 0))
      cache.put(CacheEntry(key: key, value: value, askedAt: now, freshUntil: now &+ 600_000_000_000, stamp: stamp))
    }
  }
}

/// Nil for a miss.
func find(_ worker: WorkerCache, _ key: [UInt8]) -> [UInt8]? {
  key.withUnsafeBytes { key in
    let hit = worker.find(key: key, now: platform_wall_nanoseconds())
    return hit.state == .miss ? nil : Array(hit.value)
  }
}

func write(_ folder: String, _ seed: UInt64) -> Int32 {
  guard let (cache, worker) = makeCache(folder) else { return 2 }
  var state = seed
  var round: UInt64 = 0
  while true {
    round &+= 1
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    let key = Array("key-\((state >> 33) % 5000)".utf8)
    if let value = find(worker, key) {
      guard value.count >= key.count, value.suffix(key.count).elementsEqual(key) else { return 3 }
    } else {
      put(
        cache, key, Array(repeating: UInt8(ascii: "x"), count: Int(state >> 60) * 20) + Array("\(round) of ".utf8) + key
      )
    }
    guard round % 4096 == 0 else { continue }
    if state >> 62 == 0 { break }
    try? cache.purge(tag: UnsafeRawBufferPointer(start: nil, count: 0))
  }
  worker.free()
  cache.close()
  return 0
}

func forkWhileOpen(_ folder: String) -> Int32 {
  typealias Fork = @convention(c) () -> Int32
  typealias Wait = @convention(c) (Int32, UnsafeMutablePointer<Int32>, Int32) -> Int32
  typealias Leave = @convention(c) (Int32) -> Void
  guard let fork = platform_find_symbol(nil, "fork"), let wait = platform_find_symbol(nil, "waitpid"),
    let leave = platform_find_symbol(nil, "_exit"), let (cache, worker) = makeCache(folder)
  else { return 2 }
  let key = Array("key".utf8)
  put(cache, key, Array("answer".utf8))
  guard cache.flush(), find(worker, key) == Array("answer".utf8) else { return 4 }

  let child = unsafeBitCast(fork, to: Fork.self)()
  if child == 0 {
    unsafeBitCast(leave, to: Leave.self)(useInChild(folder, cache, worker, key))
  }
  var status: Int32 = 0
  guard child > 0, unsafeBitCast(wait, to: Wait.self)(child, &status, 0) == child else { return 5 }
  guard status == 0 else { return status >> 8 & 0xff }
  // The parent goes on, and sees what the child wrote by a cache of its own.
  guard find(worker, key) == Array("answer".utf8), find(worker, Array("of the child".utf8)) != nil else { return 6 }
  put(cache, Array("later".utf8), [1])
  guard cache.flush(), cache.problem == nil else { return 7 }
  worker.free()
  cache.close()
  return cache.status == .closed ? 0 : 8
}

func useInChild(_ folder: String, _ cache: CheckCache, _ worker: WorkerCache, _ key: [UInt8]) -> Int32 {
  guard find(worker, key) == nil, cache.makeWorker(bytes: 4096) == nil, cache.problem != nil else { return 20 }
  put(cache, key, [1])
  guard cache.flush() else { return 21 }
  worker.free()
  cache.close()
  guard let (own, ownWorker) = makeCache(folder), own.flush() else { return 22 }
  guard case .ready(.joined) = own.status else { return 23 }
  guard find(ownWorker, key) == Array("answer".utf8) else { return 24 }
  put(own, Array("of the child".utf8), [1])
  guard own.flush() else { return 25 }
  ownWorker.free()
  own.close()
  return 0
}

let arguments = CommandLine.arguments
if arguments.count == 4, arguments[1] == "write", let seed = UInt64(arguments[3]) {
  exit(write(arguments[2], seed))
} else if arguments.count == 3, arguments[1] == "fork" {
  exit(forkWhileOpen(arguments[2]))
} else {
  exit(64)
}
