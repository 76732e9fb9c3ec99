import CPurser

/// One request as a host holds it: attribute values by number, lent to the library by the callbacks of `host`.
///
///     JSON object ── Vocabulary, Coercion ──► values in HostMemory ──► table ──► get / entry / iterate
///
/// The callbacks read only raw memory, so a check costs here what it costs in a host written in C.
final class RequestValues {
  /// What the callbacks are given as their context.
  struct Table {
    var values: UnsafeMutablePointer<Slot>
    var count: Int
  }

  struct Slot {
    var attribute: UInt32
    var value: purser_value
  }

  private let memory = HostMemory()
  private(set) var names: [String: purser_value] = [:]
  private var slots: [Slot] = []
  private let table = UnsafeMutablePointer<Table>.allocate(capacity: 1)

  deinit {
    table.deallocate()
  }

  /// Reads a JSON object from attribute name or alias to value. `null` is an absent attribute.
  init(_ json: JSON, vocabulary: Vocabulary) throws(JSONError) {
    guard case .object(let members) = json.content else {
      throw JSONError(
        offset: json.offset, message: "a request is an object from attribute name to value, not \(json.description)")
    }
    for member in members {
      guard let attribute = vocabulary.attribute(named: member.key) else {
        let hint = vocabulary.nearest(to: member.key).map { ": did you mean `\($0)`?" } ?? ""
        throw JSONError(offset: member.offset, message: "unknown attribute `\(member.key)`\(hint)")
      }
      guard names[attribute.name] == nil else {
        throw JSONError(offset: member.offset, message: "`\(attribute.name)` is given twice, once by an alias")
      }
      if case .null = member.value.content { continue }
      let isHeaders = attribute.name.hasSuffix(".headers") || attribute.name.hasSuffix(".trailers")
      let coercion = Coercion(memory: memory, lowersKeys: isHeaders)
      let value: purser_value
      do {
        value = try coercion.value(of: member.value, as: attribute.type)
      } catch {
        throw JSONError(offset: error.offset, message: "`\(attribute.name)`: \(error.message)")
      }
      set(attribute, to: value)
    }
    finish()
  }

  private func set(_ attribute: Vocabulary.Attribute, to value: purser_value) {
    names[attribute.name] = value
    slots.append(Slot(attribute: attribute.number, value: value))
  }

  private func finish() {
    slots.sort { $0.attribute < $1.attribute }
    table.initialize(to: Table(values: memory.array(of: slots), count: slots.count))
  }

  /// Sets a whole number, if that attribute was given.
  func replaceInteger(_ attribute: UInt32, with integer: Int64) {
    for index in 0..<table.pointee.count where table.pointee.values[index].attribute == attribute {
      table.pointee.values[index].value.as.integer = integer
    }
  }

  /// The text of a string attribute; nil when it is absent.
  func text(of name: String) -> String? {
    guard let value = names[name], value.type == PURSER_TYPE_STRING.rawValue else { return nil }
    return String(value.as.text)
  }

  var context: UnsafeMutableRawPointer { UnsafeMutableRawPointer(table) }

  static let host = purser_host(
    size: MemoryLayout<purser_host>.size,
    get: { context, attribute, _, out in
      guard let value = find(attribute, in: context) else { return PURSER_ABSENT }
      out?.pointee = value.pointee.value
      return PURSER_PRESENT
    },
    entry: { context, attribute, key, _, out in
      guard let slot = find(attribute, in: context) else { return PURSER_NO_MAP }
      let map = slot.pointee.value.as.map
      for index in 0..<map.count {
        guard let entry = map.entries.map({ $0 + index }), equal(entry.pointee.key, key) else { continue }
        out?.pointee = entry.pointee.value
        return PURSER_PRESENT
      }
      return PURSER_ABSENT
    },
    iterate: { context, attribute, _, visitor in
      guard let slot = find(attribute, in: context) else { return PURSER_NO_MAP }
      let map = slot.pointee.value.as.map
      for index in 0..<map.count {
        guard let entry = map.entries.map({ $0 + index }) else { continue }
        var value = entry.pointee.value
        if purser_visit(visitor, entry.pointee.key, &value) != PURSER_OK { return PURSER_FAILED }
      }
      return PURSER_PRESENT
    })

  /// Binary search: the table is in the order of the numbers.
  private static func find(_ attribute: UInt32, in context: UnsafeMutableRawPointer?) -> UnsafeMutablePointer<Slot>? {
    guard let table = context?.assumingMemoryBound(to: Table.self) else { return nil }
    var low = 0
    var high = table.pointee.count
    let values = table.pointee.values
    while low < high {
      let middle = (low + high) >> 1
      if values[middle].attribute < attribute { low = middle + 1 } else { high = middle }
    }
    return low < table.pointee.count && values[low].attribute == attribute ? values + low : nil
  }

  private static func equal(_ left: purser_text, _ right: purser_text) -> Bool {
    guard left.size == right.size else { return false }
    for index in 0..<left.size where left.data[index] != right.data[index] {
      return false
    }
    return true
  }
}

extension InputFile {
  /// The one request that the file holds.
  mutating func readRequest(_ vocabulary: Vocabulary) throws(Failure) -> RequestValues {
    let bytes = try readAll()
    do {
      return try RequestValues(JSONParser.parse(bytes), vocabulary: vocabulary)
    } catch {
      let place = SourcePlace(of: error.offset, in: bytes)
      throw Failure("\(name):\(place.line):\(place.column): error: \(error.message)")
    }
  }
}
