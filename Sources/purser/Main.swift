// purser: the command line over libpurser's C header.
//
//   purser check PATH…                                   load documents, print every problem
//   purser eval --policy PATH --request FILE             decide one request
//   purser replay --policy PATH REQUESTS.jsonl           decide recorded requests, with metrics and latencies
//   purser cache stat|verify|get|purge --store FOLDER    look at kept answers, forget them
//   purser version
//
// It calls nothing of Purser but what `purser.h` declares, so whatever works here works for any host.
//
// Exit status: 0 done; 1 bad documents or requests; 2 wrong usage.

import ArgumentParser
import CPurser
import Glibc

struct PurserCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "purser",
    abstract: "Checks, tries and replays policies of the Purser policy and telemetry engine.",
    version: String(cString: purser_version()),
    subcommands: [CheckCommand.self, EvalCommand.self, ReplayCommand.self, CacheCommand.self, VersionCommand.self]
  )
}

@main
enum Main {
  static func main() {
    do {
      var command = try PurserCommand.parseAsRoot()
      try command.run()
    } catch let failure as Failure {
      Console.complain(failure.text)
      exit(1)
    } catch {
      let code = PurserCommand.exitCode(for: error)
      let message = PurserCommand.fullMessage(for: error)
      if code.isSuccess {
        Console.say(message)
        exit(0)
      }
      if !message.isEmpty {
        Console.complain(message)
      }
      // The parser's own status for wrong usage is 64 (EX_USAGE); this tool says 2, as most do.
      exit(code == .validationFailure ? 2 : code.rawValue)
    }
  }
}
