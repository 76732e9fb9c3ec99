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
      // Plans of several sets, or of before a reload, may have unlike providers of one name.
      var counted: [(name: String, statistics: ProviderStatistics)] = []
      for (path, client, _) in named.ordered(by: { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }) {
        let statistics = pool.statistics(client)
        if counted.last?.name == path {
          counted[counted.count &- 1].statistics.add(statistics)
        } else {
          counted.append((path, statistics))
        }
      }
      snapshots += ExternalServices.snapshots(counted)
    }
    return snapshots
  }

  private static func snapshots(_ providers: [(name: String, statistics: ProviderStatistics)]) -> [InstrumentSnapshot] {
    var answers = Table(
      "purser_provider_answers_total", .counter, "Questions to providers, by how they ended.", ["provider", "outcome"])
    var opened = Table(
      "purser_provider_circuit_opened_total", .counter, "How often a provider failed so often that it was left alone.",
      ["provider"])
    var connections = Table(
      "purser_provider_connections_opened_total", .counter, "Connections to providers.", ["provider"])
    var latency = Table(
      "purser_provider_latency_seconds_total", .counter, "Time that answers took, added up.", ["provider"])
    var waiting = Table("purser_provider_in_flight", .gauge, "Questions under way.", ["provider"])
    for (name, statistics) in providers {
      answers.add([name, "allow"], statistics.allowed)
      answers.add([name, "deny"], statistics.denied)
      answers.add([name, "document"], statistics.documents)
      for failure in ProviderFailure.allCases {
        let count = statistics.failed(failure)
        if count > 0 { answers.add([name, failure.outcome], count) }
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
    for counter in CacheCounter.allCases { events.add([counter.event], statistics[counter]) }
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

extension ProviderFailure {
  /// As a metric's label.
  fileprivate var outcome: String {
    switch self {
    case .timeout: "failure_timeout"
    case .connect: "failure_connect"
    case .tls: "failure_tls"
    case .reset: "failure_reset"
    case .protocolError: "failure_protocol"
    case .unusable: "failure_unusable"
    case .tooLarge: "failure_too_large"
    case .provider: "failure_provider"
    case .question: "failure_question"
    case .overloaded: "failure_overloaded"
    case .circuitOpen: "failure_circuit_open"
    case .cancelled: "failure_cancelled"
    case .closed: "failure_closed"
    }
  }
}

extension CacheCounter {
  /// As a metric's label.
  fileprivate var event: String {
    switch self {
    case .workerHits: "worker_hit"
    case .storeHits: "store_hit"
    case .staleHits: "stale_hit"
    case .misses: "miss"
    case .expired: "expired"
    case .fromFuture: "from_future"
    case .purged: "purged"
    case .sealFailures: "seal_failure"
    case .readFailures: "read_failure"
    case .readersFull: "readers_full"
    case .insertsRefused: "insert_refused"
    case .puts: "put"
    case .putsDropped: "put_dropped"
    case .putsRefused: "put_refused"
    case .written: "written"
    case .writtenLater: "written_later"
    case .evicted: "evicted"
    case .refreshed: "refreshed"
    case .mapFull: "map_full"
    case .writeFailures: "write_failure"
    case .purges: "purge"
    case .beganEmpty: "began_empty"
    case .deadReaders: "dead_reader"
    }
  }
}
