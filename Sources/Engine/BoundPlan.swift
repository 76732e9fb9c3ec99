// A plan as one engine runs it: custom attributes have the engine's numbers, metrics their instruments, access logs
// their sinks. `PlanImage` is what the request path sees of it; it does not move until the plan is reclaimed.

import CEL
import CPlatform
import PurserAttributes
import PurserBackends
import PurserPolicy
import PurserTelemetry

public struct PlanImage {
  /// Never given twice, unlike the address; not 0.
  public var serial: UInt64
  public var policy: PolicyImage
  public var policyCode: CodeView
  public var telemetryCode: CodeView
  public var metrics: UnsafePointer<MetricRecord>
  public var metricCount: Int
  public var accessLogs: UnsafePointer<AccessLogRecord>
  public var accessLogCount: Int
  /// By list number; the plan keeps them alive.
  public var valueSets: UnsafePointer<Unmanaged<ValueSet>>
  public var valueSetCount: Int
  /// CUSTOM rules, by their own numbers.
  public var externals: UnsafePointer<ExternalRule>
  public var externalCount: UInt32
  #if !hasFeature(Embedded)
    /// Some CUSTOM rule is cached.
    var hasCaches = false
    var findAnswer:
      (
        @convention(c) (
          UnsafeMutableRawPointer, UnsafeRawPointer, Int, Int64, UnsafeMutableRawPointer
        ) -> Void
      )?
  #endif
  /// What a worker must have room for.
  public var slotsMax: Int
  public var registersMax: Int
  public var labelsMax: Int
  public var digest: Bytes
  /// See `ErrorText`. Atomic.
  public var errorTexts: UnsafeMutablePointer<UInt64>
  public var owner: Unmanaged<BoundPlan>
}

/// Code and what its slots are, as the request path reads them.
public struct CodeView: BitwiseCopyable {
  public var code: UnsafePointer<CodeImage>
  public var bindings: UnsafePointer<SlotBinding>
  public var bindingCount: UInt32
  /// What the slots hold before a call: what the plan knows by itself, and nothing else.
  public var initialSlots: UnsafePointer<Value>
  public var slotNames: UnsafePointer<Bytes>
  public var slotNameCount: UInt32
}

public struct MetricRecord: BitwiseCopyable {
  public static var noProgram: UInt32 { UInt32.max }

  public var instrument: UnsafeMutablePointer<InstrumentState>
  /// `noProgram` counts one.
  public var value: UInt32
  /// `noProgram` always records.
  public var when: UInt32
  public var labels: UnsafePointer<UInt32>
  public var labelCount: Int
}

public struct AccessLogRecord: BitwiseCopyable {
  public var when: UInt32
  public var fieldKeys: UnsafePointer<Bytes>
  public var fieldPrograms: UnsafePointer<UInt32>
  public var fieldCount: Int
  public var sinks: UnsafePointer<UInt32>
  public var sinkCount: Int
}

public final class BoundPlan: @unchecked Sendable {
  public let plan: Plan
  public let image: UnsafeMutablePointer<PlanImage>
  #if !hasFeature(Embedded)
    let door: ExternalDoor?
    /// As the door gave them, by provider.
    private var providers: [UInt64] = []
  #endif
  private let engine: Unmanaged<Engine>
  private let scope: String
  private var memory = PlanMemory()
  private var instruments: [UnsafeMutablePointer<InstrumentState>] = []
  private var logDefinitions: [LogDefinition] = []
  private var isBound = false
  /// The engine's numbers of the plan's custom attributes.
  private(set) var numbers: [UInt32: UInt32] = [:]

  var explainer: Explainer { plan.explainer }

  /// Takes what the plan needs of the engine; on failure everything taken is given back.
  init(plan: Plan, scope: String, engine: Engine) throws(PolicySet.Refusal) {
    self.plan = plan
    self.scope = scope
    self.engine = Unmanaged.passUnretained(engine)
    image = .allocate(capacity: 1)
    #if !hasFeature(Embedded)
      door = engine.door
    #endif
    let textCount = plan.policyCode.slotNames.count &* ErrorText.codes
    let errorTexts: UnsafeMutablePointer<UInt64> = .allocate(capacity: textCount &+ 1)
    errorTexts.initialize(repeating: 0, count: textCount &+ 1)

    let labelsMax = plan.metrics.reduce(0) { max($0, $1.labels.count) }
    image.initialize(
      to: PlanImage(
        serial: platform_next_serial(), policy: plan.policies.image,
        policyCode: memory.view(of: plan.policyCode, numbers: [:]),
        telemetryCode: memory.view(of: plan.telemetryCode, numbers: [:]), metrics: memory.keep([]),
        metricCount: 0, accessLogs: memory.keep([]), accessLogCount: 0,
        valueSets: memory.keep(plan.valueSets.map { Unmanaged.passUnretained($0) }),
        valueSetCount: plan.valueSets.count, externals: memory.keep([]), externalCount: 0,
        slotsMax: max(plan.policyCode.bindings.count, plan.telemetryCode.bindings.count),
        registersMax: max(plan.policyCode.code.registersMax, plan.telemetryCode.code.registersMax),
        labelsMax: labelsMax, digest: plan.digest, errorTexts: errorTexts,
        owner: Unmanaged.passUnretained(self)))
    do throws(PolicySet.Refusal) {
      numbers = try customNumbers(engine)
      if !numbers.isEmpty {
        image.pointee.policyCode = memory.view(of: plan.policyCode, numbers: numbers)
        image.pointee.telemetryCode = memory.view(of: plan.telemetryCode, numbers: numbers)
      }
      try bindMetrics(scope, engine)
      #if !hasFeature(Embedded)
        try bindExternals()
      #endif
      try engine.running.acquire(plan, scope: scope)
      isBound = true
      bindAccessLogs(engine)
    } catch {
      #if !hasFeature(Embedded)
        releaseProviders()
      #endif
      for instrument in instruments { engine.registry.release(instrument) }
      instruments = []
      throw error
    }
  }

  deinit {
    unbind()
    ErrorText.free(image.pointee.errorTexts, slots: plan.policyCode.slotNames.count)
    image.deallocate()
    memory.free()
  }

  /// Gives back instruments and backends. Nobody uses the plan any more.
  func unbind() {
    guard isBound else { return }
    isBound = false
    let engine = engine.takeUnretainedValue()
    engine.running.release(plan, scope: scope)
    #if !hasFeature(Embedded)
      releaseProviders()
    #endif
    for instrument in instruments { engine.registry.release(instrument) }
    instruments = []
  }

  /// The engine's numbers for the plan's own.
  private func customNumbers(_ engine: Engine) throws(PolicySet.Refusal) -> [UInt32: UInt32] {
    var numbers: [UInt32: UInt32] = [:]
    for attribute in plan.customAttributes {
      do throws(Engine.NumberProblem) {
        numbers[attribute.number] = try engine.number(ofCustom: attribute.name, attribute.type)
      } catch {
        throw PolicySet.Refusal(
          kind: .documents,
          message: error == .tooMany
            ? "no number is left for custom attribute `\(attribute.name)`"
            : "custom attribute `\(attribute.name)` needs a dotted name")
      }
    }
    return numbers
  }

  private func bindMetrics(_ scope: String, _ engine: Engine) throws(PolicySet.Refusal) {
    var records: [MetricRecord] = []
    for metric in plan.metrics {
      do throws(InstrumentProblem) {
        let instrument = try engine.registry.acquire(scope: scope, metric.definition)
        instruments.append(instrument)
        records.append(
          MetricRecord(
            instrument: instrument, value: metric.value ?? MetricRecord.noProgram,
            when: metric.when ?? MetricRecord.noProgram, labels: memory.keep(metric.labels),
            labelCount: metric.labels.count))
      } catch {
        throw PolicySet.Refusal(kind: .documents, message: "metric `\(metric.definition.name)`: \(error.text)")
      }
    }
    image.pointee.metrics = memory.keep(records)
    image.pointee.metricCount = records.count
  }

  private func bindAccessLogs(_ engine: Engine) {
    var records: [AccessLogRecord] = []
    for log in plan.accessLogs {
      guard let definition = LogDefinition(fieldNames: log.fields.map { $0.name }) else { continue }
      logDefinitions.append(definition)
      let sinks = log.backends.compactMap { name in
        plan.backends.first { $0.name == name }.flatMap { engine.running.sink(of: $0) }
      }
      records.append(
        AccessLogRecord(
          when: log.when ?? MetricRecord.noProgram, fieldKeys: UnsafePointer(definition.keys),
          fieldPrograms: memory.keep(log.fields.map { $0.program }), fieldCount: log.fields.count,
          sinks: memory.keep(sinks), sinkCount: sinks.count))
    }
    image.pointee.accessLogs = memory.keep(records)
    image.pointee.accessLogCount = records.count
  }
}

#if !hasFeature(Embedded)
  extension BoundPlan {
    private func bindExternals() throws(PolicySet.Refusal) {
      guard !plan.externalRules.isEmpty else { return }
      guard let door else {
        throw PolicySet.Refusal(kind: .documents, message: "this engine cannot ask providers")
      }
      for provider in plan.providers { providers.append(try door.acquire(provider)) }
      var rules: [ExternalRule] = []
      for rule in plan.externalRules {
        guard plan.providers.indices.contains(rule.provider) else { continue }
        let provider = plan.providers[rule.provider]
        let slots = rule.cache?.slots ?? []
        rules.append(
          ExternalRule(
            provider: providers[rule.provider], programs: memory.keep(provider.programs),
            programCount: provider.programs.count, failureAllows: provider.failureAllows, isCached: rule.cache != nil,
            keyDigest: rule.cache?.digest ?? DocumentDigest(0, 0, 0, 0), keySlots: memory.keep(slots),
            keySlotCount: slots.count))
      }
      image.pointee.externals = memory.keep(rules)
      image.pointee.externalCount = UInt32(truncatingIfNeeded: rules.count)
      image.pointee.hasCaches = plan.externalRules.contains { $0.cache != nil }
      if image.pointee.hasCaches { door.openCache() }
      image.pointee.findAnswer = door.find
    }

    private func releaseProviders() {
      for provider in providers { door?.release(provider) }
      providers = []
    }
  }
#endif
