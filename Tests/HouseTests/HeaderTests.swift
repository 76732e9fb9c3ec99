import PurserAttributes
import Testing

/// A `#define PURSER_ATTRIBUTE_… 7u  /* name: type, phase */` line.
private struct Declared {
  var macro: String
  var number: UInt32
  var name: String
  var type: String
  var phase: String
}

private func declared() throws -> [Declared] {
  try House.lines("include/purser.h").compactMap { line in
    guard let match = line.wholeMatch(of: /#define PURSER_ATTRIBUTE_(\w+) +(\d+)u +\/\* ([^:]+): (.+), (\w+) \*\//),
      let number = UInt32(match.2)
    else { return nil }
    return Declared(
      macro: String(match.1), number: number, name: String(match.3), type: String(match.4), phase: String(match.5))
  }
}

@Suite struct HeaderTests {
  @Test func theHeaderAndTheVocabularyAreTheSameTable() throws {
    let declared = try declared()
    #expect(declared.count == Vocabulary.wellKnown.count)
    #expect(declared.count >= 100)
    for (line, attribute) in zip(declared, Vocabulary.wellKnown) {
      #expect(line.number == attribute.number, "\(attribute.name)")
      #expect(line.name == attribute.name)
      #expect(line.type == attribute.type.rawValue, "\(attribute.name)")
      #expect(line.phase == attribute.phase.name, "\(attribute.name)")
      #expect(line.macro == attribute.name.uppercased().replacing(".", with: "_"))
    }
  }

  @Test func numbersAreThePlacesInTheTable() {
    for (index, attribute) in Vocabulary.wellKnown.enumerated() {
      #expect(Int(attribute.number) == index + 1)
      #expect(Vocabulary.attribute(attribute.number)?.name == attribute.name)
      #expect(Vocabulary.attribute(named: attribute.name)?.number == attribute.number)
    }
    #expect(Vocabulary.attribute(0) == nil)
    #expect(Vocabulary.attribute(UInt32(Vocabulary.wellKnown.count) + 1) == nil)
  }

  @Test func aliasesLeadToOneAttribute() {
    var seen: [String: String] = [:]
    let names = Set(Vocabulary.wellKnown.map(\.name))
    for attribute in Vocabulary.wellKnown {
      for alias in attribute.aliases {
        #expect(seen[alias] == nil, "\(alias) is an alias of \(attribute.name) and of \(seen[alias] ?? "")")
        #expect(!names.contains(alias), "\(alias) is a name")
        seen[alias] = attribute.name
        #expect(Vocabulary.attribute(named: alias)?.number == attribute.number)
      }
    }
  }

  /// Everything that the header declares is in the list that `make abi` holds the library to.
  @Test func everyFunctionOfTheHeaderIsInTheListOfSymbols() throws {
    var functions: Set<String> = []
    let tokens = Lexer.tokens(of: try House.text("include/purser.h"))
    for (token, next) in zip(tokens, tokens.dropFirst())
    where token.kind == .word && token.text.hasPrefix("purser_") && next.text == "(" && next.touchesPrevious {
      functions.insert(token.text)
    }
    let listed = try House.lines("Tests/ABI/symbols.txt").filter { !$0.isEmpty }
    #expect(Set(listed) == functions)
    #expect(listed == listed.sorted())
  }
}
