// swift-tools-version: 6.2
// (manifest cache: sources appeared)
import Foundation
import PackageDescription

let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
]
let strictC: [CSetting] = [.treatAllWarnings(as: .error)]
let strictCXX: [CXXSetting] = [.treatAllWarnings(as: .error)]

let package = Package(
  name: "purser",
  products: [
    .library(name: "CEL", targets: ["CEL"]),
    .library(name: "purser_objects", type: .static, targets: ["PurserC"]),
    .library(name: "purser_re2", type: .dynamic, targets: ["RE2Shim"]),
    .executable(name: "purser", targets: ["purser"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
  ],
  targets: [
    // What is not Swift: libc, libyaml, libmicrohttpd and RE2, each behind one door.
    .target(name: "CPlatform", path: "Sources/Platform", cSettings: strictC),
    .target(name: "CYAML", path: "Sources/YAML", cSettings: strictC, linkerSettings: [.linkedLibrary("yaml")]),
    .target(name: "CMicrohttpd", path: "Sources/Microhttpd", cSettings: strictC),
    .target(name: "RE2Shim", cxxSettings: strictCXX, linkerSettings: [.linkedLibrary("re2")]),
    .systemLibrary(name: "CPurser", path: "include"),
    .systemLibrary(name: "CSodium", path: "Sources/Sodium"),

    // The engine, from the ground up. docs/ARCHITECTURE.md says who may import whom.
    .target(name: "CEL", dependencies: ["CPlatform"], swiftSettings: strict),
    .target(
      name: "PurserAttributes", dependencies: ["CEL", "CPlatform", "CPurser"], path: "Sources/Attributes",
      swiftSettings: strict),
    .target(
      name: "PurserPolicy", dependencies: ["CEL", "CPlatform"], path: "Sources/Policy", swiftSettings: strict),
    .target(
      name: "PurserTelemetry", dependencies: ["CEL", "CPlatform"], path: "Sources/Telemetry",
      swiftSettings: strict),
    .target(
      name: "PurserBackends", dependencies: ["PurserTelemetry", "CEL", "CPlatform", "CMicrohttpd"],
      path: "Sources/Backends", swiftSettings: strict),
    .target(
      name: "PurserEngine",
      dependencies: [
        "CEL", "PurserAttributes", "PurserPolicy", "PurserTelemetry", "PurserBackends", "CPlatform", "CPurser",
      ],
      path: "Sources/Engine", swiftSettings: strict),
    .target(
      name: "PurserConfiguration",
      dependencies: [
        "CEL", "PurserAttributes", "PurserPolicy", "PurserTelemetry", "PurserBackends", "PurserEngine",
        "CPlatform", "CPurser", "CYAML", "CSodium",
      ],
      path: "Sources/Configuration", swiftSettings: strict),
    .target(
      name: "PurserC",
      dependencies: [
        "CEL", "PurserAttributes", "PurserPolicy", "PurserTelemetry", "PurserBackends", "PurserEngine",
        "PurserConfiguration", "CPlatform", "CPurser",
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "purser",
      dependencies: [
        "CPurser", "PurserC", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),

    .testTarget(
      name: "CELTests", dependencies: ["CEL", "CPlatform", "RE2Shim"], exclude: ["conformance-failures.txt"],
      swiftSettings: strict),
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
    .testTarget(
      name: "EngineTests",
      dependencies: [
        "PurserEngine", "PurserConfiguration", "PurserAttributes", "PurserPolicy", "PurserTelemetry",
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
    .testTarget(name: "CommandLineTests", dependencies: ["purser", "CPurser", "PurserC"], swiftSettings: strict),
    .testTarget(name: "HouseTests", dependencies: ["PurserAttributes", "CEL"], swiftSettings: strict),
  ],
  cLanguageStandard: .c11,
  cxxLanguageStandard: .cxx17
)

// While the rooms are being filled: leave out what has no source yet.
let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
func hasSources(_ target: Target) -> Bool {
  let folder = target.path ?? (target.isTest ? "Tests/" : "Sources/") + target.name
  guard let files = FileManager.default.enumerator(atPath: root.appendingPathComponent(folder).path) else {
    return false
  }
  let endings = target.type == .system ? [".modulemap"] : [".swift", ".c", ".cc"]
  for case let file as String in files where endings.contains(where: file.hasSuffix) { return true }
  return false
}
package.targets.removeAll { !hasSources($0) }
let names = Set(package.targets.map(\.name))
for target in package.targets {
  target.dependencies.removeAll {
    if case .byNameItem(let name, _) = $0 { !names.contains(name) } else { false }
  }
}
package.products.removeAll {
  if let library = $0 as? Product.Library {
    !names.isSuperset(of: library.targets)
  } else if let executable = $0 as? Product.Executable {
    !names.isSuperset(of: executable.targets)
  } else {
    false
  }
}
if !names.contains("purser") { package.dependencies = [] }
