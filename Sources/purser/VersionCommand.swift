import ArgumentParser
import CPurser

/// `purser version`
struct VersionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "version", abstract: "Print the version of the library that does the work.")

  func run() throws {
    Console.say("purser " + String(cString: purser_version()))
  }
}
