import ArgumentParser
import CPurser

/// `purser eval --policy PATH --request FILE`
struct EvalCommand: ParsableCommand {
  enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json
  }

  static let configuration = CommandConfiguration(
    commandName: "eval",
    abstract: "Decide one request.",
    discussion: """
      The request is a JSON object from attribute name or alias to value:
        {"request.method": "GET", "request.path": "/x?y=1", "request.headers": {"x-user": "a"},
         "request.time": "2026-01-02T03:04:05Z", "request.duration": "1.5s"}
      Exit status: 0 whatever the verdict; 1 when the documents or the request are bad.
      """)

  @Option(help: ArgumentHelp("File or directory of documents; may be given several times.", valueName: "path"))
  var policy: [String]

  @Option(help: ArgumentHelp("JSON file; - is standard input.", valueName: "file"))
  var request: String

  @Flag(help: "Evaluate every rule and show what each clause said.")
  var explain = false

  @OptionGroup var external: ExternalOptions

  @Option(name: .shortAndLong, help: "text or json.")
  var output: OutputFormat = .text

  func run() throws {
    let session = try Session(policies: policy, store: external.store)
    if !session.plan.warnings.text.isEmpty {
      Console.complain(session.plan.warnings.text)
    }
    var file = try InputFile(request)
    let values = try file.readRequest(session.vocabulary)
    let wantsExplanation = explain
    let external = external
    let (decision, explanation) = try session.request(values) { (request) throws(Failure) -> (Decision, String?) in
      try demand(external.check(request), "the request cannot be checked")
      let decision = try Decision(of: request)
      guard wantsExplanation else { return (decision, nil) }
      var text = purser_text()
      try demand(purser_explain(request, 0, &text), "the decision cannot be explained")
      return (decision, String(taking: &text))
    }
    var explained: JSON?
    if let explanation {
      do {
        explained = try JSONParser.parse(Array(explanation.utf8))
      } catch {
        throw Failure("error: the explanation is no JSON: \(error.message)")
      }
    }
    switch output {
    case .text:
      Console.say(decision.lines)
      if let explained { Console.say("\n" + Explanation(explained).lines) }
    case .json:
      var json = decision.json
      if let explained, case .object(let members) = json.content {
        json = JSON(.object(members + [JSON.Member(key: "explain", value: explained, offset: 0)]))
      }
      Console.say(JSONWriter.write(json))
    }
  }
}
