// A host whose requests are tables: attributes by name, as in the test cases, served through the three callbacks of
// `purser_host`. It notes what it was asked for.

import CPurser

/// Memory lent to the library; it neither moves nor goes before this object does.
final class LentMemory {
  private var blocks: [UnsafeMutableRawPointer] = []

  deinit {
    for block in blocks { block.deallocate() }
  }

  func array<Element>(_ elements: [Element]) -> UnsafeMutablePointer<Element> {
    let block = UnsafeMutableRawPointer.allocate(
      byteCount: max(elements.count, 1) * MemoryLayout<Element>.stride, alignment: 16)
    blocks.append(block)
    let items = block.bindMemory(to: Element.self, capacity: max(elements.count, 1))
    for (index, element) in elements.enumerated() { (items + index).initialize(to: element) }
    return items
  }

  func text(_ bytes: [UInt8]) -> purser_text {
    purser_text(data: UnsafeRawPointer(array(bytes)).assumingMemoryBound(to: CChar.self), size: bytes.count)
  }

  func text(_ string: String) -> purser_text { text(Array(string.utf8)) }
}

extension String {
  init(_ text: purser_text) {
    self.init(
      decoding: UnsafeRawBufferPointer(start: text.data, count: text.data == nil ? 0 : text.size), as: UTF8.self)
  }
}

final class HostTable {
  enum Answer {
    case value(purser_value)
    case failed
  }

  let memory = LentMemory()
  private var answers: [UInt32: Answer] = [:]
  /// `get 1`, `entry 8 x-user`, `iterate 8`, in the order of asking.
  private(set) var asked: [String] = []
  /// Runs inside every callback.
  var whenAsked: (() -> Void)?

  /// `numbers` are those of custom attributes: name to number and type.
  init(_ attributes: [String: JSON], customs: [String: (number: UInt32, type: String)] = [:]) throws {
    for (name, json) in attributes {
      if json == .null { continue }
      let (number, type) = try customs[name] ?? HostTable.wellKnown(name)
      answers[number] = .value(try value(json, type, lowersKeys: name.hasSuffix(".headers")))
    }
  }

  static func wellKnown(_ name: String) throws -> (number: UInt32, type: String) {
    let memory = LentMemory()
    var number: UInt32 = 0
    guard purser_attribute_number(memory.text(name), &number) == PURSER_OK else { throw Unfit(about: name) }
    var info = purser_attribute_info()
    info.size = MemoryLayout<purser_attribute_info>.size
    guard purser_attribute_describe(number, &info) == PURSER_OK else { throw Unfit(about: name) }
    return (number, String(info.type))
  }

  struct Unfit: Error { var about: String }

  /// Any answer, also one that a well-behaved host would not give.
  func set(_ name: String, _ answer: Answer) throws { answers[try HostTable.wellKnown(name).number] = answer }

  func forgetAsked() { asked = [] }

  var context: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

  static var host: purser_host {
    purser_host(
      size: MemoryLayout<purser_host>.size,
      get: { context, attribute, _, out in
        let table = HostTable.of(context)
        table.asked.append("get \(attribute)")
        table.whenAsked?()
        switch table.answers[attribute] {
        case .value(let value):
          out?.pointee = value
          return PURSER_PRESENT
        case .failed: return PURSER_FAILED
        case nil: return PURSER_ABSENT
        }
      },
      entry: { context, attribute, key, _, out in
        let table = HostTable.of(context)
        table.asked.append("entry \(attribute) \(String(key))")
        table.whenAsked?()
        switch table.answers[attribute] {
        case .value(let value):
          for index in 0..<value.as.map.count {
            guard let entry = value.as.map.entries.map({ $0[index] }), String(entry.key) == String(key) else {
              continue
            }
            out?.pointee = entry.value
            return PURSER_PRESENT
          }
          return PURSER_ABSENT
        case .failed: return PURSER_FAILED
        case nil: return PURSER_NO_MAP
        }
      },
      iterate: { context, attribute, _, visitor in
        let table = HostTable.of(context)
        table.asked.append("iterate \(attribute)")
        table.whenAsked?()
        switch table.answers[attribute] {
        case .value(let value):
          for index in 0..<value.as.map.count {
            guard var entry = value.as.map.entries.map({ $0[index] }) else { continue }
            if purser_visit(visitor, entry.key, &entry.value) != PURSER_OK { return PURSER_FAILED }
          }
          return PURSER_PRESENT
        case .failed: return PURSER_FAILED
        case nil: return PURSER_NO_MAP
        }
      })
  }

  private static func of(_ context: UnsafeMutableRawPointer?) -> HostTable {
    // The context is the one that the request was begun with.
    Unmanaged<HostTable>.fromOpaque(UnsafeRawPointer(context!)).takeUnretainedValue()
  }
}

// From JSON to values of the declared type.
extension HostTable {
  func value(_ json: JSON, _ type: String, lowersKeys: Bool = false) throws -> purser_value {
    switch (type, json) {
    case ("bool", .bool(let value)): return make(PURSER_TYPE_BOOL) { $0.boolean = value ? 1 : 0 }
    case ("int", .int(let value)): return make(PURSER_TYPE_INT) { $0.integer = value }
    case ("uint", .int(let value)): return make(PURSER_TYPE_UINT) { $0.unsigned_integer = UInt64(value) }
    case ("uint", .uint(let value)): return make(PURSER_TYPE_UINT) { $0.unsigned_integer = value }
    case ("double", .double(let value)): return make(PURSER_TYPE_DOUBLE) { $0.number = value }
    case ("string", .string(let value)): return make(PURSER_TYPE_STRING) { $0.text = memory.text(value) }
    case ("duration", .string(let value)):
      guard value.hasSuffix("s"), let seconds = Double(value.dropLast()) else { break }
      let whole = seconds.rounded(.towardZero)
      return make(PURSER_TYPE_DURATION, nanos: Int32((seconds - whole) * 1e9)) { $0.seconds = Int64(whole) }
    case ("list(string)", .array(let items)):
      let values = memory.array(try items.map { try value($0, "string") })
      return make(PURSER_TYPE_LIST) { $0.list = purser_list(items: values, count: items.count) }
    case ("map(string,string)", .object(let members)), ("map(string,dyn)", .object(let members)):
      let entry = type == "map(string,string)" ? "string" : "dyn"
      let entries = try members.map { key, json in
        purser_entry(key: memory.text(lowersKeys ? key.lowercased() : key), value: try value(json, entry))
      }
      let items = memory.array(entries)
      return make(PURSER_TYPE_MAP) { $0.map = purser_map(entries: items, count: members.count) }
    case ("dyn", _): return try dynamic(json)
    default: break
    }
    throw Unfit(about: type)
  }

  private func dynamic(_ json: JSON) throws -> purser_value {
    switch json {
    case .null: return purser_value()
    case .bool: return try value(json, "bool")
    case .int: return try value(json, "int")
    case .uint: return try value(json, "uint")
    case .double: return try value(json, "double")
    case .string: return try value(json, "string")
    case .array(let items):
      let values = memory.array(try items.map(dynamic))
      return make(PURSER_TYPE_LIST) { $0.list = purser_list(items: values, count: items.count) }
    case .object: return try value(json, "map(string,dyn)")
    }
  }

  private func make(
    _ type: purser_type, nanos: Int32 = 0, _ fill: (inout purser_value.__Unnamed_union_as) -> Void
  ) -> purser_value {
    var value = purser_value()
    value.type = type.rawValue
    value.nanos = nanos
    fill(&value.as)
    return value
  }
}
