import CEL
import Testing

@testable import PurserPolicy

@Suite struct ValueSetTests {
  private func contains(_ set: ValueSet, _ text: String) -> Bool {
    var text = text
    return text.withUTF8 { set.contains(.string(Bytes($0.baseAddress, count: UInt32($0.count)))).isTrue }
  }

  @Test func stringsAreFoundByTheirBytes() {
    let words = (0..<5000).map { "word-\($0)" } + ["", "é", "e\u{301}"]
    let set = ValueSet(strings: words.map { Array($0.utf8) }, ignoringCase: false)
    for word in words { #expect(contains(set, word)) }
    for word in ["word-5000", "Word-1", "word", "word-1 ", "É"] { #expect(!contains(set, word)) }
    let composed = ValueSet(strings: [Array("é".utf8)], ignoringCase: false)
    #expect(!contains(composed, "e\u{301}"), "Swift's equality of text is not that of bytes")
  }

  @Test func lettersOfEitherCaseAreTheSameInASCIIOnly() {
    let set = ValueSet(strings: ["Get", "HEAD", "ä"].map { Array($0.utf8) }, ignoringCase: true)
    for word in ["get", "GET", "gEt", "head", "ä"] { #expect(contains(set, word)) }
    for word in ["ge", "gett", "Ä", ""] { #expect(!contains(set, word)) }
  }

  @Test func anEmptyListHoldsNothing() {
    let set = ValueSet(strings: [], ignoringCase: false)
    #expect(!contains(set, "") && !contains(set, "a"))
  }

  @Test func whatIsNoTextErrs() {
    let set = ValueSet(strings: [Array("1".utf8)], ignoringCase: false)
    #expect(set.contains(.int(1)).kind == .error)
    let carried = set.contains(.error(EvaluationError(.absentAttribute, detail: 3)))
    #expect(carried.kind == .error && carried.asError.detail == 3, "an error stays what it is")
  }
}
