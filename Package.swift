// swift-tools-version: 6.2
import PackageDescription

// The one list of compiler settings for every Swift target of this package.
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

/// An external package and the version it is pinned to; it is resolved only when a chosen target needs it.
struct External {
    let url: String
    let version: Version
    var traits: Set<Package.Dependency.Trait> = [.defaults]
    var identity: String {
        let last = url.split(separator: "/").last.map(String.init) ?? url
        return last.hasSuffix(".git") ? String(last.dropLast(4)) : last
    }

    func product(_ name: String) -> Target.Dependency { .product(name: name, package: identity) }
}

let nio = External(url: "https://github.com/apple/swift-nio", version: "2.101.2")
let nioSSL = External(url: "https://github.com/apple/swift-nio-ssl", version: "2.37.6")
let argumentParser = External(url: "https://github.com/apple/swift-argument-parser", version: "1.8.2")
let log = External(url: "https://github.com/apple/swift-log", version: "1.16.2")
let collections = External(url: "https://github.com/apple/swift-collections", version: "1.6.0")
let crypto = External(url: "https://github.com/apple/swift-crypto", version: "4.5.2")
let httpClient = External(url: "https://github.com/swift-server/async-http-client", version: "1.37.0")
let mustache = External(url: "https://github.com/hummingbird-project/swift-mustache", version: "2.1.1")
// Without its traits hummingbird needs neither all of Foundation nor swift-configuration.
let hummingbird = External(
    url: "https://github.com/hummingbird-project/hummingbird",
    version: "2.28.1",
    traits: []
)
let httpTypes = External(url: "https://github.com/apple/swift-http-types", version: "1.8.0", traits: [])
let lifecycle = External(url: "https://github.com/swift-server/swift-service-lifecycle", version: "2.13.0")
let grdb = External(url: "https://github.com/groue/GRDB.swift", version: "7.10.0")
let externals = [
    nio, nioSSL, argumentParser, log, collections, crypto, httpClient, mustache, grdb, hummingbird,
    httpTypes, lifecycle,
]

let logging = log.product("Logging")
let nioCore = nio.product("NIOCore")
let nioPosix = nio.product("NIOPosix")
let nioHTTP1 = nio.product("NIOHTTP1")

/// A Swift target with the house settings.
func module(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource]? = nil) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: settings)
}

func executable(
    _ name: String,
    path: String? = nil,
    _ dependencies: [Target.Dependency],
    resources: [Resource]? = nil
) -> Target {
    .executableTarget(name: name, dependencies: dependencies, path: path, resources: resources, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(
        name: name,
        dependencies: dependencies + ["TestSupport"],
        exclude: exclude,
        swiftSettings: settings
    )
}

// What each target may import; the build checks it (Docs/Architecture.md has the reasons).
let targets: [Target] = [
    // C libraries: a module map and a shim header each. `pkgConfig` stays off: the maps' `link` lines suffice.
    .systemLibrary(name: "CHiredis", providers: [.apt(["libhiredis-dev"])]),
    .systemLibrary(name: "CLibYAML", providers: [.apt(["libyaml-dev"])]),
    .systemLibrary(
        name: "CCompression",
        providers: [.apt(["zlib1g-dev", "libbz2-dev", "libzstd-dev", "liblzma-dev", "libbrotli-dev"])]
    ),
    .systemLibrary(name: "CPangoCairo", pkgConfig: "pangocairo fontconfig", providers: [.apt(["libpango1.0-dev"])]),
    .systemLibrary(name: "CZip", providers: [.apt(["libzip-dev"])]),
    .systemLibrary(name: "CMalloc"),
    .systemLibrary(name: "CExpat", providers: [.apt(["libexpat1-dev"])]),
    .target(name: "CSpawn"),
    .target(name: "COpenAPI", exclude: ["openapi.json"]),

    // Values.
    module("CeleryMessage"),
    module("YAML", ["CLibYAML"]),
    module("MessageCodecs", ["CeleryMessage", "YAML", "CCompression"]),
    module("CeleriacTasks", ["CeleryMessage", logging]),
    module("Schedules", ["CeleryMessage"]),
    module("Exposition"),

    // Redis.
    module(
        "RedisClient",
        ["CHiredis", nioCore, nioPosix, nioSSL.product("NIOSSL"), logging]
    ),
    module("Transport", ["CeleryMessage", logging]),
    module(
        "RedisTransport",
        ["Transport", "Schedules", "CeleryMessage", "RedisClient", nioCore, logging],
        resources: [.embedInCode("Scripts")]
    ),

    module("MetricsServer", ["Exposition", nioCore, nioPosix, nioHTTP1, logging]),
    module("RemoteControl", ["CeleryMessage", "RedisClient", "Transport", "RedisTransport"]),

    // Runtimes.
    module("WorkerPool", ["CeleriacTasks", "CeleryMessage", "CSpawn", nioCore, nioPosix, logging]),
    module(
        "WorkerRuntime",
        [
            "Transport", "CeleriacTasks", "CeleryMessage", "WorkerPool", "Exposition", nioCore,
            collections.product("DequeModule"), logging,
        ]
    ),
    module(
        "SynchronousRuns",
        ["Inspection", "WorkerPool", "CeleriacTasks", "CeleryMessage", nioCore, logging]
    ),
    module("BeatRuntime", ["Schedules", "CeleryMessage", "Exposition", collections.product("HeapModule"), logging]),

    module(
        "SMTP",
        ["CeleryMessage", nioCore, nioPosix, nio.product("NIOTLS"), nioSSL.product("NIOSSL")]
    ),

    module("HTMLTemplates", [mustache.product("Mustache")]),
    module("OutgoingHTTP", [httpClient.product("AsyncHTTPClient"), nioCore, nioPosix, nioHTTP1]),

    // Handlers, each behind the API that users have too.
    module("Databases", [grdb.product("GRDB")]),
    module("HandlersDebug", ["CeleriacTasks", "CeleryMessage"]),
    module("HandlersPDF", ["CeleriacTasks", "CeleryMessage", "Databases", "CPangoCairo", logging]),
    module(
        "HandlersMail",
        ["SMTP", "HTMLTemplates", "CeleriacTasks", "CeleryMessage", mustache.product("Mustache"), logging]
    ),
    module(
        "HandlersSMS",
        ["OutgoingHTTP", "CeleriacTasks", "CeleryMessage", crypto.product("Crypto"), logging]
    ),
    module("HandlersExcel", ["CeleriacTasks", "CeleryMessage", "CZip", "CExpat", logging]),
    module("HandlersMaintenance", ["CeleriacTasks", "CeleryMessage", "Databases", logging]),

    // What people and programs ask over HTTP.
    module("Inspection", ["CeleryMessage"]),
    module("Alerts", ["Inspection", "CeleryMessage", "Exposition", logging]),
    module("AlertHooks", ["Alerts", "SMTP", "OutgoingHTTP", "CeleryMessage"]),
    module(
        "RedisInspection",
        [
            "Inspection", "Alerts", "RemoteControl", "Transport", "RedisTransport", "RedisClient", "Schedules",
            "BeatRuntime", "CeleryMessage", nioCore, logging,
        ],
        resources: [.embedInCode("Scripts")]
    ),
    module(
        "AdminGateway",
        [
            "Inspection", "Alerts", "CeleryMessage", "Exposition", "COpenAPI", "HTMLTemplates",
            hummingbird.product("Hummingbird"),
            hummingbird.product("HummingbirdCore"),
            httpTypes.product("HTTPTypes"),
            lifecycle.product("ServiceLifecycle"), crypto.product("Crypto"), nioCore,
            nioPosix, nioHTTP1, nioSSL.product("NIOSSL"), mustache.product("Mustache"), logging,
        ],
        resources: [.embedInCode("Resources/dashboard")]
    ),

    // Wiring.
    module(
        "Settings",
        ["YAML", "Schedules", "CeleryMessage"]
    ),
    module(
        "WorkerCommandLine",
        [
            "Settings", "CeleryMessage", "MessageCodecs", "CeleriacTasks", "RedisClient", "Transport", "RedisTransport",
            "RemoteControl", "WorkerPool", "WorkerRuntime", "BeatRuntime", "Schedules", "MetricsServer", "Exposition",
            "CMalloc",
            argumentParser.product("ArgumentParser"),
            logging,
            nioCore, nioPosix,
        ]
    ),
    module(
        "Celeriac",
        [
            "CeleriacTasks", "CeleryMessage", "WorkerCommandLine", "Settings", "MessageCodecs", "RedisClient",
            "Transport", "RedisTransport", "RemoteControl", nioCore, nioPosix, logging,
        ]
    ),
    module(
        "BeatCommandLine",
        [
            "WorkerCommandLine", "BeatRuntime", "Schedules", "Settings", "CeleriacTasks", "CeleryMessage",
            "RedisClient", "MetricsServer",
            "Transport", "RedisTransport", collections.product("HeapModule"), argumentParser.product("ArgumentParser"),
            logging, nioCore, nioPosix,
        ]
    ),
    module(
        "ShippedHandlers",
        [
            "CeleriacTasks", "HandlersDebug", "HandlersPDF", "HandlersMail", "HandlersSMS", "HandlersExcel",
            "HandlersMaintenance",
        ]
    ),
    executable("BeatTool", ["BeatCommandLine", "ShippedHandlers"]),
    executable(
        "CommandLineTool",
        [
            "WorkerCommandLine", "Settings", "CeleryMessage", "MessageCodecs", "CeleriacTasks", "RedisClient",
            "Transport", "RedisTransport", "Inspection", "RedisInspection", "WorkerPool", "Databases",
            "ShippedHandlers",
            argumentParser.product("ArgumentParser"), nioPosix, logging,
        ],
        resources: [.embedInCode("Resources/tasks.yaml")]
    ),
    executable(
        "Benchmarks",
        path: "Benchmarks/Sources",
        [
            "CeleryMessage", "Schedules", "RedisClient", "Transport", "RedisTransport", nioCore, nioPosix, logging,
            argumentParser.product("ArgumentParser"),
        ]
    ),

    executable(
        "GatewayTool",
        [
            "AdminGateway", "Alerts", "AlertHooks", "SMTP", "SynchronousRuns", "WorkerPool", "RedisInspection",
            "Inspection", "WorkerCommandLine", "Settings", "CeleryMessage", "Exposition",
            "MessageCodecs", "BeatRuntime", "Schedules", "Transport", "RedisClient", "RedisTransport",
            argumentParser.product("ArgumentParser"),
            lifecycle.product("ServiceLifecycle"), lifecycle.product("UnixSignals"), nioCore, nioPosix, logging,
        ]
    ),

    // Celery's own suites run with this worker (Docs/Conformance.md).
    executable("conformance-worker", path: "Tests/Conformance/Worker", ["Celeriac", nioCore, nioPosix]),

    // Each example is a package of its own too. Built here, they share everything with the other targets: alone each
    // would compile the whole library once more.
    executable("OwnWorker", path: "Examples/OwnWorker/Sources/OwnWorker", ["Celeriac"]),
    executable("SwiftProducer", path: "Examples/SwiftProducer/Sources/SwiftProducer", ["Celeriac"]),

    // Tests.
    .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: settings),
    .target(
        name: "HandlerTestSupport",
        dependencies: ["CeleriacTasks", "CeleryMessage", logging],
        path: "Tests/HandlerTestSupport",
        swiftSettings: settings
    ),
    tests("OutgoingHTTPTests", ["OutgoingHTTP", nioCore, nioPosix]),
    tests("HTMLTemplatesTests", ["HTMLTemplates", mustache.product("Mustache")]),
    tests("MetricsServerTests", ["MetricsServer", "Exposition", nioCore, nioPosix, nioHTTP1, logging]),
    tests("CeleryMessageTests", ["CeleryMessage"], exclude: ["Fixtures"]),
    tests("YAMLTests", ["YAML"]),
    tests("MessageCodecsTests", ["MessageCodecs", "CeleryMessage"]),
    tests("CeleriacTasksTests", ["CeleriacTasks", "CeleryMessage"]),
    tests("SchedulesTests", ["Schedules", "CeleryMessage"], exclude: ["Fixtures"]),
    tests("RedisClientTests", ["RedisClient", nioCore, nioPosix, nioSSL.product("NIOSSL"), logging]),
    tests(
        "RedisTransportTests",
        ["RedisTransport", "Transport", "Schedules", "RedisClient", "CeleryMessage", nioCore, nioPosix, logging]
    ),
    executable(
        "PoolTestChild",
        path: "Tests/PoolTestChild",
        ["WorkerPool", "CeleriacTasks", "CeleryMessage", nioCore, nioPosix, logging]
    ),
    tests(
        "WorkerPoolTests",
        ["PoolTestChild", "WorkerPool", "CeleriacTasks", "CeleryMessage", nioCore, nioPosix, logging]
    ),
    tests(
        "SynchronousRunsTests",
        [
            "PoolTestChild", "SynchronousRuns", "Inspection", "WorkerPool", "CeleryMessage", nioCore, nioPosix, logging,
        ]
    ),
    tests(
        "WorkerRuntimeTests",
        [
            "WorkerRuntime", "WorkerPool", "Transport", "CeleriacTasks", "CeleryMessage", "HandlersDebug", "Exposition",
            nioCore, nioPosix, logging,
        ],
        exclude: ["Fixtures"]
    ),
    tests("HandlersPDFTests", ["HandlersPDF", "Databases", "CeleriacTasks", "CeleryMessage", logging]),
    tests(
        "HandlersMailTests",
        [
            "HandlersMail", "SMTP", "HandlerTestSupport", "CeleriacTasks", "CeleryMessage", nioCore, nioPosix,
            nioSSL.product("NIOSSL"), logging,
        ]
    ),
    tests(
        "HandlersSMSTests",
        [
            "HandlersSMS", "HandlerTestSupport", "CeleriacTasks", "CeleryMessage", nioCore, nioPosix, nioHTTP1, logging,
        ]
    ),
    tests("HandlersDebugTests", ["HandlersDebug", "CeleriacTasks", "CeleryMessage", logging]),
    tests("HandlersExcelTests", ["HandlersExcel", "CeleriacTasks", "CeleryMessage", logging]),
    tests("HandlersMaintenanceTests", ["HandlersMaintenance", "Databases", "CeleriacTasks", "CeleryMessage", logging]),
    tests("InspectionTests", ["Inspection", "CeleryMessage"]),
    tests("AlertsTests", ["Alerts", "Inspection", "CeleryMessage", "Exposition", logging]),
    tests(
        "RedisInspectionTests",
        [
            "RedisInspection", "Inspection", "Alerts", "RedisTransport", "RedisClient", "Transport", "Schedules",
            "BeatRuntime", "CeleryMessage", nioCore, nioPosix, logging,
        ]
    ),
    tests(
        "AdminGatewayTests",
        [
            "AdminGateway", "Inspection", "CeleryMessage", "Exposition", hummingbird.product("Hummingbird"),
            hummingbird.product("HummingbirdTesting"), httpTypes.product("HTTPTypes"), nioCore, logging,
        ]
    ),
    tests("SettingsTests", ["Settings", "Schedules", "YAML", "CeleryMessage"]),
    tests("BeatPlanTests", ["BeatCommandLine", "Schedules", "CeleryMessage"]),
    tests("BeatRuntimeTests", ["BeatRuntime", "Schedules", "CeleryMessage", "Exposition", logging]),
    tests("CeleriacTests", ["Celeriac", "HandlerTestSupport", "RedisClient", nioPosix]),
]

// `CELERIAC_ONLY=CeleryMessageTests,YAMLTests swift test` builds those targets and what they need, and
// resolves no package they do not use: seconds instead of minutes while working on one part.
let wanted = Context.environment["CELERIAC_ONLY"].map { $0.split(separator: ",").map(String.init) }

func names(_ target: Target) -> [String] {
    target.dependencies.compactMap { dependency in
        switch dependency {
        case .byNameItem(let name, _), .targetItem(let name, _): name
        default: nil
        }
    }
}

func packages(_ target: Target) -> [String] {
    target.dependencies.compactMap { dependency in
        if case .productItem(_, let package, _, _) = dependency { package } else { nil }
    }
}

var chosen = targets
if let wanted {
    var keep = Set(wanted)
    var queue = wanted
    while let next = queue.popLast() {
        for name in targets.first(where: { $0.name == next }).map(names) ?? [] where keep.insert(name).inserted {
            queue.append(name)
        }
    }
    chosen = targets.filter { keep.contains($0.name) }
}
let needed = Set(chosen.flatMap(packages))
let chosenNames = Set(chosen.map(\.name))

var products: [Product] = []
if chosenNames.contains("CommandLineTool") {
    products.append(.executable(name: "celeriac", targets: ["CommandLineTool"]))
}
if chosenNames.contains("Celeriac") {
    products.append(.library(name: "Celeriac", targets: ["Celeriac"]))
}
if chosenNames.contains("GatewayTool") {
    products.append(.executable(name: "celeriac-gateway", targets: ["GatewayTool"]))
}
if chosenNames.contains("BeatTool") {
    products.append(.executable(name: "celeriac-beat", targets: ["BeatTool"]))
}
if chosenNames.contains("CeleriacTasks") {
    products.append(.library(name: "CeleriacTasks", targets: ["CeleriacTasks"]))
}

let package = Package(
    name: "celeriac",
    products: products,
    dependencies: externals.filter { needed.contains($0.identity) }.map {
        .package(url: $0.url, exact: $0.version, traits: $0.traits)
    },
    targets: chosen,
    swiftLanguageModes: [.v6]
)
