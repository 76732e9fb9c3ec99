import CPurser

/// The attributes that requests may name: the well-known ones and those that the plan's AttributeManifests declare.
struct Vocabulary {
  struct Attribute {
    var name: String
    var number: UInt32
    var type: AttributeType
  }

  private var byName: [String: Attribute] = [:]
  private var byNumber: [UInt32: Attribute] = [:]

  /// Custom attributes have numbers in their engine only, so it is asked.
  init(of plan: Plan, in engine: OpaquePointer) throws(Failure) {
    // Numbers are given out one after the other; the first free one ends the list.
    for number in 1..<UInt32(PURSER_ATTRIBUTE_CUSTOM_FIRST) {
      var info = Self.emptyInfo
      guard purser_attribute_describe(number, &info) == PURSER_OK else { break }
      add(info, number: number)
    }
    var count = 0
    try demand(purser_plan_attributes_count(plan.handle, &count), "the plan does not tell its attributes")
    for index in 0..<count {
      var info = Self.emptyInfo
      try demand(purser_plan_attribute(plan.handle, index, &info), "the plan does not tell its attributes")
      var number: UInt32 = 0
      try demand(purser_engine_attribute(engine, info.name, info.type, &number), "attribute `\(String(info.name))`")
      add(info, number: number)
    }
  }

  private static var emptyInfo: purser_attribute_info {
    var info = purser_attribute_info()
    info.size = MemoryLayout<purser_attribute_info>.size
    return info
  }

  private mutating func add(_ info: purser_attribute_info, number: UInt32) {
    // A type that this tool does not know cannot be written in JSON; the attribute is then unknown.
    guard let type = AttributeType(String(info.type)) else { return }
    let attribute = Attribute(name: String(info.name), number: number, type: type)
    byName[attribute.name] = attribute
    byNumber[number] = attribute
  }

  /// By name or alias.
  func attribute(named name: String) -> Attribute? {
    if let attribute = byName[name] { return attribute }
    let memory = HostMemory()
    var number: UInt32 = 0
    guard purser_attribute_number(memory.text(name), &number) == PURSER_OK else { return nil }
    return byNumber[number]
  }

  /// The known name that a misspelt one most likely stands for.
  func nearest(to name: String) -> String? {
    var best: (name: String, distance: Int)?
    // A third of the letters may be wrong; past that a suggestion only confuses.
    let distanceMax = max(1, name.utf8.count / 3)
    for candidate in byName.keys.sorted() {
      let distance = Self.distance(Array(name.utf8), Array(candidate.utf8))
      if distance <= distanceMax && distance < (best?.distance ?? .max) {
        best = (candidate, distance)
      }
    }
    return best?.name
  }

  /// Levenshtein's edit distance.
  private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    // Nobody misspells names of that length; the bound keeps hostile input cheap.
    guard left.count <= 256 else { return .max }
    var previous = Array(0...right.count)
    for (row, byte) in left.enumerated() {
      var current = [row + 1]
      for (column, other) in right.enumerated() {
        let change = previous[column] + (byte == other ? 0 : 1)
        current.append(min(change, previous[column + 1] + 1, current[column] + 1))
      }
      previous = current
    }
    return previous[right.count]
  }
}
