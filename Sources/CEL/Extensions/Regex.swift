// The library `regex`: replacing and extracting with RE2's patterns, after cel-go's and cel-cpp's `regex`. A constant
// pattern is compiled with the expression; one that is known only when the call is made is compiled for that call, for
// a price. A match costs what it walks over, and a little of what it may have looked at.

extension Environment {
  mutating func declareRegex() {
    var extract = NativeFunction { answer($0, $1, $2, $4, RegexFunction.extract) }
    extract.patternArgument = 1
    declare("regex.extract", "regex_extract_string_string", [.string, .string], types.optional(.string), extract)
    var extractAll = NativeFunction { answer($0, $1, $2, $4, RegexFunction.extractAll) }
    extractAll.patternArgument = 1
    declare("regex.extractAll", "regex_extractAll_string_string", [.string, .string], types.list(.string), extractAll)
    var replace = NativeFunction { answer($0, $1, $2, $4, RegexFunction.replace) }
    replace.patternArgument = 1
    declare("regex.replace", "regex_replace_string_string_string", [.string, .string, .string], .string, replace)
    declare(
      "regex.replace", "regex_replace_string_string_string_int", [.string, .string, .string, .int], .string, replace)
  }
}

/// A pattern with groups, and one text that it is matched with.
struct RegexMatcher {
  /// The whole and groups 1 to 9, begin and end of each.
  typealias Offsets = (
    (Int64, Int64, Int64, Int64, Int64), (Int64, Int64, Int64, Int64, Int64), (Int64, Int64, Int64, Int64, Int64),
    (Int64, Int64, Int64, Int64, Int64)
  )
  static let groupsMax = 10

  let groups: RegexLibrary.Groups
  let regex: OpaquePointer
  let text: Bytes
  let evaluation: Evaluation.Pointer
  /// Set when a match (of `\C`, a byte) begins or ends inside a code point, so that what it cuts out is no text.
  private(set) var hasSplitCodePoint = false
  private var offsets: Offsets = (
    (-1, -1, -1, -1, -1), (-1, -1, -1, -1, -1), (-1, -1, -1, -1, -1), (-1, -1, -1, -1, -1)
  )

  init(_ groups: RegexLibrary.Groups, _ regex: OpaquePointer, _ text: Bytes, _ evaluation: Evaluation.Pointer) {
    self.groups = groups
    self.regex = regex
    self.text = text
    self.evaluation = evaluation
  }

  var groupCount: Int { Int(groups.count(regex)) }

  /// Whether there is a match at or after `start`; nil when that cannot be said, or the budget is spent.
  mutating func find(from start: Int) -> Bool? {
    var start = start
    while true {
      guard let found = search(from: start) else { return nil }
      if !found { return false }
      var isWhole = true
      var number = 0
      while number < min(groupCount &+ 1, RegexMatcher.groupsMax) {
        let (start, end) = bounds(number)
        isWhole = isWhole && !isInside(start) && !isInside(end)
        number &+= 1
      }
      if isWhole { return true }
      let whole = bounds(0)
      guard whole.start == whole.end else {
        hasSplitCodePoint = true
        return nil
      }
      // Between two bytes of a code point `\B` holds for RE2, but there is no such place in a text.
      start = whole.end
      while isInside(start) { start &+= 1 }
    }
  }

  /// Whether the offset lies between two bytes of a code point.
  private func isInside(_ offset: Int) -> Bool {
    guard let base = text.base, offset > 0, offset < Int(text.count) else { return false }
    return base[offset] & 0xC0 == 0x80
  }

  private mutating func search(from start: Int) -> Bool? {
    let (groups, regex, text) = (groups, regex, text)
    let found = withUnsafeMutableBytes(of: &offsets) { raw in
      groups.find(
        regex, text.base, Int(text.count), start, raw.baseAddress?.assumingMemoryBound(to: Int64.self),
        RegexMatcher.groupsMax)
    }
    let rest = Int(text.count) &- start
    let walked = found == 1 ? max(bounds(0).end &- start, 0) : rest
    spend(64 &+ walked &+ rest &>> 3, evaluation)
    if found < 0 || evaluation.pointee.stepsLeft < 0 { return nil }
    return found == 1
  }

  /// Of the last match: a group's place in the text; negative if it took no part.
  func bounds(_ group: Int) -> (start: Int, end: Int) {
    guard group >= 0, group < RegexMatcher.groupsMax else { return (-1, -1) }
    return withUnsafeBytes(of: offsets) { raw in
      (
        Int(raw.loadUnaligned(fromByteOffset: group &* 16, as: Int64.self)),
        Int(raw.loadUnaligned(fromByteOffset: group &* 16 &+ 8, as: Int64.self))
      )
    }
  }

  func group(_ number: Int) -> Bytes {
    let (start, end) = bounds(number)
    return text.slice(start, end)
  }

  /// Where to go on after a match that was empty: past the next code point.
  func next(after offset: Int) -> Int {
    guard let base = text.base, offset < Int(text.count) else { return offset &+ 1 }
    return offset &+ Bytes.codePointLength(base[offset])
  }
}

extension FunctionCall {
  /// Calls `body` with the text `argument` and the pattern after it.
  func withRegex(_ body: (inout RegexMatcher) -> Value) -> Value {
    let image = evaluation.pointee.code
    guard let library = image.pointee.regexLibrary, let groups = library.groups else {
      return .failure(.invalidPattern)
    }
    let text = self[0].asBytes
    let pattern = self[1]
    if pattern.extra > 0, UInt32(truncatingIfNeeded: pattern.extra) <= image.pointee.regexCount {
      guard let regex = image.pointee.regexes[Int(pattern.extra) &- 1] else { return .failure(.internalFailure) }
      var matcher = RegexMatcher(groups, regex, text, evaluation)
      return body(&matcher)
    }
    // As for `matches`: long patterns come from configuration, where they are constants.
    guard pattern.count <= 1_000 else { return .failure(.invalidPattern) }
    spend(8_000 &+ Int(pattern.count) &* 64, evaluation)
    guard hasSteps else { return .failure(.stepBudgetSpent) }
    guard let regex = groups.compile(pattern.asBytes.base, Int(pattern.count), nil, 0) else {
      return .failure(.invalidPattern)
    }
    var matcher = RegexMatcher(groups, regex, text, evaluation)
    let result = body(&matcher)
    library.free(regex)
    return result
  }
}

enum RegexFunction {
  private static func failure(_ call: FunctionCall, _ matcher: RegexMatcher) -> Value {
    if matcher.hasSplitCodePoint { return .failure(.invalidUTF8) }
    return .failure(call.hasSteps ? .internalFailure : .stepBudgetSpent)
  }

  /// The first match, or what its group matched, if the pattern has one; none if there is no match.
  static func extract(_ call: FunctionCall) -> Value {
    guard call.takes(.string, .string) else { return .failure(.noSuchOverload) }
    return call.withRegex { matcher in
      let groupCount = matcher.groupCount
      if groupCount > 1 { return .failure(.invalidArgument) }
      guard let found = matcher.find(from: 0) else { return failure(call, matcher) }
      return found ? call.optional(.string(matcher.group(groupCount))) : .optional(nil)
    }
  }

  /// Every match, or what its group matched, if the pattern has one; what is empty is left out.
  static func extractAll(_ call: FunctionCall) -> Value {
    guard call.takes(.string, .string) else { return .failure(.noSuchOverload) }
    return call.withRegex { matcher in
      let groupCount = matcher.groupCount
      if groupCount > 1 { return .failure(.invalidArgument) }
      // The matches are counted first, so that the list has its size from the start.
      var count = 0
      guard walk(&matcher, groupCount, { _ in count &+= 1 }) else { return failure(call, matcher) }
      if count == 0 { return .list(nil, count: 0) }
      guard let memory = call.evaluation.pointee.arena.allocateValues(count) else { return .failure(.memorySpent) }
      var number = 0
      let isWhole = walk(&matcher, groupCount) { text in
        guard number < count else { return }
        memory[number] = .string(text)
        number &+= 1
      }
      return isWhole ? .list(memory, count: UInt32(truncatingIfNeeded: number)) : failure(call, matcher)
    }
  }

  /// False when it could not go to the text's end.
  private static func walk(_ matcher: inout RegexMatcher, _ group: Int, _ body: (Bytes) -> Void) -> Bool {
    var start = 0
    while start <= Int(matcher.text.count) {
      guard let found = matcher.find(from: start) else { return false }
      if !found { return true }
      let whole = matcher.bounds(0)
      let extracted = matcher.group(group)
      if extracted.count > 0 { body(extracted) }
      start = whole.end > whole.start ? whole.end : matcher.next(after: whole.end)
    }
    return true
  }

  /// `\1` to `\9` in the replacement are what the groups matched, `\0` the whole match, `\\` is a backslash. The last
  /// argument, if it is not negative, says how many matches are replaced.
  static func replace(_ call: FunctionCall) -> Value {
    guard call.takes(.string, .string, .string) || call.takes(.string, .string, .string, .int) else {
      return .failure(.noSuchOverload)
    }
    var left = call.count == 4 && call[3].asInt >= 0 ? call[3].asInt : .max
    let replacement = call[2].asBytes
    return call.withRegex { matcher in
      guard isReplacement(replacement, groupCount: matcher.groupCount) else { return .failure(.invalidArgument) }
      if left == 0 { return call[0] }
      let text = matcher.text
      var result = TextBuilder(call.evaluation, capacity: Int(text.count))
      var start = 0
      var lastEnd = -1
      while left > 0, start <= Int(text.count) {
        guard let found = matcher.find(from: start) else { return failure(call, matcher) }
        if !found { break }
        let whole = matcher.bounds(0)
        result.append(text.slice(start, whole.start))
        if whole.start == whole.end, whole.start == lastEnd {
          // Nothing, right after a match, is no match of its own.
          let next = matcher.next(after: whole.end)
          result.append(text.slice(whole.end, next))
          start = next
          continue
        }
        rewrite(replacement, matcher, &result)
        if result.hasFailed { break }
        start = whole.end
        lastEnd = whole.end
        left &-= 1
      }
      result.append(text.slice(start, Int(text.count)))
      return result.finish()
    }
  }

  private static func isReplacement(_ replacement: Bytes, groupCount: Int) -> Bool {
    var isEscape = false
    for byte in replacement.buffer {
      if isEscape {
        let digit = byte &- UInt8(ascii: "0")
        guard byte == UInt8(ascii: "\\") || (digit <= 9 && Int(digit) <= groupCount) else { return false }
        isEscape = false
      } else {
        isEscape = byte == UInt8(ascii: "\\")
      }
    }
    return !isEscape
  }

  private static func rewrite(_ replacement: Bytes, _ matcher: RegexMatcher, _ result: inout TextBuilder) {
    var isEscape = false
    var plain = 0
    guard let base = replacement.base else { return }
    var at = 0
    while at < Int(replacement.count) {
      let byte = base[at]
      if isEscape {
        isEscape = false
        plain = at &+ 1
        if byte == UInt8(ascii: "\\") {
          result.append(byte)
        } else {
          result.append(matcher.group(Int(byte &- UInt8(ascii: "0"))))
        }
      } else if byte == UInt8(ascii: "\\") {
        result.append(replacement.slice(plain, at))
        isEscape = true
      }
      at &+= 1
    }
    result.append(replacement.slice(plain, Int(replacement.count)))
  }
}
