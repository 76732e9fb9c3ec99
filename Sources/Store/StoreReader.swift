// Reading: on a request's path, so nothing here allocates or locks once the reader is made.

import CLMDB
import CPlatform

/// One thread's place among the readers of a store. Between `renew` and `reset` it sees one state of the store, and pages it
/// could still read are not used again: so never wait in between.
@frozen public struct StoreReader {
  @usableFromInline let transaction: UnsafeMutableRawPointer
  @usableFromInline let store: Unmanaged<Store>

  /// The store must outlive the reader.
  public init(_ store: Store) throws(StoreError) {
    try store.check()
    var transaction: UnsafeMutableRawPointer?
    let status = lmdb_door_read(store.environment, &transaction)
    guard status == 0, let transaction else {
      store.note(status)
      throw .lmdb("cannot begin to read", status)
    }
    lmdb_door_reset(transaction)
    self.transaction = transaction
    self.store = .passUnretained(store)
  }

  /// Gives the place back. Not in a fork's child.
  public func end() { lmdb_door_abort(transaction) }

  /// False if the store cannot be read any more.
  @inlinable @inline(__always)
  public func renew() -> Bool {
    let status = lmdb_door_renew(transaction)
    if status != 0 { fail(status) }
    return status == 0
  }

  @inlinable @inline(__always)
  public func reset() { lmdb_door_reset(transaction) }

  public enum Lookup: UInt8, Sendable { case found, missing, failed }

  /// The value lives until `reset`, and may lie at any address.
  @inlinable @inline(__always)
  public func get(_ key: UnsafeRawPointer, _ keyBytes: Int, _ value: inout UnsafeRawBufferPointer) -> Lookup {
    var bytes = lmdb_bytes()
    let status = lmdb_door_get(transaction, key, keyBytes, &bytes)
    if status == 0 {
      value = UnsafeRawBufferPointer(start: bytes.start, count: bytes.size)
      return .found
    }
    if status == Int32(truncatingIfNeeded: LMDB_DOOR_NOT_FOUND) { return .missing }
    fail(status)
    return .failed
  }

  @usableFromInline @inline(never)
  func fail(_ status: Int32) { store.takeUnretainedValue().note(status) }

  /// Visits entries in the order of their keys, from the first not before `key`, until the visitor gives false.
  /// Renews and resets.
  public func visit(
    from key: [UInt8] = [], _ visitor: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool
  ) throws(StoreError) {
    try store.takeUnretainedValue().check()
    let status = lmdb_door_renew(transaction)
    guard status == 0 else { throw .lmdb("cannot read", status) }
    defer { lmdb_door_reset(transaction) }
    let cursor = try StoreCursor(transaction)
    defer { cursor.close() }
    var entry = try cursor.seek(key)
    while let found = entry, visitor(found.key, found.value) { entry = try cursor.next() }
  }

  /// Renews and resets.
  public func facts() throws(StoreError) -> StoreFacts {
    let store = store.takeUnretainedValue()
    try store.check()
    let status = lmdb_door_renew(transaction)
    guard status == 0 else { throw .lmdb("cannot read", status) }
    defer { lmdb_door_reset(transaction) }
    return try StoreFacts(store, transaction)
  }
}

/// How full a store is.
public struct StoreFacts: Equatable, Sendable {
  public var entries: Int
  /// In pages that hold entries.
  public var bytes: Int
  /// Of the map.
  public var bytesMax: Int
  /// Places of readers that were ever taken.
  public var readers: Int

  init(_ store: Store, _ transaction: UnsafeMutableRawPointer) throws(StoreError) {
    var facts = lmdb_door_facts()
    let status = lmdb_door_look(store.environment, transaction, &facts)
    guard status == 0 else { throw .lmdb("cannot look at the store", status) }
    entries = Int(clamping: facts.entries)
    bytes = Int(clamping: facts.pages.multipliedReportingOverflow(by: facts.page_bytes).partialValue)
    bytesMax = store.name.bytes
    readers = Int(facts.readers)
  }
}

/// A place in the table, of a reader or a writer.
public struct StoreCursor {
  public typealias Entry = (key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer)
  private let cursor: UnsafeMutableRawPointer

  init(_ transaction: UnsafeMutableRawPointer) throws(StoreError) {
    var cursor: UnsafeMutableRawPointer?
    let status = lmdb_door_cursor_open(transaction, &cursor)
    guard status == 0, let cursor else { throw .lmdb("cannot open a cursor", status) }
    self.cursor = cursor
  }

  func close() { lmdb_door_cursor_close(cursor) }

  /// The first entry whose key is not before this one.
  public func seek(_ key: [UInt8]) throws(StoreError) -> Entry? {
    var found = lmdb_bytes()
    var value = lmdb_bytes()
    return try entry(lmdb_door_cursor_seek(cursor, key, key.count, &found, &value), found, value)
  }

  public func next() throws(StoreError) -> Entry? {
    var found = lmdb_bytes()
    var value = lmdb_bytes()
    return try entry(lmdb_door_cursor_next(cursor, &found, &value), found, value)
  }

  /// Of a writer: deletes the entry; `next` gives the one after it.
  public func delete() throws(StoreError) {
    let status = lmdb_door_cursor_delete(cursor)
    guard status == 0 else { throw .lmdb("cannot delete", status) }
  }

  private func entry(_ status: Int32, _ key: lmdb_bytes, _ value: lmdb_bytes) throws(StoreError) -> Entry? {
    if status == Int32(truncatingIfNeeded: LMDB_DOOR_NOT_FOUND) { return nil }
    guard status == 0 else { throw .lmdb("cannot read", status) }
    return (
      UnsafeRawBufferPointer(start: key.start, count: key.size),
      UnsafeRawBufferPointer(start: value.start, count: value.size)
    )
  }
}
