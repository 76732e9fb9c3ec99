// `request.url_path` in all four modes of `pathNormalization`. Nil: the attribute errs.

struct PathCase {
  var path: String
  var none: String
  var base: String?
  var merge: String?
  var decode: String?

  init(_ path: String, none: String? = nil, base: String?, merge: String?, decode: String?) {
    self.path = path
    self.none = none ?? path
    self.base = base
    self.merge = merge
    self.decode = decode
  }

  /// The same in every mode but NONE.
  init(_ path: String, none: String? = nil, _ normalized: String?) {
    self.init(path, none: none, base: normalized, merge: normalized, decode: normalized)
  }

  static let all: [PathCase] = [
    PathCase("/", "/"),
    PathCase("/a/b", "/a/b"),
    PathCase("/a/b/", "/a/b/"),
    PathCase("*", "*"),
    // Query and fragment are no part of it.
    PathCase("/a?b=/../c", none: "/a", "/a"),
    PathCase("/a#b/../c", none: "/a", "/a"),
    PathCase("/a#b?c", none: "/a", "/a"),
    PathCase("/?", none: "/", "/"),
    PathCase("*?x", none: "*", "*"),
    // Dot segments.
    PathCase("/a/./b", "/a/b"),
    PathCase("/a/../b", "/b"),
    PathCase("/a/b/..", "/a/"),
    PathCase("/a/b/.", "/a/b/"),
    PathCase("/..", "/"),
    PathCase("/.", "/"),
    PathCase("/../../a", "/a"),
    PathCase("/a/b/../../../c", "/c"),
    PathCase("/...", "/..."),
    PathCase("/.a/..b/c.", "/.a/..b/c."),
    // Unreserved characters are decoded, before dots are resolved; others are not.
    PathCase("/%61%2D%2e%5F%7e%39", "/a-._~9"),
    PathCase("/a/%2e%2E/b", "/b"),
    PathCase("/a/.%2e/b", "/b"),
    PathCase("/%2e", "/"),
    PathCase("/a%20b%3Fc%23d", "/a%20b%3Fc%23d"),
    PathCase("/%252e%252e/a", "/%252e%252e/a"),
    PathCase("/a%00b", "/a%00b"),
    PathCase("/%C3%A9", "/%C3%A9"),
    PathCase("/é", "/é"),
    // Backslashes.
    PathCase("/a\\b", "/a/b"),
    PathCase("\\a", "/a"),
    PathCase("/a\\..\\b", "/b"),
    PathCase("/a/%5C/b", base: "/a/%5C/b", merge: "/a/%5C/b", decode: "/a/b"),
    PathCase("/a%5c..%5Cb", base: "/a%5c..%5Cb", merge: "/a%5c..%5Cb", decode: "/b"),
    // Repeated slashes.
    PathCase("//", base: "//", merge: "/", decode: "/"),
    PathCase("//a///b", base: "//a///b", merge: "/a/b", decode: "/a/b"),
    PathCase("/a//", base: "/a//", merge: "/a/", decode: "/a/"),
    PathCase("/a//../b", base: "/a/b", merge: "/a/b", decode: "/a/b"),
    PathCase("/a/\\b", base: "/a//b", merge: "/a/b", decode: "/a/b"),
    // Encoded slashes.
    PathCase("/a%2Fb", base: "/a%2Fb", merge: "/a%2Fb", decode: "/a/b"),
    PathCase("/a/%2f/b", base: "/a/%2f/b", merge: "/a/%2f/b", decode: "/a/b"),
    PathCase("/a%2F..%2Fb", base: "/a%2F..%2Fb", merge: "/a%2F..%2Fb", decode: "/b"),
    PathCase("/a%252Fb", "/a%252Fb"),
    // What cannot be normalised.
    PathCase("/%", nil),
    PathCase("/a%2", nil),
    PathCase("/a%g0", nil),
    PathCase("/a%0gb", nil),
    PathCase("/%%32%65", nil),
    PathCase("/a?%zz", none: "/a", "/a"),
    PathCase("", nil),
    PathCase("?a", none: "", nil),
    PathCase("a/b", nil),
    PathCase("*a", nil),
    PathCase("http://shop/a", nil),
  ]
}
