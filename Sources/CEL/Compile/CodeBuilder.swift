// Compiles checked expressions into one `Code`. Programs share slots, constants and regular expressions.

import CPlatform

/// Adds expressions one by one; `finish` makes the immutable code. For one thread.
public struct CodeBuilder {
  /// Programs whose static cost estimate is higher are refused: one step a node, a comprehension times the length
  /// of its range (100 when that is not known).
  public static let costMax: Int64 = 1_000_000
  /// However cheap a program looks, it may take as many steps as the least; however dear, no more than the most.
  public static let stepsLeast: Int64 = 10_000
  public static let stepsMost: Int64 = 1_000_000
  /// Values a program may keep at once.
  public static let registersMax = 4096
  public static let slotsMax = 65_000

  private let pool: CodePool

  /// Without a regex library an expression with `matches` is refused.
  public init(regex: RegexLibrary?) { pool = CodePool(regexLibrary: regex) }

  /// The number of the program, or nil when the expression is refused; `diagnostics` then says why.
  public mutating func add(_ checked: CheckedTree, diagnostics: inout Diagnostics) -> UInt32? {
    var compiler = Compiler(checked: checked, pool: pool)
    let program = compiler.compile(diagnostics: &diagnostics)
    guard let program else { return nil }
    pool.programs.append(program)
    return UInt32(truncatingIfNeeded: pool.programs.count &- 1)
  }

  /// What a program gives in every evaluation, where that was known when it was compiled.
  public func constant(_ program: UInt32) -> Value? {
    guard let place = pool.programs.indices.contains(Int(program)) ? pool.programs[Int(program)] : nil,
      place.instructionCount == 1, pool.instructions.indices.contains(Int(place.start))
    else { return nil }
    let instruction = pool.instructions[Int(place.start)]
    guard instruction.op == .giveValue, instruction.flags & Flag.aConstant != 0,
      pool.constants.indices.contains(Int(instruction.a))
    else { return nil }
    return pool.constants[Int(instruction.a)]
  }

  /// The code of all programs added. The builder is of no use afterwards.
  public consuming func finish() -> Code { pool.makeCode() }
}

/// What is being built.
final class CodePool {
  let storage: CodeStorage
  var instructions: [Instruction] = []
  var offsets: [UInt32] = []
  var constants: [Value] = []
  var programs: [Program] = []
  var sets: [StringSet] = []
  var zones: [TimeZone] = []
  var slots: [SlotDefinition] = []
  private var slotNumbers: [SlotDefinition: UInt32] = [:]
  private var textNumbers: [[UInt8]: UInt32] = [:]
  private var texts: [[UInt8]: Bytes] = [:]
  private var regexNumbers: [[UInt8]: UInt32] = [:]
  private var zoneNumbers: [[UInt8]: UInt32] = [:]
  /// What constant folding evaluates with: no slots, no registers, the storage's arena.
  let folding: Evaluation.Pointer
  private let foldingImage: UnsafeMutablePointer<CodeImage>

  init(regexLibrary: RegexLibrary?) {
    let storage = CodeStorage(regexLibrary: regexLibrary)
    self.storage = storage
    foldingImage = CodePool.room(storage)
    foldingImage.initialize(
      to: CodeImage(
        instructions: CodePool.room(storage), offsets: CodePool.room(storage), constants: CodePool.room(storage),
        programs: CodePool.room(storage), programCount: 0, regexes: CodePool.room(storage), regexCount: 0,
        sets: CodePool.room(storage), zones: CodePool.room(storage), natives: CodePool.room(storage),
        regexLibrary: regexLibrary))
    folding = CodePool.room(storage)
    folding.initialize(
      to: Evaluation(
        code: foldingImage, slots: CodePool.room(storage), registers: CodePool.room(storage),
        arena: Arena(bytesMax: 0), owner: nil, fetch: { _, _ in }, entry: { _, _, _, _ in }, whole: { _, _, _ in },
        external: { _, _, _, _, _ in }))
  }

  /// Room for one thing, so that the pointers of an empty image are not null.
  private static func room<T>(_ storage: CodeStorage) -> UnsafeMutablePointer<T> {
    let memory = UnsafeMutablePointer<T>.allocate(capacity: 1)
    storage.adopt(UnsafeMutableRawPointer(memory))
    return memory
  }

  private static func room<T>(_ storage: CodeStorage) -> UnsafePointer<T> {
    UnsafePointer(room(storage) as UnsafeMutablePointer<T>)
  }

  // MARK: Interning

  func text(_ bytes: [UInt8]) -> Bytes? {
    if let known = texts[bytes] { return known }
    let copy = bytes.withUnsafeBufferPointer { source -> Bytes? in
      guard let base = source.baseAddress, source.count > 0 else { return Bytes.empty }
      guard source.count < Int(UInt32.max) else { return nil }
      return storage.arena.copy(Bytes(base, count: UInt32(truncatingIfNeeded: source.count)))
    }
    if let copy { texts[bytes] = copy }
    return copy
  }

  func value(_ literal: Literal) -> Value? {
    switch literal {
    case .null: return .null
    case .bool(let value): return .bool(value)
    case .int(let value): return .int(value)
    case .uint(let value): return .uint(value)
    case .double(let value): return .double(value)
    case .string(let bytes): return text(bytes).map { Value.string($0) }
    case .bytes(let bytes): return text(bytes).map { Value.bytes($0) }
    }
  }

  func constant(_ value: Value) -> UInt32 {
    let key: [UInt8]? = value.kind == .string ? Array(value.asBytes.buffer) : nil
    if let key, let known = textNumbers[key] { return known }
    let number = UInt32(truncatingIfNeeded: constants.count)
    constants.append(value)
    if let key { textNumbers[key] = number }
    return number
  }

  func slot(_ definition: SlotDefinition) -> UInt32? {
    if let known = slotNumbers[definition] { return known }
    guard slots.count < CodeBuilder.slotsMax else { return nil }
    let number = UInt32(truncatingIfNeeded: slots.count)
    slots.append(definition)
    slotNumbers[definition] = number
    return number
  }

  enum RegexResult {
    case number(UInt32)
    case refused(String)
    case noLibrary
  }

  /// Two patterns of one text are different when only one of them remembers its groups.
  func regex(_ pattern: Bytes, keepsGroups: Bool = false) -> RegexResult {
    guard let library = storage.regexLibrary else { return .noLibrary }
    if keepsGroups, library.groups == nil { return .noLibrary }
    let key = [keepsGroups ? 1 : 0] + Array(pattern.buffer)
    if let known = regexNumbers[key] { return .number(known) }
    let compile = keepsGroups ? library.groups?.compile ?? library.compile : library.compile
    let size = 256
    guard let message = malloc(size)?.bindMemory(to: CChar.self, capacity: size) else {
      return .refused("out of memory")
    }
    defer { free(message) }
    message[0] = 0
    guard let regex = compile(pattern.base, Int(pattern.count), message, size) else {
      message[size &- 1] = 0
      let length = strlen(message)
      return .refused(Bytes(UnsafeRawPointer(message), count: UInt32(truncatingIfNeeded: length)).text)
    }
    let number = UInt32(truncatingIfNeeded: storage.regexes.count)
    storage.regexes.append(regex)
    regexNumbers[key] = number
    return .number(number)
  }

  func native(_ function: NativeFunction) -> UInt32 {
    if let known = storage.natives.firstIndex(of: function) { return UInt32(truncatingIfNeeded: known) }
    storage.natives.append(function)
    return UInt32(truncatingIfNeeded: storage.natives.count &- 1)
  }

  func set(of list: Value) -> UInt32? {
    guard list.kind == .list, list.count > 0, let values = list.elements else { return nil }
    for at in 0..<Int(list.count) where values[at].kind != .string { return nil }
    let number = constant(list)
    guard let set = StringSet(list: number, values: values, count: list.count, arena: &storage.arena) else {
      return nil
    }
    sets.append(set)
    return UInt32(truncatingIfNeeded: sets.count &- 1)
  }

  func zone(_ name: Bytes) -> UInt32? {
    let key = Array(name.buffer)
    if let known = zoneNumbers[key] { return known }
    guard let zone = TimeZone.load(name, arena: &storage.arena) else { return nil }
    let number = UInt32(truncatingIfNeeded: zones.count)
    zones.append(zone)
    zoneNumbers[key] = number
    return number
  }

  /// Runs `body` with the folding evaluation, whose arena is the storage's.
  func fold(_ body: (Evaluation.Pointer) -> Value) -> Value {
    swap(&storage.arena, &folding.pointee.arena)
    folding.pointee.stepsLeft = CodeBuilder.stepsMost
    let result = body(folding)
    swap(&storage.arena, &folding.pointee.arena)
    return result
  }

  /// The code will point into this schema's memory.
  func keep(_ schema: Schema) {
    for known in storage.schemas where known === schema { return }
    storage.schemas.append(schema)
  }

  // MARK: Making the code

  func makeCode() -> Code {
    var registersMax = 1
    for program in programs { registersMax = max(registersMax, Int(program.registerCount)) }
    var image = foldingImage.pointee
    image.instructions = settle(instructions)
    image.offsets = settle(offsets)
    image.constants = settle(constants)
    image.programs = settle(programs)
    image.programCount = UInt32(truncatingIfNeeded: programs.count)
    image.regexes = settle(storage.regexes.map { Optional($0) })
    image.regexCount = UInt32(truncatingIfNeeded: storage.regexes.count)
    image.sets = settle(sets)
    image.zones = settle(zones)
    image.natives = settle(storage.natives.map { $0.entry })
    let place = settle([image])
    return Code(
      storage: storage, image: place, slots: slots, registersMax: registersMax, programCount: programs.count)
  }

  /// Copies an array of trivial things to memory that the storage frees.
  private func settle<T>(_ array: [T]) -> UnsafePointer<T> {
    let count = max(array.count, 1)
    let memory = UnsafeMutablePointer<T>.allocate(capacity: count)
    storage.adopt(UnsafeMutableRawPointer(memory))
    array.withUnsafeBufferPointer { source in
      if let base = source.baseAddress { memory.initialize(from: base, count: source.count) }
    }
    return UnsafePointer(memory)
  }
}
