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

  public var regex: RegexLibrary? { pool.storage.regexLibrary }

  /// Without a regex library an expression with `matches` is refused.
  public init(regex: RegexLibrary?) { pool = CodePool(regexLibrary: regex) }

  /// For a fragment, which is small and is kept for long.
  public init(regex: RegexLibrary?, sharing: CodeSharing) {
    pool = CodePool(regexLibrary: regex, sharing: sharing, chunkBytesLeast: 256)
  }

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

  /// The same, to be linked with others.
  public consuming func finishFragment() -> CodeFragment { CodeFragment(pool) }

  /// The number of a slot in what is being built; nil when no program reads it.
  public func slot(of definition: SlotDefinition) -> UInt32? { pool.knownSlot(definition) }

  // What the caller wants kept at an address as long as the code is. Equal text is kept once, constants' included.
  // Nil when that is more than one code may have.

  public func keep(_ text: [UInt8]) -> Bytes? { pool.text(text) }

  /// Text that no other is likely to equal.
  public func keepApart(_ text: [UInt8]) -> Bytes? {
    text.withUnsafeBufferPointer { source -> Bytes? in
      guard source.count < Int(UInt32.max) else { return nil }
      return pool.storage.arena.copy(Bytes(source.baseAddress, count: UInt32(truncatingIfNeeded: source.count)))
    }
  }

  public func keep<Element: BitwiseCopyable>(_ elements: [Element]) -> UnsafePointer<Element>? {
    elements.withUnsafeBytes { keep($0) }?.assumingMemoryBound(to: Element.self)
  }

  @inline(never)
  private func keep(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawPointer? {
    guard let room = pool.storage.arena.allocate(max(bytes.count, 1)) else { return nil }
    if let base = bytes.baseAddress { memcpy(room, base, bytes.count) }
    return UnsafeRawPointer(room)
  }
}

/// What is being built.
final class CodePool {
  let storage: CodeStorage
  var instructions: [Instruction] = []
  var offsets: [UInt32] = []
  var constants: [Value] = []
  var programs: [Program] = []
  var sets: [StringSet] = []
  var slots: [SlotDefinition] = []
  private var slotNumbers: [SlotDefinition: UInt32] = [:]
  private var textNumbers: [[UInt8]: UInt32] = [:]
  private var texts: [[UInt8]: Bytes] = [:]
  private var regexNumbers: [[UInt8]: UInt32] = [:]
  private var zoneNumbers: [[UInt8]: UInt32] = [:]
  private let sharing: CodeSharing?
  /// What constant folding evaluates with: no slots, no registers, the storage's arena.
  let folding: Evaluation.Pointer
  private let foldingImage: UnsafeMutablePointer<CodeImage>

  /// Of the folding image; nothing that is made points there.
  private let rooms: [UnsafeMutableRawPointer]

  init(regexLibrary: RegexLibrary?, sharing: CodeSharing? = nil, chunkBytesLeast: Int = Arena.chunkBytes) {
    storage = CodeStorage(regexLibrary: regexLibrary, chunkBytesLeast: chunkBytesLeast)
    self.sharing = sharing
    // Room for one thing each, so that the pointers of an empty image are not null.
    var rooms: [UnsafeMutableRawPointer] = []
    foldingImage = CodePool.room(&rooms)
    foldingImage.initialize(
      to: CodeImage(
        instructions: UnsafePointer(CodePool.room(&rooms)), offsets: UnsafePointer(CodePool.room(&rooms)),
        constants: UnsafePointer(CodePool.room(&rooms)), programs: UnsafePointer(CodePool.room(&rooms)), programCount: 0,
        regexes: UnsafePointer(CodePool.room(&rooms)), regexCount: 0, sets: UnsafePointer(CodePool.room(&rooms)),
        zones: UnsafePointer(CodePool.room(&rooms)), natives: UnsafePointer(CodePool.room(&rooms)),
        regexLibrary: regexLibrary))
    folding = CodePool.room(&rooms)
    folding.initialize(
      to: Evaluation(
        code: foldingImage, slots: CodePool.room(&rooms), registers: CodePool.room(&rooms),
        arena: Arena(bytesMax: 0), owner: nil, fetch: { _, _ in }, entry: { _, _, _, _ in }, whole: { _, _, _ in },
        external: { _, _, _, _, _ in }))
    self.rooms = rooms
  }

  deinit {
    for room in rooms { room.deallocate() }
  }

  private static func room<T>(_ rooms: inout [UnsafeMutableRawPointer]) -> UnsafeMutablePointer<T> {
    let memory = UnsafeMutablePointer<T>.allocate(capacity: 1)
    rooms.append(UnsafeMutableRawPointer(memory))
    return memory
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

  func knownSlot(_ definition: SlotDefinition) -> UInt32? { slotNumbers[definition] }

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
    if let shared = sharing?.pattern(key) { return .number(number(of: shared)) }
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
    let compiled = CompiledPattern(key: key, regex: regex, library: library)
    sharing?.add(compiled)
    return .number(number(of: compiled))
  }

  private func number(of pattern: CompiledPattern) -> UInt32 {
    let number = UInt32(truncatingIfNeeded: storage.patterns.count)
    storage.patterns.append(pattern)
    regexNumbers[pattern.key] = number
    return number
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
    guard let zone = sharing == nil ? LoadedZone(name) : sharing?.zone(name) else { return nil }
    let number = UInt32(truncatingIfNeeded: storage.zones.count)
    storage.zones.append(zone)
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
    image.instructions = storage.settle(instructions)
    image.offsets = storage.settle(offsets)
    image.constants = storage.settle(constants)
    image.programs = storage.settle(programs)
    image.programCount = UInt32(truncatingIfNeeded: programs.count)
    image.regexes = storage.settle(storage.patterns.map { Optional($0.regex) })
    image.regexCount = UInt32(truncatingIfNeeded: storage.patterns.count)
    image.sets = storage.settle(sets)
    image.zones = storage.settle(storage.zones.map { $0.zone })
    image.natives = storage.settle(storage.natives.map { $0.entry })
    return Code(
      storage: storage, image: storage.settle([image]), slots: slots, registersMax: registersMax,
      programCount: programs.count)
  }
}
