// A digest of everything outside a Policy document that its compilation depends on. Units of a plan may be taken into the
// next one when both have the same.
//
//   in it       custom attributes (name, type, phase, and by their order the number), value lists (name, how they compare, and by
//               their order the number), constants of the host with their values
//   not in it   what is applied when units are put together: contents of value lists, the PolicySet, the attributes that the
//               host serves, other policies

import CEL
import PurserAttributes
import PurserEngine
import PurserPolicy

enum EnvironmentDigest {
  /// - Parameter constants: by attribute number.
  static func make(
    customs: [Attribute], lists: [(name: String, kind: ValueSet.Kind)], constants: [UInt32: ConstantValue]
  ) -> DocumentDigest {
    var digest = DigestText()
    digest.put(UInt64(customs.count))
    for custom in customs {
      digest.put(custom.name)
      digest.put(custom.type.rawValue)
      digest.put(UInt64(custom.phase.rawValue))
    }
    digest.put(UInt64(lists.count))
    for list in lists {
      digest.put(list.name)
      digest.put(UInt64(list.kind.rawValue))
    }
    let numbers = Array(constants.keys).ordered(by: <)
    digest.put(UInt64(numbers.count))
    for number in numbers {
      guard let value = constants[number] else { continue }
      digest.put(UInt64(number))
      digest.put(value)
    }
    return Digest.of(digest.bytes)
  }

  /// A value such that no two have the same bytes.
  static func bytes(of value: ConstantValue) -> [UInt8] {
    var digest = DigestText()
    digest.put(value)
    return digest.bytes
  }
}

extension DigestText {
  fileprivate mutating func put(_ value: ConstantValue) {
    switch value {
    case .scalar(let literal): put(literal)
    case .timestamp(let seconds, let nanoseconds):
      put(20)
      put(UInt64(bitPattern: seconds))
      put(UInt64(UInt32(bitPattern: nanoseconds)))
    case .duration(let seconds, let nanoseconds):
      put(21)
      put(UInt64(bitPattern: seconds))
      put(UInt64(UInt32(bitPattern: nanoseconds)))
    case .list(let elements):
      put(22)
      put(UInt64(elements.count))
      for element in elements { put(element) }
    case .map(let entries):
      put(23)
      put(UInt64(entries.count))
      for entry in entries {
        put(entry.key)
        put(entry.value)
      }
    }
  }

  fileprivate mutating func put(_ literal: Literal) {
    switch literal {
    case .null: put(0)
    case .bool(let value): put(value ? 2 : 1)
    case .int(let value):
      put(3)
      put(UInt64(bitPattern: value))
    case .uint(let value):
      put(4)
      put(value)
    case .double(let value):
      put(5)
      put(value.bitPattern)
    case .string(let bytes):
      put(6)
      put(bytes)
    case .bytes(let bytes):
      put(7)
      put(bytes)
    }
  }
}
