// The memory that compiled code points into, and what is not memory: regular expressions and time zones. These two are
// large or dear to make, so what is compiled one after the other may share them.

import CPlatform

final class CodeStorage {
  static let bytesMax = 256 << 20

  var arena: Arena
  let regexLibrary: RegexLibrary?
  var patterns: [CompiledPattern] = []
  var zones: [LoadedZone] = []
  /// Kept alive for the entries that the code calls.
  var natives: [NativeFunction] = []
  var schemas: [Schema] = []
  /// What linked code is made of.
  var fragments: [CodeFragment] = []
  private var memory: [UnsafeMutableRawPointer] = []

  init(regexLibrary: RegexLibrary?, chunkBytesLeast: Int = Arena.chunkBytes) {
    self.regexLibrary = regexLibrary
    arena = Arena(bytesMax: CodeStorage.bytesMax, chunkBytesLeast: chunkBytesLeast)
  }

  /// `block`, of trivial contents, is freed with the storage.
  func adopt(_ block: UnsafeMutableRawPointer) { memory.append(block) }

  /// Room for `count` trivial things that do not move.
  func room<T>(for count: Int) -> UnsafeMutablePointer<T> {
    room(bytes: max(count, 1) &* MemoryLayout<T>.stride).assumingMemoryBound(to: T.self)
  }

  @inline(never)
  private func room(bytes: Int) -> UnsafeMutableRawPointer {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 16)
    adopt(memory)
    return memory
  }

  /// A copy of trivial things that does not move.
  func settle<T>(_ array: [T]) -> UnsafePointer<T> {
    let memory: UnsafeMutablePointer<T> = room(for: array.count)
    array.withUnsafeBytes { source in
      if let base = source.baseAddress { memcpy(memory, base, source.count) }
    }
    return UnsafePointer(memory)
  }

  deinit {
    for block in memory { block.deallocate() }
    arena.free()
  }
}

/// A regular expression that its library has compiled.
final class CompiledPattern: @unchecked Sendable {
  /// Whether it remembers groups, and its text.
  let key: [UInt8]
  let regex: OpaquePointer
  private let library: RegexLibrary

  init(key: [UInt8], regex: OpaquePointer, library: RegexLibrary) {
    self.key = key
    self.regex = regex
    self.library = library
  }

  deinit { library.free(regex) }
}

/// A time zone as its file said when it was loaded.
final class LoadedZone: @unchecked Sendable {
  let name: [UInt8]
  let zone: TimeZone
  private var arena: Arena

  /// Nil when there is no such zone.
  init?(_ name: Bytes) {
    var arena = Arena(bytesMax: CodeStorage.bytesMax, chunkBytesLeast: 1024)
    guard let zone = TimeZone.load(name, arena: &arena) else {
      arena.free()
      return nil
    }
    self.name = Array(name.buffer)
    self.zone = zone
    self.arena = arena
  }

  deinit { arena.free() }
}

/// What fragments that are compiled one after the other, on one thread, have in common.
public final class CodeSharing {
  private var patterns: [CompiledPattern] = []
  private var patternNumbers: [[UInt8]: UInt32] = [:]
  private var zones: [LoadedZone] = []

  public init() {}

  /// What `fragment` has is shared too.
  public func learn(from fragment: CodeFragment) {
    for pattern in fragment.storage.patterns { add(pattern) }
  }

  func add(_ pattern: CompiledPattern) {
    guard patternNumbers[pattern.key] == nil else { return }
    patternNumbers[pattern.key] = UInt32(truncatingIfNeeded: patterns.count)
    patterns.append(pattern)
  }

  func pattern(_ key: [UInt8]) -> CompiledPattern? { patternNumbers[key].map { patterns[Int($0)] } }

  /// The zone, which is loaded when it is asked for first.
  func zone(_ name: Bytes) -> LoadedZone? {
    // There are few.
    for zone in zones where zone.name.elementsEqual(name.buffer) { return zone }
    guard let zone = LoadedZone(name) else { return nil }
    zones.append(zone)
    return zone
  }
}
