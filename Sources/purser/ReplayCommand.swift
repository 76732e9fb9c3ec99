import ArgumentParser
import CPurser

/// `purser replay --policy PATH REQUESTS.jsonl`
struct ReplayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Decide recorded requests and show decisions, latencies and metrics.",
    discussion: """
      One request a line, each as for `eval`. Each is checked and reported as a host would: where a request is denied, the \
      report sees the denial's status as response.code. Exit status: 0; 1 when the documents or any line are bad.
      """)

  @Option(help: ArgumentHelp("File or directory of documents; may be given several times.", valueName: "path"))
  var policy: [String]

  @OptionGroup var external: ExternalOptions

  @Argument(help: ArgumentHelp("JSON lines; - is standard input.", valueName: "requests.jsonl"))
  var requests: String

  /// Bad lines that are shown one by one; the rest are only counted.
  private static let complaintsMax = 20

  func run() throws {
    let session = try Session(policies: policy, store: external.store)
    if !session.plan.warnings.text.isEmpty {
      Console.complain(session.plan.warnings.text)
    }
    var file = try InputFile(requests)
    var tally = Tally()
    var checks = Latencies()
    var reports = Latencies()
    var progress = ProgressBar()
    var line = 0
    var bad = 0
    while let bytes = try file.readLine() {
      line += 1
      if bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
      do {
        let values = try RequestValues(JSONParser.parse(bytes), vocabulary: session.vocabulary)
        let decision = try Self.run(values, in: session, external, checks: &checks, reports: &reports)
        tally.add(decision, of: values, line: line)
      } catch let error as JSONError {
        bad += 1
        if bad <= Self.complaintsMax {
          progress.finish()
          let column = SourcePlace(of: error.offset, in: bytes).column
          Console.complain("\(file.name):\(line):\(column): error: \(error.message)")
        }
      }
      if line & 63 == 0 {
        let size = file.size
        progress.update(fraction: size.map { Double(file.bytesRead) / Double(max($0, 1)) }, count: tally.total)
      }
    }
    progress.finish()
    Console.say(tally.text)
    Console.say("\n" + Self.summary(of: tally, bad: bad))
    if tally.total > 0 {
      Console.say("\nNanoseconds a call (the clock's own \(Latencies.clockOverhead()) ns included)\n")
      Console.say(Self.table(checks: checks, reports: reports))
    }
    Console.say("\nMetrics\n")
    let metrics = try session.metrics()
    Console.write(metrics, to: 1)
    if bad > 0 {
      throw Failure("error: \(bad) bad line\(bad == 1 ? "" : "s")")
    }
  }

  private static func run(
    _ values: RequestValues, in session: Session, _ external: ExternalOptions, checks: inout Latencies,
    reports: inout Latencies
  ) throws(Failure) -> Decision {
    var checkTime: Int64 = 0
    var reportTime: Int64 = 0
    let decision = try session.request(values) { (request) throws(Failure) -> Decision in
      let start = Latencies.now()
      let checked = external.check(request)
      checkTime = Latencies.now() - start
      try demand(checked, "a request cannot be checked")
      let decision = try Decision(of: request)
      if !decision.isAllowed {
        values.replaceInteger(UInt32(PURSER_ATTRIBUTE_RESPONSE_CODE), with: Int64(decision.httpStatus))
      }
      let begin = Latencies.now()
      let reported = purser_report(request, 0)
      reportTime = Latencies.now() - begin
      try demand(reported, "a request cannot be reported")
      return decision
    }
    checks.add(checkTime)
    reports.add(reportTime)
    return decision
  }

  private static func summary(of tally: Tally, bad: Int) -> String {
    var words = "\(tally.total) requests: \(tally.allowed) allowed, \(tally.denied) denied"
    if tally.total > 0 {
      let permille = (tally.denied * 1000 + tally.total / 2) / tally.total
      words += " (\(permille / 10).\(permille % 10) %)"
    }
    if tally.shadowed > 0 { words += ", \(tally.shadowed) would change with the shadow policies" }
    if bad > 0 { words += "; \(bad) bad line\(bad == 1 ? "" : "s")" }
    return words
  }

  private static func table(checks: Latencies, reports: Latencies) -> String {
    var table = Table(head: ["", "min", "p50", "p90", "p99", "max"], numbers: [1, 2, 3, 4, 5])
    for (name, latencies) in [("check", checks), ("report", reports)] {
      guard let row = latencies.row else { continue }
      table.add([name] + [row.min, row.p50, row.p90, row.p99, row.max].map { String($0) })
    }
    return table.text
  }
}
