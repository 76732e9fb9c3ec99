// One step of a program: 16 bytes, operands are numbers.
//
//   op (1)  flags (1)  destination (2)  a (4)  b (4)  jump (2)  error (2)
//
// There are two sorts. A *computing* instruction puts a value, which may be an error, into its destination and
// goes on to the next one. A *testing* instruction has three outcomes:
//
//   as its sense says   go to `jump`
//   the other           go on to the next instruction
//   error               put the error into `destination` and go to `error`
//
// so conditions need no value and no stack, and `&&` and `||` absorb errors in code whose size is linear: an
// operand that fails leaves its error in a register, the next operand is tried, and `rethrow` looks at the
// register when none of them decided. Jumps count from the program's start.

struct Instruction: BitwiseCopyable {
  var op: Opcode
  var flags: UInt8
  var destination: UInt16
  var a: UInt32
  /// For `test`: the builtin in the upper byte, the operand in the lower three.
  var b: UInt32
  /// A target, or the builtin of `call1` and `call2`, or the number of arguments of `external` and `native`.
  var jump: UInt16
  var error: UInt16

  init(
    _ op: Opcode, flags: UInt8 = 0, destination: UInt16 = 0, a: UInt32 = 0, b: UInt32 = 0, jump: UInt16 = 0,
    error: UInt16 = 0
  ) {
    self.op = op
    self.flags = flags
    self.destination = destination
    self.a = a
    self.b = b
    self.jump = jump
    self.error = error
  }
}

/// Where an operand lies.
struct Operand: Equatable {
  enum Space: UInt8 {
    case register = 0
    case slot = 1
    case constant = 2
  }

  var space: Space
  var index: UInt32

  static func register(_ index: UInt16) -> Operand {
    Operand(space: .register, index: UInt32(truncatingIfNeeded: index))
  }
}

enum Flag {
  @inline(__always) static var sense: UInt8 { 0x01 }
  /// Of a testing instruction: an error already in the destination stays.
  @inline(__always) static var keepsFirst: UInt8 { 0x02 }
  /// `a` is a slot; `a` is a constant. Neither: a register. The same for `b`.
  @inline(__always) static var aSlot: UInt8 { 0x04 }
  @inline(__always) static var aConstant: UInt8 { 0x08 }
  @inline(__always) static var bSlot: UInt8 { 0x10 }
  @inline(__always) static var bConstant: UInt8 { 0x20 }
  /// Of `insert` and `collect`: the key is known to be a good one. Of `external`, `native`, `call1` and `call2`: only if
  /// the destination says that the candidate before had no such overload.
  @inline(__always) static var special: UInt8 { 0x40 }
  /// Of `append`, `insert` and `setField`: the value is an optional, and none adds nothing. Of `orElse`: the result is
  /// the value. Of `optionalEntry`: `b` is a field's name.
  @inline(__always) static var optional: UInt8 { 0x80 }
}

enum Opcode: UInt8, BitwiseCopyable {
  // Testing. `a` is a slot or a register, `b` a constant of the kind that the name says.
  case equalString
  case startsWithString
  case endsWithString
  case containsString
  /// `b` is a set.
  case inSet
  case equalInt
  case lessInt
  case lessOrEqualInt
  case greaterInt
  case greaterOrEqualInt
  /// `b` is a regex.
  case matchesRegex
  /// `a` is a slot: is there such an attribute?
  case present
  /// `a` is true.
  case isTrue
  /// A builtin of any two operands that gives a bool.
  case test
  /// An error in register `a` goes into the destination; otherwise on to `jump`.
  case rethrow

  // Computing.
  case move
  /// An error: its code is `a`.
  case fail
  case loadBool
  case clear
  case add
  case subtract
  case call1
  case call2
  /// A getter of timestamp `a` in zone number `b`.
  case zoned
  /// Function `b` of the host; the arguments are `jump` registers from `a` on.
  case external
  /// The same for native function `b` of the code's table.
  case native
  /// Field `b` (a constant string) of `a`; `hasField`: is there one? Of a message it is likely at place `jump`.
  case select
  case hasField
  /// An empty list or map with room for `a` elements.
  case makeList
  case makeMap
  /// An empty list with room for what the iterator in register `a` goes over.
  case makeListFor
  /// The same of a map; the register after the destination is its capacity.
  case makeMapFor
  /// Adds operand `a` to the list in the destination; an error replaces the list and goes to `error`.
  case append
  /// Adds key `a` and value `b` to the map in the destination.
  case insert
  /// An empty message; `a` is the constant that holds its descriptor's address.
  case makeMessage
  /// Puts operand `b` into field number `a` of the message in the destination.
  case setField
  /// A well-known message in the destination becomes the value it stands for.
  case sealMessage
  case increment
  /// Makes the destination an iterator over `a`'s elements or keys; an error goes to register `b` and to `error`.
  case iterate
  /// The iterator's next element into the register after it, or to `jump` when there is none. `a` is the step's
  /// price; when that cannot be paid an error goes to register `b` and to `error`.
  case next
  /// The same for two variables: key and value, or the index, which the register after the iterator holds, and the
  /// element.
  case nextPair
  /// Adds key `a` and value `b` to the map in the destination; an error replaces the map and goes to `error`.
  case collect
  /// Adds the entries of map `a` to the map in the destination, which grows; errors as for `collect`.
  case merge
  /// An optional of what slot `a` holds.
  case optionalSlot
  /// `a[?b]`, or `a.?b`.
  case optionalEntry
  /// The optional in the destination if it has a value, or an error: on to `jump`. None goes on.
  case orElse
  /// The value of optional `a` into the destination; none or an error goes to register `b` and on to `jump`.
  case unwrap
  /// A binding's value in the destination, unless it is there already: calls the code at `jump`.
  case force
  /// From there back to where register `a` says.
  case goBack
  case jump
  /// The program's value is operand `a`; true; false.
  case giveValue
  case giveTrue
  case giveFalse
}
