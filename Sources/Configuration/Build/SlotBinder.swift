// Says for each slot of compiled code where its value comes from. Derived attributes read further, hidden slots, so
// that what they are derived from is asked for once.

import CEL
import PurserAttributes
import PurserEngine
import PurserPolicy

struct SlotBinder: Sendable {
  /// With the plan's own numbers.
  let customs: [Attribute]
  let lists: [String]
  let normalization: PathNormalization
  let texts: TextStore
  /// By attribute number: constants that are no literals.
  let constants: [UInt32: ConstantValue]
  /// An empty key is a key all the same: it has an address.
  fileprivate let emptyKey: Bytes

  init(
    customs: [Attribute], lists: [String], normalization: PathNormalization, constants: [UInt32: ConstantValue],
    texts: TextStore
  ) {
    self.customs = customs
    self.lists = lists
    self.normalization = normalization
    self.constants = constants
    self.texts = texts
    emptyKey = Bytes(address: texts.keep("\0").address, count: 0)
  }

  func bind(_ code: Code) -> CompiledPart {
    var part = PartBuilder(binder: self)
    // First the slots of the code, so that each keeps its number.
    for slot in code.slots { part.reserve(slot) }
    for slot in code.slots { part.fill(slot) }
    return CompiledPart(code: code, bindings: part.bindings, slotNames: part.names)
  }

  /// What the host must supply for an attribute that is read there.
  func need(of number: UInt32, at position: Position, in sources: SourceSet) -> AttributeNeed? {
    guard let attribute = attribute(number) else { return nil }
    return AttributeNeed(
      name: attribute.name, suppliers: Derivation.suppliers(of: attribute.name),
      place: SourcePlace(file: sources.name(of: position), line: position.line, column: position.column))
  }

  /// As an author would write it.
  func name(of slot: SlotDefinition) -> String {
    if slot.variable >= ListVariable.first {
      let index = Int(slot.variable &- ListVariable.first)
      return "lists." + (lists.indices.contains(index) ? lists[index] : "?")
    }
    let name = OwnAttribute(rawValue: slot.variable)?.name ?? attribute(slot.variable)?.name ?? "?"
    guard let key = slot.key else { return name }
    return name + "[\"" + String(decoding: key, as: UTF8.self) + "\"]"
  }

  func attribute(_ number: UInt32) -> Attribute? {
    if number >= Vocabulary.customFirst {
      let index = Int(number &- Vocabulary.customFirst)
      return customs.indices.contains(index) ? customs[index] : nil
    }
    return Vocabulary.attribute(number)
  }
}

private struct PartBuilder {
  let binder: SlotBinder
  var bindings: [SlotBinding] = []
  var names: [Bytes] = []
  /// Slots whose value is the attribute as an expression sees it.
  private var slots: [SlotDefinition: UInt32] = [:]
  /// Hidden slots that hold what the host gives for a derived attribute, by number.
  private var raw: [UInt32: UInt32] = [:]

  init(binder: SlotBinder) { self.binder = binder }

  mutating func reserve(_ slot: SlotDefinition) {
    slots[slot] = UInt32(truncatingIfNeeded: bindings.count)
    bindings.append(SlotBinding(.own, type: .dyn))
    names.append(binder.texts.keep(binder.name(of: slot)))
  }

  mutating func fill(_ slot: SlotDefinition) {
    guard let place = slots[slot] else { return }
    let binding = binding(for: slot)
    guard bindings.indices.contains(Int(place)) else { return }
    bindings[Int(place)] = binding
  }

  /// The slot of an attribute, made if the code has none.
  private mutating func slot(of number: UInt32, key: [UInt8]? = nil) -> UInt32 {
    let definition = SlotDefinition(variable: number, key: key)
    if let known = slots[definition] { return known }
    reserve(definition)
    fill(definition)
    return slots[definition] ?? SlotBinding.none
  }

  private mutating func rawSlot(of attribute: Attribute) -> UInt32 {
    if let known = raw[attribute.number] { return known }
    let place = UInt32(truncatingIfNeeded: bindings.count)
    raw[attribute.number] = place
    bindings.append(SlotBinding(.host, type: TypeCode(attribute.type), number: attribute.number))
    names.append(binder.texts.keep(attribute.name))
    return place
  }

  private mutating func binding(for slot: SlotDefinition) -> SlotBinding {
    guard let attribute = binder.attribute(slot.variable) else {
      return SlotBinding(.own, type: .dyn, number: slot.variable)
    }
    let type = TypeCode(attribute.type)
    if let constant = binder.constants[attribute.number] {
      return SlotBinding(constant: constant.value(of: slot.key, in: binder.texts))
    }
    if let key = slot.key {
      return SlotBinding(
        .host, type: attribute.type == .stringMap ? .string : .dyn, number: attribute.number,
        key: key.isEmpty ? binder.emptyKey : binder.texts.keep(key))
    }
    if attribute.type.isMap { return SlotBinding(.hostMap, type: type, number: attribute.number) }
    switch Derivation(rawValue: attribute.name) {
    case .urlPath:
      return SlotBinding(
        .normalizedPath, type: type, first: self.slot(of: Derivation.number("request.path")),
        second: rawSlot(of: attribute), normalization: binder.normalization)
    case .query:
      return SlotBinding(
        .query, type: type, first: self.slot(of: Derivation.number("request.path")), second: rawSlot(of: attribute))
    case .host:
      return SlotBinding(.hostName, type: type, first: rawSlot(of: attribute))
    case .userAgent:
      return header("user-agent", instead: attribute)
    case .referer:
      return header("referer", instead: attribute)
    case .serviceHost:
      return SlotBinding(
        .host, type: type, number: attribute.number, second: self.slot(of: Derivation.number("request.host")))
    case nil:
      return SlotBinding(.host, type: type, number: attribute.number)
    }
  }

  private mutating func header(_ name: String, instead attribute: Attribute) -> SlotBinding {
    SlotBinding(
      .host, type: TypeCode(attribute.type), number: attribute.number,
      second: slot(of: Derivation.number("request.headers"), key: Array(name.utf8)))
  }
}

/// Attributes that the engine derives from others.
enum Derivation: String {
  case urlPath = "request.url_path"
  case query = "request.query"
  case host = "request.host"
  case userAgent = "request.useragent"
  case referer = "request.referer"
  case serviceHost = "destination.service.host"

  static func number(_ name: String) -> UInt32 { Vocabulary.attribute(named: name)?.number ?? 0 }

  /// Names of which a host must serve one.
  static func suppliers(of name: String) -> [String] {
    switch Derivation(rawValue: name) {
    case .urlPath, .query: [name, "request.path"]
    case .userAgent, .referer: [name, "request.headers"]
    case .serviceHost: [name, "request.host"]
    case .host, nil: [name]
    }
  }
}
