// Policies: those that are new to their units, and all units put together for a plan.

import CEL
import PurserAttributes
import PurserEngine
import PurserPolicy

struct PolicyCompiler {
  private let documents: DocumentSet
  private let binder: SlotBinder
  private let regex: RegexLibrary?
  private let texts: TextStore
  /// In work order: by namespace and name.
  private var placed: [(unit: PolicyUnit, origin: DocumentOrigin)] = []
  private(set) var compiledCount = 0
  private(set) var needs: [AttributeNeed] = []

  init(documents: DocumentSet, binder: SlotBinder, regex: RegexLibrary?, texts: TextStore) {
    self.documents = documents
    self.binder = binder
    self.regex = regex
    self.texts = texts
  }

  var units: [PolicyUnit] { placed.map { $0.unit } }

  mutating func compile(in environment: Environment, _ problems: inout Problems) {
    checkReplacements(&problems)
    placed.reserveCapacity(documents.policies.count &+ documents.reused.count)
    let sharing = CodeSharing()
    for policy in documents.reused where policy.unit.patternPlace != nil { sharing.learn(from: policy.unit.fragment) }
    var needed: Set<UInt32> = []
    var reused = documents.reused[...]
    for policy in documents.policies {
      while let next = reused.first, DocumentIdentity.precedes(next.identity, policy.identity) {
        take(next, &needed, &problems)
        reused = reused.dropFirst()
      }
      let compiler = UnitCompiler(
        policy,
        with: ExpressionCompiler(
          environment: environment, binder: binder, builder: CodeBuilder(regex: regex, sharing: sharing)))
      guard let unit = compiler.compile(&problems) else { continue }
      compiledCount &+= 1
      place(unit, policy.origin, &needed)
    }
    for policy in reused { take(policy, &needed, &problems) }
  }

  /// Its warnings are given again.
  private mutating func take(_ policy: ReusedPolicy, _ needed: inout Set<UInt32>, _ problems: inout Problems) {
    for warning in policy.unit.warnings { problems.warn(at: policy.origin.position(of: warning.place), warning.message) }
    problems.omitWarnings(policy.unit.warningCount &- policy.unit.warnings.count)
    place(policy.unit, policy.origin, &needed)
  }

  private mutating func place(_ unit: PolicyUnit, _ origin: DocumentOrigin, _ needed: inout Set<UInt32>) {
    for need in unit.needs where needed.insert(need.attribute).inserted {
      let position = origin.position(of: need.place)
      if let need = binder.need(of: need.attribute, at: position, in: documents.sources) { needs.append(need) }
    }
    placed.append((unit, origin))
  }

  /// The code and the store of all units; nil where `problems` says why not. The plan must keep the units.
  func link(_ problems: inout Problems) -> (code: Code, store: PolicyStore)? {
    var linker = CodeLinker(regex: regex)
    var drafts: [PolicyDraft] = []
    drafts.reserveCapacity(placed.count)
    var blocks = ClauseBlocks(ranges: documents.valueLists.map { ValueSetBuilder.fewRanges(of: $0) })
    defer { blocks.free() }
    var files: [Int32: Bytes] = [:]
    for (unit, origin) in placed {
      guard let place = linker.add(unit.fragment) else {
        problems.error(at: origin.position(of: unit.pathPlace), "too many variables or constants are read by all policies")
        return nil
      }
      let file = files[origin.source] ?? texts.keep(documents.sources.name(of: .whole(origin.source)))
      files[origin.source] = file
      func program(_ number: UInt32) -> UInt32 {
        number == PolicyImage.noProgram ? number : number &+ place.programFirst
      }
      var rules: [RuleDraft] = []
      rules.reserveCapacity(unit.rules.count)
      for rule in unit.rules {
        var rule = rule
        rule.when = program(rule.when)
        rule.line = rule.line &+ origin.line
        rule.whenClauses = blocks.placed(rule.whenClauses) { linker.slot($0, in: place) }
        rules.append(rule)
      }
      var draft = PolicyDraft(
        path: unit.path, match: program(unit.match), isConnectionPhase: unit.isConnectionPhase, isShadow: unit.isShadow,
        replaces: unit.replaces?.path, file: file, rules: rules)
      draft.matchText = unit.matchText
      draft.matchConstant = unit.matchConstant
      draft.matchClauses = blocks.placed(unit.matchClauses) { linker.slot($0, in: place) }
      drafts.append(draft)
    }
    let set = documents.policySet
    let store = PolicyStore(
      policies: drafts, allowsByDefault: set?.defaultVerdict != .deny, isSetShadow: set?.mode == .shadow)
    return (linker.finish(), store)
  }

  /// What a Shadow policy replaces must be an enforced one, and have one replacement only.
  private func checkReplacements(_ problems: inout Problems) {
    var shadows: [(identity: DocumentIdentity, target: DocumentReference)] = []
    for policy in documents.policies where policy.mode == .shadow {
      if let target = policy.replaces { shadows.append((policy.identity, target)) }
    }
    for policy in documents.reused where policy.unit.isShadow {
      guard let target = policy.unit.replaces else { continue }
      let parts = target.path.text.utf8.split(separator: UInt8(ascii: "/"), maxSplits: 1)
      guard let first = parts.first, let last = parts.last else { continue }
      shadows.append(
        (
          policy.identity,
          DocumentReference(
            namespace: String(decoding: first, as: UTF8.self), name: String(decoding: last, as: UTF8.self),
            position: policy.origin.position(of: target.place))
        ))
    }
    if shadows.isEmpty { return }
    var isShadow: [String: Bool] = [:]
    for policy in documents.policies { isShadow[policy.identity.path] = policy.mode == .shadow }
    for policy in documents.reused { isShadow[policy.identity.path] = policy.unit.isShadow }
    var replacedBy: [String: String] = [:]
    for (identity, target) in shadows.ordered(by: { DocumentIdentity.precedes($0.identity, $1.identity) }) {
      let path = target.namespace + "/" + target.name
      guard let isItselfShadow = isShadow[path] else {
        let nearest =
          NearestName.find(target.name, among: enforcedNames).map { ", did you mean `\($0)`?" } ?? ""
        problems.error(at: target.position, "there is no policy `\(path)` to replace\(nearest)")
        continue
      }
      if isItselfShadow {
        problems.error(
          at: target.position, "`\(target.name)` is a Shadow policy itself; only an enforced one can be replaced")
      }
      if let first = replacedBy[path] {
        problems.error(at: target.position, "`\(target.name)` is replaced by `\(first)` already")
      }
      replacedBy[path] = identity.name
    }
  }

  private var enforcedNames: [String] {
    let identities =
      documents.policies.filter { $0.mode == .enforce }.map { $0.identity }
      + documents.reused.filter { !$0.unit.isShadow }.map { $0.identity }
    return identities.ordered(by: DocumentIdentity.precedes).map { $0.name }
  }
}

/// Clauses with the plan's slots and lists, while a store is made of them.
private struct ClauseBlocks {
  private var blocks: [UnsafeMutableRawPointer] = []
  /// By list number; of those that are addresses and few.
  private var ranges: [(start: UnsafePointer<AddressRange>, count: UInt32)?] = []

  init(ranges lists: [[AddressRange]?]) {
    for list in lists {
      ranges.append(list.map { (UnsafePointer(keep($0)), UInt32(truncatingIfNeeded: $0.count)) })
    }
  }

  /// `slot` gives the plan's number of a unit's slot.
  mutating func placed(
    _ clauses: UnsafeBufferPointer<ClauseDraft>, slot: (UInt32) -> UInt32
  ) -> UnsafeBufferPointer<ClauseDraft> {
    if clauses.isEmpty { return clauses }
    let memory = keep(Array(clauses))
    var index = 0
    while index < clauses.count {
      memory[index].slot = slot(memory[index].slot)
      if let list = memory[index].list {
        let number = Int(truncatingIfNeeded: list.pointee.payload)
        if ranges.indices.contains(number), let range = ranges[number] {
          memory[index].ranges = range.start
          memory[index].rangeCount = range.count
        }
      }
      index &+= 1
    }
    return UnsafeBufferPointer(start: memory, count: clauses.count)
  }

  private mutating func keep<Element: BitwiseCopyable>(_ elements: [Element]) -> UnsafeMutablePointer<Element> {
    let block = UnsafeMutableRawPointer.allocate(
      byteCount: MemoryLayout<Element>.stride &* (elements.count &+ 1), alignment: 16)
    blocks.append(block)
    let memory = block.assumingMemoryBound(to: Element.self)
    var index = 0
    for element in elements {
      memory[index] = element
      index &+= 1
    }
    return memory
  }

  func free() {
    for block in blocks { block.deallocate() }
  }
}

extension Action {
  /// Nil for actions that the readers have refused already.
  init?(_ action: RuleAction) {
    switch action {
    case .allow: self = .allow
    case .deny: self = .deny
    case .audit: self = .audit
    case .custom, .limit: return nil
    }
  }
}
