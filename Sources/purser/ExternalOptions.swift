import ArgumentParser
import CPurser

/// What `eval` and `replay` do about rules that ask providers.
struct ExternalOptions: ParsableArguments {
  @Flag(
    help: "Ask the providers of CUSTOM rules, and wait; otherwise they count as not answering, as `failureMode` has it."
  )
  var ask = false

  @Option(
    help: ArgumentHelp(
      "Folder of the check cache, as a host has it in `store_directory`; memory only unless given.", valueName: "folder"
    ))
  var store: String?

  func check(_ request: OpaquePointer) -> purser_status {
    ask ? purser_check_wait(request, 0, 0) : purser_check(request, 0, nil)
  }
}
