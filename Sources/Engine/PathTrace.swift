// What to follow so that no change of a file or directory goes unseen, however it is reached: every directory in which
// a name of the way is looked up, through links, and the file at its end.
//
//   /etc/purser/a.yaml            a ConfigMap, mounted at /etc/purser
//    │   │      └─ link ..data/a.yaml ─► ..data ─ link ..2026_01 ─► ..2026_01/a.yaml
//    │   └─ names `a.yaml`, `..data`, `..2026_01`                      └─ name `a.yaml`, and the file itself
//    └─ name `purser`                                                     (in `/`: name `etc`)
//
// A name that is not there ends the way; its directory tells when it comes.

import CPlatform

/// A file or directory that documents are read from.
public struct FollowedPath: Sendable {
  public var path: String
  /// How names in a directory end that matter; names that begin with a dot never do.
  public var endings: [String]

  public init(path: String, endings: [String]) {
    self.path = path
    self.endings = endings
  }
}

/// What changes of one followed file or directory matter.
struct WatchInterest {
  var names: Set<String> = []
  var endings: [String] = []
  /// It is a file.
  var isFile = false

  func includes(_ name: String) -> Bool {
    if isFile || names.contains(name) { return true }
    if name.utf8.first == UInt8(ascii: ".") { return false }
    return endings.contains { WatchInterest.ends(name, with: $0) }
  }

  private static func ends(_ name: String, with ending: String) -> Bool {
    name.utf8.count >= ending.utf8.count && name.utf8.suffix(ending.utf8.count).elementsEqual(ending.utf8)
  }
}

/// One pass over the followed paths; it adds to `watch` as it goes, always before it looks.
struct PathTrace {
  /// More files and directories than this are not followed.
  static let watchesMax = 200_000
  private static let linksMax = 40
  private static let pathBytesMax = 4096

  private let watch: OpaquePointer
  private(set) var interests: [Int32: WatchInterest] = [:]
  /// Another number when another file is there, or one was written.
  private(set) var state: UInt64 = 1
  /// An errno number when something could not be followed for want of the system's memory or limits, else 0.
  private(set) var failure: Int32 = 0
  /// Directories of this pass, and whether files written in them are told; so that each is asked for once.
  private var directories: [String: (number: Int32, tellsWrites: Bool)] = [:]
  private var known: Set<String> = []

  init(_ watch: OpaquePointer) { self.watch = watch }

  mutating func follow(_ followed: FollowedPath) {
    guard !followed.path.utf8.contains(0) else { return }
    var reached = followed.path.utf8.first == UInt8(ascii: "/") ? "" : PathTrace.workingDirectory()
    var rest = PathTrace.names(of: followed.path)
    var links = 0
    while let name = rest.popLast() {
      if name == ".." {
        reached = PathTrace.parent(of: reached)
        continue
      }
      look(in: reached, for: name, tellsWrites: rest.isEmpty)
      let whole = reached + "/" + name
      if known.contains(whole) {
        reached = whole
        continue
      }
      var found: UInt64 = 0
      switch whole.withCString({ platform_path_look($0, &found) }) {
      case PLATFORM_PATH_DIRECTORY:
        known.insert(whole)
        reached = whole
      case PLATFORM_PATH_LINK:
        links &+= 1
        guard links <= PathTrace.linksMax, let target = PathTrace.target(of: whole) else { return mix(2) }
        if target.utf8.first == UInt8(ascii: "/") { reached = "" }
        rest.append(contentsOf: PathTrace.names(of: target))
      case PLATFORM_PATH_OTHER:
        // A name after a file leads nowhere.
        guard rest.isEmpty else { return mix(3) }
        follow(file: whole)
        return
      default:
        return mix(4)
      }
    }
    // A directory. What is in it are paths of their own.
    mix(5)
    guard let number = add(directory: reached, tellsWrites: true) else { return }
    var interest = interests[number] ?? WatchInterest()
    for ending in followed.endings where !interest.endings.contains(ending) { interest.endings.append(ending) }
    interests[number] = interest
  }

  private mutating func mix(_ word: UInt64) {
    state = (state ^ word) &* 0x9e37_79b9_7f4a_7c15
    state ^= state >> 29
  }

  private mutating func look(in directory: String, for name: String, tellsWrites: Bool) {
    guard let number = add(directory: directory, tellsWrites: tellsWrites) else { return }
    interests[number, default: WatchInterest()].names.insert(name)
  }

  private mutating func add(directory: String, tellsWrites: Bool) -> Int32? {
    if let known = directories[directory], known.tellsWrites || !tellsWrites {
      return known.number > 0 ? known.number : nil
    }
    let path = directory.isEmpty ? "/" : directory
    let number = add(path, tellsWrites ? PLATFORM_WATCH_WRITES : PLATFORM_WATCH_NAMES)
    directories[directory] = (number, tellsWrites)
    return number > 0 ? number : nil
  }

  private mutating func follow(file: String) {
    let number = add(file, PLATFORM_WATCH_FILE)
    if number > 0 { interests[number, default: WatchInterest()].isFile = true }
    var found: UInt64 = 0
    _ = file.withCString { platform_path_look($0, &found) }
    mix(found)
  }

  /// What cannot be read by this process (EACCES), or went away just now, is no failure: its directory tells of changes.
  private mutating func add(_ path: String, _ scope: platform_watch_scope) -> Int32 {
    guard interests.count < PathTrace.watchesMax else {
      failure = ENOSPC
      return 0
    }
    let number = path.withCString { platform_watch_add(watch, $0, scope) }
    let error = 0 &- number
    if error == ENOSPC || error == ENOMEM { failure = error }
    return number
  }

  /// Last name first, without empty ones and `.`.
  private static func names(of path: String) -> [String] {
    var names: [String] = []
    for part in path.utf8.split(separator: UInt8(ascii: "/")) {
      let name = String(decoding: part, as: UTF8.self)
      if name != "." { names.append(name) }
    }
    names.reverse()
    return names
  }

  private static func parent(of path: String) -> String {
    let bytes = Array(path.utf8)
    guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return "" }
    return String(decoding: bytes[..<slash], as: UTF8.self)
  }

  private static func target(of link: String) -> String? {
    text { buffer, size in link.withCString { platform_path_link($0, buffer, size) } }
  }

  private static func workingDirectory() -> String {
    let path = text { buffer, size in platform_working_directory(buffer, size) } ?? ""
    return path == "/" ? "" : path
  }

  private static func text(_ fill: (UnsafeMutablePointer<CChar>, Int) -> Int) -> String? {
    guard let memory = malloc(pathBytesMax) else { return nil }
    defer { free(memory) }
    let length = fill(memory.assumingMemoryBound(to: CChar.self), pathBytesMax)
    guard length > 0, length < pathBytesMax else { return nil }
    return String(decoding: UnsafeRawBufferPointer(start: memory, count: length), as: UTF8.self)
  }
}
