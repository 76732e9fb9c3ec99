// Policies: those that are new to their units, and all units put together for a plan.

import CEL
import CPlatform
import PurserAttributes
import PurserEngine
import PurserPolicy

struct PolicyCompiler {
  private var documents: DocumentSet
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
    placed.reserveCapacity(documents.policies.count)
    let sharing = CodeSharing()
    for policy in documents.policies {
      if let unit = policy.unit, unit.patternPlace != nil { sharing.learn(from: unit.fragment) }
    }
    var needed: Set<UInt32> = []
    // A model is freed as soon as its unit is there.
    var policies = Array(documents.policies.reversed())
    documents.policies = []
    while let policy = policies.popLast() {
      if let unit = policy.unit {
        giveWarnings(of: unit, policy.origin, &problems)
        place(unit, policy.origin, &needed)
        continue
      }
      let compiler = UnitCompiler(
        policy,
        with: ExpressionCompiler(
          environment: environment, binder: binder, builder: CodeBuilder(regex: regex, sharing: sharing)))
      guard let unit = compiler.compile(&problems) else { continue }
      compiledCount &+= 1
      place(unit, policy.origin, &needed)
    }
  }

  /// Those that were given when it was compiled.
  private func giveWarnings(of unit: PolicyUnit, _ origin: DocumentOrigin, _ problems: inout Problems) {
    for warning in unit.warnings { problems.warn(at: origin.position(of: warning.place), warning.message) }
    problems.omitWarnings(unit.warningCount &- unit.warnings.count)
  }

  private mutating func place(_ unit: PolicyUnit, _ origin: DocumentOrigin, _ needed: inout Set<UInt32>) {
    for need in unit.needs where needed.insert(need.attribute).inserted {
      let position = origin.position(of: need.place)
      if let need = binder.need(of: need.attribute, at: position, in: documents.sources) { needs.append(need) }
    }
    placed.append((unit, origin))
  }

  /// The code and the store of all units; nil where `problems` says why not. The plan must keep the units. The rules that ask
  /// providers are added to `external`, and its programs to the code.
  @inline(never)
  func link(
    _ external: inout ExternalParts, _ problems: inout Problems
  ) -> (code: Code, store: PolicyStore)? {
    let linker = CodeLinker(regex: regex)
    var drafts: [PolicyDraft] = []
    drafts.reserveCapacity(placed.count)
    var blocks = ClauseBlocks(ranges: documents.valueLists.map { ValueSetBuilder.fewRanges(of: $0) })
    defer { blocks.free() }
    let files = documents.sources.sources.map { texts.keep($0.name) }
    for (unit, origin) in placed {
      guard let place = linker.add(unit.fragment) else {
        problems.error(
          at: origin.position(of: unit.pathPlace), "too many variables or constants are read by all policies")
        return nil
      }
      func program(_ number: UInt32) -> UInt32 {
        number == PolicyImage.noProgram ? number : number &+ place.programFirst
      }
      var rules: [RuleDraft] = []
      rules.reserveCapacity(unit.rules.count)
      var externals = unit.externals.makeIterator()
      for rule in unit.rules {
        var rule = rule
        if rule.action == .custom, let draft = externals.next() {
          rule.external = external.add(draft, of: unit, origin, &problems)
        }
        rule.when = program(rule.when)
        rule.line = rule.line &+ origin.line
        rule.whenClauses = blocks.placed(rule.whenClauses) { linker.slot($0, in: place) }
        rules.append(rule)
      }
      var draft = PolicyDraft(
        path: unit.path, match: program(unit.match), isConnectionPhase: unit.isConnectionPhase, isShadow: unit.isShadow,
        replaces: unit.replaces?.path,
        file: files.indices.contains(Int(origin.source)) ? files[Int(origin.source)] : .empty, rules: rules)
      draft.matchText = unit.matchText
      draft.matchConstant = unit.matchConstant
      draft.matchClauses = blocks.placed(unit.matchClauses) { linker.slot($0, in: place) }
      drafts.append(draft)
    }
    guard external.link(with: linker) else {
      problems.error(at: .none, "too many variables or constants are read by all policies and providers")
      return nil
    }
    guard !problems.hasErrors else { return nil }
    let set = documents.policySet
    let store = PolicyStore(
      policies: drafts, allowsByDefault: set?.defaultVerdict != .deny, isSetShadow: set?.mode == .shadow)
    return (linker.finish(), store)
  }

  /// What a Shadow policy replaces must be an enforced one, and have one replacement only.
  private func checkReplacements(_ problems: inout Problems) {
    guard documents.policies.contains(where: { $0.replaces != nil }) else { return }
    // By path; 1 for those in mode Shadow, else 0.
    var modes: [String: UInt32] = [:]
    for policy in documents.policies { modes[policy.identity.path] = policy.mode == .shadow ? 1 : 0 }
    var replacedBy: [String: String] = [:]
    for policy in documents.policies {
      guard let target = policy.replaces, policy.mode == .shadow else { continue }
      let path = target.namespace + "/" + target.name
      guard let mode = modes[path] else {
        let names = documents.policies.filter { $0.mode == .enforce }.map { $0.identity.name }
        problems.error(
          at: target.position, "there is no policy `\(path)` to replace\(suggestion(for: target.name, among: names))")
        continue
      }
      if mode == 1 {
        problems.error(
          at: target.position, "`\(target.name)` is a Shadow policy itself; only an enforced one can be replaced")
      }
      if let first = replacedBy[path] {
        problems.error(at: target.position, "`\(target.name)` is replaced by `\(first)` already")
      }
      replacedBy[path] = policy.identity.name
    }
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
    elements.withUnsafeBytes { keep($0) }.assumingMemoryBound(to: Element.self)
  }

  @inline(never)
  private mutating func keep(_ bytes: UnsafeRawBufferPointer) -> UnsafeMutableRawPointer {
    let block = UnsafeMutableRawPointer.allocate(byteCount: max(bytes.count, 1), alignment: 16)
    if let base = bytes.baseAddress { memcpy(block, base, bytes.count) }
    blocks.append(block)
    return block
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
    case .custom: self = .custom
    case .limit: return nil
    }
  }
}
