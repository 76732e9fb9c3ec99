import ArgumentParser
import CPurser

/// `purser cache stat | verify | get | purge --store FOLDER`
struct CacheCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cache",
    abstract: "Look at a store of providers' answers, or make what is kept there forgotten.",
    discussion: """
      The folder is what a host has in `store_directory`. It is read while hosts use it. Who may not read it sees nothing: it is \
      private to its user.
      """,
    subcommands: [CacheStat.self, CacheVerify.self, CacheGet.self, CachePurge.self])
}

struct StoreOption: ParsableArguments {
  @Option(help: ArgumentHelp("The store's folder.", valueName: "folder"))
  var store: String

  func open() throws(Failure) -> Store { try Store(store) }
}

/// A folder of stores, opened for looking.
final class Store {
  let handle: OpaquePointer
  let path: String

  init(_ path: String) throws(Failure) {
    let memory = HostMemory()
    var handle: OpaquePointer?
    var problem = purser_text()
    let status = purser_store_open(memory.text(path), &handle, &problem)
    let reason = String(taking: &problem)
    guard status == PURSER_OK, let handle else {
      throw Failure("error: \(path): " + (reason.isEmpty ? String(cString: purser_status_text(status)) : reason))
    }
    self.handle = handle
    self.path = path
  }

  deinit { purser_store_free(handle) }

  /// Each file's, with its problem copied out.
  func summaries(verifying: Bool) throws(Failure) -> [(counts: purser_store_summary, problem: String)] {
    var count = 0
    try demand(purser_store_scan(handle, 0, verifying ? 1 : 0, &count), "\(path) cannot be read")
    var summaries: [(counts: purser_store_summary, problem: String)] = []
    for index in 0..<count {
      var summary = purser_store_summary()
      summary.size = MemoryLayout<purser_store_summary>.size
      try demand(purser_store_file(handle, index, &summary), "\(path) cannot be read")
      summaries.append((summary, String(summary.problem)))
    }
    return summaries
  }
}

struct CacheStat: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "stat", abstract: "Count what is kept.")

  @OptionGroup var folder: StoreOption

  func run() throws {
    let summaries = try folder.open().summaries(verifying: false)
    if summaries.isEmpty { Console.say("nothing is kept in \(folder.store)") }
    for (summary, problem) in summaries {
      if !problem.isEmpty {
        Console.say("not used: \(problem)")
        continue
      }
      Console.say(
        "\(summary.entries) answers (\(summary.expired) past their time, \(summary.purged) purged), \(summary.bytes) of \(summary.bytes_max) bytes"
      )
      if summary.entries > 0 {
        let now = TimeSpan.now()
        Console.say(
          "asked between \(TimeSpan.age(of: summary.oldest_asked_ns, now)) and \(TimeSpan.age(of: summary.latest_asked_ns, now)) ago"
        )
      }
    }
  }
}

struct CacheVerify: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Open every seal.",
    discussion: "Exit status: 0 when all are as they were sealed; 1 when one is not, or a file is not used.")

  @OptionGroup var folder: StoreOption

  func run() throws {
    var bad = 0
    for (summary, problem) in try folder.open().summaries(verifying: true) {
      if !problem.isEmpty {
        bad += 1
        Console.say("not used: \(problem)")
        continue
      }
      bad += summary.broken
      Console.say("\(summary.entries) answers, \(summary.broken) broken")
    }
    if bad > 0 { throw Failure("error: not everything is as it was sealed") }
  }
}

struct CacheGet: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "get",
    abstract: "Show which answers are kept for a request.",
    discussion: "The request is a JSON object as for `eval`. Nobody is asked.")

  @OptionGroup var folder: StoreOption

  @Option(help: ArgumentHelp("File or directory of documents; may be given several times.", valueName: "path"))
  var policy: [String]

  @Option(help: ArgumentHelp("JSON file; - is standard input.", valueName: "file"))
  var request: String

  func run() throws {
    let store = try folder.open()
    let session = try Session(policies: policy)
    var file = try InputFile(request)
    let values = try file.readRequest(session.vocabulary)
    let rules = session.plan.externalRuleNames
    let now = TimeSpan.now()
    let lines = try session.request(values) { (request) throws(Failure) -> [String] in
      var lines: [String] = []
      for (index, name) in rules.enumerated() {
        var answer = purser_store_answer()
        answer.size = MemoryLayout<purser_store_answer>.size
        let status = purser_store_find(store.handle, request, index, &answer)
        switch status {
        case PURSER_NOT_FOUND: lines.append("\(name): nothing is kept")
        case PURSER_WRONG_STATE: lines.append("\(name): its answers are not kept, or the request has no key for it")
        default:
          try demand(status, "the store cannot be searched")
          lines.append("\(name): \(Self.words(answer, now))")
        }
      }
      return lines
    }
    Console.say(lines.isEmpty ? "no rule asks a provider" : lines.joined(separator: "\n"))
  }

  private static func words(_ answer: purser_store_answer, _ now: Int64) -> String {
    var words = answer.verdict == PURSER_VERDICT_ALLOW ? "allow" : "deny"
    if answer.http_status != 0 { words += " with \(answer.http_status)" }
    words += ", asked \(TimeSpan.age(of: answer.asked_ns, now)) ago"
    if answer.is_current == 0 { return words + ", purged" }
    if answer.fresh_until_ns > now { return words + ", good for \(TimeSpan.age(of: now, answer.fresh_until_ns)) more" }
    if answer.stale_until_ns > now { return words + ", past its time; serves if the provider fails" }
    return words + ", past its time"
  }
}

struct CachePurge: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "purge",
    abstract: "Make every process that uses the store forget what is kept.",
    discussion: "All of it, or that of one policy, or that with one value of an attribute that `cache.purgeBy` names.")

  @OptionGroup var folder: StoreOption

  @Flag(help: "Everything.")
  var all = false

  @Option(help: ArgumentHelp("A policy: `name` or `namespace/name`.", valueName: "policy"))
  var policy: String?

  @Option(help: ArgumentHelp("An attribute and its text.", valueName: "attribute=value"))
  var attribute: String?

  func validate() throws {
    let given = [all, policy != nil, attribute != nil].filter { $0 }.count
    guard given == 1 else { throw ValidationError("give one of --all, --policy, --attribute") }
    if let attribute, !attribute.contains("=") { throw ValidationError("write --attribute name=value") }
  }

  func run() throws {
    let store = try folder.open()
    let memory = HostMemory()
    let status: purser_status
    if let policy {
      status = purser_store_purge_policy(store.handle, memory.text(policy))
    } else if let attribute, let split = attribute.firstIndex(of: "=") {
      var value = purser_value()
      value.type = PURSER_TYPE_STRING.rawValue
      value.as.text = memory.text(String(attribute[attribute.index(after: split)...]))
      status = purser_store_purge_attribute(store.handle, memory.text(String(attribute[..<split])), &value)
    } else {
      status = purser_store_purge(store.handle)
    }
    if status == PURSER_NOT_FOUND { throw Failure("error: there is no such attribute") }
    try demand(status, "the store cannot be purged")
    Console.say("purged")
  }
}
