// swift-tools-version: 6.2
import PackageDescription

// What CEL costs: a program that evaluates a file's expressions, for run.sh and gate.sh.
let package = Package(
  name: "bench-cel",
  dependencies: [.package(name: "purser", path: "../..")],
  targets: [
    .target(name: "AllocationCount"),
    .executableTarget(
      name: "bench-cel",
      dependencies: [
        "AllocationCount", .product(name: "CEL", package: "purser"), .product(name: "purser_re2", package: "purser"),
      ],
      swiftSettings: [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]),
  ],
  cLanguageStandard: .c11
)
