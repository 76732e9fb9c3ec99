// Compiled expressions, many to one `Code`: a plan has one for its policies and one for its telemetry.
//
//   programs   [start, registers] ─► instructions ─► constants, regexes, sets, zones
//   slots      the variables and literal map entries that any of the programs read
//
// `Code` owns the memory and is immutable; `CodeImage` is what the evaluator sees of it.

import CPlatform

/// One expression's place in the code.
public struct Program: BitwiseCopyable, Sendable {
  public var start: UInt32
  /// Values that the program needs room for in `Evaluation.registers`.
  public var registerCount: UInt32
  /// Steps this program may take before `stepBudgetSpent`.
  public var stepsMax: Int64
  /// The last `errorCount` registers remember errors and are cleared before the program starts.
  var errorCount: UInt32
  var instructionCount: UInt32
}

/// What a slot holds: a variable, or one entry of an entrywise map variable.
public struct SlotDefinition: Sendable, Hashable {
  /// `Variable.id`.
  public var variable: UInt32
  /// The literal key, for an entry.
  public var key: [UInt8]?

  public init(variable: UInt32, key: [UInt8]? = nil) {
    self.variable = variable
    self.key = key
  }
}

/// How regular expressions are compiled and matched: RE2 behind a C table, found by whoever builds the code.
public struct RegexLibrary: Sendable {
  /// Compiles a pattern; nil and a message (written to `error`, at most `errorSize` bytes, NUL-terminated) if it
  /// is refused.
  public var compile:
    @convention(c) (
      _ pattern: UnsafePointer<UInt8>?, _ size: Int, _ error: UnsafeMutablePointer<CChar>?, _ errorSize: Int
    ) -> OpaquePointer?
  /// Unanchored search: 1, 0, or -1 for failure.
  public var match: @convention(c) (_ regex: OpaquePointer?, _ text: UnsafePointer<UInt8>?, _ size: Int) -> Int32
  public var free: @convention(c) (_ regex: OpaquePointer?) -> Void
  /// Matching that tells where; what the extension `regex` needs.
  public var groups: Groups?

  public struct Groups: Sendable {
    /// Like `RegexLibrary.compile`; the result remembers its groups. `free` frees it.
    public var compile: @convention(c) (UnsafePointer<UInt8>?, Int, UnsafeMutablePointer<CChar>?, Int) -> OpaquePointer?
    public var count: @convention(c) (_ regex: OpaquePointer?) -> Int32
    /// The first match at or after `start`: 1, 0, or -1 for failure. `offsets` has room for `count` pairs: where the
    /// match and the groups begin and end, -1 for a group that took no part.
    public var find:
      @convention(c) (
        _ regex: OpaquePointer?, _ text: UnsafePointer<UInt8>?, _ size: Int, _ start: Int,
        _ offsets: UnsafeMutablePointer<Int64>?, _ count: Int
      ) -> Int32

    public init(
      compile:
        @escaping @convention(c) (
          UnsafePointer<UInt8>?, Int, UnsafeMutablePointer<CChar>?, Int
        ) -> OpaquePointer?,
      count: @escaping @convention(c) (OpaquePointer?) -> Int32,
      find:
        @escaping @convention(c) (
          OpaquePointer?, UnsafePointer<UInt8>?, Int, Int, UnsafeMutablePointer<Int64>?, Int
        ) -> Int32
    ) {
      self.compile = compile
      self.count = count
      self.find = find
    }
  }

  public init(
    compile:
      @escaping @convention(c) (
        UnsafePointer<UInt8>?, Int, UnsafeMutablePointer<CChar>?, Int
      ) -> OpaquePointer?,
    match: @escaping @convention(c) (OpaquePointer?, UnsafePointer<UInt8>?, Int) -> Int32,
    free: @escaping @convention(c) (OpaquePointer?) -> Void, groups: Groups? = nil
  ) {
    self.compile = compile
    self.match = match
    self.free = free
    self.groups = groups
  }
}

/// What the evaluator reads: addresses of memory that a `Code` owns.
public struct CodeImage {
  var instructions: UnsafePointer<Instruction>
  /// Parallel to `instructions`: where in the expression's text an error of that instruction points.
  var offsets: UnsafePointer<UInt32>
  var constants: UnsafePointer<Value>
  var programs: UnsafePointer<Program>
  var programCount: UInt32
  var regexes: UnsafePointer<OpaquePointer?>
  var regexCount: UInt32
  var sets: UnsafePointer<StringSet>
  var zones: UnsafePointer<TimeZone>
  var natives: UnsafePointer<NativeEntry>
  var regexLibrary: RegexLibrary?
}

/// Compiled expressions. May be used from any number of threads at once, each with its own `Evaluation`.
public final class Code: @unchecked Sendable {
  public let image: UnsafePointer<CodeImage>
  /// What each slot of an `Evaluation` over this code holds.
  public let slots: [SlotDefinition]
  /// Room that `Evaluation.registers` must have: no program needs more.
  public let registersMax: Int
  public let programCount: Int
  private let storage: CodeStorage

  init(
    storage: CodeStorage, image: UnsafePointer<CodeImage>, slots: [SlotDefinition], registersMax: Int,
    programCount: Int
  ) {
    self.storage = storage
    self.image = image
    self.slots = slots
    self.registersMax = registersMax
    self.programCount = programCount
  }

  /// What a program needs and may do; nil for a number that is none.
  public func program(_ number: UInt32) -> Program? {
    number < image.pointee.programCount ? image.pointee.programs[Int(number)] : nil
  }
}
