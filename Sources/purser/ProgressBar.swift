import Glibc

/// A bar on stderr, shown only on a terminal and only when the work takes longer than a second.
struct ProgressBar {
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let started = Latencies.now()
  private var drawn: Int64?

  /// `fraction` from 0 to 1; nil when the end is not known.
  mutating func update(fraction: Double?, count: Int) {
    guard isTerminal else { return }
    let now = Latencies.now()
    guard now - (drawn ?? (started + 900_000_000)) >= 100_000_000 else { return }
    drawn = now
    var line = "\r"
    if let fraction {
      let width = 30
      let filled = Swift.max(0, Swift.min(width, Int(fraction * Double(width))))
      let percent = Swift.max(0, Swift.min(100, Int(fraction * 100)))
      line +=
        "[" + String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled) + "] \(percent) %  "
    }
    Console.write(line + "\(count) requests", to: STDERR_FILENO)
  }

  /// Takes the bar away.
  mutating func finish() {
    guard drawn != nil else { return }
    Console.write("\r\u{1B}[K", to: STDERR_FILENO)
    drawn = nil
  }
}
