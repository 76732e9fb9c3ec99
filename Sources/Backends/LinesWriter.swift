// Appends lines to a file that others may rotate, truncate or fill the disk under.
//
//   buffer   [\n][line, line, line …]
//              ▲ written first if the file ends inside a line, so that a half line never swallows a whole one
//
// Before each write the path is looked at: when it names another file, or none, it is opened anew (mode 0640). What
// cannot be written is lost and counted; a line of which only a part got through counts as lost.

import CPlatform

public final class LinesWriter: LogSink, @unchecked Sendable {
  public let path: String
  private let pathText: UnsafeMutablePointer<CChar>
  private let buffer: UnsafeMutablePointer<UInt8>
  private var count = 1
  private var file = platform_append_file(descriptor: -1, device: 0, inode: 0, ends_inside_line: false)
  private var endsInsideLine = false
  private var lost = 0
  private var lostAlready = 0

  /// Large enough for any record, and for few system calls.
  private static var bufferBytes: Int { 256 * 1024 }

  /// Opens the file at once, so that a wrong path is a load error. A path with a NUL is refused.
  public init(path: String) throws(BackendError) {
    guard !path.utf8.isEmpty, !path.utf8.contains(0) else { throw BackendError("`\(path)` is no file path") }
    self.path = path
    guard let pathText = strdup(path) else { throw BackendError("out of memory") }
    guard let memory = malloc(LinesWriter.bufferBytes) else {
      free(pathText)
      throw BackendError("out of memory")
    }
    self.pathText = pathText
    self.buffer = memory.bindMemory(to: UInt8.self, capacity: LinesWriter.bufferBytes)
    buffer[0] = UInt8(ascii: "\n")
    super.init()
    let error = open()
    guard error == 0 else {
      var reason = [CChar](repeating: 0, count: 128)
      reason.withUnsafeMutableBufferPointer { platform_error_text(error, $0.baseAddress, $0.count) }
      throw BackendError("cannot append to `\(path)`: \(textOf(reason))")
    }
  }

  deinit {
    platform_append_close(&file)
    free(buffer)
    free(pathText)
  }

  /// Lines lost since the start, for whoever shows the state of a backend.
  public var lostTotal: Int { lostAlready &+ lost }

  override func write(_ line: UnsafeBufferPointer<UInt8>) {
    guard let base = line.baseAddress, line.count > 0, line.count < LinesWriter.bufferBytes else { return }
    if line.count > LinesWriter.bufferBytes &- count { push() }
    memcpy(buffer + count, base, line.count)
    count &+= line.count
  }

  override func finishRound() -> Int {
    push()
    let result = lost
    lostAlready &+= lost
    lost = 0
    return result
  }

  override func close() {
    push()
    platform_append_close(&file)
  }

  /// 0, or an errno number; then a file that was open stays open.
  private func open() -> Int32 {
    var next = platform_append_file(descriptor: -1, device: 0, inode: 0, ends_inside_line: false)
    let error = platform_append_open(pathText, &next)
    guard error == 0 else { return error }
    platform_append_close(&file)
    file = next
    endsInsideLine = next.ends_inside_line
    return 0
  }

  private func push() {
    guard count > 1 else { return }
    // If the new file cannot be had, the old one still takes lines: better rotated away than lost.
    if !platform_append_is_current(pathText, &file) { _ = open() }
    var at = endsInsideLine ? 0 : 1
    while at < count, file.descriptor >= 0 {
      let taken = platform_append_write(&file, buffer + at, count &- at)
      guard taken > 0 else { break }
      at &+= Int(min(taken, Int64(count &- at)))
      endsInsideLine = buffer[at &- 1] != UInt8(ascii: "\n")
    }
    var rest = max(at, 1)
    while rest < count {
      if buffer[rest] == UInt8(ascii: "\n") { lost &+= 1 }
      rest &+= 1
    }
    count = 1
  }
}
