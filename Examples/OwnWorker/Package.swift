// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "OwnWorker",
    dependencies: [.package(name: "celeriac", path: "../..")],
    targets: [
        .executableTarget(name: "OwnWorker", dependencies: [.product(name: "Celeriac", package: "celeriac")])
    ]
)
