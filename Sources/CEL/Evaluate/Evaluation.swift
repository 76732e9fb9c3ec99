// One evaluation's surroundings: where its values lie and how it gets those it does not have.
//
//   slots      what the host knows, one value for each attribute (or literal map entry) that the code reads;
//              filled on first use and kept for the length of the call
//   registers  what the running program computes
//   arena      what it must build
//
// A caller keeps one of these per worker, at a fixed address, and resets it for each call.

public struct Evaluation {
  public typealias Pointer = UnsafeMutablePointer<Evaluation>

  /// The immutable program text; set before anything is evaluated.
  public var code: UnsafePointer<CodeImage>
  public var slots: UnsafeMutablePointer<Value>
  public var registers: UnsafeMutablePointer<Value>
  public var arena: Arena
  /// What is left of the budget of the running program.
  public var stepsLeft: Int64 = 0
  /// Whose requests these are; the callbacks' own.
  public var owner: UnsafeMutableRawPointer?

  /// Fills `slots[slot]` with anything but `unfetched`. The raw pointer is an `Evaluation.Pointer`.
  public var fetch: @convention(c) (UnsafeMutableRawPointer, _ slot: UInt32) -> Void
  /// The entry of an entrywise map by a key known only now: writes a value, `absent`, or an error to `result`
  /// (a `Value` pointer). `key` points to a `Value`.
  public var entry:
    @convention(c) (
      UnsafeMutableRawPointer, _ mapSlot: UInt32, _ key: UnsafeRawPointer, _ result: UnsafeMutableRawPointer
    ) -> Void
  /// The whole entrywise map, as a `map` in the arena, or an error; written to `result` (a `Value` pointer).
  public var whole:
    @convention(c) (UnsafeMutableRawPointer, _ mapSlot: UInt32, _ result: UnsafeMutableRawPointer) -> Void
  /// A function of the host: `arguments` points to `count` values, the result goes to `result`.
  public var external:
    @convention(c) (
      UnsafeMutableRawPointer, _ function: UInt32, _ arguments: UnsafeRawPointer, _ count: UInt32,
      _ result: UnsafeMutableRawPointer
    ) -> Void

  public init(
    code: UnsafePointer<CodeImage>, slots: UnsafeMutablePointer<Value>, registers: UnsafeMutablePointer<Value>,
    arena: Arena, owner: UnsafeMutableRawPointer?,
    fetch: @escaping @convention(c) (UnsafeMutableRawPointer, UInt32) -> Void,
    entry:
      @escaping @convention(c) (UnsafeMutableRawPointer, UInt32, UnsafeRawPointer, UnsafeMutableRawPointer) -> Void,
    whole: @escaping @convention(c) (UnsafeMutableRawPointer, UInt32, UnsafeMutableRawPointer) -> Void,
    external:
      @escaping @convention(c) (
        UnsafeMutableRawPointer, UInt32, UnsafeRawPointer, UInt32, UnsafeMutableRawPointer
      ) -> Void
  ) {
    self.code = code
    self.slots = slots
    self.registers = registers
    self.arena = arena
    self.owner = owner
    self.fetch = fetch
    self.entry = entry
    self.whole = whole
    self.external = external
  }
}
