// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "swift-service",
  // A service of yours names the repository and a version here instead of a path.
  dependencies: [.package(name: "purser", path: "../..")],
  targets: [
    .executableTarget(
      name: "swift-service",
      dependencies: [.product(name: "Purser", package: "purser")],
      swiftSettings: [.swiftLanguageMode(.v6)])
  ]
)
