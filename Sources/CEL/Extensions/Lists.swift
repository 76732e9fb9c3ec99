// The library `lists`: cel-go's `ext.Lists` at its newest version. A slice shares its elements with the list.

extension Environment {
  /// What can be sorted.
  static var sortable: [(TypeID, String)] {
    [
      (.int, "int"), (.uint, "uint"), (.double, "double"), (.bool, "bool"), (.duration, "duration"),
      (.timestamp, "timestamp"), (.string, "string"), (.bytes, "bytes"),
    ]
  }

  mutating func declareLists() {
    let element = types.intern(.parameter("T"))
    let list = types.list(element)
    declare(
      "slice", "list_slice", [list, .int, .int], list, isMember: true,
      NativeFunction { answer($0, $1, $2, $4, ListFunction.slice) })
    let flatten = NativeFunction { answer($0, $1, $2, $4, ListFunction.flatten) }
    declare("flatten", "list_flatten", [types.list(list)], list, isMember: true, flatten)
    let any = types.list(.dyn)
    declare("flatten", "list_flatten_int", [any, .int], any, isMember: true, flatten)
    let sort = NativeFunction { answer($0, $1, $2, $4, ListFunction.sort) }
    for (type, name) in Environment.sortable {
      let list = types.list(type)
      declare("sort", "list_" + name + "_sort", [list], list, isMember: true, sort)
    }
    declare(
      "distinct", "list_distinct", [list], list, isMember: true,
      NativeFunction { answer($0, $1, $2, $4, ListFunction.distinct) })
    declare(
      "reverse", "list_reverse", [list], list, isMember: true,
      NativeFunction { answer($0, $1, $2, $4, ListFunction.reverse) })
    declare(
      "lists.range", "lists_range", [.int], types.list(.int),
      NativeFunction { answer($0, $1, $2, $4, ListFunction.range) })
  }
}

enum ListFunction {
  /// From the first index up to, but not including, the second.
  static func slice(_ call: FunctionCall) -> Value {
    guard call.takes(.list, .int, .int) else { return .failure(.noSuchOverload) }
    let start = call[1].asInt
    let end = call[2].asInt
    guard start >= 0, end >= 0, end <= Int64(call[0].count) else { return .failure(.indexOutOfRange) }
    guard start <= end else { return .failure(.invalidArgument) }
    guard start < end, let elements = call[0].elements else { return .list(nil, count: 0) }
    return .list(elements + Int(start), count: UInt32(truncatingIfNeeded: end &- start))
  }

  static func range(_ call: FunctionCall) -> Value {
    guard call.takes(.int) else { return .failure(.noSuchOverload) }
    guard call[0].asInt >= 0, let count = Int(exactly: call[0].asInt) else { return .failure(.invalidArgument) }
    return call.list(count: count) { .int(Int64($0)) }
  }

  static func reverse(_ call: FunctionCall) -> Value {
    guard call.takes(.list) else { return .failure(.noSuchOverload) }
    let items = call[0].items
    return call.list(count: items.count) { items[items.count &- 1 &- $0] }
  }

  /// Of equal elements the first.
  static func distinct(_ call: FunctionCall) -> Value {
    guard call.takes(.list) else { return .failure(.noSuchOverload) }
    let items = call[0].items
    guard items.count > 1 else { return call[0] }
    guard let memory = call.evaluation.pointee.arena.allocateValues(items.count) else {
      return .failure(.memorySpent)
    }
    var count = 0
    for item in items {
      switch SetFunction.contains(UnsafeBufferPointer(start: memory, count: count), item, call.evaluation) {
      case .yes: continue
      case .no:
        memory[count] = item
        count &+= 1
      case .error(let code): return .failure(code)
      }
    }
    return .list(memory, count: UInt32(truncatingIfNeeded: count))
  }

  // MARK: Flattening

  /// One level, or as many as the second argument says.
  static func flatten(_ call: FunctionCall) -> Value {
    guard call.takes(.list) || call.takes(.list, .int) else { return .failure(.noSuchOverload) }
    let levels = call.count == 2 ? call[1].asInt : 1
    if levels < 0 { return .failure(.invalidArgument) }
    // Deeper than that no value is made.
    guard let count = flatCount(call[0], levels, 0, call.evaluation) else { return .failure(.nestedTooDeeply) }
    if count == 0 { return .list(nil, count: 0) }
    guard call.hasSteps else { return .failure(.stepBudgetSpent) }
    guard let length = UInt32(exactly: count), let memory = call.evaluation.pointee.arena.allocateValues(count) else {
      return .failure(.memorySpent)
    }
    var end = memory
    copyFlat(call[0], levels, to: &end)
    return .list(memory, count: length)
  }

  private static func flatCount(
    _ list: Value, _ levels: Int64, _ depth: Int, _ evaluation: Evaluation.Pointer
  ) -> Int? {
    if depth > comparisonDepthMax { return nil }
    // An empty list costs something too: it may be met often.
    spend(list.items.count &* 2 &+ 8, evaluation)
    var count = 0
    for item in list.items where evaluation.pointee.stepsLeft >= 0 {
      if item.kind == .list, levels > 0 {
        guard let inner = flatCount(item, levels &- 1, depth &+ 1, evaluation) else { return nil }
        count &+= inner
      } else {
        count &+= 1
      }
    }
    return count
  }

  private static func copyFlat(_ list: Value, _ levels: Int64, to end: inout UnsafeMutablePointer<Value>) {
    for item in list.items {
      if item.kind == .list, levels > 0 {
        copyFlat(item, levels &- 1, to: &end)
      } else {
        end.pointee = item
        end += 1
      }
    }
  }

  // MARK: Sorting

  static func sort(_ call: FunctionCall) -> Value {
    call.takes(.list) ? sorted(call, by: call[0].items) : .failure(.noSuchOverload)
  }

  /// What `list.sortBy(x, key)` ends in.
  static var sorting: NativeFunction { NativeFunction { answer($0, $1, $2, $4, ListFunction.sortByKeys) } }

  /// The list and the key of each element.
  static func sortByKeys(_ call: FunctionCall) -> Value {
    guard call.takes(.list, .list) else { return .failure(.noSuchOverload) }
    return call[0].count == call[1].count ? sorted(call, by: call[1].items) : .failure(.invalidArgument)
  }

  /// The first argument's elements in the order of the keys, which must be of one kind that has an order.
  private static func sorted(_ call: FunctionCall, by keys: UnsafeBufferPointer<Value>) -> Value {
    guard let first = keys.first else { return call[0] }
    switch first.kind {
    case .bool, .int, .uint, .double, .string, .bytes, .timestamp, .duration: break
    default: return .failure(.noSuchOverload)
    }
    for key in keys where key.kind != first.kind { return .failure(.invalidArgument) }
    let evaluation = call.evaluation
    let order = sortedOrder(keys.count, evaluation) { left, right in
      if keys[left].kind == .string || keys[left].kind == .bytes {
        spend(Int(min(keys[left].count, keys[right].count)) &>> 3, evaluation)
      }
      // NaN comes first: an order must hold for every two.
      if keys[left].kind == .double, keys[left].asDouble.isNaN || keys[right].asDouble.isNaN {
        return keys[left].asDouble.isNaN && !keys[right].asDouble.isNaN
      }
      return compare(.less, keys[left], keys[right]).isTrue
    }
    guard let order else { return .failure(.memorySpent) }
    guard call.hasSteps else { return .failure(.stepBudgetSpent) }
    let items = call[0].items
    return call.list(count: items.count) { items[Int(order[$0])] }
  }
}
