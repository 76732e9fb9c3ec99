// The engine's own counters: a fixed set, one word each in every worker's shard.
//
// They are exported beside the user's instruments, as `purser_…_total`.

/// One counter of the engine itself.
@frozen public enum SelfCounter: Int, CaseIterable, Sendable {
  case checksAllowed
  case checksDenied
  case checksPending
  case reports
  case shadowDifferences
  case ruleErrors
  case labelErrors
  case valueErrors
  case logConditionErrors
  case logFieldErrors
  case illegalValues
  case seriesOverflow
  case seriesExpired
  case recordingsWithoutMemory
  case logRecords
  case logRecordsDropped
  case logRecordsClipped
  case logWriteFailures
  case reloads
  case reloadsFailed
  case attributeErrors
  #if !hasFeature(Embedded)
    case cacheHits
    case cacheMisses
    case cacheStaleHits
    case cacheKeysUnusable
    case providerFailures
    case shadowUnanswered
  #endif
}

extension SelfCounter {
  /// The metric's name. Counters that differ only in a label share it.
  public var name: StaticString {
    switch self {
    case .checksAllowed, .checksDenied, .checksPending: "purser_checks_total"
    case .reports: "purser_reports_total"
    case .shadowDifferences: "purser_shadow_differences_total"
    case .ruleErrors, .labelErrors, .valueErrors, .logConditionErrors, .logFieldErrors:
      "purser_evaluation_errors_total"
    case .illegalValues: "purser_illegal_metric_values_total"
    case .seriesOverflow: "purser_series_overflow_total"
    case .seriesExpired: "purser_series_expired_total"
    case .recordingsWithoutMemory: "purser_recordings_without_memory_total"
    case .logRecords: "purser_log_records_total"
    case .logRecordsDropped: "purser_log_records_dropped_total"
    case .logRecordsClipped: "purser_log_records_clipped_total"
    case .logWriteFailures: "purser_log_write_failures_total"
    case .reloads, .reloadsFailed: "purser_reloads_total"
    case .attributeErrors: "purser_attribute_errors_total"
    #if !hasFeature(Embedded)
      case .cacheHits, .cacheMisses, .cacheStaleHits, .cacheKeysUnusable: "purser_check_cache_lookups_total"
      case .providerFailures: "purser_provider_failures_total"
      case .shadowUnanswered: "purser_shadow_unanswered_total"
    #endif
    }
  }

  /// A label's name and value, or nil.
  public var label: (name: StaticString, value: StaticString)? {
    switch self {
    case .checksAllowed: ("verdict", "allow")
    case .checksDenied: ("verdict", "deny")
    case .checksPending: ("verdict", "pending")
    case .ruleErrors: ("part", "rule")
    case .labelErrors: ("part", "label")
    case .valueErrors: ("part", "value")
    case .logConditionErrors: ("part", "log_when")
    case .logFieldErrors: ("part", "log_field")
    case .reloads: ("result", "ok")
    case .reloadsFailed: ("result", "failed")
    #if !hasFeature(Embedded)
      case .cacheHits: ("result", "hit")
      case .cacheMisses: ("result", "miss")
      case .cacheStaleHits: ("result", "stale")
      case .cacheKeysUnusable: ("result", "no_key")
    #endif
    default: nil
    }
  }

  public var help: StaticString {
    switch self {
    case .checksAllowed, .checksDenied, .checksPending: "Checks, by verdict."
    case .reports: "Reports."
    case .shadowDifferences: "Checks whose shadow verdict differs from the enforced one."
    case .ruleErrors, .labelErrors, .valueErrors, .logConditionErrors, .logFieldErrors:
      "Expressions that ended in an error, by what they were part of."
    case .illegalValues: "Recordings refused: not a number, of a wrong type, or a counter's increment below zero."
    case .seriesOverflow: "Recordings that went to an overflow series, because the instrument had all its series."
    case .seriesExpired: "Series removed because nothing was recorded into them for long."
    case .recordingsWithoutMemory: "Recordings lost because memory could not be had."
    case .logRecords: "Log records handed to the exporter."
    case .logRecordsDropped: "Log records dropped because the worker's buffer was full."
    case .logRecordsClipped: "Log records of which a field was cut or left out, because it was too large."
    case .logWriteFailures: "Log records lost because they could not be written."
    case .reloads, .reloadsFailed: "Loads of a policy set's documents, by result."
    case .attributeErrors: "Attributes that the host could not supply as declared."
    #if !hasFeature(Embedded)
      case .cacheHits, .cacheMisses, .cacheStaleHits, .cacheKeysUnusable:
        "Look-ups of providers' answers, by result; `stale`: an old answer served because the provider failed; `no_key`: an attribute of the key is an error or too large."
      case .providerFailures: "Questions that a provider did not answer, or that the host would not wait for."
      case .shadowUnanswered: "CUSTOM rules left out of a shadow verdict, because no answer was at hand."
    #endif
    }
  }

  /// `allCases.count`, without building the array.
  @inlinable public static var count: Int { SelfCounter.last.rawValue &+ 1 }

  #if hasFeature(Embedded)
    @usableFromInline static var last: SelfCounter { .attributeErrors }
  #else
    @usableFromInline static var last: SelfCounter { .shadowUnanswered }
  #endif
}

/// The engine's own counters at one moment.
public struct SelfCounterSnapshot: Equatable, Sendable {
  public var values: [UInt64]

  public init(values: [UInt64] = []) { self.values = values }

  public subscript(_ counter: SelfCounter) -> UInt64 {
    values.indices.contains(counter.rawValue) ? values[counter.rawValue] : 0
  }
}
