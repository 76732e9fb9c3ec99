// Whether a file may be trusted, and how it is left. The gate is held.

import CLMDB
import CPlatform

struct StoreOpener {
  let name: StoreName
  let folder: StoreFolder

  /// As the only one that uses the file.
  func openFirst(_ missing: Store.Missing) throws(StoreError) -> (UnsafeMutableRawPointer, Store.Opening) {
    let (opening, facts) = examine()
    if case .created(let reason) = opening {
      guard missing == .make else { throw StoreError(.untrusted, "`\(name.data)` is not used: \(reason)") }
      _ = platform_file_remove(folder.descriptor, name.data)
    } else {
      try leaveOpen(facts)
    }
    // Nobody is in it, and LMDB would believe what stands in it.
    _ = platform_file_remove(folder.descriptor, name.lock)
    let environment = try openEnvironment()
    guard case .created = opening else { return (environment, opening) }
    do throws(StoreError) {
      let file = lmdb_door_descriptor(environment)
      let status = platform_file_resize(file, Int64(name.bytes))
      guard status == 0 else { throw .system(.disk, "cannot size `\(name.data)`", status) }
      var facts = platform_file_facts()
      guard platform_file_look(file, &facts) == 0 else { throw StoreError(.disk, "cannot look at `\(name.data)`") }
      try leaveOpen(facts)
    } catch {
      lmdb_door_environment_close(environment)
      throw error
    }
    return (environment, opening)
  }

  /// Whether who has the file open can share it.
  func mayJoin() -> Bool {
    let space = platform_process_space()
    var facts = platform_file_facts()
    guard space != 0, let state = StoreState.read(name, in: folder), state.left == .open, state.space == space,
      platform_file_look_at(folder.descriptor, name.data, &facts) == 0, facts.is_private,
      facts.device == state.device, facts.inode == state.inode, facts.size == Int64(name.bytes)
    else { return false }
    return true
  }

  func openEnvironment() throws(StoreError) -> UnsafeMutableRawPointer {
    var environment: UnsafeMutableRawPointer?
    let status = lmdb_door_environment_open(folder.path + "/" + name.data, name.bytes, Store.readersMax, &environment)
    guard status == 0, let environment else { throw .lmdb("cannot open `\(name.data)`", status) }
    return environment
  }

  private func examine() -> (Store.Opening, platform_file_facts) {
    var facts = platform_file_facts()
    func refuse(_ reason: String) -> (Store.Opening, platform_file_facts) { (.created(reason), facts) }

    let file = platform_file_open(folder.descriptor, name.data, false)
    guard file >= 0 else { return refuse(file == 0 - ENOENT ? "there is none" : "it cannot be opened") }
    defer { platform_file_close(file) }
    guard platform_file_look(file, &facts) == 0, facts.is_private else { return refuse("it is not a private file") }
    guard let state = StoreState.read(name, in: folder) else { return refuse("nobody says how it was left") }
    guard facts.size == Int64(name.bytes) else { return refuse("its size is not what it was made with") }
    let headBytes = min(name.bytes, 128 << 10)
    var head = [UInt8](repeating: 0, count: headBytes)
    var used: UInt64 = 0
    guard head.withUnsafeMutableBytes({ platform_file_read(file, 0, $0.baseAddress, $0.count) }) == 0,
      lmdb_door_check_head(head, head.count, UInt64(name.bytes), &used)
    else { return refuse("it does not begin as a file of LMDB's") }
    switch state.left {
    case .clean:
      guard state.usedBytes == used,
        StoreState.digest(of: file, usedBytes: used, secret: folder.secret) == state.digest
      else { return refuse("it was changed since it was closed") }
      return (.warm, facts)
    case .open:
      guard !state.boot.isEmpty, state.boot == StoreState.bootIdentity() else {
        return refuse("it was left by a crash in another boot")
      }
      guard state.device == facts.device, state.inode == facts.inode else { return refuse("it is another file") }
      return (.afterCrash, facts)
    case .broken: return refuse("it was found damaged")
    }
  }

  private func leaveOpen(_ facts: platform_file_facts) throws(StoreError) {
    try StoreState(
      left: .open, boot: StoreState.bootIdentity(), space: platform_process_space(), device: facts.device,
      inode: facts.inode
    ).write(name, in: folder)
  }

  /// Nobody uses the file any more, or nobody should.
  func leave(isBroken: Bool) throws(StoreError) {
    var state = StoreState(left: .broken, boot: StoreState.bootIdentity(), space: platform_process_space())
    defer { if isBroken { try? state.write(name, in: folder) } }
    guard !isBroken else { return }
    let file = platform_file_open(folder.descriptor, name.data, false)
    guard file >= 0 else { throw .system(.disk, "cannot read `\(name.data)`", file) }
    defer { platform_file_close(file) }
    var facts = platform_file_facts()
    var head = [UInt8](repeating: 0, count: min(name.bytes, 128 << 10))
    var used: UInt64 = 0
    guard platform_file_look(file, &facts) == 0,
      head.withUnsafeMutableBytes({ platform_file_read(file, 0, $0.baseAddress, $0.count) }) == 0,
      lmdb_door_check_head(head, head.count, UInt64(name.bytes), &used),
      let digest = StoreState.digest(of: file, usedBytes: used, secret: folder.secret)
    else { throw StoreError(.disk, "cannot read `\(name.data)`") }
    state.left = .clean
    state.device = facts.device
    state.inode = facts.inode
    state.usedBytes = used
    state.digest = digest
    try state.write(name, in: folder)
  }
}
