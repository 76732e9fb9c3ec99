// ValueList: values in the document, in a file beside it, or both.

extension DocumentReader {
  static let valueListShape = ObjectShape(
    "value list", "values that expressions search as `lists.NAME`",
    [
      Field("type", .word(ValueListType.allCases.map { $0.rawValue }), required: true, "how values are compared"),
      Field("values", .list(.text(.any)), "the values"),
      Field(
        "file", .text(.nonEmpty), "a file with one value a line, `#` for comments; relative to the document's folder"),
      Field("url", .anything, support: .refused, "not yet supported"),
    ])

  mutating func readValueList(_ spec: NodeID?, _ identity: DocumentIdentity) {
    var list = ValueListDocument(
      identity: identity, type: tree.word("type", of: spec, as: ValueListType.self) ?? .string)
    list.values = writtenItems("values", of: spec)
    if let file = tree.field("file", of: spec), let path = tree.text(file), !path.isEmpty {
      readValues(at: path, named: tree.position(of: file), into: &list)
    } else if let spec, ["values", "file", "url"].allSatisfy({ tree.field($0, of: spec) == nil }) {
      problems.error(at: tree.position(of: spec), "a value list needs `values` or `file`")
    }
    if list.values.count > ValueListDocument.valuesMax {
      problems.error(at: identity.position, "more than \(ValueListDocument.valuesMax) values in one list")
    }
    documents.valueLists.append(list)
  }

  private mutating func readValues(at path: String, named position: Position, into list: inout ValueListDocument) {
    var whole = path
    if path.utf8.first != UInt8(ascii: "/") {
      guard let folder else {
        problems.error(at: position, "an inline document has no folder: write an absolute path")
        return
      }
      whole = joined(folder, path)
    }
    documents.valueFiles.append(whole)
    let bytes: [UInt8]
    do {
      bytes = try File.read(whole, lengthMax: min(SourceSet.bytesMax, documents.sources.bytesLeft))
    } catch {
      problems.error(at: position, "cannot read \(quoted(whole)): \(error.message)")
      return
    }
    let source = documents.sources.append(name: whole, bytes: bytes, digest: Digest.of(bytes))
    bytes.withUnsafeBufferPointer { text in
      var lines = ValueLines(text, source: source)
      while let value = lines.next() {
        // One past the limit is enough to be refused.
        guard list.values.count <= ValueListDocument.valuesMax else { return }
        switch value {
        case .value(let written): list.values.append(written)
        case .notText(let position):
          problems.error(at: position, "not UTF-8: save the file as UTF-8 text")
          return
        }
      }
    }
  }
}

/// The values of a file: a line each, without the blanks around it; empty lines and those that begin with `#` are
/// passed over. (A `#` further on is part of the value: it may be a regular expression's.)
private struct ValueLines {
  enum Line {
    case value(WrittenText)
    case notText(Position)
  }

  private let text: UnsafeBufferPointer<UInt8>
  private let source: Int32
  private var cursor: TextCursor

  init(_ text: UnsafeBufferPointer<UInt8>, source: Int32) {
    self.text = text
    self.source = source
    cursor = TextCursor(offset: byteOrderMarkLength(text))
  }

  mutating func next() -> Line? {
    while cursor.offset < text.count {
      let line = cursor.line
      while cursor.offset < text.count, isBlank(text[cursor.offset]), cursor.line == line { cursor.step(text) }
      let start = cursor
      var end = cursor.offset
      while cursor.offset < text.count, cursor.line == line {
        let width = characterWidth(text, at: cursor.offset)
        guard text[cursor.offset] != 0, decodedScalar(text, at: cursor.offset, length: width) != nil else {
          return .notText(cursor.position(in: source))
        }
        if !isBlank(text[cursor.offset]) { end = cursor.offset &+ width }
        cursor.step(text)
      }
      guard cursor.line > start.line || cursor.offset >= text.count, end > start.offset,
        text[start.offset] != UInt8(ascii: "#"), start.line == line
      else { continue }
      let value = String(decoding: UnsafeBufferPointer(rebasing: text[start.offset..<end]), as: UTF8.self)
      return .value(WrittenText(text: value, position: start.position(in: source)))
    }
    return nil
  }

  private func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || isLineEnd(byte) }
}
