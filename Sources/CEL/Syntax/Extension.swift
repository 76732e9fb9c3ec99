// The extensions of the language: what cel-go and cel-cpp add to core CEL, each off until it is asked for by name.
//
// Some are syntax and macros and so concern the parser (`Parser.parse(…, extensions:)`); some are functions and
// concern the environment (`Environment.enable`). An environment remembers what was enabled in it, so that
// `environment.extensions` is what its expressions are parsed with.

public enum Extension: String, Sendable, Hashable, CaseIterable {
  /// `a.?b`, `a[?k]`, `[?e]`, `{?k: v}`, `optional.of(…)` and its methods, `optMap`, `optFlatMap`.
  case optionals
  /// `all`, `exists`, `existsOne` with two variables; `transformList`, `transformMap`, `transformMapEntry`.
  case twoVariableComprehensions = "two-var-comprehensions"
  /// `cel.bind(name, value, result)`.
  case bindings
  /// `cel.block([values], result)` with `cel.index`, `cel.iterVar` and `cel.accuVar`: what optimisers write.
  case block
}
