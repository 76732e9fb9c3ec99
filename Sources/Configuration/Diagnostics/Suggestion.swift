// "did you mean": the known name that a misspelt one most likely stands for.

import CEL

/// `, did you mean X?` or nothing.
func suggestion(for word: String, among known: [String]) -> String {
  guard let name = NearestName.find(word, among: known) else { return "" }
  return ", did you mean `" + name + "`?"
}
