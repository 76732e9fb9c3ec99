import Testing

@testable import PurserCheckCache

/// Against a dictionary, with keys that collide and entries of all sizes.
@Suite struct WorkerTableTests {
  private static func entry(_ hash: UInt64) -> TableEntry {
    TableEntry(
      hash: hash, askedAt: 0, freshUntil: 0, staleUntil: 0, epochSum: 0, places: (0, 0, 0, 0), name: EntryName(),
      bytes: 0, keyBytes: 0, valueBytes: 0, usesLeft: .max, markedAt: 0, epochCount: 1, isUsed: false, isGone: false)
  }

  @Test(arguments: [4 << 10, 16 << 10, 100_000])
  func whatIsFoundIsWhatWasPutLast(_ bytes: Int) throws {
    var table = try #require(WorkerTable(bytes: bytes))
    defer { table.free() }
    var generator = SystemRandomNumberGenerator()
    var model: [[UInt8]: [UInt8]] = [:]
    var found = 0
    for round in 0..<20_000 {
      let number = UInt64.random(in: 0..<400, using: &generator)
      let key = Array("key-\(number)".utf8) + [UInt8](repeating: 7, count: Int(number % 40))
      // Few homes, so that runs are long and wrap around the index's end.
      let hash = (number % 8 &* 0x1fff_ffff) << 32 | number
      key.withUnsafeBytes { key in
        switch round % 5 {
        case 0, 1:
          let value = [UInt8](
            repeating: UInt8(truncatingIfNeeded: round), count: Int.random(in: 0..<300, using: &generator))
          value.withUnsafeBytes {
            if table.insert(Self.entry(hash), hash: hash, key: key, value: $0) != nil { model[Array(key)] = value }
          }
        case 2 where round % 3 == 0:
          if let entry = table.find(key, hash: hash) { table.remove(entry) }
          model[Array(key)] = nil
        default:
          if let entry = table.find(key, hash: hash) {
            found += 1
            entry.pointee.isUsed = true
            #expect(Array(WorkerTable.value(entry)) == model[Array(key)])
          }
        }
      }
    }
    #expect(found > 100)
    #expect(table.living > 5)
  }

  @Test func whatIsUsedStaysAndTheRestGoes() throws {
    var table = try #require(WorkerTable(bytes: 64 << 10))
    defer { table.free() }
    let value = [UInt8](repeating: 1, count: 100)
    var kept = 0
    for number in UInt64(0)..<5000 {
      let key = withUnsafeBytes(of: number) { Array($0) }
      key.withUnsafeBytes { key in
        value.withUnsafeBytes {
          _ = table.insert(Self.entry(0), hash: number &* 0x9e37_79b9_7f4a_7c15, key: key, value: $0)
        }
      }
      for hot in UInt64(0)..<20 where hot <= number {
        withUnsafeBytes(of: hot) { key in
          if let entry = table.find(key, hash: hot &* 0x9e37_79b9_7f4a_7c15) { entry.pointee.isUsed = true }
        }
      }
    }
    for hot in UInt64(0)..<20 {
      withUnsafeBytes(of: hot) { if table.find($0, hash: hot &* 0x9e37_79b9_7f4a_7c15) != nil { kept += 1 } }
    }
    #expect(kept == 20)
    #expect(table.living < (64 << 10) / 200)
  }
}
