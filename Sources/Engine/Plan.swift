// Everything compiled from one set of documents: immutable, identified by a digest. It needs no engine, no thread
// and no file; an engine binds it (`BoundPlan`) before it decides anything.

import CEL
import CPlatform
import PurserAttributes
import PurserPolicy
import PurserTelemetry

public final class Plan: @unchecked Sendable {
  /// 64 hex digits.
  public let digest: Bytes
  public let policies: PolicyStore
  /// Which the store's records and the code point into.
  public let parts: PlanParts
  /// How many of the policies were compiled for this plan; the others are those of the plan before.
  public let compiledPolicyCount: Int
  public var reusedPolicyCount: Int { max(0, parts.units.count &- compiledPolicyCount) }
  public let policyCode: CompiledPart
  public let telemetryCode: CompiledPart
  public let valueSets: [ValueSet]
  public let metrics: [MetricPlan]
  public let accessLogs: [AccessLogPlan]
  public let backends: [BackendPlan]
  public let providers: [ProviderPlan]
  /// By their records' `external`.
  public let externalRules: [ExternalRulePlan]
  /// What AttributeManifests declare. Their numbers are places in this list after `Vocabulary.customFirst`; an
  /// engine has its own.
  public let customAttributes: [Attribute]
  /// What the host must supply, and where that is written.
  public let needs: [AttributeNeed]
  /// None where the whole set is in mode Shadow.
  public let enforcedPolicyCount: Int
  public var hasEnforcedPolicy: Bool { enforcedPolicyCount > 0 }
  /// A plan without one may take the place of a plan with one.
  public let allowsEmpty: Bool
  /// Parallel to `customAttributes`, at addresses that do not move.
  public let customAttributeTexts: [(name: Bytes, type: Bytes)]
  #if !hasFeature(Embedded)
    /// Parallel to `externalRules`: the rule's number, and texts at addresses that do not move.
    public let externalTexts: [(rule: UInt32, provider: Bytes, key: [Bytes])]
  #endif
  private let explainSource: ExplainSource
  private let explainLock: OpaquePointer?
  private var explained: Explainer?
  private let texts: TextStore

  public init(
    digest: Bytes, policies: PolicyStore, parts: PlanParts, compiledPolicyCount: Int, policyCode: CompiledPart,
    telemetryCode: CompiledPart,
    valueSets: [ValueSet], metrics: [MetricPlan], accessLogs: [AccessLogPlan], backends: [BackendPlan],
    providers: [ProviderPlan], externalRules: [ExternalRulePlan], customAttributes: [Attribute], needs: [AttributeNeed],
    enforcedPolicyCount: Int, allowsEmpty: Bool,
    explainSource: ExplainSource, texts: TextStore
  ) {
    self.digest = digest
    self.policies = policies
    self.parts = parts
    self.compiledPolicyCount = compiledPolicyCount
    self.policyCode = policyCode
    self.telemetryCode = telemetryCode
    self.valueSets = valueSets
    self.metrics = metrics
    self.accessLogs = accessLogs
    self.backends = backends
    self.providers = providers
    self.externalRules = externalRules
    self.customAttributes = customAttributes
    self.needs = needs
    self.enforcedPolicyCount = enforcedPolicyCount
    self.allowsEmpty = allowsEmpty
    self.explainSource = explainSource
    self.texts = texts
    customAttributeTexts = customAttributes.map { (texts.keep($0.name), texts.keep($0.type.rawValue)) }
    #if !hasFeature(Embedded)
      var numbers = Array(repeating: UInt32(0), count: externalRules.count)
      var rule: UInt32 = 0
      while rule < policies.image.ruleCount {
        let external = Int(policies.image.rules[Int(rule)].external)
        if numbers.indices.contains(external) { numbers[external] = rule }
        rule &+= 1
      }
      externalTexts = zip(externalRules, numbers).map { external, number in
        let provider = providers.indices.contains(external.provider) ? providers[external.provider].path : ""
        return (number, texts.keep(provider), (external.cache?.names ?? []).map { texts.keep($0) })
      }
    #endif
    explainLock = platform_lock_make()
  }

  deinit {
    if let explainLock { platform_lock_free(explainLock) }
  }

  /// Compiled at the first use.
  var explainer: Explainer {
    guard let explainLock else { return Explainer.make(explainSource) }
    platform_lock_acquire(explainLock)
    defer { platform_lock_release(explainLock) }
    if let explained { return explained }
    let made = Explainer.make(explainSource)
    explained = made
    return made
  }
}

/// Code, how its slots are filled, and what its slots are called.
public struct CompiledPart: Sendable {
  public let code: Code
  public let bindings: [SlotBinding]
  /// As a policy's author would write them: `request.headers["x-user"]`.
  public let slotNames: [Bytes]

  public init(code: Code, bindings: [SlotBinding], slotNames: [Bytes]) {
    self.code = code
    self.bindings = bindings
    self.slotNames = slotNames
  }
}

/// An attribute that some expression reads.
public struct AttributeNeed: Sendable {
  public var name: String
  /// Any one of these suffices: the attribute itself, or what it is derived from.
  public var suppliers: [String]
  /// Where it is read, as `file:line:column`.
  public var place: SourcePlace

  public init(name: String, suppliers: [String], place: SourcePlace) {
    self.name = name
    self.suppliers = suppliers
    self.place = place
  }
}

/// A place in a document, for messages.
public struct SourcePlace: Sendable, Equatable {
  public var file: String
  public var line: UInt32
  public var column: UInt32

  public init(file: String, line: UInt32, column: UInt32) {
    self.file = file
    self.line = line
    self.column = column
  }
}

/// A metric: programs of `telemetryCode`.
public struct MetricPlan: Sendable {
  public var definition: InstrumentDefinition
  /// Nil counts one.
  public var value: UInt32?
  public var when: UInt32?
  /// In the order of the definition's label names.
  public var labels: [UInt32]
  public var backends: [String]

  public init(definition: InstrumentDefinition, value: UInt32?, when: UInt32?, labels: [UInt32], backends: [String]) {
    self.definition = definition
    self.value = value
    self.when = when
    self.labels = labels
    self.backends = backends
  }
}

public struct AccessLogPlan: Sendable {
  public var when: UInt32?
  public var fields: [(name: String, program: UInt32)]
  public var backends: [String]

  public init(when: UInt32?, fields: [(name: String, program: UInt32)], backends: [String]) {
    self.when = when
    self.fields = fields
    self.backends = backends
  }
}

public struct BackendPlan: Sendable, Equatable {
  public enum Kind: Sendable, Equatable {
    /// Without `listen` the host serves the text itself.
    case prometheus(listen: ListenPlan?)
    case lines(path: String)
  }

  public var name: String
  public var kind: Kind

  public init(name: String, kind: Kind) {
    self.name = name
    self.kind = kind
  }
}

public struct ListenPlan: Sendable, Equatable {
  /// A name or an address; an IPv6 address without its brackets.
  public var host: String
  /// 0 lets the system choose.
  public var port: UInt16

  public init(host: String, port: UInt16) {
    self.host = host
    self.port = port
  }

  var text: String { (host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host) + ":\(port)" }
}

/// What an explanation compiles when it is asked for: the text of every condition, and the names in it.
public struct ExplainSource: Sendable {
  public var environment: Environment
  /// In work order: the policies are these, and the rules theirs, one policy's after the other's.
  public var units: [PolicyUnit]
  public var regex: RegexLibrary?
  /// How the variables of `environment` are bound.
  public var bind: @Sendable (Code) -> CompiledPart

  public init(
    environment: Environment, units: [PolicyUnit], regex: RegexLibrary?,
    bind: @escaping @Sendable (Code) -> CompiledPart
  ) {
    self.environment = environment
    self.units = units
    self.regex = regex
    self.bind = bind
  }
}
