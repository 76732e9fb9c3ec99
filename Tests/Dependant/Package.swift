// swift-tools-version: 6.2
import PackageDescription

// A package of somebody else's, which depends on a version of this one. test.sh says where the repository is.
let package = Package(
  name: "dependant",
  dependencies: [
    .package(url: Context.environment["PURSER_REPOSITORY"] ?? "../purser", exact: "0.0.1")
  ],
  targets: [
    .executableTarget(
      name: "dependant",
      dependencies: [.product(name: "Purser", package: "purser")],
      swiftSettings: [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]),
    .executableTarget(
      name: "expressions",
      dependencies: [.product(name: "CEL", package: "purser")],
      swiftSettings: [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]),
  ]
)
