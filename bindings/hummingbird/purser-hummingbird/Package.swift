// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "purser-hummingbird",
  platforms: [.macOS(.v15)],
  products: [
    .library(name: "PurserHummingbird", targets: ["PurserHummingbird"])
  ],
  dependencies: [
    .package(name: "purser", path: "../../.."),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
  ],
  targets: [
    .target(
      name: "PurserHummingbird",
      dependencies: [
        .product(name: "Hummingbird", package: "hummingbird"),
      ],
      swiftSettings: [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]),
    .testTarget(
      name: "PurserHummingbirdTests",
      dependencies: [
        "PurserHummingbird",
        .product(name: "HummingbirdTesting", package: "hummingbird"),
      ],
      swiftSettings: [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]),
  ]
)
