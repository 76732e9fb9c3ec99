// Files, directories, and lists in files.

import Foundation
import Testing

@testable import PurserConfiguration

@Suite struct ReaderFileTests {
  /// A temporary folder that goes away with it.
  final class Folder {
    let path: String

    init() throws {
      path = NSTemporaryDirectory() + "purser-configuration-" + UUID().uuidString
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ name: String, _ text: String) throws { try write(name, Array(text.utf8)) }

    func write(_ name: String, _ bytes: [UInt8]) throws {
      let file = path + "/" + name
      try FileManager.default.createDirectory(
        atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      try Data(bytes).write(to: URL(fileURLWithPath: file))
    }

    func link(_ name: String, to target: String) throws {
      try FileManager.default.createSymbolicLink(atPath: path + "/" + name, withDestinationPath: target)
    }
  }

  private func policy(_ name: String) -> String { document("Policy", name: name, "rules: [{name: r, action: DENY}]") }

  @Test func aDirectoryIsReadAsKubernetesMountsOne() throws {
    let folder = try Folder()
    try folder.write("..2026_01_01/b.yaml", policy("b"))
    try folder.link("..data", to: "..2026_01_01")
    try folder.link("b.yaml", to: "..data/b.yaml")
    try folder.write("a.yml", policy("a"))
    try folder.write("c.json", policy("c"))
    try folder.write(".hidden.yaml", "broken: [")
    try folder.write("notes.txt", "broken: [")
    try folder.write("deeper/d.yaml", "broken: [")
    try folder.write("folder.yaml/d.yaml", "broken: [")
    let loaded = Loaded(paths: [folder.path])
    #expect(loaded.rendered == "")
    #expect(loaded.documents.policies.map { $0.identity.name } == ["a", "b", "c"])
    #expect(
      loaded.documents.sources.sources.map { $0.name } == ["a.yml", "b.yaml", "c.json"].map { folder.path + "/" + $0 })
  }

  @Test func whatCannotBeReadIsAProblem() throws {
    let folder = try Folder()
    #expect(
      Loaded(paths: [folder.path + "/none.yaml"]).rendered
        == "\(folder.path)/none.yaml: error: No such file or directory\n")
    #expect(
      Loaded(paths: [folder.path]).rendered
        == "\(folder.path): error: no `*.yaml`, `*.yml` or `*.json` file in this directory\n")
    try folder.link("x.yaml", to: "nowhere")
    #expect(Loaded(paths: [folder.path]).rendered == "\(folder.path)/x.yaml: error: No such file or directory\n")
    #expect(Loaded(paths: ["/dev/null"]).rendered == "/dev/null: error: not a file and not a directory\n")
    #expect(Loaded(paths: [""]).problems.errorCount == 1)
    #expect(Loaded(paths: ["a\0b"]).problems.errorCount == 1)
    #expect(Loaded(paths: [folder.path + "/x.yaml/y"]).problems.errorCount == 1)
  }

  @Test func aFileOverTheLimitIsRefusedUnread() throws {
    let folder = try Folder()
    let file = folder.path + "/big.yaml"
    try folder.write("big.yaml", "a: 1\n")
    let handle = try #require(FileHandle(forWritingAtPath: file))
    try handle.truncate(atOffset: UInt64(SourceSet.bytesMax + 1))
    try handle.close()
    #expect(Loaded(paths: [file]).rendered == "\(file): error: too long: a file has at most 64 MB, and a load 256 MB\n")
  }

  @Test func duplicatesAcrossFilesNameBoth() throws {
    let folder = try Folder()
    try folder.write("a.yaml", policy("a"))
    try folder.write("b.yaml", policy("a"))
    #expect(
      Loaded(paths: [folder.path]).rendered.hasPrefix(
        "\(folder.path)/b.yaml:3:18: error: Policy `default/a` is defined twice, first at \(folder.path)/a.yaml:3:18\n")
    )
  }

  @Test func aListReadsItsFile() throws {
    let folder = try Folder()
    try folder.write("ips/list.txt", "\u{FEFF}# office\n\n 10.0.0.0/8 \r\n\t2001:db8::/32\n  # more\na#b\nlast")
    try folder.write("list.yaml", document("ValueList", "type: STRING\nvalues: [own, 'two words']\nfile: ips/list.txt"))
    let loaded = Loaded(paths: [folder.path + "/list.yaml"])
    #expect(loaded.rendered == "")
    let values = try #require(loaded.documents.valueLists.first?.values)
    #expect(values.map { $0.text } == ["own", "two words", "10.0.0.0/8", "2001:db8::/32", "a#b", "last"])
    #expect(values.map { "\($0.position.line):\($0.position.column)" } == ["6:12", "6:17", "3:2", "4:2", "6:1", "7:1"])
    #expect(loaded.documents.sources.name(of: values[2].position) == folder.path + "/ips/list.txt")
  }

  @Test func aListsFileMustBeThereAndBeText() throws {
    let folder = try Folder()
    try folder.write("list.yaml", document("ValueList", "type: CIDR\nfile: none.txt"))
    #expect(
      Loaded(paths: [folder.path]).rendered.hasPrefix(
        "\(folder.path)/list.yaml:6:9: error: cannot read `\(folder.path)/none.txt`: No such file or directory\n"))
    try folder.write("none.txt", Array("a\nb".utf8) + [0xFF, 0x0A])
    #expect(
      Loaded(paths: [folder.path]).rendered
        == "\(folder.path)/none.txt:2:2: error: not UTF-8: save the file as UTF-8 text\nb?\n ^\n")
    try folder.write("none.txt", "a\n\0b\n")
    #expect(Loaded(paths: [folder.path]).problems.errorCount == 1)
    #expect(
      Loaded(document("ValueList", "type: CIDR\nfile: a.txt")).lines
        == ["6:9: error: an inline document has no folder: write an absolute path"])
  }

  @Test func listsSayWhatTheyNeed() {
    #expect(Loaded(document("ValueList", "type: CIDR")).lines == ["5:3: error: a value list needs `values` or `file`"])
    #expect(Loaded(document("ValueList", "values: []")).lines == ["5:3: error: a value list needs `type`"])
    #expect(
      Loaded(document("ValueList", "type: REGEX\nurl: http://a/")).lines
        == ["6:3: error: value list `url` is not yet supported"])
    #expect(
      Loaded(document("ValueList", "type: STRING\nvalues: [1]")).lines
        == ["6:12: error: expected text for `values`, found a number: quote it"])
    #expect(
      Loaded(document("ValueList", "type: string\nvalues: []")).lines
        == ["5:9: error: unknown type `string`, did you mean `STRING`?"])
  }
}
