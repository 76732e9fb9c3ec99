// Files and directories by way of the C shim. An errno becomes words here and nowhere else.

import CEL
import CYAML

enum FileError: Error {
  case tooLong
  /// Neither a file nor a directory: a pipe, a socket, a device. Reading one could block for ever.
  case notRegular
  case system(Int32)

  var message: String {
    switch self {
    case .tooLong: return "too long: a file has at most 64 MB, and a load 256 MB"
    case .notRegular: return "not a file and not a directory"
    case .system(let code):
      return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
        let length = cyaml_errno_text(code, buffer.baseAddress, buffer.count)
        return text(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<min(length, buffer.count)]))
      }
    }
  }
}

enum PathKind { case file, directory }

enum File {
  static func kind(of path: String) throws(FileError) -> PathKind {
    guard !path.utf8.contains(0) else { throw .system(2) }
    var kind: UInt8 = 0
    let code = path.withCString { cyaml_path_kind($0, &kind) }
    guard code == 0 else { throw .system(code) }
    if kind == UInt8(truncatingIfNeeded: CYAML_PATH_FILE) { return .file }
    if kind == UInt8(truncatingIfNeeded: CYAML_PATH_DIRECTORY) { return .directory }
    throw .notRegular
  }

  static func read(_ path: String, lengthMax: Int) throws(FileError) -> [UInt8] {
    guard try kind(of: path) == .file else { throw .notRegular }
    return try taken(from: path) { path, bytes, length in cyaml_file_read(path, max(0, lengthMax), bytes, length) }
  }

  /// The names in a directory in byte order, without those that begin with a dot: editors' files, and Kubernetes'
  /// `..data`, through which the visible names are links.
  static func names(in path: String) throws(FileError) -> [String] {
    let bytes = try taken(from: path) { path, bytes, length in cyaml_directory_read(path, 64 << 20, bytes, length) }
    return bytes.split(separator: 0)
      .filter { $0.first != UInt8(ascii: ".") }
      .ordered { $0.lexicographicallyPrecedes($1) }
      .map { String(decoding: $0, as: UTF8.self) }
  }

  private static func taken(
    from path: String,
    _ read: (UnsafePointer<CChar>, UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>, UnsafeMutablePointer<Int>) ->
      Int32
  ) throws(FileError) -> [UInt8] {
    var buffer: UnsafeMutablePointer<UInt8>?
    var length = 0
    let code = path.withCString { read($0, &buffer, &length) }
    guard code == 0 else { throw code == 27 ? .tooLong : .system(code) }  // 27 is EFBIG
    defer { cyaml_buffer_free(buffer) }
    return [UInt8](UnsafeBufferPointer(start: buffer, count: buffer == nil ? 0 : length))
  }
}

private func text(_ bytes: UnsafeRawBufferPointer) -> String { String(decoding: bytes, as: UTF8.self) }
