// RE2, behind the shim library that is opened when a plan uses a regular expression: first from the folder that this
// code was loaded from, then as the system's loader finds it.

import CEL
import CPlatform

enum RegexShim {
  static let fileName = "libpurser_re2.so"

  struct Missing: Error {
    var message: String
  }

  static func open() throws(Missing) -> RegexLibrary {
    guard let library = library() else {
      throw Missing(
        message: "regular expressions need `\(fileName)`, which needs Debian's package `libre2-9`: \(lastError())")
    }
    typealias Compile =
      @convention(c) (UnsafePointer<UInt8>?, Int, UnsafeMutablePointer<CChar>?, Int) -> OpaquePointer?
    typealias Match = @convention(c) (OpaquePointer?, UnsafePointer<UInt8>?, Int) -> Int32
    typealias Free = @convention(c) (OpaquePointer?) -> Void
    typealias Count = @convention(c) (OpaquePointer?) -> Int32
    typealias Find =
      @convention(c) (OpaquePointer?, UnsafePointer<UInt8>?, Int, Int, UnsafeMutablePointer<Int64>?, Int) -> Int32
    guard let compile = platform_find_symbol(library, "purser_re2_compile"),
      let match = platform_find_symbol(library, "purser_re2_match"),
      let free = platform_find_symbol(library, "purser_re2_free"),
      let compileGroups = platform_find_symbol(library, "purser_re2_compile_groups"),
      let groupCount = platform_find_symbol(library, "purser_re2_group_count"),
      let find = platform_find_symbol(library, "purser_re2_find")
    else { throw Missing(message: "`\(fileName)` is of another version") }
    return RegexLibrary(
      compile: unsafeBitCast(compile, to: Compile.self), match: unsafeBitCast(match, to: Match.self),
      free: unsafeBitCast(free, to: Free.self),
      groups: RegexLibrary.Groups(
        compile: unsafeBitCast(compileGroups, to: Compile.self), count: unsafeBitCast(groupCount, to: Count.self),
        find: unsafeBitCast(find, to: Find.self)))
  }

  private static func library() -> UnsafeMutableRawPointer? {
    let beside = ownFolder() + fileName
    return platform_open_library(beside, nil, 0) ?? platform_open_library(fileName, nil, 0)
  }

  private static func lastError() -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
      guard let base = buffer.baseAddress, platform_open_library(fileName, base, 256) == nil else { return "" }
      return String(cString: base)
    }
  }

  private static func ownFolder() -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 4096) { buffer in
      guard let base = buffer.baseAddress, platform_own_folder(base, 4096) > 0 else { return "" }
      return String(cString: base)
    }
  }
}
