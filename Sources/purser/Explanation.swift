/// What `purser_explain` tells, for a person; docs/explain.md describes the JSON.
struct Explanation {
  private let json: JSON

  init(_ json: JSON) {
    self.json = json
  }

  var lines: String {
    JSONWriter.write(json)
  }
}
