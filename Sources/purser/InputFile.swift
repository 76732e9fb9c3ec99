import Glibc

/// A file, or standard input for `-`, read in pieces.
struct InputFile: ~Copyable {
  let name: String
  /// Bytes; nil for a pipe or terminal.
  let size: Int?
  private(set) var bytesRead = 0
  private let descriptor: Int32
  private var buffer: [UInt8] = []
  private var start = 0
  private var isAtEnd = false

  init(_ path: String) throws(Failure) {
    name = path == "-" ? "<stdin>" : path
    descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Failure("\(path): error: \(String(cString: strerror(errno)))") }
    var status = stat()
    if fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG {
      size = Int(status.st_size)
    } else {
      size = nil
    }
  }

  deinit {
    if descriptor != STDIN_FILENO { close(descriptor) }
  }

  /// More than this in one piece is no request.
  private static let pieceBytesMax = 64 << 20

  /// The whole rest.
  mutating func readAll() throws(Failure) -> [UInt8] {
    while !isAtEnd { try fill() }
    return Array(buffer[start...])
  }

  /// The next line without its line feed; nil at the end.
  mutating func readLine() throws(Failure) -> [UInt8]? {
    var searched = start
    while true {
      if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
        defer { start = end + 1 }
        return Array(buffer[start..<end])
      }
      if isAtEnd {
        guard start < buffer.count else { return nil }
        defer { start = buffer.count }
        return Array(buffer[start...])
      }
      let waiting = buffer.count - start
      try fill()
      searched = start + waiting
    }
  }

  private mutating func fill() throws(Failure) {
    if start > 0 {
      buffer.removeFirst(start)
      start = 0
    }
    let old = buffer.count
    guard old <= InputFile.pieceBytesMax else { throw Failure("\(name): error: more than 64 MB in one piece") }
    let piece = max(65536, old)
    buffer.append(contentsOf: repeatElement(0, count: piece))
    var count: Int
    repeat {
      count = buffer.withUnsafeMutableBytes { bytes in
        read(descriptor, bytes.baseAddress.map { $0 + old }, piece)
      }
    } while count < 0 && errno == EINTR
    guard count >= 0 else { throw Failure("\(name): error: \(String(cString: strerror(errno)))") }
    buffer.removeLast(piece - count)
    bytesRead += count
    isAtEnd = count == 0
  }
}
