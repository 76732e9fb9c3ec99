// CEL's types. A type is a small number into a table that interns its shape, so equality is `==` on numbers and
// no type is a recursive structure.

public struct TypeID: Sendable, Hashable {
  public let index: Int32

  init(_ index: Int32) { self.index = index }

  // The simple types have fixed places in every table.
  public static let error = TypeID(0)
  public static let dyn = TypeID(1)
  public static let null = TypeID(2)
  public static let bool = TypeID(3)
  public static let int = TypeID(4)
  public static let uint = TypeID(5)
  public static let double = TypeID(6)
  public static let string = TypeID(7)
  public static let bytes = TypeID(8)
  public static let timestamp = TypeID(9)
  public static let duration = TypeID(10)
  static let simpleCount: Int32 = 11
}

public enum TypeShape: Sendable, Hashable {
  case simple(Int32)
  case list(TypeID)
  case map(key: TypeID, value: TypeID)
  /// `type(int)`: the type of a type value.
  case type(TypeID)
  /// A parameter of an overload, `A` in `list(A)`; instantiated by the checker as `variable`.
  case parameter(String)
  /// A fresh unknown of one check.
  case variable(Int32)
  /// A type the language knows nothing about but its name, such as a named list of addresses.
  case opaque(String, [TypeID])
  case message(String)
  /// A wrapper message such as `google.protobuf.Int64Value`: the simple type, or null.
  case wrapper(TypeID)
}

public struct TypeTable: Sendable {
  private var shapes: [TypeShape] = (0..<TypeID.simpleCount).map { .simple($0) }
  /// Parallel to `shapes`: neither a parameter nor a variable is in it.
  private var grounds: [Bool] = (0..<TypeID.simpleCount).map { _ in true }
  private var ids: [TypeShape: TypeID] = [:]

  public init() {}

  /// Variables need no place in the table: they are the negative numbers.
  public mutating func intern(_ shape: TypeShape) -> TypeID {
    switch shape {
    case .simple(let index): return TypeID(index)
    case .variable(let number): return TypeID(~number)
    case .message(let name): if let type = wellKnown(name) { return type }
    default: break
    }
    if let id = ids[shape] { return id }
    let id = TypeID(Int32(truncatingIfNeeded: shapes.count))
    shapes.append(shape)
    grounds.append(isGround(shape))
    ids[shape] = id
    return id
  }

  public mutating func list(_ element: TypeID) -> TypeID { intern(.list(element)) }
  public mutating func map(_ key: TypeID, _ value: TypeID) -> TypeID { intern(.map(key: key, value: value)) }

  public subscript(id: TypeID) -> TypeShape {
    if id.index < 0 { return .variable(~id.index) }
    guard Int(id.index) < shapes.count else { return .simple(TypeID.error.index) }
    return shapes[Int(id.index)]
  }

  func isGround(_ id: TypeID) -> Bool {
    id.index >= 0 && (Int(id.index) >= grounds.count || grounds[Int(id.index)])
  }

  private func isGround(_ shape: TypeShape) -> Bool {
    switch shape {
    case .simple, .message, .wrapper: true
    case .parameter, .variable: false
    case .list(let element): isGround(element)
    case .map(let key, let value): isGround(key) && isGround(value)
    case .type(let of): isGround(of)
    case .opaque(_, let arguments): arguments.allSatisfy { isGround($0) }
    }
  }
}

// How a person reads a type: `list(int)`, `map(string, dyn)`, as in cel-spec.
extension TypeTable {
  public func name(_ id: TypeID) -> String {
    var text = ""
    write(id, to: &text, depth: 0)
    return text
  }

  /// A type that occurs twice in each of its levels has a name of exponential length: what is too long is cut.
  private func write(_ id: TypeID, to text: inout String, depth: Int) {
    if depth > 16 || text.utf8.count > 200 {
      text += "…"
      return
    }
    switch self[id] {
    case .simple: text += TypeTable.simpleName(id)
    case .list(let element): write("list", [element], to: &text, depth: depth)
    case .map(let key, let value): write("map", [key, value], to: &text, depth: depth)
    case .type(let of): write("type", [of], to: &text, depth: depth)
    case .parameter(let name), .message(let name): text += name
    // An unknown that nothing has decided yet, such as the element of `[]`.
    case .variable: text += "dyn"
    case .opaque(let name, let arguments): write(name, arguments, to: &text, depth: depth)
    case .wrapper(let of): write("wrapper", [of], to: &text, depth: depth)
    }
  }

  private func write(_ name: String, _ arguments: [TypeID], to text: inout String, depth: Int) {
    text += name
    guard !arguments.isEmpty else { return }
    text += "("
    for (index, argument) in arguments.enumerated() {
      if index > 0 { text += ", " }
      write(argument, to: &text, depth: depth &+ 1)
    }
    text += ")"
  }

  /// `a bool`, `an int`.
  func nameWithArticle(_ id: TypeID) -> String {
    let name = name(id)
    if name == "null" || name == "dyn" { return name }
    let isVowel = name.utf8.first.map { [0x61, 0x65, 0x69, 0x6F].contains($0) } ?? false
    return (isVowel ? "an " : "a ") + name
  }

  private static func simpleName(_ id: TypeID) -> String {
    switch id {
    case .dyn: "dyn"
    case .null: "null"
    case .bool: "bool"
    case .int: "int"
    case .uint: "uint"
    case .double: "double"
    case .string: "string"
    case .bytes: "bytes"
    case .timestamp: "timestamp"
    case .duration: "duration"
    default: "error"
    }
  }
}
