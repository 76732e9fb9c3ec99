// Single values of a descriptor: fields, names, defaults, features.

extension DescriptorSetReader {
  struct FieldValue {
    var number: Int64 = 0
    var bytes = Bytes.empty
  }

  /// Calls `body` for each field that is a varint or bytes; false for malformed bytes and where `body` says so.
  static func fields(of bytes: Bytes, _ body: (UInt32, FieldValue) -> Bool) -> Bool {
    var reader = WireReader(bytes)
    while !reader.isAtEnd {
      guard let (number, type) = reader.tag() else { return false }
      var value = FieldValue()
      switch type {
      case WireType.varint:
        guard let bits = reader.varint() else { return false }
        value.number = Int64(bitPattern: bits)
      case WireType.bytes:
        guard let run = reader.bytes() else { return false }
        value.bytes = run
      default:
        guard reader.skip(number, type) else { return false }
        continue
      }
      if !body(number, value) { return false }
    }
    return true
  }

  /// `field_presence` of the `FeatureSet` that is field `features` of these options.
  static func presence(in options: Bytes, features: UInt32) -> Presence? {
    var result: Presence?
    _ = fields(of: options) { number, value in
      guard number == features else { return true }
      return fields(of: value.bytes) { number, value in
        if number == 1 { result = value.number == 2 ? .implicit : .explicit }
        return true
      }
    }
    return result
  }

  /// A type's name as descriptors have it: a leading dot says that it is a full one.
  static func fullName(_ bytes: Bytes) -> String {
    let text = bytes.text
    return text.utf8.first == UInt8(ascii: ".") ? String(text.unicodeScalars.dropFirst()) : text
  }

  /// An explicit default, which descriptors write as text; an enum's is the name of a value.
  static func literal(_ text: Bytes, _ type: FieldType) -> Literal? {
    switch type.zero.kind {
    case .string: return .string(Array(text.buffer))
    case .bytes: return .bytes(unescaped(text))
    case .bool: return .bool(text.equals("true"))
    case .double: return NumberText.double(text).map { .double($0) }
    case .uint: return NumberText.uint(text).map { .uint($0) }
    case .int: return type == .enumeration ? .string(Array(text.buffer)) : NumberText.int(text).map { .int($0) }
    default: return nil
    }
  }

  /// C escapes, as a bytes field's default is written: `\n`, `\"`, `\001`, `\xff`.
  private static func unescaped(_ text: Bytes) -> [UInt8] {
    let source = Array(text.buffer)
    var result: [UInt8] = []
    var at = 0
    func digits(_ base: UInt8, _ most: Int) -> UInt8 {
      var value: UInt8 = 0
      var count = 0
      while count < most, at < source.count {
        let lower = source[at] | 0x20
        let digit = source[at] &- 0x30 < 10 ? source[at] &- 0x30 : lower &- 0x61 < 6 ? lower &- 0x57 : 255
        if digit >= base { break }
        value = value &* base &+ digit
        at &+= 1
        count &+= 1
      }
      return value
    }
    while at < source.count {
      let byte = source[at]
      at &+= 1
      guard byte == UInt8(ascii: "\\"), at < source.count else {
        result.append(byte)
        continue
      }
      let escape = source[at]
      switch escape {
      case UInt8(ascii: "0")...UInt8(ascii: "7"): result.append(digits(8, 3))
      case UInt8(ascii: "x"), UInt8(ascii: "X"):
        at &+= 1
        result.append(digits(16, 2))
      default:
        at &+= 1
        switch escape {
        case UInt8(ascii: "n"): result.append(10)
        case UInt8(ascii: "r"): result.append(13)
        case UInt8(ascii: "t"): result.append(9)
        case UInt8(ascii: "a"): result.append(7)
        case UInt8(ascii: "b"): result.append(8)
        case UInt8(ascii: "f"): result.append(12)
        case UInt8(ascii: "v"): result.append(11)
        default: result.append(escape)
        }
      }
    }
    return result
  }
}
