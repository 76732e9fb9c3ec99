// Puts fragments together to one `Code`: programs one after the other, what several of them read under one number. The
// constants' text and the patterns stay where they are, and the code keeps the fragments for that.
//
// Linking in the same order gives the same code, whenever the fragments were compiled.

/// Takes fragments one by one; `finish` makes the immutable code. For one thread.
public final class CodeLinker {
  /// Where a fragment came to lie.
  public struct Place {
    /// The number of its first program.
    public var programFirst: UInt32
    fileprivate var constantFirst: UInt32
    fileprivate var setFirst: UInt32
    fileprivate var slots: Range<Int>
    fileprivate var patterns: Range<Int>
    fileprivate var zones: Range<Int>
    fileprivate var natives: Range<Int>
  }

  private let regexLibrary: RegexLibrary?
  private var fragments: [CodeFragment] = []
  private var places: [Place] = []
  private var programCount: UInt32 = 0
  private var constantCount = 0
  private var setCount = 0
  private var instructionCount = 0
  private var slots: [SlotDefinition] = []
  private var slotNumbers: [SlotDefinition: UInt32] = [:]
  private var patterns: [CompiledPattern] = []
  private var patternNumbers: [[UInt8]: UInt32] = [:]
  private var zones: [LoadedZone] = []
  private var zoneNumbers: [[UInt8]: UInt32] = [:]
  private var natives: [NativeFunction] = []
  /// The numbers here of what each fragment numbers for itself, by its places' ranges.
  private var slotMap: [UInt32] = []
  private var patternMap: [UInt32] = []
  private var zoneMap: [UInt32] = []
  private var nativeMap: [UInt32] = []

  public init(regex: RegexLibrary?) { regexLibrary = regex }

  /// Nil when there would be more slots or constants than an instruction can number.
  public func add(_ fragment: CodeFragment) -> Place? {
    var place = Place(
      programFirst: programCount, constantFirst: UInt32(truncatingIfNeeded: constantCount),
      setFirst: UInt32(truncatingIfNeeded: setCount), slots: slotMap.count..<slotMap.count,
      patterns: patternMap.count..<patternMap.count, zones: zoneMap.count..<zoneMap.count,
      natives: nativeMap.count..<nativeMap.count)
    guard constantCount &+ fragment.constants.count <= Compiler.constantsMax,
      setCount &+ fragment.sets.count <= Compiler.constantsMax
    else { return nil }
    for slot in fragment.slots {
      guard let number = number(of: slot) else { return nil }
      slotMap.append(number)
    }
    for pattern in fragment.storage.patterns { patternMap.append(number(of: pattern)) }
    for zone in fragment.storage.zones { zoneMap.append(number(of: zone)) }
    for native in fragment.storage.natives { nativeMap.append(number(of: native)) }
    place.slots = place.slots.lowerBound..<slotMap.count
    place.patterns = place.patterns.lowerBound..<patternMap.count
    place.zones = place.zones.lowerBound..<zoneMap.count
    place.natives = place.natives.lowerBound..<nativeMap.count
    constantCount &+= fragment.constants.count
    setCount &+= fragment.sets.count
    instructionCount &+= fragment.instructions.count
    programCount = programCount &+ UInt32(truncatingIfNeeded: fragment.programs.count)
    fragments.append(fragment)
    places.append(place)
    return place
  }

  /// The number here of a fragment's slot.
  public func slot(_ number: UInt32, in place: Place) -> UInt32 { mapped(number, slotMap, place.slots) }

  /// The number here of what a slot holds; nil when no fragment reads it.
  public func slot(of definition: SlotDefinition) -> UInt32? { slotNumbers[definition] }

  /// The code of all fragments. The linker is of no use afterwards.
  public func finish() -> Code {
    let storage = CodeStorage(regexLibrary: regexLibrary)
    storage.fragments = fragments
    let constants: UnsafeMutablePointer<Value> = storage.room(for: constantCount)
    let instructions: UnsafeMutablePointer<Instruction> = storage.room(for: instructionCount)
    let offsets: UnsafeMutablePointer<UInt32> = storage.room(for: instructionCount)
    let programs: UnsafeMutablePointer<Program> = storage.room(for: Int(programCount))
    let sets: UnsafeMutablePointer<StringSet> = storage.room(for: setCount)
    var registersMax = 1
    var instructionFirst = 0
    for (fragment, place) in zip(fragments, places) {
      var number = 0
      for constant in fragment.constants {
        constants[Int(place.constantFirst) &+ number] = linked(constant, place)
        number &+= 1
      }
      number = 0
      for instruction in fragment.instructions {
        instructions[instructionFirst &+ number] = linked(instruction, place)
        offsets[instructionFirst &+ number] = fragment.offsets[number]
        number &+= 1
      }
      number = 0
      for program in fragment.programs {
        var program = program
        program.start = program.start &+ UInt32(truncatingIfNeeded: instructionFirst)
        programs[Int(place.programFirst) &+ number] = program
        registersMax = max(registersMax, Int(program.registerCount))
        number &+= 1
      }
      number = 0
      for set in fragment.sets {
        var set = set
        set.list = set.list &+ place.constantFirst
        sets[Int(place.setFirst) &+ number] = set
        number &+= 1
      }
      instructionFirst &+= fragment.instructions.count
    }
    let image = CodeImage(
      instructions: UnsafePointer(instructions), offsets: UnsafePointer(offsets), constants: UnsafePointer(constants),
      programs: UnsafePointer(programs), programCount: programCount,
      regexes: storage.settle(patterns.map { Optional($0.regex) }),
      regexCount: UInt32(truncatingIfNeeded: patterns.count), sets: UnsafePointer(sets),
      zones: storage.settle(zones.map { $0.zone }), natives: storage.settle(natives.map { $0.entry }),
      regexLibrary: regexLibrary)
    return Code(
      storage: storage, image: storage.settle([image]), slots: slots, registersMax: registersMax,
      programCount: Int(programCount))
  }

  // MARK: Numbers

  private func number(of slot: SlotDefinition) -> UInt32? {
    if let known = slotNumbers[slot] { return known }
    guard slots.count < CodeBuilder.slotsMax else { return nil }
    let number = UInt32(truncatingIfNeeded: slots.count)
    slots.append(slot)
    slotNumbers[slot] = number
    return number
  }

  private func number(of pattern: CompiledPattern) -> UInt32 {
    if let known = patternNumbers[pattern.key] { return known }
    let number = UInt32(truncatingIfNeeded: patterns.count)
    patterns.append(pattern)
    patternNumbers[pattern.key] = number
    return number
  }

  private func number(of zone: LoadedZone) -> UInt32 {
    if let known = zoneNumbers[zone.name] { return known }
    let number = UInt32(truncatingIfNeeded: zones.count)
    zones.append(zone)
    zoneNumbers[zone.name] = number
    return number
  }

  private func number(of native: NativeFunction) -> UInt32 {
    if let known = natives.firstIndex(of: native) { return UInt32(truncatingIfNeeded: known) }
    natives.append(native)
    return UInt32(truncatingIfNeeded: natives.count &- 1)
  }

  private func mapped(_ number: UInt32, _ map: [UInt32], _ range: Range<Int>) -> UInt32 {
    let index = range.lowerBound &+ Int(number)
    return index < range.upperBound && map.indices.contains(index) ? map[index] : 0
  }

  /// A pattern of a native function: see `Compiler.compiledPattern`.
  private func linked(_ constant: Value, _ place: Place) -> Value {
    guard constant.kind == .string, constant.extra != 0 else { return constant }
    var constant = constant
    let pattern = mapped(UInt32(truncatingIfNeeded: constant.extra) &- 1, patternMap, place.patterns)
    // Too high a number: the function compiles the text itself.
    constant.extra = pattern < 0xffff ? UInt16(truncatingIfNeeded: pattern &+ 1) : 0
    return constant
  }

  /// The operands' flags say what most numbers are; the rest is each operation's own.
  private func linked(_ instruction: Instruction, _ place: Place) -> Instruction {
    var linked = instruction
    if instruction.flags & Flag.aSlot != 0 {
      linked.a = slot(instruction.a, in: place)
    } else if instruction.flags & Flag.aConstant != 0 {
      linked.a = instruction.a &+ place.constantFirst
    }
    if instruction.flags & Flag.bSlot != 0 {
      linked.b = instruction.b & 0xff00_0000 | slot(instruction.b & 0xff_ffff, in: place)
    } else if instruction.flags & Flag.bConstant != 0 {
      linked.b = instruction.b & 0xff00_0000 | ((instruction.b & 0xff_ffff) &+ place.constantFirst)
    }
    switch instruction.op {
    case .equalString, .startsWithString, .endsWithString, .containsString, .equalInt, .lessInt, .lessOrEqualInt,
      .greaterInt, .greaterOrEqualInt:
      linked.b = instruction.b &+ place.constantFirst
    case .inSet: linked.b = instruction.b &+ place.setFirst
    case .matchesRegex: linked.b = mapped(instruction.b, patternMap, place.patterns)
    case .zoned: linked.b = mapped(instruction.b, zoneMap, place.zones)
    case .native: linked.b = mapped(instruction.b, nativeMap, place.natives)
    case .optionalSlot: linked.a = slot(instruction.a, in: place)
    case .makeMessage: linked.a = instruction.a &+ place.constantFirst
    case .present, .isTrue, .test, .rethrow, .move, .fail, .loadBool, .clear, .add, .subtract, .call1, .call2, .external,
      .select, .hasField, .makeList, .makeMap, .makeListFor, .makeMapFor, .append, .insert, .setField, .sealMessage,
      .increment, .iterate, .next, .nextPair, .collect, .merge, .optionalEntry, .orElse, .unwrap, .force, .goBack, .jump,
      .giveValue, .giveTrue, .giveFalse:
      break
    }
    return linked
  }
}
