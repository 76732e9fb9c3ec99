// The shape of documents as data: which fields there are, what each may hold. One table a kind, in that kind's
// reader; `ShapeCheck` holds documents to it and the published JSON Schema is printed from it, so that the two
// cannot differ. What a shape cannot say (a field that only some actions take) is the reader's.

struct ObjectShape: Sendable {
  /// What messages call it: "rule" in "a rule needs `name`".
  let noun: String
  let summary: String
  let fields: [Field]
  /// Exactly one of its fields must be there.
  var takesExactlyOneField = false

  init(_ noun: String, _ summary: String, exactlyOne: Bool = false, _ fields: [Field]) {
    self.noun = noun
    self.summary = summary
    self.fields = fields
    takesExactlyOneField = exactlyOne
  }

  func field(_ name: String) -> Field? { fields.first { $0.name == name } }
}

struct Field: Sendable {
  let name: String
  let shape: Shape
  let isRequired: Bool
  let summary: String
  let support: Support

  enum Support: Sendable {
    case full
    /// Refused where it stands, with "not yet supported", and left out of the schema.
    case refused
    /// Parsed, but belongs to a rule whose action is refused; left out of the schema.
    case withRefusedAction
  }

  init(
    _ name: String, _ shape: Shape, required: Bool = false, support: Support = .full, _ summary: String
  ) {
    self.name = name
    self.shape = shape
    isRequired = required
    self.summary = summary
    self.support = support
  }
}

indirect enum Shape: Sendable {
  case text(TextRule)
  /// One of these words; those of `later` are known and refused.
  case word([String], later: [String] = [])
  case boolean
  case integer(ClosedRange<Int64>)
  case number
  /// A length of time such as `1m30s`, above zero.
  case duration
  /// CEL text; a plain `true` or number is text too.
  case expression
  case object(ObjectShape)
  case list(Shape, countMin: Int = 0)
  case map(TextRule, Shape)
  /// What others own: annotations of tools, status.
  case anything
}
