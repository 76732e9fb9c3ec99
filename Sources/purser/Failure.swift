/// Why a command could not do its work: exit status 1.
///
/// Usage errors (status 2) come from the argument parser and are none of these.
struct Failure: Error {
  /// Complete lines for stderr, without the last line feed.
  var text: String

  init(_ text: String) {
    self.text = text
  }
}
