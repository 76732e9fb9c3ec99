// What a case may need beyond plain CEL, and what of it is there.

import CEL
import CELHost

enum ConformanceSupport {
  /// Gives `host` what `need` names; false where that does not exist here, and then the case is skipped.
  static func enable(_ need: String, in host: TestHost) -> Bool {
    switch need {
    case "checker", "tzdata", "backtick_identifiers", "proto2", "proto3", "wkt", "strong_enums": true
    case "regex": regexLibrary != nil
    case "ext:optional": enableLibrary("ext:optionals", in: host)
    case "ext:two_var_comprehensions": enableLibrary("ext:two-var-comprehensions", in: host)
    default: enableLibrary(need, in: host)
    }
  }

  private static func enableLibrary(_ need: String, in host: TestHost) -> Bool {
    guard need.hasPrefix("ext:"), let library = Extension(rawValue: String(need.dropFirst(4))) else { return false }
    host.environment.enable(library)
    return true
  }
}
