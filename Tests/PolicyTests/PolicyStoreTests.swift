import CEL
import Testing

@testable import PurserPolicy

@Suite struct PolicyStoreTests {
  private let texts = TextStore()

  private func draft(_ namespace: String, _ name: String, isShadow: Bool = false) -> PolicyDraft {
    PolicyDraft(
      path: texts.keep(namespace + "/" + name), match: PolicyImage.noProgram, isConnectionPhase: false,
      isShadow: isShadow, replaces: nil, file: texts.keep("f"),
      rules: ["z", "a"].map {
        RuleDraft(name: texts.keep($0), action: .deny, when: PolicyImage.noProgram, line: 1)
      })
  }

  private func text(_ bytes: Bytes) -> String { String(decoding: bytes.buffer, as: UTF8.self) }

  @Test func policiesAreInByteOrderAndRulesInTheirOwn() {
    // Byte order: `-` before `.` before digits before letters; a prefix before what it begins.
    let names = ["p-1", "p.1", "p1", "pa", "p", "é"]
    let namespaces = ["b", "a-b", "a", "default"]
    let drafts = namespaces.flatMap { namespace in names.map { draft(namespace, $0) } }
    let expected = ["a", "a-b", "b", "default"].flatMap { namespace in
      ["p", "p-1", "p.1", "p1", "pa", "é"].map { "\(namespace)/\($0)" }
    }
    for order in [drafts, drafts.reversed()] {
      let store = PolicyStore(policies: order, allowsByDefault: true, isSetShadow: false)
      let image = store.image
      let found = (0..<Int(image.policyCount)).map {
        "\(text(image.policies[$0].namespace))/\(text(image.policies[$0].name))"
      }
      #expect(found == expected)
      let rules = (0..<Int(image.ruleCount)).map { (image.rules[$0].policy, text(image.rules[$0].name)) }
      for (index, rule) in rules.enumerated() {
        #expect(rule.0 == UInt32(index / 2))
        #expect(rule.1 == ["z", "a"][index % 2])
      }
    }
  }

  @Test func theNamespaceDefaultIsLeftOutOfLabels() {
    let store = PolicyStore(policies: [draft("default", "p"), draft("a", "p")], allowsByDefault: true, isSetShadow: false)
    #expect(text(store.image.policies[0].label) == "a/p")
    #expect(text(store.image.policies[1].label) == "p")
  }

  @Test func aStoreWithoutPoliciesIsOne() {
    let image = PolicyStore(policies: [], allowsByDefault: false, isSetShadow: false).image
    #expect(image.policyCount == 0 && image.ruleCount == 0 && !image.hasShadow)
  }
}
