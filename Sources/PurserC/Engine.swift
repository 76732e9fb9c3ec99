// Engines.

import CEL
import CPurser
import PurserAttributes
import PurserEngine

#if !hasFeature(Embedded)
  import PurserExternal
#endif

@c @implementation
public func purser_engine_new(
  _ options: UnsafePointer<purser_engine_options>?, _ engine_out: UnsafeMutablePointer<OpaquePointer?>?
) -> purser_status {
  guard let engine_out else { return PURSER_INVALID_ARGUMENT }
  var made = EngineOptions()
  if let options {
    // Of the first version: without the store's fields at the end.
    guard
      options.pointee.size
        >= MemoryLayout<purser_engine_options>.size &- MemoryLayout<purser_text>.size &- 2 &* MemoryLayout<Int>.size
    else { return PURSER_INVALID_ARGUMENT }
    switch HostDeclaration.read(
      served: options.pointee.attributes_served, options.pointee.attributes_served_count,
      constants: options.pointee.constants, options.pointee.constants_count)
    {
    case .bad(let status): return status
    case .good(let declaration):
      made.attributesServed = declaration.served
      made.constants = declaration.constants
    }
    if options.pointee.arena_bytes_max > 0 {
      made.arenaBytesMax = min(max(options.pointee.arena_bytes_max, 64 << 10), 1 << 30)
    }
    made.opensBackends = options.pointee.backends_off == 0
    #if !hasFeature(Embedded)
      // Hosts built with an older header end here.
      if options.pointee.size >= MemoryLayout<purser_engine_options>.size {
        guard let directory = options.pointee.store_directory.string else { return PURSER_INVALID_ARGUMENT }
        if !directory.isEmpty { made.storeDirectory = directory }
        if options.pointee.store_bytes > 0 { made.storeBytes = min(options.pointee.store_bytes, 1 << 40) }
        if options.pointee.worker_cache_bytes > 0 {
          made.workerCacheBytes = min(options.pointee.worker_cache_bytes, 1 << 32)
        }
      }
    #endif
    if options.pointee.log_ring_bytes > 0 { made.logRingBytes = min(options.pointee.log_ring_bytes, 1 << 30) }
  }
  guard let engine = Engine(options: made) else { return PURSER_UNAVAILABLE }
  #if !hasFeature(Embedded)
    guard let door = ExternalServices.door(made) else { return PURSER_UNAVAILABLE }
    engine.door = door
  #endif
  engine_out.pointee = OpaquePointer(Unmanaged.passRetained(engine).takeUnretainedValue().state)
  return PURSER_OK
}

@c @implementation
public func purser_engine_free(_ engine: OpaquePointer?) -> purser_status {
  guard engine != nil else { return PURSER_OK }
  guard case .good(let state) = engineState(engine) else { return engineState(engine).status }
  guard state.pointee.owner.takeUnretainedValue().close() else { return PURSER_BUSY }
  state.pointee.owner.release()
  return PURSER_OK
}

@c @implementation
public func purser_engine_attribute(
  _ engine: OpaquePointer?, _ name: purser_text, _ type: purser_text, _ number_out: UnsafeMutablePointer<UInt32>?
) -> purser_status {
  guard let number_out, let name = name.string, let typeName = type.string else { return PURSER_INVALID_ARGUMENT }
  guard case .good(let state) = engineState(engine) else { return engineState(engine).status }
  if let known = Vocabulary.attribute(named: name) {
    number_out.pointee = known.number
    return PURSER_OK
  }
  guard let type = AttributeType(rawValue: typeName) else { return PURSER_NOT_FOUND }
  do throws(Engine.NumberProblem) {
    number_out.pointee = try state.pointee.owner.takeUnretainedValue().number(ofCustom: name, type)
    return PURSER_OK
  } catch {
    return error == .tooMany ? PURSER_LIMIT_REACHED : PURSER_NOT_FOUND
  }
}

/// What a host says of itself: in the options of an engine, or of a load.
struct HostDeclaration {
  var served: [String]?
  var constants: [ConstantAttribute] = []

  enum Result {
    case good(HostDeclaration)
    case bad(purser_status)
  }

  static func read(
    served names: UnsafePointer<purser_text>?, _ nameCount: Int, constants: UnsafePointer<purser_constant>?,
    _ constantCount: Int
  ) -> Result {
    var declaration = HostDeclaration()
    guard nameCount >= 0, constantCount >= 0, names != nil || nameCount == 0, constants != nil || constantCount == 0
    else {
      return .bad(PURSER_INVALID_ARGUMENT)
    }
    if let names {
      var served: [String] = []
      var index = 0
      while index < nameCount {
        guard let name = names[index].string else { return .bad(PURSER_INVALID_ARGUMENT) }
        guard isAttributeName(name) else { return .bad(PURSER_NOT_FOUND) }
        served.append(name)
        index &+= 1
      }
      declaration.served = served
    }
    if let constants {
      var index = 0
      while index < constantCount {
        guard let name = constants[index].attribute.string, let value = ConstantValue(constants[index].value) else {
          return .bad(PURSER_INVALID_ARGUMENT)
        }
        guard isAttributeName(name) else { return .bad(PURSER_NOT_FOUND) }
        declaration.constants.append(ConstantAttribute(name: name, value: value))
        index &+= 1
      }
    }
    return .good(declaration)
  }

  private static func isAttributeName(_ name: String) -> Bool {
    Vocabulary.attribute(named: name) != nil || Engine.isDottedName(name)
  }
}

extension ConstantValue {
  /// A value of the host, copied; nil when it nests, its pointers or sizes are wrong, or its text is not UTF-8.
  init?(_ value: purser_value) {
    switch value.type {
    case PURSER_TYPE_TIMESTAMP.rawValue:
      guard HostValue.isTimestamp(value) else { return nil }
      self = .timestamp(seconds: value.as.seconds, nanoseconds: value.nanos)
    case PURSER_TYPE_DURATION.rawValue:
      guard HostValue.isDuration(value) else { return nil }
      self = .duration(seconds: value.as.seconds, nanoseconds: value.nanos)
    case PURSER_TYPE_LIST.rawValue:
      let list = value.as.list
      guard list.count >= 0, list.count <= ConstantValue.elementsMax, list.items != nil || list.count == 0 else {
        return nil
      }
      var elements: [Literal] = []
      while let items = list.items, elements.count < list.count {
        guard let element = Literal(items[elements.count]) else { return nil }
        elements.append(element)
      }
      self = .list(elements)
    case PURSER_TYPE_MAP.rawValue:
      let map = value.as.map
      guard map.count >= 0, map.count <= ConstantValue.elementsMax, map.entries != nil || map.count == 0 else {
        return nil
      }
      var entries: [(key: [UInt8], value: Literal)] = []
      var index = 0
      while let items = map.entries, index < map.count {
        guard let key = items[index].key.string, let element = Literal(items[index].value) else { return nil }
        let bytes = Array(key.utf8)
        entries.removeAll { $0.key == bytes }
        entries.append((bytes, element))
        index &+= 1
      }
      self = .map(entries)
    default:
      guard let literal = Literal(value) else { return nil }
      self = .scalar(literal)
    }
  }

  private static var elementsMax: Int { 4096 }
}

extension Literal {
  /// A scalar of the host; nil for what has no literal form, or is not UTF-8.
  init?(_ value: purser_value) {
    switch value.type {
    case PURSER_TYPE_NULL.rawValue: self = .null
    case PURSER_TYPE_BOOL.rawValue: self = .bool(value.as.boolean != 0)
    case PURSER_TYPE_INT.rawValue: self = .int(value.as.integer)
    case PURSER_TYPE_UINT.rawValue: self = .uint(value.as.unsigned_integer)
    case PURSER_TYPE_DOUBLE.rawValue: self = .double(value.as.number)
    case PURSER_TYPE_STRING.rawValue:
      guard let text = value.as.text.string else { return nil }
      self = .string(Array(text.utf8))
    case PURSER_TYPE_BYTES.rawValue:
      guard let bytes = value.as.text.bytes else { return nil }
      self = .bytes(bytes)
    default: return nil
    }
  }
}
