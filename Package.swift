// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
]
// Flags that a dependant's package may not carry: scripts/build-library.sh gives them where the shipped library is built.
func shipped(_ name: String) -> [SwiftSetting] {
  guard let flags = Context.environment[name] else { return [] }
  return [.unsafeFlags(flags.split(separator: " ").map { String($0) })]
}
let library = strict + shipped("PURSER_LIBRARY_FLAGS")
// What no request waits for.
let cold = library + shipped("PURSER_COLD_FLAGS")
let strictC: [CSetting] = [.treatAllWarnings(as: .error)]
let strictCXX: [CXXSetting] = [.treatAllWarnings(as: .error)]

let package = Package(
  name: "purser",
  products: [
    .library(name: "Purser", targets: ["Purser"]),
    .library(name: "CEL", targets: ["CEL"]),
    .library(name: "purser_objects", type: .static, targets: ["PurserC"]),
    .library(name: "purser_re2", type: .dynamic, targets: ["RE2Shim"]),
    .executable(name: "purser", targets: ["purser"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
  ],
  targets: [
    // What is not Swift: libc, libyaml, libmicrohttpd, libcurl, protobuf-c, jansson and RE2, each behind one door.
    .target(name: "CPlatform", path: "Sources/Platform", cSettings: strictC),
    .target(name: "CYAML", path: "Sources/YAML", cSettings: strictC, linkerSettings: [.linkedLibrary("yaml")]),
    .target(name: "CMicrohttpd", path: "Sources/Microhttpd", cSettings: strictC),
    // libcurl is opened when the first provider is asked, so nothing is linked. protobuf-c and jansson go inside.
    .target(name: "CCurl", path: "Sources/Curl", cSettings: strictC),
    .target(
      name: "CExtAuthz", path: "Sources/ExtAuthz", exclude: ["proto"],
      cSettings: strictC + [.headerSearchPath("generated")], linkerSettings: [.linkedLibrary("protobuf-c")]),
    .target(
      name: "CJansson", path: "Sources/Jansson", cSettings: strictC, linkerSettings: [.linkedLibrary("jansson")]),
    .target(name: "CLMDB", path: "Sources/LMDB", cSettings: strictC),
    .target(name: "RE2Shim", cxxSettings: strictCXX, linkerSettings: [.linkedLibrary("re2")]),
    .systemLibrary(name: "CPurser", path: "include"),
    .systemLibrary(name: "CSodium", path: "Sources/Sodium"),

    // The engine, from the ground up. docs/ARCHITECTURE.md says who may import whom.
    // libm for the square root, which debug builds call.
    .target(
      name: "CEL", dependencies: ["CPlatform"], swiftSettings: library, linkerSettings: [.linkedLibrary("m")]),
    .target(
      name: "PurserAttributes", dependencies: ["CEL", "CPlatform", "CPurser"], path: "Sources/Attributes",
      swiftSettings: library),
    .target(
      name: "PurserPolicy", dependencies: ["CEL", "CPlatform"], path: "Sources/Policy", swiftSettings: library),
    .target(
      name: "PurserTelemetry", dependencies: ["CEL", "CPlatform"], path: "Sources/Telemetry",
      swiftSettings: library),
    .target(
      name: "PurserBackends", dependencies: ["PurserTelemetry", "CEL", "CPlatform", "CMicrohttpd"],
      path: "Sources/Backends", swiftSettings: cold),
    .target(
      name: "PurserProviders", dependencies: ["CPlatform", "CCurl", "CExtAuthz", "CJansson"],
      path: "Sources/Providers", swiftSettings: cold),
    .target(
      name: "PurserEngine",
      dependencies: [
        "CEL", "PurserAttributes", "PurserPolicy", "PurserTelemetry", "PurserBackends", "CPlatform", "CPurser",
      ],
      path: "Sources/Engine", swiftSettings: library),
    .target(
      name: "PurserConfiguration",
      dependencies: [
        "CEL", "PurserAttributes", "PurserPolicy", "PurserTelemetry", "PurserBackends", "PurserEngine",
        "CPlatform", "CPurser", "CYAML", "CSodium",
      ],
      path: "Sources/Configuration", swiftSettings: cold),
    .target(
      name: "PurserStore", dependencies: ["CPlatform", "CLMDB", "CSodium"], path: "Sources/Store",
      swiftSettings: library
    ),
    .target(
      name: "PurserCheckCache", dependencies: ["PurserStore", "CPlatform", "CSodium"], path: "Sources/CheckCache",
      swiftSettings: library),
    .target(
      name: "PurserExternal",
      dependencies: [
        "PurserEngine", "PurserPolicy", "PurserTelemetry", "PurserProviders", "PurserCheckCache", "PurserStore", "CEL",
        "CPlatform",
      ],
      path: "Sources/External", swiftSettings: cold),
    .target(
      name: "PurserC",
      dependencies: [
        "PurserExternal",
        "CEL", "PurserAttributes", "PurserPolicy", "PurserTelemetry", "PurserBackends", "PurserEngine",
        "PurserConfiguration", "CPlatform", "CPurser",
      ],
      swiftSettings: library),
    // For Swift services in-process: a client of the C header, with its objects beside it.
    .target(
      name: "Purser", dependencies: ["CPurser", "PurserC", "CPlatform"], path: "Sources/PurserSwift",
      swiftSettings: strict),
    .executableTarget(
      name: "purser",
      dependencies: [
        "CPurser", "PurserC", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),

    // What tests of CEL, fuzz targets and `make conformance` share; no product has them.
    .target(
      name: "CELHost", dependencies: ["CEL", "CPlatform", "RE2Shim"], path: "Tests/CELHost", swiftSettings: strict),
    .target(
      name: "CELConformance", dependencies: ["CEL", "CELHost"], path: "Tests/Conformance", swiftSettings: strict),
    .target(
      name: "CELTwin", dependencies: ["CEL", "CELHost"], path: "Tests/Twin", swiftSettings: strict),
    .executableTarget(
      name: "conformance", dependencies: ["CELConformance"], path: "Tests/ConformanceCommand",
      swiftSettings: strict),

    .testTarget(
      name: "CELTests", dependencies: ["CEL", "CELHost", "CELConformance", "CELTwin", "CPlatform", "RE2Shim"],
      exclude: ["conformance-failures.txt"], swiftSettings: strict),
    .testTarget(
      name: "AttributesTests", dependencies: ["PurserAttributes", "CEL", "CPurser", "CPlatform"],
      swiftSettings: strict),
    .testTarget(
      name: "PolicyTests", dependencies: ["PurserPolicy", "CEL", "CPlatform"], swiftSettings: strict),
    .testTarget(
      name: "TelemetryTests", dependencies: ["PurserTelemetry", "CEL", "CPlatform"], swiftSettings: strict),
    .testTarget(
      name: "BackendsTests",
      dependencies: ["PurserBackends", "PurserTelemetry", "CEL", "CPlatform", "CMicrohttpd"],
      swiftSettings: strict),
    .testTarget(name: "StoreTests", dependencies: ["PurserStore", "CPlatform"], swiftSettings: strict),
    .testTarget(
      name: "CheckCacheTests", dependencies: ["PurserCheckCache", "PurserStore", "CPlatform", "cachewriter"],
      exclude: ["faults.sh"], swiftSettings: strict),
    // Writes to a shared cache until it is killed: what the tests of CheckCacheTests kill.
    .executableTarget(
      name: "cachewriter", dependencies: ["PurserCheckCache", "CPlatform"], path: "Tests/CacheWriter",
      swiftSettings: strict),
    .testTarget(
      name: "ProvidersTests",
      dependencies: ["PurserProviders", "CPlatform", "CCurl", "CExtAuthz", "CJansson"],
      exclude: ["servers"], swiftSettings: strict),
    .testTarget(
      name: "EngineTests",
      dependencies: [
        "PurserExternal", "PurserProviders",
        "PurserC", "PurserEngine", "PurserConfiguration", "PurserAttributes", "PurserPolicy", "PurserTelemetry",
        "PurserBackends", "CEL", "CPurser", "CPlatform",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "ConfigurationTests",
      dependencies: [
        "PurserConfiguration", "PurserEngine", "PurserAttributes", "PurserPolicy", "PurserTelemetry",
        "PurserBackends", "CEL", "CPurser", "CPlatform", "CYAML",
      ],
      swiftSettings: strict),
    .testTarget(name: "PurserTests", dependencies: ["Purser", "CPurser"], swiftSettings: strict),
    .testTarget(name: "CommandLineTests", dependencies: ["purser", "CPurser", "PurserC"], swiftSettings: strict),
    .testTarget(
      name: "HouseTests", dependencies: ["PurserAttributes", "CEL"], exclude: ["traps-allowed.txt"],
      swiftSettings: strict),
  ],
  cLanguageStandard: .c11,
  cxxLanguageStandard: .cxx17
)
