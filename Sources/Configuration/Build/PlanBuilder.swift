// From documents to a plan: names are resolved, expressions compiled, and whatever is wrong is said all at once.

import CEL
import PurserAttributes
import PurserEngine
import PurserPolicy
import PurserTelemetry

/// What a plan is built for, beside the documents.
public struct BuildOptions: Sendable {
  /// Names of attributes that the host supplies; nil: all.
  public var attributesServed: [String]?
  public var constants: [ConstantAttribute] = []
  #if !hasFeature(Embedded)
    /// What those who ask providers say is wrong with one; nil: nothing.
    public var providerProblem: @Sendable (ProviderPlan) -> String? = { _ in nil }
  #endif

  public init() {}
}

struct PlanBuilder {
  private var documents: DocumentSet
  private let options: BuildOptions
  /// Of the plan that `documents` reuses units of.
  private let parts: PlanParts?
  private let texts = TextStore()
  private var customs: [Attribute] = []
  private var regex: RegexLibrary?

  init(_ documents: DocumentSet, _ options: BuildOptions, reusing parts: PlanParts? = nil) {
    self.documents = documents
    self.options = options
    self.parts = parts
  }

  /// The plan, or nil when there are errors.
  mutating func build(_ problems: inout Problems) -> Plan? {
    // A file cut off at its start must not pass for a set without policies.
    if documents.isEmpty, !problems.hasErrors { problems.error(at: .none, "there is no document in what was named") }
    declareCustomAttributes(&problems)
    let constants = constants(&problems)
    let kinds: [(name: String, kind: ValueSet.Kind)] = documents.valueLists.map {
      (name: $0.identity.name, kind: ValueSetBuilder.kind(of: $0.type))
    }
    let environment = EnvironmentDigest.make(customs: customs, lists: kinds, constants: constants)
    if environment != parts?.environment { Loader.readReused(&documents, problems: &problems) }
    openRegexShim(&problems)
    let sets = documents.valueLists.map { ValueSetBuilder.build($0, regex: regex, &problems) }
    let lists = lists(&problems)
    let environments = EnvironmentFactory(
      customs: customs, lists: lists, constants: constants.compactMapValues { $0.literal })
    let binder = SlotBinder(
      customs: customs, lists: lists.map { $0.name }, normalization: normalization,
      constants: constants.filter { $0.value.literal == nil }, texts: texts)

    var policies = PolicyCompiler(documents: documents, binder: binder, regex: regex, texts: texts)
    documents.policies = []
    policies.compile(in: environments.policy, &problems)

    let telemetryCompiler = ExpressionCompiler(
      environment: environments.telemetry, binder: binder, builder: CodeBuilder(regex: regex))
    #if hasFeature(Embedded)
      var external = ExternalParts()
    #else
      var external = ExternalParts(
        documents: documents, environment: environments.policy, digest: environment, binder: binder, regex: regex)
      external.compileProviders(&problems, options.providerProblem)
    #endif

    var telemetry = TelemetryCompiler(documents: documents)
    telemetry.compile(with: telemetryCompiler, &problems)

    // What is wrong with the rules that ask providers is found when all policies are put together.
    let linked = policies.link(&external, &problems)
    let needs =
      policies.needs
      + (telemetryCompiler.needs + external.needs).compactMap {
        binder.need(of: $0.attribute, at: $0.position, in: documents.sources)
      }
    checkServed(needs, &problems)
    guard let linked, !problems.hasErrors else { return nil }

    let isShadow = documents.policySet?.mode == .shadow
    let units = policies.units
    return Plan(
      digest: texts.keep(digest), policies: linked.store, parts: PlanParts(environment: environment, units: units),
      compiledPolicyCount: policies.compiledCount, policyCode: binder.bind(linked.code),
      telemetryCode: binder.bind(telemetryCompiler.builder.finish()), valueSets: sets, metrics: telemetry.metrics,
      accessLogs: telemetry.accessLogs, backends: telemetry.backends, providers: external.providers,
      externalRules: external.rules, customAttributes: customs, needs: needs,
      enforcedPolicyCount: isShadow ? 0 : units.filter { !$0.isShadow }.count,
      allowsEmpty: documents.policySet?.allowEmpty ?? false,
      explainSource: ExplainSource(
        environment: environments.policy, units: units, regex: regex, bind: { binder.bind($0) }),
      texts: texts)
  }

  private var normalization: PathNormalization {
    switch documents.policySet?.pathNormalization ?? .mergeSlashes {
    case .none: .none
    case .base: .base
    case .mergeSlashes: .mergeSlashes
    case .decodeAndMergeSlashes: .decodeAndMergeSlashes
    }
  }

  private var digest: String {
    var parts = documents.sources.sources.map { $0.digest }
    for constant in options.constants {
      parts.append(Digest.of(Array((constant.name + "=").utf8) + EnvironmentDigest.bytes(of: constant.value)))
    }
    return Digest.hex(of: parts)
  }
}

// Names.
extension PlanBuilder {
  private mutating func declareCustomAttributes(_ problems: inout Problems) {
    var seen: [String: Position] = [:]
    var found: [Attribute] = []
    for manifest in documents.attributeManifests {
      for declared in manifest.attributes {
        if let known = Vocabulary.attribute(named: declared.name) {
          problems.error(
            at: declared.position,
            "`\(declared.name)` is a well-known attribute of type \(known.type.rawValue) and cannot be declared again")
          continue
        }
        if seen[declared.name] != nil {
          problems.error(at: declared.position, "attribute `\(declared.name)` is declared twice")
          continue
        }
        guard Engine.isDottedName(declared.name), !declared.name.hasPrefix("purser."),
          !declared.name.hasPrefix("lists.")
        else {
          problems.error(
            at: declared.position,
            "attribute `\(declared.name)` needs a dotted name such as `company.user`; `purser.` and `lists.` are taken")
          continue
        }
        seen[declared.name] = declared.position
        found.append(
          Attribute(0, declared.name, declared.type, Phase(declared.phase)))
      }
    }
    found = found.ordered { bytesPrecede($0.name, $1.name) }
    var number = Vocabulary.customFirst
    for index in found.indices {
      found[index].number = number
      number &+= 1
    }
    customs = found
  }

  private func constants(_ problems: inout Problems) -> [UInt32: ConstantValue] {
    var constants: [UInt32: ConstantValue] = [:]
    for constant in options.constants {
      let number =
        Vocabulary.attribute(named: constant.name)?.number
        ?? customs.first { $0.name == constant.name }?.number
      // A constant that nothing here reads is the host's affair.
      guard let number else { continue }
      let type = Vocabulary.attribute(number)?.type ?? customs.first { $0.number == number }?.type
      guard let type, constant.value.fits(type) else {
        problems.error(
          at: .none,
          "constant attribute `\(constant.name)` must have the type \(type?.rawValue ?? "of the attribute")")
        continue
      }
      constants[number] = constant.value
    }
    return constants
  }

  private func lists(_ problems: inout Problems) -> [(name: String, kind: ValueSet.Kind)] {
    var seen: Set<String> = []
    for list in documents.valueLists where !seen.insert(list.identity.name).inserted {
      problems.error(
        at: list.identity.position,
        "two ValueLists are called `\(list.identity.name)`: expressions name lists without their namespace")
    }
    return documents.valueLists.map { ($0.identity.name, ValueSetBuilder.kind(of: $0.type)) }
  }

  /// Opened only when some text may need it.
  private mutating func openRegexShim(_ problems: inout Problems) {
    guard let position = firstRegex else { return }
    do throws(RegexShim.Missing) {
      regex = try RegexShim.open()
    } catch {
      problems.error(at: position, error.message)
    }
  }

  private var firstRegex: Position? {
    for list in documents.valueLists where list.type == .regex { return list.identity.position }
    if let place = firstPatternOfPolicies { return place }
    for telemetry in documents.telemetries {
      for metric in telemetry.metrics {
        for source in [metric.value, metric.when] + metric.labels.map({ $0.expression }) {
          if let source, mentionsPattern(source.bytes) { return source.position }
        }
      }
      for log in telemetry.accessLog {
        for source in [log.when] + log.fields.map({ $0.expression }) {
          if let source, mentionsPattern(source.bytes) { return source.position }
        }
      }
    }
    return nil
  }

  private var firstPatternOfPolicies: Position? {
    for policy in documents.policies {
      if let place = policy.unit?.patternPlace { return policy.origin.position(of: place) }
      for source in [policy.match] + policy.rules.map({ $0.when }) {
        if let source, mentionsPattern(source.bytes) { return source.position }
      }
    }
    return nil
  }

  private func checkServed(_ needs: [AttributeNeed], _ problems: inout Problems) {
    guard let names = options.attributesServed else { return }
    var served: Set<String> = []
    for name in names { served.insert(Vocabulary.attribute(named: name)?.name ?? name) }
    for need in needs where !need.suppliers.contains(where: { served.contains($0) }) {
      problems.error(at: need.place, in: documents.sources, "the host does not supply attribute `\(need.name)`")
    }
  }
}

extension Phase {
  init(_ phase: AttributePhase) {
    switch phase {
    case .connection: self = .connection
    case .request: self = .request
    case .response: self = .response
    }
  }
}

extension Problems {
  /// At a place that only its file's name is known of.
  mutating func error(at place: SourcePlace, in sources: SourceSet, _ message: String) {
    let index = sources.sources.firstIndex { $0.name == place.file } ?? -1
    error(
      at: Position(source: Int32(truncatingIfNeeded: index), line: place.line, column: place.column), message)
  }
}
