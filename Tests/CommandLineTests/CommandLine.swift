import Foundation
import Testing

/// Runs the built `purser` as its users do: as a process, with files in a folder of its own.
final class CommandLineTool {
  struct Result {
    var status: Int32
    var output: String
    var errors: String
  }

  let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("purser-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(at: folder)
  }

  /// The repository, for the example's files.
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// The test bundle and the tool are built into one folder.
  private static let executable = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    .deletingLastPathComponent().appendingPathComponent("purser")

  @discardableResult
  func write(_ text: String, to name: String) throws -> String {
    let url = folder.appendingPathComponent(name)
    try Data(text.utf8).write(to: url)
    return url.path
  }

  func run(_ arguments: String..., input: String = "") throws -> Result {
    try run(arguments, input: input)
  }

  func run(_ arguments: [String], input: String = "") throws -> Result {
    // Files and no pipes: nobody waits for a full pipe to be read.
    let name = UUID().uuidString
    let inputPath = try write(input, to: name + ".in")
    let outputPath = try write("", to: name + ".out")
    let errorsPath = try write("", to: name + ".err")
    let process = Process()
    process.executableURL = Self.executable
    process.arguments = arguments
    process.currentDirectoryURL = folder
    process.standardInput = try FileHandle(forReadingFrom: URL(fileURLWithPath: inputPath))
    process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: outputPath))
    process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errorsPath))
    try process.run()
    process.waitUntilExit()
    // A tool that trapped did not answer at all.
    #expect(process.terminationReason == .exit)
    return Result(
      status: process.terminationStatus, output: try String(contentsOfFile: outputPath, encoding: .utf8),
      errors: try String(contentsOfFile: errorsPath, encoding: .utf8))
  }

  /// `eval -o json` of a request on documents.
  func eval(_ documents: String, _ request: String, _ more: String...) throws -> [String: Any] {
    let policy = try write(documents, to: "policy.yaml")
    let result = try run(["eval", "--policy", policy, "--request", "-", "-o", "json"] + more, input: request)
    #expect(result.status == 0, "\(result.errors)")
    let json = try JSONSerialization.jsonObject(with: Data(result.output.utf8))
    return try #require(json as? [String: Any])
  }

  /// The complaint of an `eval` that has to fail.
  func complaint(_ documents: String, _ request: String) throws -> String {
    let policy = try write(documents, to: "policy.yaml")
    let result = try run("eval", "--policy", policy, "--request", "-", input: request)
    #expect(result.status == 1)
    #expect(result.output.isEmpty)
    return result.errors
  }

  /// A Policy document with these rules.
  static func policy(_ rules: String, spec: String = "") -> String {
    """
    apiVersion: purser.dev/v1alpha1
    kind: Policy
    metadata: {name: shop, namespace: default}
    spec:
    \(spec.isEmpty ? "" : "  " + spec + "\n")  rules:
    \(rules)

    """
  }

  /// A policy that allows exactly what the expression says.
  static func allowing(_ expression: String) -> String {
    policy(
      """
        - name: it
          action: ALLOW
          when: |
            \(expression)
      """)
  }
}
