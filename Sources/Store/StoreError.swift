// Why a store cannot be used. The codes of LMDB and of the system become Swift errors here and nowhere else.

import CLMDB
import CPlatform

/// The message is one line in lower case, with the cause after a colon and, where there is one, what to do.
public struct StoreError: Error, Equatable, Sendable {
  public enum Kind: Sendable {
    /// liblmdb is not installed, or the system lacks something that keys need.
    case unavailable
    /// The folder is missing, not private, or cannot be written.
    case folder
    /// Other processes keep the store to themselves, or somebody held its gate too long.
    case busy
    /// The store was opened before a fork.
    case forked
    /// There is no such file, or it may not be trusted. Only where none is to be made.
    case untrusted
    /// The map has no room left.
    case full
    /// The disk has no room left, or refuses.
    case disk
    /// The file's pages do not fit together.
    case broken
    /// LMDB has no place left for a reader.
    case readers
  }

  public var kind: Kind
  public var message: String

  public init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  /// For minus an errno number of a write.
  public static func system(_ what: String, _ status: Int32) -> StoreError { system(.disk, what, status) }

  /// For minus an errno number.
  static func system(_ kind: Kind, _ what: String, _ status: Int32) -> StoreError {
    StoreError(kind, "\(what): \(text { platform_error_text(0 &- status, $0, $1) })")
  }

  /// For a status of LMDB's.
  static func lmdb(_ what: String, _ status: Int32) -> StoreError {
    let kind: Kind =
      switch Int(status) {
      case LMDB_DOOR_MAP_FULL, LMDB_DOOR_TXN_FULL: .full
      case LMDB_DOOR_READERS_FULL: .readers
      case 1...: .disk
      default: .broken
      }
    return StoreError(kind, "\(what): \(text { lmdb_door_error_text(status, $0, $1) })")
  }

  static func text(_ write: (UnsafeMutablePointer<CChar>?, Int) -> Void) -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    buffer.withUnsafeMutableBufferPointer { write($0.baseAddress, $0.count) }
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
