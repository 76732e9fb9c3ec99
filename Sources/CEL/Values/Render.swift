// Values as CEL would write them, for explanations. Not for the request path: it allocates.

/// The value as text like a CEL literal; long or deep values are cut short with `…`.
public func render(_ value: Value) -> String {
  var text = ""
  render(value, to: &text, depth: 0)
  return text
}

private let depthMax = 16
private let bytesMax = 4_096
private let elementsMax = 100

private func render(_ value: Value, to text: inout String, depth: Int) {
  if depth > depthMax || text.utf8.count > bytesMax {
    text += "…"
    return
  }
  switch value.kind {
  case .unfetched: text += "<not fetched>"
  case .absent: text += "<absent>"
  case .error:
    text += "<error: "
    text += "\(value.asError.code.text)"
    text += ">"
  case .null: text += "null"
  case .bool: text += value.payload != 0 ? "true" : "false"
  case .int: text += String(value.asInt)
  case .uint:
    text += String(value.asUInt)
    text += "u"
  case .double: renderDouble(value.asDouble, to: &text)
  case .string: renderQuoted(value.asBytes, isText: true, to: &text)
  case .bytes:
    text += "b"
    renderQuoted(value.asBytes, isText: false, to: &text)
  case .timestamp, .duration:
    var short = ShortText()
    if value.kind == .timestamp { Instant.write(value, to: &short) } else { TimeSpan.write(value, to: &short) }
    text += value.kind == .timestamp ? "timestamp(\"" : "duration(\""
    text += short.text
    text += "\")"
  case .list:
    text += "["
    renderElements(value, isMap: false, to: &text, depth: depth)
    text += "]"
  case .map:
    text += "{"
    renderElements(value, isMap: true, to: &text, depth: depth)
    text += "}"
  case .hostMap: text += "{…}"
  case .type: text += value.asBytes.text
  case .opaque: text += "<opaque>"
  case .ip, .cidr:
    var short = ShortText()
    NetworkAddress.write(value, to: &short)
    text += value.kind == .ip ? "ip(\"" : "cidr(\""
    text += short.text
    text += "\")"
  case .enumeration:
    text += value.enumType?.pointee.name.text ?? ""
    if let name = value.enumType?.pointee.name(of: value.enumNumber) {
      text += "." + name.text
    } else {
      text += "(" + String(value.enumNumber) + ")"
    }
  case .message: renderMessage(value, to: &text, depth: depth)
  case .optional:
    guard let content = value.elements else {
      text += "optional.none()"
      return
    }
    text += "optional.of("
    render(content.pointee, to: &text, depth: depth &+ 1)
    text += ")"
  }
}

private func renderMessage(_ value: Value, to text: inout String, depth: Int) {
  guard let record = Record(value) else { return }
  text += record.descriptor.pointee.name.text
  text += "{"
  var isFirst = true
  for at in 0..<Int(record.descriptor.pointee.fieldCount) where record.fields[at].kind != .absent {
    if !isFirst { text += ", " }
    isFirst = false
    let name = record.descriptor.pointee.fields[at].name.text
    text += name.utf8.contains(UInt8(ascii: ".")) ? "`\(name)`" : name
    text += ": "
    render(record.fields[at], to: &text, depth: depth + 1)
  }
  text += "}"
}

private func renderElements(_ value: Value, isMap: Bool, to text: inout String, depth: Int) {
  guard let elements = value.elements else { return }
  for at in 0..<Int(value.count) {
    if at > 0 { text += ", " }
    if at == elementsMax {
      text += "…"
      return
    }
    if isMap {
      render(elements[at &* 2], to: &text, depth: depth + 1)
      text += ": "
      render(elements[at &* 2 &+ 1], to: &text, depth: depth + 1)
    } else {
      render(elements[at], to: &text, depth: depth + 1)
    }
  }
}

private func renderDouble(_ value: Double, to text: inout String) {
  var short = ShortText()
  short.append(value)
  let digits = short.text
  // A double literal has a point or an exponent.
  if !value.isFinite {
    text += "double(\"\(digits)\")"
  } else {
    text += digits
    if !digits.utf8.contains(UInt8(ascii: ".")), !digits.utf8.contains(UInt8(ascii: "e")) { text += ".0" }
  }
}

private func renderQuoted(_ bytes: Bytes, isText: Bool, to text: inout String) {
  text += "\""
  var run: [UInt8] = []
  func escape(_ byte: UInt8, _ run: inout [UInt8]) {
    let digits: [UInt8] = Array("0123456789abcdef".utf8)
    run.append(UInt8(ascii: "\\"))
    run.append(UInt8(ascii: "x"))
    for digit in [byte >> 4, byte & 15] where Int(digit) < digits.count { run.append(digits[Int(digit)]) }
  }
  for byte in bytes.buffer {
    // UTF-8 is cut between code points.
    if run.count >= bytesMax, byte & 0xc0 != 0x80 || !isText {
      text += String(decoding: run, as: UTF8.self)
      text += "…\""
      return
    }
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"):
      run.append(UInt8(ascii: "\\"))
      run.append(byte)
    case UInt8(ascii: "\n"): run.append(contentsOf: Array("\\n".utf8))
    case UInt8(ascii: "\r"): run.append(contentsOf: Array("\\r".utf8))
    case UInt8(ascii: "\t"): run.append(contentsOf: Array("\\t".utf8))
    case 0..<0x20, 0x7f: escape(byte, &run)
    case 0x80...0xff where !isText: escape(byte, &run)
    default: run.append(byte)
    }
  }
  text += String(decoding: run, as: UTF8.self)
  text += "\""
}
