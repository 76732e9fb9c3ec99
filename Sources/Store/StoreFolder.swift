// A folder that belongs to one user, with a secret, and the stores in it.
//
//   purser.secret              32 random bytes
//   NAME-ID-BYTES.gate         whoever opens or closes holds it
//   NAME-ID-BYTES.N.use        held, shared, by the processes that use file N
//   NAME-ID-BYTES.N.state      how file N was left: see StoreState
//   NAME-ID-BYTES.N.mdb        LMDB's file, and NAME-ID-BYTES.N.mdb-lock
//
// ID names the secret, BYTES the size of the map in hexadecimal, N is 0 but for processes whose numbers mean nothing to
// each other (other PID namespaces): LMDB tells its readers by process number, so such processes do not share a file.

import CPlatform

public final class StoreFolder: @unchecked Sendable {
  public let path: String
  public let secret: StoreSecret
  let descriptor: Int32
  /// Part of the files' names: another secret, other files.
  let identity: String

  /// Makes the folder, with mode 0700, if only its last part is missing, and a secret; or refuses where there is none.
  public init(path: String, missing: Store.Missing = .make) throws(StoreError) {
    platform_watch_forks()
    var state: UInt64 = 0
    if missing == .refuse, platform_path_look(path, &state) == PLATFORM_PATH_MISSING {
      throw StoreError(.untrusted, "there is no folder `\(path)`")
    }
    var folder: Int32 = -1
    let status = platform_folder_open(path, &folder)
    switch 0 &- status {
    case 0: break
    case EPERM: throw StoreError(.folder, "`\(path)` belongs to another user")
    case EACCES:
      throw StoreError(.folder, "`\(path)` is open to other users, or may not be entered: give it mode 0700")
    default: throw .system(.folder, "cannot open the folder `\(path)`", status)
    }
    do throws(StoreError) {
      secret = try StoreSecret.open(folder: folder, missing)
    } catch {
      platform_file_close(folder)
      throw error.kind == .untrusted ? StoreError(.untrusted, "`\(path)`: \(error.message)") : error
    }
    self.path = path
    descriptor = folder
    identity = hexadecimal(secret.key(for: "purser store identity 2", bytes: 16).prefix(8))
  }

  deinit { platform_file_close(descriptor) }

  /// Whether it has another secret by now. Who opens it then shares neither stores nor purges with who has it open.
  public var isReplaced: Bool { secret.isReplaced(in: descriptor) }

  /// The names of its files.
  func names() -> [String] {
    final class Found { var names: [String] = [] }
    let found = Found()
    _ = platform_folder_list(
      descriptor,
      { context, name in
        guard let context, let name else { return false }
        Unmanaged<Found>.fromOpaque(context).takeUnretainedValue().names.append(String(cString: name))
        return true
      }, Unmanaged.passUnretained(found).toOpaque())
    return found.names.sorted()
  }

  /// The stores of one kind that are here under the present secret.
  public func stores(_ name: String) -> [StoreName] {
    names().compactMap { file in
      guard file.hasPrefix("\(name)-\(identity)-"), file.hasSuffix(".mdb") else { return nil }
      let parts = file.dropFirst(name.count &+ identity.count &+ 2).dropLast(4).split(separator: ".")
      guard parts.count == 2, let bytes = Int(parts[0], radix: 16), let number = Int(parts[1]) else { return nil }
      return StoreName(name: name, identity: identity, bytes: bytes, number: number)
    }
  }

  /// Removes what was kept under other secrets and is in nobody's use; how many files.
  @discardableResult
  public func removeForgotten(_ name: String) -> Int {
    var removed = 0
    let names = names()
    for use in names where use.hasPrefix("\(name)-") && use.hasSuffix(".use") && !use.hasPrefix("\(name)-\(identity)-")
    {
      let file = platform_file_open(descriptor, use, false)
      guard file >= 0 else { continue }
      defer { platform_file_close(file) }
      guard platform_file_lock(file, true) == 0 else { continue }
      let stem = use.dropLast(4)
      for other in names where other.hasPrefix("\(stem).") && platform_file_remove(descriptor, other) == 0 {
        removed &+= 1
      }
    }
    return removed
  }
}

/// Which file of a folder: its kind, its secret, the size of its map, and a number.
public struct StoreName: Equatable, Sendable {
  public var name: String
  var identity: String
  /// Of the map.
  public var bytes: Int
  public var number: Int

  var shared: String { "\(name)-\(identity)-\(String(bytes, radix: 16))" }
  var gate: String { shared + ".gate" }
  var use: String { "\(shared).\(number).use" }
  var state: String { "\(shared).\(number).state" }
  var data: String { "\(shared).\(number).mdb" }
  var lock: String { data + "-lock" }
}

func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
  let digits = Array("0123456789abcdef".utf8)
  return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}

extension StoreFolder {
  /// Opens a small private file that processes share, made whole with these bytes if there is none of this size. The
  /// descriptor is the caller's to close.
  public func openShared(_ name: String, bytes: [UInt8]) throws(StoreError) -> Int32 {
    // Another secret, another file.
    let name = "\(name)-\(identity)"
    for attempt in 0..<3 {
      let file = platform_file_open(descriptor, name, false)
      if file >= 0 {
        var facts = platform_file_facts()
        if platform_file_look(file, &facts) == 0, facts.is_private, facts.size == Int64(bytes.count) { return file }
        platform_file_close(file)
      }
      let status = bytes.withUnsafeBytes {
        attempt == 0
          ? platform_file_create(descriptor, name, $0.baseAddress, $0.count)
          : platform_file_replace(descriptor, name, $0.baseAddress, $0.count)
      }
      // There is one, so it is looked at once more, and then replaced.
      guard status == 0 || status == 0 - EEXIST else {
        throw .system(status == 0 - ENOSPC ? .disk : .folder, "cannot write `\(name)`", status)
      }
    }
    throw StoreError(.folder, "`\(name)` cannot be used")
  }
}
