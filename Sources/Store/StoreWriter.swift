// Writing: in transactions, one at a time over all processes, so never on a request's path.

import CLMDB
import CPlatform

public struct StoreWriter {
  private let store: Store
  private let transaction: UnsafeMutableRawPointer

  fileprivate init(_ store: Store, _ transaction: UnsafeMutableRawPointer) {
    self.store = store
    self.transaction = transaction
  }

  /// The value lives until something is written.
  public func get(_ key: UnsafeRawBufferPointer) throws(StoreError) -> UnsafeRawBufferPointer? {
    var bytes = lmdb_bytes()
    let status = lmdb_door_get(transaction, key.baseAddress, key.count, &bytes)
    if status == Int32(truncatingIfNeeded: LMDB_DOOR_NOT_FOUND) { return nil }
    guard status == 0 else { throw .lmdb("cannot read", status) }
    return UnsafeRawBufferPointer(start: bytes.start, count: bytes.size)
  }

  public func put(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) throws(StoreError) {
    let status = lmdb_door_put(transaction, key.baseAddress, key.count, value.baseAddress, value.count)
    guard status == 0 else { throw .lmdb("cannot write", status) }
  }

  /// Deletes all entries.
  public func clear() throws(StoreError) {
    let status = lmdb_door_clear(transaction)
    guard status == 0 else { throw .lmdb("cannot empty the store", status) }
  }

  public func facts() throws(StoreError) -> StoreFacts { try StoreFacts(store, transaction) }

  /// Walks the table from the first key that is not before this one.
  public func walk(from key: [UInt8], _ body: (StoreCursor, StoreCursor.Entry?) throws(StoreError) -> Void)
    throws(StoreError)
  {
    let cursor = try StoreCursor(transaction)
    defer { cursor.close() }
    try body(cursor, try cursor.seek(key))
  }
}

extension Store {
  /// One transaction: all that `body` writes, or nothing if it throws or the commit fails. Waits for other writers.
  public func write<Result>(_ body: (StoreWriter) throws(StoreError) -> Result) throws(StoreError) -> Result {
    try check()
    var transaction: UnsafeMutableRawPointer?
    let status = lmdb_door_write(environment, &transaction)
    guard status == 0, let transaction else {
      note(status)
      throw .lmdb("cannot begin to write", status)
    }
    let result: Result
    do throws(StoreError) {
      result = try body(StoreWriter(self, transaction))
    } catch {
      lmdb_door_abort(transaction)
      if error.kind == .broken { fail() }
      throw error
    }
    let committed = lmdb_door_commit(transaction)
    guard committed == 0 else {
      note(committed)
      throw .lmdb("cannot write", committed)
    }
    return result
  }

  private func fail() { note(Int32(truncatingIfNeeded: LMDB_DOOR_BROKEN)) }
}
