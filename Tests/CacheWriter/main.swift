// Writes answers to a shared cache and looks for them until it is killed: what the tests of CheckCacheTests kill.
//
//   cachewriter FOLDER SEED
//
// The answer to `key-N` always ends with `of key-N`; it says so and ends with status 3 when it finds another one.

import CPlatform
import PurserCheckCache

let arguments = CommandLine.arguments
guard arguments.count == 3, var state = UInt64(arguments[2]) else { exit(2) }
var options = CheckCacheOptions(directory: arguments[1])
options.storeBytes = 1 << 20
guard let cache = CheckCache.open(options), let worker = cache.makeWorker(bytes: 16 << 10) else { exit(2) }
var round: UInt64 = 0
while true {
  round &+= 1
  state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
  let key = Array("key-\((state >> 33) % 5000)".utf8)
  let now = platform_wall_nanoseconds()
  key.withUnsafeBytes { key in
    let hit = worker.find(key: key, now: now)
    if hit.state != .miss {
      guard hit.value.count >= key.count, hit.value.suffix(key.count).elementsEqual(key) else { exit(3) }
      return
    }
    let text = String(repeating: "x", count: Int(state >> 60) * 20) + "answer \(round) of " + String(decoding: key, as: UTF8.self)
    Array(text.utf8).withUnsafeBytes { value in
      let stamp = cache.epochs(policy: UnsafeRawBufferPointer(start: nil, count: 0))
      cache.put(
        CacheEntry(key: key, value: value, askedAt: now, freshUntil: now &+ 600_000_000_000, stamp: stamp))
    }
  }
  // Now and then as a proxy that ends in good order does.
  if round % 4096 == 0 {
    if state >> 62 == 0 { break }
    try? cache.purge(tag: UnsafeRawBufferPointer(start: nil, count: 0))
  }
}
worker.free()
cache.close()
