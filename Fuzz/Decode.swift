// Any bytes are a message, a file descriptor set, both or neither; what is taken for a message is the same after it
// was encoded and decoded again, and what is taken for a schema decodes the bytes as any of its types.

import CEL

private let sample: Schema = {
  let package = "google.protobuf."
  var fields: [FieldDefinition] = []
  let scalars: [FieldType] = [
    .double, .float, .int64, .uint64, .int32, .fixed64, .fixed32, .bool, .string, .bytes, .uint32, .sfixed32, .sfixed64,
    .sint32, .sint64,
  ]
  for type in scalars {
    let number = UInt32(type.rawValue)
    fields.append(FieldDefinition("a\(number)", number, type))
    fields.append(FieldDefinition("b\(number)", number + 20, type, cardinality: .repeated))
    fields.append(FieldDefinition("c\(number)", number + 40, type, cardinality: .map(key: .string)))
    fields.append(FieldDefinition("d\(number)", number + 60, type, oneof: "one"))
  }
  let messages = ["Any", "Timestamp", "Duration", "Struct", "Value", "ListValue", "Int32Value", "StringValue", "FieldMask"]
  for (at, name) in messages.enumerated() {
    let number = UInt32(at) + 100
    fields.append(FieldDefinition("e\(number)", number, .message, typeName: package + name))
    fields.append(
      FieldDefinition("f\(number)", number + 20, .message, typeName: package + name, cardinality: .repeated))
  }
  fields.append(FieldDefinition("self", 140, .message, typeName: "fuzz.M"))
  fields.append(FieldDefinition("group", 141, .group, typeName: "fuzz.M"))
  fields.append(FieldDefinition("selves", 142, .message, typeName: "fuzz.M", cardinality: .map(key: .int64)))
  fields.append(FieldDefinition("choice", 143, .enumeration, typeName: "fuzz.E"))
  var builder = SchemaBuilder()
  builder.add(MessageDefinition("fuzz.M", fields))
  builder.add(EnumDefinition("fuzz.E", [EnumDefinition.Case("A", 0), EnumDefinition.Case("B", 1)]))
  guard let schema = try? builder.finish() else { preconditionFailure("the sample is a schema") }
  return schema
}()

@c(LLVMFuzzerTestOneInput)
public func fuzz(_ data: UnsafePointer<UInt8>?, _ size: Int) -> Int32 {
  var arena = Arena(bytesMax: 16 << 20)
  defer { arena.free() }
  let bytes = Bytes(UnsafeRawPointer(data), count: UInt32(clamping: size))
  let message = sample.decode(bytes, as: "fuzz.M", into: &arena)
  let text = render(message)
  if let encoded = MessageView(message)?.wireBytes() {
    encoded.withUnsafeBufferPointer { buffer in
      let again = Bytes(UnsafeRawPointer(buffer.baseAddress), count: UInt32(clamping: buffer.count))
      let other = sample.decode(again, as: "fuzz.M", into: &arena)
      precondition(other.kind == .error || render(other) == text, "another message after encoding")
    }
  }

  var builder = SchemaBuilder()
  let copy = Array(UnsafeBufferPointer(start: data, count: size))
  guard (try? builder.add(fileDescriptorSet: copy)) != nil, let schema = try? builder.finish() else { return 0 }
  for name in schema.messageNames.prefix(8) { _ = render(schema.decode(bytes, as: name, into: &arena)) }
  return 0
}
