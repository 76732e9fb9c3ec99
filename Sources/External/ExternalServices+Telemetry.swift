// What providers and the check cache count, as metrics beside Purser's own.

import PurserCheckCache
import PurserEngine
import PurserProviders
import PurserTelemetry

extension ExternalServices {
  func snapshots() -> [InstrumentSnapshot] {
    let (named, open) = locked { (clients, cache) }
    var snapshots: [InstrumentSnapshot] = []
    if let open { snapshots += ExternalServices.snapshots(open.statistics) }
    if !named.isEmpty {
      let counted = named.map { (name: $0.path, statistics: pool.statistics($0.client)) }
        .ordered { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
      snapshots += ExternalServices.snapshots(counted)
    }
    return snapshots
  }

  private static func snapshots(_ providers: [(name: String, statistics: ProviderStatistics)]) -> [InstrumentSnapshot] {
    var answers = Table("purser_provider_answers_total", .counter, "Questions to providers, by how they ended.", ["provider", "outcome"])
    var opened = Table("purser_provider_circuit_opened_total", .counter, "How often a provider failed so often that it was left alone.", ["provider"])
    var connections = Table("purser_provider_connections_opened_total", .counter, "Connections to providers.", ["provider"])
    var latency = Table("purser_provider_latency_seconds_total", .counter, "Time that answers took, added up.", ["provider"])
    var waiting = Table("purser_provider_in_flight", .gauge, "Questions under way.", ["provider"])
    for (name, statistics) in providers {
      answers.add([name, "allow"], statistics.allowed)
      answers.add([name, "deny"], statistics.denied)
      answers.add([name, "document"], statistics.documents)
      for failure in ProviderFailure.allCases {
        let count = statistics.failed(failure)
        if count > 0 { answers.add([name, "failure_\(failure)"], count) }
      }
      opened.add([name], statistics.circuitOpened)
      connections.add([name], statistics.connectionsOpened)
      latency.add([name], seconds: statistics.latencyNanoseconds)
      waiting.add([name], level: statistics.inFlight)
    }
    return [answers, opened, connections, latency, waiting].map { $0.snapshot }
  }

  private static func snapshots(_ statistics: CacheStatistics) -> [InstrumentSnapshot] {
    var events = Table("purser_check_cache_events_total", .counter, "What happened in the check cache.", ["event"])
    for counter in CacheCounter.allCases { events.add(["\(counter)"], statistics[counter]) }
    var entries = Table("purser_check_cache_store_entries", .gauge, "Answers in the store.", [])
    entries.add([], level: statistics.storeEntries)
    var bytes = Table("purser_check_cache_store_bytes", .gauge, "Bytes of the store that are in use.", [])
    bytes.add([], level: statistics.storeBytes)
    return [events, entries, bytes].map { $0.snapshot }
  }
}

/// One metric while its series are gathered.
private struct Table {
  private let definition: InstrumentDefinition
  private var series: [SeriesSnapshot] = []

  init(_ name: String, _ kind: InstrumentDefinition.Kind, _ help: String, _ labels: [String]) {
    definition = InstrumentDefinition(name: name, kind: kind, help: help, unit: "", labelNames: labels)
  }

  var snapshot: InstrumentSnapshot { InstrumentSnapshot(definition: definition, series: series) }

  mutating func add(_ labels: [String], _ count: UInt64) {
    series.append(
      SeriesSnapshot(labelValues: labels, value: .counter(whole: Int64(truncatingIfNeeded: count), rest: 0)))
  }

  mutating func add(_ labels: [String], seconds nanoseconds: UInt64) {
    series.append(
      SeriesSnapshot(labelValues: labels, value: .counter(whole: 0, rest: Double(nanoseconds) / 1_000_000_000)))
  }

  mutating func add(_ labels: [String], level: Int) {
    series.append(SeriesSnapshot(labelValues: labels, value: .gauge(Double(level))))
  }
}
