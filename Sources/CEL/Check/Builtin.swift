// The functions the evaluator knows. One case a function, whatever its overloads: each looks at the kinds of
// its arguments when it runs. The names in the comments are the functions' names in a tree.

public enum Builtin: UInt8, Sendable {
  case equal  // _==_
  case notEqual  // _!=_
  case less  // _<_
  case lessOrEqual  // _<=_
  case greater  // _>_
  case greaterOrEqual  // _>=_
  case add  // _+_
  case subtract  // _-_
  case multiply  // _*_
  case divide  // _/_
  case modulo  // _%_
  case negate  // -_
  case not  // !_
  case index  // _[_]
  case isIn  // @in
  case size
  case contains, startsWith, endsWith, matches
  case toInt, toUInt, toDouble, toString, toBytes, toBool, toTimestamp, toDuration, toType, toDyn
  case getFullYear, getMonth, getDayOfYear, getDayOfMonth, getDate, getDayOfWeek
  case getHours, getMinutes, getSeconds, getMilliseconds
  /// Of a number or a name, and any value of the enum.
  case toEnum
  case optionalNone  // optional.none
  case optionalOf  // optional.of
  case optionalOfNonZero  // optional.ofNonZeroValue
  case optionalHasValue  // hasValue
  case optionalValue  // value
  /// `or` and `orValue` are jumps (see `Opcode.orElse`); of one operand, `optionalOr` is that operand if it is an optional.
  case optionalOr, optionalOrValue
  case optionalSelect  // _?._
  case optionalIndex  // _[?_]
  case optionalUnwrap  // optional.unwrap, unwrapOpt
  case optionalFirst, optionalLast  // first, last
}
