import Foundation
import Glibc
import Testing

@testable import PurserBackends

@Suite struct LinesWriterTests {
  @Test func linesAreAppended() throws {
    let folder = try Folder()
    try "old\n".write(toFile: folder.file("log"), atomically: false, encoding: .utf8)
    let writer = try LinesWriter(path: folder.file("log"))
    writer.write("one\n")
    writer.write("two\n")
    #expect(folder.read("log") == "old\n")
    #expect(writer.finishRound() == 0)
    #expect(folder.read("log") == "old\none\ntwo\n")
  }

  @Test func aNewFileIsForOwnerAndGroup() throws {
    let folder = try Folder()
    let before = umask(0)
    defer { umask(before) }
    let writer = try LinesWriter(path: folder.file("log"))
    var status = stat()
    #expect(stat(folder.file("log"), &status) == 0)
    #expect(status.st_mode & 0o777 == 0o640)
    _ = writer.finishRound()
  }

  @Test func aRotatedFileIsOpenedAnew() throws {
    let folder = try Folder()
    let writer = try LinesWriter(path: folder.file("log"))
    writer.write("one\n")
    _ = writer.finishRound()
    try FileManager.default.moveItem(atPath: folder.file("log"), toPath: folder.file("log.1"))
    writer.write("two\n")
    _ = writer.finishRound()
    try FileManager.default.removeItem(atPath: folder.file("log"))
    try "".write(toFile: folder.file("log"), atomically: false, encoding: .utf8)
    writer.write("three\n")
    #expect(writer.finishRound() == 0)
    #expect(folder.read("log.1") == "one\n")
    #expect(folder.read("log") == "three\n")
  }

  @Test func aTruncatedFileIsAppendedTo() throws {
    let folder = try Folder()
    let writer = try LinesWriter(path: folder.file("log"))
    writer.write("one\n")
    _ = writer.finishRound()
    truncate(folder.file("log"), 0)
    writer.write("two\n")
    _ = writer.finishRound()
    #expect(folder.read("log") == "two\n")
  }

  @Test func aFileThatEndsInsideALineGetsANewlineFirst() throws {
    let folder = try Folder()
    try "half a li".write(toFile: folder.file("log"), atomically: false, encoding: .utf8)
    let writer = try LinesWriter(path: folder.file("log"))
    writer.write("one\n")
    _ = writer.finishRound()
    writer.write("two\n")
    _ = writer.finishRound()
    #expect(folder.read("log") == "half a li\none\ntwo\n")
  }

  @Test func whenTheNewFileCannotBeHadTheOldOneGoesOn() throws {
    let folder = try Folder()
    try FileManager.default.createDirectory(atPath: folder.file("logs"), withIntermediateDirectories: false)
    let writer = try LinesWriter(path: folder.file("logs/log"))
    try FileManager.default.moveItem(atPath: folder.file("logs"), toPath: folder.file("gone"))
    writer.write("one\n")
    #expect(writer.finishRound() == 0)
    #expect(folder.read("gone/log") == "one\n")
  }

  @Test func whatCannotBeOpenedIsALoadError() throws {
    let folder = try Folder()
    let inside = folder.file("missing/log")
    #expect(throws: BackendError("cannot append to `\(inside)`: No such file or directory")) {
      try LinesWriter(path: inside)
    }
    #expect(throws: BackendError("cannot append to `\(folder.path)`: Is a directory")) {
      try LinesWriter(path: folder.path)
    }
    #expect(throws: BackendError.self) { try LinesWriter(path: "") }
    #expect(throws: BackendError.self) { try LinesWriter(path: "a\0b") }
    mkfifo(folder.file("pipe"), 0o600)
    #expect(throws: BackendError.self) { try LinesWriter(path: folder.file("pipe")) }
  }

  @Test func manyLinesGoThroughTheBuffer() throws {
    let folder = try Folder()
    let writer = try LinesWriter(path: folder.file("log"))
    let line = String(repeating: "x", count: 60_000) + "\n"
    for _ in 0..<50 { writer.write(line) }
    #expect(writer.finishRound() == 0)
    #expect(folder.read("log") == String(repeating: line, count: 50))
  }

  /// A device that takes nothing.
  @Test func aFullDeviceLosesAndCounts() throws {
    let writer = try LinesWriter(path: "/dev/full")
    for _ in 0..<3 { writer.write("one\n") }
    #expect(writer.finishRound() == 3)
    writer.write("two\n")
    #expect(writer.finishRound() == 1)
    #expect(writer.lostTotal == 4)
  }

  /// A disk that fills up in the middle of a line, and later has room again.
  @Test func aFullDiskLeavesNoHalfLineUncorrected() throws {
    let folder = try Folder()
    try FileManager.default.createDirectory(atPath: folder.file("disk"), withIntermediateDirectories: false)
    guard mount("tmpfs", folder.file("disk"), "tmpfs", 0, "size=64k") == 0 else {
      print("skipped: no tmpfs can be mounted here")
      return
    }
    defer { umount2(folder.file("disk"), Int32(MNT_DETACH)) }
    let writer = try LinesWriter(path: folder.file("disk/log"))
    let line = String(repeating: "x", count: 9_999) + "\n"
    for _ in 0..<10 { writer.write(line) }
    #expect(writer.finishRound() == 4)
    #expect(folder.read("disk/log").utf8.count == 65536)
    writer.write("lost\n")
    #expect(writer.finishRound() == 1)
    // Room again: the half line is ended before the next one.
    truncate(folder.file("disk/log"), 15_000)
    writer.write("whole\n")
    #expect(writer.finishRound() == 0)
    let lines = folder.read("disk/log").split(separator: "\n")
    #expect(lines.map(\.count) == [9_999, 5_000, 5])
    #expect(lines.last == "whole")
  }
}
