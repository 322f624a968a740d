// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "SwiftProducer",
    dependencies: [.package(name: "celeriac", path: "../..")],
    targets: [
        .executableTarget(name: "SwiftProducer", dependencies: [.product(name: "Celeriac", package: "celeriac")])
    ]
)
