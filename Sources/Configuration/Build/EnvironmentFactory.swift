// What expressions of documents may name: the well-known attributes and their aliases, custom ones, named lists, and,
// in Telemetry documents, what Purser itself says.

import CEL
import PurserAttributes
import PurserEngine
import PurserPolicy

struct EnvironmentFactory {
  private(set) var policy = Environment()
  private(set) var telemetry = Environment()

  /// - Parameters:
  ///   - customs: with the plan's own numbers.
  ///   - lists: names, in the order of the plan's value sets.
  ///   - constants: by attribute number.
  init(customs: [Attribute], lists: [(name: String, kind: ValueSet.Kind)], constants: [UInt32: Literal]) {
    // What optimisers write, and nobody by hand, is left out.
    for library in Extension.allCases where library != .block { policy.enable(library) }
    for attribute in Vocabulary.wellKnown + customs {
      let type = EnvironmentFactory.type(attribute.type, &policy.types)
      policy.declare(
        Variable(
          name: attribute.name, type: type, id: attribute.number, isEntrywise: attribute.type.isMap,
          constant: constants[attribute.number]))
      for alias in attribute.aliases { policy.declare(alias: alias, of: attribute.name) }
    }
    declare(lists)
    telemetry = policy
    for own in OwnAttribute.allCases {
      telemetry.declare(
        Variable(name: own.name, type: own == .cached ? .bool : .string, id: own.rawValue))
    }
  }

  private static func type(_ type: AttributeType, _ types: inout TypeTable) -> TypeID {
    switch type {
    case .string: .string
    case .bytes: .bytes
    case .int: .int
    case .uint: .uint
    case .double: .double
    case .bool: .bool
    case .timestamp: .timestamp
    case .duration: .duration
    case .dyn: .dyn
    case .stringList: types.list(.string)
    case .stringMap: types.map(.string, .string)
    case .dynMap: types.map(.string, .dyn)
    }
  }

  /// `value in lists.office`, `value in lists["blocked-ips"]`.
  private mutating func declare(_ lists: [(name: String, kind: ValueSet.Kind)]) {
    let type = policy.types.intern(.opaque("purser.list", []))
    policy.indexedNamespaces.insert("lists")
    policy.declare(
      function: "@in",
      Overload(
        id: "in_purser_list", isMember: false, parameters: [.string, type], result: .bool,
        implementation: .external(ListVariable.function)))
    var number = ListVariable.first
    for list in lists {
      var variable = Variable(name: "lists." + list.name, type: type, id: number)
      variable.opaque = ListVariable.value(number).payload
      policy.declare(variable)
      number &+= 1
    }
  }
}
