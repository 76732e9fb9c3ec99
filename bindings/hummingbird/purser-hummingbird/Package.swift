// swift-tools-version: 6.2
import PackageDescription

// The folder is not named like the dependency: SwiftPM would take the two for one package.
let strict: [SwiftSetting] = [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]

let package = Package(
  name: "purser-hummingbird",
  products: [
    .library(name: "PurserHummingbird", targets: ["PurserHummingbird"])
  ],
  dependencies: [
    .package(name: "purser", path: "../../.."),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    .package(url: "https://github.com/apple/swift-nio.git", from: "2.0.0"),
    .package(url: "https://github.com/apple/swift-http-types.git", from: "1.0.0"),
  ],
  targets: [
    .target(
      name: "PurserHummingbird",
      dependencies: [
        .product(name: "Purser", package: "purser"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "PurserHummingbirdTests",
      dependencies: [
        "PurserHummingbird",
        .product(name: "Purser", package: "purser"),
        .product(name: "HummingbirdTesting", package: "hummingbird"),
      ],
      swiftSettings: strict),
  ]
)
