// A plan as one engine runs it: custom attributes have the engine's numbers, metrics their instruments, access logs
// their sinks. `PlanImage` is what the request path sees of it; it does not move until the plan is reclaimed.

import CEL
import CPlatform
import PurserAttributes
import PurserPolicy
import PurserTelemetry

public struct PlanImage {
  public var policy: PolicyImage
  public var policyCode: CodeView
  public var telemetryCode: CodeView
  public var metrics: UnsafePointer<MetricRecord>
  public var metricCount: Int
  public var accessLogs: UnsafePointer<AccessLogRecord>
  public var accessLogCount: Int
  /// `Unmanaged<ValueSet>` by list number.
  public var valueSets: UnsafePointer<Unmanaged<ValueSet>>
  public var valueSetCount: Int
  public var slotsMax: Int
  public var registersMax: Int
  public var labelsMax: Int
  public var digest: Bytes
  /// Not 0 once another plan has taken this one's place. Atomic.
  public var isRetired: UnsafeMutablePointer<UInt64>
  public var owner: Unmanaged<BoundPlan>
}

public struct CodeView: BitwiseCopyable {
  public var code: UnsafePointer<CodeImage>
  public var bindings: UnsafePointer<SlotBinding>
  public var bindingCount: UInt32
  public var slotNames: UnsafePointer<Bytes>
  public var slotNameCount: UInt32
}

public struct MetricRecord: BitwiseCopyable {
  public var instrument: UnsafeMutablePointer<InstrumentState>
  public var value: UInt32
  public var when: UInt32
  public var labels: UnsafePointer<UInt32>
  public var labelCount: Int
}

public struct AccessLogRecord: BitwiseCopyable {
  public var when: UInt32
  public var fieldNames: UnsafePointer<Bytes>
  public var fieldPrograms: UnsafePointer<UInt32>
  public var fieldCount: Int
  public var sinks: UnsafePointer<UInt32>
  public var sinkCount: Int
}
