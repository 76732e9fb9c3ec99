// A host of an evaluator for tests: variables with their values, and everything an evaluation needs, in one object.

package import CEL
import CPlatform

#if canImport(RE2Shim)
  import RE2Shim
#endif

extension Arena {
  package mutating func text(_ text: String) -> Bytes? { bytes(Array(text.utf8)) }

  package mutating func bytes(_ bytes: [UInt8]) -> Bytes? {
    bytes.withUnsafeBufferPointer { copy(Bytes($0.baseAddress, count: UInt32($0.count))) }
  }

  package mutating func list(_ values: [Value]) -> Value? {
    guard let memory = allocateValues(max(values.count, 1)) else { return nil }
    for (at, value) in values.enumerated() { memory[at] = value }
    return .list(memory, count: UInt32(values.count))
  }

  /// Key, value, key, value, …
  package mutating func map(_ values: [Value]) -> Value? {
    guard let memory = allocateValues(max(values.count, 1)) else { return nil }
    for (at, value) in values.enumerated() { memory[at] = value }
    return .map(memory, count: UInt32(values.count / 2))
  }
}

/// RE2, where the test target links it.
package var regexLibrary: RegexLibrary? {
  #if canImport(RE2Shim)
    RegexLibrary(
      compile: { pattern, size, error, errorSize in purser_re2_compile(pattern, size, error, errorSize) },
      match: { regex, text, size in purser_re2_match(regex, text, size) },
      free: { regex in purser_re2_free(regex) },
      groups: RegexLibrary.Groups(
        compile: { pattern, size, error, errorSize in purser_re2_compile_groups(pattern, size, error, errorSize) },
        count: { regex in purser_re2_group_count(regex) },
        find: { regex, text, size, start, offsets, count in
          purser_re2_find(regex, text, size, start, offsets, count)
        }))
  #else
    nil
  #endif
}

package final class TestHost {
  package var environment = Environment()
  package var arena = Arena(bytesMax: 64 << 20)
  /// By `Variable.id`; one that is not here is absent.
  package var values: [UInt32: Value] = [:]
  /// Slots asked for, in order.
  package private(set) var fetched: [SlotDefinition] = []
  package private(set) var entriesAsked = 0
  package private(set) var wholesAsked = 0
  package var arenaMax = 16 << 20
  private var code: Code?
  private var variableCount: UInt32 = 0

  package init() {}

  deinit { arena.free() }

  @discardableResult
  package func declare(
    _ name: String, _ type: TypeID = .dyn, _ value: Value? = nil, isEntrywise: Bool = false, constant: Literal? = nil
  ) -> UInt32 {
    let id = variableCount
    variableCount += 1
    environment.declare(Variable(name: name, type: type, id: id, isEntrywise: isEntrywise, constant: constant))
    if let value { values[id] = value }
    return id
  }

  package func string(_ text: String) -> Value { arena.text(text).map { .string($0) } ?? .null }

  package func strings(_ texts: [String]) -> Value { arena.list(texts.map { string($0) }) ?? .null }

  /// A map from text to values, for a variable that is read whole or entry by entry.
  package func map(_ entries: [(String, Value)]) -> Value { arena.map(entries.flatMap { [string($0), $1] }) ?? .null }

  package enum Failure: Error, CustomStringConvertible {
    case refused(String)

    package var description: String {
      switch self {
      case .refused(let message): message
      }
    }
  }

  package func compile(_ text: String, isChecked: Bool = true, hasMacros: Bool = true) throws -> Code {
    var builder = CodeBuilder(regex: regexLibrary)
    _ = try add(text, to: &builder, isChecked: isChecked, hasMacros: hasMacros)
    return builder.finish()
  }

  package func add(
    _ text: String, to builder: inout CodeBuilder, isChecked: Bool = true, hasMacros: Bool = true
  ) throws -> UInt32 {
    let checked = try check(text, isChecked: isChecked, hasMacros: hasMacros)
    var diagnostics = Diagnostics()
    guard let program = builder.add(checked, diagnostics: &diagnostics) else {
      throw Failure.refused(diagnostics.items.map(\.message).joined(separator: "; "))
    }
    return program
  }

  package func check(_ text: String, isChecked: Bool = true, hasMacros: Bool = true) throws -> CheckedTree {
    var diagnostics = Diagnostics()
    guard
      let tree = Parser.parse(
        Array(text.utf8), macros: hasMacros, extensions: environment.extensions, diagnostics: &diagnostics)
    else {
      throw Failure.refused("parse: " + diagnostics.items.map(\.message).joined(separator: "; "))
    }
    if !isChecked { return Checker.resolve(tree, in: environment) }
    guard let checked = Checker.check(tree, in: environment, diagnostics: &diagnostics) else {
      throw Failure.refused("check: " + diagnostics.items.map(\.message).joined(separator: "; "))
    }
    return checked
  }

  /// The value's text as `render` writes it, or the error's code.
  package func evaluate(_ text: String, isChecked: Bool = true) -> String {
    do {
      let code = try compile(text, isChecked: isChecked)
      return evaluate(code) { value in
        value.kind == .error ? "error: \(value.asError.code)" : render(value)
      }
    } catch {
      return "refused: \(error)"
    }
  }

  package func evaluate<T>(_ code: Code, program: UInt32 = 0, _ body: (Value) -> T) -> T {
    self.code = code
    fetched = []
    entriesAsked = 0
    wholesAsked = 0
    let slots = UnsafeMutablePointer<Value>.allocate(capacity: max(code.slots.count, 1))
    slots.initialize(repeating: Value(kind: .unfetched), count: max(code.slots.count, 1))
    let registers = UnsafeMutablePointer<Value>.allocate(capacity: code.registersMax)
    // Whatever was in the registers before must not matter.
    registers.initialize(repeating: .error(EvaluationError(.listNotLoaded)), count: code.registersMax)
    let evaluation = Evaluation.Pointer.allocate(capacity: 1)
    evaluation.initialize(
      to: Evaluation(
        code: code.image, slots: slots, registers: registers, arena: Arena(bytesMax: arenaMax),
        owner: Unmanaged.passUnretained(self).toOpaque(),
        fetch: { raw, slot in
          let evaluation = raw.assumingMemoryBound(to: Evaluation.self)
          evaluation.pointee.slots[Int(slot)] = TestHost.of(evaluation).fetch(slot)
        },
        entry: { raw, slot, key, result in
          let host = TestHost.of(raw.assumingMemoryBound(to: Evaluation.self))
          host.entriesAsked += 1
          result.storeBytes(of: host.entry(slot, key.load(as: Value.self)), as: Value.self)
        },
        whole: { raw, slot, result in
          let host = TestHost.of(raw.assumingMemoryBound(to: Evaluation.self))
          host.wholesAsked += 1
          result.storeBytes(of: host.whole(slot), as: Value.self)
        },
        external: { raw, function, arguments, count, result in
          let host = TestHost.of(raw.assumingMemoryBound(to: Evaluation.self))
          let values = UnsafeBufferPointer(start: arguments.assumingMemoryBound(to: Value.self), count: Int(count))
          let value = host.functions[function]?(Array(values)) ?? .error(EvaluationError(.noSuchOverload))
          result.storeBytes(of: value, as: Value.self)
        }))
    defer {
      evaluation.pointee.arena.free()
      evaluation.deinitialize(count: 1)
      evaluation.deallocate()
      registers.deallocate()
      slots.deallocate()
    }
    return body(CEL.evaluate(program, evaluation))
  }

  /// The functions of the host, by number.
  package var functions: [UInt32: ([Value]) -> Value] = [:]

  private static func of(_ evaluation: Evaluation.Pointer) -> TestHost {
    Unmanaged<TestHost>.fromOpaque(evaluation.pointee.owner!).takeUnretainedValue()
  }

  private func fetch(_ slot: UInt32) -> Value {
    guard let definition = code?.slots[Int(slot)] else { return .absent }
    fetched.append(definition)
    guard let value = values[definition.variable] else { return .absent }
    if let key = definition.key { return lookUp(value, key) }
    let isEntrywise = environment.variables.values.contains { $0.id == definition.variable && $0.isEntrywise }
    return isEntrywise ? .hostMap(slot: slot) : value
  }

  private func entry(_ slot: UInt32, _ key: Value) -> Value {
    guard let value = values[code?.slots[Int(slot)].variable ?? .max], key.kind == .string else { return .absent }
    return lookUp(value, Array(key.asBytes.buffer))
  }

  private func whole(_ slot: UInt32) -> Value { values[code?.slots[Int(slot)].variable ?? .max] ?? .absent }

  private func lookUp(_ map: Value, _ key: [UInt8]) -> Value {
    guard map.kind == .map, let entries = map.elements else { return map.kind == .error ? map : .absent }
    for at in 0..<Int(map.count) where Array(entries[at * 2].asBytes.buffer) == key { return entries[at * 2 + 1] }
    return .absent
  }
}
